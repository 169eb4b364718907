"""A plastic projection in a run: its state and its step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, UInt32

from .._status import Status, bit
from ..connectivity.ring import Ring
from ..connectivity.spikes import Spikes
from ..models import View
from .apply import refresh, send_rows, update_all_if, update_columns, update_every_step, update_rows
from .base import AbstractRule, Chain, CoincidentIgnored, SynapseContext
from .initial import starts_outside
from .sides import DelayLine, Side, SideSignals
from .synapse_index import SynapseIndex
from .update import Columns, Update

Clocks = tuple[dict[str, Array], ...]  # by modifier


class PlasticState(NamedTuple):
    """The state of a plastic projection."""

    synapses: Float[Array, "k synapses"]  # the weights, and what modifiers keep for each synapse
    pre: tuple[dict[str, Array], ...]  # traces of the sending neurons, by rule
    post: tuple[dict[str, Array], ...]
    pre_line: DelayLine | None  # signals on their way along axons; None without an axonal delay
    post_line: DelayLine | None  # signals on their way back along dendrites
    clocks: Clocks
    origin: UInt32[Array, " 2"]  # the fingerprint of the weights with which learning began


class Cells(NamedTuple):
    """What a step did to the neurons of one side: who fired, the membrane (None where there is none), what was sent.

    `words`: who fired as bits, where they were packed already.
    """

    spike: Float[Array, " n"]
    v: Float[Array, " n"] | None
    sent: Float[Array, " n"] | None = None  # None: the spike itself
    words: UInt32[Array, " words"] | None = None


def fingerprint(weight: Float[Array, "..."]) -> UInt32[Array, " 2"]:
    """A hash of an array of weights, 64 bits; it depends on the place of each weight."""
    bits = lax.bitcast_convert_type(lax.stop_gradient(weight), jnp.uint32).reshape(-1)
    place = jnp.arange(bits.shape[0], dtype=jnp.uint32)
    return jnp.stack([jnp.sum(_mixed(bits ^ (place * jnp.uint32(odd))), dtype=jnp.uint32) for odd in _ODD])


_ODD = (0x9E3779B1, 0x85EBCA77)


def _mixed(x: Array) -> Array:
    """Every bit depends on all: a bijection of 32 bits."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ (x >> shift)) * jnp.uint32(factor)
    return x ^ (x >> 16)


class Plastic(eqx.Module):
    """What a run needs of the plasticity of one projection: the rule, the index of the synapses, the step."""

    chain: Chain
    index: SynapseIndex
    dt: float = eqx.field(static=True)

    @property
    def receivers(self) -> int:
        """All receiving neurons: those of the index, and others if it is the part of one device."""
        return self.index.n_post

    def here(self, tree: Any) -> Any:
        """Of numbers with one for each of all receiving neurons, those for the neurons of the index."""
        return tree

    def _sides(self) -> tuple[Side, Side]:
        rules, index = self.chain.rules, self.index
        return Side("pre", rules, index.n_pre, self.dt), Side("post", self.here(rules), index.n_post, self.dt)

    def start(self, weight: Float[Array, "..."], pre: Cells, post: Cells) -> PlasticState:
        """The state at the start of a run: these weights, silent traces."""
        dtype, sides = weight.dtype, self._sides()
        weights = jnp.broadcast_to(weight.reshape(-1) if weight.ndim else weight, (self.index.size,))
        synapses = jnp.zeros((1 + len(self.chain.variables), self.index.size), dtype).at[0].set(weights)

        def silent(side: Side, cells: Cells, slots: int) -> tuple[tuple[dict[str, Array], ...], DelayLine | None]:
            traces = side.start(cells.v, dtype)
            now = side.signals(traces, *cells)
            now = now._replace(events=jax.tree.map(jnp.zeros_like, now.events))
            ring = jax.tree.map(lambda x: jnp.broadcast_to(x, (slots, *x.shape)), now)
            return traces, DelayLine(ring) if slots > 1 else None

        (before, pre_line), (after, post_line) = map(silent, sides, (pre, post), self.index.slots)
        clocks = tuple(modifier.start(self.receivers, dtype) for modifier in self.chain.modifiers)
        return PlasticState(synapses, before, after, pre_line, post_line, clocks, fingerprint(weight))

    def were_set(self, state: PlasticState, weight: Float[Array, "..."]) -> Bool[Array, ""]:
        """Whether these weights of the network are not those with which learning began: a user has set them since."""
        return jnp.any(fingerprint(weight) != state.origin)

    def resumed(self, state: PlasticState, weight: Float[Array, "..."], were_set: Bool[Array, ""]) -> PlasticState:
        """The state at the start of a run that continues another, in a network whose weights are these.

        If they were set, they replace what was learnt, while traces and state variables are kept. Weights are clipped
        to the present bounds of the rule.
        """
        given = jnp.broadcast_to(weight.reshape(-1) if weight.ndim else weight, (self.index.size,))
        fresh = self.chain.up_to_date(state.synapses, self._clocks_of_synapses(state)).at[0].set(given)
        synapses = jnp.where(were_set, fresh, state.synapses)
        if self.chain.limited:
            synapses = synapses.at[0].set(self.chain.limit(synapses[0]))
        return state._replace(synapses=synapses, origin=fingerprint(weight))

    def _clocks_of_synapses(self, state: PlasticState) -> Clocks:
        return jax.tree.map(lambda x: self.index.at_post(x) if x.ndim else x, self.here(state.clocks))

    def arrivals(self, state: PlasticState, sent: Spikes, *, ordered: bool = False) -> Float[Array, " n_post"]:
        """What arrives within the step over edges without delay, with the weights of its start."""
        spike, target = sent.amplitude, Columns(Ring(1, self.index.n_post, ordered), 0)
        nobody = jnp.zeros(self.index.n_post, spike.dtype)
        one_slot = lambda signals: DelayLine(jax.tree.map(lambda x: x[None], signals))
        pre = one_slot(SideSignals((), (), spike, None, None, sent.words))
        post = one_slot(SideSignals((), (), nobody, None, None))
        within = eqx.tree_at(lambda i: (i.axonal, i.dendritic), self.index, (jnp.int32(0), jnp.int32(0)))
        update = Update(self.chain, within, pre, post, self.here(state.clocks), {}, jnp.int32(0), self.dt)
        return send_rows(update, state.synapses, target.ring.empty(spike.dtype), target)

    def step(
        self,
        state: PlasticState,
        buffer: Array | None,
        target: Columns | None,
        t: Int[Array, ""],
        pre: Cells,
        post: Cells,
        modulators: dict[str, Array],
        receivers: Cells | None = None,
    ) -> tuple[PlasticState, Any]:
        """One step: the new state, and `buffer`, if there is one, with the weights added that spikes of step `t` send.

        1. Traces decay. 2. Signals that arrive at the synapses in this step are read from the delay lines. 3. `on_pre`
        and the weights sent, and `on_post`, in the order of the pairing. 4. Traces add the spikes. 5. Modifiers whose
        refresh is due update all synapses. Before 3, all weights are clipped if the effect of a lazy modifier reverses.
        `receivers`: all receiving neurons, which clocks count, where `post` is a part of them.
        """
        sides = self._sides()
        now = [
            side.signals(traces, *cells)
            for side, traces, cells in zip(sides, (state.pre, state.post), (pre, post), strict=True)
        ]
        lines = []
        for signals, line in zip(now, (state.pre_line, state.post_line), strict=True):
            line = DelayLine(jax.tree.map(lambda x: x[None], signals)) if line is None else line
            lines.append(line.enter(t, signals))
        pre_line, post_line = lines
        arriving = pre_line.arrive(t, self.index.axonal), post_line.arrive(t, self.index.dendritic)
        behind = post if receivers is None else receivers
        seen = SynapseContext(
            SimpleNamespace(**pre._asdict()), SimpleNamespace(**behind._asdict()), modulators, self.dt
        )
        clocks = tuple(m.tick(clock, seen) for m, clock in zip(self.chain.modifiers, state.clocks, strict=True))
        update = Update(self.chain, self.index, *arriving, self.here(clocks), modulators, t, self.dt)
        synapses = self._clipped_before_reversal(update, state.synapses, state.clocks, clocks)
        if isinstance(self.chain.coincident_pairs, CoincidentIgnored):
            synapses = update_columns(update, synapses) if self._runs("on_post") else synapses
            synapses, buffer = update_rows(update, synapses, buffer, target)
        else:
            synapses, buffer = update_rows(update, synapses, buffer, target)
            synapses = update_columns(update, synapses) if self._runs("on_post") else synapses
        if self._runs("each_step"):
            synapses = update_every_step(update, synapses)
        synapses, clocks = self._refreshed(update, synapses, clocks)
        before, after = (side.counted(signals) for side, signals in zip(sides, now, strict=True))
        kept = (line if slots > 1 else None for line, slots in zip(lines, self.index.slots, strict=True))
        pre_line, post_line = kept
        return PlasticState(synapses, before, after, pre_line, post_line, clocks, state.origin), buffer

    def _runs(self, name: str) -> bool:
        """Whether any rule overrides this function."""
        return any(getattr(type(rule), name) is not getattr(AbstractRule, name) for rule in self.chain.rules)

    def _clipped_before_reversal(self, update: Update, synapses: Array, before: Clocks, clocks: Clocks) -> Array:
        """Synapses clipped, as of the step before, if the effect of a lazy modifier between events reverses its sign.

        Until then a weight moves in one direction, so that clipping once gives what clipping in every step gives.
        """
        ticks = zip(self.chain.modifiers, before, clocks, strict=True)
        reversals = [x for m, old, new in ticks if (x := m.reverses(old, new)) is not None]
        if not reversals or not self.chain.limited:
            return synapses
        update = eqx.tree_at(lambda u: u.clocks, update, self.here(before))
        return update_all_if(update, synapses, jnp.any(jnp.stack(reversals)))

    def _refreshed(self, update: Update, synapses: Array, clocks: Clocks) -> tuple[Array, Clocks]:
        due = tuple(m.refresh_due(clock) for m, clock in zip(self.chain.modifiers, clocks, strict=True))
        if all(x is None for x in due):
            return synapses, clocks
        synapses = refresh(update, synapses, due)
        return synapses, tuple(
            clock
            if now is None
            else jax.tree.map(lambda a, b, now=now: jnp.where(now, a, b), m.reset_clock(clock), clock)
            for m, clock, now in zip(self.chain.modifiers, clocks, due, strict=True)
        )

    def view(self, state: PlasticState, shape: tuple[int, ...]) -> View:
        """The state by name: `weight`, up to date; state variables of modifiers; traces of either side."""

        def row(i: int) -> Array:
            return self.chain.up_to_date(state.synapses, self._clocks_of_synapses(state))[i].reshape(shape)

        def traces(own: tuple[dict[str, Array], ...]) -> dict[str, Array]:
            return {name: x for each in reversed(own) for name, x in each.items()}

        named = {"weight": lambda: row(0)}
        for i, (_, name) in enumerate(self.chain.variables, start=1):
            named.setdefault(name, lambda i=i: row(i))
        return View({**named, "pre": lambda: traces(state.pre), "post": lambda: traces(state.post)})

    def status(self, weight: Array) -> Array:
        """Whether the weights at the start are within the bounds of the rule."""
        return bit(Status.PARAMETER_RANGE, starts_outside(self.chain, weight, self.index))
