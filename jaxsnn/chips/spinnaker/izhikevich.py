"""Izhikevich's neuron as SpiNNaker computes it: `IZK_curr_exp`."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Int

from ..._status import Status, bit
from ..._types import Register
from ...lowering.storage import stored
from .arithmetic import ONE, decayed, product
from .cells import POSITIVE, AbstractRingCells, Constants, accum_field, shape_of, source, wrapped

_K, _HALF = 1311, ONE // 2  # 0.04 and 1/2
_LONGER = 60620  # 1.85, of the substep after a spike


class IzhikevichState(NamedTuple):
    """Membrane, recovery, inputs after their decay, the next substep, spikes of the last step, what arrived in it, and
    how often a ring buffer was cut.
    """

    v: Int[Array, " n"]
    u: Int[Array, " n"]
    exc: Int[Array, " n"]
    inh: Int[Array, " n"]
    h: Int[Array, " n"]
    sent: Int[Array, " n"]
    ring: Int[Array, " columns"]
    saturated: Int[Array, " n"]


@stored
class IzhikevichCells(AbstractRingCells):
    """`IZK_curr_exp`: `v' = 0.04 v^2 + 5 v + 140 - u + I`, `u' = a (b v - u)` by the midpoint rule; in every substep

        p = 140 + I - u;   eta = v + 1/2 h (p + (5 + k v) v);   beta = 1/2 (h a) (b v - u)
        v <- v + h (p - beta + (5 + k eta) eta);   u <- u + (h a) (-u - beta + b eta)
        a spike where v >= v_th: v <- c, u <- u + d, and the next substep is 1.85 times as long

    with `k = 1311 / 2^15`, all products floored, in the order of the compiled program. Inputs are those of
    `CurrExpCells`.

    **Arguments**, accums (units of 2^-15) of shape `()` or `(n,)`: `a`, `b`, `c`, `d`, `v_init`, `u_init`, `v_th`,
    `i_offset`, `tau_exc`, `tau_inh`.

    **Reference:** sPyNNaker 7.4.1, as compiled. Hopkins and Furber, Neural Comput. 27:2148 (2015) for the scheme.
    """

    a: Register = accum_field(0.02)
    b: Register = accum_field(0.2)
    c: Register = accum_field(-65.0)
    d: Register = accum_field(2.0)
    v_init: Register = accum_field(-70.0)
    u_init: Register = accum_field(-14.0)
    v_th: Register = accum_field(30.0)
    i_offset: Register = accum_field(0.0)
    tau_exc: Register = accum_field(5.0, POSITIVE)
    tau_inh: Register = accum_field(5.0, POSITIVE)

    def derived(self):
        return Constants(self.ts, shapes=tuple(shape_of(tau, self.ts) for tau in (self.tau_exc, self.tau_inh)))

    def added(self, ring, kind):
        return decayed(ring, self.known.shapes[kind].first)

    def init(self):
        zero = jnp.zeros(self.n, jnp.int32)
        none = jnp.zeros(self.columns, jnp.int32)
        return IzhikevichState(zero + self.v_init, zero + self.u_init, zero, zero, zero + self.ts, zero, none, zero)

    def step(self, s, arrived, fed, t, *, stream):
        exc, inh, cut, status = self.received(s, arrived)
        v, u, h, given, sent = s.v, s.u, s.h, source(fed, s.v), jnp.zeros_like(s.v)
        lost = (exc < 0) | (inh < 0)
        for _ in range(self.substeps):
            parts = exc, -inh, self.i_offset, given
            p = 140 * ONE + parts[0] + parts[1] + parts[2] + parts[3] - u
            ha = product(h, self.a)
            squared = lambda v: product(5 * ONE + product(jnp.int32(_K), v), v)
            half = lambda x: product(jnp.int32(_HALF), x)
            eta = v + half(product(h, p + squared(v)))
            beta = half(product(ha, product(self.b, v) - u))
            lost = lost | wrapped(*parts) | _beyond(p, eta)
            v, u = v + product(h, p - beta + squared(eta)), u + product(ha, product(self.b, eta) - u - beta)
            fires = v >= self.v_th
            v, u = jnp.where(fires, self.c, v), jnp.where(fires, u + self.d, u)
            h = jnp.where(fires, product(self.ts, jnp.int32(_LONGER)), self.ts)
            sent = sent + fires.astype(jnp.int32)
            exc, inh = (decayed(g, shape.left) for g, shape in zip((exc, inh), self.known.shapes, strict=True))
        new = IzhikevichState(v, u, exc, inh, h, sent, arrived, s.saturated + cut)
        return new, sent, status | bit(Status.CURRENT_OVERFLOW, lost)


def _beyond(p: Array, eta: Array) -> Array:
    """Where `p + (5 + k eta) eta` does not fit 32 bits."""
    p, eta = p.astype(jnp.float32) / ONE, eta.astype(jnp.float32) / ONE
    return jnp.abs(p + (5.0 + _K / ONE * eta) * eta) >= 2.0**16
