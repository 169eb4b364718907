"""The order of events inside a step. It decides spike times, so it is said once, here, and tested against both peers.

A spike found in step `k` with delay `d` lands in ring slot `k + d`, used up inside step `k + d`. The two orders differ
in where inside the step that is.
"""

import abc
from typing import Any, ClassVar

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

Arrivals = dict[str, dict[str, Array]]  # by population and port


class AbstractStages(eqx.Module):
    """The parts of a step of a network, by population, which an order arranges.

    What is sent stands under the name of its sender: a population, or a projection with a release of its own.
    """

    sequence: eqx.AbstractVar[tuple[str, ...]]  # populations, along same-step edges

    @abc.abstractmethod
    def arrivals(self, ring: Array, inputs: Inputs, t: Array) -> tuple[Arrivals, Array]:
        """What lands in this step, and the ring without it."""

    @abc.abstractmethod
    def to_threshold(
        self, name: str, state: Any, inputs: Inputs, t: Array, key: Array, arrivals: dict[str, Array] | None = None
    ) -> tuple[Any, Array]:
        """One population from `t_k` to its threshold, with `arrivals` where they come before it; and its spikes."""

    @abc.abstractmethod
    def hear(self, name: str, s: Any, arrivals: dict[str, Array], spikes: Array) -> Any:
        """Arrivals that come after the threshold, and before the reset."""

    @abc.abstractmethod
    def reset(self, name: str, s: Any, spikes: Array) -> Any:
        """What firing does to a population, and the bookkeeping that closes its step."""

    @abc.abstractmethod
    def release(self, projections: dict[str, Any], spikes: dict[str, Array]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Projections that have released at `spikes`, and what these send, by sender."""

    @abc.abstractmethod
    def pass_on(
        self, sent: dict[str, Any], arrivals: Arrivals, projections: dict[str, Any], t: Array, key: Array
    ) -> tuple[Arrivals, dict[str, Any]]:
        """Arrivals of populations that run later with what same-step edges carry, and what is sent."""

    @abc.abstractmethod
    def everybody(self, spikes: dict[str, Array], sent: dict[str, Any]) -> Any:
        """All that is sent in the step, found and packed once."""

    @abc.abstractmethod
    def deliver(
        self,
        ring: Array,
        projections: dict[str, Any],
        sent: Any,
        populations: dict[str, Any],
        inputs: Inputs,
        t: Array,
        key: Array,
    ) -> tuple[Array, dict[str, Any], Array]:
        """All that is sent into the slots where it will land; plastic synapses learn. Whether room ran out."""

    @abc.abstractmethod
    def next(
        self, state: Any, populations: dict[str, Any], projections: dict[str, Any], ring: Array, overflow: Array
    ) -> Any:
        """The state after the step."""


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
    def step(self, net: AbstractStages, state: Any, inputs: Inputs, t: Array, key: Array) -> tuple[Any, Any]:
        """One step: the next state, and all that was sent, as `everybody` gives it."""


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
            s, spikes[name] = net.to_threshold(name, state, inputs, t, key, arrivals[name])
            populations[name] = net.reset(name, s, spikes[name])
            released, leaving = net.release(state.projections, {name: spikes[name]})
            arrivals, leaving = net.pass_on(leaving, arrivals, state.projections, t, key)
            projections, sent = projections | released, sent | leaving
        sent, projections = net.everybody(spikes, sent), state.projections | projections
        ring, projections, overflow = net.deliver(ring, projections, sent, populations, inputs, t, key)
        return net.next(state, populations, projections, ring, overflow), sent


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
            advanced[name], spikes[name] = net.to_threshold(name, state, inputs, t, key)
        released, sent = net.release(state.projections, spikes)
        sent, projections = net.everybody(spikes, sent), state.projections | released
        ring, projections, overflow = net.deliver(state.ring, projections, sent, advanced, inputs, t, key)
        arrivals, ring = net.arrivals(ring, inputs, t)
        populations = {}
        for name, s in advanced.items():
            s = net.hear(name, s, arrivals[name], spikes[name])
            populations[name] = net.reset(name, s, spikes[name])
        return net.next(state, populations, projections, ring, overflow), sent
