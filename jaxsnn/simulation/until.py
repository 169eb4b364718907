"""A run that ends when it has settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int

from .. import _random
from .._time import on_grid, run_steps
from .._types import is_concrete
from .._xla import opaque
from ..models import AbstractModel
from .drives.base import AbstractDrive, Silence
from .parts import RunState, started
from .run import Run, simulate


class PartialRuns(eqx.Module):
    """A run in parts that may have ended early.

    `record`: a row a part, zeros behind the last one that ran; `parts`: how many ran; `settled`: whether it ended
    because it had settled; `state`: continues it.
    """

    record: Any
    parts: Int[Array, ""]
    settled: Bool[Array, ""]
    state: RunState

    def __getitem__(self, name: Any) -> Any:
        return self.record[name]

    @property
    def last(self) -> Any:
        """The record of the last part that ran."""
        return jax.tree.map(lambda x: x[self.parts - 1], self.record)


def simulate_until(
    settled: Callable[[Any, Any], Any],
    model: AbstractModel,
    drive: AbstractDrive | None = None,
    *,
    t: float,
    every: float,
    key: Array,
    record: Any,
    chunk: int = 1000,
) -> PartialRuns:
    """Run `model` in parts of `every` ms until it has settled, or for `t` ms.

    **Arguments:** `settled(now, before)`: a boolean, asked after every part but the first, of its record and that of
    the part before. `record`: probes, as in `simulate`; each part has a record of its own. `drive`, `chunk`
    and others: as in `simulate`.

    A part begins where the one before ended, so that the numbers are those of one run up to where it ends. In a sweep
    on a CPU a point that has settled takes no more time; on an accelerator it stands still, and the loop ends when all
    points of the batch have settled. Return `parts` or `settled` from the experiment to see which did.

    **Raises:** ValueError where `every` does not divide `t` into two parts or more.
    """
    if not callable(settled):
        raise ValueError(f"Got settled = {settled!r}, expected a function (record, record before) -> bool.")
    total, length = (run_steps(x, None, model.dt, 0) for x in (t, every))
    parts, rest = divmod(total, length)
    if rest or parts < 2:
        raise ValueError(f"Got t={t} and every={every}, expected `every` to divide `t` into two parts or more.")
    given = (model, Silence() if drive is None else drive, record, _random.as_key(key))
    run = _compiled if is_concrete(given) else _in_parts
    return run(settled, given, length, parts, chunk)


def _in_parts(settled: Any, given: Any, length: int, parts: int, chunk: int) -> PartialRuns:
    model, drive, record, key = given
    drive, record = on_grid((drive, record), model.dt)
    begin = started(*opaque((model, drive, key)))

    def part(state: RunState) -> Run:
        return simulate(model, drive, steps=length, key=key, state=state, record=record, chunk=chunk)

    form = jax.eval_shape(lambda state: part(state).record, begin)
    rows = jax.tree.map(lambda x: jnp.zeros((parts, *x.shape), x.dtype), form)

    def going(carry: Any) -> Array:
        _, i, done, _ = carry
        return (i < parts) & ~done

    def step(carry: Any) -> Any:
        state, i, _, rows = carry
        run = part(state)
        before = jax.tree.map(lambda x: x[jnp.maximum(i - 1, 0)], rows)
        done = jnp.asarray(settled(run.record, before), bool) & (i > 0)
        put = lambda row, x: lax.dynamic_update_index_in_dim(row, x, i, 0)
        return run.state, i + 1, done, jax.tree.map(put, rows, run.record)

    state, count, done, rows = lax.while_loop(going, step, (begin, jnp.int32(0), jnp.asarray(False), rows))
    return PartialRuns(rows, count, done, state)


_compiled = eqx.filter_jit(_in_parts)
