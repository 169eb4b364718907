"""Poisson counts of many groups of neurons, each with a mean of its own: one program, whatever their number."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Int32, UInt32

from .._xla.platforms import by_platform
from .blocks import Blocks
from .counts import PoissonTable
from .generator import words
from .thresholds import NEVER, Thresholds


class PoissonTables(eqx.Module):
    """Several tables of one mean each, side by side."""

    first: Int32[Array, " tables"]
    survival: Int32[Array, "tables rows"]
    needed: Int32[Array, " tables"]
    valid: Bool[Array, ""]

    @classmethod
    def of(cls, tables: list[PoissonTable]) -> PoissonTables:
        each = [table.thresholds for table in tables]
        rows = max(x.survival.shape[0] for x in each)
        longer = lambda x: jnp.concatenate([x, jnp.full(rows - x.shape[0], NEVER, x.dtype)])
        return cls(
            jnp.stack([x.first for x in each]),
            jnp.stack([longer(x.survival) for x in each]),
            jnp.stack([jnp.int32(x.survival.shape[0]) if x.needed is None else x.needed for x in each]),
            jnp.all(jnp.stack([table.valid for table in tables])),
        )

    def counts(
        self, streams: UInt32[Array, "tables 2"], step: ArrayLike, sizes: tuple[int, ...]
    ) -> list[Int32[Array, " size"]]:
        """`poisson` of ids 0 .. size - 1 for every table with its stream, bit for bit.

        On a CPU block by block, each of one table, in a loop whose body is compiled once; elsewhere all at once.
        """
        blocks = Blocks.of(sizes)

        def in_turn(first: Array, survival: Array, needed: Array, streams: Array, step: Array) -> Array:
            def block(given: tuple[Array, Array]) -> Array:
                which, ids = given[0], given[1] + jnp.arange(blocks.size, dtype=jnp.uint32)
                law = Thresholds(first[which], survival[which], needed[which])
                return law(words(streams[which], step, ids)[0])

            return lax.map(block, (jnp.asarray(blocks.table), jnp.asarray(blocks.begin))).reshape(-1)

        def at_once(first: Array, survival: Array, needed: Array, streams: Array, step: Array) -> Array:
            of = np.repeat(blocks.table, blocks.size)
            ids = jnp.asarray((blocks.begin[:, None] + np.arange(blocks.size, dtype=np.uint32)).reshape(-1))
            word = words((streams[of, 0], streams[of, 1]), step, ids)[0]
            return Thresholds(first[of], survival.T[:, of], None).count(word)

        given = (self.first, self.survival, self.needed, streams, jnp.asarray(step))
        found = by_platform(*given, cpu=in_turn, default=at_once)
        return [found[at : at + n] for at, n in zip(blocks.places, sizes, strict=True)]
