"""Results as NWB files."""

from __future__ import annotations

from typing import Any

from .collected import collected


def to_nwb(
    run: Any, *, description: str = "A simulation by jaxsnn", identifier: str | None = None, start: Any = None
) -> Any:
    """The records of a run as an `NWBFile` of pynwb, to be written by its `NWBHDF5IO`.

    Every recorded neuron is a row of the table of units, with its spike times, when it was observed, and the columns
    `record`, `population` and `neuron`; `data.read_nwb` reads them back. What is sampled over time is a `TimeSeries` of
    the acquisition with its unit. NWB counts in seconds: times are converted. Needs pynwb.

    **Arguments:** `run`: of `simulate`, one run, or spikes of one. `description`, `identifier`, `start`: those that NWB
    asks for: of the session, a name of its own (by default a random one), and its time (by default now).
    **Raises:** ValueError for a batch of runs.
    """
    import datetime
    import uuid

    import pynwb

    spikes, samples = collected(run)
    file: Any = pynwb.NWBFile(
        session_description=description,
        identifier=str(uuid.uuid4()) if identifier is None else identifier,
        session_start_time=datetime.datetime.now(datetime.UTC) if start is None else start,
    )
    if spikes:
        file.add_unit_column("record", "the name of the probe")
        file.add_unit_column("population", "the population of the neuron")
        file.add_unit_column("neuron", "its index in the population")
    for one in spikes:
        seen = [[one.begin / 1e3, one.end / 1e3]]
        for neuron, train in zip(one.ids, one.trains):
            about = {"record": one.name, "population": one.population, "neuron": int(neuron)}
            file.add_unit(spike_times=train / 1e3, obs_intervals=seen, **about)
    for one in samples:
        series = pynwb.TimeSeries(
            name=one.name.replace("/", "_"), data=one.values, unit=one.unit or "n/a", timestamps=one.times / 1e3
        )
        file.add_acquisition(series)
    return file
