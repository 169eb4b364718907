"""Topologies among selected neurons: the graph is built between these and then renumbered in their populations."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from .._select import Selection
from .._types import is_concrete, on_device
from .asking import AbstractDrawn, Drawing, Key
from .spatial import Spatial
from .topology import AbstractTopology, Edges


class End(NamedTuple):
    """One end of a connection: a population of `n` neurons, their `positions` if any, and the selected `neurons`, in
    order.

    `neurons`: None for all of them, in the order of their indices.
    """

    name: str
    n: int
    neurons: Int32[np.ndarray, " chosen"] | None = None
    positions: Array | None = None

    def choose(self, selection: Selection | None, what: str) -> End:
        """This end, restricted to some neurons. `what` names the argument in errors, which are those of `indices`."""
        if selection is None:
            return self._replace(neurons=None)
        neurons = selection.indices(self.n, what)
        return self._replace(neurons=None if np.array_equal(neurons, self.all) else neurons)

    @property
    def all(self) -> Int32[np.ndarray, " n"]:
        return np.arange(self.n, dtype=np.int32)

    @property
    def size(self) -> int:
        return self.n if self.neurons is None else len(self.neurons)

    @property
    def at(self) -> Array | None:
        """Positions of the selected neurons."""
        if self.positions is None or self.neurons is None:
            return self.positions
        known = is_concrete(self.positions)
        return on_device(np.asarray(self.positions)[self.neurons]) if known else self.positions[self.neurons]

    def numbered(self, index: Any) -> Any:
        """Indices in the population of indices among the selected neurons; padding becomes `n`."""
        if self.neurons is None:
            return index
        table = np.append(self.neurons, np.int32(self.n))
        return table[index] if isinstance(index, np.ndarray) else jnp.asarray(table)[index]


class Among(AbstractDrawn):
    """The edges of `topology` among the selected neurons of both ends; sizes, degrees and indices refer to the
    selections.

    **Raises:** ValueError for `autapses=False` where both selections share neurons of one population at different
    places, if the topology cannot exclude single pairs without changing its draw.
    """

    topology: AbstractTopology
    pre: End
    post: End
    skip: bool = eqx.field(
        static=True
    )  # autapses are removed here: the topology only sees indices among the selected neurons

    def __init__(self, topology: AbstractTopology, pre: End, post: End):
        if isinstance(topology, Spatial):
            topology = topology.placed(pre.at, post.at)
        self.topology, self.pre, self.post = topology, pre, post
        shared = 0 if self.whole or self.loop or pre.name != post.name else len(np.intersect1d(*self._chosen))
        self.skip = bool(shared) and topology.skips_self
        if self.skip and not topology.pairwise:
            raise ValueError(
                f"{type(topology).__name__}(autapses=False) is between neurons of one population of which {shared} are "
                "on both sides at different places; choose the same neurons on both sides, or no common one, or take "
                "a topology that decides every pair by itself, such as FixedProb(..., autapses=False)"
            )

    @property
    def _chosen(self) -> tuple[np.ndarray, np.ndarray]:
        pre, post = (end.all if end.neurons is None else end.neurons for end in (self.pre, self.post))
        return pre, post

    @property
    def whole(self) -> bool:
        """Whether all neurons are selected."""
        return self.pre.neurons is None and self.post.neurons is None

    @property
    def loop(self) -> bool:
        """Whether both ends select the same neurons in the same order."""
        return self.pre.name == self.post.name and np.array_equal(*self._chosen)

    def local(self, key: Key) -> Drawing:
        """The edges in indices among the selected neurons, padded so that every draw has the same shape."""
        n_pre, n_post = self.pre.size, self.post.size
        edges = yield from self.topology.drawing(key, n_pre, n_post, loop=self.loop)
        edges = self._without_self(edges) if self.skip else edges
        return edges.padded(self.topology.places(n_pre, n_post, edges.pre.size))

    def _without_self(self, edges: Edges) -> Edges:
        xp, pre, post = _known(edges)
        own = (self.pre.numbered(pre) == self.post.numbered(post)) & (pre < edges.n_pre)
        if xp is np:
            pre, post = (on_device(x[~own]) for x in (pre, post))
        else:  # to the end, where padding is
            order = jnp.argsort(jnp.where(own, edges.n_pre, pre), stable=True)
            pre, post = (jnp.where(own, n, x)[order] for n, x in ((edges.n_pre, pre), (edges.n_post, post)))
        return Edges(pre, post, edges.overflow, edges.n_pre, edges.n_post)

    def numbered(self, local: Edges) -> tuple[Edges, Int32[Any, " E"] | None]:
        """The edges in indices of the populations, and for each its place in `local`; None where the order is the same.

        A selection may be in any order, while edges are sorted by the index of the presynaptic neuron.
        """
        if self.whole:
            return local, None
        xp, pre, post = _known(local)
        pre, post, order = self.pre.numbered(pre), self.post.numbered(post), None
        if self.pre.neurons is not None and np.any(np.diff(self.pre.neurons) < 0):
            order = np.argsort(pre, kind="stable") if xp is np else jnp.argsort(pre, stable=True)
            pre, post = pre[order], post[order]
        pre, post = (on_device(x) if xp is np else x for x in (pre, post))
        return Edges(pre, post, local.overflow, self.pre.n, self.post.n), order

    def matrix(self, given: Array) -> Array:
        """A matrix over the selected neurons as one over the populations, 0 elsewhere."""
        at = tuple(np.ix_(*self._chosen))
        if not is_concrete(given):
            return jnp.zeros((self.pre.n, self.post.n), given.dtype).at[at].set(given)
        out = np.zeros((self.pre.n, self.post.n), given.dtype)
        out[at] = np.asarray(given)
        return on_device(out)

    def drawing(self, key: Key, n_pre: int, n_post: int, *, loop: bool) -> Drawing:
        return self.numbered((yield from self.local(key)))[0]

    def fan_out(self, n_pre: int, n_post: int) -> int:
        return self.topology.fan_out(self.pre.size, self.post.size)


def _known(edges: Edges) -> tuple[Any, Any, Any]:
    """NumPy and NumPy arrays where both sides are concrete, so that nothing is compiled."""
    if is_concrete(edges):
        return np, np.asarray(edges.pre), np.asarray(edges.post)
    return jnp, edges.pre, edges.post
