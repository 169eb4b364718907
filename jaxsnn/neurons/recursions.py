"""The recursion of a neuron with a current of its own: which current drives the membrane, and how both decay."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

# --- decay ----------------------------------------------------------------------------------------------------------


class AbstractDecay(eqx.Module):
    """The decay of a variable with a time constant over one step."""

    @abc.abstractmethod
    def __call__(self, tau: Array, dt: float) -> Float[Array, "..."]:
        """`factor - 1`, as an increment: a factor near 1 is rounded, and biases every step alike."""


class ExactDecay(AbstractDecay):
    """`exp(-dt / tau)`: `tau = -dt / log(factor)` where a library gives the factor (snnTorch's alpha and beta)."""

    def __call__(self, tau, dt):
        return jnp.expm1(-dt / tau)


class EulerDecay(AbstractDecay):
    """`1 - dt / tau`: Norse and SpikingJelly; Loihi, where `dt / tau` is the decay register over 4096."""

    def __call__(self, tau, dt):
        return -dt / tau


# --- which current the membrane sees ----------------------------------------------------------------------------------


class AbstractRecursion(eqx.Module):
    """Which synaptic current moves the membrane in a step."""


class CurrentAfterInput(AbstractRecursion):
    """The current at the end of the step, after its decay and the arrivals: snnTorch, SpikingJelly, lava-dl, Loihi.

    What arrives moves the membrane in the same step. (In `BrianOrder` it comes after the threshold, and the membrane
    first sees it in the next step, decayed once.)
    """


class CurrentBeforeInput(AbstractRecursion):
    """The current at the start of the step (Norse's `lsnn`): an arrival drives the membrane from the next step on."""


class DecayingCurrent(AbstractRecursion):
    """The current as it decays within the step: exact, as `LIF` with an `Exponential` port."""
