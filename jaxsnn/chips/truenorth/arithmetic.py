"""The arithmetic of a TrueNorth neuron: random gates, leak, two thresholds and six resets."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, UInt32

from ...lowering.storage import stored

AXONS, NEURONS, TYPES = 256, 256, 4  # of a core
NORMAL, LINEAR, NONE = 0, 1, 2  # reset modes
WEIGHT = (-256, 255)  # 9 bits: of weights and leaks
MAGNITUDE = (0, 2**18 - 1)  # of both thresholds
POTENTIAL = (-(2**19), 2**19 - 1)  # 20 bits
TICKS = (1, 15)  # of a delivery


class AbstractRules(eqx.Module):
    """The choices that the published equations leave open, and in which their emulators differ."""

    @abc.abstractmethod
    def steps(self, tick: Array) -> Int[Array, "..."]:
        """The steps from a spike to its arrival, of a delivery tick as it is written."""

    @abc.abstractmethod
    def below(self, v: Array, least: Array) -> Bool[Array, "..."]:
        """Whether a potential has passed the negative threshold."""

    @property
    def lowest(self) -> int:
        """The least of the 256 random numbers to which a weight or a leak is compared."""
        return 0

    @property
    def ringing(self) -> bool:
        """Whether a leak that reverses may carry a potential across 0."""
        return True


@stored
class Published(AbstractRules):
    """The equations of 2013: a packet takes as many steps as its delivery tick says, and `v < -beta` is below.

    **Arguments**, static: `lowest`: 0 or 1. Random numbers are `lowest .. lowest + 255`, so that a weight `s` passes
    with a probability of `(|s| + 1) / 256` or `|s| / 256`; which of them the chip has was not published. `ringing`:
    False: a leak that reverses ends at 0 where it would change the sign of `v` (NeMo, after a document of IBM's).
    """

    lowest: int = eqx.field(default=0, static=True)
    ringing: bool = eqx.field(default=True, static=True)

    def __check_init__(self):
        if self.lowest not in (0, 1) or isinstance(self.lowest, bool):
            raise ValueError(f"Published.lowest is {self.lowest!r}; expected 0 or 1.")

    def steps(self, tick):
        return tick

    def below(self, v, least):
        return v < least


@stored
class Ranc(AbstractRules):
    """RANC's simulator: a packet takes one step more than its delivery tick (0..14) says.

    **Arguments**, static: `inclusive`: whether `v = -beta` is below too: its reset type 1, else its type 0.
    """

    inclusive: bool = eqx.field(default=True, static=True)

    def steps(self, tick):
        return tick + 1

    def below(self, v, least):
        return v <= least if self.inclusive else v < least


def gated(x: Int[Array, "..."], word: UInt32[Array, "..."], lowest: int) -> Int[Array, "..."]:
    """The sign of `x` where `|x| >= rho`, else 0, of a random number `rho` in `lowest .. lowest + 255`."""
    rho = (word >> 24).astype(jnp.int32) + lowest
    return jnp.where(jnp.abs(x) >= rho, jnp.sign(x), 0)


def leaked(v: Array, leak: Array, reversal: Array, rules: AbstractRules) -> Int[Array, " n"]:
    """`v + leak`, or `v + sgn(v) leak` where the leak reverses."""
    new = v + jnp.where(reversal > 0, jnp.sign(v), 1) * leak
    if rules.ringing:
        return new
    return jnp.where((reversal > 0) & (jnp.sign(new) == -jnp.sign(v)), 0, new)


def compared(
    v: Array, noise: Array, alpha: Array, beta: Array, reset: Array, mode: Array, saturates: Array, rules: AbstractRules
) -> tuple[Int[Array, " n"], Int[Array, " n"]]:
    """The potential after both thresholds, and the spikes.

    v >= alpha + eta:                  a spike;  v <- reset | v - (alpha + eta) | v         (mode 0 | 1 | 2)
    else v < -beta, saturating:        v <- -beta
    else v < -(beta + eta), otherwise: v <- -reset | v + (beta + eta) | v
    """
    saturating, up, down = saturates > 0, alpha + noise, beta + noise
    by_mode = lambda normal, linear: jnp.where(mode == NORMAL, normal, jnp.where(mode == LINEAR, linear, v))
    fires = v >= up
    under = ~fires & rules.below(v, jnp.where(saturating, -beta, -down))
    after_under = jnp.where(saturating, -beta, by_mode(-reset, v + down))
    new = jnp.where(fires, by_mode(reset, v - up), jnp.where(under, after_under, v))
    return new, fires.astype(jnp.int32)
