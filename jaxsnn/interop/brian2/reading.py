"""From a constructed Brian2 `Network` to its description: plain dicts, arrays and text.

Nothing of Brian2 is imported: its objects are asked for what they say of themselves, and known by the names of their
classes. Whatever is found that a description has no place for is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .plain import kind_of, refuse
from .reading_groups import generator, neurons, poisson
from .reading_rest import monitor, poisson_input
from .reading_synapses import synapses

VERSION = 1
SCHEDULE = ["start", "groups", "thresholds", "synapses", "resets", "end"]
_READERS = {
    "NeuronGroup": ("groups", neurons),
    "PoissonGroup": ("groups", poisson),
    "SpikeGeneratorGroup": ("groups", generator),
    "Synapses": ("synapses", synapses),
    "PoissonInput": ("inputs", poisson_input),
    "SpikeMonitor": ("monitors", monitor),
    "EventMonitor": ("monitors", monitor),
    "StateMonitor": ("monitors", monitor),
    "PopulationRateMonitor": ("monitors", monitor),
}
_SLOTS = {
    "NeuronGroup": ("start", 0), "Synapses": ("start", 0), "PoissonGroup": ("thresholds", 0),
    "SpikeGeneratorGroup": ("thresholds", 0), "PoissonInput": ("synapses", 0),
}  # fmt: skip
_REFUSED = {
    "NetworkOperation": "Python that runs within a step; write a drive, snn.drives.AbstractDrive, which sees the state "
    "of the step before, or change the network between two runs",
    "SpatialNeuron": "a neuron of compartments; jaxsnn has point neurons only",
    "SpatialStateUpdater": "a neuron of compartments; jaxsnn has point neurons only",
}


def describe(network: Any, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a network: `dt` (s) and, by name, `groups`, `synapses`, `inputs` and `monitors`.

    **Arguments:** `network`: a Brian2 `Network` that has not run. `namespace`: what names in equations mean that the
    objects do not define themselves.
    """
    parts = {part.name for each in network.objects for part in each.contained_objects}
    objects = sorted((each for each in network.objects if each.name not in parts), key=lambda each: each.name)
    if not objects:
        refuse("The network", "it has no objects; of a script without a Network, hand over Network(collect())")
    if list(network.schedule) != SCHEDULE:
        refuse("The network", f"its schedule is {list(network.schedule)}, expected Brian2's own, {SCHEDULE}")
    for each in objects:
        if kind_of(each) not in _READERS:
            why = "jaxsnn has no counterpart of this object; leave it out of the Network"
            refuse(f"{kind_of(each)} {each.name!r}", _REFUSED.get(kind_of(each), why))
    dt = _step(objects)
    if float(network.t) != 0.0:
        refuse("The network", f"it has run up to {float(network.t) * 1e3:g} ms; hand it over before it runs")
    found: dict[str, Any] = {"version": VERSION, "dt": dt, "groups": {}, "synapses": {}, "inputs": {}, "monitors": {}}
    for each in objects:
        kind, what = kind_of(each), f"{kind_of(each)} {each.name!r}"
        if not each.active:
            refuse(what, "it is not active; leave it out of the Network")
        slot, order = _SLOTS.get(kind, (each.when, each.order))
        if (each.when, each.order) != (slot, order):
            refuse(what, f"it runs in slot {each.when!r}, order {each.order}; expected {slot!r}, as Brian2 has it")
        place, reader = _READERS[kind]
        found[place][each.name] = reader(what, each, namespace)
    return found


def _step(objects: list[Any]) -> float:
    """The time step that all objects have, in s; monitors may have another."""
    steps = {each.name: float(each.clock.dt_) for each in objects if "Monitor" not in kind_of(each)}
    parts = {part.name: float(part.clock.dt_) for each in objects for part in each.contained_objects}
    steps |= {name: dt for name, dt in parts.items() if "run_regularly" not in name}
    if not steps:
        refuse("The network", "it has nothing but monitors; expected a NeuronGroup")
    if len(set(steps.values())) > 1:
        first, *_, last = sorted(steps, key=steps.__getitem__)
        refuse("The network", f"{first!r} has dt = {steps[first] * 1e3:g} ms and {last!r} {steps[last] * 1e3:g} ms; "
               "expected one dt for all")  # fmt: skip
    return next(iter(steps.values()))
