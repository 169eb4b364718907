"""What a model looks like in print: numbers with their units, shapes and ranges of arrays, and nothing that is long."""

from __future__ import annotations

import dataclasses
import inspect
import reprlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

_FEW = 4  # numbers that are written out


def described(module: Any) -> str:
    """A module as the call that makes it: `LIF(tau=20 ms, v_th=20 mV, ...)`."""
    parts = []
    for field in dataclasses.fields(module):
        if field.repr and hasattr(module, field.name):
            parts.append(f"{field.name}={text(getattr(module, field.name), field.metadata.get('unit', ''))}")
    return f"{type(module).__name__}({', '.join(parts)})"


def shown(value: Any) -> str:
    """A value in few characters."""
    value = value.func if isinstance(value, jax.tree_util.Partial) and not value.args else value
    plain = value.__name__ if inspect.isfunction(value) else reprlib.repr(value)  # no address of memory
    text = " ".join(plain.split())
    return f"{text} ({type(value).__name__})"


def text(value: Any, unit: str = "") -> str:
    """One part: an array with its unit, a module, a dictionary of them, or what Python writes."""
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return numbers(value, unit)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {text(part)}" for name, part in value.items()) + "}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        own = type(value).__repr__
        return repr(value) if "described" in own.__code__.co_names else described(value)
    if isinstance(value, (tuple, list)) and any(map(dataclasses.is_dataclass, value)):
        return "(" + ", ".join(map(text, value)) + ")"
    return " ".join(reprlib.repr(value).split())


def numbers(value: Any, unit: str = "") -> str:
    """`20 ms`; of many numbers their shape, smallest, mean and largest."""
    unit = "" if unit in ("", "1") else f" {unit}"
    if isinstance(value, jax.core.Tracer):
        return f"traced {value.dtype}{list(value.shape)}{unit}"
    if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return "key"
    x = np.asarray(value)
    if x.ndim == 0:
        return (f"{x[()]:.7g}" if x.dtype.kind == "f" else f"{x[()]}") + unit
    if x.size <= _FEW and x.ndim == 1:
        return "[" + ", ".join(f"{i:.7g}" if x.dtype.kind == "f" else f"{i}" for i in x) + "]" + unit
    shape = " x ".join(map(str, x.shape))
    if not x.size or x.dtype.kind not in "iuf":
        return f"<{shape} {x.dtype}>{unit}"
    return f"<{shape}, {x.min():.4g} .. {x.max():.4g}, mean {x.mean(dtype=np.float64):.4g}>{unit}"


def law(value: Any) -> str:
    """A law that numbers are drawn from, or what else they were given as, in few characters."""
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple) and len(value) <= _FEW and all(isinstance(part, str) for part in value):
        return law(value[0]) if len(value) == 1 else f"({', '.join(map(law, value))})"
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return numbers(value) if not value.shape else f"{' x '.join(map(str, value.shape))} numbers given"
    if "__str__" in vars(type(value)):
        return str(value)
    if dataclasses.is_dataclass(value):
        parts = [
            f"{field.name}={law(part)}"
            for field in dataclasses.fields(value)
            if field.repr and (part := getattr(value, field.name, None)) is not None
            if not (isinstance(part, bool) and part is field.default)
            if law(part) not in ("inf", "-inf") and not _same(field, part)
        ]
        return f"{type(value).__name__}({', '.join(parts)})"
    if isinstance(value, (list, tuple)):
        return f"{len(value)} given" if len(value) > _FEW else text(value)
    return "a function" if callable(value) else text(value)


def _same(field: Any, part: Any) -> bool:
    """Whether a choice is the default one."""
    made = field.default_factory
    usual = field.default if made is dataclasses.MISSING else made()
    return type(part) is type(usual) and dataclasses.is_dataclass(part) and described(part) == described(usual)
