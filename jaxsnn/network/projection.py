"""A link says how two populations are to be connected; a projection is the connection that was made from it."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .. import _random
from .._types import check, is_concrete, steps
from ..connect.graph import AbstractConnectivity, AbstractGraph, DenseGraph, Sparse
from ..connect.release import AbstractRelease
from ..connect.topology import AbstractTopology, FromArrays
from ..distributions import AbstractDistribution, draw


class Link(eqx.Module):
    """How one population is connected to a port of another.

    **Arguments:**

    - `pre`, `post`: names; `"E.exc"` names the port where the receiving population has several.
    - `topology`: who connects, e.g. `FixedInDegree(100)`. `via`: how it is held, `Sparse()` or `Dense()`.
    - `weight`: a number, an array (one number an edge; `(n_pre, n_post)` for `AllToAll`), a distribution, or a function
      of `(key, shape)`. Unit: the port's.
    - `delay`: likewise, ms; None for a same-step edge, on which a population sees another's spikes of the same step.
    - `max_delay`: ms, static; needed only where the largest delay is not known when the network is built.
    - `release`: what a spike sends, e.g. `TsodyksMarkram(...)`; None for every spike alike.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    topology: AbstractTopology
    via: AbstractConnectivity = eqx.field(default_factory=Sparse, kw_only=True)
    weight: Any = eqx.field(default=1.0, kw_only=True)
    delay: Any = eqx.field(default=None, kw_only=True)
    max_delay: float | None = eqx.field(default=None, static=True, kw_only=True)
    release: AbstractRelease | None = eqx.field(default=None, kw_only=True)

    def __check_init__(self):
        if not isinstance(self.topology, AbstractTopology):
            raise ValueError(f"Link.topology is {self.topology!r}, expected a topology such as FixedProb(0.1).")
        if not isinstance(self.via, AbstractConnectivity):
            raise ValueError(f"Link.via is {self.via!r}, expected Sparse() or Dense().")
        if not isinstance(self.release, AbstractRelease | None):
            raise ValueError(f"Link.release is {self.release!r}, expected None or a release such as TsodyksMarkram().")


class Projection(eqx.Module):
    """The synapses from one population to one port of another.

    `weight`: shape `()` or one a synapse. `delay`: whole steps, likewise; None on a same-step edge. `release`: None
    where a spike sends itself.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    port: str = eqx.field(static=True)
    graph: AbstractGraph
    weight: Float[Array, "..."]
    delay: Int[Array, "..."] | None
    max_delay: int = eqx.field(static=True)  # steps
    overflow: Bool[Array, ""]  # a random count of edges had no room
    late: Bool[Array, ""]  # a delay was out of range
    release: AbstractRelease | None = None

    def __check_init__(self):
        for name, value in (("weight", self.weight), ("delay", self.delay)):
            if value is not None and value.shape not in ((), self.graph.shape):
                raise ValueError(f"Got {name} of shape {value.shape}; expected () or {self.graph.shape}, as synapses.")
        delay = self.delay
        if delay is not None:
            check(
                lambda: delay <= self.max_delay,
                f"Got a delay of {self.delay} steps; expected at most {self.max_delay}: build with a larger max_delay.",
            )
        for leaf in jax.tree.leaves(self.release):
            if leaf.shape not in ((), (self.graph.n_pre,)):
                raise ValueError(
                    f"A parameter of {type(self.release).__name__} has shape {leaf.shape}; expected () or "
                    f"({self.graph.n_pre},), one number a sending neuron."
                )


def build(
    name: str, link: Link, key: Array, *, n_pre: int, n_post: int, port: str, dt: float, shortest: int
) -> Projection:
    """The projection that `link` describes. Works on concrete values and on traced ones, with the same edges."""
    post = link.post.partition(".")[0]
    try:
        edges = link.topology.build(_key(key, "edges"), n_pre, n_post, loop=link.pre == post)
        graph = link.via.lay(edges, link.topology)
        count = edges.pre.shape

        def laid(value: Any, part: str) -> Array:
            if eqx.is_array(value) and value.ndim == 2 and graph.shape == value.shape:
                return value  # a matrix, given as a matrix
            if isinstance(value, (np.ndarray, jax.Array)) and value.shape == (n_pre, n_post) and count == (value.size,):
                value = value.reshape(-1)
            drawn = draw(value, _key(key, part), count, name=part)
            if drawn.ndim and isinstance(link.topology, FromArrays) and given(value):
                drawn = drawn[link.topology.order()]  # given in the order of the user's edges
            return drawn if drawn.ndim == 0 else graph.arrange(drawn, edges)

        weight = laid(link.weight, "weight")
        if link.delay is None:
            delay, longest, late = None, 0, jnp.zeros((), bool)
        else:
            exact = given(link.delay)
            wanted = steps(link.delay if exact else laid(link.delay, "delay"), dt, exact=exact, name="delay")
            longest = _longest(link, wanted, dt)  # before they are laid, which inside jit is traced
            wanted = wanted if not exact or wanted.ndim == 0 else laid(wanted, "delay").astype(jnp.int32)
            late = (wanted < shortest) | (wanted > longest)
            several = graph.count if isinstance(graph, DenseGraph) and wanted.ndim else None
            if several is not None:
                check(
                    lambda: several <= 1,
                    "some pairs have several synapses, and a matrix has room for one delay a pair; use via=Sparse()",
                )
                late = (late & (several > 0)) | (several > 1)
            late = jnp.any(late)
            check(
                lambda: ~late,
                f"delay is {link.delay} ms, which leaves {shortest * dt:g} .. {longest * dt:g} ms: "
                f"the shortest is {shortest} step(s) of dt = {dt:g} ms; raise the delay, or give a larger max_delay",
            )
            delay = jnp.clip(wanted, shortest, longest)
        return Projection(link.pre, post, port, graph, weight, delay, longest, edges.overflow, late, link.release)
    except ValueError as error:
        raise ValueError(f"Projection {name!r} ({link.pre} to {link.post}): {error}") from None


def given(value: Any) -> bool:
    """Whether numbers were given rather than to be drawn."""
    return not isinstance(value, AbstractDistribution) and not callable(value)


def _key(key: Array, part: str) -> Array:
    return _random.named_key(key, part)


def _longest(link: Link, wanted: Int[Array, "..."], dt: float) -> int:
    """The largest delay, in steps, that there must be room for: static, so that shapes do not depend on a draw."""
    if link.max_delay is not None:
        return int(steps(link.max_delay, dt, exact=False))
    bounds = link.delay.bounds() if isinstance(link.delay, AbstractDistribution) else None
    if bounds is not None and np.isfinite(bounds[1]):
        return int(np.ceil(bounds[1] / dt - 1e-3))
    if not is_concrete(wanted):
        raise ValueError("the largest delay is not known while tracing; give Link(max_delay=...) in ms")
    return int(np.max(np.asarray(wanted), initial=0))
