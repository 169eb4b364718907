"""The nodes of NIR for the module of a `Layer`."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax import lax

from ..._types import canonical_float
from .chains import Constant
from .maps import Delay, Reshape, Scale, Shape


def nodes_of_module(what: str, module: Any, shape: Shape) -> list[Any]:
    """The nodes of a module that is applied to `shape`; **raises** ValueError for one that NIR has no node for."""
    import nir

    new: Any = nir
    array = lambda x: np.asarray(x, np.float64)
    match module:
        case eqx.nn.Sequential():
            nodes: list[Any] = []
            for layer in module.layers:
                nodes += nodes_of_module(what, layer, shape)
                shape = shape_behind(layer, shape)
            return nodes
        case eqx.nn.Identity() | Delay():
            return []
        case eqx.nn.Linear() if module.bias is not None:
            return [new.Affine(weight=array(module.weight), bias=array(module.bias))]
        case eqx.nn.Linear():
            return [new.Linear(weight=array(module.weight))]
        case Constant():
            zeros = np.zeros((module.value.size, math.prod(shape)))
            return [*flat(shape), new.Affine(weight=zeros, bias=array(module.value).reshape(-1))]
        case Scale():
            return [new.Scale(scale=array(module.scale))]
        case Reshape():
            return _flattening(what, shape, module.shape)
        case eqx.nn.Conv() if module.num_spatial_dims in (1, 2) and module.padding_mode == "ZEROS":
            bias = np.zeros(module.out_channels) if module.bias is None else array(module.bias).reshape(-1)
            return [_convolution(what, module, bias, shape)]
        case eqx.nn.Pool() if (kind := _pool(module)) is not None:
            numbers = (module.kernel_size, module.stride, _even(what, module))
            return [getattr(new, kind)(*(np.array(x) for x in numbers))]
    raise ValueError(
        f"{what} has the module {type(module).__name__}, which NIR has no node for; it has Linear, Conv1d, Conv2d, "
        "AvgPool2d, Pool with lax.add and Sequential of them."
    )


def shape_behind(layer: Any, shape: Shape) -> Shape:
    """The shape of what a module makes of one of `shape`."""
    x = jax.ShapeDtypeStruct(shape, canonical_float())
    return eqx.filter_eval_shape(lambda layer, x: layer(x, key=None), layer, x).shape


def _pool(module: eqx.nn.Pool) -> str | None:
    """The node of a pool over two dimensions; None if NIR has none."""
    if isinstance(module, eqx.nn.AvgPool2d):
        return None if module.use_ceil else "AvgPool2d"
    sums = type(module) is eqx.nn.Pool and module.operation is lax.add and not np.any(np.asarray(module.init))
    return "SumPool2d" if sums and module.num_spatial_dims == 2 and not module.use_ceil else None


def _flattening(what: str, shape: Shape, out: Shape) -> list[Any]:
    """`Flatten` of the axes that become one."""
    import nir

    new: Any = nir
    joined = [
        (i, j) for i in range(len(shape)) for j in range(i + 1, len(shape))
        if (*shape[:i], math.prod(shape[i : j + 1]), *shape[j + 1 :]) == out
    ]  # fmt: skip
    if shape == out:
        return []
    if not joined:
        raise ValueError(f"{what} makes shape {out} of {shape}, which NIR has no node for; it joins neighbouring axes.")
    start, end = joined[0]
    return [new.Flatten(input_type=np.array(shape), start_dim=start, end_dim=end)]


def flat(shape: Shape) -> list[Any]:
    """`Flatten`, where there is something to flatten."""
    import nir

    new: Any = nir
    return [] if len(shape) == 1 else [new.Flatten(input_type=np.array(shape), start_dim=0, end_dim=-1)]


def _even(what: str, module: Any) -> Shape:
    """The padding of a module whose sides are padded alike."""
    if isinstance(module.padding, str) or any(low != high for low, high in module.padding):
        raise ValueError(f"{what} has a padding of {module.padding!r}; NIR pads both sides alike, by a number.")
    return tuple(low for low, _ in module.padding)


def _convolution(what: str, module: Any, bias: np.ndarray, shape: Shape) -> Any:
    import nir

    new: Any = nir
    weight = np.asarray(module.weight, np.float64)
    numbers = (module.stride, _even(what, module), module.dilation)
    if weight.ndim == 4:
        stride, padding, dilation = (tuple(x) for x in numbers)
        return new.Conv2d(tuple(shape[1:]), weight, stride, padding, dilation, module.groups, bias)
    stride, padding, dilation = (x[0] for x in numbers)
    return new.Conv1d(shape[1], weight, stride, padding, dilation, module.groups, bias)
