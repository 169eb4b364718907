"""Groups of cells on Loihi: registers of whole numbers, and one step of them in the arithmetic of a core."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ... import _random
from ..._status import Status, bit
from ..._types import Checked, Register, parameters, register
from ..._xla import materialised
from ...lowering.cells import AbstractCells, gains
from ...lowering.integers import add, shift
from ...lowering.intervals import Interval, geometric, outward
from ...lowering.registers import span
from ...lowering.storage import stored
from ...simulation.probes.base import AbstractProbe
from .arithmetic import decay
from .cores import Core, Saturates

DECAY, THRESHOLD, BIAS, BIAS_EXPONENT = (0, 4096), (0, 131071), (-4096, 4095), (0, 7)  # what registers hold


class LoihiCells(AbstractCells):
    """Cells of a neuro core, `core`: its arithmetic, or that of one of its emulators."""

    core: Core = eqx.field(default_factory=Core, kw_only=True)

    def __check_init__(self):
        if not isinstance(self.core, Core):
            raise ValueError(f"{type(self).__name__}.core is {self.core!r}; expected a Core such as Loihi1Core().")

    def describe(self):
        return ", ".join([type(self).__name__, *(f"{name} {span(x)}" for name, x, _ in parameters(self))])


def core_of(cells: AbstractCells) -> Core:
    """The core whose synaptic memory leads into cells; inputs have none, and any will do."""
    return cells.core if isinstance(cells, LoihiCells) else Core()


class AbstractNoisePlace(eqx.Module):
    """Where noise is added."""


@stored
class ToCurrent(AbstractNoisePlace):
    """To the summed input, so that it decays with the current."""


@stored
class ToMembrane(AbstractNoisePlace):
    """To `u + bias`, in one step only."""


@stored
class CellNoise(Checked):
    """`trunc((x + 64 offset) 2^(exponent - 7))` in every step, `x` uniform in -127..127 (nengo-loihi).

    **Arguments:** `exponent`: 0..15. `offset`: -128..127. `place`: `ToMembrane()` or `ToCurrent()`.
    """

    exponent: Register = register(7, within=(0, 15))
    offset: Register = register(0, within=(-128, 127))
    place: AbstractNoisePlace = eqx.field(default_factory=ToMembrane)

    def __call__(self, stream: Array, t: Array, n: int) -> Int[Array, " n"]:
        word, _ = _random.words(stream, t, jnp.arange(n, dtype=jnp.uint32))
        return self._worth(_random.below(word, 255).astype(jnp.int32) - 127)

    def range(self) -> tuple[Int[Array, ""], Int[Array, ""]]:
        """The smallest and the largest number that is drawn."""
        return self._worth(jnp.int32(-127)), self._worth(jnp.int32(127))

    def _worth(self, x: Array) -> Array:
        x = x + 64 * self.offset
        return jnp.sign(x) * shift(jnp.abs(x), self.exponent - 7)


def leaky(cells: Any, u: Array, v: Array, arrived: Array, fed: Array, bias: Array):
    """Current and voltage after a step, before any threshold, and status bits.

    `cells`: has `core`, `decay_u`, `decay_v`. `fed` and `bias` in units of the registers; what arrived is aligned
    with them.
    """
    aligned = arrived << 6
    a, lost_a = cells.core.accumulator.add(aligned, fed)
    u, lost_u = cells.core.current.add(decay(u, cells.decay_u), a)
    drive, lost_d = cells.core.biased.add(u, bias)
    v, lost_v = add(decay(v, cells.decay_v), drive)
    lost_a = lost_a | (aligned >> 6 != arrived)
    return u, v, bit(Status.INPUT_OVERFLOW, lost_a) | bit(Status.CURRENT_OVERFLOW, lost_u | lost_d | lost_v)


def to_registers(fed: Float[Array, " n"] | None, arrived: Int[Array, " n"]) -> Int[Array, " n"]:
    """What drives feed, rounded to whole weights and aligned with the registers."""
    return jnp.zeros_like(arrived) if fed is None else jnp.round(fed).astype(jnp.int32) << 6


class CubaState(NamedTuple):
    """Current, voltage, and the steps for which the voltage is still held."""

    u: Int[Array, " n"]
    v: Int[Array, " n"]
    held: Int[Array, " n"]


@stored
class CubaCells(LoihiCells):
    """Loihi's leaky integrate-and-fire cell with a decaying current; `a` is the input that arrived, times 2^6.

        u <- u (4096 - decay_u) / 4096 + a
        v <- v (4096 - decay_v) / 4096 + u + bias 2^bias_exponent      in [v_min, v_max]; 0 while held
        a spike where v > threshold 2^6; then v <- 0, held for `refractory - 1` steps

    Products are rounded toward zero.

    **Arguments**, whole numbers of shape `()` or `(n,)`: `decay_u`, `decay_v`: effective decays, 0..4096 (the register
    of `decay_u` holds one less). `threshold`: mantissa, 0..131071. `bias`, `bias_exponent`: -4096..4095 and 0..7.
    `refractory`: 1..64. `v_min`, `v_max`: limits of the voltage, of 23 bits, 0 between them. `v_start`: the
    voltage at the start. `noise`: None, or `CellNoise(...)`. `core`: the arithmetic, `Loihi1Core()` or an emulator's.

    **Reference:** Davies et al., IEEE Micro 38:82 (2018).
    """

    n: int = eqx.field(static=True)
    decay_u: Register = register(4096, within=DECAY)
    decay_v: Register = register(0, within=DECAY)
    threshold: Register = register(100, within=THRESHOLD)
    bias: Register = register(0, within=BIAS)
    bias_exponent: Register = register(0, within=BIAS_EXPONENT)
    refractory: Register = register(1, within=(1, 64))
    v_min: Register = register(-(2**23) + 1, within=(-(2**23) + 1, 0))
    v_max: Register = register(2**23 - 1, within=(0, 2**23 - 1))
    v_start: Register = register(0, within=(-(2**23) + 1, 2**23 - 1), kw_only=True)
    noise: CellNoise | None = None
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)

    def __check_init__(self):
        if not isinstance(self.noise, CellNoise | None):
            raise ValueError(f"CubaCells.noise is {self.noise!r}; expected CellNoise(...) or None.")

    def init(self):
        zeros = jnp.zeros(self.n, jnp.int32)
        return CubaState(zeros, zeros + self.v_start, zeros)

    def step(self, s, arrived, fed, t, *, stream):
        quiet = jnp.zeros_like(arrived)
        noise = quiet if self.noise is None else self.noise(stream, t, self.n)
        to_current = self.noise is not None and isinstance(self.noise.place, ToCurrent)
        fed = to_registers(fed, arrived)
        bias = shift(self.bias, self.bias_exponent) + (quiet if to_current else noise)

        def registers(s: CubaState, arrived: Array, fed: Array, bias: Array) -> tuple[Array, Array, Array]:
            u, v, status = leaky(self, s.u, s.v, arrived, fed, bias)
            return u, jnp.where(s.held > 0, 0, self.core.voltage(v, self.v_min, self.v_max)), status

        u, v, status = materialised(registers, t, s, arrived, fed + noise if to_current else fed, bias)
        fires = v > self.threshold << 6
        held = jnp.maximum(jnp.where(fires, self.refractory, s.held) - 1, 0)
        return CubaState(u, jnp.where(fires, 0, v), held), fires.astype(jnp.int32), status

    def observed(self, name):
        return Extremes(name, self.decay_u, shift(self.bias, self.bias_exponent))

    def bounds(self, low, high):
        low, high = 64.0 * low, 64.0 * high
        bias = shift(self.bias, self.bias_exponent).astype(low.dtype)
        least, most = bias, bias
        if self.noise is not None:
            small, large = (end.astype(low.dtype) for end in self.noise.range())
            if isinstance(self.noise.place, ToCurrent):
                low, high = low + small, high + large
            else:
                least, most = bias + small, bias + large
        a = outward(low, high)
        u = geometric(a, self.decay_u.astype(low.dtype) / 4096.0)
        d = outward(u.low + least, u.high + most)
        v = geometric(d, self.decay_v.astype(low.dtype) / 4096.0)
        top = self.threshold.astype(low.dtype) * 64.0  # what is above it is reset
        start = self.v_start.astype(low.dtype)  # from beyond what inputs can reach voltages only come back
        v_high = jnp.minimum(v.high, jnp.ceil(top + jnp.maximum(d.high, 0.0)))
        v = Interval(jnp.minimum(v.low, start), jnp.maximum(v_high, start))
        return {"input": a, "current": u, "biased": d, "voltage": v}

    def limits(self):
        return limits_of(self.core)

    def describe(self):
        registers = ("decay_u", "decay_v", "threshold", "bias", "refractory")
        noise = "" if self.noise is None else ", noise"
        return f"CubaCells, {', '.join(f'{key} {span(getattr(self, key))}' for key in registers)}{noise}"


def limits_of(core: Core) -> dict[str, tuple[int, int]]:
    """What every register of a core keeps; and of all cores, so that they agree."""
    register = (-(2**23) + 1, 2**23 - 1)
    limited = {"input": core.accumulator.range(), "current": core.current.range(), "biased": core.biased.range()}
    voltage = register if isinstance(core.voltage, Saturates) else (-(2**31) + 1, 2**31 - 1)
    return {**limited, "voltage": voltage}


class Extremes(AbstractProbe):
    """The largest magnitudes of input, `u + bias` and `v` of a group, in the lowest bits of its registers."""

    name: str = eqx.field(static=True)
    decay_u: Int[Array, "..."]
    bias: Int[Array, "..."]

    def init(self, model, steps, first):
        n = model.sizes[self.name]
        return jnp.zeros(n, jnp.int32), jnp.zeros(3, jnp.int32)

    def step(self, carry, signals, t):
        before, most = carry
        s = signals.state[self.name]
        a = s.u - decay(before, self.decay_u)
        now = jnp.stack([jnp.max(jnp.abs(x)) for x in (a, s.u + self.bias, s.v)])
        return (s.u, jnp.maximum(most, now)), None

    def finish(self, carry, emitted, model):
        return carry[1]
