"""Cells and synapses of Loihi with real numbers, for training through the integers (`relax`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ..._types import as_number, check
from ...connectivity.ring import Ring
from ...lowering.integers import power_of_two, shift
from ...lowering.relaxed import AbstractRelaxedCells, AbstractRelaxedSynapses, relaxes, rounded, straight_through
from ...neurons.surrogates import AbstractSurrogate, FastSigmoid
from .cells import CubaCells, CubaState, core_of
from .convolution import ConvSynapses
from .cores import AsGiven, ShiftAfterSum
from .loihi2.resonate import LIMIT, IzhikevichResonatorCells, ResonatorCells, ResonatorState
from .sparse import SparseSynapses
from .synapses import Synapses


@relaxes(CubaCells)
class RelaxedCells(AbstractRelaxedCells):
    """`CubaCells` with real numbers, in the units of the registers; they round to `cells`."""

    cells: CubaCells
    decay_u: Array = eqx.field(converter=as_number)
    decay_v: Array = eqx.field(converter=as_number)
    threshold: Array = eqx.field(converter=as_number)
    bias: Array = eqx.field(converter=as_number)
    surrogate: AbstractSurrogate

    @classmethod
    def of(cls, cells: CubaCells, surrogate: AbstractSurrogate | None) -> RelaxedCells:
        check(
            lambda: cells.threshold > 0,
            "CubaCells have a threshold of 0, and a derivative is in units of it; expected at least 1.",
        )
        surrogate = FastSigmoid(5.0) if surrogate is None else surrogate
        return cls(cells, cells.decay_u, cells.decay_v, cells.threshold, cells.bias, surrogate)

    def nearest(self) -> RelaxedCells:
        ranges = dict(decay_u=(0, 4096), decay_v=(0, 4096), threshold=(0, 131071), bias=(-4096, 4095))
        near = {name: rounded(getattr(self, name), *bounds) for name, bounds in ranges.items()}
        whole = [lax.stop_gradient(x).astype(jnp.int32) for x in near.values()]
        cells = eqx.tree_at(lambda c: [getattr(c, name) for name in near], self.cells, whole)
        return RelaxedCells(cells, **near, surrogate=self.surrogate)

    def init(self) -> CubaState:
        start = self.cells.init()
        return start._replace(u=as_number(start.u), v=as_number(start.v))

    def step(self, s: CubaState, arrived: Array, fed: Array | None, t: Array, *, stream: Array):
        whole = lambda tree: jax.tree.map(lambda x: lax.stop_gradient(x).astype(jnp.int32), tree)
        exact, sent, status = self.cells.step(whole(s), whole(arrived), fed, t, stream=stream)
        total = 64.0 * (arrived if fed is None else arrived + fed.astype(arrived.dtype))
        u = straight_through(exact.u, (1 - self.decay_u / 4096) * s.u + total)
        drive = u + self.bias * 2.0 ** self.cells.bias_exponent.astype(u.dtype)
        v = jnp.where(s.held > 0, 0.0, (1 - self.decay_v / 4096) * s.v + drive)
        threshold = 64.0 * self.threshold
        spike = self.surrogate(sent > 0, v / threshold - 1.0)
        v = straight_through(exact.v, jnp.where(sent > 0, 0.0, v))
        return CubaState(u, v, exact.held), spike, status


@relaxes(ResonatorCells, IzhikevichResonatorCells)
class RelaxedResonators(AbstractRelaxedCells):
    """Resonators with real numbers, in the units of the registers; they round to `cells`.

    A spike at phase 0 has the derivative of the real part at the threshold, in the steps that pass this phase.
    """

    cells: ResonatorCells | IzhikevichResonatorCells
    sin: Array = eqx.field(converter=as_number)
    cos: Array = eqx.field(converter=as_number)
    threshold: Array = eqx.field(converter=as_number)
    surrogate: AbstractSurrogate

    @classmethod
    def of(cls, cells: Any, surrogate: AbstractSurrogate | None) -> RelaxedResonators:
        check(
            lambda: cells.threshold > 0,
            f"{type(cells).__name__} have a threshold of 0 or less, and a derivative is in units of it; expected at "
            "least 1.",
        )
        surrogate = FastSigmoid(5.0) if surrogate is None else surrogate
        return cls(cells, cells.sin, cells.cos, cells.threshold, surrogate)

    def nearest(self) -> RelaxedResonators:
        one = jnp.int32(1) << self.cells.bits
        ranges = dict(sin=(-one, one), cos=(-one, one), threshold=(1, LIMIT))
        near = {name: rounded(getattr(self, name), *bounds) for name, bounds in ranges.items()}
        whole = [lax.stop_gradient(x).astype(jnp.int32) for x in near.values()]
        cells = eqx.tree_at(lambda c: [getattr(c, name) for name in near], self.cells, whole)
        return RelaxedResonators(cells, **near, surrogate=self.surrogate)

    def step(self, s: ResonatorState, arrived: Array, fed: Array | None, t: Array, *, stream: Array):
        whole = lambda tree: jax.tree.map(lambda x: lax.stop_gradient(x).astype(jnp.int32), tree)
        exact, sent, status = self.cells.step(whole(s), whole(arrived), fed, t, stream=stream)
        n, dtype, fires = self.cells.n, s.real.dtype, sent > 0
        unit, one = power_of_two(self.cells.state_exponent, dtype), power_of_two(self.cells.bits, dtype)
        a = arrived[:n] if fed is None else arrived[:n] + fed.astype(dtype)
        real = (s.real * self.cos - s.imag * self.sin) / one + unit * a
        imag = (s.imag * self.cos + s.real * self.sin) / one + unit * arrived[n:]
        if isinstance(self.cells, ResonatorCells):
            passes = (exact.imag >= 0) & (s.imag < 0)
            spike = jnp.where(passes, self.surrogate(fires, real / self.threshold - 1.0), 0.0)
        else:
            spike = self.surrogate(fires, imag / self.threshold - 1.0)
            real, imag = jnp.where(fires, 0.0, real), jnp.where(fires, self.threshold - 1.0, imag)
        return ResonatorState(straight_through(exact.real, real), straight_through(exact.imag, imag)), spike, status


@relaxes(Synapses, SparseSynapses, ConvSynapses)
class RelaxedSynapses(AbstractRelaxedSynapses):
    """Synapses with real weights, in units of mantissas; they round to `group`."""

    group: Synapses | SparseSynapses | ConvSynapses
    weight: Array = eqx.field(converter=as_number)

    @classmethod
    def of(cls, group: Any, post: Any) -> RelaxedSynapses:
        return cls(group, group.weight if isinstance(group, ConvSynapses) else group.stored(core_of(post)))

    def nearest(self, post: Any) -> RelaxedSynapses:
        group, core, low, high, step = self.group, core_of(post), -256, 255, 1
        if not isinstance(group, ConvSynapses):
            low, high = group.sign.range(core)
            step = 1 if isinstance(core.truncation, AsGiven) else 2 ** (8 - group.bits + group.sign.sign_bits)
        weight = rounded(self.weight, low, high, step)
        whole = lax.stop_gradient(weight).astype(jnp.int32)
        return RelaxedSynapses(eqx.tree_at(lambda g: g.weight, group, whole), weight)

    def prepare(self) -> RelaxedSynapses:
        """A list of synapses as a matrix of them, with weights of 0 where there is none."""
        if not isinstance(group := self.group, SparseSynapses):
            return self
        at = group.listed(group.weight).sender, group.receiver
        return RelaxedSynapses(group.matrix(), jnp.zeros(group.shape, self.weight.dtype).at[at].set(self.weight))

    def send(self, post: Any, ring: Ring, buffer: Array, first: int, spikes: Float[Array, " pre"], t: Array) -> Array:
        core = core_of(post)
        group, weight, power = self.group, self.weight, power_of_two(self.group.exponent, self.weight.dtype)
        if isinstance(group, ConvSynapses):
            return ring.add(buffer, t + 1, first, self._scaled(group.convolve(spikes, weight), power, group.kept))
        each = not isinstance(core.scaling, ShiftAfterSum)  # does the exponent act on every weight, or on their sum?
        if each:
            weight = straight_through(group.effective(core), weight * power)
        scaled = lambda total: total if each else self._scaled(total, power)
        if group.delay.ndim == 0:  # sums are exact in floats while they stay below 2^24
            return ring.add(buffer, t + 1 + group.delay, first, scaled(spikes @ weight))
        delays = jnp.arange(group.max_delay + 1, dtype=jnp.int32)
        there = (group.delay[None] == delays[:, None, None]).astype(weight.dtype)
        a = scaled(jnp.einsum("i,ij,dij->dj", spikes, weight, there))
        place = ring.start(t + 1 + delays)[:, None] + first + jnp.arange(a.shape[1], dtype=jnp.int32)[None]
        return buffer.at[place].add(a)

    def _scaled(self, total: Array, power: Array, kept: Callable[[Array], Array] = lambda whole: whole) -> Array:
        exact = shift(kept(lax.stop_gradient(total).astype(jnp.int32)), self.group.exponent)
        return straight_through(exact, total * power)
