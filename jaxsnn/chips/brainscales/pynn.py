"""Programs for BrainScaleS-2 as PyNN scripts: targets of the group's calibration, weights of 6 bits; and back."""

from pathlib import Path
from typing import Any

import numpy as np

from ...lowering.cells import InputCells
from ...lowering.kinds import is_a
from ...lowering.program import Program
from ...lowering.script import network_of, script
from ...networks.population import Population
from ...neurons import gains
from ...neurons.cuba import CubaLIF
from ...neurons.recursions import CurrentBeforeInput, EulerDecay
from ...synapses.delta import Delta
from .cells import AnalogCells
from .pattern import Circuits
from .synapses import NOWHERE, AnalogSynapses, brainscales_program

SIMULATOR = "pynn_brainscales.brainscales2"
CELL = "cells.CalibHXNeuronCuba"
_SPEED = 1000.0  # a ms of the model is a us of the chip, and PyNN counts ms
_POTENTIALS = {"v_rest": "v_rest", "v_reset": "v_reset", "v_thresh": "v_th"}  # whole LSB
_TIMES = {"tau_m": "tau", "tau_refrac": "t_ref", "tau_syn_E": "tau_syn", "tau_syn_I": "tau_syn"}  # us


def to_pynn(program: Program, *, steps: int = 1000) -> str:
    """A PyNN script for the chip: cells that the group's own calibration is asked for, and connection lists.

    Potentials are whole LSB of the converter, time constants us, weights -63 .. 63 with the sign of their row; times of
    spikes and of the run are those of the chip, a thousandth of the model's. What an LSB of a weight is worth is not
    said, since it has to be measured: `NETWORK["populations"][...]["per_weight"]` is what the program takes it for, in
    units of `v`. The script was never run on a chip; names are those of pynn_brainscales, read in its source.

    **Arguments:** `program`: as lowered, without a chip, of `CubaLIF`. `steps`: for how long the script runs.

    **Raises:** ValueError that names what the script cannot say: other neurons, merged circuits, real weights, a chip.
    """
    if not isinstance(program, Program):
        raise ValueError(f"Got {type(program).__name__} to write, expected a Program for BrainScaleS-2.")
    network = {
        "simulator": SIMULATOR,
        "setup": {},
        "run ms": steps * program.dt / _SPEED,
        "synapse": "standardmodels.synapses.StaticSynapse",
        "populations": {name: _population(name, group) for name, group in program.cells.items()},
        "projections": {k: v for name, group in program.synapses.items() for k, v in _projections(name, group)},
        "dt ms of the model": program.dt,
    }
    return script(f"A network of {len(program.cells)} populations for BrainScaleS-2.", network)


def from_pynn(text: str | Path) -> Program:
    """The program of a script that `to_pynn` wrote: cells in the step of the group's own software model.

    **Arguments:** `text`: the script, or a `Path` to it. It is read, not run.
    """
    network = network_of(text, SIMULATOR)
    dt, made = network["dt ms of the model"], network["populations"]
    synapses: dict[str, Any] = {}
    for link in network["projections"].values():
        shape, name = (made[link["pre"]]["size"], made[link["post"]]["size"]), link["name"]
        _, _, _, weight, place = synapses.setdefault(
            name, (link["pre"], link["post"], link["port"], np.zeros(shape), np.full(shape, NOWHERE, np.int32))
        )
        for (i, j, w), at in zip(link["synapses"], link["places"], strict=True):
            weight[i, j], place[i, j] = w, at
    links = {
        name: AnalogSynapses(pre, post, weight, place, port=port)
        for name, (pre, post, port, weight, place) in synapses.items()
    }
    return brainscales_program({name: _cells(one) for name, one in made.items()}, links, dt)


# --- parts ------------------------------------------------------------------------------------------------------------


def _population(name: str, group: Any) -> dict[str, Any]:
    """A population in the words of the group's PyNN; what an LSB of weight is taken for beside it."""
    if isinstance(group, InputCells):
        return {"cell": "cells.SpikeSourceArray", "size": group.n, "parameters": {}}
    if not isinstance(group, AnalogCells) or (why := _unsaid(group)) is not None:
        why = why if isinstance(group, AnalogCells) else type(group).__name__
        raise ValueError(f"Got {name!r} with {why}, which the script cannot say; expected CubaLIF, a circuit each.")
    neuron: Any = group.population.neuron
    level = lambda x: np.round(np.asarray(group.zero + x / group.lsb, np.float64)).astype(int).tolist()
    parameters = {theirs: level(getattr(neuron, ours)) for theirs, ours in _POTENTIALS.items()}
    parameters |= {theirs: np.asarray(getattr(neuron, ours)).tolist() for theirs, ours in _TIMES.items()}
    beside = {key: np.asarray(getattr(group, key)).tolist() for key in ("lsb", "zero", "per_weight")}
    place = {"first": group.circuits.first, "range": group.range}
    return {
        "cell": CELL,
        "size": group.n,
        "parameters": parameters,
        "port": [*group.population.ports],
        **beside,
        **place,
    }


def _unsaid(group: AnalogCells) -> str | None:
    """What of a group a script has no words for."""
    neuron: Any = group.population.neuron
    if not is_a(neuron, CubaLIF):
        return type(neuron).__name__
    if np.any(np.asarray(neuron.bias)):
        return "a bias"
    if group.circuits.each > 1:
        return f"{group.circuits.each} circuits a neuron"
    if group.exc is not None or group.inh is not None:
        return "the fixed pattern of a chip"
    return None if len(group.population.ports) == 1 else f"{len(group.population.ports)} ports"


def _cells(made: dict[str, Any]) -> Any:
    if made["cell"] != CELL:
        return InputCells(made["size"])
    asked, lsb, zero = made["parameters"], np.asarray(made["lsb"]), np.asarray(made["zero"])
    numbers = {ours: (np.asarray(asked[theirs]) - zero) * lsb for theirs, ours in _POTENTIALS.items()}
    numbers |= {ours: np.asarray(asked[theirs]) for theirs, ours in _TIMES.items()}
    choices: dict[str, Any] = dict(recursion=CurrentBeforeInput(), decay=EulerDecay(), gain=gains.Resistance())
    cell = CubaLIF(**numbers, **choices)
    (port,) = made["port"]
    more = dict(range=made["range"], circuits=Circuits(made["first"]))
    return AnalogCells(
        made["size"], Population(cell, made["size"], ports={port: Delta()}), lsb, zero, made["per_weight"], **more
    )


def _projections(name: str, group: Any) -> list[tuple[str, dict[str, Any]]]:
    """Both receptors of a projection, with the place of every synapse among the inputs of its neuron."""
    if not isinstance(group, AnalogSynapses) or group.exact or group.factor is not None or group.max_delay:
        raise ValueError(
            f"Got {name!r}, expected AnalogSynapses of 6 bits without delay, and without the fixed pattern of a chip."
        )
    weight, place, found = np.asarray(group.weight).astype(int), np.asarray(group.place), []
    for receptor, chosen in (("excitatory", weight > 0), ("inhibitory", weight < 0)):
        at = np.nonzero(chosen)
        rows = [list(row) for row in zip(*(x.tolist() for x in (*at, weight[at])), strict=True)]
        link: dict[str, Any] = {"pre": group.pre, "post": group.post, "receptor": receptor, "columns": ["weight"]}
        link |= {"name": name, "port": group.port, "synapses": rows, "places": place[at].tolist()}
        found.append((f"{name} ({receptor})", link))
    return found
