"""Thousands of variants in one compiled program: the main job."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import jax
import numpy as np
from jaxtyping import Array

from .._cores import cores
from .._random import as_key
from .._status import SimulationError, Status
from ..simulation.progress import AbstractProgress, Bar
from .grid import Grid
from .plan import Points, by_structure, calls
from .program import Experiment, RefusedExperiment, Traced, compiled, trace
from .results import Results, check_memory, nbytes

if TYPE_CHECKING:
    import xarray

T = TypeVar("T")


def sweep(
    experiment: Experiment,
    grid: Grid,
    *,
    key: Array,
    batch: int | None = None,
    threads: int | None = None,
    share_seed: bool | None = None,
    progress: AbstractProgress | None = None,
    throw: bool = True,
) -> xarray.Dataset:
    """Run `experiment(point, key) -> dict of arrays` at every point of `grid`; the labelled result.

    **Main arguments:**

    - `experiment`: traced once for every combination of `Static` values. `point[name]` is a traced number for an
      `Axis`, a traced integer for `Seeds`, the plain value for a `Static`.
    - `grid`: `product(SPACE)` or `zipped(SPACE)`. `key`: a key or a seed. A point's key is `fold_in(key, seed)`, its
      seed being the value of the `Seeds` axis (0 without one), never its position: a point is the same run alone.

    **Other arguments:**

    - `batch`: points a call, which bounds memory; by default few enough to keep all cores busy on a CPU, 64 elsewhere.
    - `threads`: on a CPU, calls at a time; by default one a core.
    - `share_seed`: whether the points of a call have one seed, so that what depends only on the seed, as a graph does,
      is built once a call; or each its own, batched with the rest. By default they share it on a CPU, and elsewhere
      if seeds have enough points to fill a batch. It changes no number.
    - `throw`: raise `SimulationError` where a point's status is not clean, or where one has no result; the error's
      `dataset` holds what all points came to. False leaves it to the dataset.

    **Returns:** a dataset with a dimension an axis and a variable a result. `status` holds the bits of every
    `simulate`, `fit` and gradient inside the experiment (but for those called with `throw=False`), with those of a
    `"status"` that it returns. Where a call fails, the others go on: its points have the status NOT_RUN, NaN or 0 as
    results, and the reason as `failure`.

    **Raises:** ValueError before anything runs, where the results could not be stored exactly; SweepInterrupted, a
    KeyboardInterrupt, whose `dataset` holds the points that were finished.

    On a CPU the points of a call run one after the other, and calls run in parallel threads; on an accelerator a call
    is one batch.
    """
    for name, value in (("batch", batch), ("threads", threads)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and not (whole and value >= 1):
            raise ValueError(f"Got {name} = {value!r}, expected a positive number.")
    for name, value, wanted in (("share_seed", share_seed, "True, False or None"), ("throw", throw, "True or False")):
        if not (isinstance(value, bool) or (value is None and name == "share_seed")):
            raise ValueError(f"Got {name} = {value!r}, expected {wanted}.")
    if not isinstance(progress, AbstractProgress | None):
        raise ValueError(f"Got progress = {progress!r}, expected Bar() or Quiet().")
    progress = Bar() if progress is None else progress
    planned = plan(experiment, grid, key)
    return run(planned, batch=batch, threads=threads, share_seed=share_seed, progress=progress, throw=throw)


class SweepInterrupted(KeyboardInterrupt):
    """A sweep that was stopped from outside: `dataset` holds what was finished; `status` of the rest is NOT_RUN."""

    def __init__(self, dataset: xarray.Dataset):
        self.dataset = dataset
        super().__init__(f"the sweep was stopped after {dataset.attrs.get('finished', dataset.attrs['points'])} points")


@dataclass(frozen=True)
class Planned:
    """A sweep before anything has run: its experiment traced for every structure, and the form of its result."""

    grid: Grid
    key: Array
    parts: list[tuple[Traced, Points]]
    failures: list[tuple[Exception, Points]]  # structures whose experiment could not be traced
    begin: float  # time.monotonic() before
    traced_s: float = 0.0  # what tracing took: a part of compiling, as the dataset counts it

    @property
    def form(self) -> dict[str, jax.ShapeDtypeStruct]:
        return self.parts[0][0].form

    @property
    def nbytes(self) -> int:
        """What the result takes."""
        return nbytes(self.grid, self.form)


def plan(experiment: Experiment, grid: Grid, key: Any) -> Planned:
    """Trace the experiment for every structure, and check that its results make one labelled dataset."""
    if not callable(experiment):
        raise ValueError(f"Got experiment = {experiment!r}, expected a function (point, key) -> dict of arrays.")
    try:
        inspect.signature(experiment).bind({}, key)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Got an experiment with other arguments than (point, key): {error}.") from None
    if not isinstance(grid, Grid):
        kind = type(grid).__name__
        raise ValueError(f"Got a grid that is a {kind}, expected product(SPACE) or zipped(SPACE) of a dict of axes.")
    planned = Planned(grid, as_key(key), [], [], time.monotonic())
    for static, points in by_structure(grid):
        try:
            traced = trace(experiment, static, points.axes, planned.key, taken={*grid.dims, *grid.labels})
        except RefusedExperiment:
            raise
        except Exception as error:
            planned.failures.append((error, points))
            continue
        if planned.parts:
            _check_same(traced.form, planned.form)
        planned.parts.append((traced, points))
    if not planned.parts:
        raise planned.failures[0][0]
    check_memory(grid, planned.form)
    return replace(planned, traced_s=time.monotonic() - planned.begin)


def run(
    planned: Planned,
    *,
    batch: int | None = None,
    threads: int | None = None,
    share_seed: bool | None = None,
    progress: AbstractProgress,
    throw: bool = True,
) -> xarray.Dataset:
    """Run what is planned, as `sweep` does."""
    one_by_one = jax.default_backend() == "cpu"
    threads = threads or (cores() if one_by_one else 1)
    results, compile_s = Results(planned.grid, planned.form), planned.traced_s
    errors = [error for error, _ in planned.failures]
    for error, points in planned.failures:
        results.fail(points.where, _one_line(error))

    def dataset() -> xarray.Dataset:
        found = results.dataset()
        found.attrs.update(wall_s=time.monotonic() - planned.begin, compile_s=compile_s)
        return found

    try:
        with progress.task("sweep", planned.grid.size) as advance:
            for i, (traced, points) in enumerate(planned.parts):
                some = [*calls(points, batch=batch, threads=threads, one_by_one=one_by_one, share_seed=share_seed)]
                tick = time.monotonic()
                with nullcontext() if i else progress.compiling("sweep"):
                    program = _in_thread(compiled, traced, some[0], planned.key)
                compile_s += time.monotonic() - tick

                def go(call: Points, program: Any = program, traced: Traced = traced) -> None:
                    results.put(call, traced.form, *program(call))

                with closing(_outcomes(go, some, threads)) as outcomes:
                    for call, error in outcomes:
                        if error is not None:
                            errors.append(error)
                            results.fail(call.where, _one_line(error))
                        advance(len(call.where))
        if errors and not results.ran.any():
            raise errors[0]
        found = dataset()
    except KeyboardInterrupt:
        results.close()
        results.fail(np.flatnonzero(~results.ran), "interrupted")
        raise SweepInterrupted(dataset()) from None
    if throw and results.problems():
        status, n = Status(int(np.bitwise_or.reduce(results.status))), np.count_nonzero(results.status)
        where = f" at {n} of {planned.grid.size} points"
        raise SimulationError(status, where, found, results.failing()) from (errors[0] if errors else None)
    return found


def _in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """In another thread, so that this one can be interrupted meanwhile."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(function, *arguments).result()
    finally:
        pool.shutdown(wait=False)


def _outcomes(
    go: Callable[[Points], None], some: Iterable[Points], threads: int
) -> Iterator[tuple[Points, Exception | None]]:
    """Calls as they finish, and what they raised. XLA releases the interpreter lock: a thread a core is enough.

    When this is closed, what has not begun never does, and what runs is left alone.
    """
    waiting, running = iter(some), dict[Future[None], Points]()
    pool = ThreadPoolExecutor(threads)
    try:
        while True:
            running.update({pool.submit(go, call): call for call in islice(waiting, 2 * threads - len(running))})
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                error = future.exception()
                if error is not None and not isinstance(error, Exception):
                    raise error
                yield running.pop(future), error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _check_same(form: dict[str, jax.ShapeDtypeStruct], known: dict[str, jax.ShapeDtypeStruct]) -> None:
    """One program always returns the same form; those of other `Static` values might not."""
    others = "for other Static values; expected the same"
    if form.keys() != known.keys():
        raise ValueError(f"The experiment returned {sorted(form)}, and {sorted(known)} {others} names.")
    for name, x in form.items():
        if x.shape != known[name].shape:
            raise ValueError(
                f"The experiment returned {name!r} of shape {x.shape}, and {known[name].shape} {others} shape."
            )
        if x.dtype != known[name].dtype:
            raise ValueError(
                f"The experiment returned {name!r} of type {x.dtype}, and {known[name].dtype} {others} type."
            )


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}"
