"""Inputs and monitors of Brian2 as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .plain import kind_of, names_in, quantity, refuse
from .reading_groups import outside
from .reading_synapses import end


def poisson_input(what: str, given: Any, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """A PoissonInput: `count` sources of a `rate` into a variable, each spike worth `weight`."""
    weight, group = given.weight, given._group
    text = isinstance(weight, str)
    return {
        "target": end(what, group), "variable": given.target_var, "count": int(given.N), "rate": quantity(given.rate),
        "weight": weight if text else quantity(weight),
        "names": outside(what, group, names_in(weight), namespace) if text else {},
    }  # fmt: skip


def monitor(what: str, given: Any, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """A monitor: what it reads, of whom (`record`, neurons of the whole group), and its time step in s."""
    source, kind = given.source, kind_of(given)
    if kind_of(source) == "Synapses":
        return {"kind": kind, "synapses": source.name, "variables": list(given.record_variables),
                "record": np.array(given.record, dtype=np.int64), "dt": float(given.clock.dt_)}  # fmt: skip
    if getattr(given, "event", "spike") != "spike":
        refuse(what, f"it records the event {given.event!r}; jaxsnn has spikes only")
    found: dict[str, Any] = {"kind": kind, **end(what, source), "dt": float(given.clock.dt_)}
    if kind == "StateMonitor":
        found["record"] = found["start"] + np.array(given.record, dtype=np.int64).reshape(-1)
        found["variables"] = list(given.record_variables)
        found["when"] = given.when
    return found
