"""Research: a chunk of steps of a network as one kernel of a GPU, an instance a block, in Pallas (Triton).

The kernel is the step of the network: its order arranges the stages, and `advance`, `receive`, `spike` and `reset` of
its populations are traced into it. Only how data moves is said here, by `OnChip`. Neurons are lanes, whose state is in
registers from the first step of the chunk to the last; the ring is in global memory, which caches hold. In each step
the block lists those that fired (a cumulative sum), waits, walks their rows, several at a time, adding to the ring by
atomics, and waits again. Where that pays is said in `docs/pages/performance.md`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton
from jaxtyping import Array, Float, Int, UInt32

from jaxsnn import _random
from jaxsnn._bits import BITS
from jaxsnn.connectivity.gpu import add, loaded, power_of_two, put
from jaxsnn.connectivity.sparse import Rows
from jaxsnn.connectivity.spikes import words_of
from jaxsnn.models import Inputs
from jaxsnn.networks.delivery import Lists
from jaxsnn.networks.layout import Layout
from jaxsnn.networks.order import AbstractStages
from jaxsnn.networks.population import Population
from jaxsnn.networks.state import NetworkState
from jaxsnn.networks.stepper import NetworkStepper


class Size(NamedTuple):
    """How a kernel is laid out: the warps of a block, and how many synapses it walks at a time."""

    warps: int = 16
    tile: int = 1024


def chunk(
    net: NetworkStepper,
    state: NetworkState,
    t: Int[Array, ""],
    steps: int,
    fed: Mapping[str, Float[Array, "steps n"]] | None = None,
    *,
    key: Array | None = None,
    size: Size = Size(),
    interpret: bool = False,
) -> tuple[NetworkState, dict[str, UInt32[Array, "steps words"]]]:
    """`steps` steps from step `t` on in one kernel: the state behind them, and the spikes of every step as bits.

    `net`: `prepare(Forward(fused=False))` of a network. `fed`: what arrives at ports from outside, by full name
    (`"E.exc"`). `key`: that of a step, for neurons with noise. Under `vmap` it is one kernel, with a block an instance.
    ValueError: what a chunk cannot be made of.
    """
    noisy = [name for name, population in net.populations.items() if population.neuron.noisy]
    rows = _expressible(net, noisy if key is None else [])
    names = ("start", "place", "weight", "delay", "offset")
    given = {
        "populations": net.populations,
        "rows": {name: x for name in names if (x := getattr(rows, name)) is not None},
        "t": t,
        "streams": {} if key is None else {name: _random.stream(key, f"{name}.noise") for name in noisy},
        "fed": {port: x.reshape(-1) for port, x in (fed or {}).items()},
        "changed": (state.populations, state.ring),
    }
    arrays, rest = eqx.partition(given, eqx.is_array)
    leaves, structure = jax.tree.flatten(arrays)
    form = Form(net, rows, rest, structure, steps, size, interpret)

    @jax.custom_batching.custom_vmap
    def of_one(*leaves: Array) -> list[Array]:
        return [x[0] for x in form.kernel([x[None] for x in leaves], 1)]

    @of_one.def_vmap
    def _(instances: int, batched: Any, *leaves: Array) -> tuple[list[Array], list[bool]]:
        each = [x if own else x[None] for x, own in zip(leaves, batched, strict=True)]
        found = list(form.kernel(each, instances))
        return found, [True] * len(found)

    *out, _ = of_one(*leaves)
    words, changed = out[: len(net.populations)], out[len(net.populations) :]
    populations, ring = jax.tree.unflatten(jax.tree.structure(given["changed"]), changed)
    new = state._replace(populations=populations, ring=ring)
    return new, {name: x.reshape(steps, -1) for name, x in zip(net.populations, words, strict=True)}


def _expressible(net: NetworkStepper, keyless: list[str]) -> Rows:
    """The rows of a network that chunks can be made of; ValueError names what they cannot be made of."""
    unable = {
        "releases": net.releases,
        "projections without delay": net.edges,
        "synapses with a state": net.clocked or net.changing,
        "synapses in other forms than one list": [x for x in net.deliveries if not isinstance(x, Lists)],
        "several lists, or none": len(net.deliveries) != 1,
        "noise, without a key": keyless,
        "spikes with amplitudes": net.layout.with_amplitudes,
        "an order of sums": net.layout.ordered,
        "a part on each of several devices": net.layout.shards,
        "populations advanced as one": [group for group in net.layout.groups if len(group.members) > 1],
    }
    if found := [what for what, there in unable.items() if there]:
        raise ValueError(f"Got a network with {', '.join(found)}; a chunk is made of one list of synapses with delays.")
    (delivery,) = net.deliveries
    assert isinstance(delivery, Lists)
    return delivery.rows


def lanes_of(n: int) -> int:
    """Lanes for `n` neurons: a power of two, as all sizes in Triton."""
    return power_of_two(n, BITS, 2**20)


class Form(NamedTuple):
    """All of a kernel but its arrays, which have a leading axis of 1 (shared by instances) or of the instances."""

    net: NetworkStepper
    rows: Rows
    rest: Any
    structure: Any
    steps: int
    size: Size
    interpret: bool

    def kernel(self, leaves: list[Array], instances: int) -> list[Array]:
        """Spikes by population, then what is changed, then the list of those that fired, which is of no use."""
        net, count = self.net, len(self.net.populations)
        changed = jax.tree.leaves(jax.tree.unflatten(self.structure, range(len(leaves)))["changed"])
        for i in changed:
            leaves[i] = jnp.broadcast_to(leaves[i], (instances, *leaves[i].shape[1:]))
        shape = lambda n, dtype: jax.ShapeDtypeStruct((instances, n), dtype)
        words = [shape(self.steps * words_of(population.n), jnp.uint32) for population in net.populations.values()]
        behind = [shape(leaves[i].shape[1], leaves[i].dtype) for i in changed]

        def chunk(*refs: Any) -> None:
            given = jax.tree.unflatten(self.structure, refs[: len(leaves)])
            words, (*new, ring, listed) = refs[len(leaves) :][:count], refs[len(leaves) + count :]
            own = Own(pl.program_id(0), self.interpret)
            populations, state = {}, {}
            for name, population in net.populations.items():
                read = lambda ref, n=population.n: own.all(ref, n) if len(ref.shape) > 1 else own.number(ref)
                whole = eqx.combine(jax.tree.map(read, given["populations"][name]), self.rest["populations"][name])
                populations[name] = dataclasses.replace(whole, n=lanes_of(population.n), init={}, positions=None)
                state[name] = jax.tree.map(read, given["changed"][0][name])
            outputs = ring, listed, dict(zip(populations, words, strict=True))
            memory = Memory(own, *outputs, given["rows"], given["fed"], given["streams"])
            first = own.number(given["t"])
            stages = OnChip(
                net.sequence, populations, net.layout, net.dt, memory, self.rows.width, self.size.tile, first
            )

            no_key: Any = None  # streams are derived from it before the kernel

            def step(k: Array, state: dict[str, Any]) -> dict[str, Any]:
                at = NetworkState(state, {}, ring, jnp.uint32(0))
                return net.order.step(stages, at, stages.inputs(k), first + k, no_key)[0].populations

            for ref, x in zip(new, jax.tree.leaves(lax.fori_loop(0, self.steps, step, state)), strict=True):
                lane = jnp.arange(x.shape[0], dtype=jnp.int32)
                own.put(ref, lane, x, lane < ref.shape[1])

        return pl.pallas_call(
            chunk,
            grid=(instances,),
            out_shape=[*words, *behind, shape(net.layout.senders, jnp.int32)],
            input_output_aliases={i: count + k for k, i in enumerate(changed)},
            compiler_params=triton.CompilerParams(num_warps=self.size.warps, num_stages=1),
            interpret=self.interpret,
            name="chunk",
        )(*leaves)


class Own(NamedTuple):
    """The part of an instance in arrays of all of them."""

    b: Array
    interpret: bool

    def number(self, ref: Any) -> Array:
        return ref[self.row(ref)]

    def all(self, ref: Any, n: int) -> Array:
        lane = jnp.arange(lanes_of(n), dtype=jnp.int32)
        return self.at(ref, lane, lane < n)

    def at(self, ref: Any, places: Array, inside: Array) -> Array:
        return loaded(ref, self.row(ref), places, inside)

    def put(self, ref: Any, places: Array, values: Array, inside: Array) -> None:
        put(ref, self.b, places, values, inside, self.interpret)

    def add(self, ref: Any, places: Array, values: Array, inside: Array) -> None:
        add(ref, self.b, places, values, inside, self.interpret)

    def wait(self) -> None:
        """Until all threads of the block are here; they then see what all have written."""
        if not self.interpret:
            triton.debug_barrier()

    def row(self, ref: Any) -> Any:
        return 0 if ref.shape[0] == 1 else self.b


class Memory(NamedTuple):
    """What of an instance is not in registers."""

    own: Own
    ring: Any
    listed: Any  # senders that fired in a step
    words: dict[str, Any]  # spikes of all steps, by population
    rows: dict[str, Any]
    fed: dict[str, Any]
    streams: dict[str, Any]  # of random numbers, by population


class Stream(NamedTuple):
    """The two words of a stream, which cannot be one array: Triton takes no slice of it."""

    words: Any
    row: Any

    def __getitem__(self, i: Any) -> Array:
        return self.words[self.row, i]


class OnChip(AbstractStages):
    """The stages of a step in a block. The ring is memory, which they change in the order in which they are called."""

    sequence: tuple[str, ...]
    populations: dict[str, Population]  # with a neuron in every lane
    layout: Layout
    dt: float
    memory: Memory
    width: int  # of the longest row
    tile: int
    first: Array  # step of the chunk

    def inputs(self, k: Array) -> Inputs:
        """What arrives from outside in step `k` of the chunk."""

        def of(port: str, ref: Any) -> Array:
            n = self.layout.columns(port).n
            lane = jnp.arange(lanes_of(n), dtype=jnp.int32)
            return self.memory.own.at(ref, k * n + lane, lane < n)

        return Inputs(arrivals={port: of(port, ref) for port, ref in self.memory.fed.items()})

    def begin(self, state, inputs, t, key):
        return state, inputs

    def arrivals(self, ring, inputs, t):
        out: dict[str, dict[str, Array]] = {name: {} for name in self.populations}
        for path, n in self.layout.ports:
            lane = jnp.arange(lanes_of(n), dtype=jnp.int32)
            place, inside = self.layout.ring.start(t) + self.layout.columns(path).first + lane, lane < n
            landed = self.memory.own.at(ring, place, inside)
            self.memory.own.put(ring, place, jnp.zeros_like(landed), inside)
            name, _, port = path.partition(".")
            out[name][port] = landed + inputs.arrivals[path] if path in inputs.arrivals else landed
        return out, ring

    def to_threshold(self, name, state, inputs, t, key, arrivals=None):
        population, s, current = self.populations[name], state.populations[name], inputs.currents.get(name)
        lane, words = jnp.arange(population.n, dtype=jnp.int32), self.memory.streams.get(name)
        stream: Any = None if words is None else Stream(words, self.memory.own.row(words))
        ids = None if words is None else lane.astype(jnp.uint32)
        s, spikes = population.first_half(s, current, arrivals, self.dt, t, ids=ids, stream=stream)
        return s, jnp.where(lane < dict(self.layout.sizes)[name], spikes, 0)  # of neurons that there are

    def receive(self, name, s, arrivals, spikes):
        return self.populations[name].receive(s, arrivals, self.dt, fired=spikes > 0)

    def reset(self, name, s, spikes):
        return self.populations[name].reset(s, spikes, self.dt)

    def release(self, projections, spikes):
        return {}, dict(spikes)

    def pass_on(self, sent, arrivals, projections, t, key):
        return arrivals, sent

    def everybody(self, spikes, sent):
        """The spikes, and how many there are; their senders are then listed."""
        count = jnp.int32(0)
        for name, own in spikes.items():
            fired = own > 0
            number = fired.astype(jnp.int32)
            sender = self.layout.sender(name).first + jnp.arange(own.shape[0], dtype=jnp.int32)
            self.memory.own.put(self.memory.listed, count + jnp.cumsum(number) - 1, sender, fired)
            count = count + jnp.sum(number)
        self.memory.own.wait()
        return spikes, count

    def deliver(self, ring, projections, sent, populations, inputs, t, key):
        spikes, count = sent
        for name, own in spikes.items():
            self._record(self.memory.words[name], own > 0, t - self.first, words_of(dict(self.layout.sizes)[name]))
        at, number, read = self.memory.own.at, self.memory.own.number, self.memory.rows
        width = min(self.tile, 1 << max(5, self.width.bit_length() - 1))  # longer rows take another turn
        row, lane = jnp.arange(self.tile // width, dtype=jnp.int32), jnp.arange(width, dtype=jnp.int32)
        slot = self.layout.ring.start(t) + (number(read["offset"]) if "offset" in read else 0)

        def some(first: Array) -> Array:
            there = first + row < count
            sender = loaded(self.memory.listed, self.memory.own.b, first + row, there)
            begin, end = (at(read["start"], sender + i, there) for i in (0, 1))

            def piece(done: Array) -> Array:
                synapse = (begin + done)[:, None] + lane[None]
                inside = synapse < end[:, None]
                place = at(read["place"], synapse, inside)
                if "delay" in read:
                    place = place + at(read["delay"], synapse, inside) * self.layout.ring.width
                weight = read["weight"]
                w = at(weight, synapse, inside) if len(weight.shape) > 1 else number(weight)
                w = jnp.broadcast_to(w, synapse.shape)
                self.memory.own.add(ring, self.layout.ring.wrap(slot + place), w, inside)
                return done + width

            longest = jnp.max(end - begin)
            lax.while_loop(lambda done: done < longest, piece, jnp.int32(0))
            return first + row.shape[0]

        lax.while_loop(lambda first: first < count, some, jnp.int32(0))
        self.memory.own.wait()
        return ring, projections

    def _record(self, words: Any, fired: Array, k: Array, n: int) -> None:
        bit = jnp.uint32(1) << jnp.arange(BITS, dtype=jnp.uint32)
        packed = jnp.sum(jnp.where(fired.reshape(-1, BITS), bit[None], jnp.uint32(0)), axis=1, dtype=jnp.uint32)
        word = jnp.arange(packed.shape[0], dtype=jnp.int32)
        self.memory.own.put(words, k * n + word, packed, word < n)

    def next(self, state, populations, projections, ring):
        return state._replace(populations=populations)
