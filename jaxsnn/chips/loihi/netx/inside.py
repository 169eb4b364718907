"""What is inside an HDF5 file, and only that: no link, storage or mapping that leads out of it is followed.

A file that `to_netx` wrote begins with a block of 512 bytes, which HDF5 leaves to its users, with a checksum of all
that follows. It is compared before HDF5 reads anything. Files of others have none.
"""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from ...._archive import FileError, regular, room, said
from ...._hdf5 import datasets

BLOCK = 512  # bytes, the smallest that HDF5 has
_MARK = b"jaxsnn netx, sha256 of what follows this block of 512 bytes: "
_DEEPEST = 8  # groups in groups


class Section:
    """A group of a file that was read: its datasets and groups by name, `"neuron/type"` too."""

    def __init__(self, arrays: dict[str, np.ndarray], at: str = ""):
        self.arrays, self.at = arrays, at

    def __contains__(self, name: str) -> bool:
        path = f"{self.at}{name}"
        return path in self.arrays or any(key.startswith(f"{path}/") for key in self.arrays)

    def __getitem__(self, name: str) -> np.ndarray:
        if f"{self.at}{name}" not in self.arrays:
            raise ValueError(f"it has no dataset {self.at}{name}")
        return self.arrays[f"{self.at}{name}"]

    def section(self, name: str) -> Section:
        """A group in this one."""
        if name not in self:
            raise ValueError(f"it has no group {self.at}{name}")
        return Section(self.arrays, f"{self.at}{name}/")

    def names(self) -> set[str]:
        """Of what stands directly in it."""
        return {key[len(self.at) :].split("/")[0] for key in self.arrays if key.startswith(self.at)}


def read(path: str | os.PathLike[str], what: str) -> Section:
    """Every dataset of an HDF5 file. **Raises:** `FileError` for one that is damaged, changed, or leads elsewhere."""
    import h5py

    found = regular(path, what)
    if _changed(found):
        raise FileError(f"{str(found)!r} was changed after it was written: its checksum is another; write it again.")
    arrays: dict[str, np.ndarray] = {}
    try:
        with h5py.File(found, "r") as file:
            left = room(found.stat().st_size)
            for name, dataset in datasets(file, deepest=_DEEPEST):
                left -= _size(name, dataset)
                if left < 0:
                    raise ValueError(f"it holds more than {room(found.stat().st_size)} bytes")
                arrays[name] = np.asarray(dataset[()])
    except Exception as error:  # whatever a damaged file makes HDF5 raise
        raise FileError(
            f"{str(found)!r} is damaged or not {what}, in an HDF5 file of its own ({said(error)}); write it again."
        ) from None
    return Section(arrays)


def _size(name: str, dataset: Any) -> int:
    """Bytes that a dataset declares. Raises for one that has no numbers."""
    if dataset.shape is None or dataset.dtype.kind not in "biufS":
        raise ValueError(f"{name} has {dataset.dtype}, expected numbers or text of one length")
    return math.prod(dataset.shape) * dataset.dtype.itemsize


def _digest(path: Path) -> bytes:
    with open(path, "rb") as file:
        file.seek(BLOCK)
        return hashlib.file_digest(file, "sha256").hexdigest().encode()


def _changed(path: Path) -> bool:
    """Whether a file that has a checksum is another than it says."""
    with open(path, "rb") as file:
        block = file.read(BLOCK)
    return block.startswith(_MARK) and block[len(_MARK) :].rstrip(b"\0") != _digest(path)


def seal(path: str | os.PathLike[str]) -> None:
    """Write the checksum of a file that was made with a user block of `BLOCK` bytes."""
    digest = _digest(Path(path))
    with open(path, "r+b") as file:
        file.write((_MARK + digest).ljust(BLOCK, b"\0"))
