"""Operations that put numbers elsewhere: shapes, parts, joins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .inexact import Inexact


def _broadcast(eqn: Any) -> Callable[..., Any]:
    shape, along = tuple(eqn.params["shape"]), eqn.params["broadcast_dimensions"]
    given = eqn.invars[0].aval.shape
    wide = [1] * len(shape)
    for axis, size in zip(along, given, strict=True):
        wide[axis] = size
    return lambda x, *_: np.broadcast_to(np.reshape(x, wide), shape)


def _reshape(eqn: Any) -> Callable[..., Any]:
    if eqn.primitive.name == "reshape" and eqn.params["dimensions"] is not None:
        raise Inexact
    shape = eqn.outvars[0].aval.shape
    return lambda x, *_: np.reshape(x, shape)


def _slice(eqn: Any) -> Callable[..., Any]:
    start, stop = eqn.params["start_indices"], eqn.params["limit_indices"]
    part = tuple(map(slice, start, stop, eqn.params["strides"] or [1] * len(start)))
    return lambda x: x[part]


def _pad(eqn: Any) -> Callable[..., Any]:
    config, shape = eqn.params["padding_config"], eqn.outvars[0].aval.shape
    if any(low < 0 or high < 0 for low, high, _ in config):
        raise Inexact
    inside = tuple(
        slice(low, low + (size - 1) * (between + 1) + 1 if size else low, between + 1)
        for (low, _, between), size in zip(config, eqn.invars[0].aval.shape, strict=True)
    )

    def padded(x: Any, value: Any) -> Any:
        out = np.full(shape, value)
        out[inside] = x
        return out

    return padded


def _place(x: Any, start: Any, size: Any) -> tuple[slice, ...]:
    """The part that starts at `start`, moved to where it lies within `x`."""
    first = [min(max(int(at), 0), whole - n) for at, whole, n in zip(start, x.shape, size, strict=True)]
    return tuple(slice(at, at + n) for at, n in zip(first, size, strict=True))


def _dynamic_slice(eqn: Any) -> Callable[..., Any]:
    size = eqn.params["slice_sizes"]
    return lambda x, *start: x[_place(x, start, size)]


def _updated(x: Any, new: Any, *start: Any) -> Any:
    out = np.array(x)
    out[_place(x, start, np.shape(new))] = new
    return out


def _iota(eqn: Any) -> Callable[..., Any]:
    shape, axis = eqn.outvars[0].aval.shape, eqn.params["dimension"]
    row = np.arange(shape[axis], dtype=eqn.params["dtype"]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return lambda: np.broadcast_to(row, shape)


def _split(eqn: Any) -> Callable[..., Any]:
    ends, axis = np.cumsum(eqn.params["sizes"])[:-1], eqn.params["axis"]
    return lambda x: np.split(x, ends, axis)


def _read_slot(eqn: Any) -> Callable[..., Any]:
    n = eqn.params["n"]
    return lambda x, at: x[(..., *_place(x[(0,) * (x.ndim - 1)], [at], [n]))]


def _write_slot(x: Any, new: Any, at: Any) -> Any:
    start = [0] * (x.ndim - 1) + [at]
    return _updated(x, np.broadcast_to(new, (*x.shape[:-1], np.shape(new)[-1])), *start)


RULES: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "broadcast_in_dim": _broadcast,
    **dict.fromkeys(("reshape", "squeeze", "expand_dims"), _reshape),
    "transpose": lambda eqn: lambda x: np.transpose(x, eqn.params["permutation"]),
    "rev": lambda eqn: lambda x: np.flip(x, eqn.params["dimensions"]),
    "slice": _slice,
    "concatenate": lambda eqn: lambda *xs: np.concatenate(xs, eqn.params["dimension"]),
    "stack": lambda eqn: lambda *xs: np.stack(xs, eqn.params["axis"]),
    "tile": lambda eqn: lambda x: np.tile(x, eqn.params["reps"]),
    "split": _split,
    "pad": _pad,
    "iota": _iota,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": lambda _: _updated,
    "read_slot": _read_slot,
    "write_slot": lambda _: _write_slot,
}
