"""Calibration runs: the peaks of registers, and the agreement of the program's spikes with the model's."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array

from .._random import as_key
from ..networks.model import Network
from ..simulation.drives.base import AbstractDrive
from ..simulation.drives.trains import Replay
from ..simulation.probes.spikes import Raster
from ..simulation.probes.traces import Trace
from ..simulation.progress import Quiet
from ..simulation.run import Run, simulate
from .agreement import spike_agreement
from .cells import InputCells
from .graph import Graph
from .passes.peaks import Peaks
from .program import Program
from .reading import read
from .registers import whole
from .target import AbstractTarget


class Calibration(eqx.Module):
    """The run in which the peaks of registers are measured and spikes are compared.

    **Arguments:** `drive`: as of `simulate`; inputs that are sources on the chip are not fed. `steps`: of the run,
    static. `key`: of its random numbers. `inference`: steps of one inference; the report gives energy and time for it.
    None: the whole run.
    """

    drive: AbstractDrive | None
    steps: int = eqx.field(static=True, kw_only=True)
    key: Array = eqx.field(kw_only=True, converter=as_key)
    inference: int | None = eqx.field(default=None, static=True, kw_only=True)

    def __check_init__(self):
        if not isinstance(self.drive, AbstractDrive | None):
            raise ValueError(f"Calibration.drive is {self.drive!r}; expected a drive such as Poisson(...), or None.")
        whole(self, steps=1)
        if self.inference is not None:
            whole(self, inference=1)

    def run(self, model: Any, record: Any) -> Run:
        """A run of the model; overflows do not raise."""
        return simulate(model, self.drive, steps=self.steps, key=self.key, record=record, throw=False, progress=Quiet())


def observe(program: Program, calibration: Calibration) -> Run:
    """A run of the program that records the spikes and the peaks of registers of every group, and how many spikes
    inputs of its own sent.
    """
    probes = {name: cells.observed(name) for name, cells in program.cells.items()}
    extremes = {name: probe for name, probe in probes.items() if probe is not None}
    sent = {name: Trace(f"{name}.{c.output_variable}") for name, c in program.cells.items() if c.autonomous}
    spikes = {name: Raster(name) for name in program.cells}
    return calibration.run(program, {"extremes": extremes, "spikes": spikes, "sent": sent})


def peaks(run: Run, scales: dict[str, Array]) -> dict[str, Peaks]:
    """The peaks of the registers of every group, in the model's units."""
    found = {}
    for name, most in run["extremes"].items():
        scale = scales[name].min()
        found[name] = Peaks(*(most.astype(scale.dtype) / scale))
    return found


def overflowed(run: Run) -> bool:
    """Whether any register overflowed."""
    return bool(np.asarray(run.status) != 0)


def follow(net: Network, calibration: Calibration, run: Run) -> Run:
    """A run of the model that records every population's spikes, under what inputs of the program sent by themselves.

    `run`: of the program.
    """
    given = [] if calibration.drive is None else [calibration.drive]
    given += [Replay(sent, into=name) for name, sent in run["sent"].items()]
    calibration = dataclasses.replace(calibration, drive=sum(given[1:], given[0]) if given else None)
    return calibration.run(net, {name: Raster(name) for name in net.populations})


def compare(net: Network, program: Program, run: Run, model: Run, calibration: Calibration) -> dict[str, Any]:
    """The agreement of the program's spikes with the model's, by population.

    The rasters are aligned by the lag of each group; see `spike_agreement`.
    """
    lags, found = dict(program.lags), {}
    seconds = calibration.steps * net.dt * 1e-3
    for name, cells in program.cells.items():
        if isinstance(cells, InputCells) or cells.autonomous or name not in net.populations:
            continue
        mine, theirs = np.asarray(run["spikes"][name].dense()), np.asarray(model[name].dense())
        lag, per_cell = lags.get(name, 0), mine.shape[1] * seconds
        found_here = spike_agreement(mine[lag:], theirs[: len(mine) - lag])
        found[name] = {
            "rate Hz": float(mine.sum() / per_cell),
            "rate of the model Hz": float(theirs.sum() / per_cell),
            "coincidence": float(found_here.coincidence),
            "first difference, step": None if (first := int(found_here.first)) < 0 else first,
        }
    return found


def compare_weights(
    net: Network, target: AbstractTarget, program: Program, graph: Graph, run: Run, model: Run
) -> dict[str, Any]:
    """Learned weights compared with the model's, in the unit of the rule, by group of plastic edges."""
    found = {}
    if all(edge.rule is None for edge in graph.edges.values()):
        return found
    theirs = read(net.learned(model.state), target)
    for name, edge in graph.edges.items():
        if edge.rule is None or not edge.count:
            continue
        learned = program.synapses[name].learned_weights(run.state.model.synapses[name])
        mine = np.asarray(learned) / float(edge.rule.per_unit(graph.cells[edge.post]["scale"], edge))
        model_w = np.asarray(theirs.edges[name]["weight"])
        varied = min(len(mine), np.ptp(mine), np.ptp(model_w)) > 0
        found[name] = {
            "mean": float(np.mean(mine)),
            "mean of the model": float(np.mean(model_w)),
            "correlation": float(np.corrcoef(mine, model_w)[0, 1]) if varied else None,
            "mean absolute difference": float(np.mean(np.abs(mine - model_w))),
        }
    return found


def calibration_of(given: Any) -> Calibration | None:
    """The calibration that was given, or one made of a drive with an end, such as a recording."""
    if given is None or isinstance(given, Calibration):
        return given
    if not isinstance(given, AbstractDrive) or given.steps is None:
        raise ValueError(
            f"Got calibrate = {type(given).__name__}; expected Calibration(drive, steps=..., key=...) or a Replay."
        )
    return Calibration(given, steps=given.steps, key=jax.random.key(0))
