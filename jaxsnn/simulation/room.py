"""Room for what the probes of a run keep: its size is known before the run, and it is taken once."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array

from .._memory import available
from ..models import Signals


class Room(NamedTuple):
    """The rows that one leaf of a record has room for; hashable."""

    chunk: int  # rows of a whole chunk
    all: int
    row: tuple[int, ...]  # the shape of one
    dtype: Any

    @property
    def bytes(self) -> int:
        """Of all of them, a Python integer."""
        return math.prod((self.all, *self.row)) * self.dtype.itemsize


def emitted(model: Any, probes: Any, state: Any, carries: Any, total: int, length: int) -> tuple[Room, ...]:
    """What the probes emit in `total` steps, in chunks of `length` and a rest. Nothing runs, no step is traced."""

    def chunk(state: Any, carries: Any, steps: int) -> Any:
        signals, out = Signals(state.spikes, model.view(state.model)), []
        for probe, carry in zip(probes, carries, strict=True):
            carry, row = probe.step(carry, signals, state.t)
            stacked = jax.tree.map(lambda x: jnp.broadcast_to(x, (steps, *jnp.shape(x))), row)
            out.append(probe.emit(carry, stacked, model)[1])
        return jax.tree.leaves(out)

    shapes = lambda steps: jax.eval_shape(functools.partial(chunk, steps=steps), state, carries) if steps else []
    whole, rest = divmod(total, length)
    one, last = shapes(length), shapes(rest)
    return tuple(
        Room(x.shape[0], x.shape[0] * whole + (last[i].shape[0] if rest else 0), x.shape[1:], x.dtype)
        for i, x in enumerate(one)
    )


def check(rows: int, carries: Any) -> None:
    """One error for records that are larger than the memory of the device; `rows`: their bytes, a Python integer."""
    arrays = [x for x in jax.tree.leaves(carries) if hasattr(x, "dtype")]
    size = rows + sum(math.prod(x.shape) * x.dtype.itemsize for x in arrays)
    memory = available()
    if memory is not None and size > memory:
        raise ValueError(
            f"The records of this run would take {size / 1e9:.4g} GB, more than the device has, {memory / 1e9:.4g} GB; "
            "record fewer neurons (index=), less often (every=), or shorter runs one after the other (state=)."
        )


def taken(rows: tuple[Room, ...]) -> list[Array]:
    """The room itself."""
    return [jnp.zeros((x.all, *x.row), x.dtype) for x in rows]


def put(room: list[Array], out: Any, rows: tuple[Room, ...], chunk: int) -> Any:
    """What was emitted, in its place in the memory of `room`: behind `chunk` whole chunks."""
    return _put(room, jax.tree.leaves(out), [np.int32(chunk * x.chunk) for x in rows])


@functools.partial(jax.jit, donate_argnums=0)
def _put(room: list[Array], out: list[Array], at: list[Array]) -> list[Array]:
    return [lax.dynamic_update_slice_in_dim(x, part, i, 0) for x, part, i in zip(room, out, at, strict=True)]
