"""The units of variables, from what parameters and ports say of theirs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from .population import Population
from .projection import Projection

_MEMBRANE = ("v_rest", "v_th", "v_peak", "v0", "c")  # parameters in the unit of the membrane, the first that there is


def unit_of(populations: Mapping[str, Population], projections: Mapping[str, Projection], path: str) -> str:
    """Of `"E.v"` that of the neuron's potentials, of `"EE.weight"` and `"E.exc.i"` that of the weights into the port;
    empty for all else. A port's may be a word, such as `current`, where the model leaves the unit open."""
    name, _, rest = path.partition(".")
    if name in populations:
        population, (port, _, variable) = populations[name], rest.partition(".")
        if rest == "v":
            return _membrane(population.neuron)
        if port in population.ports and variable in ("i", "g"):
            return population.ports[port].weight_unit
    elif name in projections and rest == "weight":
        p = projections[name]
        port = populations[p.post].ports.get(p.port)
        return port.weight_unit if port is not None else ""
    return ""


def _membrane(neuron: Any) -> str:
    units = {field.name: field.metadata.get("unit", "") for field in dataclasses.fields(neuron)}
    found = next((units[name] for name in _MEMBRANE if name in units), "")
    return "" if found == "1" else found
