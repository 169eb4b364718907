"""PyNN's functions for single cells, which it calls its procedural interface."""

from __future__ import annotations

from typing import Any

from pyNN import common
from pyNN.common.procedural_api import set as set
from pyNN.connectors import FixedProbabilityConnector

from . import cells, simulator, sources
from .populations import Population
from .projections import Projection
from .synapses import StaticSynapse

create = common.build_create(Population)
connect = common.build_connect(Projection, FixedProbabilityConnector, StaticSynapse)
record = common.build_record(simulator)


def record_v(source: Any, filename: Any) -> Any:
    """Record membrane potentials to a file."""
    return record(["v"], source, filename)


def record_gsyn(source: Any, filename: Any) -> Any:
    """Record synaptic conductances to a file."""
    return record(["gsyn_exc", "gsyn_inh"], source, filename)


def list_standard_models() -> list[str]:
    """The names of the standard cells that there are here."""
    kinds = [kind for module in (cells, sources) for kind in vars(module).values() if isinstance(kind, type)]
    return [kind.__name__ for kind in kinds if issubclass(kind, cells.cells.StandardCellType)]
