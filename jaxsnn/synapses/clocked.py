"""Synapses with a state of their own, which is integrated in every step: what a network asks of them."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxtyping import Array, Float

from .._types import Checked


class Pathway(NamedTuple):
    """Spikes of one side that reach synapses: its name, and the side, `pre` or `post`."""

    name: str
    side: str


class OfNeurons(NamedTuple):
    """A variable of the neurons on one side, `pre` or `post`."""

    variable: str
    side: str

    def __str__(self) -> str:
        return f"{self.variable}_{self.side}"


Seen = Mapping[str, Float[Array, " synapses"]]
Parts = dict[OfNeurons, Float[Array, " synapses"]]


class AbstractClockedSynapse(Checked):
    """The synapses of one projection, each with variables that are integrated in every step: `clock-driven`.

    Parameters are leaves of shape `()`, or one number a synapse. In `BrianOrder` a network calls, in step `k`, for all
    synapses at once, 1. `sums` of the state at `t_k`; 2. `advanced`, before or behind the step of the neurons; 3.
    behind the thresholds, `reached` for each pathway, by the spikes of step `k - delay`; what that adds to neurons
    arrives in the same step. `seen` has what `reads` names, of each synapse.
    """

    drawn = True

    @property
    @abc.abstractmethod
    def pathways(self) -> tuple[Pathway, ...]:
        """The pathways, in the order in which spikes of one step act."""

    @property
    @abc.abstractmethod
    def reads(self) -> tuple[OfNeurons, ...]:
        """What of neurons is read; `seen` has it by its name, `v_post`."""

    @property
    @abc.abstractmethod
    def summed(self) -> tuple[OfNeurons, ...]:
        """What sums are, in every step."""

    @property
    @abc.abstractmethod
    def added(self) -> tuple[OfNeurons, ...]:
        """What spikes add to."""

    @property
    def local(self) -> tuple[str, ...]:
        """Names that statements use for themselves, which variables of neurons must not have."""
        return ()

    @property
    def updated(self) -> tuple[str, ...]:
        """The sides whose neurons are seen by `advanced` as they are after their step; the others, before it."""
        return ()

    @property
    def sums_behind(self) -> bool:
        """Whether sums are of the state behind `advanced`; then that reads no neurons behind their step."""
        return False

    @property
    @abc.abstractmethod
    def noisy(self) -> bool:
        """Whether a step needs random numbers."""

    @abc.abstractmethod
    def numbers(self, stream: Array, step: Array, ids: Array) -> Any:
        """Random numbers of a step, for each synapse."""

    @abc.abstractmethod
    def init(self, shape: tuple[int, ...], dtype: Any, dt: float) -> Any:
        """The state at the start: a NamedTuple of arrays. `dt`: of a step, ms."""

    def prepared(self, dt: float) -> Any:
        """A copy with what a step of `dt` ms needs and parameters alone decide."""
        return self

    @abc.abstractmethod
    def sums(self, s: Any, seen: Seen) -> Parts:
        """What each synapse gives to sums."""

    @abc.abstractmethod
    def seeing(self, s: Any, seen: Seen) -> Any:
        """The state, which keeps what is seen."""

    @abc.abstractmethod
    def advanced(self, s: Any, seen: Seen, dt: float, noise: Any) -> Any:
        """The state after a step."""

    @abc.abstractmethod
    def reached(self, s: Any, pathway: Pathway, arrived: Float[Array, " synapses"], seen: Seen) -> tuple[Any, Parts]:
        """The state after spikes, `arrived` of each synapse (0 for none), and what they add to neurons."""

    @abc.abstractmethod
    def ended(self, s: Any) -> Any:
        """The state at the end of a step."""

    @abc.abstractmethod
    def status(self, s: Any) -> Array:
        """Status bits of a run that ended in `s`."""

    def misfit(self, read: OfNeurons, neuron: Any) -> str | None:
        """Why a variable of neurons of this kind is none that is meant here, such as its unit; None if it is."""
        return None
