"""Where compiled programs are kept between processes that the command line starts."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path

import jax

SWITCH = "JAXSNN_COMPILE_CACHE"
_MOST = 2 * 2**30  # bytes


def keep_programs() -> Path | None:
    """Let JAX keep compiled programs in the user's cache folder, and be silent about it; the folder.

    None where JAX has a folder already (`JAX_COMPILATION_CACHE_DIR`), of which it is silent, too. None, and nothing
    changes, where `JAXSNN_COMPILE_CACHE=off`, where JAX's cache is switched off, or where the folder cannot be written.
    `JAXSNN_COMPILE_CACHE` may also name another folder. Programs hold instructions of the processor that they were
    compiled on, so that every kind of processor has a folder of its own; the oldest go when there are more than 2 GiB.
    """
    given = os.environ.get(SWITCH, "")
    if given.lower() in ("off", "0", "false", "no"):
        return None
    if not jax.config.values["jax_enable_compilation_cache"]:
        return None
    if jax.config.values["jax_compilation_cache_dir"]:
        _be_silent()
        return None
    folder = (Path(given) if given else _of_the_user() / "jaxsnn") / _processor()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _trim(folder)
        writable = os.access(folder, os.W_OK)
    except (OSError, RuntimeError):  # no home
        writable = False
    if not writable:
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    _be_silent()
    return folder


def _be_silent() -> None:
    """XLA logs two errors for every program that it finds kept; whoever asked for its log gets them."""
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "1") == "1":  # JAX's default
        jax.config.update("jax_logging_level", "CRITICAL")


def _of_the_user() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        kind = "\n".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))
    except OSError:
        kind = f"{platform.machine()} {platform.processor()}"
    return hashlib.sha256(kind.encode()).hexdigest()[:12]


def _trim(folder: Path) -> None:
    """Drop the oldest programs where there are too many bytes of them."""
    files = sorted((p.stat().st_mtime, p.stat().st_size, p) for p in folder.iterdir() if p.is_file())
    excess = sum(size for _, size, _ in files) - _MOST
    for _, size, path in files:
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= size
