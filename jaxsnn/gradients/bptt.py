"""Backpropagation through time, through the surrogate derivative of every spike."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..simulation.checkpointing import AbstractCheckpoint, Chunked
from ..simulation.run import simulate
from .budget import bytes_of, within
from .estimator import AbstractEstimator
from .losses.base import Scored


class BPTT(AbstractEstimator):
    """Reverse-mode derivative of the whole run, exact for the surrogate derivatives of spikes.

    **Arguments:**

    - `wrt`: globs of dotted paths: the parameters that are learned.
    - `checkpoint`: what is stored and what is recomputed: `Chunked()` (default, memory grows with `sqrt(T)`),
      `KeepAll()`, `Recursive()`, or `Truncated(steps)`, the only one that changes the gradient.
    - `memory`: instead, a budget in bytes, or `"auto"`, half of the device's memory: the fastest exact policy within it
      is taken. It counts what is stored over time for a batch, not weights and inputs.

    **Raises:** ValueError where no policy is within the budget.

    **Reference:** Neftci, Mostafa and Zenke, IEEE Signal Processing Magazine 36:51 (2019).
    """

    wrt: str | tuple[str, ...] = eqx.field(default="*.weight", static=True)
    checkpoint: AbstractCheckpoint = eqx.field(default_factory=Chunked)
    memory: float | str | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        given = self.memory
        if not (given is None or given == "auto" or (isinstance(given, int | float) and given > 0)):
            raise ValueError(f'BPTT.memory is {given!r}, expected a positive number of bytes, "auto" or None.')

    def sharing_memory(self, n):
        if self.memory is None:
            return self
        return dataclasses.replace(self, memory=bytes_of(self.memory) / n)

    def estimate(self, loss, learnt, fixed, batch):
        def mean(learnt: Any, policy: AbstractCheckpoint, steps: int) -> Any:
            net = eqx.combine(learnt, fixed)

            def one(drive: Any, target: Any, key: Any) -> Any:
                record = Scored(loss, target)
                run = simulate(net, drive, steps=steps, key=key, record=record, checkpoint=policy, throw=False)
                return run.record, run.status

            values, statuses = batch.each(one)
            return jnp.mean(values), statuses

        def kept(policy: AbstractCheckpoint, steps: int) -> Any:
            backwards = lambda learnt: jax.vjp(lambda learnt: mean(learnt, policy, steps)[0], learnt)[1]
            return jax.eval_shape(backwards, learnt)

        policy = self.checkpoint if self.memory is None else within(self.memory, batch.steps, kept)
        of_learnt = lambda learnt: mean(learnt, policy, batch.steps)
        (value, status), gradient = jax.value_and_grad(of_learnt, has_aux=True)(learnt)
        return value, gradient, status
