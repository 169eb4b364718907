"""Reading a rule of plasticity for SpiNNaker: its numbers in the model's unit, or an error that says why not."""

from typing import Any, NamedTuple

import numpy as np

from ..._types import is_concrete
from ...lowering.pairs import pairs_of
from ...plasticity.base import Chain
from .stdp import AbstractWeightDependence, AdditiveWeightDependence, MultiplicativeWeightDependence


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
    pairs = pairs_of(rule, "SpiNNaker's rule of pairs")
    if pairs.bound is None:
        raise ValueError("it has no bound, and on SpiNNaker a weight has 16 bits; use chain(rule, Bound(0, hi)).")
    below = lambda x: is_concrete(x) and float(np.asarray(x)) < 0
    if below(pairs.bound.lo):
        raise ValueError("its weights may be below 0, and SpiNNaker keeps their sign in a type; use a bound from 0 on.")
    for name in ("a_plus", "a_minus"):
        if below(a := pairs.numbers[name]):
            raise ValueError(f"its {name} is {float(a):g}, and SpiNNaker's are 0 or more; use another rule.")
    taus = {name: pairs.numbers[name] for name in ("tau_plus", "tau_minus")}
    for name, tau in taus.items():
        if not is_concrete(tau):
            raise ValueError(f"its {name} is traced, and the host makes a table of it; give it a number that is known.")
    dependence = MultiplicativeWeightDependence() if pairs.multiplicative else AdditiveWeightDependence()
    numbers = pairs.numbers | {name: float(np.asarray(tau)) for name, tau in taus.items()}
    return Asked(dependence, w_min=pairs.bound.lo, w_max=pairs.bound.hi, **numbers)
