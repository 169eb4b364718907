"""From what a script of PyNN has created to a network and its drive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from ...networks.assembly import network
from ...networks.model import Network
from ...networks.projection import Connection
from ...simulation.drives.base import AbstractDrive, Silence, Sum


def named(parts: Iterable[Any]) -> dict[int, str]:
    """A name for each population and projection: its label, without what a path is made of, and a number if taken."""
    found: dict[int, str] = {}
    for part in parts:
        label = "".join("_" if letter in ".[]" else letter for letter in str(part.label or "")).strip() or "part"
        name, count, taken = label, 2, set(found.values())
        while name in taken:
            name, count = f"{label} {count}", count + 1
        found[id(part)] = name
    return found


def built(state: Any, names: Mapping[int, str]) -> Network:
    """The network, in NEST's order of events, which is PyNN's default precision of spikes."""
    populations = {names[id(each)]: each.made() for each in state.populations}
    if not populations:
        raise ValueError("Got a run without any population, expected at least one: Population(10, IF_cond_exp()).")
    connections: dict[str, Connection] = {}
    for each in state.projections:
        for part in each.parts(names):
            connections[part.name] = each.connection(part, names)
    return network(dt=state.dt, key=jax.random.key(0), populations=populations, projections=connections)


def drives(state: Any, names: Mapping[int, str], first: int, last: int | None) -> AbstractDrive:
    """What spike sources send and what is injected in the steps from `first` to `last`; None: without end."""
    found: list[AbstractDrive] = []
    for each in state.populations:
        found += each.celltype.sent(each.cell_parameters, names[id(each)], state.dt, first, last)
    for source in state.sources:
        found += source.fed(names, state.dt)
    return found[0] if len(found) == 1 else Sum(tuple(found)) if found else Silence()


def one_or_all(values: Any) -> Any:
    """One number where all are equal, so that it is one leaf."""
    values = np.asarray(values)
    return values.flat[0] if values.size and np.all(values == values.flat[0]) else values


def selected(name: str, chosen: np.ndarray, n: int) -> tuple[str, Any]:
    """The name of a population and the index of some of its `n` neurons, None for all."""
    return name, None if len(chosen) == n and np.array_equal(chosen, np.arange(n)) else [int(i) for i in chosen]
