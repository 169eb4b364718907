"""Refractory input: what becomes of the input that arrives while a neuron is refractory."""

import equinox as eqx


class AbstractRefractoryInput(eqx.Module):
    """What becomes of jumps in `v` that arrive while the neuron is refractory."""


class Clamp(AbstractRefractoryInput):
    """`v` is held constant and jumps are lost (NEST; Brian2 with `(unless refractory)`)."""


class Buffer(AbstractRefractoryInput):
    """`v` is held constant; jumps are stored, decay by `exp(-r dt / tau)`, and are added at the end of the period.

    NEST's `refractory_input=True`; `r` is the number of steps left, before counting down.
    """


class Ungated(AbstractRefractoryInput):
    """`v` integrates and receives jumps throughout; only the spike is suppressed (Brian2 without the flag)."""
