"""Data sets of events, Tonic's among them: every example as a raster, for training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .._arguments import shown
from ..simulation.probes.events import PackedRaster
from .arrays import EventArray
from .filters import AbstractEventFilter, filtered
from .rasters import AbstractBins, stack_rasters, to_raster


def load_rasters(
    dataset: Any,
    bins: AbstractBins | float = 1.0,
    *,
    steps: int | None = None,
    filters: Iterable[AbstractEventFilter] = (),
    examples: Iterable[int] | None = None,
) -> tuple[PackedRaster, np.ndarray]:
    """Examples of a data set as a batch of bit-packed rasters, `(examples, steps, n)`, and their labels.

    `snn.fit(..., snn.Replay(rasters, into="in"), labels, ...)` trains with them; a batch stays packed in memory.

    **Arguments:** `dataset`: of pairs `(events, label)`, with a length and, unless events are an `EventArray`, a
    `sensor_size`: `read_shd(path)`, a list, or any data set of Tonic (without a transform). `bins`, `steps`: as of
    `to_raster`; a whole set should have `steps`. `filters`: as of `read_events`. `examples`: which; None for all.

    **Raises:** ValueError for examples that are no events, with the number of the example.
    """
    filters = (filters,) if isinstance(filters, AbstractEventFilter) else tuple(filters)
    rasters, labels = [], []
    for i in range(len(dataset)) if examples is None else examples:
        try:
            events, label = dataset[int(i)]
            events = _events(events, getattr(dataset, "sensor_size", None))
            (events,) = filtered([events], filters)
        except (ValueError, TypeError) as error:
            raise ValueError(f"Example {i}: {error}") from error
        rasters.append(to_raster(events, bins, steps=steps))
        labels.append(label)
    return stack_rasters(rasters, steps=steps), np.asarray(labels)


def _events(given: Any, sensor_size: Any) -> EventArray:
    if isinstance(given, EventArray):
        return given
    if sensor_size is None:
        raise ValueError(f"Got {shown(given)} of a data set without sensor_size, expected an EventArray.")
    return EventArray.of(given, sensor_size)
