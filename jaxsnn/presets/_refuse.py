"""Refusing by name what another tool has and a preset cannot express."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn


def refuse(model: str, given: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    """An error for the first argument that a preset does not take: with the reason where the tool has one so named."""
    for name, value in given.items():
        why = reasons.get(name, "which is not one of its parameters; see the signature of the preset for those")
        raise ValueError(f"{model} got {name} = {value!r}, {why}.")


def refused_names(module: str, reasons: Mapping[str, str]) -> Callable[[str], NoReturn]:
    """A module's `__getattr__`: what the tool has under a name that the module does not have, and what to use."""

    def missing(name: str) -> NoReturn:
        if name in reasons:
            raise AttributeError(f"{module} has no {name}: {reasons[name]}.")
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return missing
