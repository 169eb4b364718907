"""The map of a linear node, and the bias that it adds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import maps
from .fields import axis, few, field, numbers, whole
from .flat import kind_of
from .maps import Map, Shape


def map_of(name: str, node: Any, into: Shape, unit: float) -> tuple[Map, np.ndarray | None]:
    """The map of a node, and the bias that it adds; `unit`: ms in one unit of its times."""
    kind, size = kind_of(node), math.prod(into)
    what = f"Node {name!r} ({kind})"
    if kind in ("Affine", "Linear"):
        weight = numbers(field(node, "weight", what), what)
        if weight.ndim != 2 or weight.shape[1] != size:
            raise ValueError(f"{what} has weights of shape {weight.shape}, expected (out, {size}) for what reaches it.")
        bias = numbers(field(node, "bias", what), what).reshape(-1) if kind == "Affine" else None
        if bias is not None and bias.size not in (1, weight.shape[0]):
            raise ValueError(f"{what} has {bias.size} biases, expected {weight.shape[0]}, one for each output.")
        return maps.matrix(weight, into), _unless_zero(bias, weight.shape[:1])
    if kind in ("Scale", "Delay"):
        given = numbers(field(node, kind.lower(), what), what).reshape(-1)
        if given.size not in (1, size):
            raise ValueError(f"{what} has {given.size} numbers, expected {size}, as many as reach it.")
        each = np.broadcast_to(given, (size,))
        return maps.scale(each, into) if kind == "Scale" else maps.delay(each * unit, into), None
    if kind in ("Conv1d", "Conv2d"):
        return _convolution(what, node, into, 1 if kind == "Conv1d" else 2)
    if kind in ("SumPool2d", "AvgPool2d"):
        if len(into) != 3:
            raise ValueError(f"{what} is reached by shape {into}, expected (channels, height, width).")
        kernel, stride, padding = (
            whole(field(node, name, what), 2, what, name) for name in ("kernel_size", "stride", "padding")
        )
        _steps(what, stride)
        if any(p > k for p, k in zip(padding, kernel, strict=True)):
            raise ValueError(f"{what} has a padding of {padding}, expected at most its kernel, {kernel}.")
        return _fits(what, maps.pool(into, kernel, stride, padding, kind == "AvgPool2d")), None
    if kind == "Flatten" and len(into) > 1:
        start, end = (axis(field(node, name, what), len(into), what, name) for name in ("start_dim", "end_dim"))
        return maps.reshape(into, (*into[:start], math.prod(into[start : end + 1]), *into[end + 1 :])), None
    return maps.reshape(into, into), None


def _convolution(what: str, node: Any, into: Shape, axes: int) -> tuple[Map, np.ndarray | None]:
    weight = numbers(field(node, "weight", what), what)
    (groups,) = whole(field(node, "groups", what), 1, what, "groups")
    fits = weight.ndim == 2 + axes and len(into) == 1 + axes and into[0] == weight.shape[1] * groups
    if not fits or groups < 1 or weight.shape[0] % groups:
        raise ValueError(
            f"{what} has weights of shape {weight.shape} in {groups} groups and is reached by shape {into}, "
            "expected (channels out, channels in / groups, kernel) and (channels in, size)."
        )
    each = lambda name: whole(field(node, name, what), axes, what, name)
    stride, dilation, given = each("stride"), each("dilation"), field(node, "padding", what)
    if isinstance(given, str):
        if given not in ("same", "valid"):
            raise ValueError(f"{what} has the padding {given[:80]!r}, expected numbers, 'same' or 'valid'.")
        spans = [d * (k - 1) if given == "same" else 0 for k, d in zip(weight.shape[2:], dilation, strict=True)]
        padding = tuple((span // 2, span - span // 2) for span in spans)
    else:
        padding = tuple((p, p) for p in each("padding"))
    _steps(what, stride)
    _steps(what, dilation, "dilation")
    made = maps.convolution(weight, into, stride, padding, dilation, groups)
    bias = numbers(field(node, "bias", what), what).reshape(-1)
    if bias.size not in (1, len(weight)):
        raise ValueError(f"{what} has {bias.size} biases, expected {len(weight)}, one for each channel.")
    return _fits(what, made), _unless_zero(bias.reshape(-1, *(1,) * axes), made.out)


def _steps(what: str, stride: Shape, name: str = "stride") -> None:
    if any(s < 1 for s in stride):
        raise ValueError(f"{what} has a {name} of {stride}, expected at least 1.")


def _fits(what: str, made: Map) -> Map:
    if any(n < 1 for n in made.out):
        raise ValueError(f"{what} makes shape {made.out} of {made.into}, expected sizes of at least 1.")
    few(made.out, what)
    return made


def _unless_zero(bias: np.ndarray | None, shape: Shape) -> np.ndarray | None:
    return None if bias is None or not np.any(bias) else np.broadcast_to(bias, shape)
