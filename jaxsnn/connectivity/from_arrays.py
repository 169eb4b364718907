"""Graphs that are given as lists of edges."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Int32

from .._types import check, is_concrete, on_device
from .topology import AbstractTopology, Edges, given


def _indices(given: ArrayLike) -> Array:
    """As an array of JAX; what is no number stays what it is, for the error."""
    if isinstance(given, jax.Array):
        return given
    array = np.array(given)
    if array.dtype.kind not in "iufb":
        raise ValueError(f"FromArrays got indices of type {array.dtype}; expected a vector of integers.")
    return on_device(array)


class FromArrays(AbstractTopology):
    """The edges given, `pre` and `post` of shape (E,) each; sorted by pre, stably (`order` says how, for values given
    one per edge).

    PyNN: `FromListConnector`; Brian2: `connect(i=..., j=...)`. Indices are those of the populations, or, in a link
    between chosen neurons, of the choice: with `"E[100:200]"` index 0 is neuron 100, and with `"E[7,3]"` neuron 7.
    """

    pre: Int32[Array, " E"]
    post: Int32[Array, " E"]

    def __init__(self, pre: ArrayLike, post: ArrayLike):
        self.pre, self.post = map(_indices, (pre, post))
        for name, index in (("pre", self.pre), ("post", self.post)):
            if index.ndim != 1 or not (jnp.issubdtype(index.dtype, jnp.integer) or index.size == 0):
                raise ValueError(
                    f"FromArrays got {name} of shape {index.shape}, type {index.dtype}; expected a vector of integers."
                )
        if self.pre.size == 0:  # NumPy's empty list is one of floats
            self.pre, self.post = (x.astype(np.int32) for x in (self.pre, self.post))
        if self.pre.shape != self.post.shape:
            raise ValueError(f"FromArrays got {self.pre.size} pre and {self.post.size} post; expected equal lengths.")

    def order(self) -> Int32[Array, " E"]:
        """Edge `e` of the graph is the one given at position `order[e]`."""
        if is_concrete(self.pre):
            return on_device(np.argsort(np.asarray(self.pre), kind="stable").astype(np.int32))
        return jnp.argsort(self.pre, stable=True).astype(jnp.int32)

    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        for name, index, n in (("pre", self.pre, n_pre), ("post", self.post, n_post)):
            index = np.asarray(index) if is_concrete(index) else index
            check(
                lambda index=index, n=n: (index >= 0) & (index < n),
                f"FromArrays got {name} indices outside 0 .. {n - 1}; expected indices of the {n} {name} neurons.",
            )
        if is_concrete(self.pre, self.post):
            order = np.asarray(self.order())
            return given(n_pre, n_post, np.asarray(self.pre)[order], np.asarray(self.post)[order])
        with jax.ensure_compile_time_eval():
            order = self.order()
            pre, post = self.pre.astype(jnp.int32)[order], self.post.astype(jnp.int32)[order]
            outside = jnp.any((pre < 0) | (pre >= n_pre) | (post < 0) | (post >= n_post))
            return Edges(pre, post, outside, n_pre, n_post)

    def fan_out(self, n_pre: int, n_post: int) -> int:
        if not is_concrete(self.pre):
            return self.pre.size
        return int(np.bincount(np.asarray(self.pre), minlength=1).max())
