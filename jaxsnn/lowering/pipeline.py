"""From a network to a program, in one call."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from .._types import is_concrete
from ..networks.model import Network
from .bound import BoundAccumulators
from .calibrate import (
    Calibration,
    calibration_of,
    compare,
    compare_weights,
    follow,
    observe,
    overflowed,
    peaks,
)
from .discretise import AbstractPass, Discretise, FoldGains, MapDelays
from .emission import emit
from .energy import estimate
from .ir import Graph
from .place import PlaceOnCores, RouteAxons, VerifyLimits
from .program import Program
from .quantise import BalanceScales, Peaks, Precision, Quantise, QuantiseDecays, unseen
from .reading import lift
from .report import report
from .targets import AbstractTarget, Loihi1

_ATTEMPTS, _LOOKS = 12, 6


def lowering_passes(precision: Precision | None = None) -> list[AbstractPass]:
    """The passes of `lower`, in order: a list to read, and to change before it is handed to `lower(passes=...)`.

    `precision`: how many bits numbers have; None for all that registers have.
    """
    if not isinstance(precision, Precision | None):
        raise ValueError(f"Got precision = {precision!r}, expected Precision(weight=4) or None.")
    bits = Precision() if precision is None else precision
    return [
        Discretise(),
        FoldGains(),
        MapDelays(),
        QuantiseDecays(bits.decay),
        BalanceScales(weight_bits=bits.weight),
        Quantise(bits.weight, bits.threshold),
        BoundAccumulators(),
        PlaceOnCores(),
        RouteAxons(),
        VerifyLimits(),
    ]


def _listed(passes: Iterable[AbstractPass]) -> list[AbstractPass]:
    if isinstance(passes, AbstractPass) or not isinstance(passes, Iterable):
        raise ValueError(f"Got passes = {passes!r}; expected a list of passes, such as lowering_passes().")
    for each in (listed := list(passes)):
        if not isinstance(each, AbstractPass):
            raise ValueError(f"Got {each!r} among the passes; expected passes such as Quantise().")
    return listed


def lower_graph(graph: Graph, target: AbstractTarget, passes: Iterable[AbstractPass]) -> Graph:
    """A graph after some passes; numeric ones may have traced numbers, as in a sweep over weight bits."""
    if not isinstance(graph, Graph) or not isinstance(target, AbstractTarget):
        raise ValueError(
            f"Got {type(graph).__name__} and {type(target).__name__}; expected a Graph, as of lift(net), and a target."
        )
    passes = _listed(passes)
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
    precision: Precision | None = None,
    passes: Sequence[AbstractPass] | None = None,
) -> Program:
    """Lower a network to a program of whole numbers for a chip.

    **Arguments:**

    - `net`: populations of `LIF`, `LI` and relays (inputs); ports of one kind a population, `Delta` or `Exponential`.
      Projections may learn by additive `PairSTDP` in a chain with a `Bound`: they become `LearningSynapses`.
    - `target`: `Loihi1()` or `Loihi2()`, which have the limits and the arithmetic.
    - `calibrate`: a `Replay`, or `Calibration(drive, steps=, key=)`: what to run the model under. Scales are then set
      by how far registers go, and the report compares spikes. None: by weights alone, as if all axons fired at once.
    - `precision`: `Precision(weight=4)`: how many bits numbers have; traced ones too. None: all that registers have.
    - `passes`: instead of `lowering_passes(precision)`.

    **Returns:** a `Program`, which runs in `simulate` under the drives of `net`; `program.report` says what was lost.
    While tracing (in a sweep, of a network that was just trained) what looks at numbers is left out: placement, limits,
    and the report, which is None.

    **Raises:** ValueError that names the part which cannot be lowered, the limit, and the nearest thing that can.
    """
    if not isinstance(target, AbstractTarget):
        raise ValueError(f"Got {target!r} to lower for; expected a target, Loihi1() or Loihi2().")
    if passes is not None and precision is not None:
        raise ValueError("Got precision and passes; expected one: lowering_passes(precision) has its bits.")
    passes = lowering_passes(precision) if passes is None else _listed(passes)
    calibration = calibration_of(calibrate)
    start = lift(net)
    if not is_concrete((start, passes, calibration)):
        return _traced(start, target, calibration, [each for each in passes if not each.looks])
    unknown = {name: unseen() for name, cell in start.cells.items() if not cell.is_input}
    graph = lower_graph(start, target, [_seen(each, unknown, 1.0) for each in passes])
    if calibration is not None:
        for _ in range(_ATTEMPTS):
            run = observe(_emitted(graph, target), calibration)  # compiled once for all attempts, and the last look
            again = overflowed(run)  # what overflowed was larger than it seemed
            seen = peaks(run, _scales(graph)), 2.0 if again else 1.0
            graph = lower_graph(start, target, [_seen(each, *seen) for each in passes])
            if not again:
                break
    program = _emitted(graph, target)
    agreement = learned = energy = None
    if calibration is not None:
        run = observe(program, calibration)
        model = follow(net, calibration)
        agreement = compare(net, program, run, model, calibration)
        learned = compare_weights(net, graph, run, model)
        rates = {name: np.asarray(raster.dense()).mean(axis=0) for name, raster in run["spikes"].items()}
        energy = estimate(graph, target, rates, calibration.inference or calibration.steps)
    return dataclasses.replace(
        program, report=report(graph, target, agreement=agreement, learned=learned, energy=energy)
    )


def _traced(
    start: Graph, target: AbstractTarget, calibration: Calibration | None, passes: list[AbstractPass]
) -> Program:
    """The same while tracing, after a fixed number of runs; one is enough where nothing overflows."""
    unknown = {name: unseen() for name, cell in start.cells.items() if not cell.is_input}

    def lowered(seen: dict[str, Peaks], margin: Array) -> Graph:
        return _one_by_one(start, target, [_seen(each, seen, margin) for each in passes])

    def look(carry: Any, _: None) -> Any:
        seen, margin = carry
        graph = lowered(seen, margin)
        run = observe(emit(graph, target.core), calibration)
        return (peaks(run, _scales(graph)), margin * jnp.where(run.status != 0, 2.0, 1.0)), None

    carry = (unknown, jnp.ones(()))
    if calibration is not None:
        carry, _ = lax.scan(look, carry, length=_LOOKS)
    return _emitted(lowered(*carry), target)


def _emitted(graph: Graph, target: AbstractTarget) -> Program:
    return dataclasses.replace(emit(graph, target.core), scale=_scales(graph))


def _scales(graph: Graph) -> dict[str, Array]:
    return {name: cell["scale"] for name, cell in graph.cells.items() if "scale" in cell.values}


def _seen(each: AbstractPass, seen: dict[str, Peaks], factor: Any) -> AbstractPass:
    """The same pass, but that scales are set by what was seen, with a margin that is `factor` times as large."""
    if not isinstance(each, BalanceScales):
        return each
    known = lambda peak, given: jax.tree.map(lambda x, y: jnp.where(jnp.isinf(peak.a), y, x), peak, given)
    seen = {name: known(peak, each.peaks.get(name, unseen())) for name, peak in seen.items()}
    return eqx.tree_at(lambda b: (b.peaks, b.margin), each, (seen, each.margin * factor), is_leaf=_is_dict)


def _is_dict(x: Any) -> bool:
    return isinstance(x, dict)
