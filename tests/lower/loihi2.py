"""Lava's configurations of the kinds of cells that Loihi 2 has, as one program, and where that differs from Lava.

`python -m tests.lower.loihi2 FILE` compares a file that `tests/oracles/lava_loihi2.py` wrote.
"""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from tests.lower.programs import SIGNS
from tests.oracles.loihi_cases import GOLDEN

KINDS = {
    "cuba": snn.CubaCells,
    "ternary": snn.TernaryCells,
    "reset": snn.ResetCells,
    "adaptive": snn.AdaptiveCells,
    "graded": snn.GradedCells,
    "relu": snn.GradedReluCells,
    "product": snn.ProductCells,
    "sigma": snn.SigmaCells,
    "delta": snn.DeltaCells,
    "delta_summed": lambda n, **registers: snn.DeltaCells(n, error=snn.Summed(), **registers),
    "sigma_delta": snn.SigmaDeltaCells,
    "sigma_delta_unit_summed": lambda n, **registers: snn.SigmaDeltaCells(
        n, activation=snn.Unit(), error=snn.Summed(), **registers
    ),
    "resonator": snn.ResonatorCells,
    "izhikevich": snn.IzhikevichResonatorCells,
    "phase": snn.PhaseCells,
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
        if rest:
            parts[kind][rest] = value if value.dtype.kind in "Uf" else value.astype(np.int64)
    return flat["input"].astype(np.int64), parts


def part(parts, kind, group):
    """The numbers of cells, synapses or results."""
    return {k.partition(".")[2]: v for k, v in parts[kind].items() if k.startswith(f"{group}.")}


def batch(inputs, parts, *, changed=lambda kind, registers: registers):
    """All configurations as one program with a group of every kind, its numbers stacked."""
    steps_n = inputs.shape[2]
    n = {kind: part(parts, kind, "result")["s"].shape[2] for kind in parts}

    def program(numbers):
        cells, synapses = {"in": snn.InputCells(steps_n, message_bits=24)}, {}
        for kind, (registers, *links) in numbers.items():
            cells[kind] = KINDS[kind](n[kind], **registers)
            signs = [SIGNS[str(sign)]() for sign in parts[kind]["signs"]]
            synapses[f"in {kind}"] = snn.Synapses("in", kind, **links[0], sign=signs[0])
            synapses[f"{kind} back"] = snn.Synapses(kind, kind, **links[1], sign=signs[1], max_delay=2)
        return snn.Program(cells, synapses, snn.LavaCore())

    numbers = {}
    for kind in parts:
        registers = {k: v for k, v in part(parts, kind, "cells").items() if (kind, k) not in NOT_REGISTERS}
        into = {k: v for k, v in part(parts, kind, "in").items() if k != "delay"}
        numbers[kind] = changed(kind, registers), into, part(parts, kind, "back")
    return eqx.filter_vmap(program)(jax.tree.map(jnp.asarray, numbers))


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


def run(program, raster, record):
    """What is recorded in every step, and what overflowed."""
    what = dict(steps=raster.shape[0], key=jax.random.key(0), throw=False, progress=snn.Quiet())
    done = snn.simulate(program, snn.Replay(raster, into="in"), record=record, **what)
    dense = lambda x: x.dense() if hasattr(x, "dense") else x
    return {name: dense(done[name]) for name in record}, done.status


def run_together(program, inputs, parts):
    """All configurations: numbers by `kind.name`, and the status of each."""
    record = recorded(parts)
    together = eqx.filter_jit(jax.vmap(lambda program, raster: run(program, raster, record)))
    mine, status = together(program, jnp.asarray(inputs, jnp.float32))
    return {name: np.asarray(x).astype(np.int64) for name, x in mine.items()}, np.asarray(status)


def mismatches(mine, parts):
    """How many numbers differ, by `kind.name`."""
    return {
        name: int(np.sum(x != parts[kind][f"result.{of}"]))
        for name, x in mine.items()
        for kind, of in [name.split(".")]
    }


if __name__ == "__main__":
    inputs, parts = read(sys.argv[1])
    mine, status = run_together(batch(inputs, parts), inputs, parts)
    wrong = mismatches(mine, parts)
    for kind in parts:
        of = {name.partition(".")[2]: count for name, count in wrong.items() if name.startswith(f"{kind}.")}
        print(f"{kind}: {len(inputs)} configurations, {sum(mine[f'{kind}.{name}'].size for name in of)} numbers, {of}")
    print(f"{sum(wrong.values())} mismatches; {np.mean(status != 0):.2f} of the configurations overflow somewhere")
