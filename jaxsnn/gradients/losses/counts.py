"""Losses of a probe's record at the end of a run: classification, regression, bounds on rates."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike

from ..._types import Param, as_number, check, param
from ...simulation.probes.base import AbstractProbe
from ...simulation.probes.counts import FiringRate
from ..targets import finite, labels, probabilities
from .base import AbstractReadout


class CrossEntropy(AbstractReadout):
    """`-sum_k q_k log softmax(x)_k`, the logits `x` being a probe's record: counts, summed or maximal membranes.

    snnTorch: `ce_count_loss`, `ce_max_membrane_loss`.

    The target of an example is a label, an integer of shape `()`, or probabilities of shape `(classes,)`.

    **Arguments:** `probe`: e.g. `Count("out")`, `Sum("out.v")`, `Max("out.v")`. `smoothing`: the part of `q` that is
    spread evenly over all classes, from 0 to 1. `scale`: a factor of the logits.

    **Raises:** ValueError for a label that is not a class, and for numbers that are not probabilities.
    """

    probe: AbstractProbe
    smoothing: Param = param(0.0, unit="1", ge=0.0)
    scale: Param = param(1.0, unit="1 / unit of the probe")

    def __check_init__(self):
        check(
            lambda: self.smoothing <= 1.0,
            f"CrossEntropy.smoothing is {self.smoothing}; expected at most 1, as a part of the probabilities.",
        )

    def demands(self, model, steps, targets):
        n = self.size(model, steps)
        if jnp.issubdtype(targets.dtype, jnp.integer):
            yield "CrossEntropy", labels(targets, n)
        elif targets.ndim == 2:
            yield "CrossEntropy", probabilities(targets, n)

    def expects(self, n, target):
        if hasattr(target, "shape"):
            integer, real = (jnp.issubdtype(target.dtype, kind) for kind in (jnp.integer, jnp.floating))
            if (integer and target.shape == ()) or (real and target.shape == (n,)):
                return None
        return f"an integer label, shape (), or probabilities of shape ({n},)"

    def of(self, found, target):
        n = found.shape[0]
        q = jax.nn.one_hot(target, n, dtype=found.dtype) if target.ndim == 0 else target.astype(found.dtype)
        q = (1.0 - self.smoothing) * q + self.smoothing / n
        return -jnp.sum(q * jax.nn.log_softmax(self.scale * found))


class Accuracy(AbstractReadout):
    """1 where the record of `probe` is largest at the example's label, else 0: a metric, without a gradient."""

    probe: AbstractProbe

    def demands(self, model, steps, targets):
        if jnp.issubdtype(targets.dtype, jnp.integer):
            yield "Accuracy", labels(targets, self.size(model, steps))

    def expects(self, n, target):
        right = hasattr(target, "shape") and jnp.issubdtype(target.dtype, jnp.integer) and target.shape == ()
        return None if right else "an integer label, shape ()"

    def of(self, found, target):
        return (jnp.argmax(found) == target).astype(found.dtype)


class MeanSquaredError(AbstractReadout):
    """`mean_j (x_j - x*_j)^2` of a probe's record: rates, counts, first spikes, a membrane. Target: shape `(n,)`.

    **Arguments:** `probe`: e.g. `FiringRate("out")`, `FirstSpike("out")`, `Last("out.v")`.
    """

    probe: AbstractProbe

    def demands(self, model, steps, targets):
        yield "MeanSquaredError", finite(targets)

    def expects(self, n, target):
        real = hasattr(target, "shape") and jnp.issubdtype(target.dtype, jnp.floating) and target.shape == (n,)
        return None if real else f"real numbers, shape ({n},)"

    def of(self, found, target):
        return jnp.mean(jnp.square(found - target.astype(found.dtype)))


class LowerRate(AbstractReadout):
    """`mean_j max(0, bound - rate_j)^2`: a penalty for neurons that fire less than `bound`. Takes no target.

    **Arguments:** `population`. `bound`: Hz. **Reference:** Zenke and Vogels, Neural Computation 33:899 (2021).
    """

    probe: AbstractProbe
    bound: Param = param(1.0, unit="Hz", ge=0.0)

    def __init__(self, population: str, bound: ArrayLike = 1.0):
        self.probe, self.bound = FiringRate(population), as_number(bound)

    def of(self, found, target):
        return jnp.mean(jnp.square(jnp.maximum(0.0, self.bound - found)))


class UpperRate(AbstractReadout):
    """`mean_j max(0, rate_j - bound)^2`: a penalty for neurons that fire more than `bound`. Takes no target.

    **Arguments:** `population`. `bound`: Hz. **Reference:** Zenke and Vogels, Neural Computation 33:899 (2021).
    """

    probe: AbstractProbe
    bound: Param = param(100.0, unit="Hz", ge=0.0)

    def __init__(self, population: str, bound: ArrayLike = 100.0):
        self.probe, self.bound = FiringRate(population), as_number(bound)

    def of(self, found, target):
        return jnp.mean(jnp.square(jnp.maximum(0.0, found - self.bound)))
