"""A drive of modulators: named signals, such as reward or dopamine, that plasticity reads."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .._types import as_number, check
from ..dynamics import Inputs
from .drive import AbstractDrive


class Modulator(AbstractDrive):
    """Feeds `values[t]` in step `t` under a name; nothing (0) before step 0 or after the last value.

    A modulator that depends on what the network does is an environment: write a drive of your own whose `step` returns
    `Inputs(modulators={"reward": ...})`; it sees the spikes of the step before.

    **Arguments:** `name`: e.g. `"reward"`. `values`: shape `(steps,)`, or a number that is fed in every step.
    """

    name: str = eqx.field(static=True)
    values: Array = eqx.field(converter=as_number)

    def __check_init__(self):
        check(self.values.ndim <= 1, f"Modulator.values has shape {self.values.shape}, expected () or (steps,).")

    def step(self, d, t, signals, *, key):
        if self.values.ndim == 0:
            return d, Inputs(modulators={self.name: self.values})
        value = self.values.at[t].get(mode="fill", fill_value=0)
        return d, Inputs(modulators={self.name: jnp.where(t >= 0, value, 0)})
