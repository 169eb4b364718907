"""Trees of modules as JSON and arrays, and back: what files of networks and of states are made of."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ._arguments import shown

Arrays = dict[str, np.ndarray]


def describe(node: Any, at: str, arrays: Arrays, name_of: Callable[[type], str]) -> Any:
    """What a node is, as JSON; its arrays go into `arrays` under their path, `at` and below.

    `name_of` gives the name of a class, or raises ValueError for one that no file holds.
    """
    below = lambda part, name: describe(part, f"{at}.{name}" if at else str(name), arrays, name_of)
    if isinstance(node, jax.Array) and jnp.issubdtype(node.dtype, jax.dtypes.prng_key):
        arrays[at] = np.asarray(jax.random.key_data(node))
        return {"key": at, "kind": str(jax.random.key_impl(node))}
    if isinstance(node, np.ndarray | np.generic | jax.Array):
        arrays[at] = np.asarray(node)
        kind = "array" if isinstance(node, jax.Array) else "numpy" if isinstance(node, np.ndarray) else "scalar"
        return {kind: at}
    if node is None or isinstance(node, bool | int | float | str):
        return {"plain": node}
    if isinstance(node, dict):
        if not all(isinstance(name, str) for name in node):
            raise ValueError(f"Got a dict with the keys {[*node]} at {at!r}, expected names.")
        return {"dict": [[name, below(part, name)] for name, part in node.items()]}  # in their order
    if hasattr(node, "_fields"):
        fields = {name: getattr(node, name) for name in node._fields}
    elif isinstance(node, tuple | list):
        kind = "tuple" if isinstance(node, tuple) else "list"
        return {kind: [below(part, i) for i, part in enumerate(node)]}
    elif dataclasses.is_dataclass(node) and not isinstance(node, type):
        fields = {f.name: getattr(node, f.name) for f in dataclasses.fields(node) if hasattr(node, f.name)}
    else:
        given = shown(node) + (f" at {at!r}" if at else "")
        raise ValueError(f"Got {given}, which no file holds; expected numbers, names, and modules of them.")
    return {"kind": name_of(type(node)), "fields": {name: below(part, name) for name, part in fields.items()}}


def build(node: Any, arrays: Arrays, kind_of: Callable[[str], type]) -> Any:
    """The reverse. `kind_of` gives the class of a name, or raises ValueError for one that a file may not name.

    A module is put together as it was, and then checked as at its construction.
    """
    again = lambda part: build(part, arrays, kind_of)
    if "key" in node:
        return jax.random.wrap_key_data(jnp.asarray(arrays[node["key"]]), impl=node["kind"])
    if "array" in node:
        given = arrays[node["array"]]
        made = jnp.asarray(given)
        if made.dtype != given.dtype:
            raise ValueError(f"it holds {given.dtype}, for which jax_enable_x64 has to be switched on")
        return made
    if "numpy" in node:
        given = arrays[node["numpy"]]
        given.setflags(write=False)
        return given
    if "scalar" in node:
        return arrays[node["scalar"]][()]
    if "plain" in node:
        return node["plain"]
    if "dict" in node:
        return {name: again(part) for name, part in node["dict"]}
    if "tuple" in node:
        return tuple(again(part) for part in node["tuple"])
    if "list" in node:
        return [again(part) for part in node["list"]]
    kind, fields = kind_of(node["kind"]), {name: again(part) for name, part in node["fields"].items()}
    if issubclass(kind, tuple):
        return kind(**fields)
    unknown = fields.keys() - {field.name for field in dataclasses.fields(kind)}
    if unknown:
        raise ValueError(f"{kind.__name__} has no {min(unknown)!r}")
    made = object.__new__(kind)
    for name, value in fields.items():
        object.__setattr__(made, name, value)
    for base in kind.__mro__ if issubclass(kind, eqx.Module) else ():
        if "__check_init__" in vars(base):
            base.__check_init__(made)
    return made


def digest(text: str, arrays: Arrays) -> str:
    """A checksum of everything: text, names, types, shapes and numbers."""
    total = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        x = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {x.dtype.str} {x.shape}".encode())
        total.update(x.tobytes())
    return total.hexdigest()


def parsed(text: str) -> dict[str, Any]:
    """JSON that has to be an object."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("its header is no object")
    return found
