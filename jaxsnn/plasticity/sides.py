"""What a synapse reads of either neuron: traces, membrane and events, delayed by the axonal or dendritic delay."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, UInt32

from .._xla import materialised
from .base import AbstractRule
from .traces import AbstractTrace


class SideSignals(NamedTuple):
    """What the synapses read of the neurons of one side in a step, arrays `(n,)`; in a delay line, `(slots, n)`.

    `traces`: of each rule, by name, decayed to the end of the step, without the spikes of the step. `events`: the
    factor of each rule's `on_pre` or `on_post`; None where that is the spike.
    """

    traces: tuple[dict[str, Float[Array, "..."]], ...]
    events: tuple[Float[Array, "..."] | None, ...]
    spike: Float[Array, "..."]
    v: Float[Array, "..."] | None
    sent: Float[Array, "..."] | None  # None: the spike itself
    words: UInt32[Array, "..."] | None = None  # the spikes as bits, where they were packed already

    def event(self, r: int) -> Float[Array, "..."]:
        """The factor of `on_pre` or `on_post` of rule `r`."""
        event = self.events[r]
        return self.spike if event is None else event

    @property
    def amplitude(self) -> Float[Array, "..."]:
        """What the neuron sends: the spike, or what a release makes of it."""
        return self.spike if self.sent is None else self.sent


class Side:
    """The traces of one side of a projection, of the sending (`"pre"`) or the receiving (`"post"`) neurons."""

    def __init__(self, name: str, rules: tuple[AbstractRule, ...], n: int, dt: float):
        self.name, self.rules, self.n, self.dt = name, rules, n, dt
        self.traces: list[dict[str, AbstractTrace]] = [getattr(rule, f"{name}_traces")() for rule in rules]

    def start(self, v: Array | None, dtype: Any) -> tuple[dict[str, Array], ...]:
        """The traces of neurons that have been silent, with membranes at `v`."""
        return tuple({name: trace.start(v, (self.n,), dtype) for name, trace in own.items()} for own in self.traces)

    def signals(
        self,
        traces: tuple[dict[str, Array], ...],
        spike: Array,
        v: Array | None,
        sent: Array | None = None,
        words: Array | None = None,
    ) -> SideSignals:
        """Traces decayed to the end of the step, and the events of the step."""
        decayed, events = [], []
        for rule, own, x in zip(self.rules, self.traces, traces, strict=True):
            before = SimpleNamespace(v=v, spike=spike, **x)
            new = {name: trace.decay(x[name], before, self.dt) for name, trace in own.items()}
            decayed.append(new)
            after = SimpleNamespace(v=v, spike=spike, **new)
            event = getattr(rule, f"{self.name}_event")(after, self.dt)
            events.append(None if event is spike else event)
        return SideSignals(tuple(decayed), tuple(events), spike, v, sent, words)

    def counted(self, signals: SideSignals) -> tuple[dict[str, Array], ...]:
        """Traces after the spikes of the step."""
        return tuple(
            {name: trace.spike(x[name], signals.spike) for name, trace in own.items()}
            for own, x in zip(self.traces, signals.traces, strict=True)
        )


class DelayLine(NamedTuple):
    """A ring of signals: slot `t mod slots` holds those of step `t`. One slot: there is no delay."""

    slots: SideSignals  # every array (slots, n)

    @property
    def length(self) -> int:
        return self.slots.spike.shape[0]

    def enter(self, t: Int[Array, ""], now: SideSignals) -> DelayLine:
        """The line with the signals of step `t`."""
        if self.length == 1:
            return DelayLine(jax.tree.map(lambda x: x[None], now))
        at = t % self.length
        put = lambda ring, x: lax.dynamic_update_slice_in_dim(ring, x[None], at, axis=0)
        return DelayLine(jax.tree.map(put, self.slots, now))

    def arrive(self, t: Int[Array, ""], delay: Int[Array, "..."]) -> DelayLine:
        """What arrives in step `t`: one slot if all have the same delay, otherwise the whole line."""
        if self.length == 1 or delay.ndim:
            return self
        at = (t - delay) % self.length
        read = lambda slots, at: jax.tree.map(lambda ring: lax.dynamic_slice_in_dim(ring, at, 1, axis=0), slots)
        # apart from `enter`: fused with it, it reads the line of the step before, which is then copied in every step
        return DelayLine(materialised(read, t, self.slots, at))

    def slot(self, t: Int[Array, ""], delay: Int[Array, "..."]) -> Int[Array, "..."]:
        """The slot, in what `arrive` returned, of the signals with a delay of `delay` steps."""
        return (t - delay) % self.length if self.length > 1 else jnp.zeros_like(delay)

    def at(self, slot: Int[Array, "..."], neuron: Int[Array, "..."]) -> SideSignals:
        """The signals in a slot of a neuron, or of one neuron for each synapse."""
        return jax.tree.map(lambda x: x[slot, neuron], self.slots._replace(words=None))
