"""Quantisation of decays."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax.numpy as jnp

from ..formats import AbstractFormat
from ..graph import Value, real
from .base import AbstractPass


class QuantiseDecays(AbstractPass):
    """Round decays to their formats.

    A rounded decay changes the mean response to a steady input; weights and biases are scaled by `rounded / exact`,
    which corrects that. A membrane without a leak has a decay of 0, which every format holds; there is nothing to
    correct.

    **Arguments:** `u`, `v`: the formats of the decays of current and membrane, fractions per step.
    """

    numeric: ClassVar[bool] = True
    u: AbstractFormat
    v: AbstractFormat

    def __call__(self, graph):
        cells, edges = {}, {}
        for name, cell in graph.cells.items():
            if not cell.is_leaky:
                continue
            new, gain = {}, jnp.ones(())
            for key, form in (("decay_u", self.u), ("decay_v", self.v)):
                exact = cell[key]
                stored, _ = form.nearest(exact)
                new[key] = Value(stored, form)
                never = exact == 0
                ratio = jnp.where(never, 1.0, form.value(stored) / jnp.where(never, 1.0, exact))
                gain = gain * ratio
                graph = graph.count(name, **{f"{key}, largest relative error": jnp.max(jnp.abs(ratio - 1.0))})
                if key == "decay_v":
                    new["bias"] = real(cell["bias"] * ratio)
            ports = {port: per_unit * gain for port, per_unit in cell.ports.items()}
            cells[name] = dataclasses.replace(cell.set(**new), ports=ports)
            for key, edge in graph.into(name).items():
                edges[key] = edge.times(gain)
        return graph.having(cells=cells, edges=edges)
