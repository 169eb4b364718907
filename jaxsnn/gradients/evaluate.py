"""Scores of a network on examples: losses and metrics, averaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from .._reports import reported
from .._status import raise_if
from .._time import on_grid
from .._types import is_concrete
from ..dynamics import AbstractDynamics
from ..simulate.drive import AbstractDrive
from ..simulate.run import simulate
from .estimator import Batch, examples
from .loss import AbstractLoss, Scored


def evaluate(
    scores: Mapping[str, AbstractLoss],
    net: AbstractDynamics,
    inputs: AbstractDrive,
    targets: Any,
    *,
    steps: int | None = None,
    key: Array,
) -> dict[str, Float[Array, ""]]:
    """Losses and metrics by name, averaged over examples; nothing is differentiated, and no `Dropout` drops anything.

    **Arguments:** as of `AbstractEstimator.value_and_grad`, with several losses or metrics (`Accuracy`) by name.
    """
    scores, inputs = on_grid((dict(scores), inputs), net.dt)
    values, status = _evaluate(scores, net, examples(inputs, targets, steps, key))
    if is_concrete(status):
        raise_if(status)
        return values
    return reported(status, values)


def scored(scores: Mapping[str, AbstractLoss], net: AbstractDynamics, batch: Batch) -> tuple[Any, UInt32[Array, "b"]]:
    """The scores of every example, and its run's status. Modules are in inference mode."""
    net = eqx.nn.inference_mode(net)

    def one(drive: Any, target: Any, key: Any) -> Any:
        record = {name: Scored(score, target) for name, score in scores.items()}
        run = simulate(net, drive, steps=batch.steps, key=key, record=record, throw=False)
        return run.record, run.status

    return batch.each(one)


@eqx.filter_jit
def _evaluate(scores: dict[str, AbstractLoss], net: Any, batch: Batch) -> Any:
    values, status = scored(scores, net, batch)
    return {name: jnp.mean(value) for name, value in values.items()}, status
