"""Backpropagation through time, through the surrogate derivative of every spike."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..simulate.checkpoint import AbstractCheckpoint, Chunked
from ..simulate.run import simulate
from .estimator import AbstractEstimator
from .loss import Scored


class BPTT(AbstractEstimator):
    """The derivative of the whole run in reverse, spikes by their surrogates: exact with respect to these.

    **Arguments:**

    - `wrt`: globs of dotted paths, what is learnt.
    - `checkpoint`: what is kept and what is computed again: `Chunked()` (default, memory grows with `sqrt(T)`),
      `KeepAll()`, `Recursive()`, or `Truncated(steps)`, the only one that changes the gradient.

    **Reference:** Neftci, Mostafa and Zenke, IEEE Signal Processing Magazine 36:51 (2019).
    """

    wrt: str | tuple[str, ...] = eqx.field(default="*.weight", static=True)
    checkpoint: AbstractCheckpoint = eqx.field(default_factory=Chunked)

    def estimate(self, loss, learnt, fixed, batch):
        def mean(learnt: Any) -> Any:
            net = eqx.combine(learnt, fixed)

            def one(drive: Any, target: Any, key: Any) -> Any:
                run = simulate(
                    net, drive, steps=batch.steps, key=key, record=Scored(loss, target), checkpoint=self.checkpoint
                )
                return run.record, run.status

            values, statuses = batch.each(one)
            return jnp.mean(values), statuses

        (value, status), gradient = jax.value_and_grad(mean, has_aux=True)(learnt)
        return value, gradient, status
