"""Arrivals that are added to a variable of the neuron."""

from __future__ import annotations

import equinox as eqx

from .base import AbstractSynapse


class Into(AbstractSynapse):
    """An arriving weight is added to a variable of the neuron: `x <- x + w`, weights in the unit of `x`. No state.

    Brian2: `on_pre="ge += w"`, where `ge` is a variable of the group's equations. `Into("v")` is `Delta()`.

    **Arguments:** `variable`: its name, static.
    """

    variable: str = eqx.field(static=True)

    def init(self, shape, dtype):
        return ()

    def advance(self, s, v, dt, tau_m):
        return s, None

    def receive(self, s, arrivals):
        return s, arrivals
