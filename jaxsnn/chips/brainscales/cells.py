"""Neurons of BrainScaleS-2: those of a model with the numbers of their circuits, in ranges, with noise."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from ... import _random
from ..._types import OptionalParam, Param, Requirement, param
from ..._xla import materialised
from ...connectivity.dense import rows_of
from ...connectivity.spikes import Spikes
from ...lowering.cells import AbstractCells, gains
from ...lowering.registers import whole
from ...lowering.storage import stored
from ...networks.population import Population, PopulationState
from ...simulation.probes.base import AbstractProbe
from .pattern import Circuits
from .read import kept_in_a_step

CADC = (0.0, 255.0)  # LSB, and the range of the membrane


class Links(eqx.Module):
    """What reaches a group, for each group of synapses: the first column of its senders, the port; what they add."""

    places: tuple[tuple[int, str], ...] = eqx.field(static=True)
    worth: tuple[Array, ...]


class Largest(AbstractProbe):
    """How far the membranes of a group go from rest, in the unit of `v`; in the place of the other peaks the same."""

    name: str = eqx.field(static=True)

    def init(self, model, steps, first):
        return jnp.zeros(3)

    def step(self, carry, signals, t):
        v = jnp.max(jnp.abs(signals.state[self.name]["v"]))
        return jnp.maximum(carry, v), None

    def finish(self, carry, emitted, model):
        return carry


@stored
class AnalogCells(AbstractCells):
    """A population in circuits of the chip: the float model with the circuits' numbers, and what a chip adds to it.

    A step is that of the population, with

        x = per_weight (excitation exc + inhibition inh)     what arrives, from LSB of weights to the model's current
        v <- v + membrane noise,  within `range`;   i within +-current

    All numbers are in the model's units; what the chip's converter reads of `v` is `cadc(v)`.

    **Arguments:** `population`: with the numbers of the circuits, its ports exponential currents, or jumps of a current
    of the neuron's own. `lsb`: of the CADC, in the unit of `v`; `zero`: where `v = 0` is, LSB; `offset`: of the
    channels. `per_weight`: what an LSB of weight adds; `exc`, `inh`: the efficacies' fixed pattern, None for 1.
    `current`: the largest synaptic current, in the unit of the model's; None: no limit. `range`: whether membranes are
    limited to those of the CADC. `noise`, `readout`: LSB, None for none. `circuits`: where on the chip it is. `late`:
    whether arrivals come after the threshold. `inputs`, `dt`: `brainscales_program` fills them in. The last five are
    static.
    """

    n: int = eqx.field(static=True)
    population: Population
    lsb: Param = param(1.0 / 45.0, unit="of v", gt=0.0, finite=True)
    zero: Param = param(80.0, unit="LSB", finite=True)
    per_weight: Param = param(1.0, unit="current per LSB", gt=0.0, finite=True)
    offset: Param = param(0.0, unit="LSB", finite=True)
    exc: OptionalParam = param(None, unit="1", optional=True, gt=0.0, finite=True)
    inh: OptionalParam = param(None, unit="1", optional=True, gt=0.0, finite=True)
    current: OptionalParam = param(None, unit="current", optional=True, gt=0.0)
    noise: OptionalParam = param(None, unit="LSB", optional=True, ge=0.0, finite=True)
    readout: OptionalParam = param(None, unit="LSB", optional=True, ge=0.0, finite=True)
    range: bool = eqx.field(default=False, static=True, kw_only=True)
    circuits: Circuits = eqx.field(default_factory=Circuits, kw_only=True)
    late: bool = eqx.field(default=False, static=True, kw_only=True)
    inputs: int = eqx.field(default=0, static=True, kw_only=True)
    dt: float = eqx.field(default=1.0, static=True, kw_only=True)
    ports: dict[str, Array] = eqx.field(default_factory=dict, converter=gains, kw_only=True)
    links: Links | None = eqx.field(default=None, kw_only=True)  # `prepare` fills it in

    def __check_init__(self):
        whole(self, inputs=0)
        if not isinstance(self.population, Population) or self.population.n != self.n:
            raise ValueError(f"AnalogCells.population is {self.population!r}; expected a Population of {self.n}.")
        if self.ports:
            raise ValueError(f"AnalogCells have ports {[*self.ports]}; expected none, as the host feeds inputs only.")

    def requirements(self):
        own = self.population.requirements(self.dt)
        return (*super().requirements(), *(Requirement(each.holds, each.message) for each in own))

    @property
    def receivers(self):
        return max(1, len(self.population.ports)) * self.n

    @property
    def columns(self):
        return self.inputs

    def prepare(self, into):
        places = tuple((group.column, group.port) for group in into.values())
        links = Links(places, tuple(self.worth(group.worth) for group in into.values()))
        return dataclasses.replace(self, population=self.population.prepared(self.dt), links=links)

    def worth(self, weight: Float[Array, "pre post"]) -> Float[Array, "pre post"]:
        """What weights add to the current, in the model's unit."""
        row = lambda x: jnp.broadcast_to(x, (1, self.n))
        worth = weight * row(self.per_weight)
        if self.exc is None or self.inh is None:
            return worth
        return worth * jnp.where(weight < 0, row(self.inh), row(self.exc))

    def init(self):
        zero = jnp.zeros(self.n, jnp.int32)
        start = self.population.start(jax.random.key(0))  # `read` refuses what would be drawn
        return {**Population.named(start), "sent": zero, "clipped": zero}

    def step(self, s, arrived, fed, t, *, stream):
        assert self.links is not None  # `prepare` filled it in
        population, arrivals = self.population, self.arrivals(arrived)
        before = None if self.late else arrivals
        if not (self.range or self.current is not None or self.noise is not None):  # as the network does it
            state, z = population.to_threshold(self._state(s), None, before, self.dt, t, ids=None, stream=None)
            clipped = jnp.zeros(self.n, bool)
        else:
            state, z, clipped = materialised(
                half, t, self, self._state(s), before, self.noise_at(t, stream), jnp.asarray(t)
            )
        if self.late:
            state = population.receive(state, arrivals, self.dt, fired=z > 0)
        state = population.reset(state, z, self.dt)
        sent = z if jnp.issubdtype(arrived.dtype, jnp.floating) else z.astype(jnp.int32)  # floats: see `relax`
        new = {**Population.named(state), "sent": sent, "clipped": s["clipped"] + clipped.astype(jnp.int32)}
        return new, sent, jnp.uint32(0)

    def arrivals(self, arrived: Shaped[Array, " columns"]) -> dict[str, Float[Array, " n"]]:
        """What arrives at every port."""
        assert self.links is not None
        found = {port: jnp.zeros(self.n) for port in self.population.ports}
        for (first, port), worth in zip(self.links.places, self.links.worth, strict=True):
            sent = arrived[first : first + worth.shape[0]].astype(worth.dtype)
            found[port] = found[port] + rows_of(Spikes.found(sent), worth)
        return found

    def _state(self, s: dict[str, Any]) -> PopulationState:
        form = jax.eval_shape(self.population.rest)
        fields = {name: s[name] for name in form.neuron._fields if getattr(form.neuron, name) is not None}
        return PopulationState(form.neuron._replace(**fields), {name: s[name] for name in form.ports})

    def noise_at(self, t: Array, stream: Array) -> Float[Array, " n"] | None:
        """What noise adds to membranes in step `t`, that at rest; None where there is none."""
        if self.noise is None:
            return None
        ids = jnp.arange(self.n, dtype=jnp.uint32)
        return self.noise * self.lsb * _random.normal(stream, t, ids)

    def limited(self, s: PopulationState) -> tuple[PopulationState, Array]:
        """Membranes and currents within what the chip has, and where they were not."""
        clipped, neuron, ports = jnp.zeros(self.n, bool), s.neuron, s.ports
        if self.range:
            low, high = ((end - self.zero) * self.lsb for end in CADC)
            v = jnp.clip(neuron.v, low, high)
            clipped, neuron = clipped | (v != neuron.v), neuron._replace(v=v)
        if (most := self.current) is not None:
            if hasattr(neuron, "i"):
                i = jnp.clip(neuron.i, -most, most)
                clipped, neuron = clipped | (i != neuron.i), neuron._replace(i=i)
            for name, port in ports.items():
                if hasattr(port, "i"):
                    i = jnp.clip(port.i, -most, most)
                    clipped, ports = clipped | (i != port.i), {**ports, name: port._replace(i=i)}
        return PopulationState(neuron, ports), clipped

    def observed(self, name):
        return Largest(name)

    def counted(self, s):
        return {"membranes or currents clipped, neurons times steps": int(s["clipped"].sum())}

    def reading(self, v: Float[Array, "... n"]) -> Float[Array, "... n"]:
        """What the converter would read of membranes if it had no limits and no steps, LSB."""
        return v / jnp.broadcast_to(self.lsb, v.shape) + jnp.broadcast_to(self.zero + self.offset, v.shape)

    def cadc(self, v: Float[Array, "... n"], *, key: Any = None) -> Int[Array, "... n"]:
        """What the chip's converter reads of membranes, 0..255: a recorded trace, for instance.

        `key`: of the noise of readings; None for none. Readings take about 2 us on the chip, and are reliable from 30
        to 210.
        """
        at = self.reading(jnp.asarray(v))
        if key is not None and self.readout is not None:
            at = at + self.readout * jax.random.normal(_random.as_key(key), at.shape, at.dtype)
        return jnp.clip(jnp.round(at), *CADC).astype(jnp.int32)

    def describe(self):
        at, kind = self.circuits, type(self.population.neuron).__name__
        return f"{kind} in circuits {at.first} .. {at.first + self.n * at.each - 1}, {at.each} each"


def half(
    cells: AnalogCells, s: PopulationState, arrivals: dict[str, Array] | None, noise: Array | None, t: Array
) -> tuple[PopulationState, Array, Array]:
    """From `t_k` to the threshold, with noise and limits."""
    population, neuron = cells.population, cells.population.neuron
    held, before = neuron.held(s.neuron), s.neuron
    s = population.advance(s, None, cells.dt, t)
    if noise is not None:
        kept = kept_in_a_step(neuron, cells.dt)
        moved = s.neuron.v + noise * jnp.sqrt(jnp.maximum(1.0 - kept**2, 0.0))  # so that at rest it is the asked one
        moved = moved if held is None else jnp.where(held, before.v, moved)
        s = s._replace(neuron=s.neuron._replace(v=moved))
    if arrivals is not None:
        s = population.receive(s, arrivals, cells.dt)
    s, clipped = cells.limited(s)
    return s, neuron.spike(s.neuron), clipped
