"""A scale for each group of cells: lowest bits of its registers for one unit of `v`."""

from __future__ import annotations

import dataclasses
import functools
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._types import Param, is_concrete, out_of_bounds, param
from ..formats import AbstractFormat
from ..graph import CellNode, EdgeNode, Graph, real
from ..rules import AbstractScaledRuleNode
from .base import AbstractPass
from .peaks import Peaks, unseen

_CANDIDATES = 64
_SAMPLE = 512  # size of the sample of weights on which scales are tried


class AbstractRoom(eqx.Module):
    """Which registers must not overflow if all inputs arrive at once, when a scale is set from weights alone."""


class UpToCurrent(AbstractRoom):
    """Input and current cannot overflow. The voltage may be clipped, far below rest."""


class UpToVoltage(AbstractRoom):
    """The voltage cannot overflow either; with slow membranes weights get coarser."""


class Capacity(eqx.Module):
    """The largest numbers that a scale may produce, in lowest bits of registers.

    `input`: the sum of arrivals of a step. `state`: `u + bias` and `v`. `bias`, `weight`, `threshold`: each number.
    """

    input: float = eqx.field(static=True)
    state: float = eqx.field(static=True)
    bias: float = eqx.field(static=True)
    weight: float = eqx.field(static=True)
    threshold: float = eqx.field(static=True)


class BalanceScales(AbstractPass):
    """Choose a scale for each group: lowest bits of its registers for one unit of `v`.

    The largest scale is that at which a threshold, bias, weight or input fills its register; from there down to half of
    it, the scale with the smallest rounding error of weights is chosen. It need not be a power of two or agree between
    groups, since spikes have no unit. Learned weights are taken at their bound, which is placed at the end of the range
    of their format.

    **Arguments:** `weight`: the format of weights. `capacity`: the largest numbers of registers. `peaks`: measured in a
    run, by group; without them, all inputs at once are assumed, for the registers of `room`: `UpToCurrent()` or
    `UpToVoltage()`. `margin`: the factor by which registers are larger than the peaks.
    """

    numeric: ClassVar[bool] = True
    weight: AbstractFormat
    capacity: Capacity
    peaks: dict[str, Peaks] = eqx.field(default_factory=dict)
    margin: Param = param(1.5, unit="1", gt=0.0)
    room: AbstractRoom = eqx.field(default_factory=UpToCurrent)

    def __check_init__(self):
        for name, peak in self.peaks.items():
            if not isinstance(peak, Peaks):
                raise ValueError(f"BalanceScales.peaks[{name!r}] is {peak!r}; expected Peaks(a, u, v).")
        if not isinstance(self.room, (UpToCurrent, UpToVoltage)):
            raise ValueError(f"BalanceScales.room is {self.room!r}; expected UpToCurrent() or UpToVoltage().")

    def unsupported(self, graph):
        for name, cell in graph.cells.items():
            if not cell.is_input and (why := self._unbounded(graph, name, cell)) is not None:
                return f"Population {name!r} {why}"
        return None

    def _unbounded(self, graph: Graph, name: str, cell: CellNode) -> str | None:
        """Why no scale fits the registers of a group; None if one does."""
        zero = lambda key: bool(np.any(np.asarray(cell.real(key)) == 0))
        fires = "threshold" in cell.values
        if fires and not np.all(np.isfinite(np.asarray(cell["threshold"]))):
            return "has an infinite threshold, and a register holds a number; use LI for cells that never fire"
        if zero("decay_u"):
            return "has a current that never decays, and in no register there is room for it; use a finite tau"
        if zero("decay_v") and not fires:
            return "has neither a leak nor a threshold, and no register holds its voltage; use a finite tau"
        if zero("decay_v") and isinstance(self.room, UpToVoltage):
            return "has no leak, so that room=UpToVoltage() leaves room for no voltage; use UpToCurrent()"
        amounts = [x for edge in graph.into(name).values() for x in edge.input_bounds()]
        if not fires and not any(np.any(np.asarray(x)) for x in (*amounts, cell["bias"], cell["v_start"])):
            return (
                "has no threshold and receives no weight other than 0, so that nothing sets the scale of its voltage; "
                "connect it, or leave it out"
            )
        return None

    def __call__(self, graph):
        cells = {}
        for name, cell in graph.cells.items():
            if not cell.is_input:
                largest = self._largest(graph, name, cell)
                scale = self._least_error(largest, list(graph.into(name).values()))
                if not is_concrete(self):
                    scale = jnp.where(out_of_bounds(self), jnp.nan, scale)
                cells[name] = cell.set(scale=real(scale))
        return graph.having(cells=cells)

    def seen(self, peaks, factor):
        known = lambda peak, given: jax.tree.map(lambda x, y: jnp.where(jnp.isinf(peak.a), y, x), peak, given)
        merged = {name: known(peak, self.peaks.get(name, unseen())) for name, peak in peaks.items()}
        return dataclasses.replace(self, peaks=merged, margin=self.margin * factor)

    def _largest(self, graph: Graph, name: str, cell: CellNode) -> Float[Array, ""]:
        """The largest scale at which no register overflows."""
        edges = graph.into(name).values()
        none, has = jnp.zeros(cell.n), self.capacity
        ends = [edge.input_bounds() for edge in edges]
        up = sum((edge.summed(high) for edge, (_, high) in zip(edges, ends, strict=True)), none)
        down = sum((edge.summed(-low) for edge, (low, _) in zip(edges, ends, strict=True)), none)
        a = jnp.maximum(up, down)
        u = _summed(a, cell.real("decay_u")) + jnp.abs(cell["bias"])
        v = _summed(u, cell.real("decay_v"))
        fires = "threshold" in cell.values
        beyond = cell["threshold"] + u if fires else jnp.abs(cell["v_start"])
        bound = Peaks(jnp.max(a), jnp.max(u), jnp.max(jnp.maximum(v, beyond)))
        seen = self.peaks.get(name, unseen())
        known = jnp.isfinite(seen.a)  # one program for both
        need = jax.tree.map(lambda s, b: jnp.where(known, s * self.margin, b), seen, bound)
        most = [jnp.max(jnp.maximum(high, -low), initial=0.0) for low, high in ends]
        needs = [
            (has.input, need.a),
            (has.state, need.u),
            (has.bias, jnp.max(jnp.abs(cell["bias"]))),
            (has.weight, jnp.max(jnp.stack([jnp.zeros(()), *most]))),
            (has.threshold, jnp.max(cell["threshold"]) if fires else need.v),
        ]
        if isinstance(self.room, UpToVoltage):
            needs.append((has.state, jnp.where(known, 0.0, 1.05 * bound.v)))  # headroom for rounding
        scale = jnp.min(jnp.stack([room / jnp.maximum(need, 1e-30 * room) for room, need in needs]))
        some = functools.reduce(jnp.maximum, [need for _, need in needs])
        return jnp.where((scale > 0) & (some > 0), scale, jnp.nan)  # what `unsupported` refuses, of traced numbers

    def _least_error(self, largest: Array, edges: list[EdgeNode]) -> Float[Array, ""]:
        """The scale with the smallest rounding error of weights, between half of the largest and the largest."""
        below = jnp.arange(_CANDIDATES, dtype=largest.dtype) / _CANDIDATES
        candidates = largest * jnp.exp2(-below)
        rules = [edge.rule for edge in edges if isinstance(edge.rule, AbstractScaledRuleNode)]
        if rules:  # scales at which the bound is the end of the range
            best = jnp.stack([rule.best_scales(largest) for rule in rules])
            candidates = jnp.concatenate([candidates, best])
            below = jnp.log2(largest / candidates)
        samples = [(_sample(edge), edge.sign) for edge in edges if edge.rule is None]

        def error(scale: Array) -> Array:
            total = jnp.zeros(())
            for w, sign in samples:
                form = self.weight.fit(w * scale, sign)
                back = form.value(form.nearest(w * scale)[0]) / scale
                total += jnp.sum((back - w) ** 2) / jnp.maximum(jnp.sum(w**2), 1e-30)
            for rule in rules:
                total += rule.rounding_error(scale) ** 2
            return total

        errors = jax.lax.map(error, candidates)
        return candidates[jnp.argmin(errors + 1e-9 * below)]  # of equals the largest


def _summed(x: Array, decay: Array) -> Array:
    """What an input of `x` in every step adds up to in a register with this decay: without any, all that it holds."""
    leaks = decay > 0
    return jnp.where(leaks, x / jnp.where(leaks, decay, 1.0), jnp.inf)


def _sample(edge: EdgeNode) -> Array:
    """A sorted sample of the weights of a group of edges, on which scales are tried."""
    flat = jnp.sort(edge["weight"])
    if edge.count <= _SAMPLE:
        return flat
    return flat[jnp.linspace(0, edge.count - 1, _SAMPLE).astype(jnp.int32)]
