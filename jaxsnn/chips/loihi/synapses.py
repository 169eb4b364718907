"""Groups of synapses on a chip: mantissas with one exponent, and how spikes carry them into the ring of arrivals."""

import abc
from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ..._types import Register, is_concrete, register
from ...lowering.carriers import Listed, Matrix, carried
from ...lowering.cells import InputCells
from ...lowering.integers import shift
from ...lowering.registers import span
from ...lowering.storage import stored
from ...lowering.synapses import AbstractSynapses
from .cells import LoihiCells, core_of
from .cores import AbstractSign, Core, Excitatory, Inhibitory, ShiftAfterSum, SignedWeights

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar

EXPONENT = (-8, 7)  # of a group of synapses


def one_number(part: object, *names: str) -> None:
    """Refuses registers of a group of synapses that are not one number."""
    for name in names:
        if getattr(part, name).shape != ():
            shape = getattr(part, name).shape
            raise ValueError(f"{type(part).__name__}.{name} has shape {shape}; expected one number for the group.")


class LoihiSynapses(AbstractSynapses):
    """Synapses in the memory of a neuro core: mantissas, of which a core has so many bits."""

    def mantissas(self, core: Core) -> tuple[Array, tuple[int, int]]:
        """The mantissas of weights, and the smallest and the largest that a core has for them."""
        return jnp.zeros((), jnp.int32), (0, 0)

    def unsupported(self, post):
        if not isinstance(post, LoihiCells | InputCells):
            return f"receivers of another chip, {type(post).__name__}; expected cells such as CubaCells"
        return self.unsupported_by(core_of(post))

    def unsupported_by(self, core: Core) -> str | None:
        """What of it a core cannot hold, and what to do; None where it can, or it is not known yet."""
        weight, (low, high) = self.mantissas(core)
        if not is_concrete(weight) or np.all((np.asarray(weight) >= low) & (np.asarray(weight) <= high)):
            return None
        return f"weights of {span(weight)}, and its core has {low} .. {high} for their sign; start within"

    def faulty_for(self, post):
        weight, (low, high) = self.mantissas(core_of(post))
        return jnp.any((weight < low) | (weight > high))


def graded_bounds(
    low: Array, high: Array, exponent: Array, message_bits: int, *, sum_bits: int = 31
) -> tuple[Array, Array]:
    """What spikes of any amplitude can bring where those of amplitude 1 bring from `low` to `high`.

    `sum_bits`, and a sign: what is kept of a sum before a negative exponent acts on it.
    """
    if not message_bits:
        return low, high
    size = (jnp.maximum(-low, high) + 1).astype(jnp.float32)  # of either sign; 1 may have been rounded away
    size = size * (2.0**message_bits - 1.0)
    whole = size * jnp.exp2(jnp.maximum(-exponent, 0).astype(jnp.float32)) < 2.0**sum_bits
    size = jnp.where(whole, size, jnp.inf)
    return -size, size


class AbstractFormatted(LoihiSynapses):
    """Synapses of one format: mantissas with an exponent, a sign mode, and so many bits stored."""

    weight: AbstractVar[Array]
    exponent: AbstractVar[Array]
    bits: AbstractVar[Array]
    sign: AbstractVar[AbstractSign]
    delay: AbstractVar[Array]

    def register_ranges(self):
        return {**super().register_ranges(), "weight": self.sign.widest, "delay": (0, self.max_delay)}

    def mantissas(self, core):
        return self.weight, self.sign.range(core)

    def stored(self, core: Core) -> Int[Array, "..."]:
        """The mantissas that a core keeps: in the range of the sign mode, without the bits that are not stored."""
        low, high = self.sign.range(core)
        kept = jnp.clip(self.weight, low, high)
        return core.truncation(kept, 8 - self.bits + self.sign.sign_bits, self.sign)

    def effective(self, core: Core) -> Int[Array, "..."]:
        """What a spike adds, in units of 2^6, where the exponent acts on every synapse: 16 bits hold it."""
        return jnp.clip(shift(self.stored(core), self.exponent), -(2**15) + 1, 2**15 - 1)

    def carried(self, core: Core) -> tuple[Int[Array, "..."], Int[Array, ""] | None]:
        """What spikes of one step add up, and the exponent that then acts on the sum; None where none does."""
        if isinstance(core.scaling, ShiftAfterSum):
            return self.stored(core), self.exponent
        return self.effective(core), None

    def input_bounds(self, pre, post):
        weight, exponent = self.carried(core_of(post))
        parts = (jnp.minimum(weight, 0), jnp.maximum(weight, 0))
        low, high = (self.total(part) if exponent is None else shift(self.total(part), exponent) for part in parts)
        if exponent is not None:  # spikes of one delay are rounded down together, where there is anything to round
            rounds = jnp.any(shift(shift(weight, exponent), -exponent) != weight)
            low = low - jnp.where(rounds, self.max_delay, 0)
        return graded_bounds(low, high, self.exponent, pre.message_bits)

    @abc.abstractmethod
    def total(self, x: Array) -> Int[Array, " post"]:
        """The sum over the synapses of every receiver."""


@stored
class Synapses(AbstractFormatted):
    """A matrix of synapses: a spike adds `weight 2^(6 + exponent)` to the input of a cell, `delay + 1` steps later.

    A graded spike adds so many times its amplitude. Cells of Loihi 2 that are not of the leaky kinds hear
    `weight 2^exponent`.

    **Arguments:** `weight`: mantissas, whole numbers of shape `(n_pre, n_post)`, that `sign` has: 8 bits.
    `exponent`: -8..7, one for the group. `bits`: mantissa bits that are stored, 0..8. `sign`: `SignedWeights()` (takes
    a bit), `Excitatory()` or `Inhibitory()`. `delay`: steps, `()` or as `weight`; `max_delay`: static, at most 62.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    weight: Register = register()
    exponent: Register = register(0, within=EXPONENT)
    bits: Register = register(8, within=(0, 8))
    sign: AbstractSign = eqx.field(default_factory=SignedWeights)
    delay: Register = register(0)
    max_delay: int = eqx.field(default=0, static=True, kw_only=True)

    def __check_init__(self):
        if self.weight.ndim != 2:
            raise ValueError(f"Synapses.weight has shape {self.weight.shape}; expected (n_pre, n_post).")
        if self.delay.shape not in ((), self.weight.shape):
            raise ValueError(f"Synapses.delay has shape {self.delay.shape}; expected () or {self.weight.shape}.")
        one_number(self, "exponent", "bits")

    @property
    def shape(self):
        return self.weight.shape

    def total(self, x):
        return jnp.sum(x, axis=0)

    def prepare(self, pre, post, ring, first):
        weight, exponent = self.carried(core_of(post))
        n_pre, n_post = self.weight.shape
        if self.delay.ndim == 0:
            none = jnp.zeros((), jnp.int32)
            return Matrix(weight.astype(jnp.int16), none if exponent is None else exponent, self.delay, ring, first)
        start = jnp.arange(n_pre + 1, dtype=jnp.int32) * n_post
        receiver = jnp.tile(jnp.arange(n_post, dtype=jnp.int32), n_pre)
        every = Listed(start, receiver, weight.reshape(-1), self.delay.reshape(-1), n_post, n_post, self.max_delay)
        return carried(every, exponent, ring, first)

    def describe(self):
        size, form = " x ".join(map(str, self.weight.shape)), format_text(self.sign, self.weight, self.exponent)
        return [f"a matrix of {size}, {form}, {self.bits} bits, delay {span(self.delay)}"]


def format_text(sign: AbstractSign, weight: Array, exponent: Array) -> str:
    """Sign mode, mantissas and exponent of synapses, for a summary."""
    return f"{type(sign).__name__} {span(weight)}, exponent {exponent}"


def sign_mode(sign: int) -> AbstractSign:
    """The sign mode of weights: 1 if none is negative, -1 if none is positive, 0 for both."""
    return {1: Excitatory, -1: Inhibitory, 0: SignedWeights}[sign]()


def sign_of(weight: Array | np.ndarray) -> AbstractSign:
    """The sign mode that fits concrete weights; all-zero ones are excitatory."""
    if not is_concrete(weight):
        return SignedWeights()
    w = np.asarray(weight)
    return sign_mode(1 if np.all(w >= 0) else -1 if np.all(w <= 0) else 0)
