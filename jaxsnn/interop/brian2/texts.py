"""Texts of Brian2 in the language of `snn.equations`: names that are free here, tables over time as the input."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ...equations.functions import FUNCTIONS, RANDOM
from ...equations.model import OWN, STATE
from ...equations.units import resolved
from ...neurons.ode import AbstractODE
from .numbers import Number, dimension_of, unit_text
from .plain import names_in, refuse, renamed

_MEANT = ("t", "dt", "xi")  # names that mean the same in both
INPUT = "table_now"  # what a table over time is here: the input of a population


class Table(NamedTuple):
    """A TimedArray: its name and its entry in a description."""

    name: str
    entry: Mapping[str, Any]


def taken(name: str) -> bool:
    """Whether a neuron here has this name for something else."""
    import keyword

    own = (*OWN, *STATE, "integrator", "surrogate", "refractory_period", INPUT)
    return hasattr(AbstractODE, name) or name in own or name.startswith("_") or keyword.iskeyword(name)


def free_names(lines: Iterable[Mapping[str, Any]], others: Iterable[str]) -> dict[str, str]:
    """New names, with an underscore behind, for those that are taken; `v` too where it is not integrated."""
    differential = {line["name"] for line in lines if line["type"] == "differential"}
    every = [*(line["name"] for line in lines), *others]
    found = {}
    for name in every:
        new = name.strip("_") if name.startswith("_") else name
        while taken(new) or (new == "v" and name not in differential) or (new != name and new in every):
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
            if known is None or known[1] != number.dimension or float(known[0]) != number.plain:
                found[name] = number
    return found


def table_of(what: str, names: Mapping[str, Any], texts: Iterable[str | None]) -> Table | None:
    """The one table over time that texts use; more than one are refused."""
    used = names_in(*texts)
    found = [Table(name, entry) for name, entry in names.items() if "table" in entry and name in used]
    if len(found) > 1:
        refuse(what, f"it reads two TimedArrays, {found[0].name!r} and {found[1].name!r}; expected one, the input of "
               "its population here")  # fmt: skip
    return found[0] if found else None


def with_input(what: str, text: str, table: Table | None, now: str = INPUT) -> str:
    """A text in which `table(t)` and `table(t, i)` are the name of the input."""
    if table is None:
        return text
    new = re.sub(rf"\b{table.name}\s*\(\s*t\s*(,\s*i\s*)?\)", now, text)
    if table.name in names_in(new):
        refuse(
            what,
            f"it reads the TimedArray {table.name!r} otherwise than by {table.name}(t) or {table.name}(t, i)",
            text,
        )
    return new


def line_text(line: Mapping[str, Any], expr: str | None, names: Mapping[str, str]) -> str:
    """A line in the language of equations. Numbers of synapses that spikes change are variables that stay."""
    name = names.get(line["name"], line["name"])
    unit = unit_text(dimension_of(line["dim"]))
    flags = f" ({', '.join(line['flags'])})" if line["flags"] else ""
    if line["type"] == "differential":
        return f"d{name}/dt = {renamed(expr or '', dict(names))} : {unit}{flags}"
    return f"{name} = {renamed(expr, dict(names))} : {unit}{flags}" if expr is not None else f"{name} : {unit}{flags}"
