"""Synapses of Brian2 with a state of their own, and sums over synapses: as synapses by equations."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ... import equations
from ...connectivity.from_arrays import FromArrays
from ...equations.functions import FUNCTIONS, RANDOM
from ...equations.integrating import EquationSynapse
from ...equations.model import STATE
from ...equations.source import EquationError
from ...equations.splitting import linear_in_itself
from ...equations.units import resolved
from ...networks.projection import Connection
from .cells import METHODS, Cells
from .learners import parsed
from .numbers import Number, dimension_of, unit_text
from .pathways import Numbers, calls, delay_ms, line_of, sided
from .plain import names_in, refuse, renamed
from .texts import freed, line_text


class Clocked(NamedTuple):
    """Synapses that are integrated in every step. `paths`: their pathways, with the statements that are theirs."""

    paths: list[Mapping[str, Any]]


def is_clocked(entry: Mapping[str, Any]) -> bool:
    """Whether any variable of the synapses is integrated in every step, or summed."""
    clocked = (x["type"] == "differential" and "event-driven" not in x["flags"] for x in entry["equations"])
    return bool(entry["summed"]) or any(clocked)


def at_spikes(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Synapses that pass something on at spikes and sum nothing, as if their variables were event-driven: between two
    spikes that read them, an exact integration in every step comes to the same.
    """
    code = [each for path in entry["pathways"] for each in parsed("", path["code"], path["side"])]
    passed_on = {each.name for each in code} - {line["name"] for line in entry["equations"]}
    if entry["summed"] or not passed_on or entry["method"] not in ("exact", "linear", "exponential_euler"):
        return entry
    lines = [
        {**line, "flags": ["event-driven"]} if line["type"] == "differential" else line for line in entry["equations"]
    ]
    return {**entry, "equations": lines}


def parted(what: str, entry: Mapping[str, Any], path: Mapping[str, Any]) -> tuple[str, str]:
    """The statements of a pathway that are of the synapses, and those that add numbers that stay to neurons."""
    own, found = {line["name"] for line in entry["equations"]}, ([], [])
    code = [each for other in entry["pathways"] for each in parsed(what, other["code"], other["side"])]
    changing = {line["name"] for line in entry["equations"] if line["type"] != "parameter"}
    changing |= {each.name for each in code} & own
    local = local_names(code, entry)
    neurons = {side: {*entry["changing"][side]} for side in ("pre", "post")}
    for piece in re.split(r"[;\n]", re.sub(r"#[^\n]*", "", path["code"])):
        if piece.strip():
            (each,) = parsed(what, piece.strip(), path["side"])
            read = {node.id for node in each.expression.names()}
            moving = {name for name in read - own if sided(name)[0] in neurons[sided(name)[1]]} | ({"t"} & read)
            plain = each.name not in {*own, *local} and each.operation in ("+=", "-=") and not calls(each.expression)
            found[plain and not (read & {*changing, *local}) and not moving].append(piece.strip())
    return "; ".join(found[0]), "; ".join(found[1])


def local_names(code: Iterable[Any], entry: Mapping[str, Any]) -> set[str]:
    """Names that statements set for those behind them: of no variable of the synapses or the neurons."""
    own = {line["name"] for line in entry["equations"]}
    of_neurons = lambda name: sided(name)[0] in entry["neurons"][sided(name)[1]]
    return {x.name for x in code if x.operation == "=" and x.name not in own and not of_neurons(x.name)}


def clocked_of(
    name: str, entry: Mapping[str, Any], given: Clocked, groups: Mapping[str, Cells], dt: float
) -> tuple[Connection, dict[str, str]] | None:
    """The projection of synapses that are integrated in every step, and the names of their variables here, where they
    have others; None if there are no synapses. `dt`: s.
    """
    if len(entry["pre"]) == 0:
        return None
    what, ends = f"Synapses {name!r}", {"pre": entry["source"]["group"], "post": entry["target"]["group"]}
    paths = [path for path in given.paths if path["code"]]
    lines = {line["name"]: line for line in entry["equations"]}
    texts = [*(line["expr"] for line in lines.values()), *(path["code"] for path in paths)]
    texts += [each["expr"] for each in entry["summed"]]
    code = [each for path in paths for each in parsed(what, path["code"], path["side"])]
    neurons = {side: groups[group] for side, group in ends.items()}
    numbers = Numbers(what, entry, {side: cells.kept for side, cells in neurons.items()})
    local = local_names(code, entry)
    names, constants = _meanings(what, names_in(*texts) - {*lines, *local}, neurons, numbers)
    names |= {each.name: _target(what, each, neurons) for each in code if each.name not in {*lines, *local}}
    own = freed([*lines, *constants, *local], lambda x: _taken(x) or x in names.values())
    names |= own
    _check_reads(what, entry, code, lines, neurons)
    written = [
        line_text({**line, "flags": _flags(line)}, line["expr"] and renamed(line["expr"], names), own)
        for line in lines.values()
    ]
    written += [f"{own.get(key, key)} : {unit_text(number.dimension)}" for key, number in constants.items()]
    for each in entry["summed"]:
        unit = unit_text(dimension_of(_line_of(entry, each)["dim"]))
        variable, side = sided(each["variable"])
        target = neurons[side].names.get(variable, variable)
        written.append(f"{target}_{side} = {renamed(each['expr'], names)} : {unit} (summed)")
    kind = _class(what, entry, "\n".join(written), {
        side: {path["name"]: renamed(path["code"], names) for path in paths if path["side"] == side}
        for side in ("pre", "post")
    })  # fmt: skip
    values = {key: Number.of(value) for key, value in entry["values"].items() if key in lines} | constants
    after = tuple(side for side, group in ends.items() if f"{group}_stateupdater" < f"{name}_stateupdater")
    behind = _behind(what, name, entry, neurons, ends, after)
    try:
        synapse = kind(
            after=after, behind=behind, **{own.get(key, key): number.plain for key, number in values.items()}
        )
    except ValueError as error:
        refuse(what, str(error))
    return Connection(
        ends["pre"], ends["post"], FromArrays(entry["pre"], entry["post"]),
        delay={path["name"]: delay_ms(path, dt) for path in paths}, synapse=synapse,
    ), own  # fmt: skip


def _taken(name: str) -> bool:
    return hasattr(EquationSynapse, name) or name in (*STATE, "propagator", "integrator", "after") or (
        keyword.iskeyword(name) or name.endswith(("_pre", "_post"))
    )  # fmt: skip


def _meanings(
    what: str, used: set[str], neurons: Mapping[str, Cells], numbers: Numbers
) -> tuple[dict[str, str], dict[str, Number]]:
    """What names are that the synapses do not define: variables of neurons, by their names here, or numbers."""
    reads, constants = {}, {}
    for name in sorted(used):
        variable, side = sided(name)
        own = neurons[side].names.get(variable, variable)
        if name not in numbers.own and own in neurons[side].readable:
            reads[name] = f"{own}_{side}"
            continue
        if name in FUNCTIONS or name in RANDOM or name in ("t", "dt") or re.match(r"xi(_|$)", name):
            continue
        found = numbers.find(name)
        if found is None:
            refuse(what, f"it depends on {name!r}, which is no variable of its neurons and no number")
        if name in numbers.own or resolved(name) is None:
            constants[name] = found
    return reads, constants


def _target(what: str, each: Any, neurons: Mapping[str, Cells]) -> str:
    """The variable of neurons that a statement adds to."""
    variable, side = sided(each.name)
    if each.operation not in ("+=", "-="):
        refuse(what, f"{each.name!r} is set by a spike; expected statements that add, such as {each.name} += w",
               line_of(each))  # fmt: skip
    if neurons[side].kinds.get(variable, "float") != "float":
        refuse(what, f"{each.name!r} is {neurons[side].kinds[variable]}, and what is added may be none, which Brian2 "
               "rounds", line_of(each))  # fmt: skip
    return f"{neurons[side].names.get(variable, variable)}_{side}"


def _check_reads(
    what: str, entry: Mapping[str, Any], code: Iterable[Any], lines: Mapping[str, Any], neurons: Mapping[str, Cells]
) -> None:
    """Spikes read nothing that other spikes of the same step change, and sums nothing that is a sum."""
    for each in code:
        for node in each.expression.names():
            variable, side = sided(node.id)
            reached = neurons[side].reached({neurons[side].names.get(variable, variable)})
            if node.id not in lines and reached & {*neurons[side].into}:
                refuse(what, f"a spike reads {node.id!r}, which spikes of the same step change; expected variables of "
                       "neurons that they do not", line_of(each))  # fmt: skip
    for each in entry["summed"]:
        for name in names_in(each["expr"]) - {*lines}:
            variable, side = sided(name)
            if neurons[side].reached({neurons[side].names.get(variable, variable)}) & {*neurons[side].summed}:
                refuse(what, f"what is summed depends on {name!r}, which is a sum itself", each["text"])


def _behind(
    what: str, name: str, entry: Mapping[str, Any], neurons: Mapping[str, Cells], ends: Mapping[str, str],
    after: tuple[str, ...],
) -> bool:  # fmt: skip
    """Whether sums are of the state behind the step of the synapses: Brian2's sums into a part of a group, which come
    in the order of names, and not before all groups.
    """
    part = lambda each: entry["source" if sided(each["variable"])[1] == "pre" else "target"]
    usual = lambda each: (
        -1 if part(each)["stop"] - part(each)["start"] == neurons[sided(each["variable"])[1]].population.n else 0
    )
    late = [each for each in entry["summed"] if each.get("order", usual(each)) >= 0]
    if late and len(late) < len(entry["summed"]):
        refuse(what, "it sums for a part of a group and for a whole one, which Brian2 does at different times in a "
               "step; expected one of the two", late[0]["text"])  # fmt: skip
    for each in late:
        own = f"{name}_summed_variable_{each['variable']}"
        read = {sided(x) for x in names_in(each["expr"])} | {sided(each["variable"])}
        read |= (
            {sided(x) for line in entry["equations"] if line["expr"] for x in names_in(line["expr"])}
            if after
            else set()
        )
        for variable, side in read:
            known = variable in entry["neurons"][side]
            if known and own > f"{ends[side]}_stateupdater":
                refuse(
                    what,
                    f"its sum for a part of {ends[side]!r} comes behind the step of {ends[side]!r} in Brian2, by "
                    f"the order of their names; give the synapses a name before {ends[side]!r}",
                    each["text"],
                )
    return bool(late)


def _flags(line: Mapping[str, Any]) -> list[str]:
    return [flag for flag in line["flags"] if flag != "constant over dt"]


def _line_of(entry: Mapping[str, Any], each: Mapping[str, Any]) -> Mapping[str, Any]:
    """The line of the neurons that a sum is for."""
    variable, side = sided(each["variable"])
    found = next((line for line in entry["lines"][side] if line["name"] == variable), None)
    if found is None:
        raise ValueError(f"Got a sum for {each['variable']!r}, of which the neurons have no line in their equations.")
    return found


def _class(what: str, entry: Mapping[str, Any], text: str, code: Mapping[str, dict[str, str]]) -> Any:
    """The class of the synapses."""
    method = entry["method"]
    if method is not None and method not in METHODS:
        refuse(what, f"its method is {method!r}, expected one of {', '.join(METHODS)}")
    events = {line["name"]: line for line in entry["equations"] if "event-driven" in line["flags"]}
    made: dict[str, Any] = {"method": None if method is None else METHODS[method], "name": "BrianSynapse"}
    made |= {"on_pre": code["pre"], "on_post": code["post"]}
    clocks = any(line["type"] == "differential" and line["name"] not in events for line in entry["equations"])
    if events and not clocks:
        made["method"] = "exact"
    elif events and made["method"] != "exact":
        line = next(iter(events.values()))
        refuse(what, f"{line['name']!r} is event-driven beside variables that {method!r} integrates in every step; "
               "expected all of one kind, or method='exact'", line["text"])  # fmt: skip
    try:
        kind = equations.synapse(text, **made)
        if method == "exponential_euler" and not linear_in_itself(kind.model):
            kind = equations.synapse(text, **{**made, "method": "conditionally_linear"})
    except EquationError as error:
        refuse(what, str(error))
    return kind
