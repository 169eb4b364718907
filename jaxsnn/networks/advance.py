"""Populations from `t_k` to their reset: the seam for a kernel that takes all of a step at once."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Bool, Float, Int, UInt32

from .population import Population


class AbstractAdvance(eqx.Module):
    """What moves the neurons and ports of a population through a step, in the parts that an order arranges."""

    @abc.abstractmethod
    def to_threshold(
        self,
        population: Population,
        s: Any,
        current: Float[Array, " n"] | None,
        arrivals: dict[str, Float[Array, " n"]] | None,
        dt: float,
        t: Int[Array, ""],
        *,
        ids: UInt32[Array, " n"] | None,
        stream: Array | None,
    ) -> tuple[Any, Float[Array, " n"]]:
        """From `t_k` to the threshold, with `arrivals` where they come before it; and who fires."""

    @abc.abstractmethod
    def hear(
        self,
        population: Population,
        s: Any,
        arrivals: dict[str, Float[Array, " n"]],
        dt: float,
        fired: Bool[Array, " n"],
    ) -> Any:
        """Arrivals that come after the threshold."""

    @abc.abstractmethod
    def reset(self, population: Population, s: Any, spikes: Float[Array, " n"], dt: float) -> Any:
        """What firing does, and the bookkeeping that closes the step."""


class Elementwise(AbstractAdvance):
    """By the equations of the population, which XLA compiles."""

    def to_threshold(self, population, s, current, arrivals, dt, t, *, ids, stream):
        return population.to_threshold(s, current, arrivals, dt, t, ids=ids, stream=stream)

    def hear(self, population, s, arrivals, dt, fired):
        return population.hear(s, arrivals, dt, fired=fired)

    def reset(self, population, s, spikes, dt):
        return population.reset(s, spikes, dt)
