"""Recorded spikes of neurons, at any time: from tables, from NWB, from a run; and as a drive."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np

from .._archive import FileError, regular, said
from .._arguments import shown
from .._bits import BITS
from ..simulation.drives.generator import SpikeGenerator
from ..simulation.probes.events import AbstractSpikeRecord, PackedRaster

_UNITS = {"ms": 1.0, "s": 1e3, "us": 1e-3, "ns": 1e-6}  # in ms


@dataclasses.dataclass(frozen=True, eq=False)
class SpikeTable:
    """Spikes of neurons in order of time: spike `i` is at `time[i]` ms, of neuron `neuron[i]`.

    **Arguments:** `time`: ms, in any order. `neuron`: whole numbers from 0 on. `names`: what the neurons are called,
    one each; None for their numbers. `stop`: when the recording ends, ms; None for the last spike.

    **Raises:** ValueError for lists of different lengths, times that are not finite, and neurons without a name.
    """

    time: Any
    neuron: Any
    names: tuple[Any, ...] | None = None
    stop: float | None = None

    def __post_init__(self):
        time, neuron = np.asarray(self.time, np.float64), np.asarray(self.neuron)
        if time.ndim != 1 or time.shape != neuron.shape:
            raise ValueError(
                f"Got times of shape {time.shape} and neurons of shape {neuron.shape}, expected two lists."
            )
        if not np.all(np.isfinite(time)):
            raise ValueError(f"Got a spike at {time[~np.isfinite(time)][0]} ms, expected finite times.")
        if len(neuron) and (neuron.dtype.kind not in "iu" or neuron.min() < 0):
            raise ValueError(f"Got neurons {shown(neuron)}, expected whole numbers from 0 on.")
        names = tuple(range(int(neuron.max(initial=-1)) + 1) if self.names is None else self.names)
        if len(neuron) and neuron.max() >= len(names):
            raise ValueError(f"Got a spike of neuron {neuron.max()}, and names of {len(names)} neurons.")
        order = np.lexsort((neuron, time))
        last = float(time.max(initial=0.0))
        for name, value in (
            ("time", time[order]),
            ("neuron", neuron[order].astype(np.int64)),
            ("names", names),
            ("stop", last if self.stop is None else float(self.stop)),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, record: AbstractSpikeRecord) -> SpikeTable:
        """What a run recorded (`Raster`, `Spikes`): its neurons under their numbers in the population."""
        trains = record.trains()
        columns = [np.full(len(train), i) for i, train in enumerate(trains)]
        names = range(record.n) if record.neurons is None else record.neurons
        return cls(np.concatenate([[], *trains]), np.concatenate([np.zeros(0, np.int64), *columns]), tuple(names))

    @property
    def n(self) -> int:
        """The number of neurons."""
        return len(self.names or ())

    def trains(self) -> list[np.ndarray]:
        """The spike times of every neuron, ms."""
        order = np.argsort(self.neuron, kind="stable")
        ends = np.cumsum(np.bincount(self.neuron, minlength=self.n))[:-1]
        return np.split(self.time[order], ends) if self.n else []

    def drive(self, into: str, *, dt: float, weight: Any = 1.0) -> SpikeGenerator:
        """A drive that delivers them in a network of step `dt` ms, each in the step in which it lies.

        **Arguments:** `into`: a port of as many neurons. `weight`: of a spike, in the port's unit.
        """
        at = self._steps(dt)
        return SpikeGenerator.from_steps(
            self.neuron, at, steps=int(at.max(initial=0)) + 1, n=max(1, self.n), into=into, weight=weight
        )

    def raster(self, dt: float, *, steps: int | None = None) -> PackedRaster:
        """A bit-packed raster of shape `(steps, n)` with steps of `dt` ms; spikes after its end are left out.

        **Arguments:** `steps`: None for up to the last spike.
        """
        at = self._steps(dt)
        rows, words = int(at.max(initial=0)) + 1 if steps is None else steps, -(-max(1, self.n) // BITS)
        dense = np.zeros((rows, words * BITS), np.uint8)
        keep = at < rows
        dense[at[keep], self.neuron[keep]] = 1
        return PackedRaster(
            np.packbits(dense, axis=1, bitorder="little").view("<u4").astype(np.uint32), max(1, self.n), dt
        )

    def _steps(self, dt: float) -> np.ndarray:
        """The step in which each lies; one that is 1e-3 steps before the next counts as of it."""
        if not (isinstance(dt, int | float) and 0 < dt < np.inf):
            raise ValueError(f"Got dt = {shown(dt)}, expected a positive number of ms.")
        if len(self.time) and self.time[0] < 0:
            raise ValueError(f"Got a spike at {self.time[0]:g} ms, expected none before 0: shift the times.")
        return np.floor(self.time / dt + 1e-3).astype(np.int64)

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        return f"<{len(self)} spikes of {self.n} neurons, {self.stop:g} ms>"


def read_spikes(
    path: str | os.PathLike[str], *, time: str = "time", neuron: str = "neuron", unit: str = "ms", **options: Any
) -> SpikeTable:
    """Spikes from a table with a row a spike: `.parquet`, or text (`.csv`, `.txt`, also `.gz`), by pandas.

    Neurons get numbers from 0 on in the order of what the table calls them; `trains.names` has those names.

    **Arguments:** `time`, `neuron`: names of the columns. `unit`: of the times: `"ms"`, `"s"`, `"us"` or `"ns"`.
    `options`: for `pandas.read_csv`, such as `sep="\\t"`, `names=["time", "neuron"]`.

    **Raises:** `FileError` for a file that is no such table or has no such columns. Parquet needs pyarrow.
    """
    import pandas as pd

    if unit not in _UNITS:
        raise ValueError(f"Got unit = {shown(unit)}, expected one of {', '.join(_UNITS)}.")
    found = regular(path, "a table of spikes")
    try:
        parquet = found.suffix.lower() in (".parquet", ".pq")
        table = pd.read_parquet(found, **options) if parquet else pd.read_csv(found, **options)
        times, called = table[time].to_numpy(np.float64), table[neuron].to_numpy()
        names, index = np.unique(called, return_inverse=True)
    except ImportError:
        raise
    except Exception as error:  # whatever a damaged table makes the readers raise
        raise FileError(
            f"{str(found)!r} is no table with columns {time!r} and {neuron!r} ({type(error).__name__}: {said(error)})."
        ) from None
    if not np.all(np.isfinite(times)):
        raise FileError(f"{str(found)!r}: row {int(np.argmin(np.isfinite(times)))} has no time.")
    return SpikeTable(times * _UNITS[unit], index, tuple(names.tolist()))
