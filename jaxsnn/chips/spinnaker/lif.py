"""Leaky integrate-and-fire neurons of SpiNNaker: `IF_curr_exp`, `IF_cond_exp`, `IF_curr_delta`."""

import abc
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Int

from ..._status import Status, bit
from ..._types import Register, register
from ...lowering.storage import stored
from .arithmetic import LARGEST, ONE, decayed, exp_accum, product, quotient
from .cells import POSITIVE, AbstractRingCells, Constants, accum_field, shape_of, source, wrapped


class LIFState(NamedTuple):
    """Membrane, inputs after their decay, substeps of refractoriness left, spikes of the last step, what arrived in it,
    and how often a ring buffer was cut.
    """

    v: Int[Array, " n"]
    exc: Int[Array, " n"]
    inh: Int[Array, " n"]
    refractory: Int[Array, " n"]
    sent: Int[Array, " n"]
    ring: Int[Array, " columns"]
    saturated: Int[Array, " n"]


class AbstractLIFCells(AbstractRingCells):
    """A membrane that is integrated in closed form, with `R = tau_m / c_m`, `P = exp(-ts / tau_m)`:

        alpha = I R + v_rest + ...,   v <- alpha - P (alpha - v)      unless refractory, when it is held
        a spike where v >= v_th; then v <- v_reset, and it is refractory for ceil(t_ref / ts) substeps

    in every substep, after what the ring buffers hold was added to the inputs. All products floor and wrap. The machine
    records `v` and inputs before the step: `v` of the state is what it records in the next.

    **Arguments**, accums (units of 2^-15) of shape `()` or `(n,)`: `v_rest`, `v_reset`, `v_th`, `v_init`, mV; `tau_m`,
    `t_ref`, ms; `c_m`, nF; `i_offset`, nA. `refractory_init`: substeps for which `v` is held at the start.

    **Reference:** sPyNNaker 7.4.1, as compiled. Rowley et al., Front. Neurosci. 12:816 (2018).
    """

    tau_m: Register = accum_field(20.0, POSITIVE)
    c_m: Register = accum_field(1.0, POSITIVE)
    v_rest: Register = accum_field(-65.0)
    v_reset: Register = accum_field(-65.0)
    v_th: Register = accum_field(-50.0)
    v_init: Register = accum_field(-65.0)
    i_offset: Register = accum_field(0.0)
    t_ref: Register = accum_field(0.1, (0, LARGEST))
    refractory_init: Register = register(0, within=(0, LARGEST), kw_only=True)

    def derived(self):
        ts = self.ts
        t_ref, whole = quotient(self.t_ref, ts), ONE - 1
        held = (t_ref >> 15) + ((t_ref & whole) > 0).astype(jnp.int32)
        kept = exp_accum(-quotient(ts, self.tau_m))
        return Constants(ts, resistance=quotient(self.tau_m, self.c_m), kept=kept, held=held)

    @abc.abstractmethod
    def currents(self, exc: Array, inh: Array, v: Array) -> tuple[Array, Array]:
        """The excitatory current, and the inhibitory one, which is subtracted."""

    @abc.abstractmethod
    def left(self, g: Array, kind: int) -> Int[Array, " n"]:
        """What is left of an input after a substep."""

    def init(self):
        zero = jnp.zeros(self.n, jnp.int32)
        none = jnp.zeros(self.columns, jnp.int32)
        return LIFState(zero + self.v_init, zero, zero, zero + self.refractory_init, zero, none, zero)

    def step(self, s, arrived, fed, t, *, stream):
        c = self.known
        exc, inh, cut, status = self.received(s, arrived)
        v, refractory, given = s.v, s.refractory, source(fed, s.v)
        sent, lost = jnp.zeros_like(v), (exc < 0) | (inh < 0)
        for _ in range(self.substeps):
            plus, minus = self.currents(exc, inh, v)
            parts = plus, -minus, self.i_offset, given
            current = parts[0] + parts[1] + parts[2] + parts[3]
            alpha = product(current, c.resistance) + self.v_rest
            moved = alpha - product(c.kept, alpha - v)
            held = refractory > 0
            lost = lost | (~held & self._wrapped(parts, c.resistance, v))
            v, refractory = jnp.where(held, v, moved), jnp.where(held, refractory - 1, refractory)
            fires = v >= self.v_th
            v, refractory = jnp.where(fires, self.v_reset, v), jnp.where(fires, c.held, refractory)
            sent = sent + fires.astype(jnp.int32)
            exc, inh = self.left(exc, 0), self.left(inh, 1)
        new = LIFState(v, exc, inh, refractory, sent, arrived, s.saturated + cut)
        return new, sent, status | bit(Status.CURRENT_OVERFLOW, lost)

    def counted(self, s):
        return {"arrivals clipped to a ring buffer, neurons times steps": int(s.saturated.sum())}

    def _wrapped(self, parts: tuple[Array, ...], resistance: Array, v: Array) -> Array:
        """Where a sum or product of a substep does not fit 32 bits."""
        real = lambda x: x.astype(jnp.float32)
        alpha = sum((real(x) for x in parts[1:]), real(parts[0])) * real(resistance) / ONE + real(self.v_rest)
        return wrapped(*parts) | wrapped(alpha) | wrapped(alpha, -real(v))


@stored
class CurrExpCells(AbstractLIFCells):
    """`IF_curr_exp`: `I = exc - inh + i_offset`. A weight that arrives is spread over the step as its decay is:

        g <- g + w D0;   g <- g D after every substep,   D = exp(-ts / tau),   D0 = tau / ts (1 - D)

    **Arguments:** `tau_exc`, `tau_inh`: accums, ms. Others: as of every `AbstractLIFCells`.
    """

    tau_exc: Register = accum_field(5.0, POSITIVE)
    tau_inh: Register = accum_field(5.0, POSITIVE)

    def derived(self):
        constants = super().derived()
        return constants._replace(shapes=tuple(shape_of(tau, constants.ts) for tau in (self.tau_exc, self.tau_inh)))

    def added(self, ring, kind):
        return decayed(ring, self.known.shapes[kind].first)

    def currents(self, exc, inh, v):
        return exc, inh

    def left(self, g, kind):
        return decayed(g, self.known.shapes[kind].left)


@stored
class CondExpCells(CurrExpCells):
    """`IF_cond_exp`: `I = exc (e_exc - v) + inh (e_inh - v) + i_offset`; weights, in uS, are 1024 times as large.

    **Arguments:** `e_exc`, `e_inh`: accums, mV. Others: as of `CurrExpCells`.
    """

    e_exc: Register = accum_field(0.0)
    e_inh: Register = accum_field(-70.0)

    def currents(self, exc, inh, v):
        return product(exc >> 10, self.e_exc - v), product(-(inh >> 10), self.e_inh - v)


@stored
class CurrDeltaCells(AbstractLIFCells):
    """`IF_curr_delta`: a weight acts in one substep only, as the current `w / ts`: `v` moves by `w R (1 - P) / ts`."""

    def derived(self):
        constants = super().derived()
        return constants._replace(per_ts=quotient(jnp.int32(ONE), constants.ts))

    def added(self, ring, kind):
        return ring

    def currents(self, exc, inh, v):
        return product(exc, self.known.per_ts), product(inh, self.known.per_ts)

    def left(self, g, kind):
        return jnp.zeros_like(g)
