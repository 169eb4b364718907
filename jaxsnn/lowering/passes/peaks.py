"""Peaks of registers in a run."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp

from ..._types import Param, param


class Peaks(eqx.Module):
    """The largest magnitudes in a group, in the model's units: summed input of a step, `u + bias`, `v`."""

    a: Param = param(unit="v")
    u: Param = param(unit="v")
    v: Param = param(unit="v")


def unseen() -> Peaks:
    """The peaks of a group that was not measured."""
    return Peaks(jnp.inf, jnp.inf, jnp.inf)
