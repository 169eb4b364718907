"""What to keep: probes that fold a run into what is wanted of it. What no probe asks for is not stored."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int, UInt32

from ..dynamics import AbstractDynamics, Signals


class AbstractProbe(eqx.Module):
    """Folds signals into a carry in every step, and may hand out something per step, which is thinned per chunk.

    `init` -> `step` in every step -> `emit` at the end of every chunk of steps -> `finish` at the end of the run.
    A probe of your own needs `step`, and of the others those whose default does not suit it.
    """

    def init(self, dynamics: AbstractDynamics, steps: int, first: Int[Array, ""]) -> Any:
        """The carry before the first of `steps` steps, which is step `first`: 0 unless a run is continued.

        Checks that the names it reads exist.
        """
        return ()

    @abc.abstractmethod
    def step(self, carry: Any, signals: Signals, t: Int[Array, ""]) -> tuple[Any, Any]:
        """The carry after step `t`, and what to stack (None for nothing)."""

    def every(self, dynamics: AbstractDynamics) -> int:
        """The steps that belong together: chunks are a multiple of this, but for the end of the run."""
        return 1

    def emit(self, carry: Any, stacked: Any, dynamics: AbstractDynamics) -> tuple[Any, Any]:
        """What a chunk leaves behind of the stacked outputs of its steps."""
        return carry, stacked

    def finish(self, carry: Any, emitted: Any, dynamics: AbstractDynamics) -> Any:
        """The record, from the last carry and what all chunks emitted, joined along time."""
        return emitted

    def status(self, carry: Any) -> UInt32[Array, ""]:
        """Status bits at the end of the run."""
        return jnp.uint32(0)


def size_of(dynamics: AbstractDynamics, population: str) -> int:
    """The size of a population, or an error that lists those there are."""
    if population not in dynamics.sizes:
        raise ValueError(f"Got a probe of {population!r}, expected a population: {', '.join(dynamics.sizes)}.")
    return dynamics.sizes[population]
