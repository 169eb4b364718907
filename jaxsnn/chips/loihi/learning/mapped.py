"""A rule of pairs as the learning engine has it, and what was lost on the way."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ....lowering.window import Window, compared_steps, displacement, drawn_steps, exponential_window
from ....plasticity.base import PreBeforePost, WeightAfterUpdate
from ..cores import AbstractSign, Excitatory, Inhibitory, SignedWeights
from .engine import LoihiRule
from .trace import LARGEST


class Mapped(NamedTuple):
    """A rule as the engine has it, and how far that is from what was asked for.

    `rule`, `sign`, `scale`: for `LearningSynapses(..., rule=rule, sign=sign)`, with mantissas `scale * weight`.
    `asked`, `got`: numbers by name, in the units of the rule. `together`: the change by spikes that the engine sees in
    one step. `bounds`: of weights, asked. `time_shift`: as of `learning_rule_for`. `coincident_pairs`, `sends`: the
    choices of the rule. `multiplicative`: whether changes are parts of what is left to a bound, `hi - w` of growth and
    `w - lo` of decline. `str()` is a table. Where numbers were traced, there are no `notes` and no
    `window_error`.
    """

    rule: LoihiRule
    sign: AbstractSign
    scale: Any
    asked: dict[str, Any]
    got: dict[str, Any]
    together: Any
    bounds: tuple[Any, Any]
    time_shift: Any
    coincident_pairs: type
    sends: type | None
    multiplicative: bool = False

    def changes(self, steps: Any) -> tuple[np.ndarray, np.ndarray]:
        """The mean change by a pair whose receiver's spike comes so many steps after the sender's: asked, and got."""
        steps, dt = np.asarray(steps), self.got["dt"]
        same = self.asked["a_plus"] if self.coincident_pairs is PreBeforePost else 0.0
        return (
            exponential_window(self.asked, steps, dt, same),
            exponential_window(self.got, steps + self.time_shift, dt, self.together),
        )

    @property
    def window_error(self) -> float:
        """The largest error of the mean change by a pair, over all time differences, relative to the largest change.

        But for spikes of one step, of which `notes` tell.
        """
        steps = compared_steps()
        return Window(steps, *self.changes(steps)).error

    @property
    def notes(self) -> tuple[str, ...]:
        """What differs in kind, in words."""
        asked, left = (float(change[0]) for change in self.changes([0]))
        impulses = {name: max(int(trace.impulse), 1) for name, trace in self.rule.traces.items()}
        full = {name: LARGEST * 256 / impulse for name, impulse in impulses.items()}
        ends = {Excitatory: (0, 255), Inhibitory: (-255, 0), SignedWeights: (-256, 255)}[type(self.sign)]
        low, high = self.bounds
        asked_after = ", asked after" if self.sends is WeightAfterUpdate else ""
        of = " of what is left to a bound" if self.multiplicative else ""
        notes = [
            f"{self.coincident_pairs.__name__}: spikes of one step change a weight by {left:.3g}{of}, asked "
            f"{asked:.3g}",
            f"a spike carries the weight before its change{asked_after}; senders' spikes "
            "count when they are sent, whatever the delay",
            f"traces are full at {full['x1']:.1f} (senders) and {full['y1']:.1f} (receivers) spikes at once; weights "
            f"are multiples of 1/{self.scale:.4g}",
            f"weights stay within {ends[0] / self.scale:.4g} and {ends[1] / self.scale:.4g}, asked {low:g} and "
            f"{high:g}",
        ]
        return (*notes, *displacement(int(self.time_shift), self.displaced))

    @property
    def displaced(self) -> int:
        """By how many steps the window is displaced: one later may be made up for by amplitudes."""
        made_up = self.coincident_pairs is PreBeforePost and int(self.time_shift) == 1
        return 0 if made_up else int(self.time_shift)

    @property
    def data(self) -> dict[str, Any]:
        """All of it as numbers and text, with the window to draw."""
        dt = self.got["dt"]
        steps = drawn_steps(max(self.asked["tau_plus"], self.asked["tau_minus"]) / dt)
        return {
            "rule": f"dw = {self.rule.dw}",
            "lowest bits a unit": float(self.scale),
            "asked": dict(self.asked),
            "got": {name: self.got[name] for name in self.asked},
            "window error": self.window_error,
            "time shift, steps": int(self.time_shift),
            "displaced, steps": self.displaced,
            "notes": list(self.notes),
            "window": Window(steps, *self.changes(steps)).data(dt),
        }

    def __str__(self) -> str:
        rows = [f"  {name:12} {self.asked[name]:12.6g} {self.got[name]:12.6g}" for name in self.asked]
        head = [f"dw = {self.rule.dw}, {self.scale:g} mantissas a unit", f"  {'':12} {'asked':>12} {'got':>12}"]
        return "\n".join(
            [*head, *rows, f"  window error {self.window_error:.2g}", *(f"  {note}" for note in self.notes)]
        )
