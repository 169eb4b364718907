"""Losses that compare every step with a target and are summed along the run."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ... import _sums
from ..._time import steps as steps_of
from ..._tree import get
from ..._types import Param, canonical_float, param
from ...models import AbstractModel
from ...simulation.probes.base import size_of
from ...simulation.probes.traces import Last
from ..targets import Demand, finite, labels
from .base import AbstractLoss, AbstractSummedLoss


class TraceError(AbstractSummedLoss):
    """`mean_{t,j} (x_j(t) - x*_j(t))^2` of a state variable. Target: shape `(steps, n)`; row `t`: after step `t`.

    **Arguments:** `path`: e.g. `"out.v"`.
    """

    path: str = eqx.field(static=True)

    def demands(self, model, steps, targets):
        yield "TraceError", finite(targets)

    def init(self, model, steps, target):
        _over_time(self, target, steps, _size(model, self.path))
        return super().init(model, steps, target)

    def at(self, target, t):
        return target[t], 1.0 / target.shape[0]

    def now(self, signals, target_t, t):
        (row, weight), x = target_t, get(signals.state, self.path)
        return weight * jnp.mean(jnp.square(x - row.astype(x.dtype)))


class StepCrossEntropy(AbstractSummedLoss):
    """`sum_t -log softmax(x(t))_label` of a state variable: the class is read out in every step from `start` on.

    The target of an example is a label, an integer of shape `()`.

    **Arguments:** `path`: e.g. `"out.v"`. `start`: ms from the start of the run, static.

    **Reference:** Bellec et al., Nature Communications 11:3625 (2020).
    """

    path: str = eqx.field(static=True)
    start: float = eqx.field(default=0.0, static=True)
    first_step: int = eqx.field(default=0, static=True, kw_only=True)  # the step of `start`, set by `prepare`

    def demands(self, model, steps, targets):
        if jnp.issubdtype(targets.dtype, jnp.integer):
            yield "StepCrossEntropy", labels(targets, _size(model, self.path))

    def prepare(self, model, steps):
        first = int(steps_of(self.start, model.dt, name="StepCrossEntropy.start"))
        if not 0 <= first < steps:
            raise ValueError(
                f"StepCrossEntropy.start is {self.start} ms, expected a time within the run, from 0 to less than "
                f"{steps * model.dt:g} ms."
            )
        return dataclasses.replace(self, first_step=first)

    def init(self, model, steps, target):
        _size(model, self.path)
        if not (hasattr(target, "shape") and target.shape == () and jnp.issubdtype(target.dtype, jnp.integer)):
            raise ValueError(f"StepCrossEntropy got {_shape(target)} per example, expected an integer label, shape ().")
        return super().init(model, steps, target)

    def at(self, target, t):
        return target

    def now(self, signals, target_t, t):
        loss = -jax.nn.log_softmax(get(signals.state, self.path))[target_t]
        return jnp.where(t >= self.first_step, loss, 0.0)


class VanRossum(AbstractLoss):
    """`mean_j D_j^2`, the van Rossum distance of spike trains: `D^2 = 1/tau int_0^inf (f - f*)^2 dt`, each spike a
    jump of 1 that decays with `tau`. One spike more or less is 1/2. Target: spikes, shape `(steps, n)`.

    Exact for spikes on the grid, including the decay after the run.

    **Arguments:** `population`. `tau`: ms. **Reference:** van Rossum, Neural Computation 13:751 (2001).
    """

    population: str = eqx.field(static=True)
    tau: Param = param(10.0, unit="ms", gt=0.0)

    def demands(self, model, steps, targets):
        demand = finite(targets)
        yield "VanRossum", Demand(demand.broken | (targets < 0), "spikes: finite numbers, none negative")

    def init(self, model, steps, target):
        n = size_of(model, self.population)
        _over_time(self, target, steps, n)
        rate = model.dt / self.tau
        return jnp.exp(-rate), jnp.zeros(n, canonical_float()), _sums.nothing((), canonical_float())

    def at(self, target, t):
        return target[t]

    def step(self, carry, signals, target_t, t):
        decay, between, total = carry
        spikes = signals.spikes[self.population]
        between = decay * between + spikes - target_t.astype(spikes.dtype)
        return decay, between, _sums.plus(total, 0.5 * (1.0 - jnp.square(decay)) * jnp.mean(jnp.square(between)))

    def finish(self, carry, target, model):
        decay, between, total = carry
        return _sums.value(total) + 0.5 * jnp.mean(jnp.square(decay * between))


def _size(model: AbstractModel, path: str) -> int:
    return Last(path).init(model, 1, jnp.int32(0)).shape[0]


def _over_time(loss: AbstractLoss, target: Any, steps: int, n: int) -> None:
    """One error for a target that is not (steps, n), with a hint where it is the transpose."""
    if getattr(target, "shape", None) != (steps, n):
        hint = "; are time and neurons swapped?" if getattr(target, "shape", None) == (n, steps) else "."
        raise ValueError(f"{type(loss).__name__} got {_shape(target)} per example, expected shape ({steps}, {n}){hint}")


def _shape(target: Any) -> str:
    return f"a target of shape {target.shape}" if hasattr(target, "shape") else f"a target {target!r}"
