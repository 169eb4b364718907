"""Bounds of the registers of a program, by interval arithmetic over all spikes there can be."""

from __future__ import annotations

import jax.numpy as jnp

from .intervals import Bound
from .program import Program


def bounds(program: Program) -> dict[str, dict[str, Bound]]:
    """What no spikes can make the registers of a concrete program exceed, by group and register.

    Every sender is taken to fire in every step, with every amplitude of its messages, and drives to feed inputs only;
    synapses that learn count with every weight they can come to. Where a register is not proved, the status of a run
    still says when it overflows.
    """
    out = {}
    for name, cells in program.cells.items():
        low = high = jnp.zeros(cells.n_inputs * cells.n)
        for group in program.into(name).values():
            less, more = group.input_bounds(program.cells[group.pre], cells)
            low, high = low + less.astype(low.dtype), high + more.astype(low.dtype)
        found, limits = cells.bounds(low, high), cells.limits()
        if found:
            out[name] = {
                key: Bound(float(jnp.min(x.low)), float(jnp.max(x.high)), bool(x.inside(*limits[key])))
                for key, x in found.items()
            }
    return out
