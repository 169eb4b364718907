"""Quantisation-aware training: a program whose numbers are real and whose every value is that of the integers.

Forward, each step is the integer program's own; backward, rounding, truncation and wrapping are not there, and a spike
has a surrogate derivative. So what is trained is what will run on the chip.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ... import _random
from ..._types import as_number, canonical_float, check
from ...connectivity.ring import Ring
from ...lowering.cells import InputCells
from ...lowering.integers import power_of_two, shift
from ...lowering.program import Program, ProgramState, fed
from ...models import AbstractModel, AbstractPlan, AbstractStepper, Forward, Inputs, Signals, known
from ...neurons.surrogates import AbstractSurrogate, FastSigmoid
from .cells import CubaCells, CubaState, core_of
from .convolution import ConvSynapses
from .cores import AsGiven, Core, ShiftAfterSum
from .sparse import SparseSynapses
from .synapses import Synapses


@jax.custom_jvp
def straight_through(exact: Array, smooth: Float[Array, "..."]) -> Float[Array, "..."]:
    """`exact`, whose derivative is that of `smooth`."""
    return exact.astype(smooth.dtype)


@straight_through.defjvp
def _(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
    exact, smooth = primals
    return exact.astype(smooth.dtype), tangents[1]


def rounded(x: Float[Array, "..."], low: Any, high: Any, step: Any = 1) -> Float[Array, "..."]:
    """The nearest multiple of `step` from `low` to `high`; its derivative is that of `x`, so clipped ones come back."""
    step, low, high = (jnp.asarray(n).astype(x.dtype) for n in (step, low, high))
    nearest = jnp.clip(jnp.round(x / step), jnp.ceil(low / step), jnp.floor(high / step)) * step
    return straight_through(nearest, x)


class RelaxedCells(eqx.Module):
    """`CubaCells` with real numbers, in the units of the registers; they round to `cells`."""

    cells: CubaCells
    decay_u: Array = eqx.field(converter=as_number)
    decay_v: Array = eqx.field(converter=as_number)
    threshold: Array = eqx.field(converter=as_number)
    bias: Array = eqx.field(converter=as_number)
    surrogate: AbstractSurrogate

    @classmethod
    def of(cls, cells: CubaCells, surrogate: AbstractSurrogate) -> RelaxedCells:
        """The same numbers."""
        return cls(cells, cells.decay_u, cells.decay_v, cells.threshold, cells.bias, surrogate)

    def nearest(self) -> RelaxedCells:
        """Every number rounded, and `cells` as they will be on the chip."""
        ranges = dict(decay_u=(0, 4096), decay_v=(0, 4096), threshold=(0, 131071), bias=(-4096, 4095))
        near = {name: rounded(getattr(self, name), *bounds) for name, bounds in ranges.items()}
        whole = [lax.stop_gradient(x).astype(jnp.int32) for x in near.values()]
        cells = eqx.tree_at(lambda c: [getattr(c, name) for name in near], self.cells, whole)
        return RelaxedCells(cells, **near, surrogate=self.surrogate)

    def step(self, s: CubaState, arrived: Array, fed: Array | None, t: Array, *, stream: Array):
        """A step of the integer cells; its derivative is that of the formula without rounding."""
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


class RelaxedSynapses(eqx.Module):
    """Synapses with real weights, in units of mantissas; they round to `group`."""

    group: Synapses | SparseSynapses | ConvSynapses
    weight: Array = eqx.field(converter=as_number)

    def nearest(self, core: Core) -> RelaxedSynapses:
        """Weights rounded to mantissas that a core stores, and `group` as it will be on the chip."""
        group, low, high, step = self.group, -256, 255, 1
        if not isinstance(group, ConvSynapses):
            low, high = group.sign.range(core)
            step = 1 if isinstance(core.truncation, AsGiven) else 2 ** (8 - group.bits + group.sign.sign_bits)
        weight = rounded(self.weight, low, high, step)
        whole = lax.stop_gradient(weight).astype(jnp.int32)
        return RelaxedSynapses(eqx.tree_at(lambda g: g.weight, group, whole), weight)

    def as_matrix(self) -> RelaxedSynapses:
        """A list of synapses as a matrix of them, with weights of 0 where there is none."""
        if not isinstance(group := self.group, SparseSynapses):
            return self
        at = group.listed(group.weight).sender, group.receiver
        return RelaxedSynapses(group.matrix(), jnp.zeros(group.shape, self.weight.dtype).at[at].set(self.weight))

    def send(self, core: Core, ring: Ring, buffer: Array, first: int, spikes: Float[Array, " pre"], t: Array) -> Array:
        """The ring with what the spikes of step `t` bring."""
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


class Relaxed(AbstractModel):
    """A program that can be trained: made by `relax(program)`; `relaxed.program` is what it rounds to.

    `relaxed["S"].weight` (mantissas), `relaxed["E"].threshold`, `.bias`, `.decay_u`, `.decay_v` (registers) are real
    numbers with gradients. Values in a run are those of `relaxed.program`, bit for bit.
    """

    base: Program
    cells: dict[str, RelaxedCells | InputCells]
    synapses: dict[str, RelaxedSynapses]
    dt: float = eqx.field(static=True)

    @property
    def named(self) -> dict[str, Any]:
        """Cells and synapses by name."""
        return {**self.cells, **self.synapses}

    def __getitem__(self, name: str) -> Any:
        if name not in self.named:
            raise ValueError(f"Got {name!r}, expected a part of this program: {known(self.named)}.")
        return self.named[name]

    @property
    def program(self) -> Program:
        """The integers: every number rounded to what the chip holds."""
        cells, synapses = self._nearest()
        whole = [part.cells if isinstance(part, RelaxedCells) else part for part in cells.values()]
        links = [link.group for link in synapses.values()]
        where = lambda p: [*(p.cells[n] for n in cells), *(p.synapses[n] for n in synapses)]
        return eqx.tree_at(where, self.base, [*whole, *links])

    def prepare(self, plan: AbstractPlan = Forward()) -> RelaxedRunning:
        cells, synapses = self._nearest()
        cores = {name: self._core(link) for name, link in synapses.items()}
        matrices = {name: link.as_matrix() for name, link in synapses.items()}
        return RelaxedRunning(cells, matrices, cores, self.base.ring)

    def _nearest(self) -> tuple[dict[str, RelaxedCells | InputCells], dict[str, RelaxedSynapses]]:
        """Cells and synapses with every number rounded."""
        cells = {n: c.nearest() if isinstance(c, RelaxedCells) else c for n, c in self.cells.items()}
        return cells, {name: link.nearest(self._core(link)) for name, link in self.synapses.items()}

    def _core(self, link: RelaxedSynapses) -> Core:
        return core_of(self.base.cells[link.group.post])

    @property
    def sizes(self) -> dict[str, int]:
        return self.base.sizes

    def port(self, path: str) -> tuple[str, int]:
        return self.base.port(path)

    def status(self, state: ProgramState) -> Array:
        return state.status

    def view(self, state: ProgramState) -> dict[str, Any]:
        return {**state.cells}

    def init(self, *, key: Array) -> ProgramState:
        dtype = canonical_float()
        real = lambda s: s._replace(u=s.u.astype(dtype), v=s.v.astype(dtype)) if isinstance(s, CubaState) else s
        start = self.base.init(key=key)
        cells = {name: real(s) for name, s in start.cells.items()}
        return ProgramState(cells, {}, self.base.ring.empty(dtype), start.status)


class RelaxedRunning(AbstractStepper):
    """A relaxed program ready to run: every number is rounded."""

    cells: dict[str, RelaxedCells | InputCells]
    synapses: dict[str, RelaxedSynapses]
    cores: dict[str, Core]
    ring: Ring = eqx.field(static=True)

    def view(self, state: ProgramState) -> dict[str, Any]:
        return {**state.cells}

    def step(self, state: ProgramState, inputs: Inputs, t: Array, *, key: Array) -> tuple[ProgramState, Signals]:
        status, dtype = state.status, canonical_float()
        landed, ring = self.ring.take(state.ring, t)
        cells, spikes, place, first = {}, {}, {}, 0
        for name, part in self.cells.items():
            group = part.cells if isinstance(part, RelaxedCells) else part
            arrived, stream = landed[first : first + group.n], _random.stream(key, f"{name}.noise")
            arrived = arrived if isinstance(part, RelaxedCells) else arrived.astype(jnp.int32)
            given = fed(group, name, inputs)
            cells[name], sent, new = part.step(state.cells[name], arrived, given, t, stream=stream)
            spikes[name], status, place[name], first = sent.astype(dtype), status | new, first, first + group.n
        for name, link in self.synapses.items():
            core, at = self.cores[name], place[link.group.post]
            ring = link.send(core, self.ring, ring, at, spikes[link.group.pre], t)
        state = ProgramState(cells, {}, ring, status)
        return state, Signals(spikes, self.view(state))


def relax(program: Program, *, surrogate: AbstractSurrogate | None = None) -> Relaxed:
    """A program as a model with real numbers that compute what the integers compute, to be trained as any other.

    **Arguments:** `program`: of `InputCells`, `CubaCells`, `Synapses`, `SparseSynapses` and `ConvSynapses`.
    `surrogate`: the derivative of a spike at the distance `v / threshold - 1`; None for `FastSigmoid(5.0)`.

    **Raises:** ValueError that names a part of another kind.

    **Reference:** Bengio, Leonard and Courville, arXiv:1308.3432 (2013) for the straight-through estimator.
    """
    if not isinstance(program, Program):
        raise ValueError(f"Got {type(program).__name__} to relax, expected a Program, as lower(...).program is one.")
    surrogate = FastSigmoid(5.0) if surrogate is None else surrogate
    if not isinstance(surrogate, AbstractSurrogate):
        raise ValueError(f"Got surrogate = {surrogate!r}, expected one such as FastSigmoid(5.0), or None.")
    for name, part in program.cells.items():
        if isinstance(part, CubaCells):
            check(
                lambda part=part: part.threshold > 0,
                f"{name!r} has a threshold of 0, and a derivative is in units of it; expected at least 1.",
            )
    for name, part in program.cells.items():
        if isinstance(part, InputCells) and part.message_bits:
            raise ValueError(f"{name!r} sends amplitudes of {part.message_bits} bits; only spikes can be relaxed.")
    for name, part in program.named.items():
        if not isinstance(part, (InputCells, CubaCells, Synapses, SparseSynapses, ConvSynapses)):
            raise ValueError(
                f"{name!r} is {type(part).__name__}, which cannot be relaxed; expected InputCells, CubaCells, "
                "Synapses, SparseSynapses or ConvSynapses."
            )
    cells, synapses = {}, {}
    for name, group in program.cells.items():
        assert isinstance(group, InputCells | CubaCells)
        cells[name] = RelaxedCells.of(group, surrogate) if isinstance(group, CubaCells) else group
    for name, group in program.synapses.items():
        core = core_of(program.cells[group.post])
        assert isinstance(group, Synapses | SparseSynapses | ConvSynapses)
        synapses[name] = RelaxedSynapses(group, group.weight if isinstance(group, ConvSynapses) else group.stored(core))
    return Relaxed(program, cells, synapses, program.dt)
