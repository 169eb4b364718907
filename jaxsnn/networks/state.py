"""The state of a network, by the names of its parts."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
from jaxtyping import Array, Float, UInt32

from ..connectivity.release import AbstractRelease
from ..models import View
from ..plasticity.plastic import Plastic
from ..synapses.clocked import AbstractClockedSynapse
from .population import Population, PopulationState


class NetworkState(NamedTuple):
    """The state: neurons and ports by population, projections, pending arrivals, and the status."""

    populations: dict[str, PopulationState]
    projections: dict[str, dict[str, Any]]  # those with a state: its kind, and the state
    ring: Float[Array, " places"]
    status: UInt32[Array, ""]


class Changing(eqx.Module):
    """The parts of a projection that have a state."""

    release: AbstractRelease | None
    plastic: Plastic | None
    synapse: AbstractClockedSynapse | None
    shape: tuple[int, ...] = eqx.field(static=True)  # of values per synapse

    def view(self, state: dict[str, Any]) -> View:
        """Its state by name."""
        parts = {}
        if (release := self.release) is not None:
            parts["release"] = lambda: release.view(state["release"])
        if self.plastic is not None:
            learnt = self.plastic.view(state["plastic"], self.shape)
            parts |= {name: (lambda name=name: learnt[name]) for name in learnt}
        if self.synapse is not None:
            cell = state["synapse"].cell
            parts |= {name: (lambda name=name: getattr(cell, name)) for name in cell._fields}
        return View(parts)


def view(state: NetworkState, projections: dict[str, Changing]) -> View:
    """The state by name, as probes and drives read it, computed on access."""
    populations = {name: (lambda s=s: Population.named(s)) for name, s in state.populations.items()}
    changing = {name: (lambda name=name, s=s: projections[name].view(s)) for name, s in state.projections.items()}
    return View({**populations, **changing})
