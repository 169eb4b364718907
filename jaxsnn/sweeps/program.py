"""An experiment as a program: traced once for every structure, and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr
from jaxtyping import Array

from .. import _tree
from .choices import Seeds, Static
from .form import Dims, Form, RefusedExperiment, form_of
from .space import Space

Experiment = Callable[[Any, Array], Mapping[str, Any]]


class Traced(NamedTuple):
    """An experiment with its `Static` values: the program of a point, and the form of what it returns."""

    program: ClosedJaxpr  # (axes by name, seed, key) -> results by name
    axes: tuple[str, ...]
    form: Form


class Point(dict):
    """The values of a point by name, as an experiment gets them.

    `point[name]` is a traced number for an `Axis`, `Whole`, `Flag` and `Seeds`, and the plain value for a `Static`.
    """

    def __missing__(self, name: Any) -> Any:
        raise ValueError(f"The experiment asks for point[{name!r}], and SPACE has {', '.join(self)}.")

    def __getitem__(self, name: Any) -> Any:
        self.used.add(name)
        return super().__getitem__(name)

    @property
    def used(self) -> set[str]:
        """The names that the experiment has asked for."""
        return self.__dict__.setdefault("_used", set())

    def into(self, model: Any) -> Any:
        """A copy of `model` with the numbers of the point whose names are dotted paths, as `"E.neuron.tau"`, in place.

        **Raises:** ValueError for a path at which the model has no number.
        """
        for name in self:
            if "." in name:
                model = _tree.set(model, name, self[name])
        return model


def trace(
    experiment: Experiment, space: Space, static: dict[str, Any], key: Array, taken: set[str], dims: Dims
) -> Traced:
    """The experiment, called once with traced numbers. `static`: the values of every `Static`. `taken`: names that no
    result may have. `dims`: names of the dimensions of results.

    **Raises:** ValueError if it asks for the value of a traced number or a parameter that there is not;
    RefusedExperiment if what it returns cannot be a labelled result.
    """
    kinds = {name: axis.dtype for name, axis in space.items() if not isinstance(axis, Static | Seeds)}
    seed_name = next((name for name, axis in space.items() if isinstance(axis, Seeds)), None)
    form: Form = {}

    def point(numbers: dict[str, Array], seed: Array, key: Array) -> list[Array]:
        known = {**static, **numbers, **({} if seed_name is None else {seed_name: seed})}
        given = Point({name: known[name] for name in space})
        out = experiment(given, jax.random.fold_in(key, seed))
        form.update(form_of(out, taken, dims))
        unused = [name for name in space if "." in name and name not in given.used]
        if unused:
            raise RefusedExperiment(
                f"SPACE has {unused[0]!r}, a path into a model, and the experiment does not put it there: "
                "`net = point.into(net)`."
            )
        return [jnp.asarray(getattr(out[name], "data", out[name])) for name in form]

    numbers = {name: jax.ShapeDtypeStruct((), kind) for name, kind in kinds.items()}
    try:
        program = jax.make_jaxpr(point)(numbers, jax.ShapeDtypeStruct((), jnp.int32), key)
    except _UNTRACED as error:
        where = _line(experiment, error)
        raise ValueError(
            f"The experiment needs the value of a traced number{where}, in an `if`, `int()`, `range()`, a shape or "
            "NumPy: those of Axis, Whole, Flag and Seeds are known only while it runs. Use jnp.where or jax.lax.cond, "
            "or give it as Static."
        ) from error
    if _spread(program.jaxpr):
        raise ValueError(
            "The experiment divides its own work among devices (`networks.sharded` or jax.shard_map), and a sweep puts "
            "whole points on each device; sweep the network that was divided."
        )
    return Traced(program, tuple(sorted(numbers)), form)


def _spread(jaxpr: Jaxpr) -> bool:
    """Whether a part of a program runs on several devices."""

    def inside(x: Any) -> bool:
        found = getattr(x, "jaxpr", x)
        return isinstance(found, Jaxpr) and _spread(found)

    return any(
        (eqn.primitive.name == "shard_map" and eqn.params["mesh"].size > 1)
        or any(inside(x) for x in jax.tree.leaves([*eqn.params.values()]))
        for eqn in jaxpr.eqns
    )


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


def same_form(form: Form, known: Form, *, ragged: bool) -> None:
    """One program always returns the same form; those of other `Static` values might not. `ragged`: shapes may."""
    others = "for other Static values; expected the same"
    if form.keys() != known.keys():
        raise ValueError(f"The experiment returned {sorted(form)}, and {sorted(known)} {others} names.")
    for name, x in form.items():
        there = known[name]
        if (x.shape != there.shape and not ragged) or x.dims != there.dims or len(x.shape) != len(there.shape):
            raise ValueError(
                f"The experiment returned {name!r} of shape {x.shape}, and {there.shape} {others} shape, or "
                "ragged='pad' (filled up with NaN or 0) or ragged='tree' (a dataset for each Static value)."
            )
        if x.dtype != there.dtype:
            raise ValueError(f"The experiment returned {name!r} of type {x.dtype}, and {there.dtype} {others} type.")
