"""Reading a rule of pairs of spikes for a chip: its numbers in the unit of the weight, or an error that says why."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._types import is_concrete
from ..plasticity.base import Chain, CoincidentIgnored, PreBeforePost, WeightAfterUpdate, WeightBeforeUpdate
from ..plasticity.bounds import Bound, SoftBound
from ..plasticity.stdp import Additive, AllPairs, Guetig, PairSTDP
from .kinds import is_a

NUMBERS = ("a_plus", "a_minus", "tau_plus", "tau_minus")
_USE = (
    "use PairSTDP with AllPairs(), and Additive(), in a chain with a Bound or before a SoftBound, or Guetig() with "
    "exponents of 1"
)


class Pairs(NamedTuple):
    """Pairs of spikes. `numbers`: `a_plus`, `a_minus`, `tau_plus`, `tau_minus`. `bound`: None where there is none.

    `multiplicative`: whether changes are parts of `hi - w` (growth) and of `w - lo` (decline). `signed`: whether the
    amplitudes may have either sign; under a `SoftBound` a negative one would exchange growth and decline.
    """

    numbers: dict[str, Any]
    bound: Bound | None
    multiplicative: bool = False
    signed: bool = True


def pairs_of(rule: Chain | PairSTDP, where: str, *, traced: bool = False) -> Pairs:
    """The pairs of a rule. `where`: what they are lowered onto, for errors. `traced`: of a rule that was read before,
    whose numbers may be traced now.

    **Raises:** ValueError that says what chips do not have, and the nearest that they do.
    """
    parts = (rule,) if isinstance(rule, PairSTDP) else rule.parts
    stdps: list[Any] = [part for part in parts if is_a(part, PairSTDP)]
    bounds: list[Any] = [part for part in parts if is_a(part, Bound, SoftBound)]
    if len(stdps) != 1 or len(bounds) > 1 or len(stdps) + len(bounds) != len(parts):
        names = ", ".join(type(part).__name__ for part in parts)
        raise ValueError(
            f"The chain of {names} cannot be lowered onto {where}; expected one PairSTDP and at most one Bound or "
            "SoftBound."
        )
    for name, kinds in (
        ("coincident_pairs", (CoincidentIgnored, PreBeforePost)),
        ("sends", (WeightBeforeUpdate, WeightAfterUpdate)),
    ):
        if (choice := getattr(rule, name, None)) is not None and not is_a(choice, *kinds):
            use = " or ".join(f"{kind.__name__}()" for kind in kinds)
            raise ValueError(f"chain({name}={type(choice).__name__}()) cannot be lowered onto {where}; use {use}.")
    (stdp,), bound = stdps, bounds[0] if bounds else None
    try:
        return _read(stdp, bound, first=parts[0] is stdp, traced=traced)
    except _CannotError as why:
        raise ValueError(f"{why} cannot be lowered onto {where}; {_USE}.") from None


class _CannotError(Exception):
    """What cannot be lowered, as the subject of a sentence."""


def _read(stdp: PairSTDP, bound: Bound | SoftBound | None, *, first: bool, traced: bool) -> Pairs:
    if not is_a(stdp.dependence, Additive, Guetig) or not is_a(stdp.pairs, AllPairs):
        raise _CannotError(f"PairSTDP({type(stdp.dependence).__name__}, {type(stdp.pairs).__name__})")
    known = lambda holds, *x: bool(np.all(holds(*(np.asarray(each) for each in x)))) if is_concrete(x) else traced
    one = lambda x: known(lambda x: x == 1.0, x)
    numbers = {name: getattr(stdp, name) for name in NUMBERS}
    ends = [] if bound is None else [bound.lo, bound.hi]
    if any(np.ndim(x) for x in (*numbers.values(), *ends)):
        raise _CannotError("PairSTDP with numbers that differ between neurons or synapses")
    if isinstance(of := stdp.dependence, Guetig):
        if not one(of.mu_plus) or not one(of.mu_minus):
            raise _CannotError("Guetig with exponents that are not known to be 1")
        wider = lambda lo, hi, w_max: (lo <= 0.0) & (hi >= w_max)
        if bound is not None and not (isinstance(bound, Bound) and known(wider, bound.lo, bound.hi, of.w_max)):
            raise _CannotError("Guetig within another bound")
        return Pairs(numbers, Bound(0.0, of.w_max), multiplicative=True)
    if not isinstance(bound, SoftBound):
        return Pairs(numbers, bound)
    if not first:
        raise _CannotError("SoftBound before the rule whose changes it is to bound")
    if not one(bound.power):
        raise _CannotError("SoftBound of a power that is not known to be 1")
    for name in ("a_plus", "a_minus"):
        if is_concrete(numbers[name]) and np.any(np.asarray(numbers[name]) < 0):
            raise _CannotError(f"{name} below 0 within a SoftBound")
    parts = {name: numbers[name] / (bound.hi - bound.lo) for name in ("a_plus", "a_minus")}
    return Pairs(numbers | parts, Bound(bound.lo, bound.hi), multiplicative=True, signed=False)
