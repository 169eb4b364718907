"""Calls that run side by side: in the threads of this process, or wherever an executor takes them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .compiled import Call, Outputs
from .work import Work

QUICK, LONG = 0.02, 1.0  # seconds of a call: shorter ones grow, and none grows beyond


class Failure(NamedTuple):
    """Why points have no result: `kind` is trace, memory, error or worker."""

    kind: str
    message: str


class Outcome(NamedTuple):
    """A call that ended: its points, with what they came to, or why they have no result."""

    rows: np.ndarray
    found: Outputs | Failure
    seconds: float


@dataclass
class Pace:
    """How many points a call takes: enough that a call is worth its overhead, few enough to keep all lanes busy."""

    now: int
    most: int
    halved: Callable[[], int] | None = None  # makes do with less memory; returns how many points fit a call then
    history: list[float] = field(default_factory=list)

    def saw(self, points: int, seconds: float) -> None:
        """A call of so many points took so long."""
        if points >= self.now and seconds < QUICK:
            self.now = min(self.most, 2 * self.now)


class Lanes:
    """Where calls run: `count` at a time, two for each waiting or running, so that none waits for Python."""

    def __init__(self, count: int, executor: Executor | None = None):
        self.count = count
        self._own = executor is None
        self._pool: Executor = (
            ThreadPoolExecutor(count, thread_name_prefix="jaxsnn-sweep") if executor is None else executor
        )

    def close(self) -> None:
        """What has not begun never does; what runs is left alone, and not waited for."""
        if self._own:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def run(
        self, work: Work, call_of: Callable[[np.ndarray], Call], go: Callable[[Call], Any], pace: Pace
    ) -> Iterator[Outcome]:
        """The calls of a structure, as they end. XLA releases the interpreter lock: a thread a core is enough.

        A call that fails is run again in halves, until the points that make it fail are alone; one that runs out of
        memory, too, and from then on calls are smaller.
        """
        again: deque[np.ndarray] = deque()
        running: dict[Future[Any], np.ndarray] = {}
        try:
            while True:
                while len(running) < 2 * self.count:
                    rows = again.popleft() if again else work.take(pace.now)
                    if not len(rows):
                        break
                    for part in np.array_split(rows, -(-len(rows) // pace.most)):
                        running[self._pool.submit(_timed, go, call_of(part))] = part
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    rows, error = running.pop(future), future.exception()
                    if error is None:
                        found, seconds = future.result()
                        pace.saw(len(rows), seconds)
                        yield Outcome(rows, found, seconds)
                    elif not isinstance(error, Exception) or isinstance(error, BrokenExecutor):
                        raise error
                    elif len(rows) == 1:
                        yield Outcome(rows, failure_of(error), 0.0)
                    else:
                        if out_of_memory(error) and pace.halved is not None and pace.most > 1:
                            pace.most = pace.halved()
                        pace.now = min(pace.now, pace.most)
                        again.extend(np.array_split(rows, 2))
        finally:
            for future in running:
                future.cancel()


def _timed(go: Callable[[Call], Outputs], call: Call) -> tuple[Outputs, float]:
    begin = time.perf_counter()
    return go(call), time.perf_counter() - begin


def out_of_memory(error: BaseException) -> bool:
    """Whether a device, or this machine, had not enough of it."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error) or "out of memory" in str(error).lower()


def failure_of(error: BaseException, kind: str = "error") -> Failure:
    """An exception as data: one line."""
    if out_of_memory(error):
        kind = "memory"
    elif type(error).__name__ == "KilledWorker":
        kind = "worker"
    lines = str(error).strip().splitlines() or [""]
    said = lines[-1] if "Traceback" in lines[0] else lines[0]  # of a callback, what was raised there
    return Failure(kind, f"{type(error).__name__}: {said.strip()[:300]}")
