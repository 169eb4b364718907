"""From differential equations to a recursion."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array

from ..graph import CellNode, real
from .base import AbstractPass


class Discretise(AbstractPass):
    """Replace time constants by decays, `1 - exp(-dt / tau)`; `decay_u` is 1 if arrivals are jumps of `v`."""

    def __call__(self, graph):
        cells = {}
        for name, cell in graph.cells.items():
            if not cell.is_leaky:
                continue
            decay_u, decay_v = _decay(cell, "decay_u", "tau_syn", graph.dt), _decay(cell, "decay_v", "tau", graph.dt)
            gain = cell["per_current"] if "per_current" in cell.values else jnp.ones(())
            cells[name] = cell.set(
                decay_u=real(decay_u), decay_v=real(decay_v), gain=real(gain), tau=None, tau_syn=None, per_current=None
            )
        return graph.having(cells=cells)


def _decay(cell: CellNode, name: str, tau: str, dt: float) -> Array:
    """The decay of a cell: as it is, or from its time constant, or 1."""
    if name in cell.values:
        return cell[name]
    return -jnp.expm1(-dt / cell[tau]) if tau in cell.values else jnp.ones(())
