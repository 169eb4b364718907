"""The rows of a description, a table a function, in the order of Nordlie, Gewaltig and Plesser (2009)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax

from ..._text import law
from ..._types import canonical_float
from . import facts
from .summary import drives, probes
from .synapses import counted, delays, grouped, receiver, topology, weight_unit, weights
from .table import Table


def tables(net: Any, drive: Any, record: Any) -> tuple[Table, ...]:
    """All tables that have rows."""
    found = [
        _summary(net, drive, record),
        Table("Populations", ("name", "elements", "size", "ports", "initial values"), tuple(_populations(net))),
        Table("Connectivity", ("name", "source and target", "pattern", "weight", "delay"), tuple(_connectivity(net))),
        Table("Neuron models", ("name", "type", "dynamics", "choices"), tuple(_models(_neurons(net)))),
        Table("Synapse models", ("name", "type", "dynamics", "choices"), tuple(_models(_ports(net)))),
        Table("Release", ("name", "type", "dynamics", "choices"), tuple(_models(_releases(net)))),
        Table("Plasticity", ("name", "type", "dynamics", "choices"), tuple(_models(_rules(net)))),
        Table("Input", ("type", "target", "description"), tuple(_inputs(drive))),
        Table("Measurements", ("name", "type", "description"), tuple(_measurements(record))),
        Table("Simulation", ("property", "value"), tuple(_simulation(net))),
        Table("Parameters", ("of", "name", "value", "meaning"), tuple(_parameters(net, drive))),
        Table("References", ("of", "reference"), tuple(_references(net))),
    ]
    return tuple(table.without_empty() for table in found if table.rows)


def _summary(net: Any, drive: Any, record: Any) -> Table:
    kind = lambda part: part if isinstance(part, str) else type(part).__name__
    kinds = lambda parts: ", ".join(dict.fromkeys(map(kind, parts))) or "none"
    total = grouped(sum(net.sizes.values()))
    patterns = dict.fromkeys(topology(p).split("(")[0] for p in net.projections.values())
    positioned = [name for name, p in net.populations.items() if p.positions is not None]
    return Table(
        "Model summary",
        ("part", "what it is"),
        (
            ("populations", f"{len(net.populations)} ({', '.join(net.populations)}), {total} neurons"),
            ("topology", f"positions of {', '.join(positioned)}" if positioned else "none"),
            ("connectivity", ", ".join(patterns) or "none"),
            ("neuron model", kinds(part for _, part in _neurons(net))),
            ("synapse model", kinds(part for _, part in _ports(net))),
            ("release", kinds(part for _, part in _releases(net))),
            ("plasticity", kinds(part for _, part in _rules(net))),
            ("input", "none given" if drive is None else kinds(drives(drive))),
            ("measurements", "none given" if record is None else kinds(probe for _, probe in probes(record))),
        ),
    )


def _populations(net: Any) -> Iterable[tuple[str, ...]]:
    for name, p in net.populations.items():
        ports = ", ".join(f"{port}: {_kind(part)}" for port, part in p.ports.items())
        start = ", ".join(f"{variable} from {law(value)}" for variable, value in p.init.items())
        yield name, _kind(p.neuron), grouped(p.n), ports, start or "at rest"


def _kind(part: Any) -> str:
    inner = getattr(part, "port", None)
    return type(part).__name__ if inner is None else f"{type(part).__name__}({type(inner).__name__})"


def _connectivity(net: Any) -> Iterable[tuple[str, ...]]:
    for name, p in net.projections.items():
        origin, unit = p.origin, weight_unit(net.populations, p)
        pattern = topology(p)
        if origin is not None:
            pattern += f": {origin.pattern.split('; ')[0].rstrip('.')}"
        drawn = lambda law, now: f"{law}; now {now}" if "(" in law else now
        weight, delay = weights(p, unit), delays(p, net.dt)
        yield (
            name,
            f"{p.pre} to {receiver(p)}",
            f"{pattern}; {counted(p)} synapses",
            weight if origin is None else drawn(origin.weight, weight),
            delay if origin is None else drawn(origin.delay, delay),
        )


def _neurons(net: Any) -> list[tuple[str, Any]]:
    return [(name, p.neuron) for name, p in net.populations.items()]


def _ports(net: Any) -> list[tuple[str, Any]]:
    ports = [(f"{name}.{port}", part) for name, p in net.populations.items() for port, part in p.ports.items()]
    return [*ports, *((name, p.synapse) for name, p in net.projections.items() if p.synapse is not None)]


def _releases(net: Any) -> list[tuple[str, Any]]:
    return [(name, p.release) for name, p in net.projections.items() if p.release is not None]


def _rules(net: Any) -> list[tuple[str, Any]]:
    return [
        (name, part) for name, p in net.projections.items() if p.plastic is not None for part in p.plastic.rule.parts
    ]


def _models(parts: list[tuple[str, Any]]) -> Iterable[tuple[str, ...]]:
    """A row for each kind with its choices, under the names of all that are alike."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for name, part in parts:
        alike.setdefault((_kind(part), dynamics(part), _choices(part)), []).append(name)
    for (kind, says, chosen), names in alike.items():
        yield ", ".join(names), kind, says, chosen


def dynamics(part: Any) -> str:
    """What a part of a model does, with the part that it wraps."""
    inner = [getattr(part, name, None) for name in ("port", "course")]
    more = (f"{type(one).__name__}: {dynamics(one)}" for one in inner if one is not None)
    return " ".join([facts.dynamics(type(part)), *more])


def _choices(part: Any) -> str:
    shown = [(name, says) for name, says in facts.choices(part) if name not in ("port", "course")]
    return "; ".join(f"{name} {says}" for name, says in shown)


def _inputs(drive: Any) -> Iterable[tuple[str, ...]]:
    for one in () if drive is None else drives(drive):
        into = getattr(one, "into", ())
        target = into if isinstance(into, str) else ", ".join(map(str, into))
        yield type(one).__name__, target, f"{facts.sentence(type(one))}; {law(one)}"


def _measurements(record: Any) -> Iterable[tuple[str, ...]]:
    for name, probe in () if record is None else probes(record):
        if isinstance(probe, str):  # a name that stands for a probe: `record="spikes"`
            yield name, probe, "as `simulate` says"
            continue
        yield name, type(probe).__name__, f"{facts.sentence(type(probe))}; {law(probe)}"


def _simulation(net: Any) -> Iterable[tuple[str, ...]]:
    yield "step", f"{net.dt:g} ms"
    yield "order of events", f"{type(net.order).__name__}: {facts.sentence(type(net.order))}"
    if net.order.ordered:
        yield "order of sums", f"{type(net.order.sums).__name__}: {facts.sentence(type(net.order.sums))}"
    yield "precision", str(canonical_float())
    yield "simulator", f"jaxsnn {_version()}, jax {jax.__version__}"


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("jaxsnn")
    except PackageNotFoundError:  # a checkout that was not installed
        return "from a checkout"


def _parameters(net: Any, drive: Any) -> Iterable[tuple[str, ...]]:
    named = [*_neurons(net), *_ports(net), *_releases(net), *_rules(net)]
    named += [(type(one).__name__, one) for one in (() if drive is None else drives(drive))]
    alike: dict[tuple[str, tuple[facts.Parameter, ...]], list[str]] = {}
    for name, part in named:
        alike.setdefault((type(part).__name__, tuple(facts.parameters(part))), []).append(name)
    for (_, parameters), names in alike.items():
        for p in parameters:
            yield ", ".join(names), f"`{p.name}`", facts.with_unit(p.value, p.unit), p.meaning


def _references(net: Any) -> Iterable[tuple[str, ...]]:
    found: dict[str, str] = {}
    for _, part in (*_neurons(net), *_ports(net), *_releases(net), *_rules(net)):
        if text := facts.source(type(part)):
            found.setdefault(type(part).__name__, text)
    yield from found.items()
