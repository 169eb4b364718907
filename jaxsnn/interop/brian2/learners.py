"""Synapses of Brian2 that learn: their texts as a rule of `snn.equations`, where that is what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ... import equations
from ...equations.expressions import value
from ...equations.learning import TAKEN
from ...equations.parse import statements
from ...equations.rules import EquationRule
from ...equations.source import EquationError, Source
from ...plasticity.base import AbstractRule, Chain
from .numbers import Number, unit_text
from .pathways import Addition, line_of, sided
from .plain import refuse, renamed
from .texts import constants, freed, line_text


class Learner(NamedTuple):
    """Synapses that learn: `rule`, the name of their weight, what is added to the neurons and at which pathway.

    The first addition is the weight, `sign` times; others are numbers that stay.
    """

    rule: Chain
    weight: str
    path: Mapping[str, Any]
    additions: list[Addition]


def learner(what: str, entry: Mapping[str, Any]) -> Learner:
    """The rule of synapses whose spikes change them."""
    own = {line["name"]: line for line in entry["equations"]}
    code, paths = _code(what, entry["pathways"])
    weight = _weight(what, own, code)
    given = constants(what, entry["names"])
    for name, line in own.items():
        number = Number.of(entry["values"][name]) if name in entry["values"] else None
        if line["type"] == "differential" and number is not None and np.any(number.value != 0.0):
            refuse(what, f"the trace {name!r} does not start at 0, as traces here do", line["text"])
        if line["type"] == "parameter" and name != weight and name not in _assigned(code) and number is not None:
            if np.ndim(number.value):
                refuse(what, f"{name!r} differs from synapse to synapse; a rule here has one for all", line["text"])
            given[name] = number
    of_neurons = {*entry["neurons"]["pre"], *entry["neurons"]["post"]}
    for each in (*parsed(what, code["pre"], "pre"), *parsed(what, code["post"], "post")):
        read = {node.id for node in each.expression.names()} - {*own, *given}
        for name in sorted(read):
            if sided(name)[0] in of_neurons:
                refuse(what, f"it reads {name!r}, a variable of the neurons; a rule here reads its weight and traces",
                       line_of(each))  # fmt: skip
    names = freed([*own, *given], lambda name: hasattr(AbstractRule, name) or name in TAKEN)
    written = [
        line_text(line, line["expr"] and renamed(line["expr"], names), names)
        for name, line in own.items()
        if name not in given
    ]
    written += [f"{names.get(name, name)} : {unit_text(number.dimension)}" for name, number in given.items()]
    text = {side: renamed(each, names) for side, each in code.items()}
    try:
        kind = equations.rule(
            "\n".join(written), on_pre=text["pre"], on_post=text["post"], weight=names.get(weight, weight),
            name="BrianRule",
        )  # fmt: skip
        made = kind(**{names.get(name, name): number.plain for name, number in given.items()})
    except EquationError as error:
        refuse(what, str(error))
    return Learner(made.chained(), weight, paths["pre"], _additions(what, made, given, names.get(weight, weight)))


def _code(what: str, pathways: list[Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The statements of each side, its pathways in Brian2's order, and the pathway whose delay it has."""
    code: dict[str, str] = {"pre": "", "post": ""}
    paths: dict[str, Any] = {}
    for path in sorted(pathways, key=lambda path: path["name"]):
        side = path["side"]
        if side in paths and not np.array_equal(paths[side]["delay"], path["delay"]):
            refuse(what, f"its pathways {paths[side]['name']!r} and {path['name']!r} have different delays and learn; "
                   "expected one delay on each side", path["code"])  # fmt: skip
        if side == "post" and np.any(np.asarray(path["delay"]) != 0.0):
            refuse(what, "postsynaptic spikes reach it with a delay, which here would delay what it passes on, too; "
                   "expected none", path["code"])  # fmt: skip
        paths.setdefault(side, path)
        code[side] += path["code"] + "\n"
    if "pre" not in paths:
        refuse(what, "it learns and has no on_pre, so that nothing is passed on")
    return code, paths


def parsed(what: str, text: str, side: str) -> list[Any]:
    """The statements of a side."""
    try:
        return statements(Source.of(text, f"on_{side}"))
    except EquationError as error:
        refuse(what, str(error))


def _assigned(code: Mapping[str, str]) -> set[str]:
    return {each.name for side, text in code.items() for each in parsed("", text, side)}


def _weight(what: str, own: Mapping[str, Any], code: Mapping[str, str]) -> str:
    """The variable that synapses pass on."""
    parameters = {name for name, line in own.items() if line["type"] == "parameter"}
    for each in parsed(what, code["pre"], "pre"):
        if each.name not in own:
            passed = parameters & {node.id for node in each.expression.names()} & _assigned(code)
            if len(passed) > 1:
                refuse(what, f"it passes on {', '.join(sorted(passed))}, which all change; expected one weight",
                       line_of(each))  # fmt: skip
            if passed:
                return passed.pop()
    changed = sorted(_assigned(code) & set(own)) or ["nothing"]
    refuse(what, f"spikes change {', '.join(map(repr, changed))}, none of which on_pre adds to a variable of neurons; "
           "expected a weight that is passed on, ge += w", code["pre"])  # fmt: skip


def _additions(what: str, rule: EquationRule, given: Mapping[str, Number], weight: str) -> list[Addition]:
    """What a presynaptic spike adds to neurons: the weight, and numbers that stay."""
    first, rest = [], []
    for name, expression in rule.model.pre.sent.items():
        variable, side = sided(name)
        addition = Addition(variable, side, expression, 1.0, f"{name} += ...")
        if weight not in {node.id for node in expression.names()}:
            rest.append(addition)
            continue
        traces = {node.id for node in expression.names()} & set(rule.model.traces)
        at = lambda w, e=expression: float(value(e.node, lambda n: w if n == weight else rule.number(n)))
        if side != "post" or traces or at(0.0) != 0.0 or at(2.0) != 2.0 * at(1.0):
            refuse(what, "what it passes on is no multiple of the weight, to the receiving neuron", addition.at)
        factor = at(1.0)
        first.append(addition._replace(sign=factor))
    if len(first) != 1:
        refuse(what, "its weight is passed on to two variables; expected one")
    return first + rest
