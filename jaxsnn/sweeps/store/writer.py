"""Results on their way to a store, beside the threads that compute."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from .shards import Damaged, Shard, joined

PATIENCE, MOST, ROOM = 0.5, 2**24, 2**28  # s that a result waits at most; bytes of a shard; bytes that may wait
MANY, LARGE = 64, 2**26  # so many shards are put into one, if that is no larger


class Writer:
    """Collects what finishes and stores it, at the latest after `PATIENCE` seconds, one shard for each structure."""

    def __init__(self, store: Any):
        self.store = store
        self._waiting: dict[Any, list[Shard]] = {}
        self._bytes, self._since = 0, 0.0
        self._written: dict[Any, list[tuple[str, int]]] = {}  # names and bytes of shards, by structure and generation
        self._error: BaseException | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="jaxsnn-writer", daemon=True)
        self._thread.start()

    def add(self, structure: Any, shard: Shard) -> None:
        """Points that are finished. Waits where the disk is far behind; raises what went wrong in writing."""
        with self._changed:
            self._changed.wait_for(lambda: self._bytes < ROOM or self._error is not None)
            if self._error is not None:
                raise self._error
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting.setdefault((structure, shard.attempt, *shard.values), []).append(shard)
            self._bytes += shard.nbytes
            self._changed.notify_all()

    def close(self) -> None:
        """Everything is stored when this returns; raises what went wrong in writing."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                full = lambda: self._closed or self._bytes >= MOST
                self._changed.wait_for(full, timeout=max(0.0, self._since + PATIENCE - time.monotonic()))
                some, self._waiting = self._waiting, {}
                if not some and self._closed:
                    return
            try:
                for structure, shards in some.items():
                    shard = joined(shards)
                    self.store.put(shard)
                    self._tidy((structure, 0), shard.name, shard.nbytes)
            except BaseException as error:
                self._error = error
            with self._changed:
                self._bytes -= sum(x.nbytes for shards in some.values() for x in shards)
                self._changed.notify_all()
            if self._error is not None:
                return

    def _tidy(self, kind: tuple[Any, int], name: str, nbytes: int) -> None:
        """Put many small shards into one, and many such into one: a sweep of days has some hundreds, not a million."""
        written = self._written.setdefault(kind, [])
        written.append((name, nbytes))
        if len(written) >= MANY:
            names, total = [name for name, _ in written], sum(n for _, n in written)
            written.clear()
            if total <= LARGE:
                structure, generation = kind
                with suppress(Damaged):  # then they stay as they are, and who reads them sets it aside
                    self._tidy((structure, generation + 1), self.store.merge(names), total)
