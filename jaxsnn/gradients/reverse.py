"""A network backwards in time: the adjoint of every population, what spikes look up of it, and the loss's own part."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from .._types import canonical_float
from ..networks.layout import Layout
from ..networks.model import Network
from ..neurons.readout import Parrot
from .adjoint import Adjoint, Cell, Passed, passed
from .edges import Edges
from .walk import Carry, Walk, membranes, only_membranes, real

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(2)  # exact for losses up to the third power of a membrane


class Seen(NamedTuple):
    """What a step forwards leaves for the way back."""

    t: Int[Array, ""]
    spikes: dict[str, Array]
    v: dict[str, Array]
    passed: dict[str, Passed]
    loss: Any  # its carry before the step


class Waiting(NamedTuple):
    """A step on its way back, of which the loss one step earlier is not known yet."""

    t: Int[Array, ""]
    spikes: dict[str, Array]
    passed: dict[str, Passed]
    by_v: dict[str, Array]
    by_spike: dict[str, Array]
    jump: dict[str, Array]  # the loss with the membrane before its reset, less the loss with the one after it


class Back(NamedTuple):
    """What goes from step to step, backwards."""

    cells: dict[str, Adjoint]
    sizes: Float[Array, " ring"]  # derivatives by the size of arrivals to come, by slot and port
    times: Float[Array, " ring"]  # and by their time, for a weight of one
    loss: Any  # the derivative by the loss's carry
    waiting: Waiting
    by_spike: dict[str, Array]  # one step later than `waiting`
    sums: dict[str, tuple[Array, Array]]  # of projections that are lists of synapses


class Reverse(eqx.Module):
    """What is derived once for the way back."""

    net: Network
    cells: dict[str, Cell]
    edges: dict[str, Edges]
    layout: Layout

    @classmethod
    def of(cls, net: Network) -> Reverse:
        moving = {name: p for name, p in net.populations.items() if not isinstance(p.neuron, Parrot)}
        layout = net.layout
        edges = {name: Edges.of(p, layout.columns(f"{p.post}.{p.port}").first) for name, p in net.projections.items()}
        return cls(net, {name: Cell.of(p, net.dt) for name, p in moving.items()}, edges, layout)

    # --- forwards ---------------------------------------------------------------------------------------------------

    def forwards(self, walk: Walk, prepared: Any, carry: Carry, t0: Array, n: int) -> tuple[Carry, Seen]:
        """A chunk of `n` steps as `simulate` takes them, and what the way back needs of each."""

        def body(carry: Carry, t: Array) -> tuple[Carry, Seen]:
            after, step = walk.step(prepared, carry, t)
            starts = prepared.starts(step.state, step.inputs, t, walk.step_key)
            left = {
                name: passed(self.net[name], starts[name].state, starts[name].current, after.spikes[name], self.net.dt)
                for name in self.cells
            }
            return after, Seen(t, after.spikes, membranes(step.signals), left, carry.loss)

        return lax.scan(body, carry, t0 + jnp.arange(n, dtype=jnp.int32))

    # --- backwards --------------------------------------------------------------------------------------------------

    def start(self, walk: Walk, end: Carry) -> tuple[Array, Back]:
        """The loss of the run, and the way back before its first step."""
        carry, rest = real(end.loss)
        value, pull = jax.vjp(lambda c: walk.loss.finish(eqx.combine(c, rest), walk.target, self.net), carry)
        (by_loss,) = pull(jnp.ones_like(value))
        silent = {name: jnp.zeros_like(x) for name, x in end.spikes.items()}
        cells = {name: cell.zeros() for name, cell in self.cells.items()}
        nothing = {name: jnp.zeros_like(a.v) for name, a in cells.items()}
        off = {name: Passed(x > 0, x > 0, x) for name, x in nothing.items()}
        sums = {
            name: edges.zeros() if not edges.matrix else (jnp.zeros(()), jnp.zeros(()))
            for name, edges in self.edges.items()
        }
        ring = self.layout.ring.empty(canonical_float())
        waiting = Waiting(jnp.int32(walk.steps), silent, off, nothing, nothing, nothing)
        return value, Back(cells, ring, ring, by_loss, waiting, nothing, sums)

    def backwards(self, walk: Walk, back: Back, seen: Seen) -> tuple[Back, Any]:
        """A chunk backwards, and what is left to be multiplied over all its steps."""

        def body(back: Back, seen: Seen) -> tuple[Back, Any]:
            by_loss, now = self._loss(walk, seen, back.loss)
            back, stacked = self._step(back, now.by_spike)
            return back._replace(loss=by_loss, waiting=now, by_spike=back.waiting.by_spike), stacked

        return lax.scan(body, back, seen, reverse=True)

    def finish(self, back: Back) -> tuple[Back, Any]:
        """The step that still waits: the first of the run, before which the loss saw nothing."""
        back, stacked = self._step(back, back.waiting.by_spike)
        return back, jax.tree.map(lambda x: x[None], stacked)

    def zeros(self) -> dict[str, tuple[Array, Array]]:
        """Derivatives by the weights and delays of all projections: nothing yet."""
        return {name: edges.zeros() for name, edges in self.edges.items()}

    def collected(self, sums: Any, stacked: Any) -> Any:
        """With the products over a chunk's steps, and over the examples in front of them."""
        out = dict(sums)
        for name, parts in stacked.items():
            flat = jax.tree.map(lambda x: x.reshape(-1, x.shape[-1]), parts)
            out[name] = jax.tree.map(jnp.add, sums[name], self.edges[name].of_chunk(flat))
        return out

    def _loss(self, walk: Walk, seen: Seen, by_loss: Any) -> tuple[Any, Waiting]:
        """The loss one step backwards."""
        carry, rest = real(seen.loss)

        def after(carry: Any, spikes: dict[str, Array], v: dict[str, Array]) -> Any:
            target = walk.loss.at(walk.target, seen.t)
            whole = eqx.combine(carry, rest)
            return real(walk.loss.step(whole, only_membranes(spikes, v), target, seen.t))[0]

        _, pull = jax.vjp(after, carry, seen.spikes, seen.v)
        by_carry, by_spike, by_v = pull(by_loss)
        jump = {name: jnp.zeros_like(p.slope) for name, p in seen.passed.items()}
        for x, weight in zip((_NODES + 1.0) / 2.0, _WEIGHTS / 2.0):  # int dl/dv dv, from the reset to the threshold
            v = {name: self._between(name, seen, float(x)) if name in self.cells else v for name, v in seen.v.items()}
            by = jax.vjp(lambda v: after(carry, seen.spikes, v), v)[1](by_loss)[0]
            for name in jump:
                jump[name] = jump[name] + float(weight) * self.cells[name].between * by[name]
        kept = lambda by: {name: by[name] for name in self.cells}
        return by_carry, Waiting(seen.t, seen.spikes, seen.passed, kept(by_v), kept(by_spike), jump)

    def _between(self, name: str, seen: Seen, x: float) -> Array:
        """Membranes, of which those that were reset are a part `x` of the way back to the threshold."""
        return seen.v[name] + jnp.where(seen.passed[name].fired, x * self.cells[name].between, 0.0)

    def _step(self, back: Back, before: dict[str, Array]) -> tuple[Back, Any]:
        """The waiting step backwards. `before`: the loss's derivatives by the spikes of the step before it."""
        now, dt = back.waiting, self.net.dt
        sizes, times = (self._written(x, back.cells, now, part) for part, x in enumerate((back.sizes, back.times)))
        by_time = {name: (back.by_spike[name] - before[name]) / (2.0 * dt) + now.jump[name] / dt for name in self.cells}
        sums, stacked = dict(back.sums), {}
        for name, edges in self.edges.items():
            later, added, kept = edges.step(self.layout.ring, sizes, times, now.t, now.spikes[edges.pre])
            if edges.pre in by_time:
                by_time[edges.pre] = by_time[edges.pre] + later
            if added is not None:
                sums[name] = jax.tree.map(jnp.add, sums[name], added)
            if kept is not None:
                stacked[name] = kept
        cells = {
            name: cell.back(back.cells[name], now.passed[name], now.by_v[name], by_time[name])
            for name, cell in self.cells.items()
        }
        return back._replace(cells=cells, sizes=sizes, times=times, sums=sums), stacked

    def _written(self, buffer: Array, cells: dict[str, Adjoint], now: Waiting, part: int) -> Array:
        """The ring with the slot of a step: what an arrival in that step would change."""
        by_port = {}
        for name, own in cells.items():
            arrivals = self.cells[name].arrivals(own, now.passed[name].held)
            by_port |= {f"{name}.{port}": x[part] for port, x in arrivals.items()}
        return self.layout.ring.put(buffer, now.t, self.layout.slot(by_port, buffer.dtype))
