"""From the texts of a neuron to its model: every name is known, and every unit checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..neurons.ode import AbstractODE
from .agreement import Agreement, check_units, is_condition
from .chance import calls, drawn, plain
from .declared import check_acyclic, check_free, check_once
from .expressions import Expression
from .functions import FUNCTIONS
from .model import NOISE, Model
from .parse import Line, Statement, lines, statements
from .source import EquationError, Source, near
from .units import quantity, resolved


def model(
    text: str, threshold: str | None, reset: str | None, refractory: Any, current: str, values: Mapping[str, Any]
) -> Model:
    """The model of a neuron's text; an `EquationError` says where the first thing is that is wrong."""
    found = lines(Source.of(text, "the equations"))
    check_once(found)
    return modelled(found, _said(found, threshold, reset, refractory, values), current, AbstractODE)


def modelled(
    found: list[Line],
    said: Said,
    current: str,
    taken: type,
    *,
    assigned: Iterable[str] = (),
    fed: Iterable[str] = (),
    beside: Iterable[Agreement] = (),
) -> Model:
    """The model of lines and of all that is said beside them.

    `taken`: the class whose names are taken. `assigned`: parameters that spikes assign. `fed`: names without a line
    that are set from outside. `beside`: further expressions, with the dimensions that they have to have.
    """
    declared = {line.name: line for line in found}
    beside, assigned, fed = tuple(beside), tuple(assigned), tuple(fed)
    others = {*fed, *assigned, *(each.name for each in beside if each.name is not None)}
    used, noises = _used(said, declared, current, others, [each.expression for each in beside])
    _check_values(said.values, declared, used)
    made = _made(said, found, used, noises, current, assigned, fed)
    check_acyclic(made)
    for name in (*made.variables, *made.parameters, *made.frozen):
        check_free(name, declared.get(name), taken)
    check_units(made, declared, said.values, beside)
    return made


class Said(NamedTuple):
    """The expressions of all texts, in which random numbers are names; `draws` are their names and distributions."""

    rates: dict[str, Expression]
    subexpressions: dict[str, Expression]
    reset: list[Statement]
    threshold: Expression | None
    period: Expression | None
    draws: list[tuple[str, str]]
    values: dict[str, Any]

    @property
    def everything(self) -> list[Expression]:
        given = [each for each in (self.threshold, self.period) if each is not None]
        return [*self.rates.values(), *self.subexpressions.values(), *(each.expression for each in self.reset), *given]


def _said(
    found: list[Line], threshold: str | None, reset: str | None, refractory: Any, values: Mapping[str, Any]
) -> Said:
    rates = {line.name: plain(line.expression) for line in found if line.kind == "differential"}
    taken = next((line for line in found if line.name == "v" and line.kind != "differential"), None)
    if taken is not None:
        taken.source.error(
            taken.at,
            f"'v' is a {taken.kind} here; the membrane, which ports, probes and plasticity know as v, has to be a "
            "variable: write dv/dt = ..., or take another name.",
        )
    rates = {"v": rates.get("v", _whole("0/ms", "dv/dt")), **rates}  # without a membrane: one that stays at 0
    draws: list[tuple[str, str]] = []
    subexpressions = {}
    for line in found:
        if line.kind == "subexpression":
            assert line.expression is not None
            subexpressions[line.name] = drawn(line.expression, draws) if _frozen(line) else plain(line.expression)
    after = statements(Source.of(reset, "reset")) if reset else []
    after = [each._replace(expression=drawn(each.expression, draws)) for each in after]
    fires = None if threshold is None else drawn(_whole(threshold, "threshold"), draws)
    period, given = _refractory(refractory, dict(values))
    if threshold is None and (after or period):
        raise EquationError("There is a reset or a refractory period but no threshold; give threshold='v > v_th'.")
    return Said(rates, subexpressions, after, fires, period, draws, given)


def _frozen(line: Line) -> bool:
    """Whether a subexpression is constant over a step."""
    return line.kind == "subexpression" and "constant over dt" in line.flags


def _used(
    said: Said, declared: Mapping[str, Line], current: str, others: set[str], beside: list[Expression]
) -> tuple[set[str], list[str]]:
    """The names in all expressions, and which of them are noise; an error for the first that is not defined."""
    known = {*declared, *said.values, *(name for name, _ in said.draws), "t", "dt", current, *others}
    used: set[str] = {each.name for each in said.reset}
    noises: list[str] = []
    undefined = None
    for expression in (*said.everything, *beside):
        for node in expression.names():
            name = node.id
            used.add(name)
            if name in known:
                continue
            if NOISE.match(name):
                noises += [] if name in noises else [name]
            elif resolved(name) is None and undefined is None:
                undefined = expression, node
    if undefined is not None:
        expression, node = undefined
        expression.error(
            node,
            f"{node.id!r} is not defined{near(node.id, {*declared, *said.values, *others, current, *FUNCTIONS})}; give "
            f"it a value, {node.id}=..., or a line `{node.id} : unit`.",
        )
    return used, noises


def _check_values(values: Mapping[str, Any], declared: Mapping[str, Line], used: set[str]) -> None:
    """Values are of names that the equations have, and that have one."""
    for name in values:
        line = declared.get(name)
        if line is not None and line.kind == "subexpression":
            raise EquationError(f"Got a value for {name!r}, which is a subexpression and has none of its own.")
        if line is None and name not in used:
            raise EquationError(f"Got a value for {name!r}, which the equations do not have{near(name, used)}.")


def _made(
    said: Said, found: list[Line], used: set[str], noises: list[str], current: str,
    spiked: tuple[str, ...], outside: tuple[str, ...],
) -> Model:  # fmt: skip
    """The model, without dimensions and values."""
    declared = {line.name: line for line in found}
    rates, values, period = said.rates, said.values, said.period
    parameters = [line.name for line in found if line.kind == "parameter"] + [n for n in values if n not in declared]
    for each in said.reset:
        if each.name not in rates and each.name not in parameters:
            each.expression.source.error(each.at, f"{each.name!r} is no variable{near(each.name, rates)}; a reset "
                                         "changes variables and parameters.")  # fmt: skip
    targets = dict.fromkeys(each.name for each in said.reset)
    fed = (*(line.name for line in found if "summed" in line.flags and line.kind == "parameter"), *outside)
    assigned = tuple(name for name in (*targets, *spiked) if name not in rates)
    for each in said.reset:
        if each.name in fed:
            message = f"{each.name!r} is summed anew in every step; a reset does not change it."
            each.expression.source.error(each.at, message)
    return Model(
        rates=rates,
        subexpressions=said.subexpressions,
        frozen=tuple(line.name for line in found if _frozen(line)),
        parameters=tuple(name for name in parameters if name not in (*assigned, *fed)),
        assigned=assigned,
        fed=fed,
        held=frozenset(line.name for line in found if "unless refractory" in line.flags),
        shared=frozenset(line.name for line in found if "shared" in line.flags),
        threshold=said.threshold,
        reset=tuple(said.reset),
        refractory=period,
        while_true=period is not None and is_condition(period, declared),
        current=current if current in used and current not in declared and current not in values else None,
        noises=tuple(noises),
        draws=tuple(said.draws),
        clocks=frozenset({"t", "dt"} & used - {*declared, *values}),
        dimensions={},
        values={},
    )


def _whole(text: str, what: str) -> Expression:
    source = Source.of(text, what)
    return Expression.of(source, 0, len(source.text))


def _refractory(given: Any, values: dict[str, Any]) -> tuple[Expression | None, dict[str, Any]]:
    """The refractory period as an expression; a number becomes the parameter `refractory_period`."""
    if given is None or given is False:
        return None, values
    if isinstance(given, str):
        period = _whole(given, "refractory")
        for node in calls(period):
            period.error(
                node, "A refractory period has no random numbers; let the reset draw it: `period = 2*ms*rand()`."
            )
        return period, values
    values["refractory_period"] = quantity(given, "refractory")[0]
    return _whole("refractory_period", "refractory"), values
