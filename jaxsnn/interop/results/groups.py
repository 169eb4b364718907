"""Results as the groups and frames of pynapple."""

from __future__ import annotations

from typing import Any

from .collected import collected


def to_pynapple(run: Any) -> Any:
    """The records of a run as objects of pynapple, by name.

    Spikes are a `TsGroup`, a `Ts` for each neuron under its index in the population; what is sampled over time is a
    `Tsd`, or of several values a `TsdFrame`, of more axes a `TsdTensor`. pynapple counts in seconds: times are
    converted. The support is the whole run. Needs pynapple.

    **Arguments:** `run`: of `simulate`, one run, or spikes of one. **Returns:** `{name: object}`; of one record of
    spikes its `TsGroup`. **Raises:** ValueError for a batch of runs.
    """
    import pynapple as nap

    from ...simulation.probes.events import AbstractSpikeRecord

    spikes, samples = collected(run)
    found = {}
    for one in spikes:
        support = nap.IntervalSet(one.begin, one.end, time_units="ms")
        trains = {int(i): nap.Ts(train, time_units="ms") for i, train in zip(one.ids, one.trains)}
        found[one.name] = nap.TsGroup(trains, time_support=support)
    for one in samples:
        kind = (nap.Tsd, nap.TsdFrame)[one.values.ndim - 1] if one.values.ndim <= 2 else nap.TsdTensor
        found[one.name] = kind(t=one.times, d=one.values, time_units="ms")
    return next(iter(found.values())) if isinstance(run, AbstractSpikeRecord) else found
