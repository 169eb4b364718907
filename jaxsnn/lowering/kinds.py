"""Whether a part is of a known class, or of a subclass that overrides its behaviour and so is unknown."""

from __future__ import annotations

import dataclasses
from typing import Any


def altered(part: Any, kind: type) -> tuple[str, ...]:
    """The methods and class attributes of `kind` that subclasses down to that of `part` override.

    Fields are not counted: numbers and choices are examined by themselves.
    """
    below = type(part).__mro__
    between = below[: below.index(kind)]
    fields = {field.name for field in dataclasses.fields(part)} if dataclasses.is_dataclass(part) else set()
    names = {name for each in between for name in vars(each) if hasattr(kind, name)}
    return tuple(sorted(name for name in names - fields if not name.startswith("__") and name != "_abc_impl"))


def is_a(part: Any, *kinds: type) -> bool:
    """Whether a part is of one of these classes and overrides nothing of it."""
    return any(isinstance(part, kind) and not altered(part, kind) for kind in kinds)
