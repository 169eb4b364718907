"""Thousands of variants in one compiled program: the main job."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import Array

from .._random import as_key
from .._status import SimulationError, Status
from ..simulation.progress import AbstractProgress, Bar
from .dataset import NOT_RUN, dataset, view_of
from .form import Dims, Form, RefusedExperiment, merged
from .gather import gather
from .grid import Grid
from .identity import Fingerprint, differences, fingerprint, identities
from .labels import label
from .manifest import manifest
from .plan import Job, Plan, resources
from .program import Experiment, same_form, trace
from .refining import Refinement, refined
from .room import check_disk, check_memory
from .run import run
from .store import Damaged, LocalFolder, Memory, Store, folder_at
from .tree import as_tree
from .view import read_view
from .work import structures

if TYPE_CHECKING:
    import xarray

_AGAIN = 3  # times that points of damaged shards are run again


class SweepInterrupted(KeyboardInterrupt):
    """A sweep that was stopped from outside: `dataset` holds what was finished; `status` of the rest is NOT_RUN."""

    def __init__(self, dataset: xarray.Dataset):
        self.dataset = dataset
        super().__init__(f"the sweep was stopped after {dataset.attrs.get('finished', dataset.attrs['points'])} points")


def sweep(
    experiment: Experiment,
    grid: Grid | Refinement,
    *,
    key: Array,
    out: str | Path | None = None,
    batch: int | str = "auto",
    threads: int | None = None,
    devices: Any = None,
    executor: Executor | None = None,
    dims: Dims | None = None,
    ragged: str | None = None,
    only_failed: bool = False,
    plan_only: bool = False,
    progress: AbstractProgress | None = None,
    throw: bool = True,
) -> Any:
    """Run `experiment(point, key) -> dict of arrays` at every point of `grid`; the labelled result.

    **Main arguments:**

    - `experiment`: traced once for every combination of `Static` values. `point[name]` is a traced number for an
      `Axis`, `Whole`, `Flag` and `Seeds`, and the plain value for a `Static`. Names with dots are paths into a model:
      `net = point.into(net)` puts their numbers there. A result may be an `xarray.DataArray`, whose dimensions,
      coordinates and units are kept.
    - `grid`: `product(SPACE)`, `zipped(SPACE)`, or a design of `jaxsnn.sweeps`. `key`: a key or a seed. A point's key
      is `fold_in(key, seed)`, its seed being the value of the `Seeds` axis (0 without one), never its position: a point
      is the same run alone.
    - `out`: a folder, or an URL that fsspec knows, to which results go as they come. What is stored there already, by
      this experiment with this key, is not computed again: a sweep that was killed continues, a larger grid runs what
      is missing, and several processes with the same `out` share the work.

    **Other arguments:**

    - `batch`: points a call, which bounds memory; by default few enough to keep all cores busy on a CPU, 64 elsewhere,
      and fewer where memory runs out.
    - `threads`: calls at a time; by default one a core on a CPU, two elsewhere. `devices`: by default all of this
      process; each runs points of its own.
    - `executor`: a `concurrent.futures.Executor` in whose workers calls run, such as that of a Dask client.
    - `dims`: names of the dimensions of results, `{"psth_hz": ("time",)}`.
    - `ragged`: what is done where results have other shapes for another `Static` value: `"pad"` fills them up, with NaN
      or 0; `"tree"` returns an `xarray.DataTree` with a dataset for each.
    - `only_failed`: run the points again that are stored without a clean status, and no others.
    - `plan_only`: run nothing; a `Plan`, which prints what would be done and what it would take.
    - `progress`: `Bar()`, or `Quiet()`: nothing is printed.
    - `throw`: raise `SimulationError` where a point's status is not clean, or where one has no result; the error's
      `dataset` holds what all points came to. False leaves it to the dataset.

    **Returns:** a dataset with a dimension an axis and a variable a result. `status` holds the bits of every
    `simulate`, `fit` and gradient inside the experiment (but for those called with `throw=False`), with those of a
    `"status"` that it returns. Where a call fails, the others go on: its points have the status NOT_RUN, NaN or 0 as
    results, and the reason as `failure`.

    **Raises:** ValueError before anything runs, where the results could not be stored exactly, or where `out` holds
    those of another experiment; SweepInterrupted, a KeyboardInterrupt, whose `dataset` holds the points that were
    finished.

    On a CPU the points of a call run one after the other, and calls run in parallel threads; on an accelerator a call
    is one batch.
    """
    _check_numbers(batch=None if batch == "auto" else batch, threads=threads)
    if ragged not in (None, "pad", "tree"):
        raise ValueError(f"Got ragged = {ragged!r}, expected 'pad', 'tree' or None.")
    _check_flags(only_failed=only_failed, plan_only=plan_only, throw=throw)
    how = {
        "batch": None if batch == "auto" else batch,
        "threads": threads,
        "devices": devices,
        "dims": dims or {},
        "ragged": ragged,
    }
    shown, begin = Bar() if progress is None else progress, time.monotonic()
    if isinstance(grid, Refinement):
        store = Memory() if out is None else None

        def level(grid: Grid) -> xarray.Dataset:
            plan = prepare(experiment, grid, key, out=out, store=store, **how)
            return complete(plan, experiment, how, shown, False, begin, executor)

        found = refined(grid, level, lambda line: shown.say(f"sweep: {line}"))
        if throw and found.attrs.get("problems"):
            raise SimulationError(Status(int(np.bitwise_or.reduce(found.status.values, axis=None))), "", found)
        return found
    plan = prepare(experiment, grid, key, out=out, only_failed=only_failed, **how)
    if plan_only:
        plan.calibrate()
        return plan
    return complete(plan, experiment, how, shown, throw, begin, executor)


def prepare(
    experiment: Experiment,
    grid: Grid,
    key: Any,
    *,
    out: str | Path | None = None,
    store: Memory | Store | None = None,
    only_failed: bool = False,
    batch: Any = None,
    threads: Any = None,
    devices: Any = None,
    dims: Dims | None = None,
    ragged: str | None = None,
    about: Mapping[str, Any] | None = None,
) -> Plan:
    """What is stored and what is missing; the experiment is traced for every structure that has missing points.

    `about`: what a command line knows of the experiment, for the manifest.
    """
    begin = time.monotonic()
    _check_experiment(experiment, grid, key)
    key = as_key(key)
    stored = out is not None or isinstance(store, Store)
    whole = fingerprint(experiment, grid.space, key) if stored else {}
    if store is None:
        store = Memory() if out is None else _opened(out, whole)
    ids = identities(grid, whole)
    found = store.index.find(ids)
    todo = (found.shard >= 0) & (found.status != 0) if only_failed else found.shard < 0
    todo &= _first_of_each(ids)
    jobs, dims = [], dims or {}
    for structure in structures(grid):
        if todo[structure.rows].any():
            try:
                taken = {*grid.dims, *grid.labels}
                jobs.append(Job(structure, trace(experiment, grid.space, structure.static, key, taken, dims)))
            except RefusedExperiment:
                raise
            except Exception as error:
                jobs.append(Job(structure, None, error))
    form = _form(jobs, store, ragged is not None)
    if not form:  # all is stored, and what it looks like is not known any more
        static = structures(grid)[0].static
        form = trace(experiment, grid.space, static, key, {*grid.dims, *grid.labels}, dims).form
    attempt = store.index.attempts + 1 if only_failed else 0
    view = view_of(grid, ids, form, dict(about or {}))
    plan = Plan(grid, key, whole, ids, todo, view, store, jobs, resources(threads, devices), batch, 0.0, attempt)
    plan.share = jax.process_index() / jax.process_count()
    if not stored:
        check_memory(view)
    elif isinstance(store, Store) and isinstance(store.folder, LocalFolder) and plan.missing:
        check_disk(store.folder.path, view.nbytes * plan.missing // max(1, view.size))
    plan.traced_s = time.monotonic() - begin
    return plan


def complete(
    plan: Plan,
    experiment: Experiment,
    how: Mapping[str, Any],
    progress: AbstractProgress,
    throw: bool,
    begin: float,
    executor: Executor | None = None,
) -> Any:
    """Run what is planned, and the labelled result."""
    remote = None
    if executor is not None:
        from .remote import remote_for

        remote = remote_for(experiment, plan, how.get("dims") or {})
    if isinstance(plan.store, Store):
        _announce(plan, plan.view.attributes)
    try:
        for again in range(_AGAIN + 1):
            spent = run(plan, progress, executor, remote)
            plan.view.attributes.update({"wall_s": time.monotonic() - begin, "compile_s": spent.compile_s})
            try:
                found = dataset(plan.view, plan.store) if isinstance(plan.store, Memory) else gather(plan)
                break
            except Damaged:
                if again == _AGAIN:
                    raise
                plan = prepare(experiment, plan.grid, plan.key, store=plan.store, **how)
    except KeyboardInterrupt:
        plan.view.attributes["wall_s"] = time.monotonic() - begin
        raise SweepInterrupted(dataset(plan.view, plan.store, "interrupted")) from None
    if throw and found.attrs.get("problems"):
        raise failed(plan, found)
    return as_tree(plan) if how.get("ragged") == "tree" else found


def failed(plan: Plan, found: xarray.Dataset) -> SimulationError | Exception:
    """The error that says which points have no clean result; where none has any, why the first has not."""
    status = found.status.values.reshape(-1)
    if (status & NOT_RUN).all() and plan.jobs and plan.jobs[0].error is not None:
        return plan.jobs[0].error
    bits, n = Status(int(np.bitwise_or.reduce(status))), np.count_nonzero(status)
    error = SimulationError(bits, f" at {n} of {len(status)} points", found, failing(plan, found))
    error.__cause__ = next((job.error for job in plan.jobs if job.error is not None), None)
    return error


def failing(plan: Plan, found: xarray.Dataset, most: int = 5) -> str:
    """Where the status is not clean, with the values there."""
    status = found.status.values.reshape(-1)
    why = found.failure.values.reshape(-1) if "failure" in found else np.full(len(status), "")
    where = np.flatnonzero(status).tolist()
    listed = []
    for row in where[:most]:
        values = ", ".join(f"{name}={label(value)}" for name, value in plan.grid.values(row).items())
        listed.append(f"({values or 'the only one'}): {why[row] or Status(int(status[row])).name}")
    return "; ".join(listed) + (f"; and {len(where) - most} more" if len(where) > most else "")


def _opened(out: str | Path, whole: Fingerprint) -> Store:
    """The store in a folder, which must be of this experiment; nothing is written yet.

    **Raises:** ValueError where it is of another one, with the difference.
    """
    folder = folder_at(out)
    if isinstance(folder, LocalFolder):
        check_disk(folder.path, 0)
    try:
        store = Store(folder)
        _check_same_sweep(store, whole)
    except OSError as error:
        raise ValueError(f"The result cannot go to {out} ({error.strerror or error}).") from None
    return store


def _check_same_sweep(store: Store, whole: Fingerprint) -> None:
    there = store.manifest()
    if there is not None and (other := differences(there["fingerprint"], whole)):
        raise ValueError(
            f"{store.folder} holds the results of another sweep: {'; '.join(other)}. Give another folder (on the "
            "command line, --force takes the next free one)."
        )


def _announce(plan: Plan, about: Mapping[str, Any]) -> None:
    """What made the store, and the points that are asked for: others can look at what is finished."""
    assert isinstance(plan.store, Store)
    if not plan.store.folder.create("manifest.json", json.dumps(manifest(plan.whole, about), indent=1).encode()):
        _check_same_sweep(plan.store, plan.whole)  # somebody may have come first
    plan.view.write(plan.store.folder)


def _form(jobs: list[Job], store: Memory | Store, ragged: bool) -> Form:
    forms = [job.traced.form for job in jobs if job.traced is not None]
    for form in forms[1:]:
        same_form(form, forms[0], ragged=ragged)
    if isinstance(store, Store):
        try:
            forms.append(read_view(store.folder).form)
        except ValueError:
            pass  # nothing was asked for before
    if not forms:
        errors = [job.error for job in jobs if job.error is not None]
        if errors:
            raise errors[0]
        return {}
    return merged(forms)


def _first_of_each(ids: np.ndarray) -> np.ndarray:
    """Which rows have an identity that none before has."""
    first = np.zeros(len(ids), bool)
    first[np.unique(ids, return_index=True)[1]] = True
    return first


def _check_experiment(experiment: Any, grid: Any, key: Any) -> None:
    if not callable(experiment):
        raise ValueError(f"Got experiment = {experiment!r}, expected a function (point, key) -> dict of arrays.")
    try:
        inspect.signature(experiment).bind({}, key)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Got an experiment with other arguments than (point, key): {error}.") from None
    if not isinstance(grid, Grid):
        kind = type(grid).__name__
        raise ValueError(f"Got a grid that is a {kind}, expected product(SPACE) or zipped(SPACE) of a dict of axes.")


def _check_numbers(**numbers: Any) -> None:
    for name, value in numbers.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and not (whole and value >= 1):
            raise ValueError(f"Got {name} = {value!r}, expected a positive number.")


def _check_flags(**flags: Any) -> None:
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ValueError(f"Got {name} = {value!r}, expected True or False.")
