"""Building a network: parts are checked, numbers drawn, projections built."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from .. import _random
from .._arguments import mapping, shown
from .._arguments import name as checked_name
from ..connectivity.layer import unsuited
from ..models import known
from ..plasticity.base import AbstractModifier
from .build import Link, build, drawn_together
from .clocked import check_clocked
from .ends import ends_of
from .layout import check_memory
from .model import Network
from .order import AbstractOrder, NestOrder
from .population import Population
from .projection import Connection, Projection
from .sequence import topological


def network(
    *,
    dt: float,
    populations: dict[str, Population],
    projections: dict[str, Connection] | None = None,
    modules: dict[str, Any] | None = None,
    key: Array,
    order: AbstractOrder | None = None,
) -> Network:
    """Build a network: draw its graphs, weights and delays.

    **Arguments:**

    - `dt`: step, ms, static. `populations`: by name. `projections`: connections by name.
    - `key`: a projection's numbers depend on this key and the projection's name, on nothing else.
    - `modules`: Equinox modules by name that run once a trial, before the steps (`Encoded`) or behind them (`Decoded`).
    - `order`: `NestOrder()` (default) or `BrianOrder()`, of events; `NestOrder(sums=connectivity.Deterministic())` also
      of sums, where two runs on a GPU must be equal bit for bit.

    **Raises:** ValueError for names that are taken or unknown, delays below the order's shortest, off the grid or
    without bound, and for a cycle of same-step edges.
    """
    plan = planned(dt, populations, projections, modules, key, order)
    given = drawn_together(plan.links)
    of = lambda name, link: build(name, link, given.pop(name, None), dt=plan.dt, order=plan.order)
    built = {name: of(name, link) for name, link in plan.links.items()}
    check_built(built, plan.populations, plan.order)
    net = Network(plan.populations, built, plan.dt, plan.order, plan.modules)
    check_memory(net.layout, net.projections, net.dt)
    return net


class Plan(NamedTuple):
    """The arguments of `network`, checked, with the numbers of populations drawn."""

    populations: dict[str, Population]
    links: dict[str, Link]
    modules: dict[str, Any]
    dt: float
    order: AbstractOrder


def planned(dt: Any, populations: Any, projections: Any, modules: Any, key: Array, order: Any) -> Plan:
    """What is to be built."""
    order = NestOrder() if order is None else order
    if not isinstance(order, AbstractOrder):
        raise ValueError(f"Got order = {order!r}, expected NestOrder() or BrianOrder().")
    populations = _parts(populations, "populations", Population, '{"E": Population(LIF(), 100)}')
    projections = _parts(projections or {}, "projections", Connection, '{"EE": Connection("E", "E", FixedProb(0.1))}')
    modules = _parts(modules or {}, "modules", object, '{"readout": eqx.nn.Linear(...)}')
    if not populations:
        raise ValueError("Got no population, expected at least one: populations={'E': Population(LIF(), 100)}.")
    number = isinstance(dt, (int, float, np.integer, np.floating)) and not isinstance(dt, bool)
    if not (number and 0 < dt < math.inf):
        raise ValueError(f"Got dt = {dt!r}, expected a positive number of ms.")
    parts = [*populations, *projections, *modules]
    twice = {name for name in parts if parts.count(name) > 1}
    if twice:
        raise ValueError(f"Got {known(twice)} for several parts of the network; give each a name of its own.")
    for name, module in modules.items():
        if (why := unsuited(module)) is not None:
            raise ValueError(f"Module {name!r} is {type(module).__name__}, {why}.")
    populations = {
        name: _drawn(name, p, _random.named_key(key, f"{name}.parameters")) for name, p in populations.items()
    }
    links = {}
    for name, connection in sorted(projections.items()):
        try:
            pre, post, port = ends_of(populations, connection)
            if connection.delay is None and connection.synapse is None and not order.same_step:
                raise ValueError(
                    f"delay is None, a same-step edge; {type(order).__name__} has none: give a delay of 0 or more"
                )
        except ValueError as error:
            raise ValueError(f"Projection {name!r}: {error}") from None
        links[name] = Link(connection, _random.KeyPath(key, (name,)), pre, post, port)
    return Plan(dict(sorted(populations.items())), links, dict(sorted(modules.items())), float(dt), order)


def check_built(projections: dict[str, Projection], populations: dict[str, Population], order: AbstractOrder) -> None:
    """Raises ValueError for projections that do not fit the populations, or are a cycle within a step."""
    for name, p in projections.items():
        _check_voltages(name, p, populations)
        if p.synapse is not None:
            check_clocked(name, p, populations)
        if order.ordered and (what := _summed_otherwise(p)) is not None:
            raise ValueError(
                f"Projection {name!r} has {what}, whose sums have no order, and the network's order has "
                "sums=Deterministic(): leave out one of them."
            )
    topological(populations, projections.values())  # a cycle is an error now, not at the first run


def _summed_otherwise(p: Projection) -> str | None:
    """What of a projection adds floats up in an order of the device's, beside its arrivals."""
    if p.synapse is not None:
        return type(p.synapse).__name__
    modifiers = () if p.plastic is None else p.plastic.rule.modifiers
    refreshed = (m for m in modifiers if type(m).refresh is not AbstractModifier.refresh)
    return next((type(m).__name__ for m in refreshed), None)


def _parts(given: Any, what: str, kind: type, example: str) -> dict[str, Any]:
    """Parts by name, each of the right kind."""
    parts = mapping(given, what, example)
    for name, part in parts.items():
        checked_name(name)
        if not isinstance(part, kind):
            raise ValueError(f"{what}[{name!r}] is {shown(part)}, expected {kind.__name__}(...), as in {example}.")
    return parts


def _drawn(name: str, population: Population, key: Array) -> Population:
    try:
        return population.drawn(_random.named_key(key, f"{name}.parameters"))
    except ValueError as error:
        raise ValueError(f"Population {name!r}: {error}") from None


def _check_voltages(name: str, p: Projection, populations: dict[str, Population]) -> None:
    for rule in p.plastic.rule.rules if p.plastic is not None else ():
        for side in rule.voltage:
            where = getattr(p, side)
            if jax.eval_shape(lambda where=where: populations[where].voltage(populations[where].rest())) is None:
                neuron = type(populations[where].neuron).__name__
                raise ValueError(
                    f"Projection {name!r}: {type(rule).__name__} reads the membrane of its {side} neurons, but "
                    f"{where!r} is a population of {neuron}, which has none; take a neuron such as LIF or another rule."
                )
