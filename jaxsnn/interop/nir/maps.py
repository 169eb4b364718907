"""Linear nodes as functions of one array, and a chain of them as one matrix where it is one."""

from __future__ import annotations

import abc
import math
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import equinox as eqx
import numpy as np
from jax import lax
from jaxtyping import Array

from ..._types import on_device
from .flat import kind_of

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


# --- from a node ------------------------------------------------------------------------------------------------------


def numbers(x: Any, what: str) -> np.ndarray:
    """An array of finite real numbers, or one error."""
    found = np.asarray(x)
    if found.dtype.kind not in "fiu" or not np.all(np.isfinite(found)):
        raise ValueError(f"{what} has numbers that are not finite or not real, expected finite real numbers.")
    return found.astype(np.float64)


def map_of(name: str, node: Any, into: Shape, unit: float) -> tuple[AbstractMap, np.ndarray | None]:
    """The map of a node, and the bias that it adds; `unit`: ms in one unit of its times."""
    kind, size = kind_of(node), math.prod(into)
    what = f"Node {name!r} ({kind})"
    if kind in ("Affine", "Linear"):
        weight = numbers(node.weight, what)
        if weight.ndim != 2 or weight.shape[1] != size:
            raise ValueError(f"{what} has weights of shape {weight.shape}, expected (out, {size}) for what reaches it.")
        bias = numbers(node.bias, what).reshape(-1) if kind == "Affine" else None
        if bias is not None and bias.size not in (1, weight.shape[0]):
            raise ValueError(f"{what} has {bias.size} biases, expected {weight.shape[0]}, one for each output.")
        return Matrix(on_device(weight), into), _unless_zero(bias, weight.shape[:1])
    if kind in ("Scale", "Delay"):
        given = numbers(node.scale if kind == "Scale" else node.delay, what).reshape(-1)
        if given.size not in (1, size):
            raise ValueError(f"{what} has {given.size} numbers, expected {size}, as many as reach it.")
        each = np.broadcast_to(given, (size,))
        return (
            Scaled(on_device(each), into) if kind == "Scale" else Delayed(tuple((each * unit).tolist()), into)
        ), None
    if kind in ("Conv1d", "Conv2d"):
        return _convolution(what, node, into, 1 if kind == "Conv1d" else 2)
    if kind in ("SumPool2d", "AvgPool2d"):
        if len(into) != 3:
            raise ValueError(f"{what} is reached by shape {into}, expected (channels, height, width).")
        kernel, stride, padding = (_each(x, 2, what) for x in (node.kernel_size, node.stride, node.padding))
        return _fits(what, Pooled(into, kernel, stride, padding, kind == "AvgPool2d")), None
    if kind == "Flatten" and len(into) > 1:
        start, end = node.start_dim % len(into), node.end_dim % len(into)
        return Reshaped(into, (*into[:start], math.prod(into[start : end + 1]), *into[end + 1 :])), None
    return Reshaped(into, into), None


def _convolution(what: str, node: Any, into: Shape, axes: int) -> tuple[AbstractMap, np.ndarray | None]:
    weight = numbers(node.weight, what)
    if weight.ndim != 2 + axes or len(into) != 1 + axes or into[0] != weight.shape[1] * node.groups:
        raise ValueError(
            f"{what} has weights of shape {weight.shape} in {node.groups} groups and is reached by shape {into}, "
            "expected (channels out, channels in / groups, kernel) and (channels in, size)."
        )
    stride, dilation = _each(node.stride, axes, what), _each(node.dilation, axes, what)
    if isinstance(node.padding, str):
        spans = [d * (k - 1) if node.padding == "same" else 0 for k, d in zip(weight.shape[2:], dilation, strict=True)]
        padding = tuple((span // 2, span - span // 2) for span in spans)
    else:
        padding = tuple((p, p) for p in _each(node.padding, axes, what))
    made = Convolution(on_device(weight), into, stride, padding, dilation, int(node.groups))
    bias = numbers(node.bias, what).reshape(-1)
    return _fits(what, made), _unless_zero(bias.reshape(-1, *(1,) * axes), made.out)


def _each(x: Any, axes: int, what: str) -> Shape:
    found = np.broadcast_to(np.asarray(x), (axes,))
    if found.dtype.kind not in "iu" or np.any(found < 0):
        raise ValueError(f"{what} has {x!r}, expected whole numbers, one an axis.")
    return tuple(int(n) for n in found)


def _fits(what: str, made: AbstractMap) -> AbstractMap:
    if any(s < 1 for s in getattr(made, "stride", ())) or any(n < 1 for n in made.out):
        raise ValueError(f"{what} makes shape {made.out} of {made.into}, expected sizes and strides of at least 1.")
    return made


def _unless_zero(bias: np.ndarray | None, shape: Shape) -> np.ndarray | None:
    return None if bias is None or not np.any(bias) else np.broadcast_to(bias, shape)


# --- a chain ----------------------------------------------------------------------------------------------------------


class Synapses(NamedTuple):
    """Weights and delays (ms) of shape `(pre, post)`, or of shape `(n,)` for one synapse a neuron."""

    weight: np.ndarray
    delay: np.ndarray


def synapses(chain: tuple[AbstractMap, ...], what: str) -> Synapses | None:
    """The chain as numbers of synapses; None if it has convolutions or pools, which stay modules."""
    if any(isinstance(m, Convolution | Pooled) for m in chain):
        return None
    weight: np.ndarray | None = None  # (pre, here), or None while every neuron reaches its own place
    size = math.prod(chain[0].into) if chain else 0
    gain, delay = np.ones(size), np.zeros(size)  # of each place here, before the first matrix
    later: np.ndarray | None = None  # delays (pre, here), after the first matrix
    for m in chain:
        if isinstance(m, Matrix):
            w = np.asarray(m.weight, np.float64).T
            if weight is None or later is None:
                weight, later = gain[:, None] * w, np.broadcast_to(delay[:, None], w.shape)
            else:
                weight, later = weight @ w, _joined(weight, later, w, what)
        elif isinstance(m, Scaled):
            scale = np.asarray(m.scale, np.float64).reshape(-1)
            gain, weight = gain * scale if weight is None else gain, None if weight is None else weight * scale
        elif isinstance(m, Delayed):
            own = np.asarray(m.delay)
            delay, later = delay + own if later is None else delay, None if later is None else later + own
    return Synapses(gain, delay) if weight is None or later is None else Synapses(weight, later)


def _joined(weight: np.ndarray, later: np.ndarray, w: np.ndarray, what: str) -> np.ndarray:
    """The delay of each sender behind another matrix, which has to be the same on all ways to it."""
    used = np.where(weight != 0, later, np.nan)
    first = np.nanmin(np.where(np.isnan(used), np.inf, used), axis=1)
    last = np.nanmax(np.where(np.isnan(used), -np.inf, used), axis=1)
    if np.any(last > first):
        raise ValueError(f"{what}: a Delay between two matrices differs from way to way; put it before or behind both.")
    return np.broadcast_to(np.where(np.isfinite(first), first, 0.0)[:, None], (weight.shape[0], w.shape[1]))


class Chained(eqx.Module):
    """Maps one after the other, as the module of a `Layer`."""

    maps: tuple[AbstractMap, ...]

    def __call__(self, x: Array, *, key: Any = None) -> Array:
        for m in self.maps:
            x = m(x)
        return x


class Constant(eqx.Module):
    """The same numbers in every step, whatever is sent: the bias of what has no parameter for it."""

    value: Array

    def __call__(self, x: Array, *, key: Any = None) -> Array:
        return self.value


def scaled(chain: tuple[AbstractMap, ...], gain: np.ndarray) -> tuple[AbstractMap, ...]:
    """The chain with its results times `gain`: in its last weights where it is one number, else behind it."""
    if np.all(gain == 1.0):
        return chain
    last = max((i for i, m in enumerate(chain) if isinstance(m, Matrix | Convolution)), default=None)
    if last is None or np.ndim(gain):
        out = chain[-1].out
        return (*chain, Scaled(on_device(np.broadcast_to(gain, (math.prod(out),))), out))
    new = eqx.tree_at(lambda m: m.weight, chain[last], replace_fn=lambda weight: weight * gain)
    return (*chain[:last], new, *chain[last + 1 :])


def delay_of(chain: tuple[AbstractMap, ...], what: str) -> float:
    """The one delay of a chain that stays a module, ms."""
    total = 0.0
    for m in chain:
        if isinstance(m, Delayed):
            if len(set(m.delay)) > 1:
                raise ValueError(f"{what}: a Delay beside a convolution or a pool has to be one for all neurons.")
            total += m.delay[0]
    return total
