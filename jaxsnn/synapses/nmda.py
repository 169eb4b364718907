"""Conductances that magnesium blocks at rest."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from .._linear import Current
from .._types import Param, param
from .base import AbstractSynapse
from .conductance import Conductance

_LARGEST = 70.0  # e^70 = 2.5e30: beyond, the block is 0, and infinity times 0 would be its derivative


class NMDA(AbstractSynapse):
    """`I = g B(v) (e_rev - v)` with the block `B(v) = 1 / (1 + [Mg] exp(-0.062 v) / 3.57)`, `v` in mV.

    `g` has the time course of another port, a conductance: `Conductance(100.0)` is the NMDA current of NEST's
    `iaf_bw_2001`, `DualConductance(2.0, 100.0)` one that rises. Over a step the current is the affine function of `v`
    that touches the true one at `v_k`, `a + b v` with `b = g (B' (e_rev - v_k) - B)` and `B' = 0.062 B (1 - B)`, and
    the conductance at the start of the step: first order in the step. Between rest and about -25 mV `b` is positive,
    which is what makes NMDA currents regenerative.

    **Arguments:** `course`: `Conductance` or `DualConductance`; its `e_rev` is that of the current. `mg`:
    concentration of magnesium, mM, shape `()` or `(n,)`. `slope`: 1/mV, and `half`: mM, the constants of the block.

    **Reference:** Jahr and Stevens, J. Neurosci. 10:3178 (1990).
    """

    course: AbstractSynapse = eqx.field(default_factory=lambda: Conductance(100.0))
    mg: Param = param(1.0, unit="mM", ge=0.0, finite=True)
    slope: Param = param(0.062, unit="1/mV", ge=0.0, finite=True)
    half: Param = param(3.57, unit="mM", gt=0.0, finite=True)

    signed = False
    weight_unit = "conductance"

    def __check_init__(self):
        if not isinstance(self.course, AbstractSynapse) or self.course.signed:
            raise ValueError(
                f"NMDA.course is {type(self.course).__name__}, which is no conductance; "
                "expected Conductance(...) or DualConductance(...)."
            )

    @property
    def ranges(self):
        return self.course.ranges

    def init(self, shape, dtype):
        return self.course.init(shape, dtype)

    def advance(self, s, v, dt, tau_m):
        s, open_ = self.course.advance(s, v, dt, tau_m)
        assert open_ is not None and open_.b is not None  # a conductance
        if v is None:
            raise ValueError("NMDA needs the membrane potential, and the neuron's state has no `v`; name it so.")
        block = 1.0 / (1.0 + self.mg * jnp.exp(jnp.minimum(-self.slope * v, _LARGEST)) / self.half)
        current = open_.a + open_.b * v  # at v_k, without the block
        b = block * open_.b + self.slope * block * (1.0 - block) * current
        return s, Current(block * current - b * v, b)

    def receive(self, s, arrivals):
        return self.course.receive(s, arrivals)
