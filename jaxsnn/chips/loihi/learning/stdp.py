"""Plasticity rules of this library on the learning engine."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...._types import canonical_float, is_concrete
from ....lowering.pairs import NUMBERS, Pairs, pairs_of
from ....plasticity.base import AbstractRule, Chain, CoincidentIgnored, PreBeforePost
from ....plasticity.bounds import Bound
from ....plasticity.stdp import PairSTDP
from ..cores import AbstractSign, Excitatory, Inhibitory, SignedWeights
from .engine import LoihiRule
from .mapped import Mapped
from .rounding import AbstractRounding, IndependentRounding
from .rule import Factor, Product, SumOfProducts
from .trace import LARGEST, LoihiTrace

ENGINE = "the learning engine"
IMPULSE = 16  # at least, where the scale allows: its resolution is then 1/8192, and seven spikes fit into a trace


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
    two; the impulses of the traces take up the rest. With a `SoftBound`, or `Guetig` with exponents of 1, they are
    multiples of the weight's distance from its bounds: `y0*x1*(w - hi)` and `x0*y1*(w - lo)`. Products of spikes take
    back what coincident ones add.

    **Arguments:** `dt`: the step, ms. `scale`: mantissas per unit of weight; None for the `Bound` at 255 mantissas.
    `time_shift`: by how many steps more than in the model the engine sees a receiver's spike behind a sender's. The
    window is then displaced as much, its areas stay, which decide what chance pairs do; one step under `PreBeforePost`
    is made up for exactly, by larger `a_plus` and smaller `a_minus`. `epoch`: steps; more than one costs the exact
    times of all but the last spike in it. `rounding`: of the engine. Numbers may be traced; amplitudes out of range are
    then held at its ends.

    **Raises:** ValueError for a rule that it cannot have, with the nearest that it can.
    """
    raise ValueError(
        f"{type(rule).__name__} cannot be lowered onto the learning engine; the nearest that can is PairSTDP, "
        "alone or in a chain with a Bound or SoftBound. Or write a LoihiRule."
    )


@learning_rule_for.register
def _(rule: Chain, dt: float, *, scale=None, time_shift=0, epoch=1, rounding=None) -> Mapped:
    coincident_pairs = PreBeforePost if isinstance(rule.coincident_pairs, PreBeforePost) else CoincidentIgnored
    sends = None if rule.sends is None else type(rule.sends)
    return _mapped(pairs_of(rule, ENGINE), dt, scale, time_shift, epoch, rounding, coincident_pairs, sends)


@learning_rule_for.register
def _(rule: PairSTDP, dt: float, *, scale=None, time_shift=0, epoch=1, rounding=None) -> Mapped:
    return _mapped(pairs_of(rule, ENGINE), dt, scale, time_shift, epoch, rounding, CoincidentIgnored, None)


def _mapped(
    pairs: Pairs,
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
    known = is_concrete((pairs, scale, time_shift))
    xp: Any = np if known else jnp  # known numbers in double precision
    number = float if known else (lambda x: jnp.asarray(x, canonical_float()))
    asked = {name: number(pairs.numbers[name]) for name in NUMBERS}
    low, high = (-np.inf, np.inf) if pairs.bound is None else (number(pairs.bound.lo), number(pairs.bound.hi))
    if scale is None:
        if pairs.bound is None:
            raise ValueError("Got PairSTDP without a Bound and no scale; expected one: how many mantissas is a unit?")
        scale = 255 / xp.maximum(high, -low)
    scale = number(scale)
    first = coincident_pairs is PreBeforePost
    # one step later all pairs still are on their side, and an exponential that is shifted is one that is scaled
    made_up = time_shift == 1 if first else False
    sought = {
        side: asked[f"a_{side}"] * xp.where(made_up, xp.exp(way * dt / asked[f"tau_{side}"]), 1.0)
        for side, way in (("plus", 1), ("minus", -1))
    }
    # what spikes of one step are to change on the engine, by growth and by decline, less what the traces make of them
    growth = xp.where(made_up, 0.0, sought["plus"]) if first else 0.0
    decline = xp.where(made_up, sought["minus"], 0.0)
    up, down = growth - sought["plus"], decline - sought["minus"]
    if pairs.multiplicative:
        from_hi, from_lo = (_distance(xp, end * scale) for end in (high, low))
        gain = 2.0 ** Product("y0", (Factor("x1"), from_hi)).lost
        sides = ("plus", "y0", "x1", (from_hi,), -1), ("minus", "x0", "y1", (from_lo,), -1)
        rest = (-up, (from_hi,), -1.0), (-down, (from_lo,), 1.0)  # and what a unit is where it is a unit from the bound
    else:
        gain = scale
        sides = ("plus", "y0", "x1", (), 1), ("minus", "x0", "y1", (), -1)
        rest = (((up - down) * scale, (), 1 / scale),)
    traces, products, got, made = {}, [], {}, {}
    for side, spike, name, more, way in sides:
        amplitude, tau = asked[f"a_{side}"], asked[f"tau_{side}"]
        exponent, impulse = _split(xp, xp.abs(sought[side]) * gain, f"a_{side}", gain)
        if not pairs.signed and not known:  # -1 is no impulse: the status of a run says so
            impulse = jnp.where(amplitude < 0, -1.0, impulse)
        traces[name] = LoihiTrace(impulse, tau / dt)
        products.append(Product(spike, (Factor(name), *more), xp.where(amplitude < 0, -way, way), exponent))
        held = np.float64(traces[name].impulse) if known else traces[name].impulse.astype(scale.dtype)
        made[side] = xp.copysign(held / 256 * 2.0**exponent / gain, amplitude)
        got[f"a_{side}"] = made[side]
        got[f"tau_{side}"] = traces[name].tau * dt if known else tau
    changed = made["plus"] - made["minus"]
    for amount, more, unit in rest:
        for _ in range(2 if pairs.multiplicative or (first and (not known or made_up)) else 1):
            mantissa, exponent = _nearest(xp, amount)
            amount, changed = amount - mantissa * 2.0**exponent, changed + mantissa * 2.0**exponent * unit
            if not known or mantissa:
                products.append(Product("x0", (Factor("y0"), *more), mantissa, exponent))
    rounding = IndependentRounding() if rounding is None else rounding
    made_rule = LoihiRule(SumOfProducts(tuple(products)), **traces, epoch=epoch, rounding=rounding)
    got = {name: float(got[name]) if known else got[name] for name in NUMBERS} | {"dt": dt}
    changed = float(changed) if known else changed
    time_shift = int(time_shift) if known else time_shift
    sign = sign_within(pairs.bound)
    return Mapped(
        made_rule, sign, scale, asked, got, changed, (low, high), time_shift, coincident_pairs, sends,
        pairs.multiplicative,
    )  # fmt: skip


def sign_within(bound: Bound | None) -> AbstractSign:
    """The sign mode of weights that stay within; traced bounds may have both signs."""
    if bound is None or not is_concrete(bound):
        return SignedWeights()
    return Excitatory() if float(bound.lo) >= 0 else Inhibitory() if float(bound.hi) <= 0 else SignedWeights()


def _distance(xp: Any, end: Any) -> Factor:
    """`w - end`, the end rounded to a whole mantissa."""
    return Factor("w", -xp.asarray(xp.rint(end), np.int32))


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
