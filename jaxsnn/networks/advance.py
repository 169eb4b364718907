"""Advance: populations from `t_k` to their reset. A native kernel for a whole step would be another class here."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Bool, Float, Int, UInt32

from .population import Population


class AbstractAdvance(eqx.Module):
    """Advances the neurons and ports of a population through a step, in the parts that an order arranges."""

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
        """From `t_k` to the threshold, with `arrivals` if they act before it; also returns the spikes."""

    @abc.abstractmethod
    def receive(
        self,
        population: Population,
        s: Any,
        arrivals: dict[str, Float[Array, " n"]],
        dt: float,
        fired: Bool[Array, " n"],
    ) -> Any:
        """Arrivals that act after the threshold."""

    @abc.abstractmethod
    def reset(self, population: Population, s: Any, spikes: Float[Array, " n"], dt: float) -> Any:
        """The reset, and the refractory counter."""


class Elementwise(AbstractAdvance):
    """The equations of the population, compiled by XLA."""

    def to_threshold(self, population, s, current, arrivals, dt, t, *, ids, stream):
        return population.to_threshold(s, current, arrivals, dt, t, ids=ids, stream=stream)

    def receive(self, population, s, arrivals, dt, fired):
        return population.receive(s, arrivals, dt, fired=fired)

    def reset(self, population, s, spikes, dt):
        return population.reset(s, spikes, dt)
