"""Whether a part is of a kind that is known, or a subclass that changes what that kind does: then it is another one."""

from __future__ import annotations

import dataclasses
from typing import Any


def altered(part: Any, kind: type) -> tuple[str, ...]:
    """What classes between that of `part` and `kind` define anew of what `kind` has: methods, and facts of the class.

    Fields are numbers and choices, which are looked at by themselves.
    """
    below = type(part).__mro__
    between = below[: below.index(kind)]
    fields = {field.name for field in dataclasses.fields(part)} if dataclasses.is_dataclass(part) else set()
    names = {name for each in between for name in vars(each) if hasattr(kind, name)}
    return tuple(sorted(name for name in names - fields if not name.startswith("__") and name != "_abc_impl"))


def is_a(part: Any, *kinds: type) -> bool:
    """Whether a part is of one of these kinds and does what that kind does."""
    return any(isinstance(part, kind) and not altered(part, kind) for kind in kinds)
