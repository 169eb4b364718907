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
from .clocked import Clocked, at_spikes, clocked_of, is_clocked, local_names, parted
from .learners import Learner, learner, parsed
from .numbers import Number
from .pathways import Addition, Numbers, delay_ms, line_of, of_pathway, sided
from .plain import names_in, refuse
from .senders import Sender, is_sender, sender
from .sources import Gain


class Wires(NamedTuple):
    """What the synapses of a network do: pathways with what they add, synapses that learn, those that depress, and
    those with a state of their own that is integrated in every step.
    """

    pathways: list[tuple[str, Any, list[Addition]]]
    learners: dict[str, Learner]
    senders: dict[str, Sender]
    clocked: dict[str, Clocked]


def wires_of(given: Mapping[str, Any], into: dict[str, set[str]]) -> Wires:
    """What the synapses of a network do; `into` gains the variables that are added to, by group.

    What can be a projection with numbers that stay is one, then a rule or a release, whose cost is that of the spikes;
    all else is integrated in every step.
    """
    found = Wires([], {}, {}, {})
    for name, entry in given["synapses"].items():
        what, entry = f"Synapses {name!r}", _with_neurons(given, entry)
        entry = at_spikes(entry) if is_clocked(entry) else entry
        codes = [parted(what, entry, path) for path in entry["pathways"]]
        simple = all(line["type"] == "parameter" for line in entry["equations"]) and not entry["summed"]
        if simple and not any(own for own, _ in codes):
            _pathways(what, given, name, entry, [plain for _, plain in codes], found, into)
        elif is_clocked(entry) or not _at_its_spikes(what, given, name, entry, found, into):
            _pathways(what, given, name, entry, [plain for _, plain in codes], found, into)
            paths: list[Mapping[str, Any]] = [{**path, "code": own} for path, (own, _) in zip(entry["pathways"], codes)]
            found.clocked[name] = Clocked(paths)
            own = {*(line["name"] for line in entry["equations"])}
            for path in paths:
                code = parsed(what, path["code"], path["side"])
                local = local_names(code, entry)
                several = [x for x in code if x.name not in own | local]
                _note(
                    what, given, entry, [Addition(*sided(x.name), x.expression, 1.0, line_of(x)) for x in several], into
                )
    return found


def _with_neurons(given: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Synapses, with the lines of the neurons on both sides, and the names of those that change in a run."""
    ends = {side: given["groups"][entry[end]["group"]] for side, end in (("pre", "source"), ("post", "target"))}
    lines = {side: list(group.get("equations", ())) for side, group in ends.items()}
    sums = {each["variable"] for other in given["synapses"].values() for each in other["summed"]}
    code = [(path["code"], path["side"]) for other in given["synapses"].values() for path in other["pathways"]]
    spiked = {sided(each.name)[0] for text, side in code for each in parsed("Synapses", text, side)}
    moving = {*spiked, *(sided(name)[0] for name in sums)}
    changing = {
        side: {line["name"] for line in lines[side] if line["type"] != "parameter" or line["name"] in moving}
        | names_in(*(text for text in [ends[side].get("reset")] if text)) & {line["name"] for line in lines[side]}
        for side in lines
    }
    neurons = {side: {line["name"] for line in several} for side, several in lines.items()}
    return {**entry, "neurons": neurons, "lines": lines, "changing": changing}


def _pathways(
    what: str, given: Mapping[str, Any], name: str, entry: Mapping[str, Any], codes: list[str], found: Wires,
    into: dict[str, set[str]],
) -> None:  # fmt: skip
    """Take in what spikes add to neurons that are numbers that stay."""
    own = {line["name"] for line in entry["equations"]}
    for path, code in zip(entry["pathways"], codes):
        additions = (of_pathway(what, {**path, "code": code}, own) or []) if code else []
        _note(what, given, entry, additions, into)
        found.pathways.append((name, path, additions))


def _at_its_spikes(
    what: str, given: Mapping[str, Any], name: str, entry: Mapping[str, Any], found: Wires, into: dict[str, set[str]]
) -> bool:
    """Take synapses in as a release or a rule; False if they are none."""
    try:
        if is_sender(what, entry):
            found.senders[name] = sender(what, entry)
            into[entry["target"]["group"]].add(found.senders[name].variable)
        else:
            found.learners[name] = learner(what, entry)
            _note(what, given, entry, found.learners[name].additions, into)
    except ValueError:
        return False
    return True


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
) -> tuple[dict[str, Connection], dict[str, dict[str, str]]]:
    """All projections, by name; and by synapses, where probes find their variables."""
    found: dict[str, Connection] = {}
    recorded = {name: {each.weight: f"{name}.weight"} for name, each in wires.learners.items()}
    for name, path, several in wires.pathways:
        alone = name not in wires.clocked
        found |= connections_of(name, given["synapses"][name], path, several, groups, dt, alone=alone)
    for name, each in wires.learners.items():
        found |= learning_of(name, given["synapses"][name], each, groups, dt)
    for name, each in wires.clocked.items():
        made = clocked_of(name, _with_neurons(given, given["synapses"][name]), each, groups, dt)
        if made is not None:
            found[name], names = made
            kind: Any = type(found[name].synapse)
            variables = kind.model.variables
            own = {line["name"]: names.get(line["name"], line["name"]) for line in given["synapses"][name]["equations"]}
            events = kind.said.events  # which Brian2 has as of the last event
            recorded[name] = {x: f"{name}.{y}" for x, y in own.items() if y in variables and y not in events}
    for name, each in wires.senders.items():
        found |= sending_of(given["synapses"][name], name, each, groups, dt)
    return found, recorded


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
    groups: Mapping[str, Cells], dt: float, alone: bool = True,
) -> dict[str, Connection]:  # fmt: skip
    """A projection for each addition of a pathway; `alone`: the synapses are nothing else."""
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
        simple = alone and len(several) == 1 and len(entry["pathways"]) == 1  # of those that learn there are more
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


def sums_of(given: Mapping[str, Any]) -> dict[str, set[str]]:
    """By group, its variables that are sums over synapses."""
    found: dict[str, set[str]] = {}
    for name, entry in given["synapses"].items():
        for each in entry["summed"]:
            variable, side = sided(each["variable"])
            end = entry["source" if side == "pre" else "target"]
            what, group = f"Synapses {name!r}", given["groups"][end["group"]]
            if group["kind"] != "neurons":
                refuse(what, f"it sums for {end['group']!r}, expected a NeuronGroup", each["text"])
            outside = np.broadcast_to(np.asarray(group["values"].get(variable, {"si": 0.0})["si"]), group["n"]).copy()
            outside[end["start"] : end["stop"]] = 0.0
            if np.any(outside != 0.0):
                refuse(what, f"it sums for a part of {end['group']!r}, and {variable!r} of the others is not 0",
                       each["text"])  # fmt: skip
            found.setdefault(end["group"], set()).add(variable)
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
