"""From a network to a program, in one call."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import equinox as eqx
import numpy as np

from .._types import is_concrete
from ..network.network import Network
from .bound import BoundAccumulators
from .calibrate import calibration_of, compare, observe, overflowed, peaks
from .discretise import AbstractPass, Discretise, FoldGains, MapDelays
from .emit import emit
from .energy import estimate
from .ir import Graph
from .lift import lift
from .place import PlaceOnCores, RouteAxons, VerifyLimits
from .program import Program
from .quantise import BalanceScales, Peaks, Quantise, QuantiseDecays, unseen
from .report import report
from .targets import AbstractTarget, Loihi1

_ATTEMPTS = 12


def lowering_passes() -> list[AbstractPass]:
    """The passes of `lower`, in order: a list to read, and to change before it is handed to `lower(passes=...)`."""
    return [
        Discretise(),
        FoldGains(),
        MapDelays(),
        QuantiseDecays(),
        BalanceScales(),
        Quantise(),
        BoundAccumulators(),
        PlaceOnCores(),
        RouteAxons(),
        VerifyLimits(),
    ]


def lower_graph(graph: Graph, target: AbstractTarget, passes: Iterable[AbstractPass]) -> Graph:
    """A graph after some passes; numeric ones may have traced numbers, as in a sweep over weight bits."""
    for numeric, some in itertools.groupby(passes, lambda each: each.numeric):
        graph = (_compiled if numeric else _one_by_one)(graph, target, list(some))
    return graph


def _one_by_one(graph: Graph, target: AbstractTarget, passes: list[AbstractPass]) -> Graph:
    for each in passes:
        graph = each(graph, target)
        graph = graph.having(done=(*graph.done, each.name))
    return graph


_compiled = eqx.filter_jit(_one_by_one)


def lower(
    net: Network,
    target: AbstractTarget = Loihi1(),
    *,
    calibrate: Any = None,
    passes: Sequence[AbstractPass] | None = None,
) -> Program:
    """Lower a network to a program of whole numbers for a chip.

    **Arguments:**

    - `net`: populations of `LIF`, `LI` and relays (inputs); ports of one kind a population, `Delta` or `Exponential`.
    - `target`: `Loihi1()` or `Loihi2()`, which have the limits and the arithmetic.
    - `calibrate`: a `Replay`, or `Calibration(drive, steps=, key=)`: what to run the model under. Scales are then set
      by how far registers go, and the report compares spikes. None: by weights alone, as if all axons fired at once.
    - `passes`: instead of `lowering_passes()`.

    **Returns:** a `Program`, which runs in `simulate` under the drives of `net`; `program.report` says what was lost.

    **Raises:** ValueError that names the part which cannot be lowered, the limit, and the nearest thing that can.
    """
    if not isinstance(net, Network):
        raise ValueError(f"Got {type(net).__name__}, expected a network(...) to lower.")
    if not is_concrete(net):
        raise ValueError("The network is traced; lower outside jit, or run the numeric passes with lower_graph.")
    passes = lowering_passes() if passes is None else list(passes)
    calibration = calibration_of(calibrate)
    start = lift(net)
    unknown = {name: unseen() for name, cell in start.cells.items() if not cell.is_input}
    graph = lower_graph(start, target, [_seen(each, unknown, False) for each in passes])
    if calibration is not None:
        for _ in range(_ATTEMPTS):
            scales = {name: cell["scale"] for name, cell in graph.cells.items() if "scale" in cell.values}
            run = observe(emit(graph, target.core), calibration)
            again = overflowed(run)
            graph = lower_graph(start, target, [_seen(each, peaks(run, scales), again) for each in passes])
            if not again:
                break
    program = emit(graph, target.core)
    agreement = energy = None
    if calibration is not None:
        run = observe(program, calibration)
        agreement = compare(net, program, run, calibration)
        rates = {name: np.asarray(raster.dense()).mean(axis=0) for name, raster in run["spikes"].items()}
        energy = estimate(graph, target, rates)
    return dataclasses.replace(program, report=report(graph, target, agreement=agreement, energy=energy))


def _seen(each: AbstractPass, seen: dict[str, Peaks], again: bool) -> AbstractPass:
    """The same pass, but that scales are set by what was seen. What overflowed was larger than it seemed: twice."""
    if not isinstance(each, BalanceScales):
        return each
    seen = {name: each.peaks.get(name, peak) if np.isinf(peak.a) else peak for name, peak in seen.items()}
    return eqx.tree_at(
        lambda b: (b.peaks, b.margin), each, (seen, each.margin * (2.0 if again else 1.0)), is_leaf=_is_dict
    )


def _is_dict(x: Any) -> bool:
    return isinstance(x, dict)
