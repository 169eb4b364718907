"""Traces of spikes in 7 bits: an impulse at every spike, an exponential decay between them, both rounded at random."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from ...._types import Checked, Register, check, is_concrete, register
from ....lowering.storage import stored
from .rounding import Fraction

LARGEST = 127
_LOW = 2**24 - 1  # a decay has 48 bits, in two words: a float64 product rounds alike, and int32 holds 127 times a word


@stored
class LoihiTrace(Checked):
    """`trace <- round(trace exp(-1 / tau))` in every step, `trace <- min(trace + impulse, 127)` at every spike.

    **Arguments:** `impulse`: 0..127, kept in 256ths. `tau`: time constant in steps, 0 (gone in the next step) to
    infinity (never decays). A concrete `tau` is taken in double precision, a traced one in single.
    """

    impulse: Register = register(unit="1/256", within=(0, LARGEST * 256))
    keep: Register = register(unit="2^-24, 2^-48", within=(0, 2**24))  # exp(-1 / tau)

    def __init__(self, impulse: Any = 16.0, tau: Any = 10.0):
        for name, value in (("impulse", impulse), ("tau", tau)):
            high = LARGEST if name == "impulse" else np.inf
            if is_concrete(value):
                if np.asarray(value).dtype.kind not in "iuf" or np.ndim(value):
                    raise ValueError(f"LoihiTrace.{name} is {value!r}; expected one number.")
                check(
                    (np.asarray(value) >= 0) & (np.asarray(value) <= high),
                    f"LoihiTrace.{name} is {value}; expected 0 or more{f', at most {high}' if high < np.inf else ''}.",
                )
        self.impulse = _rounded(impulse, 256)
        self.keep = _kept(tau)

    def __check_init__(self):
        if self.impulse.shape != () or self.keep.shape != (2,):
            raise ValueError(
                f"{type(self).__name__} has an impulse of shape {self.impulse.shape} and a decay of {self.keep.shape} "
                "words; expected () and (2,)."
            )

    @property
    def tau(self) -> float:
        """The time constant in steps, of a concrete trace."""
        high, low = np.asarray(self.keep, np.float64)
        kept = (high + low * 2.0**-24) * 2.0**-24
        return 0.0 if kept == 0 else np.inf if kept >= 1 else float(-1.0 / np.log(kept))

    def decay(self, value: Int[Array, " n"], random: Fraction) -> Int[Array, " n"]:
        """One step of decay: up with the probability of the fraction, down otherwise."""
        low = value * self.keep[1]
        high = value * self.keep[0] + (low >> 24)
        left = Fraction(high & _LOW, low & _LOW)
        return (high >> 24) + (random < left).astype(jnp.int32)

    def add(self, value: Int[Array, " n"], fired: Bool[Array, " n"], random: Int[Array, "..."]) -> Int[Array, " n"]:
        """The impulse, for those that fired; `random`: 0..255, its fraction counts where it is larger."""
        more = (self.impulse >> 8) + (random < (self.impulse & 255)).astype(jnp.int32)
        return jnp.where(fired, jnp.clip(value + more, 0, LARGEST), value)


@stored
class ReceivedTrace(LoihiTrace):
    """A post-synaptic trace that the receiving neurons make themselves: the third factor, such as a reward.

    In every step it is what the modulator `name` says, 0..127, `()` or one a neuron.

    **Arguments:** `name`: of a modulator. `tau`: how it decays within an epoch (Lava: 65535 steps).
    """

    name: str = eqx.field(static=True, kw_only=True)

    def __init__(self, name: str, tau: Any = np.inf):
        super().__init__(0.0, tau)
        self.name = name


class History(NamedTuple):
    """A trace at the end of every step of an epoch, and where its own neuron fired last."""

    every: Int[Array, "epoch n"]
    own: Int[Array, " n"]

    @property
    def last(self) -> Int[Array, " n"]:
        """At the end of the epoch."""
        return self.every[-1]


def _rounded(value: Any, scale: int) -> Any:
    return np.rint(np.asarray(value, np.float64) * scale) if is_concrete(value) else jnp.round(value * scale)


def _kept(tau: Any) -> Any:
    if not is_concrete(tau):
        return jnp.stack([jnp.floor(jnp.exp(-1.0 / tau) * 2.0**24), jnp.zeros_like(tau)]).astype(jnp.int32)
    with np.errstate(divide="ignore"):
        words = int(np.rint(np.exp(-1.0 / np.float64(tau)) * 2.0**48))
    return np.array([words >> 24, words & _LOW])
