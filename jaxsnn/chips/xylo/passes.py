"""The passes that make whole numbers of Xylo of a network: steps and scales."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._types import Param, Register, param, register
from ...lowering.formats import Fixed
from ...lowering.graph import EdgeNode, Graph, Value, real
from ...lowering.passes.base import AbstractPass
from ...lowering.passes.losses import lost
from ...lowering.passes.peaks import Peaks, unseen
from .arithmetic import HIGH


def outputs(graph: Graph) -> set[str]:
    """Groups that become outputs: nothing leaves them, and only hidden neurons project to them, by one synapse."""
    senders = {edge.pre for edge in graph.edges.values()}
    inputs = {name: [graph.cells[edge.pre].is_input for edge in graph.into(name).values()] for name in graph.cells}
    return {
        n
        for n, of in inputs.items()
        if n not in senders and of and not any(of) and "dash_i1" not in graph.cells[n].values
    }


class MergePorts(AbstractPass):
    """Ports that share a synapse share its weights: gains act on them, and edges of one pair of neurons are added."""

    def __call__(self, graph):
        shared: dict[tuple[str, str, int], dict[str, EdgeNode]] = {}
        for key, edge in graph.edges.items():
            cell = graph.cells[edge.post]
            same = shared.setdefault((edge.pre, edge.post, int(cell[f"synapse {edge.port}"])), {})
            same[key] = edge.times(cell[f"gain {edge.port}"])
        return dataclasses.replace(
            graph, edges={" + ".join(same): _added([*same.values()]) for same in shared.values()}
        )


def _added(edges: list[EdgeNode]) -> EdgeNode:
    """Edges between the same groups as one."""
    first, *more = edges
    if not more:
        return first
    pairs = np.concatenate([np.asarray(edge.sender) * edge.n_post + np.asarray(edge.receiver) for edge in edges])
    pairs, place = np.unique(pairs, return_inverse=True)
    weight = jax.ops.segment_sum(jnp.concatenate([edge["weight"] for edge in edges]), place, pairs.size)
    sender, receiver = (jnp.asarray(x, jnp.int32) for x in np.divmod(pairs, first.n_post))
    return dataclasses.replace(first.set(weight=real(weight)), sender=sender, receiver=receiver, sign=0)


class AbstractScaling(eqx.Module):
    """Which neurons share a scale. As each has a threshold of its own, none needs to."""


class PerNeuron(AbstractScaling):
    """A scale for each neuron, which then uses all bits of its weights."""


class Global(AbstractScaling):
    """One scale for all hidden neurons, and one for all outputs."""


class ScaleToBits(AbstractPass):
    """Weights of 8 bits with a shift for each matrix (inputs, recurrent, outputs); thresholds and biases of 16 bits.

    Of all shifts those with the smallest expected error are taken: large shifts round weights, and small states suffer
    from the rounding of decays. Scales leave room for a threshold and the currents of a step: `margin` times the
    largest seen in a calibration run, or those of all senders firing together. `scaling`: `PerNeuron()` or `Global()`.
    `weight_bits`: 2..8, the sign among them.
    """

    numeric: ClassVar[bool] = True
    weight_bits: Register = register(8, within=(2, 8))
    scaling: AbstractScaling = eqx.field(default_factory=PerNeuron)
    peaks: dict[str, Peaks] = eqx.field(default_factory=dict)
    margin: Param = param(1.5, unit="1", gt=0.0)

    def seen(self, peaks, factor):
        return dataclasses.replace(self, peaks=peaks, margin=self.margin * factor)

    def __call__(self, graph):
        last, cells, edges = outputs(graph), {}, {}
        for names in (graph.cells.keys() - last, last):
            names = [name for name in sorted(names) if not graph.cells[name].is_input]
            scales, shifts = self._chosen(graph, names) if names else ({}, [])
            for name, scale in scales.items():
                cell = graph.cells[name]
                whole = lambda x: Value(jnp.round(x).astype(jnp.int32), Fixed(15))
                registers = {key: whole(cell[key] * scale) for key in ("threshold", "bias")}
                cells[name] = cell.set(scale=real(scale), **registers)
                graph = graph.count(name, **{key: cell[key] for key in cell.values if ", " in key})
                for key, edge in graph.into(name).items():
                    form, w = Fixed(7, -shifts[int(not graph.cells[edge.pre].is_input)]), edge["weight"]
                    w = w * edge.of_receivers(scale)
                    nearest, clipped = form.nearest(w)
                    stored = jnp.clip(nearest, -self._most, self._most)
                    unit = edge.of_receivers(scale)
                    edges[key] = edge.set(weight=Value(stored, form), shift=real(-form.frac))
                    error = jnp.sum(jnp.abs(form.value(stored) - w)) / jnp.maximum(jnp.sum(jnp.abs(w)), 1e-30)
                    counted = lost(w, stored, form.value(stored), clipped | (stored != nearest), unit)
                    graph = graph.count(key, **counted, **{"weights, mean error": error})
        return graph.having(cells=cells, edges=edges)

    @property
    def _most(self) -> Array:
        """The largest weight."""
        return (1 << (self.weight_bits - 1)) - 1

    def _chosen(self, graph: Graph, names: list[str]) -> tuple[dict[str, Array], Array]:
        """The scale of every neuron of some groups, and the shifts of weights from inputs and from hidden neurons."""
        needs = zip(*[self._needs(graph, name) for name in names], strict=True)
        room, rounds, top, count, power = (jnp.concatenate(each, axis=-1) for each in needs)

        def outcome(shift: Array) -> tuple[Array, Array]:
            unit = jnp.exp2(shift)[:, None]
            scale = jnp.minimum(room, jnp.min(self._most.astype(unit.dtype) * unit / top, axis=0))
            scale = jnp.full_like(scale, jnp.min(scale)) if isinstance(self.scaling, Global) else scale
            rounded = jnp.sum(count * unit**2, axis=0) / (12.0 * jnp.where(power > 0, power, 1.0) * scale**2)
            rounded = jnp.where(power > 0, rounded, 0.0)  # weights of 0 are not rounded, whatever the scale
            return scale, jnp.mean(rounded + (rounds / scale) ** 2)

        shifts = jnp.stack(jnp.meshgrid(jnp.arange(9.0), jnp.arange(9.0)), axis=-1).reshape(81, 2)
        scales, errors = jax.vmap(outcome)(shifts)
        best = jnp.argmin(errors + 1e-9 * shifts.sum(axis=1))  # of equals the smallest
        ends = np.cumsum([graph.cells[name].n for name in names])[:-1]
        return dict(zip(names, jnp.split(scales[best], ends), strict=True)), shifts[best].astype(jnp.int32)

    def _needs(self, graph: Graph, name: str) -> tuple[Array, ...]:
        """For every neuron the largest scale, and the rounding error of its decays over its threshold, at a scale of 1.

        And of its weights: by matrix the largest and their number, and of both matrices the sum of squares.
        """
        cell, none = graph.cells[name], jnp.zeros((2, graph.cells[name].n))
        lasts = {key: jnp.exp2(cell.each(key).astype(none.dtype)) for key in cell.values if key.startswith("dash_")}
        top, count, power, up, down = none, none, none[0], none[0], none[0]
        for edge in graph.into(name).values():
            matrix, w = int(not graph.cells[edge.pre].is_input), edge["weight"]
            top = top.at[matrix, edge.receiver].max(jnp.abs(w))
            count, power = count.at[matrix, edge.receiver].add(1.0), power + edge.summed(w**2)
            stays = jnp.exp2(cell[f"dash of {edge.port}"].astype(w.dtype))
            up, down = up + stays * edge.summed(jnp.maximum(w, 0)), down + stays * edge.summed(jnp.maximum(-w, 0))
        peak = self.peaks.get(name, unseen())
        current = jnp.where(jnp.isinf(peak.u), jnp.maximum(up, down), self.margin * peak.u)
        below = jnp.where(jnp.isinf(peak.v), 0.0, self.margin * peak.v)
        need = jnp.maximum(jnp.maximum(cell["threshold"] + current, below), jnp.abs(cell["bias"]))
        membrane = lasts.pop("dash_v")
        rounds = membrane * (1.0 + sum(lasts.values())) / (2.0 * cell["threshold"])
        return HIGH / need, rounds, jnp.maximum(top, 1e-30), count, power
