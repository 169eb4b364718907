"""Descriptions in files: one `.npz`, whose arrays stand where the text of the rest says."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import _archive
from ..._archive import FileError, said

_MARK = "@array"
_WHAT = "a file of a description of a Brian2 network"


def store_brian2(description: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a `description` of a Brian2 network, as `describe_brian2` returns it, to a file at `path`, `.npz`.

    `from_brian2` takes the path. Nothing in the file is code.
    """
    arrays: dict[str, np.ndarray] = {}

    def text(x: Any) -> Any:
        if isinstance(x, Mapping):
            return {str(key): text(value) for key, value in x.items()}
        if isinstance(x, (list, tuple)):
            return [text(each) for each in x]
        if isinstance(x, np.ndarray) and x.ndim:
            arrays[f"a{len(arrays)}"] = x
            return {_MARK: f"a{len(arrays) - 1}"}
        return x.item() if isinstance(x, (np.generic, np.ndarray)) else x

    header = json.dumps(text(description))
    np.savez_compressed(path, header=np.array(header), **arrays)  # type: ignore[arg-type]


def opened(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a description from a file. **Raises:** `FileError` for one that is damaged, or no description."""
    arrays = _archive.read(path, _WHAT)
    if "header" not in arrays:
        raise FileError(f"{os.fspath(path)!r} is no file of a description of a Brian2 network, as jaxsnn writes one.")
    try:
        found = restored(str(arrays["header"]), arrays)
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        found = said(error)
    if not isinstance(found, dict):
        raise FileError(f"{os.fspath(path)!r} has a text that is no description of a Brian2 network ({found!s:.99}).")
    return found


def restored(header: str, arrays: Mapping[str, np.ndarray]) -> Any:
    """A description from its text and its arrays."""

    def whole(x: Any) -> Any:
        if isinstance(x, dict):
            return arrays[x[_MARK]] if _MARK in x else {key: whole(value) for key, value in x.items()}
        return [whole(each) for each in x] if isinstance(x, list) else x

    return whole(json.loads(header))
