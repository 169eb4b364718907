"""HDF5 files, read without trust: what a data set says of its size is held against the size of the file."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._archive import FileError, said

_RATIO = 1100  # the most that compression saves


def open_hdf5(path: str, what: str) -> Any:
    """An open file of h5py; one error where it is none. `what` it should be."""
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise FileError(f"{path!r} is truncated, damaged or not {what} ({said(error)}).") from None


def part(dataset: Any, path: str, some: Any = ()) -> np.ndarray:
    """A data set, or a part of it, as an array; nothing is read that says it is larger than what is stored of it."""
    if not hasattr(dataset, "shape") or dataset.shape is None:
        raise FileError(f"{path!r} has {str(getattr(dataset, 'name', dataset))!r}, which is no array.")
    try:
        claimed = math.prod(dataset.shape) * dataset.dtype.itemsize
        stored = min(dataset.id.get_storage_size(), os.path.getsize(path))
        if claimed > (stored if dataset.chunks is None else _RATIO * stored):
            raise FileError(f"{path!r} says that {dataset.name!r} has {claimed} bytes, and stores {stored}.")
        return np.asarray(dataset[some])
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path!r}: {dataset.name!r} is damaged ({said(error)}).") from None


def check_lists(dataset: Any, path: str) -> None:
    """One error for a list of lists of which one says that it is longer than the file.

    The library that reads HDF5 takes the room that a list claims before it looks. What a list says is in the first four
    of its sixteen bytes, which lie in the file as they are, or packed by gzip, after a shuffle of bytes or not.
    """
    claimed = 0
    try:
        for packed in _stored(dataset, path):
            pieces = np.frombuffer(packed, np.uint8)[: len(packed) // 16 * 16]
            pieces = pieces.reshape(16, -1).T if dataset.shuffle else pieces.reshape(-1, 16)
            claimed = max(claimed, int(np.ascontiguousarray(pieces[:, :4]).view("<u4").max(initial=0)))
    except (OSError, ValueError, RuntimeError, zlib.error) as error:
        raise FileError(f"{path!r}: {dataset.name!r} is damaged ({said(error)}).") from None
    if claimed * dataset.dtype.metadata["vlen"].itemsize > os.path.getsize(path):
        raise FileError(f"{path!r} says that a list of {dataset.name!r} has {claimed} entries, more than the file.")


def _stored(dataset: Any, path: str) -> Iterator[bytes]:
    """The bytes of a data set as they are stored, unpacked."""
    if dataset.chunks is None:
        if (offset := dataset.id.get_offset()) is not None:
            with open(path, "rb") as file:
                file.seek(offset)
                yield file.read(16 * len(dataset))
        return
    most = 16 * math.prod(dataset.chunks)
    for i in range(dataset.id.get_num_chunks()):
        _, packed = dataset.id.read_direct_chunk(dataset.id.get_chunk_info(i).chunk_offset)
        yield zlib.decompressobj().decompress(packed, most) if dataset.compression == "gzip" else packed
