"""Names of a text: each is defined once, is free, and contains no other in a circle."""

from __future__ import annotations

import keyword

from .functions import FUNCTIONS, RANDOM
from .model import NOISE, OWN, STATE, Model
from .parse import Line
from .source import EquationError


def check_once(found: list[Line]) -> None:
    """Every name once, and none that is taken."""
    seen: dict[str, Line] = {}
    for line in found:
        source = line.source
        if line.name in seen:
            source.error(line.at, f"{line.name!r} has an equation already; names are defined once.")
        if line.name in FUNCTIONS or line.name in RANDOM or line.name in ("t", "dt") or NOISE.match(line.name):
            source.error(line.at, f"{line.name!r} means something in every equation; take another name.")
        seen[line.name] = line


def check_free(name: str, line: Line | None, taken: type) -> None:
    """A name that becomes a field of a class, or of its state: none that `taken`, the class above it, has."""
    if hasattr(taken, name) or name.startswith("_") or name in (*STATE, *OWN) or keyword.iskeyword(name):
        message = f"{name!r} is a name that every class of equations has; take another one."
        if line is None:
            raise EquationError(message)
        line.source.error(line.at, message)


def check_acyclic(made: Model) -> None:
    """No subexpression contains itself."""

    def follow(name: str, above: tuple[str, ...]) -> None:
        expression = made.subexpressions[name]
        for node in expression.names():
            if node.id in (*above, name):
                expression.error(node, f"{node.id!r} contains itself; write it as a differential equation.")
            if node.id in made.subexpressions:
                follow(node.id, (*above, name))

    for name in made.subexpressions:
        follow(name, ())
