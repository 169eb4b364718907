"""Kin of Loihi's leaky cell: with spikes of two signs, forgetting at intervals, and with a threshold that adapts."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from ...._status import Status
from ...._types import Register, register
from ...._xla import materialised
from ....lowering.cells import gains
from ....lowering.integers import shift
from ....lowering.storage import stored
from ..arithmetic import decay
from ..cells import BIAS, BIAS_EXPONENT, DECAY, THRESHOLD, LoihiCells, leaky, to_registers
from .heard import beyond

V_MIN, V_MAX = -(2**23) + 1, 2**23 - 1


class TernaryState(NamedTuple):
    """Current, voltage, and what was sent in the last step."""

    u: Int[Array, " n"]
    v: Int[Array, " n"]
    sent: Int[Array, " n"]


@stored
class TernaryCells(LoihiCells):
    """`CubaCells` with spikes of amplitude 1 above one threshold and -1 below another.

        u, v as of CubaCells
        send 1 where v > upper 2^6,  -1 where v < lower 2^6;  then v <- 0

    **Arguments**, whole numbers of shape `()` or `(n,)`: `decay_u`, `decay_v`, `bias`, `bias_exponent` as of
    `CubaCells`. `upper`, `lower`: mantissas, -131071..131071. Recorded: `"name.u"`, `"name.v"`, `"name.sent"`.

    **Reference:** Lava 0.10, `TernaryLIF` (`proc/lif`), in the core's arithmetic: Lava's with `LavaCore()`.
    """

    n: int = eqx.field(static=True)
    decay_u: Register = register(4096, within=DECAY)
    decay_v: Register = register(0, within=DECAY)
    upper: Register = register(10, within=(-131071, 131071))
    lower: Register = register(-10, within=(-131071, 131071))
    bias: Register = register(0, within=BIAS)
    bias_exponent: Register = register(0, within=BIAS_EXPONENT)
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)
    message_bits = 1

    def init(self):
        zeros = jnp.zeros(self.n, jnp.int32)
        return TernaryState(zeros, zeros, zeros)

    def step(self, s, arrived, fed, t, *, stream):
        def registers(u: Array, v: Array, arrived: Array, fed: Array):
            u, v, status = leaky(self, u, v, arrived, fed, shift(self.bias, self.bias_exponent))
            v = self.core.voltage(v, V_MIN, V_MAX)
            above, below = v > self.upper << 6, v < self.lower << 6
            sent = above.astype(jnp.int32) - below.astype(jnp.int32)
            return TernaryState(u, jnp.where(sent != 0, 0, v), sent), status

        s, status = materialised(registers, t, s.u, s.v, arrived, to_registers(fed, arrived))
        return s, s.sent, status


class LeakyState(NamedTuple):
    """Current and voltage."""

    u: Int[Array, " n"]
    v: Int[Array, " n"]


@stored
class ResetCells(LoihiCells):
    """`CubaCells` that forget: `u` and `v` become 0 before every step `k`, from 1 on, with `k = offset mod interval`.

        u, v as of CubaCells
        a spike where v > threshold 2^6;  then v <- 0

    **Arguments**, whole numbers of shape `()` or `(n,)`: `decay_u`, `decay_v`, `threshold`, `bias`, `bias_exponent` as
    of `CubaCells`. `interval`: steps, 1 or more. `offset`: 0 or more. Recorded: `"name.u"`, `"name.v"`.

    **Reference:** Lava 0.10, `LIFReset` (`proc/lif`), in the core's arithmetic: Lava's with `LavaCore()`.
    """

    n: int = eqx.field(static=True)
    decay_u: Register = register(4096, within=DECAY)
    decay_v: Register = register(0, within=DECAY)
    threshold: Register = register(100, within=THRESHOLD)
    bias: Register = register(0, within=BIAS)
    bias_exponent: Register = register(0, within=BIAS_EXPONENT)
    interval: Register = register(1, within=(1, 2**31 - 1))
    offset: Register = register(0, within=(0, 2**31 - 1))
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)

    def init(self):
        zeros = jnp.zeros(self.n, jnp.int32)
        return LeakyState(zeros, zeros)

    def step(self, s, arrived, fed, t, *, stream):
        forgets = (t + 1) % self.interval == self.offset % self.interval

        def registers(s: LeakyState, arrived: Array, fed: Array):
            u, v = (jnp.where(forgets, 0, x) for x in s)
            u, v, status = leaky(self, u, v, arrived, fed, shift(self.bias, self.bias_exponent))
            v = self.core.voltage(v, V_MIN, V_MAX)
            fires = v > self.threshold << 6
            return LeakyState(u, jnp.where(fires, 0, v)), fires.astype(jnp.int32), status

        return materialised(registers, t, s, arrived, to_registers(fed, arrived))


class AdaptiveState(NamedTuple):
    """Current, voltage, threshold, and what a spike holds against the voltage."""

    u: Int[Array, " n"]
    v: Int[Array, " n"]
    theta: Int[Array, " n"]
    r: Int[Array, " n"]


@stored
class AdaptiveCells(LoihiCells):
    """A leaky cell that is not reset: a spike lifts its threshold, and a refractory state that decays.

        u, v as of CubaCells
        theta <- theta_0 + (theta - theta_0) (4096 - decay_theta) / 4096,  theta_0 = threshold 2^6
        r <- r (4096 - decay_r) / 4096
        a spike where v - r >= theta;  then r <- r + 2 theta,  theta <- theta + step_up 2^6

    Products are rounded toward zero; `theta` starts at `theta_0`.

    **Arguments**, whole numbers of shape `()` or `(n,)`: `decay_u`, `decay_v`, `decay_theta`, `decay_r`: effective
    decays, 0..4096. Lava takes fractions: `delta_v = decay_v / 4096` and so on, but `delta_i = (decay_u - 1) / 4096`.
    `threshold`, `step_up`: mantissas, 0..131071. `bias`, `bias_exponent`: -4096..4095 and 0..7. Recorded: `"name.u"`,
    `"name.v"`, `"name.theta"`, `"name.r"`.

    **Reference:** Lava 0.10, `ATRLIF` (`proc/atrlif`), in the core's arithmetic: Lava's with `LavaCore()`. Lava
    multiplies the current by floating-point fractions: what is not a 4096th there is none of these numbers.
    """

    n: int = eqx.field(static=True)
    decay_u: Register = register(4096, within=DECAY)
    decay_v: Register = register(0, within=DECAY)
    decay_theta: Register = register(819, within=DECAY)
    decay_r: Register = register(819, within=DECAY)
    threshold: Register = register(100, within=THRESHOLD)
    step_up: Register = register(75, within=THRESHOLD)
    bias: Register = register(0, within=BIAS)
    bias_exponent: Register = register(0, within=BIAS_EXPONENT)
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)

    def init(self):
        zeros = jnp.zeros(self.n, jnp.int32)
        return AdaptiveState(zeros, zeros, zeros + (self.threshold << 6), zeros)

    def step(self, s, arrived, fed, t, *, stream):
        def registers(s: AdaptiveState, arrived: Array, fed: Array):
            u, v, status = leaky(self, s.u, s.v, arrived, fed, shift(self.bias, self.bias_exponent))
            v = self.core.voltage(v, V_MIN, V_MAX)
            rest = self.threshold << 6
            theta, r = rest + decay(s.theta - rest, self.decay_theta), decay(s.r, self.decay_r)
            fires = v - r >= theta
            r, theta = jnp.where(fires, r + 2 * theta, r), jnp.where(fires, theta + (self.step_up << 6), theta)
            status = status | beyond(Status.CURRENT_OVERFLOW, theta, r)
            return AdaptiveState(u, v, theta, r), fires.astype(jnp.int32), status

        return materialised(registers, t, s, arrived, to_registers(fed, arrived))
