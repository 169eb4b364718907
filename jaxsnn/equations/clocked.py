"""Synapses whose variables are integrated in every step, from a text: what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..synapses.clocked import OfNeurons, Pathway
from .agreement import Agreement
from .chance import drawn, plain
from .declared import check_once
from .expressions import Expression
from .model import Model
from .parse import CLOCKED, Line, Statement, check_order, lines, statements
from .reading import Said, modelled
from .source import EquationError, Source

SIDES = ("pre", "post")


class Sum(NamedTuple):
    """A sum over synapses, and the expression of a synapse."""

    into: OfNeurons
    expression: Expression


class Clocked(NamedTuple):
    """What a text says beside the model of a synapse.

    `code`: the statements of each pathway, of which those of `local` names and of `added` variables of neurons change
    nothing of the synapse.
    """

    sums: tuple[Sum, ...]
    code: tuple[tuple[Pathway, tuple[Statement, ...]], ...]
    reads: tuple[OfNeurons, ...]
    added: tuple[OfNeurons, ...]
    local: tuple[str, ...]
    events: tuple[str, ...]  # variables that are flagged (event-driven)


def clocked(
    text: str, on_pre: str | Mapping[str, str], on_post: str | Mapping[str, str], values: Mapping[str, Any], taken: type
) -> tuple[Model, Clocked, str | None]:
    """What a text says of a synapse, and the method that its flags ask for.

    An `EquationError` says where the first thing is that cannot be.
    """
    source = Source.of(text, "the equations")
    found = lines(source, CLOCKED) if source.text.strip() else []
    check_once([line for line in found if "summed" not in line.flags])
    sums = [line for line in found if "summed" in line.flags]
    found = [line for line in found if line not in sums]
    own = {line.name: line for line in found}
    draws: list[tuple[str, str]] = []
    code = _code(on_pre, on_post, own, draws)
    every = [each for _, several in code for each in several]
    suffixed = lambda name: str(sided(name)) == name
    free = lambda each: each.operation == "=" and each.name not in own and not suffixed(each.name)
    local = tuple(dict.fromkeys(each.name for each in every if free(each)))
    added = tuple(dict.fromkeys(into for each in every if (into := _of(each, own, local)) is not None))
    totals = tuple(Sum(_side(line), plain(line.expression)) for line in sums)
    rates = {line.name: plain(line.expression) for line in found if line.kind == "differential"}
    subexpressions = {line.name: plain(line.expression) for line in found if line.kind == "subexpression"}
    for _, several in code:
        check_order(several, {*local} - {*own})
    elsewhere = [*rates.values(), *subexpressions.values(), *(x.expression for x in totals)]
    for expression, node in ((x, node) for x in elsewhere for node in x.names()):
        if node.id in {*local} - {*own}:
            expression.error(node, f"{node.id!r} is not defined here, but for statements behind that which sets it.")
    given = [*rates.values(), *subexpressions.values(), *(x.expression for x in (*totals, *every))]
    reads = _reads(given, {*own, *values, *local})
    assigned = [name for name in own if own[name].kind == "parameter" and any(x.name == name for x in every)]
    said = Said(rates, subexpressions, [], None, None, draws, dict(values))
    beside = [Agreement(x.expression, *_target(x, own, local)) for x in every]
    beside += [Agreement(total.expression, x.name, x.name, x.dimension) for x, total in zip(sums, totals)]
    for each in every:
        if each.name in subexpressions:
            each.expression.source.error(each.at, f"{each.name!r} is computed from others; a spike cannot change it.")
    model = modelled(found, said, "->", taken, assigned=assigned, fed=map(str, reads), beside=beside)
    events = tuple(line.name for line in found if "event-driven" in line.flags)
    return model, Clocked(totals, code, reads, added, local, events), "exact" if events else None


def _code(
    on_pre: str | Mapping[str, str], on_post: str | Mapping[str, str], own: Mapping[str, Line], draws: Any
) -> tuple[tuple[Pathway, tuple[Statement, ...]], ...]:
    """The statements of each pathway, those of presynaptic spikes first, and then by name, as in Brian2."""
    found = []
    for side, given in zip(SIDES, (on_pre, on_post)):
        several = {side: given} if isinstance(given, str) else given
        for name in sorted(several):
            if isinstance(given, Mapping) and (not name.isidentifier() or name in {*SIDES} - {side}):
                raise EquationError(f"Got a pathway {name!r}, expected a name of its own, such as 'fast'.")
            parsed = statements(Source.of(several[name], f"on_{name}" if name == side else f"on_{side}[{name!r}]"))
            parsed = [each._replace(expression=drawn(each.expression, draws)) for each in parsed]
            if parsed:
                found.append((Pathway(name, side), tuple(parsed)))
    names = [path.name for path, _ in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise EquationError(f"Got two pathways {twice.pop()!r}; give each a name of its own.")
    return tuple(found)


def _of(each: Statement, own: Mapping[str, Line], local: Iterable[str]) -> OfNeurons | None:
    """The variable of neurons that a statement changes; None if it changes one of the synapse, or a name of its own."""
    if each.name in own or each.name in local:
        return None
    if each.operation not in ("+=", "-="):
        message = f"{each.name!r} of neurons is set by a spike; what synapses do is add, {each.name} += w."
        each.expression.source.error(each.at, message)
    return sided(each.name)


def sided(name: str) -> OfNeurons:
    """The variable of neurons that a name means; the receiver's without `_pre` or `_post` behind it."""
    for side in SIDES:
        if name.endswith(f"_{side}") and len(name) > len(side) + 1:
            return OfNeurons(name[: -len(side) - 1], side)
    return OfNeurons(name, "post")


def _target(each: Statement, own: Mapping[str, Line], local: Iterable[str]) -> tuple[str | None, str]:
    """The name whose dimension an expression has, and what an error calls it."""
    if each.operation in ("*=", "/="):
        return None, each.name
    into = _of(each, own, local)
    return each.name if into is None else str(into), each.name


def _side(line: Line) -> OfNeurons:
    into = sided(line.name)
    if str(into) != line.name:
        line.source.error(line.at, f"{line.name!r} is a sum of nobody; expected one of neurons, {line.name}_post = ...")
    return into


def _reads(given: Iterable[Expression], known: set[str]) -> tuple[OfNeurons, ...]:
    """The variables of neurons in some expressions."""
    names = (node.id for each in given for node in each.names() if node.id not in known)
    return tuple(dict.fromkeys(of for name in names if str(of := sided(name)) == name))
