"""Feedback: the weights by which errors at a readout reach the neurons before it."""

from __future__ import annotations

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._random import named_key
from .._types import Checked, Param, canonical_float, param
from ..networks.model import Network
from .edges import Edges
from .eprop_support import readouts, spiking

__all__ = ["AbstractFeedback", "AdaptiveFeedback", "RandomFeedback", "SymmetricFeedback"]


class Route(eqx.Module):
    """A route from a spiking population to a port of a readout. `name`: the projection, or both ends if there is
    none.
    """

    name: str = eqx.field(static=True)
    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    port: str = eqx.field(static=True)


class AbstractFeedback(Checked):
    """The source of learning signals, `L_j = sum_k B_jk (dl/dy_k)`: a choice of `B`."""

    @abc.abstractmethod
    def routes(self, linked: tuple[Route, ...], pairs: tuple[Route, ...]) -> tuple[Route, ...]:
        """The routes of errors, out of those with a projection and all pairs of population and readout."""

    @abc.abstractmethod
    def back(self, route: Route, edges: Edges | None, error: Float[Array, " post"]) -> Float[Array, " pre"]:
        """The learning signal. `edges`: of the route's projection, None if there is none."""

    def follow(self, before: Network, after: Network) -> AbstractFeedback:
        """The feedback after an update of the network; only `AdaptiveFeedback` changes."""
        return self


class SymmetricFeedback(AbstractFeedback):
    """The transposed readout weights, `B = W_out^T`: e-prop is then the gradient without the paths through other
    spikes.

    A population without a same-step projection to a readout receives no error from it.
    """

    def routes(self, linked, pairs):
        return linked

    def back(self, route, edges, error):
        assert edges is not None
        return edges.backwards(error)


class RandomFeedback(AbstractFeedback):
    """Fixed random weights from every readout to every spiking population, `B ~ N(0, scale)`; drawn by `start`.

    **Reference:** Lillicrap et al., Nature Communications 7:13276 (2016); Bellec et al. (2020).
    """

    weights: dict[str, Array]

    @classmethod
    def start(cls, net: Network, *, scale: float = 1.0, key: Array) -> RandomFeedback:
        """Draws the weights for a network; those of a route depend on its name and `key` alone."""
        return cls(_drawn(net, scale, key))

    def routes(self, linked, pairs):
        return _with_weights(self, pairs)

    def back(self, route, edges, error):
        return self.weights[_place(route)] @ error


class AdaptiveFeedback(AbstractFeedback):
    """Weights that start random and receive the readout's updates, so that both align; drawn by `start`.

    After every update of the network `follow` adds the same change to `B`; with the same decay of both,
    `B <- B + (W' - W) + decay (W - B)`, their difference vanishes (give the optimiser a weight decay of `decay` too).

    **Arguments:** `weights`: by route. `decay`: the fraction of the difference removed by each update.

    **Reference:** Kolen and Pollack (1994); Akrout et al., NeurIPS 32 (2019); Bellec et al. (2020).
    """

    weights: dict[str, Array]
    decay: Param = param(0.01, unit="1", ge=0.0)

    @classmethod
    def start(cls, net: Network, *, scale: float = 1.0, decay: float = 0.01, key: Array) -> AdaptiveFeedback:
        """Draws the weights for a network; those of a route depend on its name and `key` alone."""
        return cls(_drawn(net, scale, key), decay)

    def routes(self, linked, pairs):
        return _with_weights(self, pairs)

    def back(self, route, edges, error):
        return self.weights[_place(route)] @ error

    def follow(self, before, after):
        weights = dict(self.weights)
        for route in routes_of(before)[0]:
            old, new = (_matrix(net, route) for net in (before, after))
            at = _place(route)
            weights[at] = weights[at] + (new - old) + self.decay * (old - weights[at])
        return AdaptiveFeedback(weights, self.decay)


def routes_of(net: Network) -> tuple[tuple[Route, ...], tuple[Route, ...]]:
    """Routes with a same-step projection, and all pairs of a spiking population and a port of a readout."""
    linked = tuple(
        Route(name, p.pre, p.post, p.port)
        for name, p in net.projections.items()
        if p.pre in spiking(net) and p.post in readouts(net) and p.delay is None
    )
    pairs = tuple(
        Route(f"{pre}-{post}.{port}", pre, post, port)
        for pre in spiking(net)
        for post in readouts(net)
        for port in net.populations[post].ports
    )
    return linked, pairs


def _place(route: Route) -> str:
    return f"{route.pre}-{route.post}.{route.port}"


def _drawn(net: Network, scale: float, key: Array) -> dict[str, Array]:
    sizes = net.sizes
    return {
        route.name: scale * jax.random.normal(named_key(key, route.name), (sizes[route.pre], sizes[route.post]))
        for route in routes_of(net)[1]
    }


def _with_weights(feedback: RandomFeedback | AdaptiveFeedback, pairs: tuple[Route, ...]) -> tuple[Route, ...]:
    missing = [route.name for route in pairs if route.name not in feedback.weights]
    if missing:
        raise ValueError(
            f"{type(feedback).__name__} has no weights for {missing[0]!r}; make it for this network with "
            f"{type(feedback).__name__}.start(net, key=key)."
        )
    return pairs


def _matrix(net: Network, route: Route) -> Array:
    """The weights of a route's projection, readouts along axis 1."""
    p = net.projections[route.name]
    pre, post, weight, _ = p.graph.synapses(p.weight, jnp.zeros((), jnp.int32))
    matrix = jnp.zeros((p.graph.n_pre, p.graph.n_post), canonical_float())
    return matrix.at[pre, post].add(weight, mode="drop")
