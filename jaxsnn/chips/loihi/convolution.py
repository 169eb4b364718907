"""Synapses that are a convolution: one kernel of whole numbers, shared by every place of an image."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from ..._types import Register, register
from ...connectivity.ring import Ring
from ...lowering.integers import shift, wrap
from ...lowering.registers import span, whole
from ...lowering.storage import stored
from ...lowering.synapses import AbstractCarrier
from .synapses import EXPONENT, LoihiSynapses, graded_bounds, one_number

SUM_BITS = 23  # and a sign


def _pair(value: Any) -> tuple[int, int]:
    both = (value, value) if isinstance(value, int) else tuple(int(v) for v in value)
    if len(both) != 2:
        raise ValueError(f"Got {value!r}, expected a whole number or one for height and one for width.")
    return both


@stored
class ConvSynapses(LoihiSynapses):
    """`a[o, y, x] = sum_cij weight[o, c, i, j] spike[c, s y + d i - p, s x + d j - p]`, times `2^(6 + exponent)`.

    A cross-correlation, as PyTorch's `conv2d`. Cells stand in the order channel, row, column. The sum is exact, of
    graded spikes too, and kept in 24 bits, two's complement, as in Lava.

    **Arguments:** `weight`: mantissas `(out, in / groups, height, width)`, -256..255. `image`: the senders'
    `(channels, height, width)`, static. `stride`, `padding`, `dilation`: a number or `(vertical, horizontal)`, static.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    weight: Register = register(within=(-256, 255))
    image: tuple[int, int, int] = eqx.field(static=True, kw_only=True)
    exponent: Register = register(0, within=EXPONENT)
    stride: tuple[int, int] = eqx.field(default=1, converter=_pair, static=True, kw_only=True)
    padding: tuple[int, int] = eqx.field(default=0, converter=_pair, static=True, kw_only=True)
    dilation: tuple[int, int] = eqx.field(default=1, converter=_pair, static=True, kw_only=True)
    groups: int = eqx.field(default=1, static=True, kw_only=True)
    max_delay: int = eqx.field(default=0, static=True, kw_only=True)

    def __check_init__(self):
        one_number(self, "exponent")
        whole(self, groups=1)
        if len(self.image) != 3 or any(not isinstance(n, (int, np.integer)) or n < 1 for n in self.image):
            raise ValueError(f"ConvSynapses.image is {self.image}; expected (channels, height, width).")
        for name, least in (("stride", 1), ("padding", 0), ("dilation", 1)):
            if min(getattr(self, name)) < least:
                raise ValueError(f"ConvSynapses.{name} is {getattr(self, name)}; expected at least {least}.")
        if self.max_delay:
            raise ValueError(f"ConvSynapses.max_delay is {self.max_delay}; a convolution has no delays: expected 0.")
        channels, groups = self.image[0], self.groups
        if self.weight.ndim != 4 or channels != self.weight.shape[1] * groups or self.weight.shape[0] % groups:
            raise ValueError(
                f"ConvSynapses.weight has shape {self.weight.shape}; expected (out, in / groups, height, width) with "
                f"in = {channels} channels of the image and {groups} groups."
            )
        if min(self.out_image) < 1:
            raise ValueError(f"ConvSynapses makes an image of {self.out_image}; expected at least one place: pad more.")
        if math.prod(self.weight.shape[1:]) >= 2**16:
            raise ValueError(f"ConvSynapses.weight {self.weight.shape} sums 2^16 weights or more; use several groups.")

    @property
    def shape(self):
        return math.prod(self.image), math.prod(self.out_image)

    @property
    def out_image(self) -> tuple[int, int, int]:
        """Channels, height and width of the receivers."""
        height, width = (
            (size + 2 * p - d * (kernel - 1) - 1) // s + 1
            for size, kernel, s, p, d in zip(
                self.image[1:], self.weight.shape[2:], self.stride, self.padding, self.dilation
            )
        )
        return self.weight.shape[0], height, width

    def convolve(self, spikes: Float[Array, " pre"], weight: Float[Array, "out in h w"]) -> Float[Array, " post"]:
        """The sum, exact in float32: fewer than 2^16 mantissas of 8 bits stay below 2^24."""
        total = lax.conv_general_dilated(
            spikes.reshape(1, *self.image),
            weight,
            window_strides=self.stride,
            padding=[(p, p) for p in self.padding],
            rhs_dilation=self.dilation,
            feature_group_count=self.groups,
            precision=lax.Precision.HIGHEST,
        )
        return total.reshape(-1)

    def listed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Senders, receivers and weights of a concrete convolution, as if every place had synapses of its own."""
        out, rows, columns = self.out_image
        per_group, each = self.weight.shape[1], out // self.groups
        o, c, i, j, y, x = np.meshgrid(*map(np.arange, (*self.weight.shape, rows, columns)), indexing="ij", sparse=True)
        row = self.stride[0] * y + self.dilation[0] * i - self.padding[0]
        column = self.stride[1] * x + self.dilation[1] * j - self.padding[1]
        height, width = self.image[1:]
        sender = ((o // each * per_group + c) * height + row) * width + column
        receiver, weight = (o * rows + y) * columns + x, np.asarray(self.weight)[o, c, i, j]
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        *lists, inside = np.broadcast_arrays(sender, receiver, weight, inside)
        sender, receiver, weight = (one[inside] for one in lists)
        return sender, receiver, weight

    def input_bounds(self, pre, post):
        every, weight = jnp.ones(math.prod(self.image)), self.weight.astype(jnp.float32)
        ends = self.convolve(every, jnp.minimum(weight, 0)), self.convolve(every, jnp.maximum(weight, 0))
        beyond = (ends[0] < -(2**23)) | (ends[1] >= 2**23)  # then what is kept can be any number
        low, high = jnp.where(beyond, -(2.0**23), ends[0]), jnp.where(beyond, 2.0**23 - 1, ends[1])
        low, high = (shift(end.astype(jnp.int32), self.exponent) for end in (low, high))
        return graded_bounds(low, high, self.exponent, pre.message_bits, sum_bits=SUM_BITS)

    def kept(self, total: Int[Array, " post"]) -> Int[Array, " post"]:
        """What is kept of a sum."""
        return wrap(total, SUM_BITS)

    def prepare(self, pre, post, ring, first):
        message_bits = pre.message_bits
        if message_bits <= 1:  # the sum of so many weights is exact in float32; more of a message is cut into digits
            return Convolution(self, ring, first)
        digit = max(1, 16 - (math.prod(self.weight.shape[1:]) - 1).bit_length())
        return GradedConvolution(self, digit, -(-min(message_bits + 1, 32) // digit), ring, first)

    def describe(self):
        size = lambda shape: " x ".join(map(str, shape))
        return [
            f"a convolution of {size(self.image)} to {size(self.out_image)}, {self.weight.size} weights "
            f"{span(self.weight)}, exponent {self.exponent}",
            f"kernel {size(self.weight.shape)}, stride {size(self.stride)}, padding {size(self.padding)}, dilation "
            f"{size(self.dilation)}, {self.groups} group(s)",
        ]


class Convolution(AbstractCarrier):
    """Ready to run."""

    group: ConvSynapses
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)

    def send(self, s, buffer, spikes: Int[Array, " pre"], t):
        total = self.group.convolve(spikes.astype(jnp.float32), self.group.weight.astype(jnp.float32))
        a = shift(self.group.kept(total.astype(jnp.int32)), self.group.exponent)
        return self.ring.add(buffer, t + 1, self.first, a)


class GradedConvolution(AbstractCarrier):
    """Of amplitudes: one convolution for every digit of them, so small that its sum is exact in float32."""

    group: ConvSynapses
    digit: int = eqx.field(static=True)  # bits
    digits: int = eqx.field(static=True)
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)

    def send(self, s, buffer, spikes: Int[Array, " pre"], t):
        place = jnp.arange(self.digits, dtype=jnp.int32) * self.digit
        parts = spikes[None] >> place[:, None]
        below = jnp.arange(self.digits)[:, None] < self.digits - 1  # the highest digit has the sign
        parts = jnp.where(below, parts & (2**self.digit - 1), parts)
        weight = self.group.weight.astype(jnp.float32)
        sums = jax.vmap(self.group.convolve, (0, None))(parts.astype(jnp.float32), weight).astype(jnp.int32)
        total = jnp.sum(sums << place[:, None], axis=0, dtype=jnp.int32)
        a = shift(self.group.kept(total), self.group.exponent)
        return self.ring.add(buffer, t + 1, self.first, a)
