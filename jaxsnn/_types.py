"""Numbers as leaves: the one helper that every numeric field goes through, and checks that know about tracing."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Bool


def canonical_float() -> np.dtype:
    """The floating type of every number: float32, or float64 when x64 is enabled."""
    return jnp.result_type(float)


def is_concrete(*xs: Any) -> bool:
    """True if no leaf of any argument (pytrees) is being traced, so that its value can be looked at."""
    return not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(xs))


def on_device(x: Any) -> Array:
    """A NumPy array or number as an array of JAX, known inside `jit`, too.

    `jnp.asarray` would compile a program for each shape. The memory may be shared: hand in what nobody writes to.
    """
    with jax.ensure_compile_time_eval():
        return jax.device_put(x)


def as_number(value: Any) -> Array:
    """A strongly typed array of the canonical float type; a plain number stays concrete inside `jit`.

    A weakly typed leaf would trace a second time and change the type of a scan's carry, hence the explicit type.
    """
    numeric = isinstance(value, (bool, int, float)) or (
        hasattr(value, "dtype") and (jnp.issubdtype(value.dtype, np.number) or jnp.issubdtype(value.dtype, np.bool_))
    )
    if isinstance(value, (list, tuple)):  # nested sequences are what NumPy makes of them
        try:
            return as_number(np.asarray(value) if is_concrete(value) else jnp.asarray(value))
        except (TypeError, ValueError):
            numeric = False
    if not numeric or jnp.iscomplexobj(value):
        raise ValueError(
            f"Got {value!r} ({type(value).__name__}) for a numeric field; expected a real number or an array of them."
        )
    with jax.ensure_compile_time_eval():  # `asarray` would leave a weakly typed tracer weak
        if not isinstance(value, jax.Array):  # by NumPy, which compiles nothing
            return on_device(np.array(value, canonical_float()))
        return lax.convert_element_type(jnp.asarray(value), canonical_float())


def param(
    default: Any = dataclasses.MISSING,
    *,
    unit: str = "",
    optional: bool = False,
    above: float | None = None,
    least: float | None = None,
    **kwargs: Any,
) -> Any:
    """A numeric field of an `eqx.Module`: an array leaf, never static, so that it can be swept and differentiated.

    **Arguments:** `default`: a number, an array or, if `optional`, None. `unit`: kept in the field's metadata. `above`,
    `least`: what every value must exceed, or at least be; a `Checked` class tests it. The rest goes to `eqx.field`.
    The value is converted by `as_number` at construction.
    """

    def convert(value: Any) -> Array | None:
        return None if value is None and optional else as_number(value)

    metadata = {"unit": unit, "above": above, "least": least, **kwargs.pop("metadata", {})}
    return eqx.field(default=default, converter=convert, metadata=metadata, **kwargs)


def _bounds(module: eqx.Module) -> Iterator[tuple[dataclasses.Field, Array, Callable[[], Array], str]]:
    """Every bounded field: its value, whether it is within bounds, and the bound in words."""
    for field in dataclasses.fields(module):
        value = getattr(module, field.name, None)
        above, least = field.metadata.get("above"), field.metadata.get("least")
        if value is not None and above is not None:
            yield field, value, lambda value=value, above=above: value > above, f"more than {above:g}"
        if value is not None and least is not None:
            yield field, value, lambda value=value, least=least: value >= least, f"at least {least:g}"


class Checked(eqx.Module):
    """A Module whose numbers are held to the bounds of their `param`: an error at once where they are known.

    Traced ones cannot raise: `out_of_bounds` finds them for a status bit.
    """

    def __check_init__(self):
        for field, value, inside, bound in _bounds(self):
            given = f"{type(self).__name__}.{field.name} is {value} {field.metadata.get('unit')}".rstrip()
            check(inside, f"{given}; expected {bound} (and no NaN).")


def out_of_bounds(tree: Any) -> Bool[Array, ""]:
    """Whether any number of any `Checked` module in a tree is out of its bounds."""
    bad = jnp.zeros((), bool)
    if isinstance(tree, Checked):
        for _, _, inside, _ in _bounds(tree):
            bad |= ~jnp.all(inside())
    if dataclasses.is_dataclass(tree):
        parts = [getattr(tree, field.name, None) for field in dataclasses.fields(tree)]
    else:
        parts = [*tree.values()] if isinstance(tree, Mapping) else [*tree] if isinstance(tree, (list, tuple)) else []
    for part in parts:
        bad |= out_of_bounds(part)
    return bad


def check(condition: ArrayLike | Callable[[], ArrayLike], message: str) -> None:
    """Raise `ValueError(message)` if `condition` is known to be False anywhere; a traced condition passes.

    Inside `jit` even a comparison of concrete arrays is traced: hand in a function to have it evaluated at trace time.
    """
    if callable(condition):
        with jax.ensure_compile_time_eval():
            condition = condition()
    if is_concrete(condition) and not np.all(np.asarray(condition)):
        raise ValueError(message)
