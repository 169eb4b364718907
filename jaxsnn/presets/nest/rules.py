"""NEST's connection rules as topologies, and `Connect`, with the weight and the delay that NEST connects with."""

from __future__ import annotations

from typing import Any

from ...connectivity.fixed_number import FixedInDegree, FixedOutDegree, FixedTotal
from ...connectivity.fixed_prob import FixedProb
from ...connectivity.release import AbstractRelease
from ...connectivity.topology import AbstractTopology, AllToAll, OneToOne
from ...networks.projection import Connection
from ...plasticity.base import Chain


def all_to_all(*, allow_autapses: bool = True) -> AllToAll:
    """Every neuron to every neuron."""
    return AllToAll(autapses=allow_autapses)


def one_to_one() -> OneToOne:
    """Neuron `i` to neuron `i`."""
    return OneToOne()


def pairwise_bernoulli(p: Any, *, allow_autapses: bool = True) -> FixedProb:
    """Each pair with probability `p`, at most one synapse a pair."""
    return FixedProb(p, autapses=allow_autapses)


def fixed_indegree(indegree: Any, *, allow_autapses: bool = True, allow_multapses: bool = True) -> FixedInDegree:
    """`indegree` senders for every receiver."""
    return FixedInDegree(indegree, autapses=allow_autapses, multapses=allow_multapses)


def fixed_outdegree(outdegree: Any, *, allow_autapses: bool = True, allow_multapses: bool = True) -> FixedOutDegree:
    """`outdegree` receivers for every sender."""
    return FixedOutDegree(outdegree, autapses=allow_autapses, multapses=allow_multapses)


def fixed_total_number(N: Any, *, allow_autapses: bool = True, allow_multapses: bool = True) -> FixedTotal:
    """`N` synapses in all."""
    return FixedTotal(N, autapses=allow_autapses, multapses=allow_multapses)


def Connect(
    pre: str,
    post: str,
    conn_spec: AbstractTopology | None = None,
    syn_spec: Chain | AbstractRelease | None = None,
    *,
    weight: Any = 1.0,
    delay: Any = 1.0,
    max_delay: float | None = None,
) -> Connection:
    """A connection with NEST's defaults: all to all, the weight 1 and the delay 1 ms.

    **Arguments:** `pre`, `post`: `"E"` and `"I.ex"`: the port is what the sign of the weight is in NEST. `conn_spec`: a
    rule such as `pairwise_bernoulli(0.1)`. `syn_spec`: a synapse such as `stdp_synapse()` or `tsodyks_synapse()`; None
    for `static_synapse`. `max_delay`: ms, where delays are not known when the network is built.
    """
    topology = all_to_all() if conn_spec is None else conn_spec
    far = dict(weight=weight, delay=delay, max_delay=max_delay)
    if isinstance(syn_spec, Chain):
        return Connection(pre, post, topology, rule=syn_spec, **far)
    if syn_spec is not None and not isinstance(syn_spec, AbstractRelease):
        raise ValueError(
            f"nest.Connect got syn_spec = {syn_spec!r}, expected a synapse such as stdp_synapse() or tsodyks_synapse()."
        )
    return Connection(pre, post, topology, release=syn_spec, **far)
