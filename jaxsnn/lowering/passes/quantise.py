"""Quantisation of weights, thresholds, biases and initial voltages."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from ..formats import AbstractFormat
from ..graph import CellNode, EdgeNode, Value
from ..rules import AbstractScaledRuleNode
from .base import AbstractPass
from .losses import lost

_FORGETS = 2.0**-6  # below this factor per step the initial voltage has decayed


class CellFormats(eqx.Module):
    """The formats of the parameters of a cell, in lowest bits of its registers; `refractory` in steps."""

    threshold: AbstractFormat
    bias: AbstractFormat
    state: AbstractFormat
    refractory: AbstractFormat


class Quantise(AbstractPass):
    """Round weights, thresholds and biases to their formats, and count what is lost, by part.

    **Arguments:** `weight`: the format of weights, which a group of edges shares. `cell`: the formats of cells.
    `input_unit`: lowest bits of a register for one unit of weight, the unit of what drives feed.
    """

    numeric: ClassVar[bool] = True
    weight: AbstractFormat
    cell: CellFormats
    input_unit: float = eqx.field(static=True)

    def __call__(self, graph):
        cells, edges = {}, {}
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            cell, counts = self._cell(cell, dict(graph.lags).get(name, 0))
            cells[name], graph = cell, graph.count(name, **counts)
            for key, edge in graph.into(name).items():
                edges[key], counts = self._edges(edge, cell["scale"])
                graph = graph.count(key, **counts)
        return graph.having(cells=cells, edges=edges)

    def _cell(self, cell: CellNode, lag: int) -> tuple[CellNode, dict[str, Any]]:
        scale, formats = cell["scale"], self.cell
        counts: dict[str, Any] = {}
        if "threshold" in cell.values:
            wanted = cell["threshold"] * scale
            threshold, clipped = _stored(formats.threshold, wanted)
            counts["thresholds clipped"] = jnp.sum(clipped)
            error = threshold.real / jnp.maximum(wanted, 1e-30) - 1.0
            counts["threshold, largest relative error"] = jnp.max(jnp.abs(error))
        else:
            threshold = Value(jnp.asarray(formats.threshold.range()[1], jnp.int32), formats.threshold)
        wanted = cell["bias"] * scale
        bias, clipped = _stored(formats.bias, wanted)
        counts["biases clipped"] = jnp.sum(clipped)
        counts["bias, largest error over threshold"] = jnp.max(
            jnp.abs(bias.real - wanted) / jnp.maximum(threshold.real, 1.0)
        )
        start, clipped = _start(cell, lag, threshold, formats.state)
        counts["initial voltages clipped"] = jnp.sum(clipped)
        refractory = Value(cell["refractory"].astype(jnp.int32), formats.refractory)
        values = dict(threshold=threshold, bias=bias, refractory=refractory, v_start=start)
        ports = {port: per_unit * scale / self.input_unit for port, per_unit in cell.ports.items()}
        return dataclasses.replace(cell.set(**values), ports=ports), counts

    def _edges(self, edge: EdgeNode, scale: Array) -> tuple[EdgeNode, dict[str, Any]]:
        scale = edge.of_receivers(scale)
        if edge.rule is not None:
            if not isinstance(edge.rule, AbstractScaledRuleNode):
                raise ValueError(f"Quantise got edges that learn by {edge.rule}; expected an AbstractScaledRuleNode.")
            values, wanted, back, clipped = edge.rule.quantised(edge["weight"], scale, edge.sign)
            counts = lost(wanted, values["weight"].x, back, clipped, scale)
            return edge.set(**values), counts | edge.rule.counts()
        wanted = edge["weight"] * scale
        form = self.weight.fit(wanted, edge.sign)
        stored, clipped = form.nearest(wanted)
        return edge.set(weight=Value(stored, form)), lost(wanted, stored, form.value(stored), clipped, scale)


def _stored(form: AbstractFormat, wanted: Array) -> tuple[Value, Array]:
    """The nearest numbers of a format, and which were clipped."""
    form = form.fit(wanted)
    stored, clipped = form.nearest(wanted)
    return Value(stored, form), clipped


def _start(cell: CellNode, lag: int, threshold: Value, form: AbstractFormat) -> tuple[Value, Array]:
    """The initial voltage, at most the threshold, and where it was clipped.

    A group that lags takes `lag` steps without input first; the initial voltage is chosen so that it then is right.
    """
    v, keep = cell["v_start"], 1.0 - cell.real("decay_v")
    for _ in range(lag):
        v = jnp.where(keep > _FORGETS, (v - cell["bias"]) / jnp.maximum(keep, _FORGETS), 0.0)
    wanted = jnp.round(v * cell["scale"])
    most = form.value(jnp.asarray(form.range()[1])).astype(wanted.dtype)
    kept = jnp.clip(wanted, -most, jnp.minimum(threshold.real.astype(wanted.dtype), most))
    return Value(kept.astype(jnp.int32), form), kept != wanted
