"""Fields that hold a choice, such as `reset_mechanism: AbstractReset` or `detach: bool`, hold one of its kind.

A choice that is only asked for its class (`isinstance(self.reset_time, NextStep)`) would take anything else, such as a
string, for the other choice.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
import typing
from typing import Any

import equinox as eqx
import numpy as np

from ._text import shown

_MANY = 6  # choices that an error lists
_CHOICES = (eqx.Module, bool, type(None))


def check_choices(module: eqx.Module) -> None:
    """Refuse what is no instance of the module class, or no boolean, that its field is annotated with."""
    for name, kinds in _kinds(type(module)).items():
        value = getattr(module, name, None)
        value = bool(value) if isinstance(value, np.bool_) else value
        if not isinstance(value, kinds):
            given = f"the class {value.__name__}" if isinstance(value, type) else shown(value)
            raise ValueError(f"{type(module).__name__}.{name} is {given}, expected {_expected(kinds)}.")


class Chosen(eqx.Module):
    """A module that checks its choices at construction."""

    def __check_init__(self):
        check_choices(self)


@functools.cache
def _kinds(owner: type) -> dict[str, tuple[type, ...]]:
    """The fields of a class that are annotated with a module class or `bool`, or with a union of such and None."""
    found: dict[str, tuple[type, ...]] = {}
    for part in reversed(owner.__mro__):
        names = vars(sys.modules[part.__module__]) if part.__module__ in sys.modules else {}
        for name, annotation in inspect.get_annotations(part).items():
            found.pop(name, None)  # a subclass may take a wider kind
            kinds = _alternatives(_evaluated(annotation, names))
            if kinds and all(isinstance(kind, type) and issubclass(kind, _CHOICES) for kind in kinds):
                found[name] = kinds
    return found


def _evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, names)  # as `inspect.get_annotations(eval_str=True)`, a field at a time
    except (NameError, TypeError):  # a name that is there for a type checker only, or one of a function
        return None


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    union = isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union
    return typing.get_args(annotation) if union else (annotation,) if annotation is not None else ()


def _expected(kinds: tuple[type, ...]) -> str:
    """The choices in the rooms of `kinds`, or some of them: other rooms add to them when they are imported."""
    own = {kind.__name__ for base in kinds for kind in _below(base) if _is_public(kind) and _room(kind) == _room(base)}
    listed = [f"{name}(...)" for name in sorted(own)[:_MANY]]
    missing = ["True", "False"] * (bool in kinds) + ["another"] * (len(own) > _MANY) + ["None"] * (type(None) in kinds)
    texts = listed + missing or [" or ".join(f"an instance of {kind.__name__}" for kind in kinds)]
    return f"{', '.join(texts[:-1])} or {texts[-1]}" if len(texts) > 1 else texts[0]


def _below(kind: type) -> list[type]:
    return [kind, *(part for below in type.__subclasses__(kind) for part in _below(below))]


def _room(kind: type) -> list[str]:
    return kind.__module__.split(".")[:2]


def _is_public(kind: type) -> bool:
    abstract = inspect.isabstract(kind) or kind.__name__.startswith(("Abstract", "_"))
    return issubclass(kind, eqx.Module) and kind.__module__.startswith(f"{__package__}.") and not abstract
