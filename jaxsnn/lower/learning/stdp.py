"""Plasticity rules of this library on the learning engine, and what is lost on the way."""

from __future__ import annotations

from functools import singledispatch
from typing import NamedTuple

import numpy as np

from ...plasticity.base import AbstractRule, Apart, Chain, PreFirst
from ...plasticity.bounds import Bound
from ...plasticity.stdp import Additive, AllPairs, PairSTDP
from ..cores import AbstractSign, Excitatory, Inhibitory, Mixed
from .engine import LoihiRule
from .rounding import AbstractRounding, IndependentRounding
from .trace import LARGEST, LoihiTrace

IMPULSE = 16  # at least, where the scale allows: 1/8192 of it can be told apart, and seven spikes fit into a trace


class Mapped(NamedTuple):
    """A rule as the engine has it, and how far that is from what was asked for.

    `rule`, `sign`, `scale`: for `LearningSynapses(..., rule=rule, sign=sign)`, with mantissas `scale * weight`.
    `asked`, `got`: numbers by name, in the units of the rule. `notes`: what differs in kind. `str()` is a table.
    """

    rule: LoihiRule
    sign: AbstractSign
    scale: float
    asked: dict[str, float]
    got: dict[str, float]
    notes: tuple[str, ...]

    @property
    def window_error(self) -> float:
        """The largest error of the mean change by a pair, over all time differences, relative to the largest change."""
        times, peak, worst = np.arange(1, 400), 0.0, 0.0
        for side in ("plus", "minus"):
            a, b = (
                numbers[f"a_{side}"] * np.exp(-times * self.got["dt"] / numbers[f"tau_{side}"])
                for numbers in (self.asked, self.got)
            )
            peak, worst = max(peak, np.abs(a).max()), max(worst, np.abs(a - b).max())
        return float(worst / peak)

    def __str__(self) -> str:
        rows = [f"  {name:12} {self.asked[name]:12.6g} {self.got[name]:12.6g}" for name in self.asked]
        head = [f"dw = {self.rule.dw}, {self.scale:g} mantissas a unit", f"  {'':12} {'asked':>12} {'got':>12}"]
        return "\n".join(
            [*head, *rows, f"  window error {self.window_error:.2g}", *(f"  {note}" for note in self.notes)]
        )


@singledispatch
def learns(
    rule: AbstractRule | Chain,
    dt: float,
    *,
    scale: float | None = None,
    epoch: int = 1,
    rounding: AbstractRounding | None = None,
) -> Mapped:
    """A plasticity rule on the learning engine; register a function of your own for a rule of your own.

    Additive `PairSTDP`, alone or in a `chain` with a `Bound`, becomes `y0*x1` and `x0*y1`, each scaled by a power of
    two; the impulses of the traces take up the rest. A product of spikes takes back what coincident ones add.

    **Arguments:** `dt`: the step, ms. `scale`: mantissas per unit of weight; None for the `Bound` at 255 mantissas.
    `epoch`: steps; more than one costs the exact times of all but the last spike in it. `rounding`: of the engine.

    **Raises:** ValueError for a rule that it cannot have, with the nearest that it can.
    """
    raise ValueError(
        f"{type(rule).__name__} cannot be lowered onto the learning engine; the nearest that can is additive PairSTDP, "
        "alone or in a chain with a Bound. Or write a LoihiRule."
    )


@learns.register
def _(rule: Chain, dt: float, *, scale=None, epoch=1, rounding=None) -> Mapped:
    pairs = [part for part in rule.parts if isinstance(part, PairSTDP)]
    bounds = [part for part in rule.parts if isinstance(part, Bound)]
    for part in rule.parts:
        if not isinstance(part, (PairSTDP, Bound)) or len(pairs) != 1 or len(bounds) > 1:
            raise ValueError(
                f"The chain of {', '.join(type(p).__name__ for p in rule.parts)} cannot be lowered onto the learning "
                "engine; expected one PairSTDP and at most one Bound."
            )
    bound = bounds[0] if bounds else None
    return _pairs(pairs[0], bound, dt, scale, epoch, rounding, isinstance(rule.coincident, PreFirst))


@learns.register
def _(rule: PairSTDP, dt: float, *, scale=None, epoch=1, rounding=None) -> Mapped:
    return _pairs(rule, None, dt, scale, epoch, rounding, False)


def _pairs(
    rule: PairSTDP,
    bound: Bound | None,
    dt: float,
    scale: float | None,
    epoch: int,
    rounding: AbstractRounding | None,
    pre_first: bool,
) -> Mapped:
    if not isinstance(rule.dependence, Additive) or not isinstance(rule.pairs, AllPairs):
        kinds = f"{type(rule.dependence).__name__}, {type(rule.pairs).__name__}"
        raise ValueError(f"PairSTDP({kinds}) cannot be lowered onto the learning engine; use Additive(), AllPairs().")
    asked = {name: float(getattr(rule, name)) for name in ("a_plus", "a_minus", "tau_plus", "tau_minus")}
    low, high = (-np.inf, np.inf) if bound is None else (float(bound.lo), float(bound.hi))
    if scale is None:
        if bound is None:
            raise ValueError("Got PairSTDP without a Bound and no scale; expected one: how many mantissas is a unit?")
        scale = 255 / max(high, -low)
    sign = Excitatory() if low >= 0 else Inhibitory() if high <= 0 else Mixed()
    traces, products, got = {}, [], {}
    for side, form, name in (("plus", "y0*x1", "x1"), ("minus", "x0*y1", "y1")):
        amplitude = asked[f"a_{side}"] * (1 if side == "plus" else -1)
        exponent, impulse = _split(abs(amplitude) * scale, f"a_{side}", scale)
        traces[name] = LoihiTrace(impulse, asked[f"tau_{side}"] / dt)
        products.append(f"{'+-'[amplitude < 0]} 2^{exponent}*{form}")
        made = float(traces[name].impulse) / 256 * 2.0**exponent / scale
        got[f"a_{side}"] = float(np.copysign(made, asked[f"a_{side}"]))
        got[f"tau_{side}"] = traces[name].tau * dt
    together = asked["a_minus"] - (0 if pre_first else asked["a_plus"])  # what the traces make of a coincidence, undone
    mantissa, exponent = _nearest(together * scale)
    if mantissa:
        products.append(f"{'+-'[mantissa < 0]} {abs(mantissa)}*2^{exponent}*x0*y0")
    left = got["a_plus"] - got["a_minus"] + mantissa * 2.0**exponent / scale
    pair = (PreFirst if pre_first else Apart).__name__
    full = {name: LARGEST * 256 / max(int(trace.impulse), 1) for name, trace in traces.items()}
    notes = [
        f"{pair}: spikes of one step change a weight by {left:.3g}, asked {asked['a_plus'] if pre_first else 0:.3g}",
        "a spike carries the weight before its change; senders' spikes count when they are sent, whatever the delay",
        f"traces are full at {full['x1']:.1f} (senders) and {full['y1']:.1f} (receivers) spikes at once; weights are "
        f"multiples of 1/{scale:.4g}",
    ]
    ends = {"Excitatory": (0, 255), "Inhibitory": (-255, 0), "Mixed": (-256, 255)}[type(sign).__name__]
    notes.append(f"weights stay within {ends[0] / scale:.4g} and {ends[1] / scale:.4g}, asked {low:g} and {high:g}")
    text = " ".join(products).removeprefix("+ ")
    made = LoihiRule(text, **traces, epoch=epoch, rounding=IndependentRounding() if rounding is None else rounding)
    ordered = {name: got[name] for name in asked} | {"dt": dt}
    return Mapped(made, sign, float(scale), asked, ordered, tuple(notes))


def _split(amplitude: float, name: str, scale: float) -> tuple[int, float]:
    """`amplitude = 2^exponent impulse`, the impulse from 16 to 32 where the exponent's range allows."""
    if amplitude == 0:
        return 0, 0.0
    exponent = int(np.clip(np.floor(np.log2(amplitude / IMPULSE)), -7, 8))
    impulse = amplitude * 2.0**-exponent
    if not 0.5 / 256 < impulse <= LARGEST:
        raise ValueError(
            f"{name} = {amplitude / scale:g} is {amplitude:g} mantissas; expected from 2^-16 to {LARGEST * 2**8} of "
            "them: choose another scale."
        )
    return exponent, impulse


def _nearest(value: float) -> tuple[int, int]:
    """The nearest `mantissa 2^exponent` with a mantissa of -7..7."""
    if value == 0:
        return 0, 0
    exponent = int(np.clip(np.ceil(np.log2(abs(value) / 7)), -7, 8))
    return int(np.clip(np.rint(value * 2.0**-exponent), -7, 7)), exponent
