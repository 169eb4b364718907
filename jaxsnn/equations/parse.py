"""The lines of a model: differential equations, subexpressions and parameters; and the statements of a reset."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from .dimensions import Dimension
from .expressions import Expression
from .source import Source, near
from .units import unit_text

_HEAD = re.compile(r"\s*(?:d(?P<variable>\w+)\s*/\s*dt\s*=|(?P<name>\w+)\s*=(?!=)|(?P<parameter>\w+)\s*$)")
_START = re.compile(r"\s*(d\w+\s*/\s*dt\s*=|\w+\s*=(?!=)|\w+\s*:)")
_ALLOWED = {
    "differential": {"unless refractory"},
    "subexpression": {"constant over dt", "shared"},
    "parameter": {"constant", "shared", "summed"},
}
SYNAPSES = {
    "differential": {"event-driven", "clock-driven"},
    "subexpression": set(),
    "parameter": {"constant", "shared"},
}
CLOCKED = {
    "differential": {"event-driven", "clock-driven"},
    "subexpression": {"summed"},
    "parameter": {"constant", "shared"},
}
_CALLED = {"differential": "differential equation", "subexpression": "subexpression", "parameter": "parameter"}
_ELSEWHERE = {
    "event-driven": "which is for synapses",
    "clock-driven": "which is for synapses",
    "summed": "which is for synapses; what they sum into is a line without an equation, `x : unit (summed)`",
    "linked": "which names a variable of another group; connect the two by a projection",
}


class Line(NamedTuple):
    """One equation. `kind`: `differential`, `subexpression` or `parameter`; `at`: where its name stands."""

    kind: str
    name: str
    expression: Expression | None
    dimension: Dimension
    flags: frozenset[str]
    source: Source
    at: int


class Statement(NamedTuple):
    """`name operation expression` of a reset, where the operation is `=`, `+=`, `-=`, `*=` or `/=`."""

    name: str
    operation: str
    expression: Expression
    at: int


def check_order(code: Iterable[Statement], local: Container[str]) -> None:
    """Names that statements set (`local`) are there for the statements behind them alone."""
    known: set[str] = set()
    for each in code:
        for node in each.expression.names():
            if node.id in local and node.id not in known:
                each.expression.error(node, f"{node.id!r} is not defined here; set it in a statement before, or give "
                                            "it a line.")  # fmt: skip
        if each.name in local and each.name not in known and each.operation != "=":
            each.expression.source.error(each.at, f"{each.name!r} is not defined here; set it before it changes.")
        known.add(each.name)


def lines(source: Source, allowed: Mapping[str, set[str]] = _ALLOWED) -> list[Line]:
    """The equations of a text; one may go over several lines, up to its colon and unit. `allowed`: flags by kind."""
    found, at = [], 0
    for begin, end in _pieces(source):
        colon = source.text.index(":", begin, end)
        found.append(_line(source, begin, colon, end, allowed))
        at = end
    if not found:
        source.error(at, "There are no equations here, expected lines such as `dv/dt = -v/tau : volt`.")
    return found


def _pieces(source: Source) -> list[tuple[int, int]]:
    """Where each equation begins and ends."""
    pieces, begin, at = [], None, 0
    for text in source.text.split("\n"):
        end = at + len(text)
        if text.strip():
            if begin is not None and _START.match(text) and not _continued(source.text[begin:at]):
                source.error(
                    at - 1, "This equation has no unit, expected `: volt` or another one behind it (`: 1` if none)."
                )
            begin = at + len(text) - len(text.lstrip()) if begin is None else begin
            if ":" in text:
                pieces.append((begin, end))
                begin = None
        at = end + 1
    if begin is not None:
        source.error(len(source.text.rstrip()), "This equation has no unit, expected `: volt` or another one behind it "
                     "(`: 1` if none).")  # fmt: skip
    return pieces


def _continued(text: str) -> bool:
    """Whether an equation has to go on in the next line: a parenthesis is open, or an operator is last."""
    return (
        text.count("(") > text.count(")")
        or text.rstrip()[-1:] in "+-*/%,=<>"
        or text.split()[-1] in ("and", "or", "not")
    )


def _line(source: Source, begin: int, colon: int, end: int, allowed: Mapping[str, set[str]]) -> Line:
    text = source.text
    head = _HEAD.match(text, begin, colon)
    if head is None:
        source.error(begin, "This is no equation, expected `dx/dt = ... : unit`, `x = ... : unit` or `x : unit`.")
    kind = next(k for k, group in zip(_ALLOWED, ("variable", "name", "parameter")) if head[group])
    group = {"differential": "variable", "subexpression": "name", "parameter": "parameter"}[kind]
    name, at = head[group], head.start(group)
    if not name.isidentifier() or name.startswith("_"):
        source.error(at, f"{name!r} is no name of a variable; expected a letter, then letters, digits and underscores.")
    expression = None if kind == "parameter" else Expression.of(source, head.end(), colon)
    flags, stop = _flags(source, kind, colon + 1, end, allowed[kind])
    if not text[colon + 1 : stop].strip():
        source.error(colon + 1, "There is no unit here, expected one such as volt (`1` if there is none).")
    return Line(kind, name, expression, unit_text(source, colon + 1, stop), flags, source, at)


def _flags(source: Source, kind: str, begin: int, end: int, known: set[str]) -> tuple[frozenset[str], int]:
    """The flags in parentheses behind a unit, and where the unit ends."""
    found = re.search(r"\(([^()]*)\)\s*$", source.text[begin:end])
    if found is None or source.text[begin : begin + found.start()].rstrip()[-1:] in ("", "*", "/"):
        return frozenset(), end
    flags, at = [], begin + found.start(1)
    for flag in found[1].split(","):
        word, where = " ".join(flag.split()), at + len(flag) - len(flag.lstrip())
        if word in _ELSEWHERE and word not in known and known is _ALLOWED[kind]:
            source.error(where, f"Neurons have no flag ({word}), {_ELSEWHERE[word]}.")
        if word not in known:
            options = " or ".join(sorted(known)) or "none"
            source.error(where, f"A {_CALLED[kind]} has no flag ({word}){near(word, known)}; expected {options}.")
        flags.append(word)
        at += len(flag) + 1
    return frozenset(flags), begin + found.start()


_TARGET = re.compile(r"\s*(\w+)\s*(=(?!=)|\+=|-=|\*=|/=)")


def statements(source: Source) -> list[Statement]:
    """The statements of a reset, separated by semicolons or lines."""
    found, at = [], 0
    for text in re.split(r"[;\n]", source.text):
        end = at + len(text)
        if text.strip():
            head = _TARGET.match(source.text, at, end)
            if head is None:
                source.error(
                    at + len(text) - len(text.lstrip()), "This is no statement, expected `v = ...` or `v += ...`."
                )
            found.append(Statement(head[1], head[2], Expression.of(source, head.end(), end), head.start(1)))
        at = end + 1
    return found
