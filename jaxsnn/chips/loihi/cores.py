"""What the emulators of the Loihi core do differently: each switch a class, each emulator a choice of them.

Where the interval proof of a program holds (`bounds(program)`) none of the overflows can happen, and all agree.
"""

import abc
from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from ..._choices import Chosen
from ...lowering.integers import add, clear_low
from ...lowering.overflow import AbstractOverflow, Unlimited, Wrap
from ...lowering.storage import stored

if TYPE_CHECKING:
    from typing import ClassVar as AbstractClassVar
else:
    from equinox import AbstractClassVar

# --- overflow: what a register keeps of a sum that does not fit -----------------------------------------------------


@stored
class WrapOnce(AbstractOverflow):
    """One turn of 2^24 beyond 2^23 (Lava): the range's ends are swapped, and what is thrice too big stays outside."""

    def add(self, x, y):
        _, lost = add(x, y)
        total = x + y  # of 32 bits, as NumPy's
        kept = jnp.where(total > 2**23, total - 2**24, jnp.where(total <= -(2**23), total + 2**24, total))
        return kept, lost | (kept != total)

    def range(self):
        return -(2**23) + 1, 2**23


# --- the membrane: is it clipped? -----------------------------------------------------------------------------------


class AbstractLimit(eqx.Module):
    """Whether the voltage is held within the limits of its cells."""

    @abc.abstractmethod
    def __call__(self, v: Array, low: ArrayLike, high: ArrayLike) -> Array: ...


@stored
class Saturates(AbstractLimit):
    """`v` is clipped to `[v_min, v_max]`."""

    def __call__(self, v, low, high):
        return jnp.clip(v, low, high)


@stored
class NoClip(AbstractLimit):
    """`v` is whatever the sum is (Brian2Loihi); see `Brian2LoihiCore` for how far."""

    def __call__(self, v, low, high):
        return v


# --- weights: their sign, and what is stored of them ----------------------------------------------------------------


class AbstractSign(eqx.Module):
    """The sign mode of a group of synapses: one of both signs spends a bit on it."""

    sign_bits: AbstractClassVar[int]
    widest: AbstractClassVar[tuple[int, int]]  # over all cores

    @abc.abstractmethod
    def range(self, core: "Core") -> tuple[int, int]:
        """The smallest and the largest mantissa before low bits are dropped."""


@stored
class SignedWeights(AbstractSign):
    """Both signs: even mantissas from -256 to 254 with 8 bits."""

    sign_bits = 1
    widest = (-256, 255)

    def range(self, core):
        return -256, 255


@stored
class Excitatory(AbstractSign):
    """0 to 255."""

    sign_bits = 0
    widest = (0, 255)

    def range(self, core):
        return 0, 255


@stored
class Inhibitory(AbstractSign):
    """-255 to 0; one more where low bits go toward zero (Brian2Loihi)."""

    sign_bits = 0
    widest = (-256, 0)

    def range(self, core):
        return (-256 if isinstance(core.truncation, TowardZero) else -255), 0


class AbstractTruncation(eqx.Module):
    """What becomes of the mantissa bits that a synapse does not store."""

    @abc.abstractmethod
    def __call__(self, w: Array, dropped: Array, sign: AbstractSign) -> Array: ...


@stored
class TowardZero(AbstractTruncation):
    """-3 becomes -2 (Brian2Loihi)."""

    def __call__(self, w, dropped, sign):
        return jnp.sign(w) * clear_low(jnp.abs(w), dropped)


@stored
class Downward(AbstractTruncation):
    """-3 becomes -4; inhibitory synapses hold magnitudes, which go down (Lava)."""

    def __call__(self, w, dropped, sign):
        return -clear_low(-w, dropped) if isinstance(sign, Inhibitory) else clear_low(w, dropped)


@stored
class AsGiven(AbstractTruncation):
    """Weights are taken as they are: low bits were rounded away before (nengo-loihi)."""

    def __call__(self, w, dropped, sign):
        return w


class AbstractScaling(eqx.Module):
    """Where the weight exponent is applied: it decides which bits a negative one loses."""


@stored
class ShiftEachWeight(AbstractScaling):
    """On every weight (Loihi 1, nengo-loihi, Brian2Loihi)."""


@stored
class ShiftAfterSum(AbstractScaling):
    """On the sum of the weights of all spikes that arrive together (Lava)."""


# --- the core: a choice of each -------------------------------------------------------------------------------------


@stored
class Core(Chosen):
    """The arithmetic of a neuro core.

    **Arguments:** `accumulator`, `current`, `biased`: what is kept of the summed input, of `u`, and of `u + bias`.
    `voltage`: how `v` is limited. `truncation`, `scaling`: what is stored of a weight, and where its exponent acts.
    """

    accumulator: AbstractOverflow = eqx.field(default_factory=lambda: Wrap(21))
    current: AbstractOverflow = eqx.field(default_factory=lambda: Wrap(23))
    biased: AbstractOverflow = eqx.field(default_factory=lambda: Wrap(23))
    voltage: AbstractLimit = eqx.field(default_factory=Saturates)
    truncation: AbstractTruncation = eqx.field(default_factory=TowardZero)
    scaling: AbstractScaling = eqx.field(default_factory=ShiftEachWeight)


def Loihi1Core() -> Core:  # reads as the noun it makes
    """What is most likely silicon: wraps measured on the chip by nengo-loihi's authors, weights as in Brian2Loihi."""
    return Core()


def LavaCore() -> Core:
    """Lava 0.10, `PyLifModelBitAcc` behind `PyDenseModelBitAcc`."""
    return Core(Unlimited(), WrapOnce(), Unlimited(), Saturates(), Downward(), ShiftAfterSum())


def NengoLoihiCore() -> Core:
    """The emulator of nengo-loihi 1.1."""
    return Core(truncation=AsGiven())


def Brian2LoihiCore() -> Core:
    """Brian2Loihi 0.5.2, whose `v` and `I` are floating-point numbers that nothing limits; a weight has 21 bits.

    Here they are whole numbers of 32 bits, and the same numbers as long as they stay below 2^31. A sum that does not
    is held at `2^31 - 1` or its negative, which is not what Brian2Loihi has, and the run reports `CURRENT_OVERFLOW` or
    `INPUT_OVERFLOW`. (Brian2Loihi itself then takes a decay through a cast to 32 bits, and is no longer exact.)
    """
    return Core(Unlimited(), Unlimited(), Unlimited(), NoClip(), TowardZero(), ShiftEachWeight())
