"""Groups of cells on a chip: registers of whole numbers, and one step of them."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from .. import _random
from .._once import written_once
from .._status import Status, bit
from .._types import as_number, check
from .cores import Core
from .fixed import Ranged, add, decay, register, shift, whole

DECAY, THRESHOLD, BIAS, BIAS_EXPONENT = (0, 4096), (0, 131071), (-4096, 4095), (0, 7)  # what registers hold


def gains(ports: Any) -> dict[str, Array]:
    """Ports in order, with what a unit of each is worth."""
    if not isinstance(ports, Mapping):
        raise ValueError(f'Got ports = {ports!r}; expected what a unit of each is worth, by name: {{"in": 1.0}}.')
    return {name: as_number(gain) for name, gain in sorted(ports.items())}


class AbstractCells(Ranged):
    """`n` cells that share a kind. `ports`: the names that drives may feed, and what one unit is worth in weight.

    `inlets`: how many sums a cell hears, each of synapses of its own: the receivers `0 .. n - 1` of a group of synapses
    are the first inlet of every cell, `n .. 2 n - 1` the second. `message_bits`: how many bits the size of an amplitude
    has; 0: cells send spikes, which have none. `outbox`: the state variable with the amplitudes that were sent.
    """

    n: eqx.AbstractVar[int]
    ports: eqx.AbstractVar[dict[str, Array]]
    inlets = 1
    message_bits = 0
    outbox = "sent"

    def __check_init__(self):
        whole(self, n=1)
        for name, gain in self.ports.items():
            if not isinstance(name, str) or not name or "." in name:
                raise ValueError(f"{type(self).__name__}.ports has {name!r}; expected names without dots.")
            check(lambda gain=gain: jnp.isfinite(gain), f"{type(self).__name__}.ports[{name!r}] is {gain}, not finite.")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if "within" in field.metadata and value is not None and value.shape not in ((), (self.n,)):
                raise ValueError(
                    f"{type(self).__name__}.{field.name} has shape {value.shape}; expected () or ({self.n},)."
                )

    def faulty(self):
        return super().faulty() | jnp.any(
            jnp.stack([jnp.any(~jnp.isfinite(g)) for g in self.ports.values()] or [False])
        )

    @abc.abstractmethod
    def init(self) -> Any:
        """The state in which a program starts."""

    @abc.abstractmethod
    def step(
        self,
        core: Core,
        s: Any,
        arrived: Int[Array, " inlets*n"],
        fed: Float[Array, " n"] | None,
        t: Array,
        *,
        stream: Array,
    ) -> tuple[Any, Int[Array, " n"], UInt32[Array, ""]]:
        """The next state, the amplitudes sent, and status bits.

        `arrived`: from synapses; `fed`: from drives; both in the unit of weights.
        """


class InputState(NamedTuple):
    """An input remembers nothing."""


class InputCells(AbstractCells):
    """Where the host puts spikes in: what a drive feeds in a step, rounded to whole amplitudes, is sent in it.

    **Arguments:** `message_bits`: static, at most 24: how many bits the size of an amplitude has that is part of the
    message (a graded spike, as on Loihi 2); a larger one is cut to the largest, and the status says so. 0: spikes.
    """

    n: int = eqx.field(static=True)
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)
    message_bits: int = eqx.field(default=0, static=True, kw_only=True)

    def __check_init__(self):
        whole(self, message_bits=0)
        if self.message_bits > 24:
            raise ValueError(f"InputCells.message_bits is {self.message_bits}; expected 0 (spikes) to 24 (amplitudes).")

    def init(self):
        return InputState()

    def step(self, core, s, arrived, fed, t, *, stream):
        if fed is None:
            return s, jnp.zeros(self.n, jnp.int32), jnp.uint32(0)
        amplitude = jnp.round(fed)
        if not self.message_bits:
            return s, amplitude.astype(jnp.int32), jnp.uint32(0)
        most = 2.0**self.message_bits - 1.0
        kept = jnp.clip(amplitude, -most, most)
        return s, kept.astype(jnp.int32), bit(Status.INPUT_OVERFLOW, kept != amplitude)


class AbstractNoisePlace(eqx.Module):
    """Where noise is added."""


class ToCurrent(AbstractNoisePlace):
    """To the summed input, so that it decays with the current."""


class ToMembrane(AbstractNoisePlace):
    """To `u + bias`, in one step only."""


class CellNoise(Ranged):
    """`trunc((x + 64 offset) 2^(exponent - 7))` in every step, `x` uniform in -127..127 (nengo-loihi).

    **Arguments:** `exponent`: 0..15. `offset`: -128..127. `place`: `ToMembrane()` or `ToCurrent()`.
    """

    exponent: Array = register(7, within=(0, 15))
    offset: Array = register(0, within=(-128, 127))
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


def leaky(core: Core, cells: Any, u: Array, v: Array, arrived: Array, fed: Array, bias: Array):
    """Current and voltage after a step, before any threshold, and status bits.

    `cells`: has `decay_u`, `decay_v`. `fed` and `bias` in units of the registers; what arrived is aligned with them.
    """
    aligned = arrived << 6
    a, lost_a = core.accumulator.add(aligned, fed)
    u, lost_u = core.current.add(decay(u, cells.decay_u), a)
    drive, lost_d = core.biased.add(u, bias)
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


class CubaCells(AbstractCells):
    """Loihi's leaky integrate-and-fire cell with a decaying current; `a` is the input that arrived, times 2^6.

        u <- u (4096 - decay_u) / 4096 + a
        v <- v (4096 - decay_v) / 4096 + u + bias 2^bias_exponent      in [v_min, v_max]; 0 while held
        a spike where v > threshold 2^6; then v <- 0, held for `refractory - 1` steps

    Products are rounded toward zero.

    **Arguments**, whole numbers of shape `()` or `(n,)`: `decay_u`, `decay_v`: effective decays, 0..4096 (the register
    of `decay_u` holds one less). `threshold`: mantissa, 0..131071. `bias`, `bias_exponent`: -4096..4095 and 0..7.
    `refractory`: 1..64. `v_min`, `v_max`: limits of the voltage, of 23 bits, 0 between them. `v_start`: the
    voltage at the start. `noise`: None, or `CellNoise(...)`.

    **Reference:** Davies et al., IEEE Micro 38:82 (2018).
    """

    n: int = eqx.field(static=True)
    decay_u: Array = register(4096, within=DECAY)
    decay_v: Array = register(0, within=DECAY)
    threshold: Array = register(100, within=THRESHOLD)
    bias: Array = register(0, within=BIAS)
    bias_exponent: Array = register(0, within=BIAS_EXPONENT)
    refractory: Array = register(1, within=(1, 64))
    v_min: Array = register(-(2**23) + 1, within=(-(2**23) + 1, 0))
    v_max: Array = register(2**23 - 1, within=(0, 2**23 - 1))
    v_start: Array = register(0, within=(-(2**23) + 1, 2**23 - 1), kw_only=True)
    noise: CellNoise | None = None
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)

    def __check_init__(self):
        if not isinstance(self.noise, CellNoise | None):
            raise ValueError(f"CubaCells.noise is {self.noise!r}; expected CellNoise(...) or None.")

    def init(self):
        zeros = jnp.zeros(self.n, jnp.int32)
        return CubaState(zeros, zeros + self.v_start, zeros)

    def step(self, core, s, arrived, fed, t, *, stream):
        quiet = jnp.zeros_like(arrived)
        noise = quiet if self.noise is None else self.noise(stream, t, self.n)
        to_current = self.noise is not None and isinstance(self.noise.place, ToCurrent)
        fed = to_registers(fed, arrived)
        bias = shift(self.bias, self.bias_exponent) + (quiet if to_current else noise)

        def registers(s: CubaState, arrived: Array, fed: Array, bias: Array) -> tuple[Array, Array, Array]:
            u, v, status = leaky(core, self, s.u, s.v, arrived, fed, bias)
            return u, jnp.where(s.held > 0, 0, core.voltage(v, self.v_min, self.v_max)), status

        u, v, status = written_once(registers, t, s, arrived, fed + noise if to_current else fed, bias)
        fires = v > self.threshold << 6
        held = jnp.maximum(jnp.where(fires, self.refractory, s.held) - 1, 0)
        return CubaState(u, jnp.where(fires, 0, v), held), fires.astype(jnp.int32), status
