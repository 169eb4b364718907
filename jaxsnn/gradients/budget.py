"""The fastest checkpoint policy within a memory budget, found by tracing, without running anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from .._memory import available
from ..simulation.checkpointing import AbstractCheckpoint, Chunked, KeepAll, Recursive


class Cost(NamedTuple):
    """Bytes stored for a derivative: for each stored step, and for each recomputed chunk."""

    step: float
    chunk: float

    def of(self, policy: AbstractCheckpoint, steps: int) -> float:
        """The peak of a run of `steps` in the backward pass."""
        if isinstance(policy, KeepAll):
            return self.step * steps
        length = policy.chunk(steps, steps, 1)
        if isinstance(policy, Recursive):  # on every level, the initial states of one group of chunks
            levels, chunks = policy.levels - 1, steps / length
            return self.step * length + self.chunk * levels * chunks ** (1 / levels)
        return self.step * length + self.chunk * steps / length


def within(memory: float | str, steps: int, kept: Callable[[AbstractCheckpoint, int], Any]) -> AbstractCheckpoint:
    """The fastest of `KeepAll`, `Chunked` and `Recursive` that keeps at most `memory` bytes for a run of `steps`.

    **Arguments:** `memory`: bytes, or `"auto"`: half of the device's memory. `kept`: traces a run of a number of steps
    with a policy, and returns the shapes of what its derivative stores.

    **Raises:** ValueError if no policy is within the budget, with the smallest budget that would do.
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
    """The budget in bytes; `"auto"` is half of the device's memory."""
    if memory != "auto":
        return float(memory)
    if (there := available()) is None:
        raise ValueError("Got memory='auto', but the memory of this device is unknown; give a number of bytes.")
    return 0.5 * there


def cost_of(kept: Callable[[AbstractCheckpoint, int], Any]) -> Cost:
    """The bytes that a further step and a further chunk add, from traces of a few steps."""
    step = (_bytes(kept(KeepAll(), 4)) - _bytes(kept(KeepAll(), 2))) / 2
    chunk = (_bytes(kept(Chunked(2), 8)) - _bytes(kept(Chunked(2), 4))) / 2
    return Cost(step, chunk)


def _bytes(tree: Any) -> int:
    return sum(int(np.prod(x.shape)) * x.dtype.itemsize for x in jax.tree.leaves(tree))
