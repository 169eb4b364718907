"""Linear nodes as modules: Equinox's own where it has one."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jax import lax
from jaxtyping import Array

from ..._types import on_device

Shape = tuple[int, ...]


class Map(NamedTuple):
    """A linear module without a bias, the shape of the array that it takes, and of the one that it makes."""

    module: Any
    into: Shape
    out: Shape


class Reshape(eqx.Module):
    """The same numbers in another shape: `Flatten`."""

    shape: Shape = eqx.field(static=True)

    def __call__(self, x: Array, *, key: Any = None) -> Array:
        return x.reshape(self.shape)


class Scale(eqx.Module):
    """`scale * x`."""

    scale: Array

    def __call__(self, x: Array, *, key: Any = None) -> Array:
        return self.scale * x


class Delay(eqx.Module):
    """`x` of `delay` ms before, one number each: a chain of maps has it as the delay of its synapses."""

    delay: tuple[float, ...] = eqx.field(static=True)

    def __call__(self, x: Array, *, key: Any = None) -> Array:
        return x


def reshape(into: Shape, out: Shape) -> Map:
    """The same numbers in another shape."""
    return Map(Reshape(out), into, out)


def scale(by: np.ndarray, into: Shape) -> Map:
    """One factor for each number."""
    return Map(Scale(on_device(by.reshape(into))), into, into)


def delay(ms: np.ndarray, into: Shape) -> Map:
    """One delay for each number."""
    return Map(Delay(tuple(ms.reshape(-1).tolist())), into, into)


def matrix(weight: np.ndarray, into: Shape) -> Map:
    """`W x`, with `W` of shape `(out, in)`; an array of several axes is taken flat."""
    out, size = weight.shape
    return Map(_filled(weight, eqx.nn.Linear, size, out), into, (out,))


def convolution(
    weight: np.ndarray, into: Shape, stride: Shape, padding: tuple[tuple[int, int], ...], dilation: Shape, groups: int
) -> Map:
    """A cross-correlation over channels first, with `weight` of shape `(out, in / groups, kernel)`."""
    out, *kernel = weight.shape[0], *weight.shape[2:]
    numbers = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    module = _filled(weight, eqx.nn.Conv, len(kernel), into[0], out, tuple(kernel), **numbers)
    sizes = zip(into[1:], kernel, stride, padding, dilation, strict=True)
    return Map(module, into, (out, *((n + sum(p) - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in sizes)))


def pool(into: Shape, kernel: Shape, stride: Shape, padding: Shape, mean: bool) -> Map:
    """The sums of windows, or their means, which count the padding."""
    made = eqx.nn.AvgPool2d(kernel, stride, padding) if mean else eqx.nn.Pool(0, lax.add, 2, kernel, stride, padding)
    sizes = zip(into[1:], kernel, stride, padding, strict=True)
    return Map(made, into, (into[0], *((n + 2 * p - k) // s + 1 for n, k, s, p in sizes)))


def sequential(chain: tuple[Map, ...]) -> eqx.nn.Sequential:
    """Maps one after the other as one module of an array of the first one's shape."""
    layers, shape = [], chain[0].into
    for module, into, out in chain:
        wanted = (math.prod(into),) if isinstance(module, eqx.nn.Linear) else into
        layers += [] if shape == wanted else [Reshape(wanted)]
        layers.append(module)
        shape = out
    return eqx.nn.Sequential(layers)


def _filled(weight: np.ndarray, kind: Any, *sizes: Any, **numbers: Any) -> Any:
    """A module of Equinox with these weights and no bias; nothing is drawn for it."""
    made = lambda: kind(*sizes, **numbers, use_bias=False, key=jax.random.key(0))
    return eqx.tree_at(lambda m: m.weight, eqx.filter_eval_shape(made), on_device(weight))
