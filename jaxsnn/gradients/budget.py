"""Which checkpoints keep a derivative within a number of bytes: the fastest that do, found without running anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from .._memory import available
from ..simulation.checkpointing import AbstractCheckpoint, Chunked, KeepAll, Recursive


class Cost(NamedTuple):
    """What a run keeps for its derivative, bytes: for every step that is kept, and for every chunk that is redone."""

    step: float
    chunk: float

    def of(self, policy: AbstractCheckpoint, steps: int) -> float:
        """Of a run of `steps`: what stands at the same time, backwards."""
        if isinstance(policy, KeepAll):
            return self.step * steps
        length = policy.chunk(steps, steps, 1)
        if isinstance(policy, Recursive):  # on every level, the starts of one group of chunks
            levels, chunks = policy.levels - 1, steps / length
            return self.step * length + self.chunk * levels * chunks ** (1 / levels)
        return self.step * length + self.chunk * steps / length


def within(memory: float | str, steps: int, kept: Callable[[AbstractCheckpoint, int], Any]) -> AbstractCheckpoint:
    """The fastest of `KeepAll`, `Chunked` and `Recursive` that keeps at most `memory` bytes for a run of `steps`.

    **Arguments:** `memory`: bytes, or `"auto"`: half of what the device has. `kept`: traces a run of so many steps with
    a policy, and returns what its derivative keeps, as shapes.

    **Raises:** ValueError if nothing is small enough, with what would be.
    """
    budget = bytes_of(memory)
    cost = cost_of(kept)
    every = [KeepAll()]
    every += [Chunked(n) for n in (2**k for k in range(30, 1, -1)) if n < steps]
    every += [Recursive(levels) for levels in range(3, 2 + max(2, steps).bit_length())]
    for policy in every:
        if cost.of(policy, steps) <= budget:
            return policy
    least = min(cost.of(policy, steps) for policy in every)
    raise ValueError(
        f"BPTT.memory is {budget:.4g} bytes, but {steps} steps of this batch keep {least:.4g} at least; give it that "
        "much, or smaller batches, or an estimator that keeps nothing over time, such as EProp."
    )


def bytes_of(memory: float | str) -> float:
    """How many are meant: a number of them, or `"auto"`, half of what the device has."""
    if memory != "auto":
        return float(memory)
    if (there := available()) is None:
        raise ValueError("Got memory='auto', but nothing tells how much this device has; give a number of bytes.")
    return 0.5 * there


def cost_of(kept: Callable[[AbstractCheckpoint, int], Any]) -> Cost:
    """From traces of a few steps: what more steps, and what more chunks, add to what is kept."""
    step = (_bytes(kept(KeepAll(), 4)) - _bytes(kept(KeepAll(), 2))) / 2
    chunk = (_bytes(kept(Chunked(2), 8)) - _bytes(kept(Chunked(2), 4))) / 2
    return Cost(step, chunk)


def _bytes(tree: Any) -> int:
    return sum(int(np.prod(x.shape)) * x.dtype.itemsize for x in jax.tree.leaves(tree))
