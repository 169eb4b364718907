"""Synapses of Brian2 as plain data: who is connected, numbers of each synapse, and what spikes do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .plain import assigned_in, kind_of, names_in, quantity, refuse
from .reading_groups import equations, method_of, outside, value_of


def end(what: str, group: Any) -> dict[str, Any]:
    """A group, or the part of one from `start` to before `stop`."""
    whole = group.source if kind_of(group) == "Subgroup" else group
    if kind_of(whole) not in ("NeuronGroup", "PoissonGroup", "SpikeGeneratorGroup"):
        refuse(what, f"it is connected to {whole.name!r}, a {kind_of(whole)}; expected groups of neurons")
    return {"group": whole.name, "start": int(group.start), "stop": int(group.stop)}


def synapses(what: str, given: Any, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """A Synapses: its ends, `pre` and `post` of each synapse as neurons of whole groups, and its pathways."""
    lines = equations(given.equations) + (equations(given.event_driven) if given.event_driven is not None else [])
    for part in given.contained_objects:
        if kind_of(part) not in ("SynapticPathway", "StateUpdater", "SummedVariableUpdater"):
            refuse(what, f"it has {part.name!r}, a {kind_of(part)}; expected equations, on_pre and on_post")
    sums = []
    for name, part in given.summed_updaters.items():
        group = given.source if name.endswith("_pre") else given.target
        if (part.when, part.order) != ("groups", group.order - 1):
            refuse(what, f"the sum {name!r} runs in slot {part.when!r}, order {part.order}; expected Brian2's own")
        expr = " ".join(str(part.expression).split())
        sums.append({"variable": name, "expr": expr, "text": f"{name} = {expr} : ... (summed)",
                     "order": int(part.order)})  # fmt: skip
    pathways = [_pathway(what, path) for path in given._pathways]
    lines = [line for line in lines if "summed" not in line["flags"]]
    used = names_in(*(line["expr"] for line in [*lines, *sums]), *(path["code"] for path in pathways))
    used -= {name for path in pathways for name in assigned_in(path["code"]) if name not in given.variables}
    own = [line for line in lines if line["type"] != "subexpression"]
    ends = {"source": end(what, given.source), "target": end(what, given.target)}
    return {
        **ends,
        "pre": np.array(given.variables["_synaptic_pre"].get_value(), dtype=np.int64),
        "post": np.array(given.variables["_synaptic_post"].get_value(), dtype=np.int64),
        "equations": lines,
        "method": method_of(what, given, namespace, lines) if given.state_updater is not None else None,
        "values": {line["name"]: value_of(what, given, line) for line in own},
        "names": outside(what, given, used, namespace),
        "summed": sums,
        "pathways": pathways,
    }


def _pathway(what: str, path: Any) -> dict[str, Any]:
    """What spikes of one side do; `delay` in s, one number or one a synapse."""
    side = path.prepost
    what = f"{what}, on_{side}"
    if path.event != "spike":
        refuse(what, f"it reacts to the event {path.event!r}; jaxsnn has spikes only")
    if path.when != "synapses" or path.order != {"pre": -1, "post": 1}[side] or not path.active:
        refuse(what, f"it runs in slot {path.when!r}, order {path.order}; expected Brian2's own")
    return {
        "name": path.objname, "side": side, "code": path.code.strip(),
        "delay": quantity(path.variables["delay"].get_value())["si"],
    }  # fmt: skip
