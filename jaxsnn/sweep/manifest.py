"""Results on disk: a labelled dataset and where it came from."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import platform
import subprocess
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax

if TYPE_CHECKING:
    import xarray


def manifest(experiment: Path, seed: int) -> dict[str, Any]:
    """What it takes to make a result again: the file, its git revision, the seed, versions, device and time."""
    versions = {name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "equinox", "numpy", "xarray")}
    device = jax.devices()[0]
    return {
        "experiment": experiment.name,
        "revision": _revision(experiment.resolve().parent),
        "base_seed": seed,
        "versions": json.dumps(versions),
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


def save(dataset: xarray.Dataset, folder: Path) -> Path:
    """Write `result.zarr` into `folder`, or into `folder-2`, `folder-3`, ... where there is a result: none is lost."""
    free, number = folder, 1
    while (free / "result.zarr").exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    free.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():  # names as coordinates (the values of a Static): zarr calls their type a draft
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification.*")
        dataset.to_zarr(free / "result.zarr", mode="w-", consolidated=False)
    return free
