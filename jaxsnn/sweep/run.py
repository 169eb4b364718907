"""Thousands of variants in one compiled program: the main job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from .._cores import cores
from .._random import as_key
from .._status import SimulationError, Status, explain
from .._types import canonical_float
from ..simulate.progress import AbstractProgress, Bar
from .grid import Grid, Seeds, Static

if TYPE_CHECKING:
    import xarray

Experiment = Callable[[dict[str, Any], Array], Mapping[str, Array]]


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
    - `grid`: `product(SPACE)` or `zipped(SPACE)`. `key`: a point's key is `fold_in(key, seed)`, its seed being the
      value of the `Seeds` axis (0 without one), never its position: a point is the same run alone.

    **Other arguments:**

    - `batch`: points a call, which bounds memory; by default few enough to keep all cores busy on a CPU, 64 elsewhere.
    - `threads`: on a CPU, calls at a time; by default one a core.
    - `share_seed`: whether the points of a call have one seed, so that what depends only on the seed, as a graph does,
      is built once a call; or each its own, batched with the rest. By default they share it on a CPU, and elsewhere
      if seeds have enough points to fill a batch. It changes no number.
    - `throw`: if the experiment returns a `"status"` (of its runs), raise `SimulationError` where it is not clean; the
      error's `dataset` holds the complete result.

    On a CPU the points of a call run one after the other, and calls run in parallel threads; on an accelerator a call
    is one batch.
    """
    key = as_key(key)
    for name, value in (("batch", batch), ("threads", threads)):
        if value is not None and value < 1:
            raise ValueError(f"Got {name} = {value}, expected a positive number.")
    progress = Bar(patience=0.0) if progress is None else progress
    cpu = jax.default_backend() == "cpu"
    threads = threads or (cores() if cpu else 1)
    begin, compile_s = time.monotonic(), 0.0
    results: dict[str, np.ndarray] = {}
    with progress.task("sweep", grid.size) as advance:
        for static, points in _by_static(grid):
            size = batch or (_even(points, threads) if cpu else 64)
            crowded = 4 * np.unique(points.seed, return_counts=True)[1].max() >= min(size, len(points.where))
            calls = list(_calls(points, size, (cpu or crowded) if share_seed is None else share_seed))
            tick = time.monotonic()
            program = _compiled(experiment, static, calls[0], key)
            compile_s += time.monotonic() - tick
            for call, out in _in_threads(program, calls, key, threads):
                _check_form(out, results)
                for name, values in out.items():
                    if name not in results:
                        results[name] = np.empty((grid.size, *values.shape[1:]), values.dtype)
                    results[name][call.where] = values[: len(call.where)]
                advance(len(call.where))
    dataset = labelled(grid, results)
    dataset.attrs.update(points=grid.size, wall_s=time.monotonic() - begin, compile_s=compile_s)
    problems = _problems(results)
    if problems:
        dataset.attrs["problems"] = problems
        if throw:
            status = Status(int(np.bitwise_or.reduce(results["status"], axis=None)))
            where = f" at {np.count_nonzero(results['status'])} of {grid.size} points"
            raise SimulationError(status, where, dataset)
    return dataset


_SEED = object()


class _Points(NamedTuple):
    """Some points of a grid: where they stand in it, and their values.

    Those of a call are padded by repetition to the size of every call, so that one program serves them all. `seed` has
    shape `()` in a call whose points share it, and `(points,)` otherwise.
    """

    where: np.ndarray
    axes: dict[str, np.ndarray]
    seed: np.ndarray


def _by_static(grid: Grid) -> Iterator[tuple[dict[str, Any], _Points]]:
    """The points of every combination of `Static` values: what one compilation serves."""
    zero = np.zeros(grid.size, int)
    place = {name: grid.index.get(name, zero) for name in grid.space}
    chosen = [name for name, axis in grid.space.items() if isinstance(axis, Static)]
    combinations = np.stack([place[name] for name in chosen], axis=1) if chosen else np.zeros((grid.size, 0), int)
    for row in np.unique(combinations, axis=0):
        where = np.flatnonzero((combinations == row).all(axis=1))
        static = {name: grid.space[name].points[i] for name, i in zip(chosen, row, strict=True)}
        seed, axes = np.zeros(len(where), np.int32), {}
        for name, axis in grid.space.items():
            if isinstance(axis, Seeds):
                seed = axis.points[place[name][where]]
                static[name] = _SEED  # filled in when it is traced
            elif not isinstance(axis, Static):
                axes[name] = axis.points[place[name][where]].astype(canonical_float())
        yield static, _Points(where, axes, seed)


def _calls(points: _Points, size: int, share_seed: bool) -> Iterator[_Points]:
    everybody = np.arange(len(points.where))
    groups = [np.flatnonzero(points.seed == seed) for seed in np.unique(points.seed)] if share_seed else [everybody]
    largest = max(map(len, groups))
    size = -(-largest // -(-largest // size))  # as even as can be, so that little is padded
    for group in groups:
        for i in range(0, len(group), size):
            some = group[i : i + size]
            padded = np.resize(some, size)
            seed = points.seed[some[0]] if share_seed else points.seed[padded]
            yield _Points(points.where[some], {name: values[padded] for name, values in points.axes.items()}, seed)


def _even(points: _Points, threads: int) -> int:
    """Points a call: several calls a thread, so that none waits long for the last one."""
    return max(1, min(16, -(-len(points.where) // (4 * threads))))


def _compiled(experiment: Experiment, static: dict[str, Any], call: _Points, key: Array) -> Callable[..., Any]:
    size = len(next(iter(call.axes.values()))) if call.axes else call.seed.size

    def point(axes: dict[str, Array], seed: Array, key: Array) -> dict[str, Array]:
        fixed = {name: seed if value is _SEED else value for name, value in static.items()}
        out = experiment({**fixed, **axes}, jax.random.fold_in(key, seed))
        if not isinstance(out, Mapping):
            raise ValueError(f"The experiment returned {type(out).__name__}, expected a dict of arrays.")
        for name, value in out.items():
            if not hasattr(value, "dtype"):
                kind = type(value).__name__
                raise ValueError(f"The experiment returned {name!r}: {kind}, expected a dict of arrays.")
        return dict(out)

    own = 0 if call.seed.ndim else None
    program = jax.vmap(point, in_axes=(0, own, None), axis_size=size)
    return jax.jit(program).lower(call.axes, call.seed, key).compile()


def _in_threads(program: Callable[..., Any], calls: list[_Points], key: Array, threads: int) -> Iterator[Any]:
    """Calls as they finish. XLA releases the interpreter lock, so a thread a core keeps all cores busy."""

    def run(call: _Points) -> tuple[_Points, dict[str, np.ndarray]]:
        return call, jax.tree.map(np.asarray, program(call.axes, call.seed, key))

    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(run, call) for call in calls]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def _check_form(out: dict[str, np.ndarray], results: dict[str, np.ndarray]) -> None:
    """One program always returns the same form; those of other `Static` values might not."""
    others = "for other Static values; expected the same"
    if results and out.keys() != results.keys():
        raise ValueError(f"The experiment returned {sorted(out)}, and {sorted(results)} {others} names.")
    for name, values in out.items():
        shape, known = values.shape[1:], results.get(name, values).shape[1:]
        if shape != known:
            raise ValueError(f"The experiment returned {name!r} of shape {shape}, and {known} {others} shape.")


def _problems(results: dict[str, np.ndarray]) -> list[str]:
    return explain(results["status"]) if "status" in results else []


def labelled(grid: Grid, results: Mapping[str, np.ndarray]) -> xarray.Dataset:
    """Results of shape `(points, ...)` as a dataset with one dimension an axis."""
    import xarray

    variables = {}
    for name, values in results.items():
        extra = tuple(f"{name}_dim{i}" for i in range(values.ndim - 1))
        variables[name] = ((*grid.dims, *extra), values.reshape((*grid.shape, *values.shape[1:])))
    coords: dict[str, Any] = {name: np.asarray([*map(_label, values)]) for name, values in grid.dims.items()}
    labels = {name: (dim, [*map(_label, values)]) for name, (dim, values) in grid.labels.items()}
    dataset = xarray.Dataset(variables, {**coords, **labels})
    for name, axis in grid.space.items():
        if name in dataset.coords and axis.unit:
            dataset.coords[name].attrs["units"] = axis.unit
        if name not in dataset.coords:
            dataset.attrs[name] = _label(axis.default) if not isinstance(axis, Seeds) else int(axis.points[0])
    return dataset


def _label(value: Any) -> Any:
    """What can be stored: numbers and strings as they are, anything else as it looks."""
    return value if isinstance(value, (bool, int, float, str, np.generic)) else repr(value)
