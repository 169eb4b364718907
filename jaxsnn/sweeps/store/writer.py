"""Results on their way to a store, beside the threads that compute."""

from __future__ import annotations

import threading
import time
from typing import Any

from .shards import Shard, joined

PATIENCE, MOST, ROOM = 0.5, 2**24, 2**28  # s that a result waits at most; bytes of a shard; bytes that may wait


class Writer:
    """Collects what finishes and stores it, at the latest after `PATIENCE` seconds, one shard for each structure."""

    def __init__(self, store: Any):
        self.store = store
        self._waiting: dict[Any, list[Shard]] = {}
        self._bytes, self._since = 0, 0.0
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
                for shards in some.values():
                    self.store.put(joined(shards))
            except BaseException as error:
                self._error = error
            with self._changed:
                self._bytes -= sum(x.nbytes for shards in some.values() for x in shards)
                self._changed.notify_all()
            if self._error is not None:
                return
