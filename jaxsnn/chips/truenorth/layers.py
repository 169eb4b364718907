"""Layers whose weights a crossbar has: trinary ones, and connections with a trained probability."""

import abc
import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from ..._arguments import count
from ..._random import as_key, named_key
from ..._types import canonical_float
from ...connectivity.graph import DenseGraph
from ...networks.model import Network
from ...simulation.probes.counts import Count


def passed(rounded: Float[Array, "..."], x: Float[Array, "..."]) -> Float[Array, "..."]:
    """`rounded`, exactly, with the derivative of `x`: what is clipped can come back."""
    return rounded + (x - lax.stop_gradient(x))


class AbstractCrossbarLinear(eqx.Module):
    """`x @ w` without bias, for `Layer`: `w` is what a crossbar holds, and the derivative is that of real numbers."""

    @property
    @abc.abstractmethod
    def rounded(self) -> Float[Array, "n_in n_out"]:
        """The weights, -1, 0 or 1, with the derivative of what is trained."""

    @abc.abstractmethod
    def drawn(self, key: Array) -> Float[Array, "n_in n_out"]:
        """The weights of one chip."""

    def __call__(self, x: Float[Array, " n_in"], *, key: Array | None = None) -> Float[Array, " n_out"]:
        return x @ self.rounded


def _uniform(n_in: int, n_out: int, low: float, key: Array) -> Array:
    for name, n in (("n_in", n_in), ("n_out", n_out)):
        count(n, f"Got {name} = {n!r}", "a positive whole number")
    return jax.random.uniform(as_key(key), (n_in, n_out), canonical_float(), low, 1.0)


class TrinaryLinear(AbstractCrossbarLinear):
    """Trinary weights: `w = round(hidden)` within -1 and 1, whose derivative passes to `hidden` (as in EEDN).

    EEDN's hysteresis of the rounding and its groups of filters are not here.

    **Arguments:** `n_in`, `n_out`, and a `key` for `hidden`, which is uniform in -1 .. 1.

    **Reference:** Esser et al., PNAS 113:11441 (2016).
    """

    hidden: Float[Array, "n_in n_out"]

    def __init__(self, n_in: int, n_out: int, *, key: Array):
        self.hidden = _uniform(n_in, n_out, -1.0, key)

    @property
    def rounded(self):
        return passed(jnp.clip(jnp.round(self.hidden), -1.0, 1.0), self.hidden)

    def drawn(self, key):
        return self.rounded


class TeaLinear(AbstractCrossbarLinear):
    """Connections with a trained probability `p`; the weight of an input is +1 if its number is even, else -1 ("Tea").

    In training a connection is there where `p` is above one half, with the derivative of `p`. A chip draws each
    connection with its probability, once: chips of other draws, whose votes are added, come nearer to the mean.

    **Arguments:** `n_in`, `n_out`, and a `key` for `probability`, which is uniform in 0 .. 1.

    **Reference:** Esser et al., NIPS 2015.
    """

    probability: Float[Array, "n_in n_out"]

    def __init__(self, n_in: int, n_out: int, *, key: Array):
        self.probability = _uniform(n_in, n_out, 0.0, key)

    @property
    def sign(self) -> Float[Array, "n_in 1"]:
        """Of the weight of each input."""
        return 1.0 - 2.0 * (jnp.arange(self.probability.shape[0]) % 2).astype(self.probability.dtype)[:, None]

    @property
    def rounded(self):
        p = self.probability
        return self.sign * passed((p > 0.5).astype(p.dtype), p)

    def drawn(self, key):
        uniform = jax.random.uniform(key, self.probability.shape, self.probability.dtype)
        return self.sign * (uniform < self.probability).astype(self.probability.dtype)


def deployed(net: Network, key: Any = None) -> Network:
    """The network with matrices in place of `TrinaryLinear` and `TeaLinear`: what `lower` takes.

    `key`: for the connections that a chip draws, by the name of the projection; None: those above one half are there.
    """
    if not isinstance(net, Network):
        raise ValueError(f"Got {type(net).__name__} to deploy, expected a network(...).")
    projections = {}
    for name, p in net.projections.items():
        module = getattr(p.graph, "module", None)
        if isinstance(module, AbstractCrossbarLinear):
            weight = module.rounded if key is None else module.drawn(named_key(as_key(key), name))
            graph = DenseGraph(None, p.graph.n_pre, p.graph.n_post)
            projections[name] = dataclasses.replace(p, graph=graph, weight=lax.stop_gradient(weight))
    if not projections:
        raise ValueError("Got a network without a TrinaryLinear or TeaLinear to deploy; lower it as it is.")
    return dataclasses.replace(net, projections={**net.projections, **projections})


class Votes(Count):
    """Spikes of the neurons of each class, shape `(classes,)`: `n / classes` neurons in a row vote for one.

    **Arguments:** `classes`: static. Others: as of `Count`.
    """

    classes: int = eqx.field(default=1, static=True, kw_only=True)

    def check(self, model, first, steps):
        super().check(model, first, steps)
        if self.size(model) % self.classes:
            raise ValueError(
                f"Votes has {self.size(model)} neurons for {self.classes} classes; expected as many for each class."
            )

    def finish(self, carry, emitted, model):
        return super().finish(carry, emitted, model).reshape(self.classes, -1).sum(axis=1)
