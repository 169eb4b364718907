"""HDF5 files, read without trust: what a data set says of its size is held against the size of the file.

Only what is inside a file is read: no link, storage or mapping that leads out of it is followed.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._archive import FileError, said

_RATIO = 1100  # the most that compression saves
_FILTERS = (1, 2, 3)  # deflate, shuffle, fletcher32: nothing that is loaded from a library
_DEEPEST, _MOST = 64, 100_000  # groups in groups, and names in a file
_LIST = np.dtype([("length", "<u4"), ("heap", "<u8"), ("number", "<u4")])


def open_hdf5(path: str, what: str) -> Any:
    """An open file of h5py; one error where it is none. `what` it should be."""
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise FileError(f"{path!r} is truncated, damaged or not {what} ({said(error)}).") from None


def datasets(
    group: Any, at: str = "", seen: set[Any] | None = None, deepest: int = _DEEPEST
) -> Iterator[tuple[str, Any]]:
    """Every data set of a file by its path, each in one place. Raises ValueError where a name leads elsewhere."""
    import h5py

    seen = set() if seen is None else seen
    if at.count("/") > deepest:
        raise ValueError("it has groups in groups without end")
    for name in group:
        path = f"{at}{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{path} is a link to somewhere else")
        found = group[name]
        place = hash(found.id)  # of its address in the file
        if place in seen or len(seen) > _MOST:
            raise ValueError(f"{path} is there twice, or there are too many names")
        seen.add(place)
        if isinstance(found, h5py.Group):
            yield from datasets(found, f"{path}/", seen, deepest)
        elif not isinstance(found, h5py.Dataset):
            raise ValueError(f"{path} is neither a group nor a dataset")
        elif found.is_virtual or found.id.get_create_plist().get_external_count():
            raise ValueError(f"{path} has its numbers in another file")
        elif not plain(found):
            raise ValueError(f"{path} is packed by a filter that is not part of HDF5")
        else:
            yield path, found


def plain(dataset: Any) -> bool:
    """Whether it is packed by filters that are part of HDF5 alone."""
    made = dataset.id.get_create_plist()
    return all(made.get_filter(i)[0] in _FILTERS for i in range(made.get_nfilters()))


def part(dataset: Any, path: str, some: Any = ()) -> np.ndarray:
    """A data set, or a part of it, as an array; nothing is read that says it is larger than what is stored of it."""
    try:
        check_size(dataset, path)
        return np.asarray(dataset[some])
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path!r}: {dataset.name!r} is damaged ({said(error)}).") from None


def check_size(dataset: Any, path: str) -> int:
    """The bytes that a data set unpacks to; one error if it says that it has more than what is stored of it."""
    if not hasattr(dataset, "shape") or dataset.shape is None:
        raise FileError(f"{path!r} has {str(getattr(dataset, 'name', dataset))!r}, which is no array.")
    claimed = math.prod(dataset.shape) * dataset.dtype.itemsize
    stored = min(dataset.id.get_storage_size(), os.path.getsize(path))
    if claimed > (stored if dataset.chunks is None else _RATIO * stored):
        raise FileError(f"{path!r} says that {dataset.name!r} has {claimed} bytes, and stores {stored}.")
    if dataset.dtype.kind == "O":
        check_lists(dataset, path)
    return claimed


def check_lists(dataset: Any, path: str) -> None:
    """One error for a list of lists that the library which reads HDF5 would take too much room for, or never end at.

    It takes the room that a list claims before it looks, and goes through a heap without end that says that an entry
    has no size. Of a list sixteen bytes are stored: its length, the place of its heap, and its number in there.
    """
    size, heaps = os.path.getsize(path), {}
    of = (dataset.dtype.metadata or {}).get("vlen")
    if of is None:
        raise FileError(f"{path!r} has {dataset.name!r} of {dataset.dtype}, expected lists.")
    itemsize = 1 if of in (str, bytes) else of.itemsize
    try:
        with open(path, "rb") as file:
            for packed in _stored(dataset, path):
                pieces = np.frombuffer(packed, np.uint8)[: len(packed) // 16 * 16]
                pieces = np.ascontiguousarray(pieces.reshape(16, -1).T) if dataset.shuffle else pieces
                for length, at, number in np.frombuffer(pieces.tobytes(), _LIST).tolist():
                    if length:
                        heaps[at] = heaps.get(at) or _heap(file, at, size)
                        if length * itemsize > heaps[at].get(number, -1):
                            raise ValueError(f"a list of {length} entries, which its heap does not hold")
    except (OSError, ValueError, RuntimeError, OverflowError, zlib.error) as error:
        raise FileError(f"{path!r}: {dataset.name!r} is damaged ({said(error)}).") from None


def _heap(file: Any, at: int, size: int) -> dict[int, int]:
    """The size of each object of a global heap (HDF5 file format, III.E), by its number."""
    file.seek(at if at < size else size)
    head = file.read(16)
    length = int.from_bytes(head[8:16], "little")
    if head[:4] != b"GCOL" or not 16 <= length <= size - at:
        raise ValueError(f"a heap at byte {at} that there is not")
    body, place, found = file.read(length - 16), 0, {}
    while place + 16 <= len(body):
        number = int.from_bytes(body[place : place + 2], "little")
        held = int.from_bytes(body[place + 8 : place + 16], "little")
        step = 16 + -(-held // 8) * 8 if number else held  # number 0 is what is free, with its own header
        if not 16 <= step <= len(body) - place:
            raise ValueError(f"an object of {held} bytes in the heap at byte {at}")
        found[number] = held
        place += step
    return found


def _stored(dataset: Any, path: str) -> Iterator[bytes]:
    """The bytes of a data set as they are stored, unpacked."""
    if dataset.chunks is None:
        if (offset := dataset.id.get_offset()) is not None:
            with open(path, "rb") as file:
                file.seek(offset)
                yield file.read(16 * dataset.size)
        return
    most = 16 * math.prod(dataset.chunks)
    for i in range(dataset.id.get_num_chunks()):
        _, packed = dataset.id.read_direct_chunk(dataset.id.get_chunk_info(i).chunk_offset)
        yield zlib.decompressobj().decompress(packed, most) if dataset.compression == "gzip" else packed
