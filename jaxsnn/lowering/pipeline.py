"""From a network to a program, in one call."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from .._derivatives import without_derivative
from .._types import is_concrete
from ..networks.model import Network
from .calibrate import Calibration, calibration_of, compare, compare_weights, follow, observe, overflowed, peaks
from .graph import Graph
from .passes.base import AbstractPass
from .passes.peaks import Peaks, unseen
from .program import NO_DERIVATIVE, Program
from .reading import read
from .reports import Report, report_on
from .target import AbstractTarget, Precision

_ATTEMPTS, _LOOKS = 12, 6


class Lowered(NamedTuple):
    """The result of `lower`.

    `program`: runs in `simulate`. `graph`: the network after all passes, every value in its format. `report`: losses of
    precision and use of the chip (`print(lowered.report)`); None while tracing.
    """

    program: Program
    graph: Graph
    report: Report | None


def lower_graph(graph: Graph, passes: Iterable[AbstractPass]) -> Graph:
    """The graph after the passes. Numbers of numeric passes may be traced, as in a sweep over weight bits.

    **Raises:** ValueError of a pass that a graph with these numbers cannot go through.
    """
    if not isinstance(graph, Graph):
        raise ValueError(f"Got {type(graph).__name__}; expected a Graph, as read(net, target) makes one.")
    for numeric, some in itertools.groupby(_listed(passes), lambda each: each.numeric):
        together = list(some)
        for each in together if numeric and is_concrete(graph) else ():
            if (why := each.unsupported(graph)) is not None:
                raise ValueError(f"{why}.")
        graph = (_compiled if numeric else _one_by_one)(graph, together)
    return graph


def _one_by_one(graph: Graph, passes: Iterable[AbstractPass]) -> Graph:
    for each in passes:
        graph = each(graph)
        graph = graph.having(done=(*graph.done, each.name))
    return graph


_compiled = eqx.filter_jit(_one_by_one)


def _listed(passes: Iterable[AbstractPass]) -> list[AbstractPass]:
    if isinstance(passes, AbstractPass) or not isinstance(passes, Iterable):
        raise ValueError(f"Got passes = {passes!r}; expected a list of passes, such as target.passes().")
    for each in (listed := list(passes)):
        if not isinstance(each, AbstractPass):
            raise ValueError(f"Got {each!r} among the passes; expected passes such as those of target.passes().")
    return listed


class _Calibrator(eqx.Module):
    """Lowers a graph repeatedly, each time with the peaks of registers in a run of the last program."""

    start: Graph
    target: AbstractTarget
    passes: list[AbstractPass]
    calibration: Calibration | None

    @property
    def unseen(self) -> dict[str, Peaks]:
        """Peaks of groups that were not measured."""
        return {name: unseen() for name, cell in self.start.cells.items() if not cell.is_input}

    def told(self, seen: dict[str, Peaks], factor: Any) -> list[AbstractPass]:
        """The passes with these peaks and margins `factor` times as large."""
        return [each.seen(seen, factor) for each in self.passes]

    def lowered(self) -> Graph:
        """The graph after all passes, repeated until no register overflows in the calibration run."""
        graph = lower_graph(self.start, self.told(self.unseen, 1.0))
        if (calibration := self.calibration) is None:
            return graph
        for _ in range(_ATTEMPTS):
            run = observe(self.target.emit(graph), calibration)  # compiled once for all runs
            again = overflowed(run)  # an overflow hides the true peak
            graph = lower_graph(self.start, self.told(peaks(run, _scales(graph)), 2.0 if again else 1.0))
            if not again:
                break
        return graph

    def traced(self) -> Graph:
        """The same while tracing, with a fixed number of runs; one is enough if nothing overflows."""
        calibration, carry = self.calibration, (self.unseen, jnp.ones(()))
        if calibration is None:
            return _one_by_one(self.start, self.told(*carry))

        def look(carry: tuple[dict[str, Peaks], Array], _: None) -> Any:
            seen, margin = carry
            graph = _one_by_one(self.start, self.told(seen, margin))
            run = observe(self.target.emit(graph), calibration)
            return (peaks(run, _scales(graph)), margin * jnp.where(run.status != 0, 2.0, 1.0)), None

        carry, _ = lax.scan(look, carry, length=_LOOKS)
        return _one_by_one(self.start, self.told(*carry))


def lower(
    net: Network,
    target: AbstractTarget,
    *,
    calibrate: Any = None,
    precision: Precision | None = None,
    passes: Sequence[AbstractPass] | None = None,
) -> Lowered:
    """Lower a network to an integer program for a chip.

    **Arguments:**

    - `net`: the documentation of each chip says which neurons, ports and rules it has; others are refused by name.
    - `target`: a chip of `snn.chips`, which has the formats, the limits and the arithmetic.
    - `calibrate`: a `Replay`, or `Calibration(drive, steps=, key=)`: a run in which the peaks of registers are measured
      and spikes are compared. None: scales are set from weights alone, as if all axons fired at once.
    - `precision`: `Precision(weight=4)`: the bits of numbers, which may be traced. None: all that registers have.
    - `passes`: instead of `target.passes(precision)`.

    **Returns:** `Lowered(program, graph, report)`. The program runs in `simulate` with the drives of `net`; the report
    says what was lost. While tracing (in a sweep, or of a network that was just trained) placement and limits are not
    checked, and the report is None.

    **Raises:** ValueError that names the part that cannot be lowered, the reason, and the nearest supported thing; and
    where a derivative is taken through it, which would be zero.
    """
    if not isinstance(target, AbstractTarget):
        raise ValueError(f"Got {target!r} to lower for; expected a target, such as one of snn.chips.")
    if passes is not None and precision is not None:
        raise ValueError("Got precision and passes; expected one: target.passes(precision) has its bits.")
    if not isinstance(precision, Precision | None):
        raise ValueError(f"Got precision = {precision!r}, expected Precision(weight=4) or None.")
    listed = target.passes(precision) if passes is None else _listed(passes)
    calibration = calibration_of(calibrate)
    net, listed, calibration, target = without_derivative((net, listed, calibration, target), NO_DERIVATIVE)
    start = read(net, target)
    if not is_concrete((start, listed, calibration, target)):
        graph = _Calibrator(start, target, [each for each in listed if not each.looks], calibration).traced()
        return Lowered(target.emit(graph), graph, None)
    graph = _Calibrator(start, target, listed, calibration).lowered()
    program = target.emit(graph)
    found: dict[str, Any] = {}
    if calibration is not None:
        run = observe(program, calibration)
        model = follow(net, calibration, run)
        rates = {name: np.asarray(raster.dense()).mean(axis=0) for name, raster in run["spikes"].items()}
        found = {
            "agreement": compare(net, program, run, model, calibration),
            "learned": compare_weights(net, target, program, graph, run, model),
            "counted": {n: c.counted(run.state.model.cells[n]) for n, c in program.cells.items()},
            "energy": target.cost(graph, rates, calibration.inference or calibration.steps),
        }
    return Lowered(program, graph, report_on(graph, program, target, **found))


def _scales(graph: Graph) -> dict[str, Array]:
    return {name: cell["scale"] for name, cell in graph.cells.items() if "scale" in cell.values}
