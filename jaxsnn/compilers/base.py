"""Who compiles the loop over the steps of a run."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from .._xla import hoisted

Step = Callable[[Any, Array], tuple[Any, Any]]  # (carried, t) -> (carried, row)


class AbstractCompiler(eqx.Module):
    """Compiles the loop over steps. It decides how fast a run is; results are equal up to the rounding of floats."""

    @abc.abstractmethod
    def steps(
        self, one: Step, carried: Any, t: Int[Array, ""], length: int, count: Int[Array, ""] | None = None
    ) -> tuple[Any, Any]:
        """`count` steps from step `t`; `length`: the most there may be, and all of them if `count` is None.

        Returns what is carried, and `length` rows, which are zero from `count` on.
        """


class XLA(AbstractCompiler):
    """XLA, on every device: a scan.

    **Arguments:** `batch`: of a batch on an accelerator, where each operation is a kernel to start; static.
    """

    batch: bool = eqx.field(default=False, static=True)

    def steps(self, one, carried, t, length, count=None):
        one, (_, rows) = hoisted(one, carried, t, words=self.batch)
        if self.batch:
            count = length
        if count is None:
            return lax.scan(one, carried, t + jnp.arange(length, dtype=jnp.int32))
        room = jax.tree.map(lambda x: jnp.zeros((length, *x.shape), x.dtype), rows)

        def body(loop: tuple[Array, Any, Any]) -> tuple[Array, Any, Any]:
            i, carried, stacked = loop
            carried, out = one(carried, t + i)
            put = lambda rows, row: lax.dynamic_update_index_in_dim(rows, row, i, 0)
            return i + 1, carried, jax.tree.map(put, stacked, out)

        start = (jnp.zeros((), jnp.int32), carried, room)
        return lax.while_loop(lambda loop: loop[0] < count, body, start)[1:]
