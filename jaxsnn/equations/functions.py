"""The functions of Brian2's equations: what they compute, how many arguments they take, and their dimensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from .._linear import phi
from .._types import canonical_float


class Function(NamedTuple):
    """`dimension`: `"number"` takes and gives numbers, `"same"` gives what all its arguments are, `"root"` its root,
    `"sign"` takes anything and gives a number, `"step"` takes two times.
    """

    of: Callable[..., Any]
    dimension: str = "number"
    arguments: int = 1


def number(x: Any) -> Any:
    """A truth value as 0 or 1, so that it can be added and multiplied."""
    return jnp.asarray(x, canonical_float()) if jnp.result_type(x) == jnp.bool_ else x


def timestep(t: Any, dt: Any) -> Array:
    """The whole steps in a time; a thousandth of a step forgives a time that is on the grid but not in binary."""
    return jnp.floor(t / dt + 1e-3)


FUNCTIONS = {
    **{name: Function(getattr(jnp, name)) for name in ("exp", "log", "log10", "expm1", "log1p")},
    **{name: Function(getattr(jnp, name)) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: Function(getattr(jnp, name)) for name in ("arcsin", "arccos", "arctan")},
    "exprel": Function(lambda x: phi(jnp.asarray(x, canonical_float()))),
    "sqrt": Function(jnp.sqrt, "root"),
    **{name: Function(getattr(jnp, name), "same") for name in ("abs", "floor", "ceil")},
    "clip": Function(jnp.clip, "same", 3),
    "sign": Function(jnp.sign, "sign"),
    "int": Function(lambda x: jnp.trunc(number(x))),
    "timestep": Function(timestep, "step", 2),
}
RANDOM = {"rand": "uniform", "randn": "normal"}  # a number for each neuron and step
CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045, "inf": float("inf"), "True": True, "False": False}
