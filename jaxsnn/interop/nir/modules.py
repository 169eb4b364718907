"""The nodes of NIR for the module of a `Layer`."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax
import numpy as np

from ..._types import canonical_float
from .chains import Chained, Constant
from .maps import Convolution, Delayed, Matrix, Pooled, Reshaped, Scaled, Shape


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
        case Chained():
            return [node for m in module.maps for node in nodes_of_module(what, m, m.into)]
        case eqx.nn.Identity() | Delayed():
            return []
        case eqx.nn.Linear() if module.bias is not None:
            return [new.Affine(weight=array(module.weight), bias=array(module.bias))]
        case eqx.nn.Linear() | Matrix():
            return [new.Linear(weight=array(module.weight))]
        case Constant():
            zeros = np.zeros((module.value.size, math.prod(shape)))
            return [*flat(shape), new.Affine(weight=zeros, bias=array(module.value).reshape(-1))]
        case Scaled():
            return [new.Scale(scale=array(module.scale).reshape(module.into))]
        case Reshaped():
            return [] if module.into == module.out else flat(module.into)
        case eqx.nn.Conv() if module.num_spatial_dims in (1, 2) and module.padding_mode == "ZEROS":
            bias = np.zeros(module.out_channels) if module.bias is None else array(module.bias).reshape(-1)
            return [_convolution(what, module, array(module.weight), bias, shape)]
        case Convolution():
            return [_convolution(what, module, array(module.weight), np.zeros(module.weight.shape[0]), shape)]
        case Pooled():
            kind = new.AvgPool2d if module.mean else new.SumPool2d
            return [kind(*(np.array(x) for x in (module.kernel, module.stride, module.padding)))]
        case eqx.nn.AvgPool2d() if not module.use_ceil:
            return [new.AvgPool2d(*(np.array(x) for x in (module.kernel_size, module.stride, _even(what, module))))]
    raise ValueError(
        f"{what} has the module {type(module).__name__}, which NIR has no node for; it has Linear, Conv1d, Conv2d, "
        "AvgPool2d and Sequential of them."
    )


def shape_behind(layer: Any, shape: Shape) -> Shape:
    """The shape of what a module makes of one of `shape`."""
    x = jax.ShapeDtypeStruct(shape, canonical_float())
    return eqx.filter_eval_shape(lambda layer, x: layer(x, key=None), layer, x).shape


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


def _convolution(what: str, module: Any, weight: np.ndarray, bias: np.ndarray, shape: Shape) -> Any:
    import nir

    new: Any = nir
    numbers = (module.stride, _even(what, module), module.dilation)
    if weight.ndim == 4:
        stride, padding, dilation = (tuple(x) for x in numbers)
        return new.Conv2d(tuple(shape[1:]), weight, stride, padding, dilation, module.groups, bias)
    stride, padding, dilation = (x[0] for x in numbers)
    return new.Conv1d(shape[1], weight, stride, padding, dilation, module.groups, bias)
