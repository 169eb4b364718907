"""A shard: finished points and what they came to, as one file with a checksum."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any, BinaryIO, NamedTuple

import numpy as np


class Damaged(ValueError):
    """A shard that is not what was written."""


class Shard(NamedTuple):
    """Points of one structure. `failure`: why points have no result, by place in the shard: `(kind, message)`."""

    ids: np.ndarray  # uint64
    status: np.ndarray  # uint32
    values: dict[str, np.ndarray]  # with a row a point; empty where no point has a result
    failure: dict[int, tuple[str, str]]
    attempt: int = 0  # of two results of one point that are as clean, the later attempt counts

    @property
    def name(self) -> str:
        """The same for the same points: work that was done twice is kept once."""
        words = hashlib.blake2b(self.ids.tobytes(), digest_size=12)
        return f"{self.attempt}-{words.hexdigest()}.npz"

    @property
    def nbytes(self) -> int:
        """About what it takes."""
        return self.ids.nbytes + self.status.nbytes + sum(x.nbytes for x in self.values.values())


def joined(shards: list[Shard]) -> Shard:
    """Several of one structure and attempt as one."""
    begin, failure = 0, {}
    for shard in shards:
        failure |= {begin + i: why for i, why in shard.failure.items()}
        begin += len(shard.ids)
    names = shards[0].values
    values = {name: np.concatenate([shard.values[name] for shard in shards]) for name in names}
    ids, status = (np.concatenate([getattr(shard, name) for shard in shards]) for name in ("ids", "status"))
    return Shard(ids, status, values, failure, shards[0].attempt)


def packed(shard: Shard) -> bytes:
    """As the bytes of a file: a zip archive of arrays, which has a checksum for each."""
    about = {"names": [*shard.values], "failure": {str(i): why for i, why in shard.failure.items()}}
    arrays: dict[str, Any] = {f"value{i}": x for i, x in enumerate(shard.values.values())}
    text = np.frombuffer(json.dumps(about | {"attempt": shard.attempt}).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, about=text, ids=shard.ids, status=shard.status, **arrays)
    return file.getvalue()


def unpacked(source: BinaryIO, *, values: bool = True) -> Shard:
    """Back. `values=False`: without what the points came to, which is then not read.

    **Raises:** Damaged where the file is not that of a shard.
    """
    try:
        with np.load(source, allow_pickle=False) as file:
            about = json.loads(bytes(file["about"]))
            failure = {int(i): (kind, message) for i, (kind, message) in about["failure"].items()}
            found = {name: file[f"value{i}"] for i, name in enumerate(about["names"])} if values else {}
            shard = Shard(file["ids"], file["status"], found, failure, about["attempt"])
    except (
        AttributeError,
        ValueError,
        KeyError,
        OSError,
        EOFError,
        TypeError,
        zipfile.BadZipFile,
        NotImplementedError,
    ) as error:
        raise Damaged(str(error)) from None
    if len(shard.ids) != len(shard.status) or any(len(x) != len(shard.ids) for x in shard.values.values()):
        raise Damaged("its arrays have different lengths")
    return shard
