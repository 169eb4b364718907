"""The kernel of a GPU for events of synapses that learn, in Pallas: rows or columns of those that have one, in place.

It is imported where it is compiled for a card. A rule is whatever it is elsewhere, of vectors of synapses.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton
from jaxtyping import Array

from ..connectivity.gpu import add, for_each, loaded, power_of_two, put
from .reached import effect, reached

_NEURONS = 32  # of a program: most of them silent
_LANES = 256  # synapses at a time, at most


class Own:
    """An array of one instance in the memory of a card, read by indices."""

    def __init__(self, ref: Any, row: Any):
        self.ref, self.row = ref, row
        self.shape, self.dtype, self.ndim = ref.shape[1:], ref.dtype, len(ref.shape) - 1

    def __getitem__(self, at: Any) -> Array:
        return triton.load(self.ref.at[(self.row, *at) if isinstance(at, tuple) else (self.row, at)])


def apply_events(happens: Array, *arrays: Array, size: int, form: Any, interpret: bool = False) -> list[Array]:
    """The synapses of `size` instances after the events, and the rings with what is sent: a program for some neurons.

    `happens`: which neurons have an event, 0 or 1, slot after slot. A synapse is in the segment of one neuron, so that
    programs change different ones; what they send is added to the ring at the same time, and the order of these sums
    is open.
    """
    count = len(form.widths)
    changed = [jnp.broadcast_to(x, (size, x.shape[1])) for x in arrays[:count]]
    read, events = arrays[count:], happens.shape[1]
    lanes = power_of_two(form.way.segments(form.update(list(read))).width, 32, _LANES)

    def program(happens: Any, *refs: Any) -> None:
        b, first = pl.program_id(0), pl.program_id(1) * _NEURONS
        synapses, *ring = refs[len(read) + count :]
        row = lambda ref: b * 0 if ref.shape[0] == 1 else b  # an index of an array, as the others
        own = [Own(ref, row(ref)) if len(ref.shape) > 1 else ref[row(ref)] for ref in refs[: len(read)]]
        update = form.update(own)
        segments, slots = form.way.segments(update), form.way.line(update).length
        event = first + jnp.arange(_NEURONS, dtype=jnp.int32)

        def of_event(event: Array, _: Array, nothing: Array) -> Array:
            slot, neuron = lax.div(event, jnp.int32(events // slots)), lax.rem(event, jnp.int32(events // slots))
            begin, end = segments.span(neuron, (update.t - slot) % slots)

            def piece(position: Array) -> Array:
                here = position + jnp.arange(lanes, dtype=jnp.int32)
                inside = here < end
                at = reached(update, form.way, slot, neuron, jnp.where(inside, here, begin))
                if update.index.exists is not None:
                    inside = inside & update.index.exists[at.place]
                places = [at.place + k * form.synapses for k in range(form.numbers)]
                new, sent = effect(update, form.way, at, tuple(Own(synapses, b)[place] for place in places))
                if form.way.changes:
                    for place, numbers in zip(places, new, strict=True):
                        put(synapses, b, place, numbers, inside, interpret)
                if sent is not None:
                    add(ring[0], b, sent[0], jnp.broadcast_to(sent[1], (lanes,)), inside, interpret)
                return position + lanes

            lax.while_loop(lambda position: position < end, piece, begin)
            return nothing

        for_each(loaded(happens, row(happens), event, event < events), first, of_event, jnp.int32(0))

    return pl.pallas_call(
        program,
        grid=(size, -(-events // _NEURONS)),
        out_shape=[jax.ShapeDtypeStruct(x.shape, x.dtype) for x in changed],
        input_output_aliases={1 + len(read) + k: k for k in range(count)},
        compiler_params=triton.CompilerParams(num_warps=max(1, lanes // 64)),
        interpret=interpret,
        name="apply_events",
    )(happens, *read, *changed)
