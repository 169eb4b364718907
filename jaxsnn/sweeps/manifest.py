"""Where a result came from."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from .. import __version__


def manifest(whole: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """What a store says of itself: what all its points have in common, and where they came from."""
    made = dict(about) if "made" in about else provenance(None, None)
    experiment = {
        "name": whole["experiment"]["name"],
        "file": about.get("experiment", ""),
        "sha256": whole["experiment"]["code"],
    }
    said = {"format": 1, "fingerprint": dict(whole), **made, "experiment": experiment}
    return said | {name: whole[name] for name in ("key", "float", "space")}


def provenance(experiment: Path | None, seed: int | None) -> dict[str, Any]:
    """What it takes to make a result again: the file, its git revision, the seed, versions, device and time."""
    versions = {name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "equinox", "numpy", "xarray")}
    device = jax.devices()[0]
    said: dict[str, Any] = {
        "revision": _revision(Path.cwd() if experiment is None else experiment.resolve().parent),
        "versions": json.dumps({"jaxsnn": __version__} | versions),
        "python": platform.python_version(),
        "device": f"{len(jax.devices())} x {device.platform} {device.device_kind}",
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    if experiment is not None:
        said |= {"experiment": str(experiment), "base_seed": seed}
    return said


def _revision(folder: Path) -> str:
    """The git revision, with `+` where the tree had changes; `unknown` outside a repository."""

    def git(*arguments: str) -> str:
        done = subprocess.run(("git", *arguments), cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
