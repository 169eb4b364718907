"""Looking at a run: how far registers go, and how well the program's spikes agree with the model's."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from .._random import as_key
from ..networks.model import Network
from ..simulation.drives.base import AbstractDrive
from ..simulation.probes.base import AbstractProbe
from ..simulation.probes.spikes import Raster
from ..simulation.progress import Quiet
from ..simulation.run import Run, simulate
from .agreement import spike_agreement
from .cells import CubaCells
from .fixed import decay, shift, whole
from .ir import Graph
from .program import Program
from .quantise import Peaks
from .reading import lift


class Calibration(eqx.Module):
    """What to run a model under, to see how far its registers go and how its spikes compare.

    **Arguments:** `drive`: as of `simulate`. `steps`: how many, static. `key`: of its random numbers. `inference`:
    steps of one inference, of which the run may have many; the report has its energy and time. None: all steps.
    """

    drive: AbstractDrive
    steps: int = eqx.field(static=True, kw_only=True)
    key: Array = eqx.field(kw_only=True, converter=as_key)
    inference: int | None = eqx.field(default=None, static=True, kw_only=True)

    def __check_init__(self):
        if not isinstance(self.drive, AbstractDrive):
            raise ValueError(f"Calibration.drive is {self.drive!r}; expected a drive such as Poisson(...).")
        whole(self, steps=1)
        if self.inference is not None:
            whole(self, inference=1)

    def run(self, model: Any, record: Any) -> Run:
        """The model under the drive, whatever overflows."""
        return simulate(model, self.drive, steps=self.steps, key=self.key, record=record, throw=False, progress=Quiet())


class _Extremes(AbstractProbe):
    """The largest magnitudes of input, `u + bias` and `v` of a group, in the lowest bits of its registers."""

    name: str = eqx.field(static=True)
    decay_u: Int[Array, "..."]
    bias: Int[Array, "..."]

    def init(self, model, steps, first):
        n = model.sizes[self.name]
        return jnp.zeros(n, jnp.int32), jnp.zeros(3, jnp.int32)

    def step(self, carry, signals, t):
        before, most = carry
        s = signals.state[self.name]
        a = s.u - decay(before, self.decay_u)
        now = jnp.stack([jnp.max(jnp.abs(x)) for x in (a, s.u + self.bias, s.v)])
        return (s.u, jnp.maximum(most, now)), None

    def finish(self, carry, emitted, model):
        return carry[1]


def observe(program: Program, calibration: Calibration) -> Run:
    """A run that records every group's spikes and how far its registers went."""
    cells = {name: group for name, group in program.cells.items() if isinstance(group, CubaCells)}
    extremes = {name: _Extremes(name, c.decay_u, shift(c.bias, c.bias_exponent)) for name, c in cells.items()}
    return calibration.run(program, {"extremes": extremes, "spikes": {name: Raster(name) for name in program.cells}})


def peaks(run: Run, scales: dict[str, Array]) -> dict[str, Peaks]:
    """How far every group's registers went, in the model's units."""
    return {name: Peaks(*(most.astype(scales[name].dtype) / scales[name])) for name, most in run["extremes"].items()}


def overflowed(run: Run) -> bool:
    """Whether any register did not hold its sum."""
    return bool(np.asarray(run.status) != 0)


def follow(net: Network, calibration: Calibration) -> Run:
    """A run of the model that records every population's spikes."""
    return calibration.run(net, {name: Raster(name) for name in net.populations})


def compare(net: Network, program: Program, run: Run, model: Run, calibration: Calibration) -> dict[str, Any]:
    """Spikes of the program's run against the model's, by population.

    Once the program's lateness is taken off: see `spike_agreement`.
    """
    names = [name for name, group in program.cells.items() if isinstance(group, CubaCells)]
    late, found = dict(program.late), {}
    seconds = calibration.steps * net.dt * 1e-3
    for name in names:
        mine, theirs = np.asarray(run["spikes"][name].dense()), np.asarray(model[name].dense())
        lag, per_cell = late.get(name, 0), mine.shape[1] * seconds
        found_here = spike_agreement(mine[lag:], theirs[: len(mine) - lag])
        found[name] = {
            "rate Hz": float(mine.sum() / per_cell),
            "rate of the model Hz": float(theirs.sum() / per_cell),
            "coincidence": float(found_here.coincidence),
            "first difference, step": None if (first := int(found_here.first)) < 0 else first,
        }
    return found


def compare_weights(net: Network, graph: Graph, run: Run, model: Run) -> dict[str, Any]:
    """Weights that were learned, in the unit of the rule, against the model's, by link that learns."""
    found, theirs = {}, lift(net.learned(model.state))
    for name, link in graph.links.items():
        if link.learning is None:
            continue
        exists, scale = np.asarray(link["exists"]), graph.cells[link.post]["scale"]
        per_unit = link.learning.per_unit(scale, link["exponent"])
        mine = np.asarray(run.state.model.synapses[name].w)[exists] / float(per_unit)
        model_w = np.asarray(theirs.links[name]["weight"])[exists]
        varied = min(len(mine), np.ptp(mine), np.ptp(model_w)) > 0
        found[name] = {
            "mean": float(np.mean(mine)),
            "mean of the model": float(np.mean(model_w)),
            "correlation": float(np.corrcoef(mine, model_w)[0, 1]) if varied else None,
            "mean absolute difference": float(np.mean(np.abs(mine - model_w))),
        }
    return found


def calibration_of(given: Any) -> Calibration | None:
    """A calibration, or a drive that knows how long it is, such as a recording."""
    if given is None or isinstance(given, Calibration):
        return given
    if not isinstance(given, AbstractDrive) or given.steps is None:
        raise ValueError(
            f"Got calibrate = {type(given).__name__}; expected Calibration(drive, steps=..., key=...) or a Replay."
        )
    return Calibration(given, steps=given.steps, key=jax.random.key(0))
