"""What of a run is kept for its derivative, and what is computed again: memory for time, with the same numbers."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from .._choices import Chosen

__all__ = ["AbstractCheckpoint", "Chunked", "KeepAll", "Recursive", "Truncated"]

Go = Callable[[Any], tuple[Any, Any]]  # one chunk: from a carry to the next, and what it hands out


class AbstractCheckpoint(Chosen):
    """How the chunks of a run follow each other when the run is differentiated in reverse.

    A chunk is a scan over steps, a run a scan over chunks. Only `Truncated` changes a derivative; nothing changes a
    value. Without differentiation all of them are the same.
    """

    def chunk(self, total: int, wanted: int, every: int) -> int:
        """Steps of a chunk, of `total`: a multiple of `every`, near `wanted` unless the policy knows better."""
        return even(total, wanted, every)

    @abc.abstractmethod
    def repeat(self, go: Go, carry: Any, n: int) -> tuple[Any, Any]:
        """`n` times `carry, out = go(carry)`: the last carry, and the stacked `out`. `carry` is (state, the rest)."""


class KeepAll(AbstractCheckpoint):
    """Everything is kept: fastest, memory grows with the number of steps."""

    def repeat(self, go, carry, n):
        return _scan(go, carry, n)


class Chunked(AbstractCheckpoint):
    """The state at the start of every chunk is kept, and a chunk is computed again when its derivative is due.

    Memory grows with `sqrt(T)` instead of `T` steps, for one forward pass more.

    **Arguments:** `steps`: of a chunk, static; by default near `sqrt(T)`, and runs shorter than 64 steps are one chunk.

    **Reference:** Chen et al., Training deep nets with sublinear memory cost, arXiv:1604.06174 (2016).
    """

    steps: int | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        _positive(self, "steps", self.steps)

    def chunk(self, total, wanted, every):
        own = self.steps or (round(total**0.5) if total >= 64 else total)
        return even(total, min(own, wanted), every)

    def repeat(self, go, carry, n):
        return _scan(go if n == 1 else _again(go), carry, n)


class Recursive(AbstractCheckpoint):
    """Chunks of chunks of chunks: memory grows with `levels * T**(1/levels)`, for `levels - 1` forward passes more.

    **Arguments:** `levels`: static, 2 or more; with `log2(T)` of them memory is logarithmic.
    """

    levels: int = eqx.field(default=3, static=True)

    def __check_init__(self):
        if not (isinstance(self.levels, int) and self.levels >= 2):
            raise ValueError(f"Recursive.levels is {self.levels!r}, expected a whole number of 2 or more.")

    def chunk(self, total, wanted, every):
        return even(total, min(max(2, round(total ** (1 / self.levels))), wanted), every)

    def repeat(self, go, carry, n):
        return _nested(go, carry, n, self.levels - 1)


class Truncated(AbstractCheckpoint):
    """Truncated backpropagation: no derivative flows from a chunk into the one before. Biased, and local in time.

    What probes and losses have accumulated keeps its derivative; the state of the model does not.

    **Arguments:** `steps`: of a chunk, exactly, static. `within`: how chunks are kept.

    **Reference:** Williams and Peng, Neural Computation 2:490 (1990).
    """

    steps: int = eqx.field(static=True)
    within: AbstractCheckpoint = eqx.field(default_factory=Chunked)

    def __check_init__(self):
        _positive(self, "steps", self.steps)

    def chunk(self, total, wanted, every):
        if self.steps % every:
            raise ValueError(f"Truncated.steps is {self.steps}, expected a multiple of the probes' {every} steps.")
        return min(self.steps, total)

    def repeat(self, go, carry, n):
        def cut(carry: Any) -> tuple[Any, Any]:
            (state, rest), out = go(carry)
            return (_stopped(state), rest), out

        return self.within.repeat(cut, carry, n)


def even(total: int, wanted: int, every: int) -> int:
    """Steps of a chunk: a multiple of `every`, near `wanted`, and without remainder where that is to be had.

    A last chunk of another length means compiling the step twice.
    """
    if wanted < 1:
        raise ValueError(f"Got chunk = {wanted}, expected a positive number of steps.")
    largest = max(every, wanted // every * every)
    if total <= largest:
        return total
    divides = [n for n in range(largest, largest // 2, -1) if n % every == 0 and total % n == 0]
    return divides[0] if divides else largest


def _nested(go: Go, carry: Any, n: int, levels: int) -> tuple[Any, Any]:
    if levels <= 1 or n < 4:
        return _scan(_again(go), carry, n)
    group = even(n, max(2, round(n ** (1 - 1 / levels))), 1)
    whole, rest = divmod(n, group)
    carry, out = _scan(_again(lambda carry: _nested(go, carry, group, levels - 1)), carry, whole)
    out = jax.tree.map(lambda x: x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]), out)
    if rest:
        carry, last = _nested(go, carry, rest, levels - 1)
        out = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), out, last)
    return carry, out


def _scan(go: Go, carry: Any, n: int) -> tuple[Any, Any]:
    if n == 1:  # a loop within a loop takes JAX many times longer to differentiate, and XLA removes one that runs once
        carry, out = go(carry)
        return carry, jax.tree.map(lambda x: x[None], out)
    return lax.scan(lambda carry, _: go(carry), carry, None, length=n)


def _again(go: Go) -> Go:
    return jax.checkpoint(go, prevent_cse=False)  # inside a scan nothing could be merged with the first time


def _stopped(tree: Any) -> Any:
    return jax.tree.map(lambda x: lax.stop_gradient(x) if eqx.is_inexact_array(x) else x, tree)


def _positive(policy: AbstractCheckpoint, name: str, steps: int | None) -> None:
    if steps is not None and not (isinstance(steps, int) and steps >= 1):
        raise ValueError(f"{type(policy).__name__}.{name} is {steps!r}, expected a positive whole number of steps.")
