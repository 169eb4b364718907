"""Results as Neo blocks, for Elephant and for the file formats that Neo writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .collected import collected


def to_neo(run: Any, *, units: Mapping[str, str] | None = None) -> Any:
    """A run as a Neo `Block` of one `Segment`, for Elephant and for the formats that Neo writes.

    Spikes (`Raster`, `Spikes`) become a `SpikeTrain` a neuron, in ms, with the annotations `record`, the probe's name,
    `population` and `neuron`. What is sampled over time (`Trace`, `Snapshots`, `PopulationRate`) becomes an
    `AnalogSignal` of that name. Records without times, such as `Count`, are left out.

    **Arguments:** `run`: of `simulate`, one run; or spikes of one, such as `run["spikes"]`. `units`: by record, `{"w":
    "pA"}`, instead of what the run knows (mV, Hz); dimensionless where nothing says it.
    **Raises:** ValueError for a batch of runs, and for units of a record that there is not or that Neo does not know.
    """
    import neo
    import quantities as pq

    spikes, samples = collected(run, units)
    for name, unit in (units or {}).items():
        if not _is_unit(unit):
            raise ValueError(f"Got units={{{name!r}: {unit!r}}}, expected a unit that Neo knows, such as 'mV' or 'nA'.")
    segment = neo.Segment(name="run")
    for one in spikes:
        for neuron, train in zip(one.ids, one.trains):
            about = {"record": one.name, "population": one.population, "neuron": int(neuron)}
            segment.spiketrains.append(
                neo.SpikeTrain(train, units="ms", t_start=one.begin * pq.ms, t_stop=one.end * pq.ms, **about)
            )
    for one in samples:
        period = one.times[1] - one.times[0] if len(one.times) > 1 else 1.0
        values = one.values.reshape(len(one.times), -1)
        about = {"name": one.name, "record": one.name}
        start, period = (float(ms) * pq.ms for ms in (one.times[0], period))
        segment.analogsignals.append(
            neo.AnalogSignal(values, units=_known(one.unit), t_start=start, sampling_period=period, **about)
        )
    block = neo.Block(name="jaxsnn")
    block.segments.append(segment)
    return block


def _known(unit: str) -> str:
    """A unit as Neo knows it; dimensionless for what is none, such as `current`."""
    return unit if _is_unit(unit) else "dimensionless"


def _is_unit(text: Any) -> bool:
    import quantities as pq

    try:
        return bool(text) and pq.Quantity(1.0, text) is not None
    except (LookupError, ValueError, SyntaxError, TypeError):
        return False
