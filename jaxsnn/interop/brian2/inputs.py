"""A PoissonInput of Brian2 as a drive: a binomial number of spikes in every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ... import _random
from ..._status import Status, bit
from ..._types import OptionalParam, Param, param
from ...equations.expressions import Expression
from ...equations.source import Source
from ...models import Inputs
from ...simulation.drives.base import AbstractDrive
from ...simulation.drives.target import Target, fed, targets
from .cells import Cells
from .numbers import Number
from .pathways import Addition, Numbers
from .plain import names_in, refuse
from .tables import Table, paced


class BinomialInput(AbstractDrive):
    """The sum of `count` sources into every neuron of a port, each of which fires in a step with probability `rate dt`.

    Brian2: `PoissonInput`. Of each neuron and step a number is drawn from `Binomial(count, rate dt)`, times `weight`.

    **Arguments:** `rate`: of a source, Hz. `weight`: in the port's unit, `()` or one a neuron. `into`: a port,
    `"E.g"`, `"E[0:10].g"`. `count`: static. `most`: static, the largest probability that can be drawn. `factors`: of
    the weight over time, `(rows,)`, of which the last holds; `every`: steps of a row, `ahead`: rows of a step; static.
    """

    rate: Param = param(unit="Hz", ge=0.0)
    weight: Param = param(unit="port")
    into: str = eqx.field(static=True, kw_only=True)
    count: int = eqx.field(static=True, kw_only=True)
    most: float = eqx.field(default=1.0, static=True, kw_only=True)
    factors: OptionalParam = param(None, unit="1", optional=True, kw_only=True)
    every: int = eqx.field(default=1, static=True, kw_only=True)
    ahead: int = eqx.field(default=1, static=True, kw_only=True)

    def __check_init__(self):
        if type(self.count) is not int or self.count < 0:
            raise ValueError(f"BinomialInput.count is {self.count!r}; expected a whole number of sources, 0 or more.")
        if not 0.0 < self.most <= 1.0:
            raise ValueError(f"BinomialInput.most is {self.most!r}; expected a probability above 0, at most 1.")

    @property
    def closed_loop(self):
        return False

    def prepare(self, model, first):
        (target,) = targets((self.into,), None, model.port)
        target.fits("BinomialInput.weight", self.weight)
        given = (self.rate * (model.dt * 1e-3), self.weight, self.factors)
        return _Drawn(*given, target, self.count, self.most, self.every, self.ahead)


class _Drawn(AbstractDrive):
    """The prepared drive."""

    chance: Array
    weight: Array
    factors: Array | None
    target: Target = eqx.field(static=True)
    count: int = eqx.field(static=True)
    most: float = eqx.field(static=True)
    every: int = eqx.field(static=True)
    ahead: int = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        stream = _random.stream(key, f"{self.target}.binomial")
        word = _random.words(stream, t, self.target.ids)[0]
        counts = _random.binomial(word, self.count, jnp.clip(self.chance, 0.0, self.most), self.most)
        weight = self.weight
        if self.factors is not None:
            weight = weight * self.factors[jnp.minimum(t // self.every * self.ahead, self.factors.shape[0] - 1)]
        return d, Inputs(arrivals=fed([(self.target, weight * counts.astype(weight.dtype))]))

    def status(self):
        return bit(Status.RATE_RANGE, ~((self.chance >= 0) & (self.chance <= self.most)))


def poisson_input(what: str, given: Mapping[str, Any], groups: Mapping[str, Cells], dt: float) -> BinomialInput:
    """The drive of a PoissonInput. `dt`: s."""
    target, cells = given["target"], groups[given["target"]["group"]]
    own = cells.names.get(given["variable"], given["variable"])
    over_time: dict[str, Any] = {}
    if isinstance(given["weight"], str):
        given, table = _without_table(what, given)
        span = np.arange(target["start"], target["stop"])
        numbers = Numbers(what, {**given, "pre": span, "post": span, "values": {}, "source": target},
                          {"pre": cells.kept, "post": cells.kept})  # fmt: skip
        source = Source.of(given["weight"], "weight")
        addition = Addition(given["variable"], "post", Expression.of(source, 0, len(source.text)), 1.0, given["weight"])
        weight = numbers.of(addition, cells.dimensions[own])
        if table is not None:
            for name in names_in(given["weight"]) - {table.now}:
                if (number := numbers.find(name)) is not None and np.ndim(number.value):
                    refuse(what, f"its weight reads {table.name!r} and {name!r}, which differs from neuron to neuron; "
                           "expected numbers and one TimedArray of t", given["weight"])  # fmt: skip
            every, ahead = paced(what, table.name, table.entry["table"], dt)
            over_time = {"factors": np.asarray(weight, float), "every": every, "ahead": ahead}
            weight = 1.0
    else:
        weight = Number.of(given["weight"]).plain
    whole = (target["start"], target["stop"]) == (0, cells.population.n)
    chosen = "" if whole else f"[{target['start']}:{target['stop']}]"
    rate = Number.of(given["rate"]).plain * 1e3  # 1/ms in Hz
    into, most = f"{target['group']}{chosen}.{own}", min(1.0, max(4.0 * rate * dt, 1e-3))
    return BinomialInput(rate, weight, into=into, count=given["count"], most=most, **over_time)


def _without_table(what: str, given: Mapping[str, Any]) -> tuple[Mapping[str, Any], Table | None]:
    """An input whose weight reads a table, `f(t)`: with the table's rows as numbers of that name."""
    tables = {name: entry for name, entry in given["names"].items() if "table" in entry}
    if not tables:
        return given, None
    (name, entry), *others = tables.items()
    table = Table(name, entry, f"{name}_now")
    rows = np.ndim(Number.of(entry).value)
    if others or rows != 1 or names_in(given["weight"]) & {"i", "N"}:
        refuse(what, "its weight reads several TimedArrays, or one of several columns, or the place of a neuron beside "
               "one; expected numbers and one TimedArray of t", given["weight"])  # fmt: skip
    kept = {key: x for key, x in given["names"].items() if key != name}
    rest = {key: x for key, x in entry.items() if key != "table"}
    return {**given, "weight": table.put(what, given["weight"]), "names": {**kept, table.now: rest}}, table
