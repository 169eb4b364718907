"""A chip as a key: what makes its circuits differ from each other, and its trials from each other."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ... import _random
from ..._types import Checked, Param, param

CIRCUITS, ROWS = 512, 256  # of the chip: 512 neuron circuits, each a column of 256 synapses


class Spread(Checked):
    """Standard deviations of the fixed pattern of a calibrated chip. Each circuit draws its own, once.

    They are guesses, but for what is said of them: published histograms could not be read, and what the group's own
    tests of its calibration accept are bounds. Give those of your chip.

    **Arguments**, relative (0.05 is 5 %) or in LSB of the CADC (8 bits; rest to threshold is about 45):

    - `tau_m`, `tau_syn`: time constants, relative.
    - `threshold`: LSB (accepted: within 8 for nearly all). `leak`, `reset`: LSB.
    - `efficacy`: of the excitatory and of the inhibitory input of a circuit, relative.
    - `synapse`: of single synapses, relative (below 0.1 in simulations of the first generation, Koke 2017).
    - `cadc`: offsets of its channels, LSB (accepted: below 3).
    - `correlation`: of amplitude and time constant of the sensors of synapses, relative (accepted: within a factor 2).
    """

    tau_m: Param = param(0.05, unit="1", ge=0.0, finite=True)
    tau_syn: Param = param(0.05, unit="1", ge=0.0, finite=True)
    threshold: Param = param(3.0, unit="LSB", ge=0.0, finite=True)
    leak: Param = param(2.0, unit="LSB", ge=0.0, finite=True)
    reset: Param = param(2.0, unit="LSB", ge=0.0, finite=True)
    efficacy: Param = param(0.1, unit="1", ge=0.0, finite=True)
    synapse: Param = param(0.05, unit="1", ge=0.0, finite=True)
    cadc: Param = param(1.0, unit="LSB", ge=0.0, finite=True)
    correlation: Param = param(0.3, unit="1", ge=0.0, finite=True)


class Noise(Checked):
    """What differs from trial to trial, drawn from the key of a run. Guesses too.

    **Arguments:** `membrane`: standard deviation of a membrane that nothing else moves, LSB of the CADC. `readout`: of
    a reading of the CADC, LSB.
    """

    membrane: Param = param(1.0, unit="LSB", ge=0.0, finite=True)
    readout: Param = param(1.0, unit="LSB", ge=0.0, finite=True)


class Circuits(eqx.Module):
    """Where on the chip the neurons of a group are: neuron `j` has `each` circuits from `first + j each` on. Static."""

    first: int = eqx.field(default=0, static=True)
    each: int = eqx.field(default=1, static=True)

    def deviation(self, chip: Array, what: str, n: int) -> Float[Array, " n"]:
        """Standard normal numbers, one a neuron: the same for the same circuit of a chip, whatever runs on it."""
        at = jnp.arange(n, dtype=jnp.uint32) * self.each + self.first
        return _random.normal(_random.stream(chip, f"circuit.{what}"), 0, at)

    def of_synapses(self, chip: Array, place: Array, what: str = "synapse") -> Float[Array, "2 pre post"]:
        """The same, one a synapse of either sign. `place`: its number among the inputs of its neuron, each of which has
        two rows, one for excitation and one for inhibition.
        """
        column = self.first + jnp.arange(place.shape[1], dtype=jnp.int32)[None] * self.each + place // (ROWS // 2)
        row = 2 * (place % (ROWS // 2))[None] + jnp.arange(2, dtype=jnp.int32)[:, None, None]
        return _random.normal(_random.stream(chip, what), 0, (row * CIRCUITS + column[None]).astype(jnp.uint32))


def factor(deviation: Array, spread: Array) -> Array:
    """`1 + spread deviation`, which stays positive."""
    return jnp.maximum(1.0 + spread * deviation, 0.05)
