"""An experiment as a program: traced once for every structure, checked, and compiled if it is new."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr
from jaxtyping import Array

from .._types import canonical_float
from .collect import with_status
from .labels import check_names
from .plan import SEED, Points

Experiment = Callable[[dict[str, Any], Array], Mapping[str, Array]]


class RefusedExperiment(ValueError):
    """An experiment that no sweep can run, whatever the values of its `Static` parameters."""


class Traced(NamedTuple):
    """An experiment with its `Static` values: the program of a point, and the form of what it returns."""

    program: ClosedJaxpr  # (axes by name, seed, key) -> results by name
    axes: tuple[str, ...]
    form: dict[str, jax.ShapeDtypeStruct]


def trace(experiment: Experiment, static: dict[str, Any], axes: Iterable[str], key: Array, taken: set[str]) -> Traced:
    """The experiment, called once with traced numbers. `taken`: names that no result may have.

    **Raises:** ValueError if it asks for the value of a traced number or a parameter that there is not;
    RefusedExperiment if what it returns cannot be a labelled result.
    """
    axes = (*axes,)
    results: dict[str, jax.ShapeDtypeStruct] = {}

    def point(numbers: dict[str, Array], seed: Array, key: Array) -> list[Array]:
        fixed = {name: seed if value is SEED else value for name, value in static.items()}
        out = experiment(_Point(fixed | numbers), jax.random.fold_in(key, seed))
        results.update(_form(out, taken))
        return [jnp.asarray(out[name]) for name in results]

    number, seed = jax.ShapeDtypeStruct((), canonical_float()), jax.ShapeDtypeStruct((), jnp.int32)
    try:
        program = jax.make_jaxpr(point)(dict.fromkeys(axes, number), seed, key)
    except _UNTRACED as error:
        where = _line(experiment, error)
        raise ValueError(
            f"The experiment needs the value of a traced number{where}, in an `if`, `int()`, `range()` or NumPy: those "
            "of Axis and Seeds are known only while it runs. Use jnp.where or jax.lax.cond, or give it as Static."
        ) from error
    return Traced(program, tuple(sorted(axes)), results)


def compiled(traced: Traced, call: Points, key: Array) -> Callable[[Points], tuple[list[np.ndarray], np.ndarray]]:
    """What runs calls of the size of `call`: results by name, in the order of the form, and the status of each point.

    Compiled programs are kept, the last 32 of a process, and found by what they compute: another sweep of the same
    experiment, or of one that comes to the same program, compiles nothing.
    """
    program = _kept(lower(traced, call, key))
    return lambda call: jax.tree.map(np.asarray, program(*_arguments(traced, call, key)))


def lower(traced: Traced, call: Points, key: Array) -> jax.stages.Lowered:
    """The program of a call of the size of `call`, not yet compiled."""
    size = len(next(iter(call.axes.values()))) if call.axes else call.seed.size
    own = None if "status" not in traced.form else list(traced.form).index("status")

    def point(*arguments: Array) -> tuple[list[Array], Array]:
        out, status = with_status(traced.program)(*arguments)
        return out, status if own is None else status | out[own].astype(jnp.uint32)

    batched = (*(0 for _ in traced.axes), 0 if call.seed.ndim else None, None)
    batch = jax.vmap(point, in_axes=batched, axis_size=size)
    program = jax.jit(batch, keep_unused=True)  # so that the text of the program says which argument is which
    return program.lower(*_arguments(traced, call, key))


def _arguments(traced: Traced, call: Points, key: Array) -> tuple[Any, ...]:
    return *(call.axes[name] for name in traced.axes), call.seed, key


_programs: OrderedDict[str, jax.stages.Compiled] = OrderedDict()
_lock = threading.Lock()


def _kept(lowered: jax.stages.Lowered) -> jax.stages.Compiled:
    form = f"{jax.default_backend()} {jnp.zeros(()).devices()} {lowered.in_tree} {lowered.out_tree}"
    name = hashlib.sha256(f"{form} {lowered.as_text()}".encode()).hexdigest()
    with _lock:
        program = _programs.pop(name, None)
    program = lowered.compile() if program is None else program
    with _lock:
        _programs[name] = program
        while len(_programs) > 32:
            _programs.popitem(last=False)
    return program


class _Point(dict):
    """The values of a point by name."""

    def __missing__(self, name: Any) -> Any:
        raise ValueError(f"The experiment asks for point[{name!r}], and SPACE has {', '.join(self)}.")


def _form(out: Any, taken: set[str]) -> dict[str, jax.ShapeDtypeStruct]:
    """Shape and type of every result, by name.

    **Raises:** RefusedExperiment where one cannot be stored exactly.
    """
    if not isinstance(out, Mapping):
        raise RefusedExperiment(f"The experiment returned {type(out).__name__}, expected a dict of arrays.")
    form = {}
    try:
        check_names(out, "A result of the experiment", taken=taken | {"failure"})
    except ValueError as error:
        raise RefusedExperiment(str(error)) from None
    for name in sorted(out):
        value = out[name]
        if not isinstance(value, jax.Array | np.ndarray | np.generic):
            kind = type(value).__name__
            raise RefusedExperiment(f"The experiment returned {name!r}: {kind}, expected a dict of arrays.")
        dtype = value.dtype
        if jnp.issubdtype(dtype, jax.dtypes.prng_key):
            raise RefusedExperiment(f"The experiment returned {name!r}: a key; return jax.random.key_data of it.")
        if dtype.kind not in "biufc" or not dtype.isbuiltin:
            remedy = "return numbers" if dtype.kind in "OSUTMm" else "return it as float32 or int32"
            raise RefusedExperiment(f"The experiment returned {name!r} of type {dtype}, which no file holds; {remedy}.")
        held = jax.dtypes.canonicalize_dtype(dtype)
        if held != dtype and not np.array_equal(value, np.asarray(value).astype(held), equal_nan=dtype.kind in "fc"):
            raise RefusedExperiment(
                f"The experiment returned {name!r} of type {dtype}, which jax would round to {held}; return it so, or "
                "enable 64-bit types (jax_enable_x64)."
            )
        if name == "status" and (value.ndim or dtype.kind not in "iu"):
            raise RefusedExperiment(
                f"The experiment returned 'status' of shape {value.shape} and type {dtype}, expected one integer of "
                "status bits; jnp.bitwise_or.reduce makes one of several."
            )
        form[name] = jax.ShapeDtypeStruct(value.shape, held)
    clash = {f"{name}_dim{i}" for name, x in form.items() for i in range(len(x.shape))} & (taken | {*form})
    if clash:
        raise RefusedExperiment(f"{min(clash)!r} is an axis or a result, and a dimension of a result; rename it.")
    return form


_UNTRACED = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)


def _line(experiment: Experiment, error: BaseException) -> str:
    """Where in the file of the experiment an error comes from: ` (file.py, line 3)`."""
    code, line, at = getattr(experiment, "__code__", None), None, error.__traceback__
    while code is not None and at is not None:
        if at.tb_frame.f_code.co_filename == code.co_filename:
            line = at.tb_lineno
        at = at.tb_next
    return "" if code is None or line is None else f" ({code.co_filename.rpartition('/')[2]}, line {line})"
