"""Spoken words as spikes of a cochlea: the data of Heidelberg."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._archive import FileError, regular, said
from .._hdf5 import check_lists, open_hdf5, part
from .arrays import EventArray

_SHD = "an .h5 file of the Spiking Heidelberg Digits or Speech Commands"


class SpikingSpeech(Sequence[tuple[EventArray, int]]):
    """Recordings of a data set of spoken words, read when they are asked for: `data[i]` is a pair `(events, label)`.

    `labels` are all labels, `sensor_size` is `(channels, 1, 1)`, and `speakers`, where the file says it, who spoke.
    """

    def __init__(self, path: str | os.PathLike[str], channels: int):
        self.path, self.sensor_size = str(regular(path, _SHD)), (channels, 1, 1)
        self._file = open_hdf5(self.path, _SHD)
        try:
            self._times, self._units = (self._file["spikes"][name] for name in ("times", "units"))
            self.labels = part(self._file["labels"], self.path)
            where = self._file.get("extra/speaker")
            self.speakers = None if where is None else part(where, self.path)
            shapes = [x.shape for x in (self._times, self._units, self.labels)]
            if shapes != [shapes[0]] * 3 or len(shapes[0]) != 1:
                raise ValueError(f"times, units and labels have shapes {shapes}")
            for lists in (self._times, self._units):
                check_lists(lists, self.path)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            self._file.close()
            if isinstance(error, FileError):
                raise
            raise FileError(f"{self.path!r} does not hold recordings ({said(error)}); expected {_SHD}.") from None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        try:
            times, units = np.asarray(self._times[i], np.float64), np.asarray(self._units[i])
            times = np.trunc(times * 1e6)
            found = EventArray.of({"t": times, "x": units}, self.sensor_size)
        except (OSError, ValueError, TypeError) as error:
            raise FileError(f"{self.path!r}: recording {i} is damaged ({said(error)}).") from None
        return found, int(self.labels[i])


def read_shd(path: str | os.PathLike[str], *, channels: int = 700) -> SpikingSpeech:
    """The recordings of an HDF5 file of the Spiking Heidelberg Digits (SHD) or Spiking Speech Commands (SSC).

    Times are whole microseconds, as Tonic has them; `x` is the channel. `Downsample(5)` makes 140 channels of 700.

    **Arguments:** `path`: of `shd_train.h5` and the like, unpacked. `channels`: of the cochlea.

    **Raises:** `FileError` for a file without `spikes/times`, `spikes/units` and `labels`, or that is damaged.
    **Source:** Cramer, Stradmann, Schemmel and Zenke, IEEE TNNLS 33:2744 (2022). Needs h5py.
    """
    return SpikingSpeech(path, channels)
