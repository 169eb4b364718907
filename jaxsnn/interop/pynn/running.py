"""The network that runs behind PyNN's interface: built when it is needed, continued from run to run."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import numpy as np

from ... import _random
from ..._tree import get
from ...simulation.drives.base import AbstractDrive
from ...simulation.parts import RunState
from ...simulation.progress import Quiet
from ...simulation.run import simulate
from .building import built, drives, named


class Running:
    """The network of a script, and where it stands."""

    def __init__(self) -> None:
        self.net: Any = None
        self.names: dict[int, str] = {}
        self.state: RunState | None = None
        self.stale = True
        self.parts: tuple[Any, ...] = ()

    def refresh(self, state: Any) -> None:
        """Build the network anew if something was changed."""
        if not self.stale:
            return
        parts = (*state.populations, *state.projections)
        if self.state is not None and len(parts) != len(self.parts):
            raise ValueError(
                f"Got {len(parts) - len(self.parts)} new populations or projections after the first run; call reset() "
                "before it, or create them before run()."
            )
        self.names, self.parts = named(parts), parts
        self.net = built(state, self.names)
        self.stale = False

    def run(self, state: Any, steps: int) -> None:
        """Run on, and hand what was recorded to the recorders."""
        drive = drives(state, self.names, state.step, state.step + steps)
        key = jax.random.fold_in(jax.random.key(state.seed), state.segment_counter)
        record = {recorder.name: recorder.probes(state.step, steps) for recorder in self._recorders(state)}
        before = self.state if self.state is None else _with_drive(self.state, drive, key)
        run = simulate(self.net, drive, steps=steps, key=key, state=before, record=record, progress=Quiet())
        for recorder in self._recorders(state):
            recorder.store(run[recorder.name], state.step, steps)
        self.state = run.state

    def _recorders(self, state: Any) -> list[Any]:
        return [each.recorder for each in state.populations if each.recorder.recorded]

    def value(self, population: Any, path: str) -> np.ndarray | None:
        """A state variable now; None before the first run."""
        if self.state is None or id(population) not in self.names:
            return None
        return np.array(get(self.net.view(self.state.model), f"{self.names[id(population)]}.{path}"))

    def set_value(self, population: Any, path: str, value: np.ndarray) -> None:
        """Set a state variable of a network that runs."""
        if self.state is None:
            return
        states = self.state.model.populations
        old = states[name := self.names[id(population)]]
        head, _, rest = path.partition(".")
        if rest:
            port = old.ports[head]
            new = old._replace(ports={**old.ports, head: _replaced(port, rest, value)})
        else:
            new = old._replace(neuron=_replaced(old.neuron, head, value))
        model = self.state.model._replace(populations={**states, name: new})
        self.state = eqx.tree_at(lambda s: s.model, self.state, model)

    def learnt(self, name: str) -> np.ndarray | None:
        """The weights of a plastic projection now, in the order of its edges; None before the first run."""
        if self.state is None or name not in self.state.model.projections:
            return None
        return np.array(self.net.view(self.state.model)[name]["weight"])

    def relearn(self, name: str, weight: np.ndarray) -> None:
        """Let a plastic projection go on from these weights, in the order of its edges."""
        if self.state is None or "plastic" not in self.state.model.projections.get(name, {}):
            return
        projections = self.state.model.projections
        old = projections[name]["plastic"]
        synapses = old.synapses.at[0].set(jax.numpy.asarray(weight, old.synapses.dtype))
        new = {**projections, name: {**projections[name], "plastic": old._replace(synapses=synapses)}}
        self.state = eqx.tree_at(lambda s: s.model, self.state, self.state.model._replace(projections=new))


def _replaced(part: Any, name: str, value: np.ndarray) -> Any:
    old = getattr(part, name)
    return part._replace(**{name: jax.numpy.asarray(value, old.dtype)})


def _with_drive(state: RunState, drive: AbstractDrive, key: Any) -> RunState:
    """The state, for a drive that has gained or lost parts since: its own state begins."""
    fresh = lambda: drive.init(key=_random.named_key(key, "drive"))
    if jax.tree.structure(jax.eval_shape(fresh)) == jax.tree.structure(state.drive):
        return state
    return RunState(state.t, state.model, fresh(), state.spikes, state.dt)
