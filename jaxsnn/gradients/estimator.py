"""How to differentiate: one call for every estimator, with gradients in the shape of the network."""

from __future__ import annotations

import abc
from functools import partial
from typing import Any, Self, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, UInt32

from .._random import as_key
from .._reports import reported
from .._status import raise_if
from .._time import on_grid
from .._tree import select
from .._types import is_concrete
from ..dynamics import AbstractDynamics
from ..simulate.drive import AbstractDrive
from .loss import AbstractLoss
from .parallel import division, estimate_in_parts

M = TypeVar("M", bound=AbstractDynamics)


class Batch(eqx.Module):
    """Examples to go through: the drive, of which some leaves have an axis of examples in front, and the targets."""

    own: Any  # a drive: leaves that differ between examples, (examples, ...); None elsewhere
    shared: Any  # the drive's others
    targets: Any
    keys: Array
    steps: int = eqx.field(static=True)

    @property
    def size(self) -> int:
        return self.keys.shape[0]

    def take(self, rows: Array) -> Batch:
        """Some of the examples."""
        own, targets, keys = jax.tree.map(lambda x: x[rows], (self.own, self.targets, self.keys))
        return Batch(own, self.shared, targets, keys, self.steps)

    def slice(self, first: Array, size: int) -> Batch:
        """`size` examples from the `first` on."""
        some = lambda x: lax.dynamic_slice_in_dim(x, first, size)
        own, targets, keys = jax.tree.map(some, (self.own, self.targets, self.keys))
        return Batch(own, self.shared, targets, keys, self.steps)

    def keyed(self, key: Array) -> Batch:
        """The same examples with other keys: an example's depends on `key` and its place, not on its company."""
        return Batch(self.own, self.shared, self.targets, _keys(key, self.size), self.steps)

    def each(self, function: Any) -> Any:
        """`function(drive, target, key)` of every example, batched."""
        one = lambda own, target, key: function(eqx.combine(own, self.shared), target, key)
        return jax.vmap(one)(self.own, self.targets, self.keys)


class AbstractEstimator(eqx.Module):
    """An estimator of the gradient of a loss, averaged over a batch of examples.

    Networks, drives and losses are written for one example; an estimator maps over the axis in front of `(examples,
    steps, n)`. What optimisers see does not depend on the estimator: a network in which every number that is not
    learnt is None.
    """

    wrt: eqx.AbstractVar[str | tuple[str, ...]]  # globs of dotted paths: what is learnt

    def parameters(self, net: M) -> M:
        """What is learnt of `net`: the network with None everywhere else, as `optax` wants it for its `init`."""
        return eqx.filter(net, select(net, self.wrt))

    def value_and_grad(
        self,
        loss: AbstractLoss,
        net: M,
        inputs: AbstractDrive,
        targets: Any,
        *,
        steps: int | None = None,
        key: Array,
    ) -> tuple[Float[Array, ""], M]:
        """The loss, averaged over examples, and its gradient.

        **Arguments:**

        - `inputs`: a drive with an axis of examples, e.g. `Replay(x, into="in")` with `x` of shape `(examples, steps,
          n)`, or `Poisson(rate)` with `(examples, n)`.
        - `targets`: arrays with an axis of examples in front; None for a loss without a target.
        - `steps`: how long to run, static; by default as long as `inputs` lasts. `key`: every example gets its own.

        **Returns:** the value, and a network whose leaves are gradients, None where `wrt` does not match.
        **Raises:** ValueError where targets and inputs do not fit; SimulationError if a run's status is not clean.
        """
        loss, inputs = on_grid((loss, inputs), net.dt)
        batch = examples(inputs, targets, steps, key)
        how = division(sum(net.sizes.values()), batch.size, batch.steps, (self, loss, net, batch))
        found = _estimate(self, loss, net, batch) if how is None else estimate_in_parts(self, loss, net, batch, how)
        value, gradient, status = found
        if is_concrete(status):
            raise_if(status)
            return value, gradient
        return reported(status, (value, gradient))

    def of(self, loss: AbstractLoss, net: M, batch: Batch) -> tuple[Float[Array, ""], M, UInt32[Array, "..."]]:
        """Value, gradient and status of a batch, given the whole network."""
        learnt, fixed = eqx.partition(net, select(net, self.wrt))
        return self.estimate(loss, learnt, fixed, batch)

    def among(self, n: int) -> Self:
        """The same, where `n` run at the same time and share the memory there is."""
        return self

    @abc.abstractmethod
    def estimate(
        self, loss: AbstractLoss, learnt: M, fixed: M, batch: Batch
    ) -> tuple[Float[Array, ""], M, UInt32[Array, "..."]]:
        """Value, gradient and status, given the network in two parts: `eqx.combine(learnt, fixed)` is the whole."""


@eqx.filter_jit
def _estimate(estimator: AbstractEstimator, loss: AbstractLoss, net: Any, batch: Batch) -> Any:
    return estimator.of(loss, net, batch)


def examples(inputs: AbstractDrive, targets: Any, steps: int | None, key: Array) -> Batch:
    """The examples in `inputs` and `targets`, which must agree in number."""
    steps, key = inputs.steps if steps is None else steps, as_key(key)
    if steps is None:
        raise ValueError(f"{type(inputs).__name__} does not say how long it lasts; give `steps`.")
    own, shared = eqx.partition(inputs, inputs.per_example())
    own = jax.tree.map(jnp.asarray, own)  # rows are taken with indices that are traced
    counts = {x.shape[0] for x in jax.tree.leaves(own)}
    if len(counts) != 1:
        what = f"{sorted(counts)} examples in its parts" if counts else "no axis of examples"
        raise ValueError(
            f"Got inputs with {what}, expected one number of them, e.g. Replay of a raster of "
            "shape (examples, steps, n)."
        )
    (size,) = counts
    for target in jax.tree.leaves(targets):
        given = target.shape[:1] if hasattr(target, "shape") else ()
        if given != (size,):
            swapped = any(x.ndim > 2 and x.shape[1:2] == given for x in jax.tree.leaves(own))
            raise ValueError(
                f"Got {size} examples of {steps} steps, and targets of shape {getattr(target, 'shape', ())}, expected "
                f"({size}, ...)"
                + ("; are time and examples swapped? Inputs are (examples, steps, n)." if swapped else ".")
            )
    return Batch(own, shared, targets, _keys(key, size), int(steps))


@partial(jax.jit, static_argnums=1)
def _keys(key: Array, size: int) -> Array:
    """A key an example: it depends on `key` and the example's place, not on its company."""
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(size, dtype=jnp.uint32))
