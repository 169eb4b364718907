"""Refractory input: what becomes of the input that arrives while a neuron is refractory."""

import equinox as eqx


class AbstractRefractoryInput(eqx.Module):
    """What becomes of jumps in `v` that arrive while the neuron is refractory."""


class Clamp(AbstractRefractoryInput):
    """`v` is held and jumps are lost (NEST; Brian2 with `(unless refractory)`)."""


class Buffer(AbstractRefractoryInput):
    """`v` is held; jumps are kept, discounted by `exp(-r dt / tau)` to the end of the period, and added there.

    NEST's `refractory_input=True`; `r` is the number of steps left, before counting down.
    """


class Ungated(AbstractRefractoryInput):
    """`v` is not held: it integrates and hears throughout; only the threshold is gated (Brian2 without the flag)."""
