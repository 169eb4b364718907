"""A PoissonInput of Brian2 as a drive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...equations.expressions import Expression
from ...equations.source import Source
from ...simulation.drives.trains import Poisson
from .cells import Cells
from .numbers import Number
from .pathways import Addition, Numbers


def poisson_input(what: str, given: Mapping[str, Any], groups: Mapping[str, Cells]) -> Poisson:
    """A PoissonInput: the sum of its sources, in Poisson numbers where Brian2 draws binomial ones."""
    target, cells = given["target"], groups[given["target"]["group"]]
    own = cells.names.get(given["variable"], given["variable"])
    if isinstance(given["weight"], str):
        span = np.arange(target["start"], target["stop"])
        numbers = Numbers(what, {**given, "pre": span, "post": span, "values": {}, "source": target},
                          {"pre": cells.kept, "post": cells.kept})  # fmt: skip
        source = Source.of(given["weight"], "weight")
        addition = Addition(given["variable"], "post", Expression.of(source, 0, len(source.text)), 1.0, given["weight"])
        weight = numbers.of(addition, cells.dimensions[own])
    else:
        weight = Number.of(given["weight"]).plain
    whole = (target["start"], target["stop"]) == (0, cells.population.n)
    chosen = "" if whole else f"[{target['start']}:{target['stop']}]"
    rate = Number.of(given["rate"]).plain * 1e3  # 1/ms in Hz
    return Poisson(given["count"] * rate, weight, into=f"{target['group']}{chosen}.{own}")
