"""The order of events inside a step. It decides spike times, so it is written once, here, and tested against NEST and
Brian2.

A spike found in step `k` with delay `d` lands in ring slot `k + d`, used up inside step `k + d`. The two orders differ
in where inside the step that is.
"""

import abc
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
from jaxtyping import Array

from .._choices import Chosen
from ..connectivity.sums import AbstractSums, AnyOrder, Deterministic
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
    from typing import ClassVar as AbstractClassVar
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractClassVar, AbstractVar

Arrivals = dict[str, dict[str, Array]]  # by population and port


class AbstractStages(eqx.Module):
    """The parts of a step of a network, which an order arranges.

    Amplitudes are keyed by sender: the presynaptic population, or the projection itself if it has a release.
    """

    sequence: AbstractVar[tuple[str, ...]]  # populations, along same-step edges

    @abc.abstractmethod
    def begin(self, state: Any, inputs: Inputs, t: Array, key: Array) -> tuple[Any, Inputs]:
        """What synapses with a state of their own sum of the state at `t_k`, in its place; and their step."""

    @abc.abstractmethod
    def arrivals(self, ring: Array, inputs: Inputs, t: Array) -> tuple[Arrivals, Array]:
        """The arrivals of this step, and the ring without them."""

    @abc.abstractmethod
    def to_threshold(
        self, name: str, state: Any, inputs: Inputs, t: Array, key: Array, arrivals: dict[str, Array] | None = None
    ) -> tuple[Any, Array]:
        """One population from `t_k` to its threshold, with `arrivals` if they act before it; and its spikes."""

    @abc.abstractmethod
    def receive(self, name: str, s: Any, arrivals: dict[str, Array], spikes: Array) -> Any:
        """Arrivals that act after the threshold and before the reset."""

    @abc.abstractmethod
    def reset(self, name: str, s: Any, spikes: Array) -> Any:
        """The reset of a population, and its refractory counter."""

    @abc.abstractmethod
    def release(self, projections: dict[str, Any], spikes: dict[str, Array]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The states of releases after `spikes`, and the amplitudes by sender."""

    @abc.abstractmethod
    def pass_on(
        self, sent: dict[str, Any], arrivals: Arrivals, projections: dict[str, Any], t: Array, key: Array
    ) -> tuple[Arrivals, dict[str, Any]]:
        """The arrivals of later populations with those through same-step edges, and the amplitudes sent."""

    @abc.abstractmethod
    def everybody(self, spikes: dict[str, Array], sent: dict[str, Any]) -> Any:
        """All spikes of the step, packed once."""

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
    ) -> tuple[Array, dict[str, Any]]:
        """All spikes into their ring slots, and the changes of plastic synapses."""

    @abc.abstractmethod
    def next(self, state: Any, populations: dict[str, Any], projections: dict[str, Any], ring: Array) -> Any:
        """The state after the step."""


class AbstractArrival(eqx.Module):
    """The place of arrivals within a step, declared for lowering."""


class BeforeThreshold(AbstractArrival):
    """After membranes have advanced and before the threshold: a jump of `v` can cause a spike in the same step."""


class AfterThreshold(AbstractArrival):
    """After the threshold and before the reset: a jump of `v` acts from the next step on, never in a spike's step."""


class AbstractOrder(Chosen):
    """The order of events in a step.

    `arrivals` declares it: `BeforeThreshold()`, `AfterThreshold()`, or None for anything else, which is what an order
    has that writes a `step` of its own and declares nothing; `lower` refuses it.

    **Arguments:** `sums`: in which order arrivals at one port of a neuron are added up: `connectivity.AnyOrder()`, or
    `connectivity.Deterministic()`, with which two runs on a GPU are equal bit for bit.
    """

    sums: AbstractSums = eqx.field(default=AnyOrder(), kw_only=True)

    arrivals: ClassVar[AbstractArrival | None] = None
    shortest_delay: AbstractClassVar[int]  # steps
    same_step: AbstractClassVar[bool]  # whether same-step edges are supported
    clocked: ClassVar[bool] = False  # whether synapses may be integrated in every step: it calls `begin`
    axonal: AbstractClassVar[bool]  # whether the delay of a plastic synapse is axonal by default (else dendritic)
    sends: AbstractClassVar[AbstractSentWeight]  # which weight a plastic synapse sends
    coincident_pairs: AbstractClassVar[AbstractPairing]
    clips: AbstractClassVar[AbstractClipping]  # to which part of a change a bound applies

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls) and "arrivals" not in vars(cls):
            cls.arrivals = None  # declarations belong to the `step` beside them

    @property
    def ordered(self) -> bool:
        """Whether arrivals are summed in the order of their senders."""
        return isinstance(self.sums, Deterministic)

    def __str__(self) -> str:
        return f"{type(self).__name__}({'sums=Deterministic()' if self.ordered else ''})"

    @abc.abstractmethod
    def step(self, net: AbstractStages, state: Any, inputs: Inputs, t: Array, key: Array) -> tuple[Any, Any]:
        """One step: the next state, and all spikes, as returned by `everybody`."""


class NestOrder(AbstractOrder):
    """NEST's order: arrivals come before the threshold; the shortest delay is one step.

    1. Ports give the current of their state at `t_k`, and decay. 2. Membranes that are not refractory advance.
    3. Slot `k`, the drive's arrivals and those of same-step edges act. 4. Threshold. 5. Reset, refractory counter.
    6. Spikes (or released amplitudes) go into the ring. Populations run in topological order of the same-step
    edges, so that along these a population receives spikes of the same step, as in deep-learning libraries.
    7. Plastic synapses learn and send. Their delays are dendritic by default.
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
        ring, projections = net.deliver(ring, projections, sent, populations, inputs, t, key)
        return net.next(state, populations, projections, ring), sent


class BrianOrder(AbstractOrder):
    """Brian2's order (groups, thresholds, synapses, resets): arrivals come after the threshold, before the reset.

    1. Ports give the current of their state at `t_k`, and decay. 2. Membranes advance. 3. Threshold. 4. Spikes of all
    populations (or released amplitudes) go into the ring, delay 0 into slot `k` itself. 5. Slot `k` and the
    drive's arrivals act. 6. Reset, refractory counter. A delay of 0 is not same-step propagation: its earliest
    effect is a spike in `k + 1`. Plastic synapses learn and send in 4. Their delays are axonal by default. Synapses
    with a state of their own sum before 1, and spikes reach them in 4.
    """

    arrivals = AfterThreshold()
    shortest_delay = 0
    same_step = False
    clocked = True
    axonal = True
    sends = WeightBeforeUpdate()
    coincident_pairs = PreBeforePost()
    clips = ClipWholeChange()

    def step(self, net, state, inputs, t, key):
        advanced, spikes = {}, {}
        state, inputs = net.begin(state, inputs, t, key)
        for name in net.sequence:
            advanced[name], spikes[name] = net.to_threshold(name, state, inputs, t, key)
        released, sent = net.release(state.projections, spikes)
        sent, projections = net.everybody(spikes, sent), state.projections | released
        ring, projections = net.deliver(state.ring, projections, sent, advanced, inputs, t, key)
        arrivals, ring = net.arrivals(ring, inputs, t)
        populations = {}
        for name, s in advanced.items():
            s = net.receive(name, s, arrivals[name], spikes[name])
            populations[name] = net.reset(name, s, spikes[name])
        return net.next(state, populations, projections, ring), sent
