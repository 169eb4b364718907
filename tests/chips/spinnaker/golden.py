"""Golden runs of sPyNNaker's compiled neurons, and the programs that they are runs of."""

import functools
from pathlib import Path

import equinox as eqx
import jax
import numpy as np

import jaxsnn as snn
from jaxsnn.chips import spinnaker
from jaxsnn.lowering.program import first_columns
from jaxsnn.simulation.parts import started
from tests.chips.in_turn import in_turn
from tests.oracles import spinnaker_core as oracle

HERE = Path(__file__).parents[2] / "golden"
FILES = {"cur": "lif", "cond": "lif", "delta": "more", "izh": "more"}
KINDS = {
    "cur": spinnaker.CurrExpCells,
    "cond": spinnaker.CondExpCells,
    "delta": spinnaker.CurrDeltaCells,
    "izh": spinnaker.IzhikevichCells,
}
CASES = [(kind, k) for kind in KINDS for k in range(14 if FILES[kind] == "lif" else 7)]
BITS = 16  # sources of a ring buffer: the weight of the k-th is 2^k


@functools.cache
def _file(name):
    with np.load(HERE / f"spinn_{name}.npz") as file:
        return {key: file[key] for key in file.files}


def case(kind, k):
    """Parameters by name, and everything else there is of a run."""
    found = {
        key.removeprefix(name): x for key, x in _file(FILES[kind]).items() if key.startswith(name := f"{kind}{k}_")
    }
    params = dict(zip(found.pop("names").tolist(), map(int, found.pop("params")), strict=True))
    if kind == "delta":  # recorded with u, which it does not have
        found["out"] = np.delete(found["out"], 1, axis=1)
    return params, found


def cells(kind, params, shift, sub):
    """The neuron as cells of a program."""
    names = {"v": "v_init", "u": "u_init"} if kind == "izh" else {}
    given = {names.get(key, key): x for key, x in params.items()}
    fields = KINDS[kind].__dataclass_fields__
    shifts = dict(shift_exc=int(shift[0]), shift_inh=int(shift[1]))
    return KINDS[kind](1, **{key: x for key, x in given.items() if key in fields}, **shifts, substeps=int(sub))


def program(kind, k):
    """Sources that put any number into either ring buffer, and the neuron."""
    params, found = case(kind, k)
    groups = {"n": cells(kind, params, found["shift"], found["sub"])}
    groups |= {name: snn.lowering.InputCounts(BITS) for name in ("exc", "inh")}
    weight = 2 ** np.arange(BITS)[:, None]
    link = lambda name: spinnaker.RowSynapses.of(name, "n", weight, inhibitory=name == "inh", most=15)
    return snn.lowering.Program(groups, {f"from {name}": link(name) for name in ("exc", "inh")})


def inputs(found):
    """Ring buffers at the start, spikes of sources that fill them for each next step, and the current."""
    bits = lambda x: (x[:, None] >> np.arange(BITS) & 1).astype(np.float32)
    later = lambda x: np.concatenate([x[1:], 0 * x[:1]])
    rings = {name: bits(later(found["rb"][:, s].astype(int))) for s, name in enumerate(("exc", "inh"))}
    current = found["offset"][:, None].astype(np.float32) / 2**15
    return found["rb"][0].astype(np.int32), rings | {"n.current": current}


def run(program, first, given):
    """States after each step, the status, and the constants of the chip."""
    names = ("v", "exc", "inh", "sent", *(["u"] if hasattr(program.cells["n"], "u_init") else []))
    drive = snn.Replay(given["exc"], into="exc") + snn.Replay(given["inh"], into="inh")
    drive = drive + snn.Replay(given["n.current"], into="n.current")
    state = started(program, drive, jax.random.key(0))
    column = first_columns(program)["n"]
    state = eqx.tree_at(lambda s: s.model.ring, state, state.model.ring.at[column : column + 2].set(first))
    done = snn.simulate(
        program,
        drive,
        steps=given["exc"].shape[0],
        key=jax.random.key(0),
        state=state,
        record={name: snn.Trace(f"n.{name}") for name in names},
        throw=False,
        progress=snn.simulation.Quiet(),
    )
    constants = program.cells["n"].derived()
    return {name: done[name][:, 0] for name in names}, done.status, constants


@functools.cache
def _together(kind, sub):
    """All golden runs of a kind with so many substeps in one compiled program, one after the other."""
    names = [(kind, k) for of, k in CASES if of == kind and int(case(kind, k)[1]["sub"]) == sub]
    stack = lambda trees: jax.tree.map(lambda *leaves: np.stack(leaves), *trees)
    programs = stack([program(*name) for name in names])
    firsts, givens = zip(*[inputs(case(*name)[1]) for name in names], strict=True)
    found = jax.tree.map(np.asarray, in_turn(run, programs, np.stack(firsts), stack(givens)))
    each = lambda k: jax.tree.map(lambda x: x[k], found)
    return {name: each(k) for k, name in enumerate(names)}


def ran(kind, k):
    """States after each step of a golden run as a program, its status, and the constants of the chip."""
    return _together(kind, int(case(kind, k)[1]["sub"]))[kind, k]


def recorded(kind, k, states):
    """As the machine records: states before the step, inputs with what has just arrived; and the spikes."""
    params, found = case(kind, k)
    start = {"v": params["v"], "u": params["u"]} if kind == "izh" else {"v": params["v_init"]}
    before = lambda name: np.concatenate([[start.get(name, 0)], states[name][:-1]])
    g = []
    for s, name in enumerate(("exc", "inh")):
        ring = found["rb"][:, s].astype(int) << int(found["shift"][s])
        mean = oracle.shape(params[f"tau_{name}"], params["dt"] // int(found["sub"]))[1] if kind != "delta" else 0
        added = ring if kind == "delta" else [oracle.less(x, mean) for x in ring]
        g.append(before(name) + added >> (10 if kind == "cond" else 0))
    return np.stack([*(before(name) for name in start), *g, states["sent"]], axis=1)
