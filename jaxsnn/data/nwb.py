"""Spikes from NWB files: the table of units."""

from __future__ import annotations

import os

import numpy as np

from .._archive import FileError, regular, said
from .._hdf5 import open_hdf5, part
from .spike_table import SpikeTable

_WHAT = "an NWB file with a table of units"


def read_nwb(path: str | os.PathLike[str], *, names: str = "id") -> SpikeTable:
    """The spikes of an NWB file's units, which keep their ids as names; times in ms.

    Reads HDF5 as NWB lays it out: `units/spike_times`, seconds, one unit after the other, and
    `units/spike_times_index`, where each ends. `interop.to_nwb` writes such files of a run.

    **Arguments:** `names`: the column of the table that has the names, such as `"neuron"` in files of `to_nwb`.

    **Raises:** `FileError` for a file without units, or that is damaged.
    **Source:** Rübel et al., eLife 11:e78362 (2022). Needs h5py.
    """
    name = str(regular(path, _WHAT))
    with open_hdf5(name, _WHAT) as file:
        try:
            units = file["units"]
            ids = part(units[names], name)
            called = tuple(x.decode() if isinstance(x, bytes) else x for x in ids.tolist())
            if "spike_times" not in units:
                return SpikeTable([], np.zeros(0, int), called)
            times, ends = part(units["spike_times"], name), part(units["spike_times_index"], name)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, FileError):
                raise
            raise FileError(f"{name!r} has no units with spike times ({said(error)}); expected {_WHAT}.") from None
    ends = ends.astype(np.int64)
    counts = np.diff(ends, prepend=0)
    if ends.shape != ids.shape or times.ndim != 1 or np.any(counts < 0) or (len(ends) and ends[-1] != len(times)):
        raise FileError(f"{name!r}: units/spike_times_index does not divide {len(times)} times among {len(ids)} units.")
    if times.dtype.kind != "f" or not np.all(np.isfinite(times)):
        raise FileError(f"{name!r}: units/spike_times holds {times.dtype}, expected finite times in seconds.")
    return SpikeTable(times * 1e3, np.repeat(np.arange(len(ids)), counts), called)
