"""Programs as files, also those that learn: one `.npz` with every register, and JSON that says what they are."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import os
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .. import _archive
from .._archive import FileError
from .._types import as_number
from . import cells, convolution, cores, sparse, synapses
from .learning import engine, rounding, rule, trace
from .learning import synapses as learning
from .loihi2 import graded, leaky, resonate, sigma_delta
from .program import Program
from .report import Report
from .targets import checked_again

FORMAT, VERSION = "jaxsnn program", 4
_HEADER, _DIGEST = "program.json", "sha256"
# What a file may name. Anything else is refused: a file cannot make a reader build what it likes.
_KINDS = {
    kind.__name__: kind
    for module in (
        *(cells, convolution, cores, sparse, synapses, engine, learning, rounding, rule, trace),
        *(graded, leaky, resonate, sigma_delta),
    )
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, eqx.Module) and kind.__module__ == module.__name__
} | {"Program": Program}


WHAT = "a program that program.save wrote"


class ProgramFileError(FileError):
    """A file that is no program, or not this one any more: cut off, changed, or written by a newer version."""


def save(program: Program, path: str | os.PathLike[str]) -> None:
    """Write a program. What is read back is identical: same registers, same types, same steps bit for bit."""
    arrays: dict[str, np.ndarray] = {}
    header = {"format": FORMAT, "version": VERSION, "program": _describe(program, "", arrays)}
    header["report"] = program.report.json if program.report else None
    text = json.dumps(header, sort_keys=True)
    _archive.write(path, {_HEADER: np.array(text), _DIGEST: np.array(_digest(text, arrays)), **arrays})


def load(path: str | os.PathLike[str]) -> Program:
    """Read a program that `save` wrote.

    **Raises:** `ProgramFileError` (a ValueError) that says why: no program, truncated, changed since, or newer.
    """
    try:
        arrays = _archive.read(path, WHAT)
    except FileError as error:
        raise ProgramFileError(str(error)) from None
    where = f"{os.fspath(path)!r}"
    if _HEADER not in arrays or _DIGEST not in arrays:
        raise ProgramFileError(f"{where} is an .npz file without {_HEADER}; expected {WHAT}.")
    text, digest = str(arrays.pop(_HEADER)), str(arrays.pop(_DIGEST))
    try:
        header = json.loads(text)
        version, known, node, said = (
            int(header["version"]),
            header["format"] == FORMAT,
            header["program"],
            header["report"],
        )
        if said is not None:
            json.loads(said)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ProgramFileError(f"{where} has a header that cannot be read; write it again.") from None
    if not known:
        raise ProgramFileError(f"{where} is a {str(header['format'])[:40]!r}, expected a {FORMAT!r}.")
    if version > VERSION:
        raise ProgramFileError(
            f"{where} has version {version}, and this jaxsnn reads up to {VERSION}; install a newer."
        )
    if digest != _digest(text, arrays):
        raise ProgramFileError(f"{where} was changed after it was written: its checksum is another; write it again.")
    try:
        program = _build(node, arrays)
        if not isinstance(program, Program):
            raise ProgramFileError(f"The file describes {type(program).__name__}, which is no program")
    except ProgramFileError as error:
        raise ProgramFileError(f"{where}: {error}") from None
    except Exception as error:  # a header that does not describe what its parts are
        raise ProgramFileError(f"{where} describes no program ({_archive.said(error)}); write it again.") from None
    return dataclasses.replace(program, report=Report(said)) if said else program


def _describe(node: Any, at: str, arrays: dict[str, np.ndarray]) -> Any:
    """What a part is, as JSON; its arrays go into `arrays` under their path."""
    if eqx.is_array(node):
        arrays[at] = np.asarray(node)
        return {"array": at}
    if isinstance(node, dict):
        return {"dict": {key: _describe(value, f"{at}/{key}", arrays) for key, value in node.items()}}
    if isinstance(node, tuple):
        return {"tuple": [_describe(value, f"{at}/{i}", arrays) for i, value in enumerate(node)]}
    if isinstance(node, eqx.Module):
        parts = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
        parts.pop("report", None)
        if type(node).__name__ not in _KINDS:
            raise ValueError(f"{type(node).__name__} cannot be written to a program file; it is no kind of the chip's.")
        return {
            "kind": type(node).__name__,
            "fields": {key: _describe(value, f"{at}/{key}", arrays) for key, value in parts.items()},
        }
    return {"plain": node}


def _build(node: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    """The reverse."""
    if "array" in node:
        return arrays[node["array"]]
    if "dict" in node:
        return {key: _build(value, arrays) for key, value in node["dict"].items()}
    if "tuple" in node:
        return tuple(_build(value, arrays) for value in node["tuple"])
    if "kind" in node:
        if node["kind"] not in _KINDS:
            raise ProgramFileError(f"The file names a {node['kind']!r}, which is no part of a program.")
        return _made(_KINDS[node["kind"]], {key: _build(value, arrays) for key, value in node["fields"].items()})
    plain = node["plain"]
    return tuple(map(tuple, plain)) if isinstance(plain, list) else plain  # a list: as version 1 had it


def _made(kind: type, fields: dict[str, Any]) -> Any:
    """A part from its fields: by its constructor, or, where that takes something else (a time constant), as it was."""
    if fields.keys() <= inspect.signature(kind).parameters.keys():
        return kind(**fields)
    if fields.keys() != {field.name for field in dataclasses.fields(kind)}:
        raise ProgramFileError(f"The file describes a {kind.__name__} of other fields than it has")
    made = object.__new__(kind)
    for name, value in fields.items():
        object.__setattr__(made, name, value if isinstance(value, str) else jax.tree.map(_number, value))
    checked_again(made)
    return made


def _number(x: np.ndarray) -> Any:
    return as_number(x) if np.issubdtype(x.dtype, np.floating) else jnp.asarray(x)


def _digest(text: str, arrays: dict[str, np.ndarray]) -> str:
    """A checksum of everything: header, names, types, shapes and numbers."""
    total = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        x = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {x.dtype.str} {x.shape}".encode())
        total.update(x.tobytes())
    return total.hexdigest()
