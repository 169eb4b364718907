"""The forms of a raster that the analysis accepts, converted to one; and one error for anything else."""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import _bits
from .._types import is_concrete

Array = Any  # np.ndarray or jax.Array: what goes in comes out


class Spikes(NamedTuple):
    """Spikes of shape `(steps, n)`, one entry per step and neuron, with their time step and neurons."""

    values: Array
    dt: float | None  # ms
    first: int  # the absolute step of the first row
    neurons: Any  # the neurons' numbers; None for 0, 1, ...


def unpack(raster: Any, n: int | None = None) -> Array:
    """The boolean raster `(..., n)` of a bit-packed one: neuron `i` is bit `i % 32` of word `i // 32`.

    **Arguments**

    - `raster`: what the `Raster` probe recorded, which knows its `n`; or uint32, shape `(..., ceil(n / 32))`.
    - `n`: number of neurons.

    **Returns** booleans of shape `(..., n)`.

    **Raises** `ValueError` if the words are not uint32 or their number does not fit `n`.

        >>> unpack(np.array([[5]], np.uint32), 4)
        array([[ True, False,  True, False]])
    """
    if hasattr(raster, "words"):
        if n is not None and count(n, "unpack", "n") != raster.n:
            raise ValueError(f"unpack: n is {n}, but this raster holds {raster.n} neurons. Leave n out.")
        raster, n = raster.words, raster.n
    if n is None:
        raise ValueError("unpack: n is missing: words do not tell how many neurons they hold.")
    if not hasattr(raster, "dtype"):
        raster = np.asarray(raster)
    words = -(-count(n, "unpack", "n") // 32)
    if raster.dtype != np.uint32 or raster.ndim < 1 or raster.shape[-1] != words:
        raise ValueError(
            f"unpack: raster of {raster.dtype}{list(raster.shape)}: expected uint32[..., {words}], which holds n = {n} "
            "neurons, 32 a word. Give the `n` of the recorded population."
        )
    return _bits.unpack(raster, n)


def spikes(raster: Any, n: int | None, function: str, *, dt: float | None = None) -> Spikes:
    """A raster in any form as `Spikes`.

    **Raises** `ValueError` for another number of axes, no numbers, NaN, negative ones or ones that are not whole, and
    `n` or `dt` that do not fit.
    """
    first, neurons = 0, None
    if n is not None:
        count(n, function, "n")
    if dt is not None:
        milliseconds(dt, function, "dt")
    if hasattr(raster, "words"):
        if dt is not None and not math.isclose(dt, raster.dt, rel_tol=1e-6):
            raise ValueError(f"{function}: dt is {dt:g} ms, but this raster has {raster.dt:g} ms. Leave dt out.")
        dt, neurons, first = raster.dt, getattr(raster, "neurons", None), getattr(raster, "first", 0)
        raster = unpack(raster, n)
    elif hasattr(raster, "events"):
        raise ValueError(f"{function}: a list of spikes does not tell how long the run was; record a Raster.")
    elif not hasattr(raster, "dtype"):
        raster = np.asarray(raster)
    if raster.dtype == np.uint32:
        if n is None:
            raise ValueError(
                f"{function}: raster of uint32{list(raster.shape)}: expected spikes of shape (steps, n), or uint32 "
                "words with `n=` the number of neurons."
            )
        raster = unpack(raster, n)
    if raster.ndim != 2 or raster.dtype.kind not in "biuf" or 0 in raster.shape:
        raise ValueError(
            f"{function}: raster of {raster.dtype}{list(raster.shape)}: expected spikes, shape (steps, n)."
        )
    if n is not None and raster.shape[1] != n:
        raise ValueError(f"{function}: n is {n}, but the raster holds {raster.shape[1]} neurons.")
    if raster.dtype.kind != "b" and is_concrete(raster) and not bool((raster >= 0).all()):
        raise ValueError(f"{function}: the raster holds NaN or negative numbers, expected spikes or their number.")
    if raster.dtype.kind == "f" and is_concrete(raster) and not bool((raster == namespace(raster).round(raster)).all()):
        raise ValueError(
            f"{function}: the raster holds numbers that are not whole, expected spikes or their number: record a "
            "Raster, not a Trace; of spikes with amplitudes give `raster > 0`."
        )
    return Spikes(raster, dt, first, neurons)


def steps(time: Any, dt: float | None, function: str, name: str) -> int:
    """A time in ms as a whole number of steps."""
    if dt is None:
        raise ValueError(f"{function}: `{name}` is in ms: expected `dt=` too, ms (a recorded raster knows its own).")
    milliseconds(time, function, name)
    found = round(time / dt)
    if found < 1 or abs(found * dt - time) > 1e-3 * dt:
        raise ValueError(f"{function}: `{name}` is {time} ms: expected a whole number of steps of dt = {dt:g} ms.")
    return found


def milliseconds(value: Any, function: str, name: str) -> float:
    """A positive, finite number, or an error."""
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not real or not 0.0 < value < math.inf:
        raise ValueError(f"{function}: `{name}` is {value!r}: expected a positive number (of ms).")
    return float(value)


def count(value: Any, function: str, name: str) -> int:
    """A positive whole number, or an error."""
    try:
        found = -1 if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        found = -1
    if found < 1:
        raise ValueError(f"{function}: `{name}` is {value!r}: expected a positive whole number.")
    return found


def namespace(x: Array) -> Any:
    """NumPy or JAX's NumPy, whichever `x` belongs to."""
    return jnp if isinstance(x, jax.Array) else np
