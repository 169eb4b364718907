"""Dotted paths into models and states: `"E.neuron.tau"`, `"EE.weight"`, `"E.exc.i"`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ._select import Selection, split
from ._types import as_number, is_concrete

M = TypeVar("M", bound=eqx.Module)


def children(node: Any) -> Mapping[str, Any]:
    """The named parts of a node: of a mapping, a NamedTuple, a Module, a tuple (by number); of anything else none."""
    if isinstance(node, Mapping):
        return node
    if hasattr(node, "_asdict"):
        return node._asdict()
    if isinstance(node, tuple):
        return {str(i): part for i, part in enumerate(node)}
    if dataclasses.is_dataclass(node):
        parts = {f.name: getattr(node, f.name) for f in dataclasses.fields(node) if hasattr(node, f.name)}
        # the named parts of a network stand directly below it: "E", not "populations.E"
        named = getattr(node, "named", None)
        return {**named, **parts} if isinstance(named, Mapping) else parts
    return {}


def get(node: Any, path: str) -> Any:
    """The part of `node` at `path`, with dots; one error that lists what there is instead."""
    at = node
    for depth, name in enumerate(path.split(".")):
        parts = children(at)
        if name not in parts:
            where = ".".join(path.split(".")[:depth]) or type(node).__name__
            known = ", ".join(sorted(map(str, parts))) or "nothing"
            raise ValueError(f"Got path {path!r}, but {where} has no {name!r}; it has {known}.")
        at = parts[name]
    return at


def set(model: M, path: str, value: Any) -> M:  # the verb users expect: snn.set(net, "E.neuron.tau", 10.0)
    """A copy of `model` with the leaf at `path` replaced by `value`, converted to the type the leaf has.

    **Arguments:** `path`: e.g. `"E.neuron.tau"`, `"EE.weight"`; `"E[0:80].neuron.tau"` is that of some neurons, the
    others keep theirs. `value`: a number or array, shape `()`, the leaf's or one a neuron that is named.
    **Raises:** ValueError if there is no such leaf, or if what it belongs to does not allow the value or its shape.
    """
    path, chosen = split(path, "path")
    old = get(model, path)
    if not eqx.is_array(old):
        raise ValueError(f"Got path {path!r}, which is {type(old).__name__}, no numeric leaf; set a number below it.")
    if jnp.issubdtype(old.dtype, jnp.floating):
        new = as_number(value)
    else:
        new = _like(value, old, path)
    if chosen is not None:
        new = _of_some(model, path, old, new, chosen)
    if new.ndim and old.ndim and new.shape != old.shape:
        raise ValueError(f"Got shape {new.shape} for {path!r}, expected () or {old.shape}.")
    changed = node = eqx.tree_at(lambda m: get(m, path), model, new)
    holders = []
    for name in path.split("."):
        holders.append(node)
        node = children(node)[name]
    for holder in reversed(holders):  # a number must suit all that hold it, from the innermost, as at construction
        for kind in type(holder).__mro__:
            if "__check_init__" in vars(kind):
                kind.__check_init__(holder)
    return changed


def _of_some(model: Any, path: str, old: Any, new: Any, chosen: Selection) -> Any:
    """A number for each neuron of a population: new ones for those that are chosen."""
    n = getattr(children(model).get(path.split(".")[0]), "n", None)
    if n is None or old.shape not in ((), (n,)):
        raise ValueError(f"Got neurons {chosen} in {path!r}, which is no parameter of neurons; leave the brackets out.")
    at = chosen.of(n, f"path {path!r}")
    if new.ndim and new.shape != (count := chosen.size(n, path),):
        raise ValueError(f"Got shape {new.shape} for {count} neurons of {path!r}, expected () or ({count},).")
    return jnp.broadcast_to(old, (n,)).at[at].set(new)


def _like(value: Any, old: jax.Array, path: str) -> jax.Array:
    """A value as the whole numbers, booleans or keys that a leaf has; what would be cut off is refused."""
    if is_concrete(value) and not jnp.issubdtype(old.dtype, jax.dtypes.prng_key):
        given = np.asarray(value)
        if not (given.dtype == bool or np.issubdtype(given.dtype, np.number)) or np.iscomplexobj(given):
            raise ValueError(f"Got {value!r} for {path!r}; expected {old.dtype.name} numbers.")
        kept = given.astype(old.dtype) if np.all(np.isfinite(given)) else None
        if kept is None or np.any(kept != given):
            raise ValueError(f"Got {value!r} for {path!r}, whose numbers are {old.dtype.name}; expected such numbers.")
        return jnp.asarray(kept)
    return jnp.asarray(value, old.dtype)


def paths(model: Any) -> Any:
    """The dotted path of every leaf, as a tree of strings like `model`: those that `get` and `set` take.

    A named part stands directly below the model, `"E.bias"`, where that is what `get` finds there.
    """
    parts_of = children(model)

    def dotted(keys: tuple[Any, ...], _: Any) -> str:
        parts = [jax.tree_util.keystr((key,), simple=True) for key in keys]
        if len(parts) > 2 or (len(parts) == 2 and parts[1] in parts_of):
            inside = children(parts_of.get(parts[0])).get(parts[1])
            if inside is not None and parts_of.get(parts[1]) is inside:
                return ".".join(parts[1:])
        return ".".join(parts)

    return jax.tree_util.tree_map_with_path(dotted, model)


def select(model: M, patterns: str | tuple[str, ...]) -> M:
    """Which real numbers of a model have a dotted path that matches: a tree of booleans like `model`.

    **Arguments:** `patterns`: globs, e.g. `"*.weight"` or `("hid.neuron.tau", "in*.weight")`; `*` matches dots too.
    **Raises:** ValueError for a pattern that matches no number.
    """
    patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    at = paths(model)
    real = jax.tree.map(eqx.is_inexact_array, model)
    names = [path for path, is_real in zip(jax.tree.leaves(at), jax.tree.leaves(real), strict=True) if is_real]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ValueError(f"Got {pattern!r}, which matches no number of the model; there are {', '.join(names)}.")
    chosen = lambda path, is_real: is_real and any(fnmatchcase(path, pattern) for pattern in patterns)
    return jax.tree.map(chosen, at, real)
