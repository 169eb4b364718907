"""What makes edges of the graph learn on SpiNNaker: a rule of pairs of spikes, until ring buffers have a shift."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..._types import is_concrete
from ...lowering.graph import EdgeNode
from ...lowering.rules import AbstractRuleNode
from ...lowering.window import Window, compared_steps, displacement, drawn_steps, exponential_window
from ...networks.projection import Projection
from ...plasticity.base import Chain, PreBeforePost, WeightBeforeUpdate
from .arithmetic import ONE
from .read_rule import Asked, asked_of
from .stdp import REMEMBERED, TRACE_ONE, AdditiveWeightDependence, History, SpikePairRule, decay_table

_LATE = 1 << 20  # steps: long after a pair, when neither spike counts with others any more


class PairNode(AbstractRuleNode):
    """A rule of pairs, and what passes have made of it.

    `unit`: what a unit of the rule's weight adds to the current in mV, `()` or one a receiver. `time_shift`: by how
    many steps senders' spikes are earlier, and receivers later, than in the model, after `MapDelays`. `axonal`,
    `shortest`, `alike`: of the model's delays: the share before the synapse, the shortest in all, steps, and whether
    all are equal; static.
    """

    rule: Chain
    unit: Float[Array, "..."]
    time_shift: Any
    axonal: int = eqx.field(static=True)
    shortest: int = eqx.field(static=True)
    alike: bool = eqx.field(static=True)
    delays_differ: ClassVar[bool] = True

    @classmethod
    def of(cls, name: str, p: Projection) -> PairNode:
        """Of a plastic projection. **Raises:** ValueError for what the machine does not have."""
        assert p.plastic is not None
        delay = np.zeros(1, np.int32) if p.delay is None else p.delay
        try:
            asked_of(p.plastic.rule)
            if not is_concrete((delay, p.plastic.axonal)):
                raise ValueError("its delays are traced; give it delays that are known.")
            axonal, delay = (np.asarray(x).reshape(-1) for x in (p.plastic.axonal, delay))
            if axonal.size and np.ptp(axonal):
                raise ValueError("its axonal delays differ, and SpiNNaker has one; give it one.")
        except ValueError as error:
            raise ValueError(f"Projection {name!r} learns: {error}") from None
        one, least = (int(x.min(initial=x[0])) if x.size else 0 for x in (axonal, delay))
        return cls(p.plastic.rule, jnp.ones(()), np.int32(0), one, least, not delay.size or not np.ptp(delay))

    @property
    def asked(self) -> Asked:
        """In the unit of the model's weights."""
        return asked_of(self.rule)

    @property
    def sign(self) -> int:
        return 1

    def times(self, gain):
        return eqx.tree_at(lambda node: node.unit, self, self.unit * gain)

    def shifted(self, time_shift):
        return eqx.tree_at(lambda node: node.time_shift, self, time_shift)

    @property
    def gain(self) -> Float[Array, ""]:
        """What a unit of weight adds at every receiver: one rule serves them all."""
        return jnp.max(self.unit)

    def largest(self):
        return self.asked.w_max * self.gain

    def input_bounds(self):
        return jnp.zeros(()), self.largest()

    def per_unit(self, scale, edge):
        form = edge.values["weight"].format
        return self.gain * jnp.exp2((16 - form.bits + form.frac).astype(self.gain.dtype))

    def meeting(self, edge: EdgeNode) -> tuple[bool, int]:
        """Whether receivers' spikes reach the synapse after its delay, and how many steps later they then meet the
        senders' than in the model: of both ways the nearer one.
        """
        shift = int(self.time_shift)
        of_chip = 1 + int(np.min(np.asarray(edge["delay"]), initial=10**6)) if edge.count else 1
        after = of_chip - self.shortest + shift + 2 * self.axonal
        at_once = shift - self.shortest + 2 * self.axonal
        return (False, at_once) if self.alike and abs(at_once) < abs(after) else (True, after)

    def on_machine(self, name: str, edge: EdgeNode, dt: float) -> SpikePairRule:
        """The machine's rule. **Raises:** ValueError where one does not serve all receivers."""
        unit = self.unit
        if unit.ndim and (not is_concrete(unit) or np.ptp(np.asarray(unit)) > 1e-6 * np.max(np.asarray(unit))):
            raise ValueError(
                f"Projection {name!r} learns, and what its weights are worth to {edge.post!r} differs, but one rule "
                f"serves all its synapses; give {edge.post!r} one tau and gain, or make a population of each kind."
            )
        asked, shift = self.asked, self.meeting(edge)[1]
        additive = isinstance(asked.dependence, AdditiveWeightDependence)
        made_up = dt * (shift - _displaced(shift))
        of_weight = lambda x: _accum(x * self.gain)
        amount = of_weight if additive else _accum
        return SpikePairRule(
            tau_plus=decay_table(asked.tau_plus, dt),
            tau_minus=decay_table(asked.tau_minus, dt),
            a_plus=amount(asked.a_plus * np.exp(made_up / asked.tau_plus)),
            a_minus=amount(asked.a_minus * np.exp(-made_up / asked.tau_minus)),
            w_min=of_weight(asked.w_min),
            w_max=of_weight(asked.w_max),
            dependence=asked.dependence,
        )

    def data(self, name, edge, scale, dt):
        asked, rule, (backprop, shift) = self.asked, self.on_machine(name, edge, dt), self.meeting(edge)
        additive = isinstance(asked.dependence, AdditiveWeightDependence)
        per_unit, unit = float(self.per_unit(scale, edge)), float(self.gain)
        form = edge.values["weight"].format
        of_row = int(form.bits) - 1 - int(form.frac)
        numbers = {key: float(getattr(asked, key)) for key in ("a_plus", "a_minus", "tau_plus", "tau_minus")}
        got = {key: int(getattr(rule, key)) / ONE / (unit if additive else 1.0) for key in ("a_plus", "a_minus")}
        middle = (float(asked.w_min) + float(asked.w_max)) / 2
        of_pair = 1.0 if additive else (float(asked.w_max) - float(asked.w_min)) / 2
        changes = {"plus": numbers["a_plus"] * of_pair, "minus": numbers["a_minus"] * of_pair}
        together = changes["plus"] if isinstance(self.rule.coincident_pairs, PreBeforePost) else 0.0
        window_of = {**numbers, **{f"a_{side}": x for side, x in changes.items()}}

        def window(steps: np.ndarray) -> Window:
            w = np.full(len(steps), round(middle * per_unit), np.int32)
            changed = _of_pairs(rule, jnp.asarray(w), of_row, jnp.asarray(steps + shift, jnp.int32), backprop)
            return Window(
                steps, exponential_window(window_of, steps, dt, together), (np.asarray(changed) - w) / per_unit
            )

        compared = window(compared_steps())
        kind = type(asked.dependence).__name__.removesuffix("WeightDependence").lower()
        return {
            "rule": f"pairs of spikes, {kind}, weights from {float(asked.w_min):g} to {float(asked.w_max):g}",
            "lowest bits a unit": per_unit,
            "asked": numbers,
            "got": {**got, "tau_plus": asked.tau_plus, "tau_minus": asked.tau_minus},
            "window error": compared.error,
            "time shift, steps": shift,
            "displaced, steps": _displaced(shift),
            "notes": self._notes(backprop, shift, changes, per_unit),
            "window": window(drawn_steps(max(asked.tau_plus, asked.tau_minus) / dt)).data(dt),
        }

    def _notes(self, backprop: bool, shift: int, changes: dict[str, float], per_unit: float) -> list[str]:
        """What differs in kind, in words."""
        sends, paired = self.rule.sends, type(self.rule.coincident_pairs).__name__
        bits = {side: abs(x) * per_unit for side, x in changes.items()}
        where = "after the delay (backprop_delay)" if backprop else "at once (no backprop_delay)"
        return [
            f"a pair changes a weight by up to +{bits['plus']:.3g} and -{bits['minus']:.3g} of its lowest bits: growth "
            "of less than one is lost, a decline of less costs one",
            "a weight changes when its sender's next spike arrives, which carries it"
            + (", asked: the weight before" if isinstance(sends, WeightBeforeUpdate) else ""),
            f"of a receiver {REMEMBERED} spikes are remembered; traces wrap at 16 spikes without a decay",
            f"receivers' spikes reach the synapse {where}; spikes that meet in one step: "
            + (
                "the receiver's counts for depression"
                if backprop
                else "do not pair, nor do earlier ones of that sender"
            )
            + f", asked {paired}",
            *displacement(shift, _displaced(shift)),
        ]

    def __str__(self) -> str:
        return ", ".join(type(part).__name__ for part in self.rule.parts)


def _displaced(shift: int) -> int:
    """By how many steps the window is displaced: one later is made up for, as pairs then stay on their side."""
    return 0 if shift == 1 else shift


def _of_pairs(rule: SpikePairRule, w: Array, shift: int, steps: Array, backprop: bool) -> Int[Array, " steps"]:
    """Weights after one pair each, whose receiver's spike comes so many steps after the sender's."""
    sent = jnp.int32(_LATE // 2)
    none = jnp.full((len(steps), REMEMBERED - 1), -1, jnp.int32)
    times = jnp.concatenate([none, sent + steps[:, None]], axis=1)
    traces = lambda y: jnp.full(times.shape, y, jnp.int32)
    first = History(sent, jnp.int32(TRACE_ONE), jnp.int32(0), times, traces(0))  # and of the pair at the next spike
    then = History(jnp.int32(0), jnp.int32(0), jnp.int32(0), times, traces(TRACE_ONE))
    grown, fallen = (
        rule.updated(w, jnp.int32(shift), jnp.int32(_LATE), first),
        rule.updated(w, jnp.int32(shift), sent, then),
    )
    return jnp.where((steps > 0) | ((steps == 0) & (not backprop)), grown, fallen)


def _accum(x: Any) -> Int[Array, ""]:
    """The nearest accum; -1, which no number of a rule may be, of what is too large for one."""
    whole = jnp.round(jnp.asarray(x) * ONE)
    return jnp.where(whole < 2.0**31, whole, -1.0).astype(jnp.int32)
