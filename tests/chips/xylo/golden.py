"""Golden runs of xylosim, and the programs that they are runs of."""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.chips import xylo
from tests.chips.in_turn import in_turn

HERE = Path(__file__).parents[2] / "golden"
CASES = [(seed, variant) for seed in (0, 1, 2) for variant in ("v10", "v20", "v21")]
NAMES = {"o": "out.sent", "s": "E.sent", "v": "E.v", "i": "E.i", "i2": "E.i2", "vo": "out.v", "io": "out.i"}


def case(seed, variant):
    """The network, its input counts, and every state after each step."""
    with np.load(HERE / f"xylo_{seed}.npz") as file:
        found = {
            key.removeprefix(f"{variant}_"): file[key].astype(int) for key in file.files if key.startswith(variant)
        }
    net = {key.removeprefix("net_"): found.pop(key) for key in list(found) if key.startswith("net_")}
    if variant != "v21":
        net |= {"bias": 0 * net["bias"], "bias_out": 0 * net["bias_out"]}
    return net, found.pop("x"), found


def program(net, version, **changes):
    """The network as a program; both synapses of a receiver side by side."""
    flat = lambda w: w.transpose(1, 0, 2).reshape(w.shape[1], -1)
    syn, syn_out = net["dash_syn"].T, net["dash_syn_out"][:, 0]
    numbers = net["dash_mem"], syn[0], net["vth"], net["bias"]
    numbers_out = net["dash_mem_out"], syn_out, net["vth_out"], net["bias_out"]
    cells = {
        "in": snn.lowering.InputCounts(net["w_in"].shape[1]),
        "E": xylo.XyloCells(net["vth"].size, *numbers, dash_i2=syn[1], alias=net["alias"], version=version),
        "out": xylo.XyloCells(net["vth_out"].size, *numbers_out, most=1, version=version),
    }
    synapses = {
        "in": xylo.XyloSynapses("in", "E", flat(net["w_in"]), net["shift"][0], most=15),
        "rec": xylo.XyloSynapses("E", "E", flat(net["w_rec"]), net["shift"][1]),
        "out": xylo.XyloSynapses("E", "out", net["w_out"], net["shift"][2]),
    }
    synapses = {f"to {name}": each for name, each in synapses.items()}
    return xylo.xylo_program(cells, synapses, **changes)


def run(program, x):
    """Every state after each step of the chip, which starts when the host's first spikes arrive; and the status."""
    done = snn.simulate(
        program,
        snn.Replay(jnp.concatenate([x, 0 * x[:1]]), into="in"),
        steps=len(x) + 1,
        key=jax.random.key(0),
        record={key: snn.Trace(path) for key, path in NAMES.items()},
        throw=False,
        progress=snn.simulation.Quiet(),
    )
    return {key: done[key][1:] for key in NAMES}, done.status


@functools.cache
def run_together(version):
    """All golden runs of a version as one compiled program, a batch of chips: states and status of each."""
    cases = [each for each in CASES if each[1].startswith(f"v{version}")]
    nets, x, _ = zip(*[case(*each) for each in cases])
    programs = jax.tree.map(lambda *leaves: np.stack(leaves), *[program(net, version) for net in nets])
    states, status = in_turn(run, programs, np.stack(x).astype(np.float32))
    each = lambda k: ({key: np.asarray(found[k]) for key, found in states.items()}, int(status[k]))
    return {name: each(k) for k, name in enumerate(cases)}
