"""The identity of a point in any grid: a number made of its values, the key, and the code of the experiment."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import Any

import jax
import numpy as np
from jaxtyping import Array

from .. import __version__
from .._types import canonical_float
from .choices import Static
from .code import code_of, library
from .grid import Grid
from .labels import label, text
from .space import Space

Fingerprint = dict[str, Any]
_ROWS = 4096


def fingerprint(experiment: Any, space: Space, key: Array) -> Fingerprint:
    """All that two results must have in common to be of one sweep, but for the values of the points."""
    return {
        "experiment": {
            "name": getattr(experiment, "__qualname__", type(experiment).__name__),
            "code": code_of(experiment),
        },
        "jaxsnn": {"version": __version__, "code": library()},
        "jax": version("jax"),
        "jaxlib": version("jaxlib"),
        "key": [str(jax.random.key_impl(key)), *np.asarray(jax.random.key_data(key)).tolist()],
        "float": str(canonical_float()),
        "platform": jax.default_backend(),
        "space": {name: {"kind": type(axis).__name__, "unit": axis.unit} for name, axis in sorted(space.items())},
    }


def differences(there: Fingerprint, here: Fingerprint) -> list[str]:
    """In what two fingerprints differ, in words."""
    found = []
    names = {
        "experiment": "the code of the experiment",
        "jaxsnn": "the code of jaxsnn",
        "key": "the key",
        "float": "floats",
    }
    for name in here:
        if there.get(name) == here[name]:
            continue
        if name == "space":
            old, new = there.get("space", {}), here["space"]
            for parameter in sorted({*old, *new}):
                if old.get(parameter) != new.get(parameter):
                    found.append(
                        f"{parameter} is {_said(old.get(parameter))} there and {_said(new.get(parameter))} here"
                    )
        elif name in ("experiment", "jaxsnn"):
            found.append(f"{names[name]} is another")
        else:
            what = names.get(name, name)
            found.append(f"{what}: {there.get(name)} there, {here[name]} here")
    return found


def identities(grid: Grid, whole: Fingerprint) -> np.ndarray:
    """A number of 64 bits for every point of a grid; points of equal values have the same."""
    secret = hashlib.blake2b(json.dumps(whole, sort_keys=True).encode(), digest_size=32).digest()
    found = np.empty(grid.size, np.uint64)
    for begin in range(0, grid.size, _ROWS):
        rows = np.arange(begin, min(begin + _ROWS, grid.size))
        for row, record in zip(rows, _records(grid, rows), strict=True):
            found[row] = int.from_bytes(hashlib.blake2b(record, key=secret, digest_size=8).digest(), "little")
    return found


def _records(grid: Grid, rows: np.ndarray) -> list[bytes]:
    """The values of some points as they enter the program, byte by byte."""
    parts = []
    for name, axis in sorted(grid.space.items()):
        if isinstance(axis, Static):
            if axis.capacity:
                continue
            found = grid.column(name, rows)
            assert found.choices is not None
            words = np.frombuffer(b"".join(map(_digest, found.choices)), np.uint64)
            values = words[found.numbers]
        else:
            values = np.ascontiguousarray(grid.column(name, rows).numbers.astype(axis.dtype))
        parts.append(np.ascontiguousarray(values).view(np.uint8).reshape(len(rows), -1))
    table = np.concatenate(parts, axis=1) if parts else np.zeros((len(rows), 0), np.uint8)
    return [row.tobytes() for row in table]


def _digest(choice: Any) -> bytes:
    return hashlib.blake2b(f"{type(choice).__qualname__} {text(label(choice))}".encode(), digest_size=8).digest()


def _said(parameter: dict[str, str] | None) -> str:
    if parameter is None:
        return "missing"
    return parameter["kind"] + (f" in {parameter['unit']}" if parameter["unit"] else "")
