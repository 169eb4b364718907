"""Exponentially decaying conductances with a reversal potential."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._linear import Current
from .._types import Param, param
from .base import AbstractSynapse


class ConductanceState(NamedTuple):
    """The synaptic conductance."""

    g: Float[Array, "..."]


class Conductance(AbstractSynapse):
    """`I = g (e_rev - v)`, `dg/dt = -g / tau`, `g <- g + w` at an arrival.

    NEST: `iaf_cond_exp`; PyNN: `IF_cond_exp`; Brian2: `ge*(Ee - v)`.

    The current over a step is affine in `v` with the conductance at the start of the step, so a linear membrane makes
    one exponential Euler step on the total: Brian2's `exponential_euler`, spike for spike.

    **Arguments:** `tau`: decay time constant, ms. `e_rev`: reversal potential, mV. Shape `()` or `(n,)`.
    Weights are conductances, never negative, in the unit of 1 / `R` (with `Resistance(1.0)`: in units of the leak
    conductance).
    """

    tau: Param = param(5.0, unit="ms", gt=0.0)
    e_rev: Param = param(0.0, unit="mV", finite=True)

    signed = False
    weight_unit = "conductance"
    ranges = MappingProxyType({"g": (0.0, math.inf)})

    def init(self, shape, dtype):
        return ConductanceState(jnp.zeros(shape, dtype))

    def advance(self, s, v, dt, tau_m):
        return ConductanceState(s.g + s.g * jnp.expm1(-dt / self.tau)), Current(s.g * self.e_rev, -s.g)

    def receive(self, s, arrivals):
        return ConductanceState(s.g + arrivals), None
