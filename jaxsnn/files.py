"""Networks and run states as files: `save` and `load`. Nothing is unpickled, and nothing runs that a file says."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable
from typing import Any

import numpy as np

from . import _archive, _objects
from ._archive import FileError

__all__ = ["FileError", "load", "save"]

FORMAT, VERSION = "jaxsnn", 1
WHAT = "a file that jaxsnn.save wrote"
_HEADER, _DIGEST = "header.json", "sha256"


def save(tree: Any, path: str | os.PathLike[str]) -> None:
    """Write a network, a run's state (`run.state`), a drive, or a dict, list or tuple of them, to one file.

    What `load` reads back is identical: same numbers, same types, so that a continued run is the same bit for bit and
    nothing compiles again. The file is written beside `path` and then moved: there is never half of one. (A lowered
    program has a format of its own: `program.save`.)

    **Arguments:** `tree`: arrays, numbers, names, and modules of them. `path`: where to; an ending is not added.

    **Raises:** ValueError for what no file holds, such as a function: it names where it is.
    """
    arrays: _objects.Arrays = {}
    if isinstance(tree, type):
        raise ValueError(f"Got the class {tree.__name__}, expected a network or a state, which is one of its objects.")
    text = json.dumps(
        {"format": FORMAT, "version": VERSION, "tree": _objects.describe(tree, "", arrays, _name)}, sort_keys=True
    )
    folder = os.path.dirname(os.path.abspath(os.fspath(path)))
    if not os.path.isdir(folder):
        raise ValueError(f"There is no folder {folder!r} to write to; make it first.")
    handle, beside = tempfile.mkstemp(dir=folder, suffix=".part")
    os.close(handle)
    try:
        given = {_HEADER: np.array(text), _DIGEST: np.array(_objects.digest(text, arrays))}
        _archive.write(beside, given | {f"tree/{name}": x for name, x in arrays.items()})
        os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.unlink(beside)


def load(path: str | os.PathLike[str], *, kinds: Iterable[type] = ()) -> Any:
    """Read what `save` wrote.

    **Arguments:** `path`: of the file. `kinds`: classes of your own that the file names, such as a neuron: a file makes
    nothing but what jaxsnn has and what is given here.

    **Raises:** `FileError` (a ValueError) that says why: no such file, damaged, changed since it was written, newer
    than this jaxsnn, too large for its size, or with a class that is not known.
    """
    kinds = (kinds,) if isinstance(kinds, type) else tuple(kinds)
    if not all(isinstance(kind, type) for kind in kinds):
        raise ValueError(f"Got kinds = {kinds!r}, expected classes.")
    known: dict[str, type] = {kind.__name__: kind for kind in kinds}
    arrays = _archive.read(path, WHAT)
    where = f"{os.fspath(path)!r}"
    if _HEADER not in arrays or _DIGEST not in arrays:
        raise FileError(f"{where} is an .npz file without {_HEADER}; expected {WHAT}.")
    text, digest = str(arrays.pop(_HEADER)), str(arrays.pop(_DIGEST))
    arrays = {name.removeprefix("tree/"): x for name, x in arrays.items()}
    try:
        header = _objects.parsed(text)
        version, tree = int(header["version"]), header["tree"]
        said = str(header["format"])[:40]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(f"{where} has a header that cannot be read ({_archive.said(error)}); write it again.") from None
    if said != FORMAT:
        raise FileError(f"{where} is a {said!r} file, expected {WHAT}.")
    if version > VERSION:
        raise FileError(f"{where} has version {version}, and this jaxsnn reads up to {VERSION}; install a newer one.")
    if digest != _objects.digest(text, arrays):
        raise FileError(f"{where} was changed after it was written: its checksum is another; write it again.")
    try:
        return _objects.build(tree, arrays, lambda name: _kind(name, known))
    except Exception as error:  # a header that does not describe what its parts are
        raise FileError(f"{where} cannot be read: {_archive.said(error)}.") from None


def _name(kind: type) -> str:
    """A class of the library by where it is, any other by its name, for `load(kinds=...)`."""
    return f"{kind.__module__}.{kind.__qualname__}" if _ours(kind) else kind.__name__


def _ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "jaxsnn" or kind.__module__.startswith("equinox.nn.")


def _kind(name: str, known: dict[str, type]) -> type:
    if "." not in name:
        if name not in known:
            raise ValueError(
                f"it names {name!r}, which jaxsnn does not have; give the class: load(..., kinds=[{name}])"
            )
        return known[name]
    module, _, kind = name.rpartition(".")
    if module.startswith("jaxsnn."):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)  # a room that nobody has asked for yet
    found = vars(sys.modules[module]).get(kind) if module in sys.modules else None
    if isinstance(found, type) and _ours(found) and (hasattr(found, "_fields") or dataclasses.is_dataclass(found)):
        return found
    raise ValueError(f"it names {name!r}, which this jaxsnn does not have")
