"""Invalid targets: reported by the status of a program, and named where their values are concrete."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from .._types import is_concrete
from ..models import AbstractModel


class Demand(NamedTuple):
    """A condition on the values of targets: where it is violated, and its description.

    `broken`: booleans with a leading axis of examples.
    """

    broken: Bool[Array, "examples ..."]
    expected: str


def finite(targets: Any) -> Demand:
    """Every number is finite."""
    return Demand(~_np(targets).isfinite(targets), "finite numbers")


def labels(targets: Any, classes: int) -> Demand:
    """Every label is a class."""
    return Demand((targets < 0) | (targets >= classes), f"labels from 0 to {classes - 1}: there are {classes} classes")


def probabilities(targets: Any, classes: int) -> Demand:
    """The numbers of each example are at least 0, and their sum is 1 to a thousandth."""
    total = targets.sum(axis=-1)
    fine = (targets >= 0).all(axis=-1) & (abs(total - 1.0) <= 1e-3)
    return Demand(~fine, f"probabilities of {classes} classes: none negative, their sum 1")


def outside(loss: Any, model: AbstractModel, steps: int, targets: Any) -> Bool[Array, ""]:
    """Whether any target is invalid for the loss; for use in programs."""
    bad = jnp.zeros((), bool)
    for _, demand in loss.demands(model, steps, targets):
        bad |= jnp.any(demand.broken)
    return bad


def check_targets(loss: Any, model: AbstractModel, steps: int, targets: Any, what: str = "") -> None:
    """Raises ValueError with the example and the value, where values are concrete. `what`: which targets."""
    if not is_concrete(targets):
        return
    values = jax.tree.map(np.asarray, targets)
    for kind, demand in loss.demands(model, steps, values):
        broken = np.asarray(demand.broken)
        if broken.any():
            at = tuple(int(i) for i in np.argwhere(broken)[0])
            given = np.asarray(values[at])
            raise ValueError(
                f"{kind} got the{what} target {np.array2string(given, precision=4)} of example {at[0]}, expected "
                f"{demand.expected}."
            )


def _np(x: Any) -> Any:
    return np if isinstance(x, np.ndarray | np.generic) else jnp
