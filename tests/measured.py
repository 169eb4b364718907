"""How closely models and rules agree with NEST and Brian2, measured anew: `python -m tests.measured [WORD ...]`.

Prints a Markdown table in double precision: networks and neurons by the spikes that differ, rules by the largest
difference of any weight sent. With words, only rows that contain one of them. `docs/pages/verification.md` quotes it;
what has no row here (orders of convergence, closed forms, statistics) is held to its tolerance by the tests.
"""

import sys
from pathlib import Path

import jax
import numpy as np

import jaxsnn as snn
from tests.neurons import test_nest_neurons as neurons
from tests.parity import golden
from tests.parity import test_conductances as conductances
from tests.plasticity import test_nest as rules


def networks():
    """Recurrent networks of 400 neurons, spike for spike."""
    for name in golden.NAMES:
        case = golden.load(name)
        spikes, _ = golden.run(case)
        yield f"network `{name}`", case.params["simulator"], len(case.spikes), len(spikes ^ case.spikes)


def conductance_networks():
    for name, (_, integrator, steps, _) in conductances.CASES.items():
        spikes, _, expected, _ = conductances.run(name, integrator(), steps)
        yield f"network of `{name}`", "NEST", len(expected), len(spikes ^ expected)


def single_neurons():
    with np.load(Path(__file__).parent / "golden" / "neurons_nest.npz") as file:
        for name, make in neurons.CASES.items():
            cell, init = make()
            times, _ = neurons.run(cell, 10_000, init=init)
            expected = file[f"{name}.times"]
            yield f"neuron `{name}`", "NEST", len(expected), len({*times.tolist()} ^ {*expected.tolist()})


def plasticity():
    for name in rules.RULES:
        for via in (snn.Sparse(), snn.Dense()):
            sent = len(rules.GOLDEN[f"{name}/weight"])
            what = f"rule `{name}`, {type(via).__name__.lower()}"
            yield what, "NEST", sent, f"{rules.off(name, via):.1e}"


def main(words):
    jax.config.update("jax_enable_x64", True)
    print("| what | oracle | spikes or weights compared | that differ, or by how much |\n|---|---|---|---|")
    for part in (networks, conductance_networks, single_neurons, plasticity):
        for what, oracle, count, apart in part():
            if not words or any(word in what for word in words):
                print(f"| {what} | {oracle} | {count} | {apart} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
