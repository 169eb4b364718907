"""Reading a rule of plasticity for SpiNNaker: its numbers in the model's unit, or an error that says why not."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from ..._types import is_concrete
from ...lowering.kinds import is_a
from ...plasticity.base import Chain
from ...plasticity.bounds import Bound, SoftBound
from ...plasticity.stdp import Additive, AllPairs, Guetig, PairSTDP
from .stdp import AbstractWeightDependence, AdditiveWeightDependence, MultiplicativeWeightDependence

NEAREST = "PairSTDP with AllPairs(), and one of Additive() in a chain with Bound(...) or SoftBound(...), or Guetig(...)"


class Asked(NamedTuple):
    """A rule as the machine has it, in the unit of the model's weights."""

    dependence: AbstractWeightDependence
    a_plus: Any
    a_minus: Any
    w_min: Any
    w_max: Any
    tau_plus: float
    tau_minus: float


def asked_of(rule: Chain) -> Asked:
    """What a chain asks for. **Raises:** ValueError for what the machine's rule of pairs does not have."""
    pairs: list[Any] = [part for part in rule.parts if is_a(part, PairSTDP)]
    bounds: list[Any] = [part for part in rule.parts if is_a(part, Bound, SoftBound)]
    names = ", ".join(type(part).__name__ for part in rule.parts)
    if len(pairs) != 1 or len(pairs) + len(bounds) != len(rule.parts) or len(bounds) > 1:
        raise ValueError(f"learns by {names}, which SpiNNaker's rule of pairs is not; use {NEAREST}")
    (stdp,), bound = pairs, bounds[0] if bounds else None
    if not is_a(stdp.pairs, AllPairs) or not is_a(stdp.dependence, Additive, Guetig):
        chosen = f"{type(stdp.dependence).__name__}, {type(stdp.pairs).__name__}"
        raise ValueError(f"learns by PairSTDP({chosen}), which SpiNNaker's rule of pairs is not; use {NEAREST}")
    taus = {name: getattr(stdp, name) for name in ("tau_plus", "tau_minus")}
    for name, tau in taus.items():
        if not is_concrete(tau) or np.ndim(tau):
            raise ValueError(
                f"learns with a {name} that {'differs' if is_concrete(tau) else 'is traced'}, and the host makes one "
                "table of it; give it one number that is known when the network is lowered"
            )
    for a in (stdp.a_plus, stdp.a_minus, *([bound.lo, bound.hi] if bound is not None else [])):
        if jnp.ndim(a):
            raise ValueError("learns with numbers that differ between synapses, and SpiNNaker has one; give it one")
    for name in ("a_plus", "a_minus"):
        if is_concrete(a := getattr(stdp, name)) and float(a) < 0:
            raise ValueError(f"learns with {name} = {float(a):g}, and amplitudes are 0 or more there; use another")
    known = {name: float(np.asarray(tau)) for name, tau in taus.items()}
    if isinstance(stdp.dependence, Guetig):
        return _guetig(stdp, stdp.dependence, bound, known)
    if bound is None:
        raise ValueError("learns without a bound, and on SpiNNaker a weight has 16 bits; use chain(rule, Bound(0, hi))")
    _positive(bound.lo)
    if isinstance(bound, Bound):
        return Asked(AdditiveWeightDependence(), stdp.a_plus, stdp.a_minus, bound.lo, bound.hi, **known)
    if not is_concrete(bound.power) or float(bound.power) != 1.0:
        raise ValueError("learns with a SoftBound whose power is not 1, which SpiNNaker has not; use power=1")
    span = bound.hi - bound.lo
    a_plus, a_minus = stdp.a_plus / span, stdp.a_minus / span
    return Asked(MultiplicativeWeightDependence(), a_plus, a_minus, bound.lo, bound.hi, **known)


def _guetig(stdp: PairSTDP, of: Guetig, bound: Any, taus: dict[str, float]) -> Asked:
    exponents = of.mu_plus, of.mu_minus
    if not is_concrete(exponents) or any(np.any(np.asarray(mu) != 1.0) for mu in exponents):
        raise ValueError(
            "learns by Guetig with exponents other than 1, and SpiNNaker has the additive and the multiplicative rule; "
            "use mu_plus=1, mu_minus=1, or Additive() with a Bound"
        )
    inside = bound is None or (
        isinstance(bound, Bound)
        and is_concrete((bound, of.w_max))
        and float(bound.lo) <= 0
        and float(bound.hi) >= float(of.w_max)
    )
    if not inside:
        raise ValueError("learns by Guetig within a bound of its own, and SpiNNaker has one; leave the bound out")
    zero = jnp.zeros(())
    return Asked(MultiplicativeWeightDependence(), stdp.a_plus, stdp.a_minus, zero, of.w_max, **taus)


def _positive(low: Any) -> None:
    if is_concrete(low) and np.any(np.asarray(low) < 0):
        raise ValueError(
            "learns weights below 0, and SpiNNaker keeps the sign of a weight in its type; use a bound from 0 on"
        )
