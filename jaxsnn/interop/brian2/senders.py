"""Synapses of Brian2 with short-term plasticity: their texts as a release of `snn.equations`, where that is it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ... import equations
from ...connectivity.release import AbstractRelease
from ...equations.expressions import value
from ...equations.parse import Statement
from ...equations.releases import EquationRelease
from ...equations.source import EquationError
from .learners import parsed
from .numbers import Number, unit_text
from .pathways import line_of, sided
from .plain import refuse, renamed
from .texts import constants, freed, line_text


class Sender(NamedTuple):
    """Synapses whose spikes differ: `release`, the weight that multiplies it, and what it is added to."""

    release: EquationRelease
    weight: Number | None
    variable: str
    path: Mapping[str, Any]


def is_sender(what: str, entry: Mapping[str, Any]) -> bool:
    """Whether presynaptic spikes alone change synapses, and nothing of a synapse but variables with an equation."""
    lines = {line["name"]: line for line in entry["equations"]}
    if [path["side"] for path in entry["pathways"] if path["code"].strip()] != ["pre"]:
        return False
    (path,) = [path for path in entry["pathways"] if path["code"].strip()]
    code = parsed(what, path["code"], "pre")
    changed = {each.name for each in code if lines.get(each.name, {}).get("type") == "differential"}
    kept = [each for each in code if lines.get(each.name, {}).get("type") == "parameter" and each.operation != "="]
    return bool(changed) and not kept


def sender(what: str, entry: Mapping[str, Any]) -> Sender:
    """The release of synapses, one for all synapses of a sending neuron."""
    (path,) = [path for path in entry["pathways"] if path["code"].strip()]
    lines = {line["name"]: line for line in entry["equations"]}
    code = parsed(what, path["code"], "pre")
    variable = _target(what, code, lines, {*entry["neurons"]["pre"], *entry["neurons"]["post"]})
    given, weight = constants(what, entry["names"]), None
    assigned = {each.name for each in code}
    for name, line in lines.items():
        if line["type"] == "parameter" and name not in assigned:
            given |= {name: Number.of(entry["values"][name])}
            if np.ndim(given[name].value):
                if weight is not None:
                    refuse(what, f"{name!r} and {weight!r} differ from synapse to synapse; expected one weight",
                           line["text"])  # fmt: skip
                weight = name
    names = freed([*lines, *given, *assigned], lambda x: hasattr(AbstractRelease, x) or x in ("model", "recipe"))
    new = lambda name: names.get(name, name)
    written = [line_text(x, x["expr"] and renamed(x["expr"], names), names) for n, x in lines.items() if n not in given]
    written += [f"{new(name)} : {unit_text(number.dimension)}" for name, number in given.items()]
    variables = {new(name): line for name, line in lines.items() if line["type"] == "differential"}
    starts = {new(n): Number.of(entry["values"][n]) for n, line in lines.items() if line["type"] == "differential"}
    for name, number in starts.items():
        if np.ndim(number.value):
            refuse(what, f"{name!r} starts differently in its synapses; a release here is of the sending neuron",
                   variables[name]["text"])  # fmt: skip
    numbers: dict[Any, Any] = {new(name): number.plain for name, number in given.items() if name != weight}
    numbers |= {f"{name}_0": number.plain for name, number in starts.items()}
    try:
        kind = equations.release(
            "\n".join(written), on_pre=renamed(path["code"], names), weight=None if weight is None else new(weight),
            name="BrianRelease",
        )  # fmt: skip
        made = kind(**numbers)
    except EquationError as error:
        refuse(what, str(error))
    for name, rate in made.model.variables.items():
        at = starts[name].plain
        now = value(rate.node, lambda n, name=name, at=at: at if n == name else made.number(n))
        if abs(float(now)) > 1e-12:
            refuse(
                what, f"{name!r} starts at {at:g} and not at rest, where a release here begins", variables[name]["text"]
            )
    return Sender(made, None if weight is None else given[weight], variable, path)


def _target(what: str, code: list[Statement], lines: Mapping[str, Any], of_neurons: set[str]) -> str:
    """The one variable of the receivers that is added to; nothing else of neurons is read or changed."""
    added = [each for each in code if each.name not in lines and sided(each.name)[0] in of_neurons]
    for each in added:
        if each.operation not in ("+=", "-=") or sided(each.name)[1] != "post":
            refuse(what, f"{each.name!r} is set, or of the sending neuron; expected a variable of the receivers to be "
                   "added to", line_of(each))  # fmt: skip
    if len(added) != 1:
        refuse(what, f"its spikes are added to {len(added)} variables of neurons; expected one", line_of(code[-1]))
    own = {*lines, *(each.name for each in code)}
    for each in code:
        for node in each.expression.names():
            if (node.id not in own and sided(node.id) != (node.id, "post")) or node.id in of_neurons - own:
                refuse(what, f"it reads {node.id!r}, a variable of the neurons; a release here reads its own",
                       line_of(each))  # fmt: skip
    return sided(added[0].name)[0]
