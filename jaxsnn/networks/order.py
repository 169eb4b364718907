"""The order of events inside a step. It decides spike times, so it is said once, here, and tested against both peers.

A spike found in step `k` with delay `d` lands in ring slot `k + d`, used up inside step `k + d`. The two orders differ
in where inside the step that is.
"""

import abc
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
from jaxtyping import Array

from ..models import Inputs
from ..plasticity.base import (
    AbstractClipping,
    AbstractPairing,
    AbstractSentWeight,
    ClipEachTerm,
    ClipWholeChange,
    CoincidentIgnored,
    PreBeforePost,
    WeightAfterUpdate,
    WeightBeforeUpdate,
)

if TYPE_CHECKING:
    from .prepare import Prepared


class AbstractArrival(eqx.Module):
    """Where in a step arrivals act, for what has to know it: lowering to a chip."""


class BeforeThreshold(AbstractArrival):
    """After membranes have advanced and before the threshold: a jump of `v` can cause a spike in the same step."""


class AfterThreshold(AbstractArrival):
    """After the threshold and before the reset: a jump of `v` acts from the next step on, never in a spike's step."""


class AbstractOrder(eqx.Module):
    """Where in a step arrivals are heard.

    `arrivals` declares it: `BeforeThreshold()`, `AfterThreshold()`, or None for anything else, which is what an order
    has that writes a `step` of its own and declares nothing; `lower` refuses it.
    """

    arrivals: ClassVar[AbstractArrival | None] = None
    shortest_delay: eqx.AbstractClassVar[int]  # steps
    same_step: eqx.AbstractClassVar[bool]  # whether an edge without delay has a meaning
    axonal: eqx.AbstractClassVar[bool]  # whose the delay of a plastic synapse is, unless it says so: the axon's?
    sends: eqx.AbstractClassVar[AbstractSentWeight]  # and which weight it sends
    coincident_pairs: eqx.AbstractClassVar[AbstractPairing]
    clips: eqx.AbstractClassVar[AbstractClipping]  # what of a change a bound is applied to

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls) and "arrivals" not in vars(cls):
            cls.arrivals = None  # what was declared of another `step`

    @abc.abstractmethod
    def step(self, net: "Prepared", state: Any, inputs: Inputs, t: Array, key: Array) -> tuple[Any, dict[str, Array]]:
        """One step: the next state and everybody's spikes."""


class NestOrder(AbstractOrder):
    """NEST's order: arrivals come before the threshold; the shortest delay is one step.

    1. Ports give the current of their state at `t_k`, and decay. 2. Membranes that are not refractory advance.
    3. Slot `k`, the drive's arrivals and same-step edges are heard. 4. Threshold. 5. Reset, refractory counter.
    6. Spikes, or what is released of them, go into the ring. Populations run in topological order of the same-step
    edges, so that along these a population hears spikes of the same step, as in deep-learning libraries.
    7. Plastic synapses learn, and send. Their delays are dendritic unless they say otherwise.
    """

    arrivals = BeforeThreshold()
    shortest_delay = 1
    same_step = True
    axonal = False
    sends = WeightAfterUpdate()
    coincident_pairs = CoincidentIgnored()
    clips = ClipEachTerm()

    def step(self, net, state, inputs, t, key):
        arrivals, ring = net.arrivals(state.ring, inputs, t)
        populations, spikes, projections, sent = {}, {}, {}, {}
        for name in net.sequence:
            s, spikes[name] = net.to_threshold(name, state.populations[name], inputs, t, key, arrivals[name])
            populations[name] = net.populations[name].reset(s, spikes[name], net.dt)
            released, leaving = net.release(state.projections, {name: spikes[name]})
            net.pass_on(leaving, arrivals, state.projections, t, key)
            projections, sent = projections | released, sent | leaving
        ring, overflow = net.deliver(ring, sent, t, key)
        ring, projections = net.learn(ring, state.projections | projections, spikes, sent, populations, inputs, t)
        return net.next(state, populations, projections, ring, overflow), spikes


class BrianOrder(AbstractOrder):
    """Brian2's order (groups, thresholds, synapses, resets): arrivals come after the threshold, before the reset.

    1. Ports give the current of their state at `t_k`, and decay. 2. Membranes advance. 3. Threshold. 4. Spikes of all
    populations, or what is released of them, go into the ring, delay 0 into slot `k` itself. 5. Slot `k` and the
    drive's arrivals are heard. 6. Reset, refractory counter. A delay of 0 is not same-step propagation: its earliest
    effect is a spike in `k + 1`. Plastic synapses learn, and send, in 4. Their delays are axonal unless they say
    otherwise.
    """

    arrivals = AfterThreshold()
    shortest_delay = 0
    same_step = False
    axonal = True
    sends = WeightBeforeUpdate()
    coincident_pairs = PreBeforePost()
    clips = ClipWholeChange()

    def step(self, net, state, inputs, t, key):
        advanced, spikes = {}, {}
        for name in net.sequence:
            advanced[name], spikes[name] = net.to_threshold(name, state.populations[name], inputs, t, key)
        projections, sent = net.release(state.projections, spikes)
        ring, overflow = net.deliver(state.ring, sent, t, key)
        ring, projections = net.learn(ring, state.projections | projections, spikes, sent, advanced, inputs, t)
        arrivals, ring = net.arrivals(ring, inputs, t)
        populations = {}
        for name, s in advanced.items():
            s = net.populations[name].hear(s, arrivals[name], net.dt, fired=spikes[name] > 0)
            populations[name] = net.populations[name].reset(s, spikes[name], net.dt)
        return net.next(state, populations, projections, ring, overflow), spikes
