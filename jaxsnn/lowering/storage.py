"""A registry of the classes that a program file may contain."""

from __future__ import annotations

from typing import TypeVar

from .._late import bring_all

KINDS: dict[str, type] = {}
Kind = TypeVar("Kind", bound=type)


def stored(kind: Kind) -> Kind:
    """Class decorator: program files may contain parts of this class, under its name.

    **Raises:** ValueError if another class has the name.
    """
    other = KINDS.setdefault(kind.__name__, kind)
    if other.__qualname__ != kind.__qualname__ or other.__module__ != kind.__module__:
        raise ValueError(
            f"{kind.__module__}.{kind.__name__} has the name of {other.__module__}.{other.__name__}, and files tell "
            "kinds by their names; give it another."
        )
    return kind


def name_of(kind: type) -> str:
    """The name of a class in a file. **Raises:** ValueError for one that is not registered."""
    if KINDS.get(kind.__name__) is not kind:
        raise ValueError(
            f"{kind.__name__} cannot be written to a program file; mark a kind of your own with @snn.lowering.stored."
        )
    return kind.__name__


def kind_of(name: str) -> type:
    """The class of a name in a file. **Raises:** ValueError for one that is not registered."""
    bring_all()
    if name not in KINDS:
        raise ValueError(f"the file names a {str(name)[:80]!r}, which is no part of a program")
    return KINDS[name]
