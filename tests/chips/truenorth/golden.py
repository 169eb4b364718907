"""Golden runs of RANC's simulator and of PAIBox's neuron, and the programs that they are runs of."""

import functools
import gzip
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy import linalg

import jaxsnn as snn
from jaxsnn.chips import truenorth
from jaxsnn.lowering.program import first_columns
from jaxsnn.simulation.parts import started

HERE = Path(__file__).parents[2] / "golden"
SEEDS, STEPS = (0, 1), 200
KEY = jax.random.key(0)
MODES = ("reset_mode", "saturates", "reversal", "leak")
CORES = {(0, 0): "c00", (1, 0): "c10", (0, 1): "c01"}
INCLUSIVE = (False, True)  # RANC's reset types 0 and 1
SIZE = 32  # axons and neurons of a core


@functools.cache
def ranc(seed):
    """Cores by name, packets of each step, and what the simulator did: `v`, `s` by core, `bus`."""
    with gzip.open(HERE / f"ranc_{seed}_in.json.gz") as file:
        given = json.load(file)
    cores = {CORES[tuple(core["coordinates"])]: core for core in given["cores"]}
    for place, name in CORES.items():
        cores[name]["connections"] = np.transpose(cores[name]["connections"])  # RANC has a row for each neuron
        for neuron in cores[name]["neurons"]:
            neuron["to"] = CORES.get(tuple(int(x) for x in np.add(place, neuron["destination_core_offset"])))
    packets = [
        [(CORES[tuple(p["destination_core"])], p["destination_axon"], p["destination_tick"]) for p in step]
        for step in given["packets"]
    ]
    with np.load(HERE / f"ranc_{seed}.npz") as file:
        return cores, packets, {key: file[key] for key in file.files}


def inputs(packets):
    """Packets as counts at every axon in each step, by core: all have delivery tick 0, and act in their step."""
    found = {name: np.zeros((STEPS, SIZE), int) for name in CORES.values()}
    for t, step in enumerate(packets):
        for name, axon, _ in step:
            found[name][t, axon] += 1
    return found


def _cells(cores, rules):
    """Neurons of several cores, with all of their axons."""
    of = lambda key: np.array([neuron[key] for core in cores for neuron in core["neurons"]])
    return truenorth.CoreCells.of(
        linalg.block_diag(*[core["connections"] for core in cores]),
        np.concatenate([core["axons"] for core in cores]),
        of("weights").T,
        of("positive_threshold"),
        negative=-of("negative_threshold"),
        leak=of("leak"),
        reset=of("reset_potential"),
        reset_mode=of("reset_mode"),
        v_start=of("current_potential"),
        saturates=0,
        rules=rules,
    )


def ranc_program(seed):
    """One group of neurons on three cores, whose axons are numbered through."""
    rules, cores = truenorth.Ranc(inclusive=INCLUSIVE[seed]), ranc(seed)[0]
    of = lambda key: np.array([neuron[key] for core in cores.values() for neuron in core["neurons"]])
    first = {name: SIZE * k for k, name in enumerate(cores)} | {None: -SIZE * SIZE}
    axon = np.maximum(of("destination_axon") + [first[name] for name in of("to")], -1)
    n = SIZE * len(cores)
    return snn.lowering.Program(
        {"all": _cells([*cores.values()], rules), "to all": snn.lowering.InputCells(n)},
        {
            "host": truenorth.Routes("to all", "all", np.arange(n), axons=n),
            "inside": truenorth.Routes("all", "all", axon, rules.steps(of("destination_tick")), axons=n),
        },
    )


@eqx.filter_jit
def run(program, counts):
    """States after each step, by core, and the status. `counts`: at the axons of a core, fed by its input `to ...`.

    What is fed in a step arrives in the next: counts of the first step lie in the ring at the start.
    """
    later = {name: jnp.concatenate([x[1:], 0 * x[:1]]).astype(float) for name, x in counts.items()}
    drive = functools.reduce(lambda a, b: a + b, [snn.Replay(x, into=f"to {name}") for name, x in later.items()])
    state, columns = started(program, drive, KEY), first_columns(program)
    ring = state.model.ring
    for name, x in counts.items():
        ring = ring.at[columns[name] : columns[name] + x.shape[1]].set(x[0])
    names = [(name, key) for name in counts for key in ("v", "sent", "merged")]
    done = snn.simulate(
        program,
        drive,
        steps=STEPS,
        key=KEY,
        state=eqx.tree_at(lambda s: s.model.ring, state, ring),
        record={f"{name}.{key}": snn.Trace(f"{name}.{key}") for name, key in names},
        throw=False,
        progress=snn.simulation.Quiet(),
    )
    return {(name, key): done[f"{name}.{key}"] for name, key in names}, done.status


@functools.cache
def paibox():
    """Parameters, bits `(steps, n, 4)` that arrive, and what PAIBox's neuron did, by name."""
    with np.load(HERE / "paibox_neurons.npz") as file:
        found = {key: file[key].astype(int) for key in file.files if key != "bits"}
        n = found["leak"].size
        bits = np.unpackbits(file["bits"])[: STEPS * n * 4].reshape(STEPS, n, 4).astype(int)
    return found, bits


def paibox_program():
    """A neuron for each combination of modes, with an axon of each type to itself."""
    found, _ = paibox()
    n = found["leak"].size
    names = (*MODES, "reset", "negative")
    cells = truenorth.CoreCells.of(
        np.repeat(np.eye(n, dtype=int), 4, axis=0),
        np.tile(np.arange(4), n),
        found["weight"],
        found["threshold"],
        **{name: found[name] for name in names},
    )
    routes = truenorth.Routes("to E", "E", np.arange(4 * n), axons=4 * n)
    return snn.lowering.Program({"to E": snn.lowering.InputCells(4 * n), "E": cells}, {"routes": routes})
