"""The records of a run with their names, times, units and neurons, whatever tool they go to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from ..._arguments import shown
from ...simulation.probes.events import AbstractSpikeRecord
from ...simulation.run import Run


class Spikes(NamedTuple):
    """Spikes of a population: times in ms, a train for each of the neurons `ids`, seen from `begin` to `end` ms."""

    name: str
    population: str
    ids: np.ndarray
    trains: list[np.ndarray]
    begin: float
    end: float


class Samples(NamedTuple):
    """What was sampled over time: `values`, a row a time, ms, in a unit that may not be known."""

    name: str
    times: np.ndarray
    values: np.ndarray
    unit: str


def collected(given: Any, units: Mapping[str, str] | None = None) -> tuple[list[Spikes], list[Samples]]:
    """Spikes and samples of a run, or of a part of its record, by the name of their probe, with dots where nested.

    Records without times, such as `Count`, are left out. **Arguments:** `units`: by record, instead of those known.
    **Raises:** ValueError for a batch of runs, for units of a record that there is not, and for what is no record.
    """
    run = isinstance(given, Run)
    if (run and given.rows is None) or not (run or isinstance(given, AbstractSpikeRecord | Mapping)):
        raise ValueError(f"Got {shown(given)}, expected a run as simulate(..., record=...) returns it, or its spikes.")
    if run and np.ndim(given.state.t) != 0:
        raise ValueError("Got a batch of runs, expected one: jax.tree.map(lambda x: x[0], run).")
    begin, end = window(given) if run else (0.0, 0.0)
    spikes: list[Spikes] = []
    samples: list[Samples] = []
    everything = []
    for path, record in _leaves(given.record if run else given, ()):
        name = ".".join(map(str, path)) or (getattr(record, "population", None) or "record")
        everything.append(name)
        if isinstance(record, AbstractSpikeRecord):
            seen = (begin, end) if run else record.window()
            spikes.append(Spikes(name, record.population or "", record.ids, record.trains(), *seen))
        elif run and (found := _sampled(given, path, record)) is not None:
            unit = (units or {}).get(name, given.units(*path))
            samples.append(Samples(name, *found, unit))
    for name in units or {}:
        if name not in everything:
            raise ValueError(f"Got units of {name!r}, expected those of {', '.join(everything) or 'nothing'}.")
    if not run and not spikes:
        raise ValueError(f"Got {shown(given)}, which holds no spikes; hand over the run, which knows the other times.")
    return spikes, samples


def window(run: Run) -> tuple[float, float]:
    """From when to when a run lasted, ms."""
    assert run.rows is not None
    end = int(run.state.t)
    return (end - run.rows.steps) * run.rows.dt, end * run.rows.dt


def _sampled(run: Run, path: tuple[Any, ...], record: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Times and values, a row a time; None where there are none."""
    try:
        times = np.asarray(run.times(*path))
    except ValueError:
        return None
    return (times, np.asarray(record)) if len(times) else None


def _leaves(record: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every record, with the names that lead to it."""
    if isinstance(record, Mapping):
        for name, part in record.items():
            yield from _leaves(part, (*path, name))
    elif isinstance(record, (tuple, list)) and not hasattr(record, "_fields"):
        for i, part in enumerate(record):
            yield from _leaves(part, (*path, i))
    elif isinstance(record, AbstractSpikeRecord) or isinstance(record, (jax.Array, np.ndarray)):
        yield path, record
