"""Scores of a network on examples: losses and metrics, averaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from .._reports import reported
from .._status import Status, bit, raise_if
from .._time import on_grid
from .._types import is_concrete
from ..models import AbstractModel
from ..simulation.drives.base import AbstractDrive
from ..simulation.run import simulate
from .batch import Batch, check_given, examples
from .losses.base import AbstractLoss, Scored
from .targets import check_targets, outside


def evaluate(
    scores: Mapping[str, AbstractLoss],
    net: AbstractModel,
    inputs: AbstractDrive,
    targets: Any,
    *,
    steps: int | None = None,
    key: Array,
) -> dict[str, Float[Array, ""]]:
    """Losses and metrics by name, averaged over examples, without differentiation and with `Dropout` off.

    **Arguments:** `scores`: losses or metrics (`Accuracy`) by name. `net`, `inputs`, `targets`, `steps`, `key`: as of
    `AbstractEstimator.value_and_grad`.
    """
    if not isinstance(scores, Mapping):
        raise ValueError(f"Got scores of type {type(scores).__name__}, expected losses by name, {{'loss': ...}}.")
    for score in scores.values():
        check_given(net, score)
    scores, inputs = on_grid((dict(scores), inputs), net.dt)
    batch = examples(inputs, targets, steps, key)
    values, status = _evaluate(scores, net, batch)
    if is_concrete(status):
        if np.any(np.asarray(status) & Status.TARGET_RANGE):
            for score in scores.values():
                check_targets(score, net, batch.steps, batch.targets)
        raise_if(status)
        return values
    return reported(status, values)


def scored(scores: Mapping[str, AbstractLoss], net: AbstractModel, batch: Batch) -> tuple[Any, UInt32[Array, "b"]]:
    """The scores of every example, and the status of its run. Modules are in inference mode.

    Scores with invalid targets are NaN, and set a bit of the status.
    """
    net = eqx.nn.inference_mode(net)
    misplaced = {name: outside(score, net, batch.steps, batch.targets) for name, score in scores.items()}
    scores = {name: score.prepare(net, batch.steps) for name, score in scores.items()}

    def one(drive: Any, target: Any, key: Any) -> Any:
        record = {name: Scored(score, target) for name, score in scores.items()}
        run = simulate(net, drive, steps=batch.steps, key=key, record=record, throw=False)
        return run.record, run.status

    values, status = batch.each(one)
    values = {name: jnp.where(misplaced[name], jnp.nan, value) for name, value in values.items()}
    return values, status | bit(Status.TARGET_RANGE, jnp.stack([*misplaced.values()]) if misplaced else False)


@eqx.filter_jit
def _evaluate(scores: dict[str, AbstractLoss], net: Any, batch: Batch) -> Any:
    values, status = scored(scores, net, batch)
    return {name: jnp.mean(value) for name, value in values.items()}, status
