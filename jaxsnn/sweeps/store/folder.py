"""A place for files that are whole or absent: a folder of this machine, or one of those that fsspec knows."""

from __future__ import annotations

import abc
import errno
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO


class AbstractFolder(abc.ABC):
    """Files by name, `"shards/ab.npz"`. What it raises is an OSError."""

    @abc.abstractmethod
    def names(self, below: str) -> list[str]:
        """The names of the files in a folder below this one, without those that are being written."""

    @abc.abstractmethod
    def read(self, name: str) -> bytes:
        """A file. **Raises:** FileNotFoundError."""

    @abc.abstractmethod
    def open(self, name: str) -> BinaryIO:
        """A file, of which a part is read. **Raises:** FileNotFoundError."""

    @abc.abstractmethod
    def tidy(self) -> None:
        """Remove what processes that were killed had half written, where nobody is at work any more."""

    @abc.abstractmethod
    def write(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """A file, in place of what has the name: readers see all of it or what was there before, whatever happens
        meanwhile. `durable`: when this returns, it outlives a loss of power."""

    @abc.abstractmethod
    def create(self, name: str, data: bytes) -> bool:
        """A file that is not there yet; False, and nothing done, where it is: of several that try, one succeeds."""

    @abc.abstractmethod
    def remove(self, name: str) -> None:
        """A file, if it is there."""

    @abc.abstractmethod
    def rename(self, name: str, other: str) -> None:
        """A file, if it is there, in place of what has the other name."""


class LocalFolder(AbstractFolder):
    """A folder of this machine, or one that is mounted."""

    def __init__(self, path: Path):
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def names(self, below: str) -> list[str]:
        try:
            with os.scandir(self.path / below) as found:
                return [entry.name for entry in found if not entry.name.startswith(".")]
        except FileNotFoundError:
            return []

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def open(self, name: str) -> BinaryIO:
        return (self.path / name).open("rb")

    def tidy(self) -> None:
        for path in (*self.path.glob(".*"), *self.path.glob("*/.*")):
            if path.parent.suffix != ".zarr":
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        for path in (*self.path.glob("claims/*"), self.path / "claims", self.path / "workers"):
            with suppress(OSError):  # somebody has something in it
                path.rmdir()

    def write(self, name: str, data: bytes, *, durable: bool = True) -> None:
        path = self.path / name
        beside = self._beside(path, data, durable)
        try:
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        if durable:
            _flush_folder(path.parent)

    def create(self, name: str, data: bytes) -> bool:
        path = self.path / name
        beside = self._beside(path, data, False)
        try:
            os.link(beside, path)  # with what is in it: nobody finds it empty
            return True
        except FileExistsError:
            return False
        except OSError as error:  # a file system without links
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                raise
            return _exclusively(path, data)
        finally:
            beside.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def rename(self, name: str, other: str) -> None:
        (self.path / other).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(self.path / name, self.path / other)
        except FileNotFoundError:
            return

    def _beside(self, path: Path, data: bytes, durable: bool) -> Path:
        beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
        try:
            try:
                file = beside.open("xb")
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                file = beside.open("xb")
            with file:
                file.write(data)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        return beside


class RemoteFolder(AbstractFolder):
    """A folder of a store that fsspec knows, as `s3://...`, where an object is whole or absent by itself."""

    def __init__(self, url: str):
        import fsspec

        self.url = url.rstrip("/")
        self.files, self.root = fsspec.core.url_to_fs(self.url)

    def tidy(self) -> None:
        return  # an object is there when it is whole

    def __str__(self) -> str:
        return self.url

    def names(self, below: str) -> list[str]:
        self.files.invalidate_cache()
        try:
            found: list[Any] = self.files.ls(self._at(below), detail=False)
        except FileNotFoundError:
            return []
        return [str(path).rstrip("/").rpartition("/")[2] for path in found]

    def read(self, name: str) -> bytes:
        return self.files.cat_file(self._at(name))

    def open(self, name: str) -> BinaryIO:
        return self.files.open(self._at(name), "rb")

    def write(self, name: str, data: bytes, *, durable: bool = True) -> None:
        self.files.pipe_file(self._at(name), data)

    def create(self, name: str, data: bytes) -> bool:
        try:
            self.files.pipe_file(self._at(name), data, mode="create")
        except FileExistsError:
            return False
        return True

    def remove(self, name: str) -> None:
        try:
            self.files.rm_file(self._at(name))
        except FileNotFoundError:
            return

    def rename(self, name: str, other: str) -> None:
        try:
            self.files.mv(self._at(name), self._at(other))
        except FileNotFoundError:
            return

    def _at(self, name: str) -> str:
        return f"{self.root}/{name}"


def folder_at(place: str | Path) -> AbstractFolder:
    """The folder at a path, or at an URL such as `s3://bucket/sweep`."""
    text = str(place)
    return RemoteFolder(text) if "://" in text else LocalFolder(Path(text))


def _exclusively(path: Path, data: bytes) -> bool:
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def _flush_folder(path: Path) -> None:
    """The name of a file is on the disk when its folder is."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # not every system opens a folder
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
