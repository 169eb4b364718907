"""Numbers as leaves: `param`, the helper that makes every numeric field, and checks that work under tracing."""

import dataclasses
import functools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Int

from ._choices import Chosen, check_choices
from ._text import described
from ._units import unitless

M = TypeVar("M")
G = TypeVar("G", contravariant=True)
R = TypeVar("R", covariant=True)


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
    unitless(value)
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


def as_integer(value: Any) -> Int[Array, "..."]:
    """A strongly typed int32 array; an error for concrete numbers that are not whole or do not fit."""
    if is_concrete(value):
        given = np.asarray(value)
        if given.dtype == bool or not np.issubdtype(given.dtype, np.number) or np.iscomplexobj(given):
            raise ValueError(f"Got {value!r} for a register; expected a whole number or an array of them.")
        if given.size and not (np.all(np.rint(given) == given) and np.abs(given).max() < 2**31):
            raise ValueError(f"Got {value!r} for a register; expected whole numbers below 2^31: quantise them.")
        return on_device(given.astype(np.int32))
    with jax.ensure_compile_time_eval():
        return jnp.asarray(value).astype(jnp.int32)


def no_flag(value: Any) -> Any:
    """`value`, with booleans and arrays of them refused, which would otherwise be taken as 1 and 0."""
    held = np.asarray(value) if isinstance(value, (list, tuple)) and is_concrete(value) else value
    if isinstance(held, bool) or getattr(held, "dtype", None) == np.bool_:
        raise ValueError(f"Got {value!r} ({type(value).__name__}) for a number; expected a real number or an array.")
    return value


class AbstractLaw(Chosen):
    """Numbers that are still to be drawn: what a parameter may be before its network is built."""


Given = ArrayLike | Sequence[Any] | AbstractLaw  # what a number or an array of them may be given as


class Field(Generic[G, R]):
    """For a type checker: a field of a module that is given as `G` and, once converted, read as `R`."""

    def __get__(self, obj: Any, owner: Any) -> R: ...
    def __set__(self, obj: Any, value: G) -> None: ...


Param = Field[Given, Array]  # made by `param`
OptionalParam = Field[Given | None, Array | None]  # by `param(optional=True)`
Register = Field[ArrayLike | Sequence[Any], Array]  # by `register`
OptionalRegister = Field[ArrayLike | Sequence[Any] | None, Array | None]  # by `register(optional=True)`
AnyArray = Field[Array | np.ndarray, Array]  # NumPy's where it is to be known while tracing too


def _as_parameter(value: Any) -> Any:
    """A number by `as_number`; a distribution stays one until it is drawn."""
    return value if isinstance(value, AbstractLaw) else as_number(no_flag(value))


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
    convert: Callable[[Any], Any] = _as_parameter,
    **kwargs: Any,
) -> Any:
    """A numeric field of an `eqx.Module`: an array leaf, never static, so that it can be swept and differentiated.

    **Arguments:** `default`: a number, an array or, if `optional`, None. `unit`: kept in the field's metadata. `gt`,
    `ge`, `lt`, `le`: what every value must be greater than, at least, less than, at most. `finite`: whether it must be
    finite. A `Checked` class tests all of it, and that no value is NaN. `convert`: makes an array of what is given.
    The rest goes to `eqx.field`.
    """

    def convert_or_none(value: Any) -> Any:
        try:
            return None if value is None and optional else convert(value)
        except ValueError as error:
            if type(error) is not ValueError:  # one of equations, which says the name
                raise
            raise ValueError(f"{made.name}: {error}") from None  # the name is known once the class is made

    bounds = {"gt": gt, "ge": ge, "lt": lt, "le": le, "finite": finite}
    metadata = {"unit": unit, **bounds, **kwargs.pop("metadata", {})}
    made = eqx.field(default=default, converter=convert_or_none, metadata=metadata, **kwargs)
    return made


def register(
    default: Any = dataclasses.MISSING, *, unit: str = "1", within: tuple[int, int] | None = None, **kwargs: Any
) -> Any:
    """A parameter that is a whole number, as in a register of a chip: an int32 leaf.

    **Arguments:** as of `param`; `within`: the smallest and the largest number that it holds.
    """
    low, high = (None, None) if within is None else within
    return param(default, unit=unit, ge=low, le=high, convert=as_integer, **kwargs)


class Requirement(NamedTuple):
    """A condition between numbers, a boolean or an array of them, and the error message if it does not hold."""

    holds: Callable[[], Any]
    message: Callable[[], str]


_BOUNDS: tuple[tuple[str, Callable[[Any, Any], Any], str], ...] = (
    ("gt", lambda x, bound: x > bound, "more than"),
    ("ge", lambda x, bound: x >= bound, "at least"),
    ("lt", lambda x, bound: x < bound, "less than"),
    ("le", lambda x, bound: x <= bound, "at most"),
)


def _inside(limits: Mapping[str, Any], value: Any) -> Any:
    """Which numbers are within their limits."""
    xp = np if isinstance(value, np.ndarray) else jnp
    inside = xp.isfinite(value) if limits["finite"] else ~xp.isnan(value)
    for name, within, _ in _BOUNDS:
        if limits[name] is not None:
            inside = inside & within(value, limits[name])
    return inside


_FEW = 64  # numbers of a field that is checked together with others


def _all_inside(numbers: list[tuple[Mapping[str, Any], Array]]) -> Bool[Array, ""]:
    """Whether all numbers of several fields of one type are within their limits: as many operations as for one."""
    sizes = [value.size for _, value in numbers]
    each = lambda name, absent: np.repeat([absent if b[name] is None else b[name] for b, _ in numbers], sizes)
    given = jnp.concatenate([jnp.ravel(value) for _, value in numbers])
    inside = jnp.where(each("finite", False), jnp.isfinite(given), ~jnp.isnan(given))
    for name, within, _ in _BOUNDS:
        absent = np.isnan(bound := each(name, np.nan))
        if not np.all(absent):
            inside = inside & (within(given, np.where(absent, 0.0, bound).astype(given.dtype)) | absent)
    return jnp.all(inside)


def _expected(limits: Mapping[str, Any], whole: bool) -> str:
    if whole:
        return f"whole numbers from {limits['ge']} to {limits['le']}"
    bounds = [f"{words} {limits[name]:g}" for name, _, words in _BOUNDS if limits[name] is not None]
    finite = "no NaN or infinity" if limits["finite"] else "no NaN"
    return f"{' and '.join(bounds)} (and {finite})" if bounds else finite


def parameters(module: eqx.Module) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Every field made by `param` that has a value: its name, the value (an array or a law), and its limits."""
    ends = module.register_ranges() if isinstance(module, Checked) else {}
    for field in dataclasses.fields(module):
        value = getattr(module, field.name, None)
        if "finite" in field.metadata and (eqx.is_array(value) or isinstance(value, AbstractLaw)):
            own = dict(zip(("ge", "le"), ends[field.name], strict=True)) if field.name in ends else {}
            yield field.name, value, {**field.metadata, **own}


def required(module: eqx.Module) -> Iterator[Any]:
    """The values of the fields made by `param` that are not optional; None of those that were taken out."""
    for field in dataclasses.fields(module):
        if "finite" in field.metadata and field.default is not None:
            yield getattr(module, field.name, None)


class Checked(eqx.Module):
    """A module that checks its choices, the bounds of its parameters and its `requirements` at construction.

    Concrete numbers raise at once; for traced ones `out_of_bounds` gives a status bit.
    """

    drawn: ClassVar[bool] = False  # whether a network draws its numbers where they are given as distributions

    def __repr__(self) -> str:
        return described(self)

    def requirements(self) -> tuple[Requirement, ...]:
        """Conditions between its numbers, besides the bounds of each."""
        return ()

    def register_ranges(self) -> dict[str, tuple[int, int]]:
        """The smallest and the largest value of parameters for which this depends on other fields."""
        return {}

    def __check_init__(self):
        check_choices(self)
        kind, waits = type(self).__name__, False
        for name, value, limits in parameters(self):
            if isinstance(value, AbstractLaw):
                waits = True
                if not self.drawn:
                    raise ValueError(
                        f"{kind}.{name} is a distribution, {type(value).__name__}; expected numbers: only "
                        "parameters of neurons, ports, releases and rules are drawn when a network is built."
                    )
            elif is_concrete(value):
                given = np.asarray(value)
                inside = _inside(limits, given)
                if not np.all(inside):
                    wrong, whole = _wrong(given, inside, limits["unit"]), given.dtype.kind == "i"
                    raise ValueError(f"{kind}.{name} is {wrong}; expected {_expected(limits, whole)}.")
        if not waits:
            check_all(on_host(self).requirements())


def _wrong(value: np.ndarray, inside: np.ndarray, unit: str) -> str:
    """The first number that is out of bounds, with its unit, and how many there are."""
    first = f"{value[~inside].flat[0]} {'' if unit == '1' else unit}".rstrip()
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
    numbers = [(limits, x) for module in modules for _, x, limits in parameters(module) if eqx.is_array(x)]
    few = [(limits, x) for limits, x in numbers if x.size <= _FEW]
    held = [jnp.all(_inside(limits, x)) for limits, x in numbers if x.size > _FEW]
    for dtype in {x.dtype: None for _, x in few}:
        held.append(_all_inside([(limits, x) for limits, x in few if x.dtype == dtype]))
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
