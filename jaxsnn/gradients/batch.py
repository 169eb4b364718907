"""The batch of examples given to an estimator, and its checks."""

from __future__ import annotations

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from .._random import as_key
from ..models import AbstractModel
from ..simulation.drives.base import AbstractDrive
from .losses.base import AbstractLoss


class Batch(eqx.Module):
    """A batch: a drive, some of whose leaves have a leading axis of examples, and the targets."""

    own: Any  # the drive's leaves that differ between examples, (examples, ...); None elsewhere
    shared: Any  # the drive's other leaves
    targets: Any
    keys: Array
    steps: int = eqx.field(static=True)

    @property
    def size(self) -> int:
        return self.keys.shape[0]

    @property
    def drive(self) -> AbstractDrive:
        """The drive with all examples."""
        return eqx.combine(self.own, self.shared)

    def take(self, rows: Array) -> Batch:
        """Some of the examples."""
        own, targets, keys = jax.tree.map(lambda x: x[rows], (self.own, self.targets, self.keys))
        return Batch(own, self.shared, targets, keys, self.steps)

    def slice(self, first: Array, size: int) -> Batch:
        """`size` examples, starting with the `first`."""
        some = lambda x: lax.dynamic_slice_in_dim(x, first, size)
        own, targets, keys = jax.tree.map(some, (self.own, self.targets, self.keys))
        return Batch(own, self.shared, targets, keys, self.steps)

    def keyed(self, key: Array) -> Batch:
        """The same examples with new keys, each a function of `key` and the example's index alone."""
        return Batch(self.own, self.shared, self.targets, _keys(key, self.size), self.steps)

    def each(self, function: Any) -> Any:
        """`function(drive, target, key)`, mapped over the examples."""
        one = lambda own, target, key: function(eqx.combine(own, self.shared), target, key)
        return jax.vmap(one)(self.own, self.targets, self.keys)


def examples(inputs: AbstractDrive, targets: Any, steps: int | None, key: Any) -> Batch:
    """The examples in `inputs` and `targets`, which must agree in number."""
    if not isinstance(inputs, AbstractDrive):
        raise ValueError(
            f"Got inputs of type {type(inputs).__name__}, expected a drive with an axis of examples, such as "
            'Replay(x, into="in") of x with shape (examples, steps, n).'
        )
    key = as_key(key)
    steps = inputs.steps if steps is None else steps
    if steps is None:
        raise ValueError(f"{type(inputs).__name__} has no length of its own; give `steps`.")
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
        raise ValueError(f"Got steps = {steps!r}, expected a positive whole number of steps.")
    targets = _as_arrays(targets)
    own, shared = eqx.partition(inputs, inputs.per_example())
    own = jax.tree.map(jnp.asarray, own)  # rows are taken with indices that are traced
    counts = {x.shape[0] for x in jax.tree.leaves(own)}
    if len(counts) != 1:
        what = f"{sorted(counts)} examples in its parts" if counts else "no axis of examples"
        raise ValueError(
            f"Got inputs with {what}, expected the same number in all parts, e.g. Replay of a raster of "
            "shape (examples, steps, n)."
        )
    (size,) = counts
    if size == 0:
        raise ValueError("Got inputs with 0 examples, expected at least one.")
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


def check_given(net: Any, loss: Any) -> None:
    """Raises ValueError for a network or loss of the wrong type, before anything runs."""
    if not isinstance(net, AbstractModel):
        raise ValueError(f"Got a network of type {type(net).__name__}, expected a network(...).")
    if not isinstance(loss, AbstractLoss):
        raise ValueError(
            f"Got a loss of type {type(loss).__name__}, expected one such as CrossEntropy(Count('out')); a function "
            "becomes one by subclassing AbstractLoss or AbstractSummedLoss."
        )


def _as_arrays(targets: Any) -> Any:
    """Numbers in a list, and NumPy arrays, as arrays."""
    if isinstance(targets, list | tuple) and targets and all(isinstance(x, int | float | np.number) for x in targets):
        targets = np.asarray(targets)
    if isinstance(targets, str | bytes) or any(isinstance(x, str | bytes) for x in jax.tree.leaves(targets)):
        raise ValueError("Got targets that are text, expected numbers, such as class labels from 0 on.")
    return jax.tree.map(lambda x: jnp.asarray(x) if isinstance(x, np.ndarray | np.generic) else x, targets)


@partial(jax.jit, static_argnums=1)
def _keys(key: Array, size: int) -> Array:
    """A key for each example, a function of `key` and the example's index alone."""
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(size, dtype=jnp.uint32))
