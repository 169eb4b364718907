"""The parts of a network as e-prop sees them: sources, spiking populations, read-outs; and what it cannot handle."""

from __future__ import annotations

from typing import Any

import jax

from ..connect.layer import Layered
from ..network.network import Network
from ..network.order import NestOrder
from ..neurons.readout import LI, Relay
from ..synapses.alpha import Alpha
from ..synapses.delta import Delta
from ..synapses.exponential import Exponential


def readouts(net: Network) -> tuple[str, ...]:
    """Populations that never spike."""
    return tuple(name for name, p in net.populations.items() if isinstance(p.neuron, LI))


def spiking(net: Network) -> tuple[str, ...]:
    """Populations that spike of themselves."""
    return tuple(name for name, p in net.populations.items() if not isinstance(p.neuron, LI | Relay))


def unsuited(net: Network, learnt: Any, loss: Any) -> str | None:
    """What `EProp` cannot handle, in words that say what would; None if it handles all of it."""
    if not isinstance(net, Network):
        return f"got {type(net).__name__}, expected a network(...)"
    if not isinstance(net.order, NestOrder):
        return f"the network's order is {type(net.order).__name__}, which has no same-step read-outs; use NestOrder()"
    if not loss.summed:
        return (
            f"the loss {type(loss).__name__} is no sum over steps, so that no step knows its error; "
            "use a loss that is, such as a subclass of AbstractSummedLoss, or BPTT"
        )
    for name, p in net.projections.items():
        if isinstance(p.graph, Layered):
            return f"{name!r} goes through a Layer, where there are no synapses to keep traces at; use Dense(), or BPTT"
    for name, part in net.named.items():
        if len(jax.tree.leaves(learnt[name])) > (name in net.projections and learnt[name].weight is not None):
            return (
                f"`wrt` matches a number of {name!r} ({type(part).__name__}) that is no weight; use '*.weight', or "
                "BPTT or RTRL for the rest"
            )
    for name, p in net.projections.items():
        if getattr(p, "release", None) is not None or getattr(p, "rule", None) is not None:
            return f"{name!r} has a release or a rule, which e-prop's traces do not follow; use BPTT"
        if isinstance(net.populations[p.post].neuron, Relay):
            return f"{p.post!r} is a Relay that hears {name!r}; link the senders to its targets directly"
        if p.pre in spiking(net) and p.post in readouts(net) and p.delay is not None:
            return f"{name!r} reaches the read-out {p.post!r} after a delay; use delay=None, or BPTT"
    for name in readouts(net):
        population = net.populations[name]
        for port, synapse in population.ports.items():
            if not isinstance(synapse, Delta | Exponential | Alpha):
                return f"{name}.{port} is {type(synapse).__name__}, expected a linear port of a read-out; use BPTT"
        if any(x.ndim for x in jax.tree.leaves((population.neuron, population.ports))):
            return f"{name!r} has time constants of its own for each neuron; give a read-out one for all, or use BPTT"
    return None
