"""Numbers as leaves: `param`, the helper that makes every numeric field, and checks that work under tracing."""

import dataclasses
import functools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Bool

from ._text import described

M = TypeVar("M")


def canonical_float() -> np.dtype:
    """The floating type of every number: float32, or float64 when x64 is enabled."""
    return jnp.result_type(float)


def is_concrete(*xs: Any) -> bool:
    """True if no leaf of any argument (pytrees) is being traced, so that its value can be inspected."""
    return not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(xs))


def is_staged() -> bool:
    """Whether what is computed now becomes a part of a program, as inside `jit`, whatever its arguments are."""
    return isinstance(jax.device_put(np.int32(0)), jax.core.Tracer)


def on_device(x: Any) -> Array:
    """A NumPy array or number as an array of JAX, concrete also inside `jit`.

    `jnp.asarray` would compile a program for each shape. The memory may be shared, so the argument must not be written
    to later.
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


def no_flag(value: Any) -> Any:
    """`value`, with booleans and arrays of them refused, which would otherwise be taken as 1 and 0."""
    held = np.asarray(value) if isinstance(value, (list, tuple)) and is_concrete(value) else value
    if isinstance(held, bool) or getattr(held, "dtype", None) == np.bool_:
        raise ValueError(f"Got {value!r} ({type(value).__name__}) for a number; expected a real number or an array.")
    return value


class AbstractLaw(eqx.Module):
    """Numbers that are still to be drawn: what a parameter may be before its network is built."""


Given = ArrayLike | Sequence[Any] | AbstractLaw  # what a number or an array of them may be given as


if TYPE_CHECKING:  # for a type checker: what a parameter may be given as, and that it is read as an array

    class Param:
        """A field made by `param`."""

        def __get__(self, obj: Any, owner: Any) -> Array: ...
        def __set__(self, obj: Any, value: Given) -> None: ...

    class OptionalParam:
        """A field made by `param(optional=True)`."""

        def __get__(self, obj: Any, owner: Any) -> Array | None: ...
        def __set__(self, obj: Any, value: Given | None) -> None: ...
else:
    Param, OptionalParam = Array, Array | None


def param(
    default: Any = dataclasses.MISSING,
    *,
    unit: str = "",
    optional: bool = False,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
    finite: bool = False,
    **kwargs: Any,
) -> Any:
    """A numeric field of an `eqx.Module`: an array leaf, never static, so that it can be swept and differentiated.

    **Arguments:** `default`: a number, an array or, if `optional`, None. `unit`: kept in the field's metadata. `gt`,
    `ge`, `lt`, `le`: what every value must be greater than, at least, less than, at most. `finite`: whether it must be
    finite. A `Checked` class tests all of it, and that no value is NaN. The rest goes to `eqx.field`.
    The value is converted by `as_number` at construction; a distribution stays one until it is drawn.
    """

    def convert(value: Any) -> Any:
        return value if (value is None and optional) or isinstance(value, AbstractLaw) else as_number(no_flag(value))

    bounds = {"gt": gt, "ge": ge, "lt": lt, "le": le, "finite": finite}
    metadata = {"unit": unit, **bounds, **kwargs.pop("metadata", {})}
    return eqx.field(default=default, converter=convert, metadata=metadata, **kwargs)


class Requirement(NamedTuple):
    """A condition between numbers, a boolean or an array of them, and the error message if it does not hold."""

    holds: Callable[[], Any]
    message: Callable[[], str]


_BOUNDS: tuple[tuple[str, Callable[[Any, float], Any], str], ...] = (
    ("gt", lambda x, bound: x > bound, "more than"),
    ("ge", lambda x, bound: x >= bound, "at least"),
    ("lt", lambda x, bound: x < bound, "less than"),
    ("le", lambda x, bound: x <= bound, "at most"),
)


def _inside(bounds: Mapping[str, Any], value: Any) -> Any:
    """Which numbers are within the bounds of their field."""
    xp = np if isinstance(value, np.ndarray) else jnp
    inside = xp.isfinite(value) if bounds["finite"] else ~xp.isnan(value)
    for name, within, _ in _BOUNDS:
        if bounds[name] is not None:
            inside = inside & within(value, bounds[name])
    return inside


_FEW = 64  # numbers of a field that is checked together with others


def _all_inside(numbers: list[tuple[Mapping[str, Any], Array]]) -> Bool[Array, ""]:
    """Whether all numbers of several fields are within the bounds of their own: in as many operations as for one."""
    sizes = [value.size for _, value in numbers]
    each = lambda name, absent: np.repeat([absent if b[name] is None else b[name] for b, _ in numbers], sizes)
    given = jnp.concatenate([jnp.ravel(value) for _, value in numbers])
    inside = jnp.where(each("finite", False), jnp.isfinite(given), ~jnp.isnan(given))
    for name, within, _ in _BOUNDS:
        bound = each(name, np.nan)
        if not np.all(np.isnan(bound)):
            inside = inside & (within(given, bound.astype(given.dtype)) | np.isnan(bound))
    return jnp.all(inside)


def _expected(field: dataclasses.Field) -> str:
    bounds = [f"{words} {field.metadata[name]:g}" for name, _, words in _BOUNDS if field.metadata[name] is not None]
    finite = "no NaN or infinity" if field.metadata["finite"] else "no NaN"
    return f"{' and '.join(bounds)} (and {finite})" if bounds else finite


def _numbers(module: eqx.Module) -> Iterator[tuple[dataclasses.Field, Any]]:
    """Every field made by `param` that has a value, and the value: an array, or a law."""
    for field in dataclasses.fields(module):
        value = getattr(module, field.name, None)
        if "finite" in field.metadata and (eqx.is_array(value) or isinstance(value, AbstractLaw)):
            yield field, value


class Checked(eqx.Module):
    """A module that checks the bounds of its parameters and its `requirements` at construction.

    Concrete numbers raise at once; for traced ones `out_of_bounds` gives a status bit.
    """

    drawn: ClassVar[bool] = False  # whether a network draws its numbers where they are given as distributions

    def __repr__(self) -> str:
        return described(self)

    def requirements(self) -> tuple[Requirement, ...]:
        """Conditions between its numbers, besides the bounds of each."""
        return ()

    def __check_init__(self):
        kind, waits = type(self).__name__, False
        for field, value in _numbers(self):
            if isinstance(value, AbstractLaw):
                waits = True
                if not self.drawn:
                    raise ValueError(
                        f"{kind}.{field.name} is a distribution, {type(value).__name__}; expected numbers: only "
                        "parameters of neurons, ports, releases and rules are drawn when a network is built."
                    )
            elif is_concrete(value):
                given = np.asarray(value)
                inside = _inside(field.metadata, given)
                if not np.all(inside):
                    unit = field.metadata["unit"]
                    raise ValueError(
                        f"{kind}.{field.name} is {_wrong(given, inside, unit)}; expected {_expected(field)}."
                    )
        if not waits:
            check_all(on_host(self).requirements())


def _wrong(value: np.ndarray, inside: np.ndarray, unit: str) -> str:
    """The first number that is out of bounds, with its unit, and how many there are."""
    first = f"{value[~inside].flat[0]} {unit}".rstrip()
    return first if value.size == 1 else f"{first} in {np.sum(~inside)} of {value.size} places"


def on_host(tree: M) -> M:
    """A tree with its concrete arrays as NumPy arrays, so that computing with them compiles nothing."""
    return jax.tree.map(lambda x: np.asarray(x) if isinstance(x, jax.Array) and is_concrete(x) else x, tree)


def shown(x: Any) -> str:
    """Numbers in an error message: one number as it is, the range of several."""
    known = np.asarray(x) if is_concrete(x) else None
    if known is None or known.ndim == 0:
        return f"{x if known is None else known}"
    return f"{known.min()} .. {known.max()}"


def check_all(requirements: tuple[Requirement, ...]) -> None:
    """Raise for the first requirement that is known not to hold."""
    for holds, message in requirements:
        with jax.ensure_compile_time_eval():
            held = holds()
        if is_concrete(held) and not np.all(np.asarray(held)):
            raise ValueError(message())


def broken(requirements: tuple[Requirement, ...]) -> Bool[Array, ""]:
    """Whether any requirement is violated, traced or not."""
    return ~_all([jnp.all(holds()) for holds, _ in requirements])


def _all(conditions: list[Any]) -> Bool[Array, ""]:
    return functools.reduce(operator.and_, conditions) if conditions else jnp.ones((), bool)


def recheck(tree: Any) -> None:
    """Check every module of a tree again, as at construction: after numbers in it were replaced."""
    for part in _parts(tree):
        recheck(part)
    if isinstance(tree, eqx.Module):
        for kind in type(tree).__mro__:
            if "__check_init__" in vars(kind):
                kind.__check_init__(tree)  # type: ignore[attr-defined]


def out_of_bounds(tree: Any) -> Bool[Array, ""]:
    """Whether any number of any `Checked` module in a tree is out of its bounds, or breaks a requirement."""
    modules = [*_checked(tree)]
    numbers = [(field.metadata, value) for module in modules for field, value in _numbers(module)]
    few = [(b, x) for b, x in numbers if eqx.is_array(x) and x.size <= _FEW and x.dtype == canonical_float()]
    held = [_all_inside(few)] if few else []
    held += [jnp.all(_inside(b, x)) for b, x in numbers if not any(x is y for _, y in few)]
    held += [jnp.all(holds()) for module in modules for holds, _ in module.requirements()]
    return ~_all(held)


def _checked(tree: Any) -> Iterator["Checked"]:
    """Every `Checked` module in a tree."""
    if isinstance(tree, Checked):
        yield tree
    for part in _parts(tree):
        yield from _checked(part)


def _parts(tree: Any) -> list[Any]:
    if dataclasses.is_dataclass(tree):
        return [getattr(tree, field.name, None) for field in dataclasses.fields(tree)]
    return [*tree.values()] if isinstance(tree, Mapping) else [*tree] if isinstance(tree, (list, tuple)) else []


def check(condition: ArrayLike | Callable[[], ArrayLike], message: str) -> None:
    """Raise `ValueError(message)` if `condition` is known to be False anywhere; a traced condition passes.

    Inside `jit` even a comparison of concrete arrays is traced: hand in a function to have it evaluated at trace time.
    """
    if callable(condition):
        with jax.ensure_compile_time_eval():
            condition = condition()
    if is_concrete(condition) and not np.all(np.asarray(condition)):
        raise ValueError(message)
