"""Results on disk: complete or not there."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray

NAME = "result.zarr"


def check(folder: Path, nbytes: int) -> None:
    """Whether a result of `nbytes` can be written below `folder`, found out before anything runs.

    **Raises:** ValueError with what is in the way.
    """
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise ValueError(f"The result cannot go to {folder}: {there} is a file, expected a folder.")
    try:
        with tempfile.TemporaryFile(dir=there, prefix=".jaxsnn-"):
            free = shutil.disk_usage(there).free
    except OSError as error:
        raise ValueError(f"The result cannot go to {folder}: {there} cannot be written ({error.strerror}).") from None
    if free < 1.1 * nbytes + 2**20:
        raise ValueError(
            f"The result cannot go to {folder}: it takes {nbytes / 2**20:.0f} MiB, and {free / 2**20:.0f} MiB are free."
        )


def save(dataset: xarray.Dataset, folder: Path) -> Path:
    """Write `result.zarr` into `folder`, or into `folder-2`, `folder-3`, ... where there is a result: none is lost.

    It is written beside and moved when it is complete and on the disk, so that a failure leaves nothing that opens,
    and results that are saved at the same moment do not mix.
    """
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        # of both formats, this one has text and a table of contents, so that nothing warns
        dataset.to_zarr(beside / NAME, mode="w-", zarr_format=2, consolidated=True)
        for path in (beside / NAME).rglob("*"):
            if path.is_file():
                _flush(path)
        return _place(beside / NAME, folder)
    except BaseException:
        if new:
            shutil.rmtree(beside, ignore_errors=True)
            _remove_if_empty(folder)
        raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def reload(folder: Path) -> str:
    """The line that opens a result."""
    return f"xarray.open_zarr({str(folder / NAME)!r})"


def _place(written: Path, folder: Path) -> Path:
    for number in itertools.count(1):
        free = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            free.mkdir(exist_ok=True)
            if not (free / NAME).exists():
                os.rename(written, free / NAME)  # fails where there is one by now
                return free
        except (FileExistsError, NotADirectoryError):
            continue
        except OSError:
            if not (free / NAME).exists():
                raise
    raise AssertionError("unreachable")


def _flush(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # somebody else's
        pass
