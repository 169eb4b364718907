"""Resonators: a complex number that turns and decays, and cells that fire when it passes a phase or a threshold."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ...._status import Status, bit
from ...._types import Register, Requirement, register
from ...._xla import materialised
from ....lowering.cells import gains
from ....lowering.integers import add
from ....lowering.intervals import Interval, outward
from ....lowering.storage import stored
from ....simulation.probes.base import AbstractProbe
from ..cells import LoihiCells
from .heard import beyond, heard

LIMIT = 2**23 - 1


def resonator_coefficients(period: Any, loss: Any, bits: int = 12) -> dict[str, np.ndarray]:
    """Sine and cosine of a turn, as registers: `ResonatorCells(n, **resonator_coefficients(10.0, 0.1))`.

    **Arguments:** `period`: of a turn, steps. `loss`: what share a step takes away, 0..1. `bits`: behind the point.

    **Returns:** `sin`, `cos` and `bits`; the first two are `(1 - loss) sin(2 pi / period) 2^bits`, cut toward zero, and
    likewise, as Lava makes them.
    """
    if isinstance(bits, bool) or not isinstance(bits, (int, np.integer)) or not 0 <= bits <= 15:
        raise ValueError(f"resonator_coefficients got bits = {bits!r}; expected a whole number from 0 to 15.")
    turn, share = (np.asarray(x, np.float64) for x in (period, loss))
    if not np.all(np.isfinite(turn) & (turn != 0)) or not np.all((share >= 0) & (share <= 1)):
        raise ValueError(
            f"resonator_coefficients got period = {period} and loss = {loss}; expected steps, not 0, and a share "
            "of 0..1."
        )
    angle, keep = 2.0 * np.pi / np.asarray(period, np.float64), 1.0 - np.asarray(loss, np.float64)
    cut = lambda x: np.trunc(keep * x * 2.0**bits).astype(np.int32)
    return {"sin": cut(np.sin(angle)), "cos": cut(np.cos(angle)), "bits": np.asarray(bits)}


def lost_in_a_turn(sin: Array, cos: Array, bits: Array) -> Float[Array, "..."]:
    """What share of its size a step takes from a number, `1 - |cos + i sin| 2^-bits`; exact where it is small."""
    whole = jnp.int32(1) << (2 * bits)
    share = (whole - sin * sin - cos * cos).astype(jnp.float32) / whole.astype(jnp.float32)  # 1 - |...|^2
    return share / (1.0 + jnp.sqrt(jnp.maximum(1.0 - share, 0.0)))


class ResonatorState(NamedTuple):
    """The real and the imaginary part."""

    real: Int[Array, " n"]
    imag: Int[Array, " n"]


def _times(x: Array, factor: Array, bits: Array) -> Array:
    """`x factor 2^-bits`, rounded toward zero: exact for `|x| < 2^23`, `|factor| <= 2^bits` and `bits <= 15`."""
    size, most = jnp.abs(x), jnp.abs(factor)
    high, low = size >> bits, size & ((1 << bits) - 1)
    return jnp.sign(x) * jnp.sign(factor) * (high * most + ((low * most) >> bits))


def turned(s: ResonatorState, cells: Any, real_in: Array, imag_in: Array) -> tuple[ResonatorState, Array]:
    """The complex number after a step of `ResonatorCells`, and whether it had to be clipped."""
    parts = (_times(s.real, cells.cos, cells.bits), -_times(s.imag, cells.sin, cells.bits), real_in), (
        _times(s.real, cells.sin, cells.bits), _times(s.imag, cells.cos, cells.bits), imag_in,
    )  # fmt: skip
    sums = [add(x + y, a << cells.state_exponent)[0] for x, y, a in parts]
    kept = ResonatorState(*(jnp.clip(x, -LIMIT, LIMIT) for x in sums))
    lost = bit(Status.CURRENT_OVERFLOW, (kept.real != sums[0]) | (kept.imag != sums[1]))
    return kept, lost | beyond(Status.INPUT_OVERFLOW, real_in, imag_in)


class AbstractResonatorCells(LoihiCells):
    """Resonate-and-fire cells of two real registers; `fired` says when they fire, and what a spike does to them."""

    n: int = eqx.field(static=True)
    sin: Register = register(kw_only=True, within=(-(2**15), 2**15))
    cos: Register = register(kw_only=True, within=(-(2**15), 2**15))
    bits: Register = register(12, within=(0, 15))
    threshold: Register = register(1, within=(-LIMIT, LIMIT))
    state_exponent: Register = register(0, within=(0, 7))
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)
    n_inputs = 2

    def requirements(self):
        at_most_one = Requirement(
            lambda: jnp.maximum(jnp.abs(self.sin), jnp.abs(self.cos)) <= 1 << self.bits,
            lambda: (
                f"{type(self).__name__} has sines or cosines beyond 1 (2^bits); take them from "
                "resonator_coefficients(period, loss)."
            ),
        )
        return (*super().requirements(), at_most_one)

    def init(self):
        zeros = jnp.zeros(self.n, jnp.int32)
        return ResonatorState(zeros, zeros)

    @abc.abstractmethod
    def fired(self, before: ResonatorState, z: ResonatorState) -> tuple[ResonatorState, Bool[Array, " n"]]:
        """The state after a step from `before` to `z`, and which cells fire."""

    def step(self, s, arrived, fed, t, *, stream):
        def registers(s: ResonatorState, real_in: Array, imag_in: Array):
            z, status = turned(s, self, real_in, imag_in)
            z, fires = self.fired(s, z)
            return z, fires.astype(jnp.int32), status

        return materialised(registers, t, s, heard(arrived[: self.n], fed), arrived[self.n :])

    def observed(self, name):
        return LargestPart(name)

    def bounds(self, low, high):
        """The size of `z` is at most what arrives, and rounding, over what a turn loses; a reset may be larger."""
        parts = jnp.maximum(jnp.abs(low), jnp.abs(high)).reshape(2, self.n)
        unit = jnp.exp2(self.state_exponent.astype(low.dtype))
        arrives = jnp.hypot(*parts) * unit + 2.0 * np.sqrt(2.0)  # of two parts each the sum of two products
        loses = jnp.broadcast_to(lost_in_a_turn(self.sin, self.cos, self.bits).astype(low.dtype), (self.n,))
        size = jnp.where(loses > 0, arrives / jnp.where(loses > 0, loses, 1.0), jnp.inf)
        size = jnp.maximum(size, jnp.abs(self.restart()).astype(low.dtype))
        low, high = low.reshape(2, self.n), high.reshape(2, self.n)
        z = outward(-size, size)
        return {"input": Interval(jnp.min(low, axis=0), jnp.max(high, axis=0)), "real": z, "imag": z}

    def restart(self) -> Int[Array, "..."]:
        """The largest size that a spike leaves."""
        return jnp.zeros((), jnp.int32)

    def limits(self):
        return {"input": (-(2**23), 2**23 - 1), "real": (-LIMIT, LIMIT), "imag": (-LIMIT, LIMIT)}


class LargestPart(AbstractProbe):
    """The largest size of the real and imaginary parts of a group, in place of `u` and `v`; inputs have more room."""

    name: str = eqx.field(static=True)

    def init(self, model, steps, first):
        return jnp.zeros((), jnp.int32)

    def step(self, carry, signals, t):
        z = signals.state[self.name]
        return jnp.maximum(carry, jnp.max(jnp.maximum(jnp.abs(z.real), jnp.abs(z.imag)))), None

    def finish(self, carry, emitted, model):
        return jnp.stack([jnp.zeros_like(carry), carry, carry])


@stored
class ResonatorCells(AbstractResonatorCells):
    """Resonate and fire: a spike where the real part exceeds a threshold as the imaginary one passes 0 upward.

        z <- z (cos + i sin) 2^-bits + (a + i b) 2^state_exponent      both parts in -(2^23 - 1)..2^23 - 1
        a spike where Re z >= threshold, Im z >= 0, and Im z was below 0

    Each of the four products is rounded toward zero by itself. Of the receivers of synapses, `0 .. n - 1` are the real
    parts `a`, `n .. 2 n - 1` the imaginary ones `b`; drives feed real parts.

    **Arguments**, whole numbers of shape `()` or `(n,)`: `sin`, `cos`, `bits`: of `resonator_coefficients(period,
    loss)`, sizes at most `2^bits`, bits 0..15. `state_exponent`: 0..7. `threshold`: in units of `z` (Lava takes it
    times `2^-state_exponent`). Recorded: `"name.real"`, `"name.imag"`.

    **Reference:** Lava 0.10, `RF` (`proc/rf`).
    """

    def fired(self, before, z):
        return z, (z.real >= self.threshold) & (z.imag >= 0) & (before.imag < 0)


@stored
class IzhikevichResonatorCells(AbstractResonatorCells):
    """Izhikevich's resonate and fire: a spike where the imaginary part reaches a threshold, and a reset.

        z as of ResonatorCells
        a spike where Im z >= threshold;  then z <- i (threshold - 1)

    **Arguments:** as of `ResonatorCells`.

    **Reference:** Lava 0.10, `RF_IZ` (`proc/rf_iz`); Izhikevich, Neural Networks 14:883 (2001).
    """

    def fired(self, before, z):
        fires = z.imag >= self.threshold
        return ResonatorState(jnp.where(fires, 0, z.real), jnp.where(fires, self.threshold - 1, z.imag)), fires

    def restart(self):
        return self.threshold - 1


class PhaseState(NamedTuple):
    """The real and the imaginary part, and the amplitudes that were sent in the last step."""

    u: Int[Array, " n"]
    v: Int[Array, " n"]
    sent: Int[Array, " n"]


@stored
class PhaseCells(LoihiCells):
    """A resonator that sends its amplitude when it passes phase 0.

        u <- u cos 2^-15 - v sin 2^-15 + a
        v <- v cos 2^-15 + u sin 2^-15 + b
        send u where u > threshold, v >= 0, and v was below 0

    Each product is kept in 32 bits and rounded down; nothing is clipped. Of the receivers of synapses, `0 .. n - 1` are
    `a`, `n .. 2 n - 1` are `b`; drives feed `a`.

    **Arguments**, whole numbers of shape `()` or `(n,)`: `sin`, `cos`: of `resonator_coefficients(period, loss, 15)`.
    `threshold`: -(2^23 - 1)..2^23 - 1. Recorded: `"name.u"`, `"name.v"`, `"name.sent"`.

    **Reference:** Lava 0.10, `RFZero` (`proc/resfire`), where products wrap for numbers from 2^16 on; so do they here.
    """

    n: int = eqx.field(static=True)
    sin: Register = register(kw_only=True, within=(-(2**15), 2**15))
    cos: Register = register(kw_only=True, within=(-(2**15), 2**15))
    threshold: Register = register(1, within=(-LIMIT, LIMIT))
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)
    n_inputs = 2
    message_bits = 32

    def init(self):
        zeros = jnp.zeros(self.n, jnp.int32)
        return PhaseState(zeros, zeros, zeros)

    def step(self, s, arrived, fed, t, *, stream):
        def registers(s: PhaseState, a: Array, b: Array):
            u = (s.u * self.cos >> 15) - (s.v * self.sin >> 15) + a
            v = (s.v * self.cos >> 15) + (s.u * self.sin >> 15) + b
            sent = jnp.where((u > self.threshold) & (v >= 0) & (s.v < 0), u, 0)
            lost = beyond(Status.INPUT_OVERFLOW, a, b)
            big = jnp.maximum(jnp.abs(u), jnp.abs(v)) >= 2**16  # the next product may not fit 32 bits
            return PhaseState(u, v, sent), lost | bit(Status.CURRENT_OVERFLOW, big)

        s, status = materialised(registers, t, s, heard(arrived[: self.n], fed), arrived[self.n :])
        return s, s.sent, status
