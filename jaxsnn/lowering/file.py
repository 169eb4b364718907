"""Programs as files: one `.npz` with all registers and a JSON header that describes them."""

from __future__ import annotations

import json
import os

import numpy as np

from .. import _archive, _objects
from .._archive import FileError
from .program import Program
from .storage import kind_of, name_of
from .target import checked_again

FORMAT, VERSION = "jaxsnn program", 5
WHAT = "a program that save_program wrote"
_HEADER, _DIGEST = "program.json", "sha256"


class ProgramFileError(FileError):
    """Not a program file, or one that is truncated, changed or of another version."""


def save_program(program: Program, path: str | os.PathLike[str]) -> None:
    """Write `program` to an `.npz` file at `path`, from which the same program is read, register by register."""
    if not isinstance(program, Program):
        raise ValueError(f"Got {type(program).__name__}, expected a Program, as lower(...).program is one.")
    arrays: _objects.Arrays = {}
    header = {"format": FORMAT, "version": VERSION, "program": _objects.describe(program, "", arrays, name_of)}
    text = json.dumps(header, sort_keys=True)
    _archive.write(path, {_HEADER: np.array(text), _DIGEST: np.array(_objects.digest(text, arrays)), **arrays})


def load_program(path: str | os.PathLike[str]) -> Program:
    """Read a program that `save_program` wrote to `path`.

    A file can only contain parts whose classes are marked with `@stored`.

    **Raises:** `ProgramFileError` (a ValueError) with the reason: not a program, truncated, changed, or of another
    version.
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
        header = _objects.parsed(text)
        version, known, node = int(header["version"]), header["format"] == FORMAT, header["program"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ProgramFileError(f"{where} has a header that cannot be read; write it again.") from None
    if not known:
        raise ProgramFileError(f"{where} is a {str(header['format'])[:40]!r}, expected a {FORMAT!r}.")
    if version != VERSION:
        newer = "install a newer jaxsnn" if version > VERSION else "lower the network again"
        raise ProgramFileError(f"{where} has version {version}, and this jaxsnn reads {VERSION}; {newer}.")
    if digest != _objects.digest(text, arrays):
        raise ProgramFileError(f"{where} was changed after it was written: its checksum is another; write it again.")
    try:
        program = _objects.build(node, arrays, kind_of)
        checked_again(program)
    except Exception as error:  # a header that does not match its arrays
        raise ProgramFileError(f"{where} describes no program ({_archive.said(error)}); write it again.") from None
    if not isinstance(program, Program):
        raise ProgramFileError(f"{where} describes {type(program).__name__}, which is no program; write it again.")
    return program
