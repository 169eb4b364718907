"""Synapses of BrainScaleS-2: weights of 6 bits whose row has the sign, and programs of them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..._types import OptionalParam, Param, Register, Requirement, param, register
from ...connectivity.ring import Ring
from ...lowering.cells import AbstractCells
from ...lowering.program import Program
from ...lowering.registers import span, whole
from ...lowering.storage import stored
from ...lowering.synapses import AbstractCarrier, AbstractSynapses
from .cells import AnalogCells
from .sensors import Sensors

FULL = 63  # of a weight of 6 bits
NOWHERE = -1  # the place of a synapse that there is not


@stored
class AnalogSynapses(AbstractSynapses):
    """A spike of `i` adds `weight[i, j] factor[s, i, j]`, in LSB of weights, to a port of `j`.

    **Arguments:** `weight`: `(senders, receivers)`, whole numbers from -63 to 63 (an input has a row of excitatory and
    one of inhibitory synapses), or any where `exact`: the chip as it would be with infinitely many bits. `place`: the
    number of each synapse among the inputs of its receiver, -1 where there is none; None: all are there, in order.
    `factor`: the fixed pattern of synapses, `(2, senders, receivers)`, of those of positive and of negative weight;
    None for 1. `port`: the name of the receivers' port. `sensors`: of correlations, None for none. `exact`: static.
    `column`, `ports`: where the receivers hear it, and how many ports they have: `brainscales_program` fills them in.
    `delay`, `max_delay`: steps by which the host sends later.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    weight: Param = param(unit="LSB", finite=True)
    place: Register = register()
    port: str = eqx.field(static=True, kw_only=True)
    factor: OptionalParam = param(None, unit="1", optional=True, gt=0.0, finite=True, kw_only=True)
    sensors: Sensors | None = eqx.field(default=None, kw_only=True)
    exact: bool = eqx.field(default=False, static=True, kw_only=True)
    column: int = eqx.field(default=0, static=True, kw_only=True)
    ports: int = eqx.field(default=1, static=True, kw_only=True)
    delay: Register = register(0, kw_only=True)
    max_delay: int = eqx.field(default=0, static=True, kw_only=True)

    def __check_init__(self):
        whole(self, column=0, ports=1)
        shapes = (self.weight.ndim, self.place.shape, self.delay.shape)
        if shapes != (2, self.weight.shape, ()):
            raise ValueError(
                f"AnalogSynapses have weight {self.weight.shape}, place {self.place.shape} and delay "
                f"{self.delay.shape}; expected (senders, receivers) twice, and one delay."
            )
        twice = (2, *self.weight.shape)
        if self.sensors is not None and self.max_delay:
            raise ValueError(
                "AnalogSynapses with sensors have a delay; expected 0: a sensor sees what arrives at once."
            )
        if self.factor is not None and self.factor.shape != twice:
            raise ValueError(
                f"AnalogSynapses.factor has shape {self.factor.shape}; expected {twice}, one a synapse of either sign."
            )

    def requirements(self):
        if self.exact:
            return ()
        w, said = self.weight, "AnalogSynapses.weight has {}; expected whole numbers from -63 to 63, or exact=True."
        return (
            Requirement(lambda: abs(w) <= FULL, lambda: said.format(span(w))),
            Requirement(lambda: w == w.round(), lambda: said.format("fractions")),
        )

    def register_ranges(self):
        return {**super().register_ranges(), "delay": (0, self.max_delay), "place": (NOWHERE, 2**15)}

    @classmethod
    def of(cls, pre: str, post: str, port: str, weight: Any, **more: Any) -> "AnalogSynapses":
        """From a matrix `(senders, receivers)`, 0 where there is no synapse; inputs are numbered in order."""
        there = np.asarray(weight) != 0
        return cls(pre, post, weight, np.where(there, np.cumsum(there, axis=0) - 1, NOWHERE), port=port, **more)

    @property
    def shape(self):
        return self.weight.shape[0], self.ports * self.weight.shape[1]

    @property
    def there(self) -> Bool[Array, "pre post"]:
        """Which synapses there are."""
        return self.place != NOWHERE

    @property
    def worth(self) -> Float[Array, "pre post"]:
        """What a spike adds, in LSB of weights."""
        w = jnp.where(self.there, self.weight, 0.0)
        return w if self.factor is None else w * jnp.where(w < 0, self.factor[1], self.factor[0])

    def input_bounds(self, pre, post):
        assert isinstance(post, AnalogCells)  # see `unsupported`
        worth, at = self.worth, [*post.population.ports].index(self.port)
        none = [jnp.zeros(k * self.weight.shape[1]) for k in (at, self.ports - 1 - at)]
        ends = jnp.minimum(worth, 0.0).sum(axis=0), jnp.maximum(worth, 0.0).sum(axis=0)
        return jnp.concatenate([none[0], ends[0], none[1]]), jnp.concatenate([none[0], ends[1], none[1]])

    def unsupported(self, post):
        if not isinstance(post, AnalogCells):
            return f"receivers {type(post).__name__}; use AnalogCells"
        if self.port not in post.population.ports:
            return (
                f"the port {self.port!r}, which {self.post!r} does not have; it has {', '.join(post.population.ports)}"
            )
        if self.column + self.weight.shape[0] > post.inputs or self.ports != len(post.population.ports):
            return f"senders for which {self.post!r} has no place; use brainscales_program"
        return None

    def prepare(self, pre, post, ring, first):
        assert isinstance(post, AnalogCells)  # see `unsupported`
        return Events(self.delay, self.sensors, ring, first + self.column, post.dt)

    def init(self):
        return () if self.sensors is None else self.sensors.init(*self.weight.shape)

    def describe(self):
        count = int(np.sum(np.asarray(self.there)))
        return [f"{count} synapses of {self.weight.size}, weights {span(self.weight)} LSB"]


class Events(AbstractCarrier):
    """Carries the spikes of every sender by themselves: what they are worth is no whole number."""

    delay: Int[Array, ""]
    sensors: Sensors | None
    ring: Ring = eqx.field(static=True)
    first: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)

    def send(self, s, buffer, spikes, t):
        return self.ring.add(buffer, t + 1 + self.delay, self.first, spikes)

    def learn(self, s, pre, post, modulators, t, *, stream):
        return s if self.sensors is None else self.sensors.step(s, pre, post, self.dt)


def brainscales_program(
    cells: Mapping[str, AbstractCells], synapses: Mapping[str, AnalogSynapses], dt: float = 1.0, **more: Any
) -> Program:
    """A `Program` of `InputCells` and `AnalogCells`, which hear each sender of their `AnalogSynapses` by itself.

    `dt`: ms of the model; the chip is a thousand times as fast. `more`: as of `Program`.
    """
    ready, columns, placed = dict(cells), dict.fromkeys(cells, 0), {}
    for name, group in synapses.items():
        post = cells.get(group.post)
        ports = len(post.population.ports) if isinstance(post, AnalogCells) else 1
        placed[name] = dataclasses.replace(group, column=columns.get(group.post, 0), ports=max(1, ports))
        columns[group.post] = columns.get(group.post, 0) + group.weight.shape[0]
    for name, group in cells.items():
        if isinstance(group, AnalogCells):
            ready[name] = dataclasses.replace(group, inputs=columns[name], dt=dt)
    return Program(ready, placed, dt, **more)
