"""What is fed to a group in every step as its population's input: a `TimedArray` of Brian2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...equations.dimensions import Dimension
from .numbers import Number
from .plain import names_in, refuse
from .sources import HeldTable

INPUT = "input_now"  # what texts call it


class Table(NamedTuple):
    """A table: its name, its entry in a description, and what texts call its present row.

    That is the input itself where only derivatives read it; else a subexpression, which is kept for the step.
    """

    name: str
    entry: Mapping[str, Any]
    now: str

    @property
    def dimension(self) -> Dimension:
        return Number.of(self.entry).dimension

    def put(self, what: str, text: str) -> str:
        """A text in which `table(t)` and `table(t, i)` are the present row."""
        new = re.sub(rf"\b{self.name}\s*\(\s*t\s*(,\s*i\s*)?\)", self.now, text)
        if self.name in names_in(new):
            refuse(what, f"it reads the TimedArray {self.name!r} otherwise than by {self.name}(t) or {self.name}(t, i)",
                   text)  # fmt: skip
        return new


def input_of(what: str, group: Mapping[str, Any]) -> Table | None:
    """The one table over time that a group reads; two of them are refused."""
    lines, refractory, method = group["equations"], group["refractory"], group["method"]
    others = [group["threshold"], group["reset"], refractory if isinstance(refractory, str) else None]
    used = names_in(*(line["expr"] for line in lines), *others)
    found = [name for name, entry in group["names"].items() if "table" in entry and name in used]
    if not found:
        return None
    if len(found) > 1:
        refuse(
            what, f"it reads {found[0]!r} and {found[1]!r}; expected one TimedArray, which is the population's input"
        )
    (name,) = found
    kept = name in _read_outside(lines, others)
    now = f"{INPUT}_held" if kept else INPUT
    if method == "rk4" or (method in ("rk2", "rk4") and kept):
        refuse(what, f"{method!r} reads {name!r} within a step, where the input here is that of its start; expected "
               "another method")  # fmt: skip
    return Table(name, group["names"][name], now)


def _read_outside(lines: list[Any], others: list[str | None]) -> set[str]:
    """The names that are read outside of derivatives, through subexpressions."""
    subexpressions = {line["name"]: line for line in lines if line["type"] == "subexpression"}
    frozen = [line["expr"] for line in subexpressions.values() if "constant over dt" in line["flags"]]
    found: set[str] = set()
    waiting = names_in(*others, *frozen)
    while waiting:
        found |= waiting
        waiting = names_in(*(subexpressions[name]["expr"] for name in waiting if name in subexpressions)) - found
    return found


def held(what: str, name: str, table: Table, dt: float, n: int) -> HeldTable:
    """The table as the current of the population `name`. `dt`: s."""
    rows = Number.of(table.entry).value
    every, ahead = paced(what, table.name, table.entry["table"], dt)
    if rows.ndim == 2 and rows.shape[1] < n:
        refuse(what, f"the TimedArray {table.name!r} has {rows.shape[1]} columns, expected one for each of {n} neurons")
    return HeldTable(rows if rows.ndim == 1 else rows[:, :n], into=name, every=every, ahead=ahead)


def paced(what: str, name: str, step: float, dt: float) -> tuple[int, int]:
    """The steps of a row of a table, and the rows of a step. `step`: of the table, `dt`: of the network, s."""
    every, ahead = max(round(step / dt), 1), max(round(dt / step), 1)
    if abs(step / dt - every / ahead) > 1e-6 * step / dt:
        refuse(what, f"the TimedArray {name!r} has dt = {step * 1e3:g} ms, expected whole steps of {dt * 1e3:g} ms")
    return every, ahead
