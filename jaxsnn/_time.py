"""Where a time enters: milliseconds become whole steps here and nowhere else, and the clock has an end.

Step `k` takes the state from `k dt` to `(k + 1) dt`; `k` is an int32, so that a model runs for at most `LAST` steps.
A time that a user writes is absolute and in ms. An `instant` field keeps it exactly as it was written; `on_grid`
replaces it by its step before anything is compiled, or says what is wrong with it. One that is traced is rounded while
the program runs, and `off_grid` finds those that could not be, for a status bit.
"""

from __future__ import annotations

import copy
import dataclasses
import operator
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Int32

from ._types import as_number, canonical_float, is_concrete, on_device
from ._units import unitless

T = TypeVar("T")

LAST = 2**31 - 1  # steps: the end of the clock; as an instant "never"
_TOLERANCE = 1e-3  # of a step: what is nearer to the grid lies on it


def steps(ms: ArrayLike, dt: float, *, exact: bool = True, name: str = "") -> Int32[Array, "..."]:
    """Milliseconds to whole steps, `round(ms / dt)`, same shape (`int(steps(ms, dt))` where a size is wanted).

    Rounded, because `int(ms / dt)` is wrong for 157 of the first 3001 multiples of 0.1 ms. A concrete constant further
    than 1e-3 of a step (or its own precision) from the grid is an error, as is one that is no finite number or more
    than the clock has. Traced values are rounded (halves to even), and so are drawn ones, for which `exact=False` says
    that being off the grid is meant. `name`: for the error.
    """
    if is_concrete(ms):
        count = _counted(ms, dt, exact, name)
        return on_device(count.astype(np.int32))
    with jax.ensure_compile_time_eval():
        count = jnp.round(as_number(ms) / dt)
        fits = jnp.abs(count) < 2.0**31  # NaN does not
        return jnp.where(fits, jnp.where(fits, count, 0).astype(jnp.int32), LAST)


def run_steps(t: Any, steps: Any, dt: float, first: Any = 0) -> int:
    """The number of steps of a run of `t` ms or of `steps`, from step `first` on: it has to end before the clock does.

    **Raises:** ValueError for both or neither, what is no positive whole number of steps, and a run beyond the clock.
    """
    if (t is None) == (steps is None):
        raise ValueError(f"Got t = {t} and steps = {steps}, expected one of them: t in ms, or a number of steps.")
    if steps is None:
        unitless(t, "t")
        if not (_is_real(t) and np.ndim(t) == 0 and is_concrete(t)):
            raise ValueError(f"Got t = {t!r}, expected a number of ms (it is static).")
        total = int(_counted(t, dt, True, "t"))
    else:
        total = whole(steps)
    if total is None or total < 1:
        given = f"{steps!r} steps" if t is None else f"{total} steps (t = {t:g} ms)"
        raise ValueError(f"Got a run of {given}, expected a positive whole number.")
    begin = int(first) if is_concrete(first) else 0
    if not 0 <= begin <= LAST - total:
        raise ValueError(
            f"A run of {total} steps from step {begin} would end beyond {LAST} steps, where the clock ends "
            f"({LAST * dt / 3.6e6:.4g} h at dt = {dt:g} ms); take a larger dt, or start a new run (state=None)."
        )
    return total


def whole(value: Any) -> int | None:
    """A Python or NumPy integer as an int; None for anything else, booleans among it."""
    if isinstance(value, (bool, np.bool_)) or not is_concrete(value):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _is_real(value: Any) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return False
    dtype = np.dtype(type(value)) if isinstance(value, (int, float)) else getattr(value, "dtype", np.dtype(bool))
    return jnp.issubdtype(dtype, np.floating) or jnp.issubdtype(dtype, np.integer)


def _counted(ms: Any, dt: float, exact: bool, name: str) -> np.ndarray:
    """Whole steps in double precision, or one error."""
    given, what = np.asarray(unitless(ms, name)), name and name + " = "
    precision = np.finfo(given.dtype).eps if np.issubdtype(given.dtype, np.floating) else 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        count = given.astype(np.float64) / dt
        nearest = np.rint(count)
        off = ~(np.abs(count - nearest) <= _TOLERANCE + precision * np.abs(count))
    if np.any(endless := ~np.isfinite(count)):
        raise ValueError(f"Got {what}{given[endless].flat[0]:g} ms, expected a finite number.")
    if np.any(beyond := np.abs(nearest) > LAST):
        raise ValueError(
            f"Got {what}{given[beyond].flat[0]:g} ms, which is {nearest[beyond].flat[0]:.15g} steps of dt = {dt:g} ms, "
            f"more than {LAST}, where the clock ends."
        )
    if exact and np.any(off):
        wrong = given[off].flat[0]
        raise ValueError(
            f"Got {what}{wrong:.10g} ms, which is no whole number of steps of dt = {dt:g} ms; "
            f"the nearest is {np.rint(float(wrong) / dt) * dt:.10g} ms: use that, or another dt."
        )
    return nearest


# --- instants: fields of drives and probes ----------------------------------------------------------------------------


def instant(default: Any = dataclasses.MISSING, *, optional: bool = False, never: bool = False, **kwargs: Any) -> Any:
    """A field for an absolute time, ms, or an array of them, as `as_instant` keeps it."""
    metadata = {"unit": "ms", "instant": True, "never": never}
    convert = lambda value: as_instant(value, optional=optional, never=never)
    return eqx.field(default=default, converter=convert, metadata=metadata, **kwargs)


def as_instant(value: Any, *, optional: bool = False, never: bool = False) -> Any:
    """Times in ms, 0 or later: an array of real numbers.

    What is known is kept in NumPy with the precision it came with, since single precision would round it to less than
    a step before long; what is traced is an array of the canonical type. `optional`: may be None. `never`: may be
    infinite.
    """
    if value is None and optional:
        return None
    unitless(value)
    if isinstance(value, (list, tuple)) and is_concrete(value):
        value = np.asarray(value, np.float64) if len(value) == 0 else np.asarray(value)
    if not _is_real(value):
        raise ValueError(f"Got {value!r} ({type(value).__name__}) for a time, expected a number of ms.")
    if not is_concrete(value):
        return as_number(value)
    known = np.array(value)
    if not np.issubdtype(known.dtype, np.floating):
        known = known.astype(np.float64)
    elif canonical_float() == np.float64 and known.dtype != np.float64:  # the number it was written as
        known = known.astype(str).astype(np.float64)
    known.setflags(write=False)
    bad = known[~(known >= 0) | (np.isinf(known) & (not never))]
    if bad.size:
        raise ValueError(f"Got {bad.flat[0]:g} ms for a time, expected 0 ms or later{'' if never else ', finite'}.")
    return known


def _instants(part: Any) -> Iterator[tuple[dataclasses.Field, Any]]:
    """The instants of one module."""
    if isinstance(part, eqx.Module):
        for field in dataclasses.fields(part):
            value = getattr(part, field.name, None)
            if field.metadata.get("instant") and value is not None:
                yield field, value


def _parts(tree: Any) -> Iterator[tuple[Any, Any]]:
    """What a module or a container holds, one level down."""
    if isinstance(tree, eqx.Module):
        fields = (field for field in dataclasses.fields(tree) if not field.metadata.get("static"))
        yield from ((field.name, getattr(tree, field.name, None)) for field in fields)
    elif isinstance(tree, Mapping):
        yield from tree.items()
    elif isinstance(tree, (list, tuple)):
        yield from enumerate(tree)


def on_grid(tree: T, dt: float) -> T:
    """The same drives, probes or losses with every known instant as its step, an int32 array; never is `LAST`.

    **Raises:** ValueError for one that lies off the grid or beyond the end of the clock.
    """
    new = {name: on_grid(part, dt) for name, part in _parts(tree)}
    for field, ms in _instants(tree):
        if is_concrete(ms) and not jnp.issubdtype(ms.dtype, np.integer):
            new[field.name] = _known(ms, dt, f"{type(tree).__name__}.{field.name}")
    if all(new[name] is part for name, part in _parts(tree)):
        return tree
    if isinstance(tree, Mapping):
        changed = copy.copy(tree)
        changed.update(new)  # type: ignore[attr-defined]
        return changed
    if isinstance(tree, (list, tuple)):
        parts = new.values()
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)  # type: ignore[return-value]
    changed = object.__new__(type(tree))
    for field in dataclasses.fields(tree):  # type: ignore[arg-type]
        if hasattr(tree, field.name):
            object.__setattr__(changed, field.name, new.get(field.name, getattr(tree, field.name)))
    return changed


def step_of(ms: Any, dt: float, name: str = "") -> Int32[Array, "..."]:
    """The step that an instant begins: what `on_grid` has put there, or the nearest one of a traced number of ms."""
    if jnp.issubdtype(ms.dtype, np.integer):
        return on_device(ms) if is_concrete(ms) else ms
    return on_device(_known(ms, dt, name)) if is_concrete(ms) else steps(ms, dt)


def _known(ms: Any, dt: float, name: str) -> np.ndarray:
    """The step of a known instant, `LAST` for never."""
    never = np.isinf(ms)
    return np.where(never, LAST, _counted(np.where(never, 0, ms), dt, True, name)).astype(np.int32)


def wrong(ms: Any, dt: float, *, never: bool = False) -> Bool[Array, ""]:
    """Whether any of these instants has no step: off the grid, before 0, not a number, or too late to be known.

    For traced ones. Single precision tells whole steps apart up to 2^23 of them.
    """
    if jnp.issubdtype(ms.dtype, np.integer):
        return jnp.any(ms < 0)
    ms = as_number(ms)
    eps, count = float(jnp.finfo(ms.dtype).eps), ms / dt
    near = jnp.abs(count - jnp.round(count)) <= _TOLERANCE + eps * jnp.abs(count)
    good = near & (count >= 0) & (count <= min(1 / eps, LAST))
    return jnp.any(~(good | (jnp.isposinf(ms) & never)))


def off_grid(tree: Any, dt: float) -> Bool[Array, ""]:
    """Whether any instant in a tree of drives, probes or losses is `wrong`: for the status of a program."""
    bad = jnp.zeros((), bool)
    for field, ms in _instants(tree):
        bad |= wrong(ms, dt, never=field.metadata["never"])
    for _, part in _parts(tree):
        bad |= off_grid(part, dt)
    return bad
