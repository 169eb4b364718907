"""`from_brian2`: the network of a description."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from ..._arguments import shown
from ...connectivity.topology import FromArrays
from ...equations.source import Source
from ...networks.model import Network, network
from ...networks.order import BrianOrder
from ...networks.projection import Connection
from ...simulation.drives.base import AbstractDrive, Silence, Sum
from ...simulation.drives.trains import Poisson
from .cells import Cells, cells
from .learners import Learner, learner
from .monitors import probes
from .numbers import Number
from .pathways import Addition, Numbers, delay_ms, of_pathway
from .plain import refuse
from .reading import VERSION, describe
from .stored import opened


class FromBrian2(NamedTuple):
    """What `from_brian2` makes of a network.

    `drive`: its generators, tables and Poisson inputs. `record`: a probe for each SpikeMonitor, EventMonitor and
    PopulationRateMonitor, of its name, and for each variable of a StateMonitor, `"monitor.v"`. `not_recorded`: what
    has no probe, and why.
    """

    net: Network
    drive: AbstractDrive
    record: dict[str, Any]
    not_recorded: dict[str, str]


def from_brian2(network: Any, *, namespace: Mapping[str, Any] | None = None) -> FromBrian2:
    """The network of a Brian2 `Network` that was constructed and has not run.

        net, drive, record, _ = snn.interop.from_brian2(Network(collect()))
        run = snn.simulate(net, drive, t=1000.0, key=key, record=record)

    Graphs, weights, delays, initial values and parameters are those that Brian2 drew. A group is a population by its
    equations, in Brian2's order of events; every parameter, and every name of the namespace, is a leaf,
    `"neurongroup.neuron.tau"`, in ms, mV, pA, nS, pF. A statement such as `ge += w` is a projection into the port `ge`;
    numbers are those of each synapse. A name that jaxsnn has taken gets an underscore behind, `i_`.

    **Arguments:** `network`: a Brian2 `Network`, the description of one, or the path of a file of one
    (`describe_brian2`). `namespace`: what names in equations mean that groups do not define; by default, as in Brian2,
    the variables at the place of this call.

    **Raises:** ValueError for what has no counterpart here, by its name and line.
    """
    if isinstance(network, Mapping):
        return translated(network)
    if isinstance(network, str) or hasattr(network, "__fspath__"):
        return translated(opened(network))
    return translated(describe_brian2(network, namespace=_caller() if namespace is None else namespace))


def describe_brian2(network: Any, *, namespace: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a Brian2 `Network` consists of, as plain dicts, arrays and text, for `from_brian2`, also without Brian2.

    **Arguments:** as of `from_brian2`. **Raises:** ValueError for what has no counterpart here, by its name and line.
    """
    if not (hasattr(network, "objects") and hasattr(network, "schedule")):
        raise ValueError(
            f"Got {shown(network)}, expected a Brian2 Network; of a script without one, Network(collect())."
        )
    return describe(network, _caller() if namespace is None else namespace)


def _caller() -> dict[str, Any]:
    """The variables where a function of this file was called from: what Brian2's own `run` sees."""
    frame = sys._getframe(2)
    return {**frame.f_globals, **frame.f_locals}


def translated(given: Mapping[str, Any]) -> FromBrian2:
    """The network of a description."""
    if given.get("version") != VERSION:
        raise ValueError(f"Got a description of version {given.get('version')!r}, expected {VERSION}; describe the "
                         "network again.")  # fmt: skip
    dt = float(given["dt"]) * 1e3
    into: dict[str, set[str]] = {name: set() for name in given["groups"]}
    additions, learners = _additions(given, into)
    for name, entry in given["inputs"].items():
        if given["groups"][entry["target"]["group"]]["kind"] != "neurons":
            refuse(f"PoissonInput {name!r}", f"its target is {entry['target']['group']!r}, expected a NeuronGroup")
        into[entry["target"]["group"]].add(entry["variable"])
    groups = {name: cells(name, group, dt, into[name]) for name, group in given["groups"].items()}
    connections: dict[str, Connection] = {}
    for name, path, several in additions:
        connections |= _connections(name, given["synapses"][name], path, several, groups, dt)
    for name, each in learners.items():
        entry = given["synapses"][name]
        learnt, *others = each.additions
        target = groups[entry["target"]["group"]]
        own = target.names.get(learnt.variable, learnt.variable)
        if len(entry["pre"]):
            connections[name] = Connection(
                entry["source"]["group"], f"{entry['target']['group']}.{own}", FromArrays(entry["pre"], entry["post"]),
                weight=Number.of(entry["values"][each.weight]).plain, delay=delay_ms(each.path, dt), rule=each.rule,
            )  # fmt: skip
        connections |= _connections(name, entry, each.path, others, groups, dt) if others else {}
    drives = [drive for each in groups.values() for drive in each.drives]
    drives += [_poisson_input(f"PoissonInput {name!r}", x, groups) for name, x in given["inputs"].items()]
    learnt = {name: (each.weight, _places(given["synapses"][name]["pre"])) for name, each in learners.items()}
    record: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, monitor in given["monitors"].items():
        found, not_recorded = probes(name, monitor, groups, learnt, dt)
        record |= found
        missing |= not_recorded
    net = network(
        dt=dt, key=jax.random.key(0), order=BrianOrder(), projections=connections,
        populations={name: each.population for name, each in groups.items()},
    )  # fmt: skip
    drive = drives[0] if len(drives) == 1 else Sum(tuple(drives)) if drives else Silence()
    return FromBrian2(net, drive, record, missing)


def _additions(
    given: Mapping[str, Any], into: dict[str, set[str]]
) -> tuple[list[tuple[str, Any, list[Addition]]], dict[str, Learner]]:
    """Pathways with what they add, and synapses that learn; `into` gains the variables that are added to."""
    found, learners = [], {}
    for name, entry in given["synapses"].items():
        what = f"Synapses {name!r}"
        own = {line["name"] for line in entry["equations"]}
        several = [(path, of_pathway(what, path, own)) for path in entry["pathways"]]
        if any(additions is None for _, additions in several):
            sides = {side: given["groups"][entry[end]["group"]] for side, end in (("pre", "source"), ("post", "target"))}
            neurons = {side: {line["name"] for line in group.get("equations", ())} for side, group in sides.items()}
            learners[name] = learner(what, {**entry, "neurons": neurons})
            _note(what, given, entry, learners[name].additions, into)
            continue
        for line in entry["equations"]:
            if line["type"] != "parameter":
                refuse(what, f"{line['name']!r} is computed in every synapse; expected parameters alone", line["text"])
        for path, additions in several:
            _note(what, given, entry, additions or [], into)
            found.append((name, path, additions))
    return found, learners


def _note(
    what: str, given: Mapping[str, Any], entry: Mapping[str, Any], additions: list[Addition], into: dict[str, set[str]]
) -> None:
    """Remember which variables are added to."""
    for each in additions:
        group = entry["source" if each.side == "pre" else "target"]["group"]
        if given["groups"][group]["kind"] != "neurons":
            refuse(what, f"{each.variable!r} is no variable of {group!r}", each.at)
        into[group].add(each.variable)


def _connections(
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
        kind = target.population.neuron.model
        if own not in kind.variables:
            refuse(f"Synapses {name!r}", f"{each.variable!r} is no variable of {ends[each.side]!r}", each.at)
        simple = len(several) == 1 and len(entry["pathways"]) == 1  # of those that learn there are more
        key = name if simple else f"{name}-{path['name']}-{each.variable}"
        while key in found:
            key += "'"
        found[key] = Connection(
            source, f"{ends[each.side]}.{own}", FromArrays(entry[path["side"]], entry[each.side]),
            weight=numbers.of(each, kind.dimensions[own]), delay=delay_ms(path, dt),
        )  # fmt: skip
    return found


def _places(pre: np.ndarray) -> np.ndarray:
    """Where each of Brian2's synapses is in a projection, which is sorted by sender."""
    order = np.argsort(pre, kind="stable")
    places = np.empty_like(order)
    places[order] = np.arange(order.size)
    return places


def _poisson_input(what: str, given: Mapping[str, Any], groups: Mapping[str, Cells]) -> Poisson:
    """A PoissonInput: the sum of its sources, in Poisson numbers where Brian2 draws binomial ones."""
    target, cells = given["target"], groups[given["target"]["group"]]
    own = cells.names.get(given["variable"], given["variable"])
    if isinstance(given["weight"], str):
        span = np.arange(target["start"], target["stop"])
        numbers = Numbers(what, {**given, "pre": span, "post": span, "values": {}, "source": target},
                          {"pre": cells.kept, "post": cells.kept})  # fmt: skip
        source = Source.of(given["weight"], "weight")
        from ...equations.expressions import Expression

        addition = Addition(given["variable"], "post", Expression.of(source, 0, len(source.text)), 1.0, given["weight"])
        weight = numbers.of(addition, cells.population.neuron.model.dimensions[own])
    else:
        weight = Number.of(given["weight"]).plain
    whole = (target["start"], target["stop"]) == (0, cells.population.n)
    chosen = "" if whole else f"[{target['start']}:{target['stop']}]"
    rate = Number.of(given["rate"]).plain * 1e3  # 1/ms in Hz
    return Poisson(given["count"] * rate, weight, into=f"{target['group']}{chosen}.{own}")
