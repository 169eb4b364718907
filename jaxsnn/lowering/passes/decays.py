"""Decays become what registers hold."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax.numpy as jnp

from ..formats import AbstractFormat
from ..graph import Value, real
from .base import AbstractPass


class QuantiseDecays(AbstractPass):
    """Decays become the nearest that their formats have.

    A decay that was rounded changes the mean that a steady input reaches; weights and biases are scaled by
    `rounded / exact`, which undoes that.

    **Arguments:** `u`, `v`: the formats of the current's and the membrane's decay, a fraction of a step.
    """

    numeric: ClassVar[bool] = True
    u: AbstractFormat
    v: AbstractFormat

    def __call__(self, graph):
        cells, edges = {}, {}
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            new, gain = {}, jnp.ones(())
            for key, form in (("decay_u", self.u), ("decay_v", self.v)):
                exact = cell[key]
                stored, _ = form.nearest(exact)
                new[key] = Value(stored, form)
                ratio = form.value(stored) / exact
                gain = gain * ratio
                graph = graph.count(name, **{f"{key}, largest relative error": jnp.max(jnp.abs(ratio - 1.0))})
                if key == "decay_v":
                    new["bias"] = real(cell["bias"] * ratio)
            ports = {port: per_unit * gain for port, per_unit in cell.ports.items()}
            cells[name] = dataclasses.replace(cell.set(**new), ports=ports)
            for key, edge in graph.into(name).items():
                edges[key] = edge.times(gain)
        return graph.having(cells=cells, edges=edges)
