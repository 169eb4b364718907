"""Circuits that are held to a run: they hear its spikes and fire where it fires, so that each is compared by itself."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...lowering.program import Program
from .cells import AnalogCells, half


class Task(NamedTuple):
    """What a group receives, LSB of weights by port, from excitatory and inhibitory synapses, and when it fires."""

    arrivals: dict[str, tuple[Float[Array, "steps n"], Float[Array, "steps n"]]]
    spikes: Float[Array, "steps n"]


def task_of(program: Program, name: str, sent: dict[str, Array]) -> Task:
    """What a group of a program receives from given spikes: `(steps, n)` of every group."""
    cells: Any = program.cells[name]
    none = jnp.zeros_like(sent[name])
    arrivals = dict.fromkeys(cells.population.ports, (none, none))
    into: dict[str, Any] = program.into(name)
    for link in into.values():
        late = jnp.roll(sent[link.pre], 1 + link.delay, axis=0)  # the first steps have heard nothing
        late = jnp.where(jnp.arange(len(late))[:, None] <= link.delay, 0.0, late)
        up, down = arrivals[link.port]
        arrivals[link.port] = up + late @ jnp.maximum(link.worth, 0.0), down + late @ jnp.minimum(link.worth, 0.0)
    return Task(arrivals, sent[name])


def followed(cells: AnalogCells, task: Task, stream: Array) -> tuple[Array, Array]:
    """Membranes before the reset and the spikes that circuits would send, `(steps, n)`, where they fire as told."""
    population, dt = cells.population.prepared(cells.dt), cells.dt
    row = lambda x: jnp.broadcast_to(1.0 if x is None else x, (1, cells.n))
    each, exc, inh = row(cells.per_weight), row(cells.exc), row(cells.inh)
    heard = {port: each * (exc * up + inh * down) for port, (up, down) in task.arrivals.items()}

    def step(s: Any, at: Any) -> Any:
        t, arrivals, spikes = at
        s, z, _ = half(cells, s, None if cells.late else arrivals, cells.noise_at(t, stream), t)
        v = s.neuron.v
        if cells.late:
            s = population.receive(s, arrivals, dt, fired=spikes > 0)
        return population.reset(s, spikes, dt), (v, z)

    steps = jnp.arange(len(task.spikes), dtype=jnp.int32)
    return jax.lax.scan(step, population.start(jax.random.key(0)), (steps, heard, task.spikes))[1]
