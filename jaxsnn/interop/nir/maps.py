"""Linear nodes as functions of one array."""

from __future__ import annotations

import abc
import math
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
from jax import lax
from jaxtyping import Array

Shape = tuple[int, ...]


class AbstractMap(eqx.Module):
    """A linear map of an array of shape `into` to one of shape `out`."""

    if TYPE_CHECKING:
        into: ClassVar[Any]
        out: ClassVar[Any]

    @abc.abstractmethod
    def __call__(self, x: Array) -> Array: ...


class Reshaped(AbstractMap):
    """`Flatten`, and what only passes on."""

    into: Shape = eqx.field(static=True)
    out: Shape = eqx.field(static=True)

    def __call__(self, x):
        return x.reshape(self.out)


class Scaled(AbstractMap):
    """`scale * x`."""

    scale: Array
    into: Shape = eqx.field(static=True)

    @property
    def out(self) -> Shape:
        return self.into

    def __call__(self, x):
        return self.scale.reshape(self.into) * x.reshape(self.into)


class Delayed(AbstractMap):
    """`x` of `delay` ms before: a chain of maps has it as the delay of its synapses."""

    delay: tuple[float, ...] = eqx.field(static=True)
    into: Shape = eqx.field(static=True)

    @property
    def out(self) -> Shape:
        return self.into

    def __call__(self, x):
        return x


class Matrix(AbstractMap):
    """`W x`, with `W` of shape `(out, in)`."""

    weight: Array
    into: Shape = eqx.field(static=True)

    @property
    def out(self) -> Shape:
        return self.weight.shape[:1]

    def __call__(self, x):
        return self.weight @ x.reshape(-1)


class Convolution(AbstractMap):
    """`Conv1d`, `Conv2d`: a cross-correlation over channels first."""

    weight: Array
    into: Shape = eqx.field(static=True)
    stride: Shape = eqx.field(static=True)
    padding: tuple[tuple[int, int], ...] = eqx.field(static=True)
    dilation: Shape = eqx.field(static=True)
    groups: int = eqx.field(static=True)

    @property
    def out(self) -> Shape:
        kernel = self.weight.shape[2:]
        sizes = zip(self.into[1:], kernel, self.stride, self.padding, self.dilation, strict=True)
        return self.weight.shape[0], *((n + low + high - d * (k - 1) - 1) // s + 1 for n, k, s, (low, high), d in sizes)

    def __call__(self, x):
        return lax.conv_general_dilated(
            x.reshape(1, *self.into).astype(self.weight.dtype),
            self.weight,
            self.stride,
            self.padding,
            rhs_dilation=self.dilation,
            feature_group_count=self.groups,
        )[0]


class Pooled(AbstractMap):
    """`SumPool2d`, and `AvgPool2d`, whose mean counts the padding."""

    into: Shape = eqx.field(static=True)
    kernel: Shape = eqx.field(static=True)
    stride: Shape = eqx.field(static=True)
    padding: Shape = eqx.field(static=True)
    mean: bool = eqx.field(static=True)

    @property
    def out(self) -> Shape:
        sizes = zip(self.into[1:], self.kernel, self.stride, self.padding, strict=True)
        return self.into[0], *((n + 2 * p - k) // s + 1 for n, k, s, p in sizes)

    def __call__(self, x):
        around = ((0, 0), *((p, p) for p in self.padding))
        summed = lax.reduce_window(x.reshape(self.into), 0.0, lax.add, (1, *self.kernel), (1, *self.stride), around)
        return summed / math.prod(self.kernel) if self.mean else summed
