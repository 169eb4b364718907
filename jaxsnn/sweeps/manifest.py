"""Where a result came from."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import platform
import subprocess
from pathlib import Path
from typing import Any

import jax

from .. import __version__


def manifest(experiment: Path, seed: int) -> dict[str, Any]:
    """What it takes to make a result again: the file, its git revision, the seed, versions, device and time."""
    versions = {name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "equinox", "numpy", "xarray")}
    device = jax.devices()[0]
    return {
        "experiment": experiment.name,
        "revision": _revision(experiment.resolve().parent),
        "base_seed": seed,
        "versions": json.dumps({"jaxsnn": __version__} | versions),
        "python": platform.python_version(),
        "device": f"{len(jax.devices())} x {device.platform} {device.device_kind}",
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _revision(folder: Path) -> str:
    """The git revision, with `+` where the tree had changes; `unknown` outside a repository."""

    def git(*arguments: str) -> str:
        done = subprocess.run(("git", *arguments), cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
