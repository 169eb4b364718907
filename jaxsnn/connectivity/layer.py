"""Connections through an Equinox module, which computes the arrivals of a step from its spikes."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float

from .._arguments import count, shown
from .._types import canonical_float
from .graph import AbstractGraph


class Layer(eqx.Module):
    """A connection through an Equinox module, applied in every step: `arrivals = module(spikes)`.

    `Connection("in", "conv", via=Layer(eqx.nn.Conv2d(1, 8, 3, key=key), (1, 8, 8)))`. A bias arrives in every step.
    Norms use the statistics of the step. `Dropout` draws one mask for all steps of a run.

    **Arguments:** `module`: called as `module(x, key=key)`, e.g. `eqx.nn.Linear`, `Conv2d`, or a `Sequential` of them
    with pooling, norms and dropout. `shape`: of its input, e.g. `(channels, height, width)`, static;
    by default `(n,)`. Receivers are its output in row-major order.

    **Raises:** ValueError for a module with a state from step to step, such as `BatchNorm`.
    """

    module: Any
    shape: tuple[int, ...] | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        if self.shape is not None:
            expected = "a tuple of positive whole numbers, such as (channels, height, width)"
            if not isinstance(self.shape, tuple):
                raise ValueError(f"Layer.shape is {shown(self.shape)}, expected {expected}.")
            for size in self.shape:
                count(size, f"Layer.shape has {size!r}, which", expected)
        if (why := unsuited(self.module)) is not None:
            raise ValueError(f"Layer.module is {_name(self.module)}, {why}.")

    @property
    def out(self) -> tuple[int, ...]:
        """The shape of its output: its product is the number of receivers, and it is the next layer's `shape`."""
        if self.shape is None:
            raise ValueError("Layer.shape is None; give it, e.g. (channels, height, width), to know what comes out.")
        x = jax.ShapeDtypeStruct(self.shape, canonical_float())
        try:
            found = eqx.filter_eval_shape(lambda module, x: module(x, key=jax.random.key(0)), self.module, x)
        except (TypeError, ValueError, IndexError) as error:
            raise ValueError(f"{_name(self.module)} cannot be applied to shape {self.shape}: {error}") from error
        if not hasattr(found, "shape"):
            raise ValueError(f"{_name(self.module)} returns {type(found).__name__}, expected one array.")
        return found.shape

    def lay(self, n_pre: int, n_post: int) -> Layered:
        """The graph from `n_pre` senders to `n_post` receivers, if the module goes from the one to the other."""
        shape = (n_pre,) if self.shape is None else self.shape
        if math.prod(shape) != n_pre:
            raise ValueError(f"Layer.shape is {shape}, {math.prod(shape)} numbers, but there are {n_pre} senders")
        out = Layer(self.module, shape).out
        if math.prod(out) != n_post:
            raise ValueError(
                f"{_name(self.module)} makes {out} of {shape}, {math.prod(out)} numbers, but there are {n_post} "
                f"receivers; give the population n = {math.prod(out)}"
            )
        return Layered(self.module, shape, n_pre, n_post)


class Layered(AbstractGraph):
    """All synapses of a projection as one module, without a list."""

    module: Any
    image: tuple[int, ...] = eqx.field(static=True)
    n_pre: int = eqx.field(static=True)
    n_post: int = eqx.field(static=True)

    @property
    def width(self) -> int:
        return self.n_post

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def arrivals(self, sent: Float[Array, " pre"], key: Array) -> Float[Array, " post"]:
        """The arrivals of one step. `key`: the same in every step of a run."""
        return self.module(sent.reshape(self.image), key=key).reshape(-1)

    def arrange(self, per_edge, edges):
        raise ValueError(f"{_name(self.module)} has no list of synapses for numbers of their own")

    def starts(self):
        raise ValueError(f"{_name(self.module)} has no list of synapses; use a Connection via Dense() or Sparse() here")

    def targets(self, weight, delay):
        raise ValueError(f"{_name(self.module)} has no list of synapses; use a Connection via Dense() or Sparse() here")


def unsuited(module: Any) -> str | None:
    """Why a module cannot be used, with an alternative; None if it can."""
    if not callable(module):
        return "expected one that is called as module(x, key=key), such as eqx.nn.Linear(...)"
    is_state = lambda x: isinstance(x, eqx.nn.StateIndex)
    if any(is_state(x) for x in jax.tree.leaves(module, is_leaf=is_state)):
        return (
            "which keeps running statistics (an eqx.nn.State), which a run does not carry; use GroupNorm, LayerNorm "
            "or RMSNorm, or fold the learned statistics into the previous layer"
        )
    return None


def _name(module: Any) -> str:
    return getattr(module, "__name__", type(module).__name__)
