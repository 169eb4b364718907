"""From C source to a function that XLA can call: the C compiler that is there, and a folder that keeps what it made."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import jax

from .program import Unsupported

FLAGS = (
    "-std=gnu11", "-O3", "-march=native", "-fPIC", "-shared", "-fwrapv", "-fno-math-errno", "-fno-trapping-math",
    "-fopenmp-simd", "-fno-strict-aliasing", "-fcx-limited-range", "-fno-tree-loop-distribute-patterns", "-w",
)  # fmt: skip

_lock = threading.Lock()
_loaded: dict[str, ctypes.CDLL] = {}


@functools.cache
def compiler() -> str | None:
    """The C compiler: `$CC`, or the first that is there; None if there is none."""
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        if name and (path := shutil.which(name)):
            return path
    return None


@functools.cache
def _version(path: str) -> str:
    return subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout


@functools.cache
def _machine() -> str:
    """What `-march=native` depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        return platform.processor()


def folder() -> Path:
    """Where compiled programs are kept: `$JAXSNN_CACHE` or `~/.cache/jaxsnn`."""
    return Path(os.environ.get("JAXSNN_CACHE", "~/.cache/jaxsnn")).expanduser() / "native"


def target(source: str, flags: tuple[str, ...] = ()) -> str:
    """The name of a compiled program, by which XLA calls it; compiled unless that has been done before."""
    cc = compiler()
    if cc is None:
        raise Unsupported("no C compiler (set CC, or install gcc or clang)")
    told = "\0".join((source, *FLAGS, *flags, _version(cc), _machine(), jax.__version__))
    name = f"jaxsnn_{hashlib.sha256(told.encode()).hexdigest()[:24]}"
    with _lock:
        if name not in _loaded:
            path = folder() / f"{name}.so"
            if not path.exists():
                _compile(cc, source, flags, path)
            _loaded[name] = library = ctypes.CDLL(str(path))
            jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(library.jaxsnn_run), platform="cpu")
    return name


def _compile(cc: str, source: str, flags: tuple[str, ...], path: Path) -> None:
    """Written under another name first, so that processes that share the folder see whole files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as place:
        text, made = Path(place) / "run.c", Path(place) / "run.so"
        text.write_text(source)
        command = [cc, *FLAGS, *flags, f"-I{jax.ffi.include_dir()}", str(text), "-o", str(made), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Unsupported(f"{cc} failed: {done.stderr.strip()[:2000]}")
        os.replace(text, path.with_suffix(".c"))  # to be read beside it
        os.replace(made, path)
