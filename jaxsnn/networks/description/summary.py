"""A model in a few lines before it runs: its parts, their numbers with units, what it takes of memory."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..._text import law
from ...connectivity.graph import DenseGraph, SparseGraph
from .facts import unusual
from .picture import drawn
from .synapses import count, counted, delays, grouped, numbers_in, receiver, topology, weight_unit, weights
from .table import Table, as_html, as_text, marked, page


@dataclasses.dataclass(frozen=True)
class Summary:
    """What `net.summary()` returns: `print(summary)`, shown as a page in a notebook.

    `title`: one sentence. `tables`: populations, projections and what else there is. `notes`: memory and delays.
    `svg`: the graph.
    """

    title: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    svg: str = dataclasses.field(repr=False)

    def __str__(self) -> str:
        lines = [self.title]
        for table in self.tables:
            lines += ["", *as_text(table)]
        return "\n".join([*lines, "", *self.notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{marked(self.title)}</b></p>", self.svg, *map(as_html, self.tables)]
        return page([*parts, *(f"<div>{marked(note)}</div>" for note in self.notes)])


def summary(net: Any, drive: Any = None, record: Any = None) -> Summary:
    """The summary of a network, and of the drive and the probes of a run if they are given."""
    tables = [_populations(net), _projections(net)]
    if net.modules:
        rows = tuple((name, type(part).__name__, grouped(numbers_in(part))) for name, part in net.modules.items())
        tables.append(Table("modules", ("name", "kind", "numbers"), rows))
    if drive is not None:
        rows = tuple((type(one).__name__, law(one)) for one in drives(drive))
        tables.append(Table("drives", ("kind", "written as"), rows))
    if record is not None:
        rows = tuple((name, law(probe)) for name, probe in probes(record))
        tables.append(Table("record", ("name", "probe"), rows))
    filled = tuple(table.without_empty() for table in tables if table.rows)
    return Summary(_title(net), filled, tuple(_notes(net)), drawn(net, drive).svg)


def _title(net: Any) -> str:
    known = [count(p) for p in net.projections.values() if isinstance(p.graph, (SparseGraph, DenseGraph))]
    total = "a traced number of" if None in known else grouped(sum(known))  # type: ignore[arg-type]
    neurons, populations = _several(sum(net.sizes.values()), "neuron"), _several(len(net.populations), "population")
    synapses = f"{total} synapses in {_several(len(net.projections), 'projection')}"
    how = f"steps of {net.dt:g} ms, {net.order}"
    return f"Network of {neurons} in {populations} and {synapses}; {how}"


def _several(n: int, what: str) -> str:
    return f"{grouped(n)} {what}{'' if n == 1 else 's'}"


def _populations(net: Any) -> Table:
    rows = []
    for name, p in net.populations.items():
        ports = ", ".join(f"{port}: {unusual(part)}" for port, part in p.ports.items())
        start = ", ".join(f"{variable} {law(value)}" for variable, value in p.init.items())
        rows.append((name, grouped(p.n), unusual(p.neuron), ports, start))
    return Table("populations", ("name", "neurons", "model", "ports", "start"), tuple(rows))


def _projections(net: Any) -> Table:
    rows = []
    for name, p in net.projections.items():
        rows.append(
            (
                name,
                f"{p.pre} to {receiver(p)}",
                topology(p),
                counted(p),
                weights(p, weight_unit(net.populations, p)),
                delays(p, net.dt),
                "" if p.release is None else unusual(p.release),
                "" if p.plastic is None else ", ".join(map(unusual, p.plastic.rule.parts)),
                "" if p.synapse is None else unusual(p.synapse),
            )
        )
    head = ("name", "from and to", "topology", "synapses", "weight", "delay", "release", "rule", "synapse")
    return Table("projections", head, tuple(rows))


def _notes(net: Any) -> list[str]:
    state = eqx.filter_eval_shape(lambda net: net.init(key=jax.random.key(0)), net)
    notes = [f"memory: {size(net)} of parameters and synapses, {size(state)} of state"]
    slots = {name: p.max_delay for name, p in net.projections.items() if p.delay is not None}
    if slots:
        name = max(slots, key=lambda name: slots[name])
        notes.append(f"longest delay: {slots[name] * net.dt:g} ms, {slots[name]} steps ({name})")
    return notes


def size(tree: Any) -> str:
    """The memory of all arrays of a tree."""
    arrays = [x for x in jax.tree.leaves(tree) if hasattr(x, "dtype") and hasattr(x, "shape")]
    plain = [x for x in arrays if not jnp.issubdtype(x.dtype, jax.dtypes.prng_key)]
    total = sum(math.prod(x.shape) * x.dtype.itemsize for x in plain)
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if total >= scale:
            return f"{total / scale:.3g} {unit}"
    return f"{total} bytes"


def drives(drive: Any) -> tuple[Any, ...]:
    """The drives that one is the sum of, or several in a tuple or list."""
    several = drive if isinstance(drive, (tuple, list)) else getattr(drive, "drives", (drive,))
    return tuple(one for part in several for one in getattr(part, "drives", (part,)))


def probes(record: Any) -> list[tuple[str, Any]]:
    """The probes of a record by name; a text stands for a probe, and for its name."""
    if isinstance(record, Mapping):
        return [(str(name), probe) for name, probe in record.items()]
    several = record if isinstance(record, (tuple, list)) else [record]
    return [(probe if isinstance(probe, str) else str(i), probe) for i, probe in enumerate(several)]
