"""Texts of Brian2 in the language of `snn.equations`: names that are free here, tables over time as the input."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ...equations.functions import FUNCTIONS, RANDOM
from ...equations.model import OWN, STATE
from ...equations.units import resolved
from ...neurons.ode import AbstractODE
from .numbers import Number, dimension_of, unit_text
from .plain import refuse, renamed
from .tables import INPUT, Table


class Texts(NamedTuple):
    """How texts of a group are written here: with these new names, and with the input in the place of what is fed."""

    what: str
    names: Mapping[str, str]
    fed: Table | None

    def name(self, name: str) -> str:
        """The name that something has here."""
        return self.names.get(name, name)

    def new(self, text: str | None) -> str | None:
        """A text, rewritten."""
        if text is None:
            return None
        return renamed(text if self.fed is None else self.fed.put(self.what, text), self.names)

    def equations(self, lines: Iterable[Mapping[str, Any]], into: set[str]) -> list[str]:
        """The lines of the group. A parameter that spikes change becomes a variable that else stays."""
        found = []
        for line in lines:
            expr = self.new(line["expr"])
            if line["name"] in into and line["type"] == "parameter":
                line, expr = {**line, "type": "differential", "flags": []}, f"0*{self.name(line['name'])}/ms"
            found.append(line_text(line, expr, self.names))
        if self.fed is not None and self.fed.now != INPUT:
            found.append(f"{self.fed.now} = {INPUT} : {unit_text(self.fed.dimension)} (constant over dt)")
        return found

    def parameters(self, given: Mapping[str, Number]) -> list[str]:
        """A line for each name of the namespace."""
        return [f"{self.name(name)} : {unit_text(number.dimension)}" for name, number in given.items()]


def line_text(line: Mapping[str, Any], expr: str | None, names: Mapping[str, str]) -> str:
    """A line in the language of equations; `expr`: rewritten already."""
    name, unit = names.get(line["name"], line["name"]), unit_text(dimension_of(line["dim"]))
    flags = f" ({', '.join(line['flags'])})" if line["flags"] else ""
    head = name if expr is None else f"d{name}/dt = {expr}" if line["type"] == "differential" else f"{name} = {expr}"
    return f"{head} : {unit}{flags}"


def free_names(lines: Iterable[Mapping[str, Any]], others: Iterable[str]) -> dict[str, str]:
    """New names, with an underscore behind, for those that neurons have; `v` too where it is not integrated."""
    differential = {line["name"] for line in lines if line["type"] == "differential"}
    own = (*OWN, *STATE, "integrator", "surrogate", "refractory_period", INPUT, f"{INPUT}_held")
    taken = lambda name: hasattr(AbstractODE, name) or name in own or keyword.iskeyword(name)
    return freed([*(line["name"] for line in lines), *others],
                 lambda name: taken(name) or (name == "v" and name not in differential))  # fmt: skip


def freed(names: Iterable[str], taken: Any) -> dict[str, str]:
    """New names for those that are taken, or begin with an underscore."""
    names, found = [*names], {}
    for name in names:
        new = name.strip("_") if name.startswith("_") else name
        while taken(new) or (new != name and (new in names or new in found.values())):
            new += "_"
        if new != name:
            found[name] = new
    return found


def constants(what: str, names: Mapping[str, Any]) -> dict[str, Number]:
    """Of the names that a group does not define, those with a value of their own; functions have to be known."""
    found = {}
    for name, entry in names.items():
        if "function" in entry:
            if name not in FUNCTIONS and name not in RANDOM:
                refuse(what, f"{name}() is a function that equations here do not have; they have "
                       f"{', '.join([*FUNCTIONS, *RANDOM])}")  # fmt: skip
        elif "table" not in entry:
            number, known = Number.of(entry), resolved(name)
            if known is None or known[1] != number.dimension or not np.array_equal(known[0], number.plain):
                found[name] = number
    return found
