"""Training through SpiNNaker: its accums forward, the equations without rounding and wrapping backward."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ..._types import as_number, canonical_float
from ...lowering.relaxed import AbstractRelaxedCells, AbstractRelaxedSynapses, relaxes, rounded, straight_through
from ...neurons.surrogates import AbstractSurrogate, FastSigmoid
from .arithmetic import LARGEST, ONE
from .cells import FULL
from .lif import CurrDeltaCells, CurrExpCells, LIFState
from .synapses import RowSynapses

_FRACT, _LARGE = 2.0**-32, 2.0**30
_EXACT = 2.0**24  # whole numbers below it are floats; a ring buffer is cut far below it


class RelaxedLIFState(NamedTuple):
    """Membrane and inputs in accums, as floats, and the registers, of which these are what a float holds."""

    v: Float[Array, " n"]
    exc: Float[Array, " n"]
    inh: Float[Array, " n"]
    registers: LIFState


@relaxes(CurrExpCells, CurrDeltaCells)
class RelaxedLIF(AbstractRelaxedCells):
    """`CurrExpCells` or `CurrDeltaCells` with a real threshold and offset current, in accums. Backward a step is

        alpha = I R + v_rest,   v <- alpha - P (alpha - v),   inputs decay by what `exp` gives on the chip

    with constants as the chip computes them; a reset has no derivative. Registers are whole numbers of 32 bits, which
    run beside the floats that stand for them.
    """

    cells: CurrExpCells | CurrDeltaCells
    v_th: Array = eqx.field(converter=as_number)
    i_offset: Array = eqx.field(converter=as_number)
    surrogate: AbstractSurrogate

    @classmethod
    def of(cls, cells: Any, surrogate: AbstractSurrogate | None) -> "RelaxedLIF":
        if cells.substeps > 1:
            raise ValueError(f"{type(cells).__name__} of {cells.substeps} substeps cannot be relaxed; expected 1.")
        return cls(cells, cells.v_th, cells.i_offset, FastSigmoid(5.0) if surrogate is None else surrogate)

    def nearest(self):
        """A number of 2^30 or more, such as a threshold that is never reached, stays what it is."""
        found, whole = {}, {}
        for name in ("v_th", "i_offset"):
            x, stored = getattr(self, name), getattr(self.cells, name)
            found[name] = rounded(x, -LARGEST - 1, LARGEST)
            near = jnp.clip(lax.stop_gradient(found[name]), -_LARGE, _LARGE).astype(jnp.int32)
            whole[name] = jnp.where(jnp.abs(x) >= _LARGE, jnp.broadcast_to(stored, near.shape), near)
        cells = eqx.tree_at(lambda c: [c.v_th, c.i_offset], self.cells, [whole["v_th"], whole["i_offset"]])
        return RelaxedLIF(cells, found["v_th"], found["i_offset"], self.surrogate)

    def prepare(self, into):
        cells = self.cells.prepare({name: link.group for name, link in into.items()})
        return RelaxedLIF(cells, self.v_th, self.i_offset, self.surrogate)

    def init(self):
        start, dtype = self.cells.init(), canonical_float()
        return RelaxedLIFState(start.v.astype(dtype), start.exc.astype(dtype), start.inh.astype(dtype), start)

    def step(self, s, arrived, fed, t, *, stream):
        cells, c, n = self.cells, self.cells.known, self.cells.n
        whole = jnp.minimum(lax.stop_gradient(arrived), _EXACT).astype(jnp.int32)
        registers, sent, status = cells.step(s.registers, whole, fed, t, stream=stream)
        real = lambda x: jnp.asarray(x).astype(arrived.dtype)
        ring = [arrived[:n] * jnp.exp2(real(cells.shift_exc)), arrived[n:] * jnp.exp2(real(cells.shift_inh))]
        if isinstance(cells, CurrExpCells):
            first, left = ([real(getattr(shape, key)) * _FRACT for shape in c.shapes] for key in ("first", "left"))
        else:
            first, left = [1.0, 1.0], [0.0, 0.0]
        inputs = [g + x * each for g, x, each in zip((s.exc, s.inh), ring, first, strict=True)]
        per = 1.0 if isinstance(cells, CurrExpCells) else real(c.per_ts) / ONE
        current = (inputs[0] - inputs[1]) * per + self.i_offset + (0.0 if fed is None else fed)
        alpha = current * real(c.resistance) / ONE + real(cells.v_rest)
        v = alpha - real(c.kept) / ONE * (alpha - s.v)
        held = s.registers.refractory > 0
        v = jnp.where(held, s.v, v)
        unit = jnp.maximum(real(cells.v_th) - real(cells.v_reset), 1.0)
        spikes = self.surrogate(sent > 0, v - self.v_th, unit)
        spikes = straight_through(sent, jnp.where(held, 0.0, spikes))
        v = straight_through(registers.v, jnp.where(sent > 0, 0.0, v))
        exc, inh = (
            straight_through(exact, x * each)
            for exact, x, each in zip((registers.exc, registers.inh), inputs, left, strict=True)
        )
        return RelaxedLIFState(v, exc, inh, registers), spikes, status


@relaxes(RowSynapses)
class RelaxedRows(AbstractRelaxedSynapses):
    """`RowSynapses` with real weights, in units of what is stored; none changes its sign, which its type has."""

    group: RowSynapses
    weight: Array = eqx.field(converter=as_number)

    @classmethod
    def of(cls, group: RowSynapses, post: Any) -> "RelaxedRows":
        return cls(group, group.weight)

    def nearest(self, post):
        weight = rounded(self.weight, 0, FULL)
        whole = lax.stop_gradient(weight).astype(jnp.int32)
        return RelaxedRows(eqx.tree_at(lambda g: g.weight, self.group, whole), weight)

    def send(self, post, ring, buffer, first, spikes, t):
        group = self.group
        first += group.n_post if group.inhibitory else 0
        each = jnp.arange(group.weight.size, dtype=jnp.int32)
        sender = jnp.searchsorted(group.start, each, side="right").astype(jnp.int32) - 1
        place = ring.start(t + 1 + group.delay) + first + group.receiver
        return buffer.at[place].add(spikes[sender] * self.weight)
