"""Synapses of Brian2 as projections: those that stay, and those that learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...connectivity.from_arrays import FromArrays
from ...equations.rules import EquationRule
from ...equations.source import EquationError
from ...equations.units import Units, resolved
from ...networks.projection import Connection
from .cells import Cells
from .clocked import at_spikes, check_clocked, is_clocked, parted
from .learners import Learner, learner
from .numbers import Number
from .pathways import Addition, Numbers, delay_ms, of_pathway, sided
from .plain import refuse
from .senders import Sender, is_sender, sender
from .sources import Gain


class Wires(NamedTuple):
    """What the synapses of a network do: pathways with what they add, synapses that learn, and those that depress."""

    pathways: list[tuple[str, Any, list[Addition]]]
    learners: dict[str, Learner]
    senders: dict[str, Sender]


def wires_of(given: Mapping[str, Any], into: dict[str, set[str]]) -> Wires:
    """What the synapses of a network do; `into` gains the variables that are added to, by group."""
    found = Wires([], {}, {})
    for name, entry in given["synapses"].items():
        what = f"Synapses {name!r}"
        own = {line["name"] for line in entry["equations"]}
        ends = {side: given["groups"][entry[end]["group"]] for side, end in (("pre", "source"), ("post", "target"))}
        neurons = {side: {line["name"] for line in group.get("equations", ())} for side, group in ends.items()}
        entry = at_spikes(entry) if is_clocked(entry) else entry
        if is_clocked(entry):
            check_clocked(what, entry)
            for path in entry["pathways"]:
                code = parted(what, entry, path)[1]
                additions = (of_pathway(what, {**path, "code": code}, own) or []) if code else []
                _note(what, given, entry, additions, into)
                found.pathways.append((name, path, additions))
            continue
        several = [(path, of_pathway(what, path, own)) for path in entry["pathways"]]
        if all(additions is not None for _, additions in several):
            for line in entry["equations"]:
                if line["type"] != "parameter":
                    refuse(what, f"{line['name']!r} is computed in every synapse; expected parameters alone",
                           line["text"])  # fmt: skip
            for path, additions in several:
                _note(what, given, entry, additions or [], into)
                found.pathways.append((name, path, additions or []))
        elif is_sender(what, entry):
            found.senders[name] = sender(what, {**entry, "neurons": neurons})
            into[entry["target"]["group"]].add(found.senders[name].variable)
        else:
            found.learners[name] = learner(what, {**entry, "neurons": neurons})
            _note(what, given, entry, found.learners[name].additions, into)
    return found


def _note(
    what: str, given: Mapping[str, Any], entry: Mapping[str, Any], additions: list[Addition], into: dict[str, set[str]]
) -> None:
    """Remember which variables are added to."""
    for each in additions:
        group = entry["source" if each.side == "pre" else "target"]["group"]
        line = next((x for x in given["groups"][group].get("equations", ()) if x["name"] == each.variable), None)
        if line is None:
            refuse(what, f"{each.variable!r} is no variable of {group!r}", each.at)
        into[group].add(each.variable)


def connections(
    given: Mapping[str, Any], wires: Wires, groups: Mapping[str, Cells], dt: float
) -> dict[str, Connection]:
    """All projections, by name."""
    found: dict[str, Connection] = {}
    for name, path, several in wires.pathways:
        found |= connections_of(name, given["synapses"][name], path, several, groups, dt)
    for name, each in wires.learners.items():
        found |= learning_of(name, given["synapses"][name], each, groups, dt)
    for name, each in wires.senders.items():
        found |= sending_of(given["synapses"][name], name, each, groups, dt)
    return found


def sending_of(
    entry: Mapping[str, Any], name: str, given: Sender, groups: Mapping[str, Cells], dt: float
) -> dict[str, Connection]:
    """The projection of synapses with short-term plasticity."""
    if len(entry["pre"]) == 0:
        return {}
    target = groups[entry["target"]["group"]]
    own = target.names.get(given.variable, given.variable)
    return {name: Connection(
        entry["source"]["group"], f"{entry['target']['group']}.{own}", FromArrays(entry["pre"], entry["post"]),
        weight=1.0 if given.weight is None else given.weight.plain, delay=delay_ms(given.path, dt),
        release=given.release,
    )}  # fmt: skip


def connections_of(
    name: str, entry: Mapping[str, Any], path: Mapping[str, Any], several: list[Addition],
    groups: Mapping[str, Cells], dt: float,
) -> dict[str, Connection]:  # fmt: skip
    """A projection for each addition of a pathway."""
    ends = {"pre": entry["source"]["group"], "post": entry["target"]["group"]}
    numbers = Numbers(f"Synapses {name!r}", entry, {side: groups[group].kept for side, group in ends.items()})
    if len(entry["pre"]) == 0:
        return {}
    found = {}
    for each in several:
        source, target = ends[path["side"]], groups[ends[each.side]]
        own = target.names.get(each.variable, each.variable)
        if own not in target.dimensions:
            refuse(f"Synapses {name!r}", f"{each.variable!r} is no variable of {ends[each.side]!r}", each.at)
        simple = len(several) == 1 and len(entry["pathways"]) == 1  # of those that learn there are more
        key = name if simple else f"{name}-{path['name']}-{each.variable}"
        while key in found:
            key += "'"
        weight = numbers.of(each, target.dimensions[own])
        kind = target.kinds.get(each.variable, "float")
        if kind == "boolean" or (kind == "integer" and np.any(weight != np.floor(weight))):
            refuse(f"Synapses {name!r}", f"{each.variable!r} is {kind}, and what is added is none, which Brian2 rounds",
                   each.at)  # fmt: skip
        found[key] = Connection(
            source, f"{ends[each.side]}.{own}", FromArrays(entry[path["side"]], entry[each.side]),
            weight=weight, delay=delay_ms(path, dt),
        )  # fmt: skip
    return found


def sums_of(given: Mapping[str, Any]) -> dict[str, str]:
    """By group, its variable that is a sum over synapses."""
    found: dict[str, str] = {}
    for name, entry in given["synapses"].items():
        for each in entry["summed"]:
            variable, side = sided(each["variable"])
            end = entry["source" if side == "pre" else "target"]
            what, group = f"Synapses {name!r}", end["group"]
            n, kind = given["groups"][group]["n"], given["groups"][group]["kind"]
            if side == "pre":
                refuse(what, f"{variable!r} is a sum of the sending neurons; expected one of receivers", each["text"])
            if kind != "neurons" or (end["start"], end["stop"]) != (0, n):
                refuse(what, f"it sums for a part of {group!r}; expected all of a NeuronGroup", each["text"])
            if group in found:
                refuse(what, f"{group!r} has two summed variables, {found[group]!r} and {variable!r}; expected one, "
                       "its population's input", each["text"])  # fmt: skip
            found[group] = variable
    return found


def learning_of(
    name: str, entry: Mapping[str, Any], given: Learner, groups: Mapping[str, Cells], dt: float
) -> dict[str, Connection]:
    """The projection of synapses that learn, and those of what else their spikes add."""
    learnt, *others = given.additions
    if len(entry["pre"]) == 0:
        return {}
    target = groups[entry["target"]["group"]]
    own = target.names.get(learnt.variable, learnt.variable)
    weight = Number.of(entry["values"][given.weight])
    rule = given.rule.rules[0]
    assert isinstance(rule, EquationRule)
    known = {x.id: resolved(x.id) for x in learnt.expression.names()}
    units = Units({x: each[1] for x, each in known.items() if each is not None} | rule.model.dimensions)
    try:
        units.check(learnt.expression, target.dimensions[own], learnt.variable)
    except EquationError as error:
        refuse(f"Synapses {name!r}", str(error))
    learning = Connection(
        entry["source"]["group"], f"{entry['target']['group']}.{own}", FromArrays(entry["pre"], entry["post"]),
        weight=weight.plain, delay=delay_ms(given.path, dt), rule=given.rule,
        release=None if learnt.sign == 1.0 else Gain(learnt.sign),
    )  # fmt: skip
    return {name: learning} | (connections_of(name, entry, given.path, others, groups, dt) if others else {})


def places(pre: np.ndarray) -> np.ndarray:
    """Where each of Brian2's synapses is in a projection, which is sorted by sender."""
    order = np.argsort(pre, kind="stable")
    places = np.empty_like(order)
    places[order] = np.arange(order.size)
    return places
