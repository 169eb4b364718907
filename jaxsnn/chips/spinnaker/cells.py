"""What all neurons of SpiNNaker share: ring buffers, synaptic inputs that decay, substeps, and what is counted."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

from ..._status import Status, bit
from ..._types import Register, is_concrete, register
from ...lowering.cells import AbstractCells, gains
from ...lowering.intervals import Interval
from ...lowering.registers import whole
from ...simulation.probes.base import AbstractProbe
from .arithmetic import LARGEST, ONE, exp_fract, high, quotient

FULL = 2**16 - 1  # of a ring buffer
POSITIVE, SIGNED = (1, LARGEST), (-LARGEST - 1, LARGEST)
SHIFT = (0, 15)


class Shape(NamedTuple):
    """How an input decays: the fract that is left after a substep, and the mean of `exp(-t / tau)` over the first."""

    left: UInt32[Array, "..."]
    first: UInt32[Array, "..."]


def shape_of(tau: Int[Array, "..."], ts: Int[Array, ""]) -> Shape:
    """`D = exp(-ts/tau)` and `D0 = tau/ts (1 - D)`, as computed on the chip: with `tau` of 2^15 steps `D` is 0."""
    left = exp_fract(-quotient(ts, tau))
    ratio, lost = quotient(tau, ts).astype(jnp.uint32), jnp.uint32(0xFFFFFFFF) - left
    return Shape(left, (high(ratio, lost) << 17) | (ratio * lost >> 15))


def accum_field(default: float, within: tuple[int, int] = SIGNED) -> Any:
    """A register in units of 2^-15."""
    return register(round(default * ONE), within=within, kw_only=True)


class Constants(NamedTuple):
    """What the chip computes of its parameters before the first step; what cells of a kind do not have is None.

    A substep; of both inputs their decay; `R`; `P`; refractory substeps; `1 / ts`.
    """

    ts: Int[Array, ""]
    shapes: tuple[Shape, ...] = ()
    resistance: Any = None
    kept: Any = None
    held: Any = None
    per_ts: Any = None


class AbstractRingCells(AbstractCells):
    """Cells that take excitatory and inhibitory weights from two ring buffers.

    A ring buffer holds at most 65535; `shift_exc` and `shift_inh` say how far to the left its numbers are shifted to
    become accums. What does not fit is cut: `saturated` of the state counts it, and the status of a run says so.

    `dt`: accum, ms. `substeps`: how many of them a step has, static. `ports`: a current, nA.
    """

    n: int = eqx.field(static=True)
    dt: Register = accum_field(1.0, POSITIVE)
    shift_exc: Register = register(0, within=SHIFT, kw_only=True)
    shift_inh: Register = register(0, within=SHIFT, kw_only=True)
    substeps: int = eqx.field(default=1, static=True, kw_only=True)
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"current": float(ONE)}, converter=gains, kw_only=True)
    constants: Constants | None = eqx.field(default=None, kw_only=True)  # `prepare` fills it in
    room: Bool[Array, ""] | None = eqx.field(default=None, kw_only=True)  # whether sums fit 32 bits, whatever fires

    n_inputs = 2

    def __check_init__(self):
        whole(self, substeps=1)
        if is_concrete(self.dt) and int(np.asarray(self.dt).min()) < self.substeps:
            raise ValueError(f"{type(self).__name__} have {self.substeps} substeps in {self.dt} units; expected fewer.")

    @property
    def message_bits(self):
        return self.substeps.bit_length() if self.substeps > 1 else 0

    @abc.abstractmethod
    def derived(self) -> Constants:
        """The constants that the chip computes."""

    @property
    def ts(self) -> Int[Array, ""]:
        """A substep."""
        return self.dt // self.substeps

    def prepare(self, into: Mapping[str, Any]):
        total = sum((group.most * group.total for group in into.values()), jnp.zeros(self.columns))
        return dataclasses.replace(self, constants=self.derived(), room=jnp.all(total < 2.0**31))

    @abc.abstractmethod
    def added(self, ring: Array, kind: int) -> Int[Array, " n"]:
        """What an accum from the ring buffer of a type (0, 1) adds to its input."""

    @property
    def known(self) -> Constants:
        """The constants of cells that are ready to step."""
        assert self.constants is not None
        return self.constants

    def received(self, s: Any, arrived: Int[Array, " columns"]) -> tuple[Array, Array, Array, Array]:
        """Both inputs with what their ring buffers held; how many of these were cut; and status bits."""
        held = jnp.minimum(arrived, FULL)
        cut = (held != arrived).reshape(2, self.n).sum(axis=0, dtype=jnp.int32)
        full = cut > 0 if self.room is None else (cut > 0) | ~self.room
        exc = s.exc + self.added(held[: self.n] << self.shift_exc, 0)
        inh = s.inh + self.added(held[self.n :] << self.shift_inh, 1)
        return exc, inh, cut, bit(Status.INPUT_OVERFLOW, full)

    def observed(self, name):
        return Largest(name, self.shift_exc, self.shift_inh)

    def bounds(self, low, high):
        unsigned = lambda x: Interval(jnp.zeros(self.n), x)
        return {"excitatory ring": unsigned(high[: self.n]), "inhibitory ring": unsigned(high[self.n :])}

    def limits(self):
        return {"excitatory ring": (0, FULL), "inhibitory ring": (0, FULL)}


def source(fed: Array | None, like: Array) -> Int[Array, " n"]:
    """A current that a drive feeds, as an accum."""
    return jnp.zeros_like(like) if fed is None else jnp.round(fed).astype(jnp.int32)


def wrapped(*parts: Array) -> Bool[Array, " n"]:
    """Where a sum of accums does not fit 32 bits, to a part in 10^6 of their ends."""
    total = sum((x.astype(jnp.float32) for x in parts[1:]), parts[0].astype(jnp.float32))
    return jnp.abs(total) >= 2.0**31


class Largest(AbstractProbe):
    """The largest sum that arrived at each type, before anything is cut, as an accum; and the largest `v`."""

    name: str = eqx.field(static=True)
    shift_exc: Int[Array, "..."]
    shift_inh: Int[Array, "..."]

    def init(self, model, steps, first):
        return jnp.zeros(3)

    def step(self, carry, signals, t):
        s = signals.state[self.name]
        n, real = s.v.size, lambda x: x.astype(carry.dtype)
        exc = real(s.ring[:n]) * jnp.exp2(real(self.shift_exc))
        inh = real(s.ring[n:]) * jnp.exp2(real(self.shift_inh))
        return jnp.maximum(carry, jnp.stack([jnp.max(jnp.abs(x)) for x in (exc, inh, real(s.v))])), None

    def finish(self, carry, emitted, model):
        return carry
