"""Training through Xylo: its whole numbers forward, the equations without rounding backward."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ..._types import as_number
from ...lowering.relaxed import AbstractRelaxedCells, AbstractRelaxedSynapses, relaxes, rounded, straight_through
from ...neurons.surrogates import AbstractSurrogate, FastSigmoid
from .arithmetic import HIGH, LOW
from .cells import XyloCells, XyloState
from .synapses import XyloSynapses


@relaxes(XyloCells)
class RelaxedXyloCells(AbstractRelaxedCells):
    """`XyloCells` with real thresholds and biases; decays stay the shifts that they are. Backward a step is

        i <- (i + x)(1 - 2^-dash_i),   v <- v (1 - 2^-dash_v) + sum of i + bias - spikes threshold

    and a spike has the surrogate's derivative at the distance from the nearest threshold, in units of it.
    """

    cells: XyloCells
    threshold: Array = eqx.field(converter=as_number)
    bias: Array = eqx.field(converter=as_number)
    surrogate: AbstractSurrogate
    rows: Float[Array, "senders currents"] | None = None  # `prepare` fills in what spikes add

    @classmethod
    def of(cls, cells: XyloCells, surrogate: AbstractSurrogate | None) -> "RelaxedXyloCells":
        if cells.alias is not None:
            raise ValueError("XyloCells with aliases cannot be relaxed; expected alias=None.")
        return cls(cells, cells.threshold, cells.bias, FastSigmoid(5.0) if surrogate is None else surrogate)

    def nearest(self):
        threshold, bias = rounded(self.threshold, 1, HIGH), rounded(self.bias, LOW, HIGH)
        whole = [lax.stop_gradient(x).astype(jnp.int32) for x in (threshold, bias)]
        cells = eqx.tree_at(lambda c: [c.threshold, c.bias], self.cells, whole)
        return RelaxedXyloCells(cells, threshold, bias, self.surrogate)

    def prepare(self, into: Mapping[str, Any]) -> "RelaxedXyloCells":
        by_name = {link.group.pre: link.worth for link in into.values()}
        none = jnp.zeros((0, self.cells.n_inputs * self.cells.n))
        rows = jnp.concatenate([none, *(by_name[name] for name, _ in self.cells.senders)])
        cells = self.cells.prepare({name: link.group for name, link in into.items()})
        return RelaxedXyloCells(cells, self.threshold, self.bias, self.surrogate, rows)

    def step(self, s, arrived, fed, t, *, stream):
        assert self.rows is not None  # `prepare` filled it in
        cells, n = self.cells, self.cells.n
        whole = lambda tree: jax.tree.map(lambda x: lax.stop_gradient(x).astype(jnp.int32), tree)
        exact, sent, status = cells.step(whole(s), whole(arrived), fed, t, stream=stream)
        left = lambda dash: 1.0 - jnp.exp2(-dash.astype(arrived.dtype))
        i = s.i if s.i2 is None else jnp.concatenate([s.i, s.i2])
        i = (i + arrived @ self.rows) * left(cells.dashes)
        total = i[:n] if s.i2 is None else i[:n] + i[n:]
        count, threshold = sent.astype(total.dtype), jnp.broadcast_to(self.threshold, (n,))
        before = exact.v.astype(total.dtype) + count * lax.stop_gradient(threshold)  # the membrane that was compared
        v = straight_through(before, s.v * left(cells.dash_v) + total + self.bias)
        distance = v - threshold * jnp.maximum(count, 1.0)
        spikes = straight_through(count, self.surrogate(sent > 0, distance, lax.stop_gradient(threshold)))
        runs = lambda new, old: jnp.where(t < cells.starts, old, new)
        i, v = straight_through(_side_by_side(exact), runs(i, _side_by_side(s))), runs(v - spikes * threshold, s.v)
        v = straight_through(exact.v, v)
        return XyloState(v, i[:n], None if s.i2 is None else i[n:], spikes), spikes, status


def _side_by_side(s: XyloState) -> Array:
    """The currents of both synapses."""
    return s.i if s.i2 is None else jnp.concatenate([s.i, s.i2])


@relaxes(XyloSynapses)
class RelaxedXyloSynapses(AbstractRelaxedSynapses):
    """`XyloSynapses` with real weights, in units of what is stored; the shift stays."""

    group: XyloSynapses
    weight: Array = eqx.field(converter=as_number)

    @classmethod
    def of(cls, group: XyloSynapses, post: Any) -> "RelaxedXyloSynapses":
        return cls(group, group.weight)

    def nearest(self, post):
        weight = rounded(self.weight, -128, 127)
        whole = lax.stop_gradient(weight).astype(jnp.int32)
        return RelaxedXyloSynapses(eqx.tree_at(lambda g: g.weight, self.group, whole), weight)

    @property
    def worth(self) -> Float[Array, "senders currents"]:
        """What a spike adds."""
        return self.weight * jnp.exp2(self.group.shift.astype(self.weight.dtype))

    def send(self, post, ring, buffer, first, spikes, t):
        assert isinstance(post, XyloCells)
        at = [name for name, _ in post.senders].index(self.group.pre)
        first += sum(n for _, n in post.senders[:at])
        return ring.add(buffer, t + 1 + self.group.delay, first, spikes)
