"""Probes: what is kept of a run, such as spikes, traces, counts and rates.

A probe folds or emits in every step, so that only what was asked for is stored.
"""

from typing import TYPE_CHECKING

from ..._late import exports

if TYPE_CHECKING:
    from .base import AbstractProbe as AbstractProbe
    from .counts import Count as Count
    from .counts import FiringRate as FiringRate
    from .counts import FirstSpike as FirstSpike
    from .events import Events as Events
    from .events import PackedRaster as PackedRaster
    from .folds import Max as Max
    from .folds import Mean as Mean
    from .folds import Sum as Sum
    from .rates import ISI as ISI
    from .rates import PopulationRate as PopulationRate
    from .shortcuts import ByPopulation as ByPopulation
    from .spikes import Raster as Raster
    from .spikes import Spikes as Spikes
    from .traces import Last as Last
    from .traces import Snapshots as Snapshots
    from .traces import Trace as Trace
else:
    __getattr__, __dir__ = exports(__name__)
