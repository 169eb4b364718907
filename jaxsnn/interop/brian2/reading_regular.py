"""What `run_regularly` sets in every step, as subexpressions that are constant over the step."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .plain import kind_of, names_in, refuse

_KIND = (
    "of run_regularly there is one kind here, that sets a parameter at the start of every step; else run in pieces, "
    "and change the network between them"
)


class Regular(NamedTuple):
    """`name = expr` in every step, for the neurons from `start` to before `stop`."""

    name: str
    expr: str
    start: int
    stop: int
    text: str


def regular(what: str, group: Any, part: Any) -> list[Regular]:
    """What a part of a group sets in every step: a run_regularly of the group, or of some of its neurons."""
    if kind_of(part) == "Subgroup":
        inner = [x for x in part.contained_objects if kind_of(x) == "CodeRunner"]
        return [_one(what, group, x, int(part.start), int(part.stop)) for x in inner]
    return [_one(what, group, part, 0, int(group.N))]


def _one(what: str, group: Any, runner: Any, start: int, stop: int) -> Regular:
    code = str(runner.abstract_code)
    head = re.fullmatch(r"(\w+)\s*=(?!=)\s*([^=;\n]+)", code.strip())
    text = " ".join(code.split())
    place = (runner.when, runner.order, bool(runner.active), float(runner.clock.dt_))
    if head is None or place != ("start", 0, True, float(group.clock.dt_)):
        refuse(what, _KIND, text)
    if "i" in names_in(head[2]) and (start, stop) != (0, int(group.N)):
        refuse(what, "a run_regularly of a part reads 'i', the place in the part", text)
    return Regular(head[1], " ".join(head[2].split()), start, stop, text)


def put(what: str, n: int, lines: list[dict[str, Any]], given: list[Regular]) -> None:
    """Parameters that are set in every step become subexpressions."""
    for name in dict.fromkeys(each.name for each in given):
        line = next((line for line in lines if line["name"] == name), None)
        parts = sorted((each for each in given if each.name == name), key=lambda each: each.start)
        if line is None or line["type"] != "parameter":
            refuse(what, f"run_regularly sets {name!r}, which is no parameter of the group", parts[0].text)
        ends = [0, *(each.stop for each in parts)]
        if [each.start for each in parts] != ends[:-1] or ends[-1] != n:
            refuse(what, f"run_regularly sets {name!r} of some neurons, or of some twice; expected all of them once",
                   parts[0].text)  # fmt: skip
        several = [f"({each.expr})*int(i >= {each.start})*int(i < {each.stop})" for each in parts]
        expr = parts[0].expr if len(parts) == 1 else " + ".join(several)
        line |= {"type": "subexpression", "expr": expr, "flags": ["constant over dt"], "text": parts[0].text}
