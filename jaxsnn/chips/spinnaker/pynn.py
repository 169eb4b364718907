"""Programs for SpiNNaker as PyNN scripts, with every number as the machine will have it; and back."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...lowering.cells import InputCells, InputCounts
from ...lowering.program import Program
from ...lowering.script import network_of, script
from .arithmetic import ONE
from .lif import CondExpCells, CurrDeltaCells, CurrExpCells
from .plastic import PlasticRowSynapses
from .poisson import NEVER, SOURCES, PoissonCells
from .sources import HZ, clock_of
from .stdp import (
    AdditiveWeightDependence,
    MultiplicativeWeightDependence,
    SpikePairRule,
    decay_table,
    time_constant,
)
from .synapses import RowSynapses

SIMULATOR = "pyNN.spiNNaker"
_MEMBRANE = {
    "tau_m": "tau_m",
    "cm": "c_m",
    "v_rest": "v_rest",
    "v_reset": "v_reset",
    "v_thresh": "v_th",
    "tau_refrac": "t_ref",
    "i_offset": "i_offset",
}
_SYNAPTIC = {"tau_syn_E": "tau_exc", "tau_syn_I": "tau_inh"}
_KINDS: dict[str, tuple[Any, dict[str, str]]] = {
    "IF_curr_exp": (CurrExpCells, _MEMBRANE | _SYNAPTIC),
    "IF_curr_delta": (CurrDeltaCells, _MEMBRANE),
    "IF_cond_exp": (CondExpCells, _MEMBRANE | _SYNAPTIC | {"e_rev_E": "e_exc", "e_rev_I": "e_inh"}),
}
_SHIFTS = {False: "shift_exc", True: "shift_inh"}
FOREVER = 2.0**32 - 1  # ms: a duration that the machine takes for one without end
_CONDUCTANCE = 1024.0  # by which the host multiplies weights in uS


def to_pynn(program: Program, *, steps: int = 1000) -> str:
    """A PyNN script that builds the program on SpiNNaker: populations, connection lists, numbers of 15 binary places.

    The host rounds every number of the script to the one that the program has, and its ring buffers have the program's
    shifts where its own estimate is the same: `NETWORK["shifts"]` says which they are. Inputs are `SpikeSourceArray`,
    whose times `build(sim, spike_times)` takes: a spike of step `k` is at `k dt`. Sources on cores are
    `SpikeSourcePoisson`; their seeds stand beside them to be read back, and the host draws its own. Times are ms,
    potentials mV, currents and weights nA (uS of `IF_cond_exp`), inhibitory weights negative where they are currents,
    as PyNN has it.

    Rows that learn are an `STDPMechanism`, with time constants of which the host makes the program's tables.

    **Arguments:** `program`: of `InputCounts`, `PoissonCells`, `CurrExpCells`, `CurrDeltaCells`, `CondExpCells`, with
    `RowSynapses` and `PlasticRowSynapses`. `steps`: for how long the script runs.

    **Raises:** ValueError that names a part that PyNN has no words for: other cells, substeps, groups that lag.
    """
    if not isinstance(program, Program):
        raise ValueError(f"Got {type(program).__name__} to write, expected a Program for SpiNNaker.")
    populations = {name: _population(name, group, program.dt) for name, group in program.cells.items()}
    projections = {name: _projection(name, group, program) for name, group in program.synapses.items()}
    longest = max((1 + group.max_delay for group in program.synapses.values()), default=1)
    network = {
        "simulator": SIMULATOR,
        "setup": {"timestep": program.dt, "min_delay": program.dt, "max_delay": longest * program.dt},
        "run ms": steps * program.dt,
        "synapse": "StaticSynapse",
        "populations": populations,
        "projections": projections,
    }
    return script(f"A network of {len(populations)} populations, as SpiNNaker computes it.", network)


def from_pynn(text: str | Path) -> Program:
    """The program of a script that `to_pynn` wrote, equal to that one but for the lags and scales of a lowered model.

    **Arguments:** `text`: the script, or a `Path` to it. It is read, not run.
    """
    network = network_of(text, SIMULATOR)
    dt, made, links = network["setup"]["timestep"], network["populations"], network["projections"]
    cells = {name: _cells(one, dt) for name, one in made.items()}
    return Program(cells, {name: _rows(one, dt, made) for name, one in links.items()}, dt)


# --- populations ------------------------------------------------------------------------------------------------------


def _population(name: str, group: Any, dt: float) -> dict[str, Any]:
    """A population in PyNN's words; shifts beside it."""
    if isinstance(group, InputCells):
        return {"cell": "SpikeSourceArray", "size": group.n, "parameters": {}}
    if isinstance(group, PoissonCells):
        return _sources(name, group, dt)
    word = next((word for word, (kind, _) in _KINDS.items() if type(group) is kind), None)
    if word is None or group.substeps != 1 or np.any(np.asarray(group.refractory_init)):
        why = (
            type(group).__name__
            if word is None
            else f"{group.substeps} substeps"
            if group.substeps != 1
            else "a lag behind the model, for which it is held at the start"
        )
        raise ValueError(
            f"Got {name!r} with {why}, which a script cannot say; expected {', '.join(_KINDS)} of one substep that "
            "start at once."
        )
    parameters = {theirs: _real(getattr(group, ours)) for theirs, ours in _KINDS[word][1].items()}
    shifts = [int(np.asarray(getattr(group, field)).max()) for field in _SHIFTS.values()]
    return {"cell": word, "size": group.n, "parameters": parameters, "v": _real(group.v_init), "shifts": shifts}


def _cells(made: dict[str, Any], dt: float) -> Any:
    if made["cell"] == "SpikeSourceArray":
        return InputCounts(made["size"])
    if made["cell"] == "SpikeSourcePoisson":
        return _poisson(made, dt)
    kind, names = _KINDS[made["cell"]]
    numbers = {ours: _accum(made["parameters"][theirs]) for theirs, ours in names.items()}
    numbers |= dict(zip(_SHIFTS.values(), made["shifts"], strict=True))
    return kind(made["size"], **numbers, v_init=_accum(made["v"]), dt=round(dt * ONE), ports={})


def _sources(name: str, group: PoissonCells, dt: float) -> dict[str, Any]:
    """Sources in PyNN's words, which has a start and a duration; their seeds and bits beside it."""
    clock = (int(group.per_step), int(group.per_ms)) == (steps := clock_of(dt))
    if group.sources != SOURCES or not clock:
        why = f"{group.sources} sources a core" if clock else "steps of another length than the program's"
        raise ValueError(
            f"Got {name!r} with {why}, which a script cannot say; expected {SOURCES}, and per_step, per_ms = {steps}."
        )
    start, end = np.broadcast_arrays(np.asarray(group.start, np.int64), np.asarray(group.end, np.int64))
    duration = np.where(end == NEVER, FOREVER, np.maximum(end - start, 0) * dt)
    times = {"start": (start * dt).tolist(), "duration": duration.tolist()}
    parameters = {"rate": (np.asarray(group.rate, np.float64) / HZ).tolist()} | times
    beside = {"seeds": np.asarray(group.seed).tolist(), "bits": group.message_bits}
    return {"cell": "SpikeSourcePoisson", "size": group.n, "parameters": parameters} | beside


def _poisson(made: dict[str, Any], dt: float) -> PoissonCells:
    rate, start, duration = (np.asarray(made["parameters"][key]) for key in ("rate", "start", "duration"))
    first = np.round(start / dt)
    per_step, per_ms = clock_of(dt)
    return PoissonCells(
        made["size"],
        rate=np.round(rate * HZ),
        seed=np.asarray(made["seeds"]),
        start=first,
        end=np.where(duration == FOREVER, NEVER, first + np.round(duration / dt)),
        per_step=per_step,
        per_ms=per_ms,
        message_bits=made["bits"],
    )


def _most(made: dict[str, Any]) -> int:
    """The most packets of a sender in a step."""
    return {"SpikeSourceArray": 15, "SpikeSourcePoisson": 2 ** made.get("bits", 1) - 1}.get(made["cell"], 1)


def _real(accums: Array) -> Any:
    """Accums as decimal numbers, which are exact."""
    return (np.asarray(accums, np.float64) / ONE).tolist()


def _accum(x: Any) -> Array:
    return jnp.asarray(np.round(np.asarray(x, np.float64) * ONE).astype(np.int32))


# --- projections ------------------------------------------------------------------------------------------------------


def _unit(made: dict[str, Any], inhibitory: bool) -> float:
    """What the lowest bit of a weight is, nA or uS, with the sign that PyNN gives it."""
    size = 2.0 ** (made["shifts"][int(inhibitory)] - 15)
    if made["cell"] == "IF_cond_exp":
        return size / _CONDUCTANCE
    return -size if inhibitory else size


def _projection(name: str, group: Any, program: Program) -> dict[str, Any]:
    if not isinstance(group, RowSynapses):
        raise ValueError(f"Got {name!r}: {type(group).__name__} to write, expected RowSynapses.")
    start, unit = (
        np.asarray(group.start),
        _unit(_population(group.post, program.cells[group.post], program.dt), group.inhibitory),
    )
    sender = np.repeat(np.arange(len(start) - 1), np.diff(start))
    weight = np.asarray(group.weight, np.float64) * unit
    delay = np.broadcast_to((1 + np.asarray(group.delay)) * program.dt, weight.shape)
    rows = zip(sender.tolist(), np.asarray(group.receiver).tolist(), weight.tolist(), delay.tolist(), strict=True)
    link = {
        "pre": group.pre,
        "post": group.post,
        "receptor": "inhibitory" if group.inhibitory else "excitatory",
        "columns": ["weight", "delay"],
        "one delay": np.ndim(group.delay) == 0,
        "synapses": [list(row) for row in rows],
    }
    if isinstance(group, PlasticRowSynapses):
        link["stdp"] = _stdp(name, group, unit * 2.0 ** (15 - _shift(program, group)), program.dt)
    return link


def _rows(link: dict[str, Any], dt: float, made: dict[str, Any]) -> RowSynapses:
    """Rows, which learn where the script has a rule."""
    inhibitory, post = link["receptor"] == "inhibitory", made[link["post"]]
    table = np.asarray(link["synapses"], np.float64).reshape(-1, 4)
    each = np.bincount(table[:, 0].astype(int), minlength=made[link["pre"]]["size"])
    delay = np.round(table[:, 3] / dt).astype(np.int32) - 1
    learns: dict[str, Any] = {}
    if "stdp" in link:
        full = _unit(post, inhibitory) * 2.0 ** (15 - post["shifts"][int(inhibitory)])
        learns = dict(rule=_rule(link["stdp"], full, dt), backprop_delay=not link["stdp"]["options"])
    return (PlasticRowSynapses if learns else RowSynapses)(
        link["pre"],
        link["post"],
        jnp.asarray(np.round(table[:, 2] / _unit(post, inhibitory)).astype(np.int32)),
        jnp.asarray(delay[0] if link["one delay"] else delay),
        start=np.concatenate([[0], np.cumsum(each)]).astype(np.int32),
        receiver=table[:, 1].astype(np.int32),
        n_post=post["size"],
        longest=max(1, int(each.max(initial=0))),
        max_delay=int(delay.max(initial=0)),
        inhibitory=inhibitory,
        most=_most(made[link["pre"]]),
        **learns,
    )


# --- rules ------------------------------------------------------------------------------------------------------------


def _shift(program: Program, group: RowSynapses) -> int:
    return int(np.asarray(getattr(program.cells[group.post], _SHIFTS[group.inhibitory])).max())


def _stdp(name: str, group: PlasticRowSynapses, full: float, dt: float) -> dict[str, Any]:
    """A rule in PyNN's words. `full`: the unit of a weight of 1.0 in accums, nA or uS."""
    if group.inhibitory:
        raise ValueError(
            f"Got {name!r}, inhibitory rows that learn, which a script cannot say; expected excitatory ones."
        )
    rule = group.rule
    w_min, w_max, a_plus, a_minus = (int(getattr(rule, key)) / ONE for key in ("w_min", "w_max", "a_plus", "a_minus"))
    additive = isinstance(rule.dependence, AdditiveWeightDependence)  # whose amplitudes are PyNN's, parts of w_max
    of = w_max if additive and w_max else 1.0
    pairs = {key: time_constant(getattr(rule, key), dt) for key in ("tau_plus", "tau_minus")}
    return {
        "pairs": pairs | {"A_plus": a_plus / of, "A_minus": a_minus / of},
        "weight_dependence": type(rule.dependence).__name__,
        "w_min": w_min * full,
        "w_max": w_max * full,
        "options": {} if group.backprop_delay else {"backprop_delay": False},
    }


def _rule(stdp: dict[str, Any], full: float, dt: float) -> SpikePairRule:
    pairs, additive = stdp["pairs"], stdp["weight_dependence"] == AdditiveWeightDependence.__name__
    of = stdp["w_max"] / full if additive and stdp["w_max"] else 1.0
    return SpikePairRule(
        **{key: decay_table(pairs[key], dt) for key in ("tau_plus", "tau_minus")},
        a_plus=_accum(pairs["A_plus"] * of),
        a_minus=_accum(pairs["A_minus"] * of),
        w_min=_accum(stdp["w_min"] / full),
        w_max=_accum(stdp["w_max"] / full),
        dependence=AdditiveWeightDependence() if additive else MultiplicativeWeightDependence(),
    )
