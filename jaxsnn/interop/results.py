"""What a run recorded, as other tools hold it: Neo blocks and tables of pandas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from .._arguments import shown
from ..simulation.probes.events import AbstractSpikeRecord
from ..simulation.run import Run


def to_neo(run: Run, *, units: Mapping[str, str] | None = None) -> Any:
    """A run as a Neo `Block` of one `Segment`, for Elephant and for the formats that Neo writes.

    Spikes (`Raster`, `Spikes`) become a `SpikeTrain` a neuron, in ms, with the annotations `record`, the probe's name,
    and `neuron`. What is sampled over time (`Trace`, `Snapshots`, `PopulationRate`) becomes an `AnalogSignal` of that
    name. Records without times, such as `Count`, are left out.

    **Arguments:** `run`: of `simulate`, one run. `units`: by record, `{"v": "mV"}`; else dimensionless.
    **Raises:** ValueError for a batch of runs, and for units of a record that there is not.
    """
    import neo

    rows, spikes = _records(run, {} if units is None else units)
    begin, end = _window(run)
    segment = neo.Segment(name="run")
    for name, record in spikes:
        neurons = range(record.n) if record.neurons is None else record.neurons
        for neuron, train in zip(neurons, record.trains()):
            segment.spiketrains.append(
                neo.SpikeTrain(train, units="ms", t_start=_ms(begin), t_stop=_ms(end), record=name, neuron=int(neuron))
            )
    for name, times, values in rows:
        unit = (units or {}).get(name, "dimensionless")
        period = times[1] - times[0] if len(times) > 1 else times[0] - begin
        values = values.reshape(len(times), -1)
        segment.analogsignals.append(
            neo.AnalogSignal(
                values, units=unit, t_start=_ms(times[0]), sampling_period=_ms(period), name=name, record=name
            )
        )
    block = neo.Block(name="jaxsnn")
    block.segments.append(segment)
    return block


def to_pandas(run: Run) -> dict[str, Any]:
    """The records of `run`, which `simulate` returned, as tables of pandas, by name.

    Spikes are a table with the columns `time`, ms, and `neuron`, in order of time. What is sampled over time is a table
    with a row for each sample, whose index `time` is in ms, and a column for each value of a sample. Records without
    times are left out. **Raises:** ValueError for a batch of runs.
    """
    import pandas as pd

    rows, spikes = _records(run, {})
    found = {name: pd.DataFrame({"time": record.times(), "neuron": record.events()[1]}) for name, record in spikes}
    for name, times, values in rows:
        found[name] = pd.DataFrame(values.reshape(len(times), -1), index=pd.Index(times, name="time"))
    return found


def _ms(value: Any) -> Any:
    import quantities

    return float(value) * quantities.ms


def _window(run: Run) -> tuple[float, float]:
    """From when to when it lasted, ms."""
    assert run.rows is not None
    end = int(run.state.t)
    return (end - run.rows.steps) * run.rows.dt, end * run.rows.dt


def _records(run: Any, units: Mapping[str, str]) -> tuple[list[tuple[str, Any, Any]], list[tuple[str, Any]]]:
    """Samples with their times, and spikes, by the name of their probe, with dots where records are nested."""
    if not isinstance(run, Run) or run.rows is None:
        raise ValueError(f"Got {shown(run)}, expected a run as simulate(..., record={{...}}) returns it.")
    if np.ndim(run.state.t) != 0:
        raise ValueError("Got a batch of runs, expected one: jax.tree.map(lambda x: x[0], run).")
    rows: list[tuple[str, Any, Any]] = []
    spikes: list[tuple[str, Any]] = []
    everything = []
    for path, record in _leaves(run.record, ()):
        name = ".".join(map(str, path)) or "record"
        everything.append(name)
        if isinstance(record, AbstractSpikeRecord):
            spikes.append((name, record))
            continue
        try:
            times = run.times(*path)
        except ValueError:  # it has none
            continue
        if len(times):
            rows.append((name, np.asarray(times), np.asarray(record)))
    for name in units:
        if name not in everything:
            raise ValueError(f"Got units of {name!r}, expected those of {', '.join(everything) or 'nothing'}.")
    return rows, spikes


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
