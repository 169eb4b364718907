"""Monitors of Brian2 as probes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...simulation.probes import PopulationRate, Raster, Trace
from .cells import Cells


def probes(
    name: str, monitor: Mapping[str, Any], groups: Mapping[str, Cells], synapses: Mapping[str, Any], dt: float
) -> tuple[dict[str, Any], dict[str, str]]:
    """The probes of a monitor by name, and why something of it is not recorded.

    `synapses`: of those that change, where their variables are, and the places of Brian2's synapses there.
    """
    kind, every = monitor["kind"], _every(monitor["dt"] * 1e3, dt)
    if "synapses" in monitor:
        return _of_synapses(name, monitor, synapses.get(monitor["synapses"]), every)
    group, cells = monitor["group"], groups[monitor["group"]]
    n = cells.population.n
    some = None if (monitor["start"], monitor["stop"]) == (0, n) else slice(monitor["start"], monitor["stop"])
    if kind == "PopulationRateMonitor":
        return {name: PopulationRate(group, index=some, bin=dt)}, {}
    if kind != "StateMonitor":
        return {name: Raster(group, index=some)}, {}
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    index = None if len(monitor["record"]) == n else [int(x) for x in monitor["record"]]
    state = getattr(getattr(cells.population.neuron, "model", None), "variables", ())
    for variable in monitor["variables"]:
        own, key = cells.names.get(variable, variable), f"{name}.{variable}"
        if monitor["when"] != "start":
            missing[key] = f"it is taken in slot {monitor['when']!r}, within a step"
        elif own not in state:
            missing[key] = f"{variable!r} is a parameter or computed from variables; record these"
        elif every is None and monitor["dt"] * 1e3 != dt:
            missing[key] = f"its dt is {monitor['dt'] * 1e3:g} ms, expected whole steps of {dt:g} ms"
        else:
            found[key] = Trace(f"{group}.{own}", index=index, every=every)
    return found, missing


def _of_synapses(
    name: str, monitor: Mapping[str, Any], given: tuple[Mapping[str, str], Any] | None, every: float | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Variables of synapses over time: of those that learn, their weights."""
    paths, places = ({}, None) if given is None else given
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for variable in monitor["variables"]:
        if variable in paths and places is not None:
            at = [int(x) for x in places[monitor["record"]]]
            found[f"{name}.{variable}"] = Trace(paths[variable], index=at, every=every)
        else:
            kept = ", ".join(map(repr, paths))
            missing[f"{name}.{variable}"] = f"of these synapses {kept} is recorded" if paths else "it stays"
    return found, missing


def _every(interval: float, dt: float) -> float | None:
    """The interval between samples, None for every step."""
    steps = round(interval / dt)
    return steps * dt if steps > 1 and abs(interval / dt - steps) < 1e-6 else None
