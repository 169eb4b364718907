"""A scale for every group of cells: what a unit of `v` is in the lowest bits of its registers."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._types import Param, is_concrete, out_of_bounds, param
from ..formats import AbstractFormat
from ..graph import CellNode, EdgeNode, Graph, real
from .base import AbstractPass
from .peaks import Peaks, unseen

_CANDIDATES = 64
_SAMPLE = 512  # weights of a group of edges that a scale is tried on


class AbstractRoom(eqx.Module):
    """Which registers must have room for all inputs at once, where a scale is set from weights alone."""


class UpToCurrent(AbstractRoom):
    """Input and current: they cannot overflow. The voltage may be clipped, far below rest."""


class UpToVoltage(AbstractRoom):
    """The voltage too; slow membranes pay for it with coarser weights."""


class Capacity(eqx.Module):
    """The largest numbers, in the lowest bits of registers, that a scale may lead to.

    `input`: of what arrives in a step. `state`: of `u + bias` and `v`. `bias`, `weight`, `threshold`: of each.
    """

    input: float = eqx.field(static=True)
    state: float = eqx.field(static=True)
    bias: float = eqx.field(static=True)
    weight: float = eqx.field(static=True)
    threshold: float = eqx.field(static=True)


class BalanceScales(AbstractPass):
    """A scale for every group: what one unit of `v` is in the lowest bits of its registers.

    As large as thresholds, biases, weights and inputs have room for; and within a factor of two below that, the one
    that rounds weights least. A power of two is not asked for: spikes have no unit, so groups need not agree.
    Weights that are learned count as large as their bound, and are to reach it where what stores them ends.

    **Arguments:** `weight`: the format of weights. `capacity`: what registers have room for. `peaks`: seen in a run, by
    group. Where there are none, the bound of the weights is taken: all inputs at once, `room`: `UpToCurrent()` or
    `UpToVoltage()`. `margin`: room left beyond the peaks, a factor.
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
        """The scale at which the first register is full."""
        edges = graph.into(name).values()
        none, has = jnp.zeros(cell.n), self.capacity
        ends = [edge.input_bounds() for edge in edges]
        up = sum((edge.summed(high) for edge, (_, high) in zip(edges, ends, strict=True)), none)
        down = sum((edge.summed(-low) for edge, (low, _) in zip(edges, ends, strict=True)), none)
        a = jnp.maximum(up, down)
        u = a / cell.real("decay_u") + jnp.abs(cell["bias"])
        v = u / cell.real("decay_v")
        fires = "threshold" in cell.values
        bound = Peaks(jnp.max(a), jnp.max(u), jnp.max(jnp.maximum(v, cell["threshold"] + u) if fires else v))
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
            needs.append((has.state, jnp.where(known, 0.0, 1.05 * bound.v)))  # some for what rounding adds
        return jnp.min(jnp.stack([room / jnp.maximum(need, 1e-30 * room) for room, need in needs]))

    def _least_error(self, largest: Array, edges: list[EdgeNode]) -> Float[Array, ""]:
        """Of scales up to a factor of two below the largest, the one that rounds the weights least."""
        below = jnp.arange(_CANDIDATES, dtype=largest.dtype) / _CANDIDATES
        candidates = largest * jnp.exp2(-below)
        rules = [edge.rule for edge in edges if edge.rule is not None]
        if rules:  # the scales at which a bound is where storage ends
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


def _sample(edge: EdgeNode) -> Array:
    """Weights of a group of edges, from the smallest to the largest, few enough to try many scales on."""
    flat = jnp.sort(edge["weight"])
    if edge.count <= _SAMPLE:
        return flat
    return flat[jnp.linspace(0, edge.count - 1, _SAMPLE).astype(jnp.int32)]
