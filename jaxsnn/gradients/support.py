"""Requirements of estimators that do not differentiate `simulate`: each function gives a reason, or None."""

from __future__ import annotations

from typing import Any

import jax

from ..connectivity.layer import Layered
from ..models import AbstractModel
from ..networks.model import Network
from ..simulation.drives.base import AbstractDrive


def no_network(net: AbstractModel) -> str | None:
    """A reason if the model is not a network of populations and projections."""
    return None if isinstance(net, Network) else f"got {type(net).__name__}, expected a network(...); use BPTT"


def closed_loop(inputs: AbstractDrive | None) -> str | None:
    """A reason if the drive is a closed loop, whose path through the environment is part of the derivative."""
    if inputs is None or not inputs.closed_loop:
        return None
    return (
        f"the drive {type(inputs).__name__} may react to the network, and no derivative goes through it here; if it "
        "does not look at `signals`, give it the property closed_loop = False, else use BPTT"
    )


def other_than_weights(net: Network, learnt: Any, wrt: Any, others: str) -> str | None:
    """A reason if a learned number is not a weight of a projection."""
    for name, part in net.named.items():
        if len(jax.tree.leaves(learnt[name])) > (name in net.projections and learnt[name].weight is not None):
            return (
                f"`wrt` is {wrt!r}, which matches a number of {name!r} ({type(part).__name__}) that is not a weight; "
                f"{others}"
            )
    return None


def odd_synapses(net: Network) -> str | None:
    """A reason if the input through a projection is not `weight` times a delayed spike."""
    for name, p in net.projections.items():
        if isinstance(p.graph, Layered):
            return f"{name!r} goes through a Layer, where there are no synapses to follow; use Dense(), or BPTT"
        if p.plastic is not None:
            rules = ", ".join(type(rule).__name__ for rule in p.plastic.rule.rules)
            return f"{name!r} is plastic ({rules}): its weights change in the run; use BPTT, or net.frozen()"
        if p.synapse is not None:
            return f"{name!r} has synapses with a state of their own, {type(p.synapse).__name__}; use BPTT"
        if p.release is not None:
            return f"{name!r} has the release {type(p.release).__name__}; use BPTT, or a projection without one"
    return None


def steps_as(part: Any, kind: type, methods: tuple[str, ...]) -> bool:
    """Whether `part` is a `kind` with the same equations: a subclass may change parameters, not methods."""
    return isinstance(part, kind) and all(getattr(type(part), m) is getattr(kind, m) for m in methods)
