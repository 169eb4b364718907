"""What is imported only when it is asked for: the names of a room, and rooms that register what they have.

Making a class of Equinox takes a millisecond, and there are hundreds: a user pays for those that are used.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import resolve_name
from typing import Any

from ._elsewhere import hint

_WAITING: list[Callable[[], object]] = []


def later(bring: Callable[[], object]) -> None:
    """`bring` imports a room; it is called once, before anything is looked up that the room may have registered."""
    _WAITING.append(bring)


def bring_all() -> None:
    """Import what has waited until now."""
    while _WAITING:
        _WAITING.pop()()


def exports(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package whose names are imported when they are first asked for.

    Its `__init__` says which they are, for readers and type checkers, by `from .file import name as name` below
    `if TYPE_CHECKING:`; this is read from there, so that nothing is written twice.
    """

    def __getattr__(name: str) -> Any:
        if name == "__all__":
            return [*_places(package)]
        if name not in _places(package):
            known = hint(name) if package == "jaxsnn" and not name.startswith("_") else ""
            raise AttributeError(
                f"module {package!r} has no attribute {name!r}{known}", name=name, obj=sys.modules[package]
            )
        module, member = _places(package)[name]
        found: Any = importlib.import_module(module)
        found = getattr(found, member) if member else found
        setattr(sys.modules[package], name, found)  # asked for once
        return found

    def __dir__() -> list[str]:
        own = (name for name in vars(sys.modules[package]) if name != "TYPE_CHECKING")
        return sorted({*own, *_places(package)})

    return __getattr__, __dir__


@cache
def _places(package: str) -> dict[str, tuple[str, str]]:
    """`{name: (module, its name there)}` of what a package exports; the second is empty for a module itself."""
    loader: Any = getattr(sys.modules[package].__spec__, "loader", None)
    found = {}
    for node in ast.walk(ast.parse(loader.get_source(package))):
        if isinstance(node, ast.ImportFrom) and node.level:
            module = resolve_name("." * node.level + (node.module or ""), package)
            for name, said in ((alias.name, alias.asname) for alias in node.names):
                if said is not None and said[0] != "_":
                    found[said] = (module, name) if node.module else (f"{module}.{name}", "")
    return found
