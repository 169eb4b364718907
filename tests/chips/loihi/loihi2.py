"""Lava's configurations of the kinds of cells that Loihi 2 has, as one program, and where that differs from Lava.

`python -m tests.chips.loihi.loihi2 FILE` compares a file that `tests/oracles/lava_loihi2.py` wrote.
"""

import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from tests.chips.loihi.programs import SIGNS
from tests.oracles.loihi_cases import GOLDEN

KINDS = {
    "cuba": snn.chips.loihi.CubaCells,
    "ternary": snn.chips.loihi.TernaryCells,
    "reset": snn.chips.loihi.ResetCells,
    "adaptive": snn.chips.loihi.AdaptiveCells,
    "graded": snn.chips.loihi.GradedCells,
    "relu": snn.chips.loihi.GradedReluCells,
    "product": snn.chips.loihi.ProductCells,
    "sigma": snn.chips.loihi.SigmaCells,
    "delta": snn.chips.loihi.DeltaCells,
    "delta_summed": lambda n, **registers: snn.chips.loihi.DeltaCells(
        n, error=snn.chips.loihi.AccumulateError(), **registers
    ),
    "sigma_delta": snn.chips.loihi.SigmaDeltaCells,
    "sigma_delta_unit_summed": lambda n, **registers: snn.chips.loihi.SigmaDeltaCells(
        n, activation=snn.chips.loihi.Identity(), error=snn.chips.loihi.AccumulateError(), **registers
    ),
    "resonator": snn.chips.loihi.ResonatorCells,
    "izhikevich": snn.chips.loihi.IzhikevichResonatorCells,
    "phase": snn.chips.loihi.PhaseCells,
}
# From which Lava made sines and cosines, or a threshold.
NOT_REGISTERS = {(kind, name) for kind in ("resonator", "izhikevich") for name in ("period", "loss")}
NOT_REGISTERS |= {("phase", "frequency"), ("phase", "tau")}
NOT_REGISTERS |= {(kind, "spike_exponent") for kind in ("sigma_delta", "sigma_delta_unit_summed")}


def read(path=GOLDEN / "lava_loihi2.npz"):
    """Amplitudes of the input, and by kind what Lava has and what it made of that: a first axis of configurations."""
    with np.load(path) as file:
        flat = {key: file[key] for key in file.files}
    parts = {kind: {} for kind in KINDS}
    for key, value in flat.items():
        kind, _, rest = key.partition(".")
        if kind in KINDS:
            parts[kind][rest] = value if value.dtype.kind in "Uf" else value.astype(np.int64)
    return flat["input"].astype(np.int64), parts


def read_convolutions(path=GOLDEN / "lava_loihi2.npz"):
    """Geometries, each with images of amplitudes and what Lava's Conv makes of them."""
    with np.load(path) as file:
        convolutions = {}
        for key in file.files:
            name, _, rest = key.partition(".")
            if name.startswith("conv"):
                convolutions.setdefault(name, {})[rest] = file[key].astype(np.int64)
    return list(convolutions.values())


def part(parts, kind, group):
    """The numbers of cells, synapses or results."""
    return {k.partition(".")[2]: v for k, v in parts[kind].items() if k.startswith(f"{group}.")}


def registers_of(parts, kind):
    """The numbers of its cells."""
    return {k: v for k, v in part(parts, kind, "cells").items() if (kind, k) not in NOT_REGISTERS}


def programs(inputs, parts):
    """A program for each configuration, with a group of every kind."""
    steps_n = inputs.shape[2]
    n = {kind: part(parts, kind, "result")["s"].shape[2] for kind in parts}

    def program(numbers):
        cells, synapses = {"in": snn.lowering.InputCells(steps_n, message_bits=24)}, {}
        for kind, (registers, *links) in numbers.items():
            cells[kind] = KINDS[kind](n[kind], **registers)
            signs = [SIGNS[str(sign)]() for sign in parts[kind]["signs"]]
            synapses[f"in {kind}"] = snn.chips.loihi.Synapses("in", kind, **links[0], sign=signs[0])
            synapses[f"{kind} back"] = snn.chips.loihi.Synapses(kind, kind, **links[1], sign=signs[1], max_delay=2)
        return snn.chips.loihi.program(cells, synapses, snn.chips.loihi.LavaCore())

    numbers = {}
    for kind in parts:
        into = {k: v for k, v in part(parts, kind, "in").items() if k != "delay"}
        back = part(parts, kind, "back")
        back = back if back["delay"].any() else back | {"delay": np.zeros(len(inputs), int)}
        numbers[kind] = registers_of(parts, kind), into, back
    one = lambda i: jax.tree.map(lambda x: x[i], numbers)
    return [program(one(i)) for i in range(len(inputs))]


def recorded(parts):
    """What is recorded of every kind: states by our names, amplitudes exactly, spikes as a raster."""
    out = {}
    for kind in parts:
        for name in part(parts, kind, "result"):
            exact = {"sigma": "sigma"}.get(kind, "sent") if sends_amplitudes(kind) else None
            path = exact if name == "s" else name
            out[f"{kind}.{name}"] = snn.Raster(kind) if path is None else snn.Trace(f"{kind}.{path}")
    return out


def sends_amplitudes(kind):
    return kind not in ("cuba", "reset", "adaptive", "resonator", "izhikevich")


def run(program, raster, record, into="in"):
    """What is recorded in every step, and what overflowed."""
    what = dict(steps=raster.shape[0], key=jax.random.key(0), throw=False, progress=snn.progress.Quiet())
    done = snn.simulate(program, snn.Replay(raster, into=into), record=record, **what)
    dense = lambda x: x.dense() if hasattr(x, "dense") else x
    return {name: dense(done[name]) for name in record}, done.status


def compiled(parts):
    """Of a program and a raster: numbers by `kind.name`, and the status."""
    record = recorded(parts)

    @partial(jax.jit, static_argnums=1)
    def of_leaves(leaves, structure, raster):
        return run(jax.tree.unflatten(structure, leaves), raster, record)

    return lambda program, raster: of_leaves(*jax.tree.flatten(program), raster)


def run_all(run_one, made, inputs):
    """All configurations, one after the other."""
    done = [run_one(program, jnp.asarray(x, jnp.float32)) for program, x in zip(made, inputs, strict=True)]
    mine = {name: np.stack([np.asarray(one[name]) for one, _ in done]).astype(np.int64) for name in done[0][0]}
    return mine, np.array([int(status) for _, status in done])


def mismatches(mine, parts):
    """How many numbers differ, by `kind.name`."""
    return {
        name: int(np.sum(x != parts[kind][f"result.{of}"]))
        for name, x in mine.items()
        for kind, of in [name.split(".")]
    }


if __name__ == "__main__":
    inputs, parts = read(sys.argv[1])
    mine, status = run_all(compiled(parts), programs(inputs, parts), inputs)
    wrong = mismatches(mine, parts)
    for kind in parts:
        of = {name.partition(".")[2]: count for name, count in wrong.items() if name.startswith(f"{kind}.")}
        print(f"{kind}: {len(inputs)} configurations, {sum(mine[f'{kind}.{name}'].size for name in of)} numbers, {of}")
    print(f"{sum(wrong.values())} mismatches; {np.mean(status != 0):.2f} of the configurations overflow somewhere")
