"""The voltage at which cells of a chip start."""

from __future__ import annotations

from jaxtyping import Array

from .._types import as_number
from ..distributions import AbstractDistribution
from ..networks.population import Population


def start_voltage(population: Population, rest: Array) -> Array:
    """The voltage of a population at the start of a run, `()` or one a cell: at rest, or the numbers that `init` gives.

    **Raises:** ValueError for initial values of other variables, and for a voltage that is drawn in every run.
    """
    for path in population.init:
        if path != "v":
            raise ValueError(f"it has an initial value of {path!r}, and only that of 'v' is lowered")
    if "v" not in population.init:
        return rest
    given = population.init["v"]
    if isinstance(given, AbstractDistribution) or callable(given):
        raise ValueError("it draws its initial 'v' anew in every run; give the numbers: init={'v': array}")
    return as_number(given)
