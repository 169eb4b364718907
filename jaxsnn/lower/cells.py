"""Groups of cells on a chip: registers of whole numbers, and one step of them."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from .. import _random
from .._once import written_once
from .._status import Status, bit
from .._types import as_number, check
from .cores import Core
from .fixed import add, decay, register, shift


def _gains(ports: Any) -> dict[str, Array]:
    return {name: as_number(gain) for name, gain in sorted(ports.items())}


class AbstractCells(eqx.Module):
    """`n` cells that share a kind. `ports`: the names that drives may feed, and what one unit is worth in weight."""

    n: eqx.AbstractVar[int]
    ports: eqx.AbstractVar[dict[str, Array]]

    @abc.abstractmethod
    def init(self) -> Any:
        """The state in which a program starts."""

    @abc.abstractmethod
    def step(
        self, core: Core, s: Any, arrived: Int[Array, " n"], fed: Float[Array, " n"] | None, t: Array, *, stream: Array
    ) -> tuple[Any, Int[Array, " n"], UInt32[Array, ""]]:
        """The next state, the amplitudes sent, and status bits. `arrived`: from synapses; `fed`: from drives."""


class InputState(NamedTuple):
    """An input remembers nothing."""


class InputCells(AbstractCells):
    """Where the host puts spikes in: what a drive feeds in a step, rounded to whole amplitudes, is sent in it."""

    n: int = eqx.field(static=True)
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=_gains)

    def init(self):
        return InputState()

    def step(self, core, s, arrived, fed, t, *, stream):
        amplitude = jnp.zeros(self.n, jnp.int32) if fed is None else jnp.round(fed).astype(jnp.int32)
        return s, amplitude, jnp.uint32(0)


class AbstractNoisePlace(eqx.Module):
    """Where noise is added."""


class ToCurrent(AbstractNoisePlace):
    """To the summed input, so that it decays with the current."""


class ToMembrane(AbstractNoisePlace):
    """To `u + bias`, in one step only."""


class CellNoise(eqx.Module):
    """`trunc((x + 64 offset) 2^(exponent - 7))` in every step, `x` uniform in -127..127 (nengo-loihi)."""

    exponent: Array = register(7)
    offset: Array = register(0)
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


class CubaState(NamedTuple):
    """Current, voltage, and the steps for which the voltage is still held."""

    u: Int[Array, " n"]
    v: Int[Array, " n"]
    held: Int[Array, " n"]


class CubaCells(AbstractCells):
    """Loihi's leaky integrate-and-fire cell with a decaying current; `a` is the input that arrived, times 2^6.

        u <- u (4096 - decay_u) / 4096 + a
        v <- v (4096 - decay_v) / 4096 + u + bias 2^bias_exponent      in [v_min, v_max]; 0 while held
        a spike where v > threshold 2^6; then v <- 0, held for `refractory - 1` steps

    Products are rounded toward zero.

    **Arguments**, whole numbers of shape `()` or `(n,)`: `decay_u`, `decay_v`: effective decays, 0..4096 (the register
    of `decay_u` holds one less). `threshold`: mantissa, 0..131071. `bias`, `bias_exponent`: -4096..4095 and 0..7.
    `refractory`: 1..64. `v_min`, `v_max`: limits of the voltage. `noise`: None, or `CellNoise(...)`.

    **Reference:** Davies et al., IEEE Micro 38:82 (2018).
    """

    n: int = eqx.field(static=True)
    decay_u: Array = register(4096)
    decay_v: Array = register(0)
    threshold: Array = register(100)
    bias: Array = register(0)
    bias_exponent: Array = register(0)
    refractory: Array = register(1)
    v_min: Array = register(-(2**23) + 1)
    v_max: Array = register(2**23 - 1)
    noise: CellNoise | None = None
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=_gains)

    def __check_init__(self):
        ranges = dict(decay_u=(0, 4096), decay_v=(0, 4096), threshold=(0, 131071), refractory=(1, 64))
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            check(
                lambda value=value, low=low, high=high: (value >= low) & (value <= high),
                f"CubaCells.{name} is {value}; expected whole numbers from {low} to {high}.",
            )

    def init(self):
        zeros = jnp.zeros(self.n, jnp.int32)
        return CubaState(zeros, zeros, zeros)

    def step(self, core, s, arrived, fed, t, *, stream):
        quiet = jnp.zeros_like(arrived)
        noise = quiet if self.noise is None else self.noise(stream, t, self.n)
        to_current = self.noise is not None and isinstance(self.noise.place, ToCurrent)
        fed = quiet if fed is None else jnp.round(fed).astype(jnp.int32) << 6
        bias = shift(self.bias, self.bias_exponent) + (quiet if to_current else noise)

        def registers(s: CubaState, arrived: Array, fed: Array, bias: Array) -> tuple[Array, Array, Array]:
            a, lost_a = core.accumulator.add(arrived, fed)
            u, lost_u = core.current.add(decay(s.u, self.decay_u), a)
            drive, lost_d = core.biased.add(u, bias)
            v, lost_v = add(decay(s.v, self.decay_v), drive)
            v = jnp.where(s.held > 0, 0, core.voltage(v, self.v_min, self.v_max))
            return u, v, bit(Status.INPUT_OVERFLOW, lost_a) | bit(Status.CURRENT_OVERFLOW, lost_u | lost_d | lost_v)

        u, v, status = written_once(registers, t, s, arrived, fed + noise if to_current else fed, bias)
        fires = v > self.threshold << 6
        held = jnp.maximum(jnp.where(fires, self.refractory, s.held) - 1, 0)
        return CubaState(u, jnp.where(fires, 0, v), held), fires.astype(jnp.int32), status
