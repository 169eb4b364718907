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
from ..._types import Param, param
from ...equations.expressions import Expression
from ...equations.source import Source
from ...models import Inputs
from ...simulation.drives.base import AbstractDrive
from ...simulation.drives.target import Target, fed, targets
from .cells import Cells
from .numbers import Number
from .pathways import Addition, Numbers


class BinomialInput(AbstractDrive):
    """The sum of `count` sources into every neuron of a port, each of which fires in a step with probability `rate dt`.

    Brian2: `PoissonInput`. Of each neuron and step a number is drawn from `Binomial(count, rate dt)`, times `weight`.

    **Arguments:** `rate`: of a source, Hz. `weight`: in the port's unit, `()` or one a neuron. `into`: a port,
    `"E.g"`, `"E[0:10].g"`. `count`: static. `most`: static, the largest probability that can be drawn.
    """

    rate: Param = param(unit="Hz", ge=0.0)
    weight: Param = param(unit="port")
    into: str = eqx.field(static=True, kw_only=True)
    count: int = eqx.field(static=True, kw_only=True)
    most: float = eqx.field(default=1.0, static=True, kw_only=True)

    @property
    def closed_loop(self):
        return False

    def prepare(self, model, first):
        (target,) = targets((self.into,), None, model.port)
        target.fits("BinomialInput.weight", self.weight)
        return _Drawn(self.rate * (model.dt * 1e-3), self.weight, target, self.count, self.most)


class _Drawn(AbstractDrive):
    """The prepared drive."""

    chance: Array
    weight: Array
    target: Target = eqx.field(static=True)
    count: int = eqx.field(static=True)
    most: float = eqx.field(static=True)

    def step(self, d, t, signals, *, key):
        stream = _random.stream(key, f"{self.target}.binomial")
        word = _random.words(stream, t, self.target.ids)[0]
        counts = _random.binomial(word, self.count, jnp.clip(self.chance, 0.0, self.most), self.most)
        return d, Inputs(arrivals=fed([(self.target, self.weight * counts.astype(self.weight.dtype))]))

    def status(self):
        return bit(Status.RATE_RANGE, ~((self.chance >= 0) & (self.chance <= self.most)))


def poisson_input(what: str, given: Mapping[str, Any], groups: Mapping[str, Cells], dt: float) -> BinomialInput:
    """The drive of a PoissonInput. `dt`: s."""
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
    into, most = f"{target['group']}{chosen}.{own}", min(1.0, max(4.0 * rate * dt, 1e-3))
    return BinomialInput(rate, weight, into=into, count=given["count"], most=most)
