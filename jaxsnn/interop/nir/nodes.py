"""The map of a linear node, and the bias that it adds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import maps
from .flat import kind_of
from .maps import Map, Shape


def numbers(x: Any, what: str) -> np.ndarray:
    """An array of finite real numbers, or one error."""
    found = np.asarray(x)
    if found.dtype.kind not in "fiu" or not np.all(np.isfinite(found)):
        raise ValueError(f"{what} has numbers that are not finite or not real, expected finite real numbers.")
    return found.astype(np.float64)


def map_of(name: str, node: Any, into: Shape, unit: float) -> tuple[Map, np.ndarray | None]:
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
        return maps.matrix(weight, into), _unless_zero(bias, weight.shape[:1])
    if kind in ("Scale", "Delay"):
        given = numbers(node.scale if kind == "Scale" else node.delay, what).reshape(-1)
        if given.size not in (1, size):
            raise ValueError(f"{what} has {given.size} numbers, expected {size}, as many as reach it.")
        each = np.broadcast_to(given, (size,))
        return maps.scale(each, into) if kind == "Scale" else maps.delay(each * unit, into), None
    if kind in ("Conv1d", "Conv2d"):
        return _convolution(what, node, into, 1 if kind == "Conv1d" else 2)
    if kind in ("SumPool2d", "AvgPool2d"):
        if len(into) != 3:
            raise ValueError(f"{what} is reached by shape {into}, expected (channels, height, width).")
        kernel, stride, padding = (_each(x, 2, what) for x in (node.kernel_size, node.stride, node.padding))
        _steps(what, stride)
        if any(p > k for p, k in zip(padding, kernel, strict=True)):
            raise ValueError(f"{what} has a padding of {padding}, expected at most its kernel, {kernel}.")
        return _fits(what, maps.pool(into, kernel, stride, padding, kind == "AvgPool2d")), None
    if kind == "Flatten" and len(into) > 1:
        start, end = node.start_dim % len(into), node.end_dim % len(into)
        return maps.reshape(into, (*into[:start], math.prod(into[start : end + 1]), *into[end + 1 :])), None
    return maps.reshape(into, into), None


def _convolution(what: str, node: Any, into: Shape, axes: int) -> tuple[Map, np.ndarray | None]:
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
    _steps(what, stride)
    made = maps.convolution(weight, into, stride, padding, dilation, int(node.groups))
    bias = numbers(node.bias, what).reshape(-1)
    return _fits(what, made), _unless_zero(bias.reshape(-1, *(1,) * axes), made.out)


def _each(x: Any, axes: int, what: str) -> Shape:
    found = np.broadcast_to(np.asarray(x), (axes,))
    if found.dtype.kind not in "iu" or np.any(found < 0):
        raise ValueError(f"{what} has {x!r}, expected whole numbers, one an axis.")
    return tuple(int(n) for n in found)


def _steps(what: str, stride: Shape) -> None:
    if any(s < 1 for s in stride):
        raise ValueError(f"{what} has a stride of {stride}, expected at least 1.")


def _fits(what: str, made: Map) -> Map:
    if any(n < 1 for n in made.out):
        raise ValueError(f"{what} makes shape {made.out} of {made.into}, expected sizes of at least 1.")
    return made


def _unless_zero(bias: np.ndarray | None, shape: Shape) -> np.ndarray | None:
    return None if bias is None or not np.any(bias) else np.broadcast_to(bias, shape)
