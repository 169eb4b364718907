"""Finished points by identity, in memory or in a folder."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np

from .folder import AbstractFolder
from .shards import Damaged, Shard, joined, packed, unpacked

_CACHE = 2**28  # bytes of shards that are kept in memory while they are read


class Found(NamedTuple):
    """Where points are, for a list of identities: which shard (-1: in none), the row in it, and the status."""

    shard: np.ndarray
    row: np.ndarray
    status: np.ndarray


class Index:
    """Which shard has which point. Of several, the clean one, or else that of the latest attempt, counts."""

    def __init__(self) -> None:
        self._parts: list[tuple[np.ndarray, np.ndarray, int]] = []  # identities, status, attempt; by shard
        self._why: dict[int, str] = {}  # by identity
        self._sorted: tuple[np.ndarray, ...] | None = None
        self._lock = threading.Lock()

    def add(self, shard: Shard) -> int:
        """A shard; its number."""
        with self._lock:
            self._parts.append((shard.ids, shard.status, shard.attempt))
            self._why |= {int(shard.ids[i]): ": ".join(why) for i, why in shard.failure.items()}
            self._sorted = None
            return len(self._parts) - 1

    @property
    def attempts(self) -> int:
        """How often points that failed were run again."""
        return max((attempt for _, _, attempt in self._parts), default=0)

    def why(self, ids: np.ndarray) -> list[str]:
        """Why points have no result; "" where nothing is known."""
        return [self._why.get(one, "") for one in ids.tolist()]

    def drop(self, number: int) -> None:
        """A shard counts no longer."""
        with self._lock:
            none = np.zeros(0, np.uint64), np.zeros(0, np.uint32)
            self._parts[number] = (*none, 0)
            self._sorted = None

    def find(self, ids: np.ndarray) -> Found:
        """Points by identity."""
        with self._lock:
            if self._sorted is None:
                self._sorted = self._sort()
            known, shard, row, status = self._sorted
        if not len(known):
            return Found(np.full(len(ids), -1), np.zeros(len(ids), int), np.zeros(len(ids), np.uint32))
        at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        there = known[at] == ids
        return Found(np.where(there, shard[at], -1), row[at], np.where(there, status[at], 0).astype(np.uint32))

    def _sort(self) -> tuple[np.ndarray, ...]:
        sizes = [len(ids) for ids, _, _ in self._parts]
        if not sum(sizes):
            return (np.zeros(0, np.uint64), *(np.zeros(0, int),) * 3)
        ids, status = (np.concatenate([part[i] for part in self._parts]) for i in (0, 1))
        shard = np.repeat(np.arange(len(sizes)), sizes)
        row = np.concatenate([np.arange(n) for n in sizes])
        attempt = np.repeat([part[2] for part in self._parts], sizes)
        order = np.lexsort((shard, attempt, status == 0, ids))
        last = np.append(ids[order][1:] != ids[order][:-1], True)  # of each identity, the best
        best = order[last]
        return ids[best], shard[best], row[best], status[best]


class Memory:
    """Finished points of this process."""

    def merge(self, names: list[str]) -> str:
        """There are no files that could be too many."""
        return names[-1]

    def __init__(self) -> None:
        self.index = Index()
        self._shards: list[Shard] = []

    def put(self, shard: Shard) -> None:
        """Points, for good."""
        self._shards.append(shard)
        self.index.add(shard)

    def shard(self, number: int) -> Shard:
        """One of those that were put."""
        return self._shards[number]

    def look(self) -> bool:
        """Nobody else puts anything here."""
        return False


class Store:
    """Finished points in a folder: append-only shards, of which the index is read when it is opened.

    A damaged shard is set aside, and its points count as not finished.
    """

    def __init__(self, folder: AbstractFolder):
        self.folder = folder
        self.index = Index()
        self.damaged: list[str] = []
        self._names: list[str] = []
        self._known: set[str] = set()
        self._cache: OrderedDict[int, Shard] = OrderedDict()
        self._lock = threading.Lock()
        self.look()

    def manifest(self) -> dict[str, Any] | None:
        """What made this store; None where there is none.

        **Raises:** ValueError where it cannot be read.
        """
        try:
            data = self.folder.read("manifest.json")
        except FileNotFoundError:
            return None
        try:
            found = json.loads(data)
            if not isinstance(found, dict) or not isinstance(found.get("fingerprint"), dict):
                raise ValueError
            return found
        except ValueError:
            raise ValueError(
                f"{self.folder}/manifest.json is damaged, so that nobody can tell which code made "
                f"the {len(self._names)} shards beside it; restore it, or give another folder "
                "(--force takes the next free one)."
            ) from None

    def put(self, shard: Shard) -> None:
        """Points, for good: when this returns they are on the disk."""
        self.folder.write(f"shards/{shard.name}", packed(shard))
        self._note(shard.name, shard)

    def merge(self, names: list[str]) -> str:
        """Put several shards of one structure into one; its name. Readers find each point in one or the other."""
        whole = joined([self._read(name) for name in names])
        self.put(whole)
        for name in names:
            if name != whole.name:
                self.index.drop(self._names.index(name))
                self.folder.remove(f"shards/{name}")
        return whole.name

    def look(self) -> bool:
        """See what others have put since; whether there was anything."""
        names = {name for name in self.folder.names("shards") if name.endswith(".npz")}
        before = len(self._names)
        for name in sorted(names - self._known - {*self.damaged}):
            try:
                self._note(name, self._read(name, values=False))
            except FileNotFoundError:
                continue
            except Damaged:
                self._set_aside(name)
        return len(self._names) > before

    def shard(self, number: int) -> Shard:
        """One of those that the index has.

        **Raises:** Damaged, where it was set aside; its points are then not finished.
        """
        with self._lock:
            if number in self._cache:
                self._cache.move_to_end(number)
                return self._cache[number]
        name = self._names[number]
        try:
            found = self._read(name)
        except FileNotFoundError:  # its process has put several into one
            self.index.drop(number)
            self.look()
            raise Damaged(f"{name} has moved") from None
        except Damaged:
            self.index.drop(number)
            self._set_aside(name)
            raise
        with self._lock:
            self._cache[number] = found
            while len(self._cache) > 1 and sum(x.nbytes for x in self._cache.values()) > _CACHE:
                self._cache.popitem(last=False)
        return found

    def _read(self, name: str, *, values: bool = True) -> Shard:
        with self.folder.open(f"shards/{name}") as file:
            return unpacked(file, values=values)

    def _note(self, name: str, shard: Shard) -> None:
        with self._lock:
            if name in self._known:
                return
            self._known.add(name)
            self.damaged = [other for other in self.damaged if other != name]
            self._names.append(name)
            self.index.add(shard)

    def _set_aside(self, name: str) -> None:
        with self._lock:
            self._known.discard(name)  # its points come again, under the same name
        self.damaged.append(name)
        try:
            self.folder.rename(f"shards/{name}", f"damaged/{name}")
        except OSError:  # a folder that is only read
            pass
