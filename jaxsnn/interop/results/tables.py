"""Results as tables of pandas and as a data set of xarray."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .collected import Spikes, collected


def to_pandas(run: Any) -> dict[str, Any]:
    """The records of `run`, which `simulate` returned, as tables of pandas, by name.

    Spikes are a table with the columns `time`, ms, and `neuron`, in order of time. What is sampled over time is a table
    with a row for each sample, whose index `time` is in ms, and a column for each value of a sample; `table.attrs` has
    its unit. Records without times are left out. **Raises:** ValueError for a batch of runs.
    """
    import pandas as pd

    spikes, samples = collected(run)
    found = {}
    for one in spikes:
        time, neuron = listed(one)
        found[one.name] = pd.DataFrame({"time": time, "neuron": neuron})
    for one in samples:
        index = pd.Index(one.times, name="time")
        found[one.name] = pd.DataFrame(one.values.reshape(len(one.times), -1), index=index)
        found[one.name].attrs["units"] = one.unit
    return found


def to_xarray(run: Any, *, units: Mapping[str, str] | None = None) -> Any:
    """The records of a run as a `Dataset` of xarray, which writes to netCDF and zarr.

    What is sampled over time is a variable of the probe's name with the coordinate `<name>_time`, ms. Spikes are two
    variables along `<name>_spike`: `<name>_time`, ms, and `<name>_neuron`. Names of variables have `_` in place of
    dots; `attrs["units"]` has units, and the data set's `attrs` say from when to when it was recorded, ms.

    **Arguments:** `run`: of `simulate`, one run, or spikes of one. `units`: by record, instead of what the run knows.
    **Raises:** ValueError for a batch of runs, and for units of a record that there is not.
    """
    import xarray as xr

    spikes, samples = collected(run, units)
    found = xr.Dataset()
    for one in spikes:
        name = one.name.replace(".", "_")
        time, neuron = listed(one)
        found[f"{name}_time"] = (f"{name}_spike", time, {"units": "ms", "long_name": "time of a spike"})
        found[f"{name}_neuron"] = (f"{name}_spike", neuron, {"population": one.population})
        found.attrs |= {"t_start": one.begin, "t_stop": one.end}
    for one in samples:
        name = one.name.replace(".", "_")
        dims = (f"{name}_time", *(f"{name}_{axis}" for axis in ("neuron", *"abc")[: one.values.ndim - 1]))
        found[name] = (dims, one.values, {"units": one.unit} if one.unit else {})
        found.coords[f"{name}_time"] = (f"{name}_time", one.times, {"units": "ms"})
    return found


def listed(spikes: Spikes) -> tuple[np.ndarray, np.ndarray]:
    """Time and neuron of every spike, in order of time."""
    time = np.concatenate([np.zeros(0), *spikes.trains])
    neuron = np.repeat(spikes.ids, [len(train) for train in spikes.trains])
    order = np.lexsort((neuron, time))
    return time[order], neuron[order].astype(np.int64)
