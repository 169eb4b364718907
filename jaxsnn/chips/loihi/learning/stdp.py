"""Plasticity rules of this library on the learning engine, and what is lost on the way."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from ...._types import canonical_float, is_concrete
from ....lowering.kinds import is_a
from ....lowering.window import Window, compared_steps, displacement, drawn_steps, exponential_window
from ....plasticity.base import (
    AbstractRule,
    Chain,
    CoincidentIgnored,
    PreBeforePost,
    WeightAfterUpdate,
    WeightBeforeUpdate,
)
from ....plasticity.bounds import Bound
from ....plasticity.stdp import Additive, AllPairs, PairSTDP
from ..cores import AbstractSign, Excitatory, Inhibitory, SignedWeights
from .engine import LoihiRule
from .rounding import AbstractRounding, IndependentRounding
from .rule import Factor, Product, SumOfProducts
from .trace import LARGEST, LoihiTrace

IMPULSE = 16  # at least, where the scale allows: its resolution is then 1/8192, and seven spikes fit into a trace
_NUMBERS = ("a_plus", "a_minus", "tau_plus", "tau_minus")


class Mapped(NamedTuple):
    """A rule as the engine has it, and how far that is from what was asked for.

    `rule`, `sign`, `scale`: for `LearningSynapses(..., rule=rule, sign=sign)`, with mantissas `scale * weight`.
    `asked`, `got`: numbers by name, in the units of the rule. `together`: the change by spikes that the engine sees in
    one step. `bounds`: of weights, asked. `time_shift`: as of `learning_rule_for`. `coincident_pairs`, `sends`: the
    choices of the rule. `str()` is a table. Where numbers were traced, there are no `notes` and no `window_error`.
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
        notes = [
            f"{self.coincident_pairs.__name__}: spikes of one step change a weight by {left:.3g}, asked {asked:.3g}",
            f"a spike carries the weight before its change{asked_after}; senders' spikes "
            "count when they are sent, whatever the delay",
            f"traces are full at {full['x1']:.1f} (senders) and {full['y1']:.1f} (receivers) spikes at once; weights "
            f"are multiples of 1/{self.scale:.4g}",
            f"weights stay within {ends[0] / self.scale:.4g} and {ends[1] / self.scale:.4g}, asked {low:g} and "
            f"{high:g}",
        ]
        return (*notes, self._displacement()) if self.time_shift else tuple(notes)

    def _displacement(self) -> str:
        if self.coincident_pairs is PreBeforePost and int(self.time_shift) == 1:
            return (
                "the chip sees receivers' spikes 1 step(s) later than they meet the senders' in the model, for which "
                "amplitudes make up"
            )
        return displacement(int(self.time_shift))

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
            "notes": list(self.notes),
            "window": Window(steps, *self.changes(steps)).data(dt),
        }

    def __str__(self) -> str:
        rows = [f"  {name:12} {self.asked[name]:12.6g} {self.got[name]:12.6g}" for name in self.asked]
        head = [f"dw = {self.rule.dw}, {self.scale:g} mantissas a unit", f"  {'':12} {'asked':>12} {'got':>12}"]
        return "\n".join(
            [*head, *rows, f"  window error {self.window_error:.2g}", *(f"  {note}" for note in self.notes)]
        )


@singledispatch
def learning_rule_for(
    rule: AbstractRule | Chain,
    dt: float,
    *,
    scale: Any = None,
    time_shift: Any = 0,
    epoch: int = 1,
    rounding: AbstractRounding | None = None,
) -> Mapped:
    """A plasticity rule on the learning engine; register a function of your own for a rule of your own.

    Additive `PairSTDP`, alone or in a `chain` with a `Bound`, becomes `y0*x1` and `x0*y1`, each scaled by a power of
    two; the impulses of the traces take up the rest. A product of spikes takes back what coincident ones add.

    **Arguments:** `dt`: the step, ms. `scale`: mantissas per unit of weight; None for the `Bound` at 255 mantissas.
    `time_shift`: by how many steps more than in the model the engine sees a receiver's spike behind a sender's. The
    window is then displaced as much, its areas stay, which decide what chance pairs do; one step under `PreBeforePost`
    is made up for exactly, by larger `a_plus` and smaller `a_minus`. `epoch`: steps; more than one costs the exact
    times of all but the last spike in it. `rounding`: of the engine. Numbers may be traced; amplitudes out of range are
    then held at its ends.

    **Raises:** ValueError for a rule that it cannot have, with the nearest that it can.
    """
    raise ValueError(
        f"{type(rule).__name__} cannot be lowered onto the learning engine; the nearest that can is additive PairSTDP, "
        "alone or in a chain with a Bound. Or write a LoihiRule."
    )


@learning_rule_for.register
def _(rule: Chain, dt: float, *, scale=None, time_shift=0, epoch=1, rounding=None) -> Mapped:
    pairs, bound = parts_of(rule)
    coincident_pairs = PreBeforePost if isinstance(rule.coincident_pairs, PreBeforePost) else CoincidentIgnored
    sends = None if rule.sends is None else type(rule.sends)
    return _pairs(pairs, bound, dt, scale, time_shift, epoch, rounding, coincident_pairs, sends)


@learning_rule_for.register
def _(rule: PairSTDP, dt: float, *, scale=None, time_shift=0, epoch=1, rounding=None) -> Mapped:
    _possible(rule)
    return _pairs(rule, None, dt, scale, time_shift, epoch, rounding, CoincidentIgnored, None)


def parts_of(rule: Chain) -> tuple[PairSTDP, Bound | None]:
    """The pairs of a chain that the engine can have, and its bound. Raises as `learning_rule_for`."""
    pairs = [part for part in rule.parts if isinstance(part, PairSTDP) and is_a(part, PairSTDP)]
    bounds = [part for part in rule.parts if isinstance(part, Bound) and is_a(part, Bound)]
    if len(pairs) != 1 or len(bounds) > 1 or len(pairs) + len(bounds) != len(rule.parts):
        raise ValueError(
            f"The chain of {', '.join(type(p).__name__ for p in rule.parts)} cannot be lowered onto the learning "
            "engine; expected one PairSTDP and at most one Bound."
        )
    _possible(pairs[0])
    for name, choice, kinds in (
        ("coincident_pairs", rule.coincident_pairs, (CoincidentIgnored, PreBeforePost)),
        ("sends", rule.sends, (WeightBeforeUpdate, WeightAfterUpdate)),
    ):
        if choice is not None and not is_a(choice, *kinds):
            raise ValueError(
                f"chain({name}={type(choice).__name__}()) cannot be lowered onto the learning engine; use "
                f"{' or '.join(f'{kind.__name__}()' for kind in kinds)}."
            )
    return pairs[0], bounds[0] if bounds else None


def _possible(rule: PairSTDP) -> None:
    if not is_a(rule, PairSTDP) or not is_a(rule.dependence, Additive) or not is_a(rule.pairs, AllPairs):
        kinds = f"{type(rule.dependence).__name__}, {type(rule.pairs).__name__}"
        raise ValueError(
            f"{type(rule).__name__}({kinds}) cannot be lowered onto the learning engine; use PairSTDP with Additive(), "
            "AllPairs()."
        )


def sign_within(bound: Bound | None) -> AbstractSign:
    """The sign mode of weights that stay within; traced bounds may have both signs."""
    if bound is None or not is_concrete(bound):
        return SignedWeights()
    return Excitatory() if float(bound.lo) >= 0 else Inhibitory() if float(bound.hi) <= 0 else SignedWeights()


def _pairs(
    rule: PairSTDP,
    bound: Bound | None,
    dt: float,
    scale: Any,
    time_shift: Any,
    epoch: int,
    rounding: AbstractRounding | None,
    coincident_pairs: type,
    sends: type | None,
) -> Mapped:
    for name, value, low in (
        ("dt", dt, 0),
        ("scale", 1 if scale is None else scale, 0),
        ("time_shift", time_shift, None),
    ):
        if is_concrete(value):
            given = np.asarray(value)
            whole = low is not None or (given.dtype.kind in "iuf" and np.all(given == np.rint(given)))
            if (
                given.dtype.kind not in "iuf"
                or given.ndim
                or not np.isfinite(given)
                or not whole
                or (low == 0 and given <= 0)
            ):
                wanted = "a whole number of steps" if low is None else "a number above 0"
                raise ValueError(f"learns got {name} = {value!r}; expected {wanted}.")
    if not isinstance(rounding, AbstractRounding | None):
        raise ValueError(f"learns got rounding = {rounding!r}; expected one such as IndependentRounding(), or None.")
    known = is_concrete((rule, bound, scale, time_shift))
    xp: Any = np if known else jnp  # known numbers in double precision
    number = float if known else (lambda x: jnp.asarray(x, canonical_float()))
    asked = {name: number(getattr(rule, name)) for name in _NUMBERS}
    low, high = (-np.inf, np.inf) if bound is None else (number(bound.lo), number(bound.hi))
    if scale is None:
        if bound is None:
            raise ValueError("Got PairSTDP without a Bound and no scale; expected one: how many mantissas is a unit?")
        scale = 255 / xp.maximum(high, -low)
    scale = number(scale)
    # one step later all pairs still are on their side, and an exponential that is shifted is one that is scaled
    made_up = time_shift == 1 if coincident_pairs is PreBeforePost else False
    traces, products, got, sought, made = {}, [], {}, {}, {}
    for side, spike, name, way in (("plus", "y0", "x1", 1), ("minus", "x0", "y1", -1)):
        amplitude, tau = asked[f"a_{side}"], asked[f"tau_{side}"]
        sought[side] = amplitude * xp.where(made_up, xp.exp(way * dt / tau), 1.0)
        exponent, impulse = _split(xp, xp.abs(sought[side]) * scale, f"a_{side}", scale)
        traces[name] = LoihiTrace(impulse, tau / dt)
        products.append(Product(spike, (Factor(name),), xp.where(amplitude < 0, -way, way), exponent))
        held = np.float64(traces[name].impulse) if known else traces[name].impulse.astype(scale.dtype)
        made[side] = xp.copysign(held / 256 * 2.0**exponent / scale, amplitude)
        got[f"a_{side}"] = made[side]
        got[f"tau_{side}"] = traces[name].tau * dt if known else tau
    # what spikes of one step are to change on the engine, less what the traces make of them
    same = sought["plus"] if coincident_pairs is PreBeforePost else 0.0
    together = xp.where(made_up, -sought["minus"], same)
    rest, changed = (together - sought["plus"] + sought["minus"]) * scale, made["plus"] - made["minus"]
    for _ in range(2 if coincident_pairs is PreBeforePost and (not known or made_up) else 1):
        mantissa, exponent = _nearest(xp, rest)
        rest, changed = rest - mantissa * 2.0**exponent, changed + mantissa * 2.0**exponent / scale
        if not known or mantissa:
            products.append(Product("x0", (Factor("y0"),), mantissa, exponent))
    rounding = IndependentRounding() if rounding is None else rounding
    made_rule = LoihiRule(SumOfProducts(tuple(products)), **traces, epoch=epoch, rounding=rounding)
    got = {name: float(got[name]) if known else got[name] for name in _NUMBERS} | {"dt": dt}
    changed = float(changed) if known else changed
    time_shift = int(time_shift) if known else time_shift
    return Mapped(
        made_rule, sign_within(bound), scale, asked, got, changed, (low, high), time_shift, coincident_pairs, sends
    )  # fmt: skip


def _split(xp: Any, amplitude: Any, name: str, scale: Any) -> tuple[Any, Any]:
    """`amplitude = 2^exponent impulse`, the impulse from 16 to 32 where the exponent's range allows."""
    exponent = xp.clip(xp.floor(xp.log2(xp.maximum(amplitude, 1e-30) / IMPULSE)), -7, 8)
    impulse = amplitude * 2.0**-exponent
    if is_concrete(impulse) and amplitude and not 0.5 / 256 < impulse <= LARGEST:
        raise ValueError(
            f"{name} = {amplitude / scale:g} is {amplitude:g} mantissas; expected from 2^-16 to {LARGEST * 2**8} of "
            "them: choose another scale."
        )
    return exponent, xp.minimum(impulse, LARGEST)


def _nearest(xp: Any, value: Any) -> tuple[Any, Any]:
    """The nearest `mantissa 2^exponent` with a mantissa of -7..7."""
    exponent = xp.clip(xp.ceil(xp.log2(xp.maximum(xp.abs(value), 1e-30) / 7)), -7, 8)
    return xp.clip(xp.rint(value * 2.0**-exponent), -7, 7), exponent
