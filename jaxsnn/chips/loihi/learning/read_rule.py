"""Reading a rule of plasticity for the learning engine: pairs of spikes in the unit of the weight, or why not."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...._types import is_concrete
from ....lowering.kinds import is_a
from ....plasticity.base import Chain, CoincidentIgnored, PreBeforePost, WeightAfterUpdate, WeightBeforeUpdate
from ....plasticity.bounds import Bound, SoftBound
from ....plasticity.stdp import Additive, AllPairs, Guetig, PairSTDP
from ..cores import AbstractSign, Excitatory, Inhibitory, SignedWeights

NUMBERS = ("a_plus", "a_minus", "tau_plus", "tau_minus")
_USE = "use PairSTDP with AllPairs(), and Additive() (with a Bound or a SoftBound) or Guetig() with exponents of 1"


class Pairs(NamedTuple):
    """Pairs of spikes that the engine can have. `numbers`: `a_plus`, `a_minus`, `tau_plus`, `tau_minus`.

    `multiplicative`: whether changes are multiples of `hi - w` (growth) and of `w - lo` (decline), of which the
    amplitudes are parts then. `bound`: None where there is none.
    """

    numbers: dict[str, Any]
    bound: Bound | None
    multiplicative: bool


def pairs_of(rule: Chain | PairSTDP, *, traced: bool = False) -> Pairs:
    """The pairs of a rule. `traced`: of one that was looked at before, whose numbers may be traced now.

    **Raises:** ValueError that says what the engine cannot have, and what it can.
    """
    if isinstance(rule, PairSTDP):
        return _pairs(rule, None, traced)
    pairs: list[Any] = [part for part in rule.parts if is_a(part, PairSTDP)]
    bounds: list[Any] = [part for part in rule.parts if is_a(part, Bound, SoftBound)]
    if len(pairs) != 1 or len(bounds) > 1 or len(pairs) + len(bounds) != len(rule.parts):
        raise ValueError(
            f"The chain of {', '.join(type(p).__name__ for p in rule.parts)} cannot be lowered onto the learning "
            "engine; expected one PairSTDP and at most one Bound or SoftBound."
        )
    for name, choice, kinds in (
        ("coincident_pairs", rule.coincident_pairs, (CoincidentIgnored, PreBeforePost)),
        ("sends", rule.sends, (WeightBeforeUpdate, WeightAfterUpdate)),
    ):
        if choice is not None and not is_a(choice, *kinds):
            raise ValueError(
                f"chain({name}={type(choice).__name__}()) cannot be lowered onto the learning engine; use "
                f"{' or '.join(f'{kind.__name__}()' for kind in kinds)}."
            )
    return _pairs(pairs[0], bounds[0] if bounds else None, traced)


def _pairs(stdp: PairSTDP, bound: Bound | SoftBound | None, traced: bool) -> Pairs:
    if not is_a(stdp, PairSTDP) or not is_a(stdp.dependence, Additive, Guetig) or not is_a(stdp.pairs, AllPairs):
        kinds = f"{type(stdp.dependence).__name__}, {type(stdp.pairs).__name__}"
        raise ValueError(f"{type(stdp).__name__}({kinds}) cannot be lowered onto the learning engine; {_USE}.")
    numbers = {name: getattr(stdp, name) for name in NUMBERS}
    if isinstance(of := stdp.dependence, Guetig):
        if not _is(of.mu_plus, 1.0, traced) or not _is(of.mu_minus, 1.0, traced):
            raise ValueError(
                f"Guetig with exponents that are not known to be 1 cannot be lowered onto the learning engine; {_USE}."
            )
        if bound is not None and not (
            isinstance(bound, Bound) and _is(bound.lo, 0.0, traced) and _is(bound.hi, of.w_max, traced)
        ):
            raise ValueError(
                "Guetig with another bound cannot be lowered onto the learning engine; leave the bound out."
            )
        return Pairs(numbers, Bound(0.0, of.w_max), True)
    if not isinstance(bound, SoftBound):
        return Pairs(numbers, bound, False)
    if not _is(bound.power, 1.0, traced):
        raise ValueError(
            "SoftBound of a power that is not known to be 1 cannot be lowered onto the learning engine; use power=1."
        )
    parts = {name: numbers[name] / (bound.hi - bound.lo) for name in ("a_plus", "a_minus")}
    return Pairs(numbers | parts, Bound(bound.lo, bound.hi), True)


def _is(x: Any, number: Any, traced: bool) -> bool:
    """Whether it is known to be this number everywhere, or `traced`."""
    return bool(np.all(np.asarray(x) == np.asarray(number))) if is_concrete((x, number)) else traced


def sign_within(bound: Bound | None) -> AbstractSign:
    """The sign mode of weights that stay within; traced bounds may have both signs."""
    if bound is None or not is_concrete(bound):
        return SignedWeights()
    return Excitatory() if float(bound.lo) >= 0 else Inhibitory() if float(bound.hi) <= 0 else SignedWeights()
