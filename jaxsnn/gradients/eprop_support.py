"""The parts of a network for e-prop: sources, spiking populations and readouts; and what it cannot handle."""

from __future__ import annotations

import jax

from ..networks.model import Network
from ..networks.order import BeforeThreshold
from ..neurons.readout import LI, Parrot
from ..synapses.alpha import Alpha
from ..synapses.delta import Delta
from ..synapses.exponential import Exponential
from .support import odd_synapses, steps_as


def readouts(net: Network) -> tuple[str, ...]:
    """Populations that never spike."""
    return tuple(name for name, p in net.populations.items() if isinstance(p.neuron, LI))


def spiking(net: Network) -> tuple[str, ...]:
    """Populations with spiking neurons of their own."""
    return tuple(name for name, p in net.populations.items() if not isinstance(p.neuron, LI | Parrot))


def unsupported(net: Network) -> str | None:
    """The first part of a network that `EProp` cannot handle, with an alternative; None if it handles all of it."""
    if not (net.order.same_step and isinstance(net.order.arrivals, BeforeThreshold)):
        return (
            f"the network's order is {type(net.order).__name__}, which does not declare that arrivals come before the "
            "threshold and that there are same-step edges; use NestOrder(), or BPTT"
        )
    if (why := odd_synapses(net)) is not None:
        return why
    for name, p in net.projections.items():
        if isinstance(net.populations[p.post].neuron, Parrot):
            return (
                f"{p.post!r} is a Parrot that receives {name!r}; link the senders to its targets directly, or use BPTT"
            )
        if p.pre in spiking(net) and p.post in readouts(net) and p.delay is not None:
            return f"{name!r} reaches the readout {p.post!r} after a delay; use delay=None, or BPTT"
    for name in readouts(net):
        population = net.populations[name]
        if not steps_as(population.neuron, LI, ("advance", "add_jump", "spike", "reset")):
            return f"{name}.neuron is {type(population.neuron).__name__}, which is no plain LI; use LI, or BPTT"
        for port, synapse in population.ports.items():
            if not any(steps_as(synapse, kind, ("advance", "receive")) for kind in (Delta, Exponential, Alpha)):
                return f"{name}.{port} is {type(synapse).__name__}, expected a linear port of a readout; use BPTT"
        if any(x.ndim for x in jax.tree.leaves((population.neuron, population.ports))):
            return f"{name!r} has time constants of its own for each neuron; give a readout one for all, or use BPTT"
    return None
