"""Networks of PyNN, the same script for every backend: tests/golden/pynn/nest.npz is what NEST makes of them.

Made with PyNN 0.13.0 and NEST 3.10.0, `spike_precision="on_grid"`, one thread. Of each network:
`NAME.spikes.POPULATION`, pairs of a step and a cell; `NAME.v.POPULATION`, samples of variables (every tenth from the
second on: for the first, NEST's backend draws a value anew); `NAME.weight.POPULATION`, weights at the end. Run from the
repository root, in an environment with pynn and nest-simulator:

    python tests/oracles/pynn_networks.py
"""

from pathlib import Path

import numpy as np

DT = 0.125  # ms, and times are multiples of it: PyNN subtracts a delay from them, and 0.1 ms would be off by a rounding


def begin(sim, min_delay=DT):
    sim.setup(timestep=DT, min_delay=min_delay, max_delay=5.0, spike_precision="on_grid")
    return sim.NumpyRNG(seed=42)


def currents(sim):
    """All cells whose membrane is integrated exactly, views, an assembly, and currents into some of them."""
    rng = begin(sim)
    uniform = lambda low, high: sim.RandomDistribution("uniform", (low, high), rng=rng)
    E = sim.Population(
        30, sim.IF_curr_exp(i_offset=0.9, tau_refrac=2.0), label="E", initial_values={"v": uniform(-65, -50)}
    )
    A = sim.Population(12, sim.IF_curr_alpha(tau_m=uniform(8.0, 12.0), i_offset=1.4, tau_refrac=1.0), label="A")
    D = sim.Population(
        10, sim.IF_curr_delta(tau_m=12.0, i_offset=1.2, tau_refrac=1.5), label="D", initial_values={"v": -70.0}
    )
    source = sim.Population(4, sim.SpikeSourceArray(spike_times=[5.0, 9.25, 30.0, 41.125]), label="source")
    some, delay = sim.FixedProbabilityConnector(0.3, rng=rng), uniform(0.3, 3.0)
    static = lambda weight, delay=1.0: sim.StaticSynapse(weight=weight, delay=delay)
    both = sim.Assembly(E[:10], A, label="both")
    sim.Projection(E[:24], both, some, static(0.25, delay), receptor_type="excitatory", label="EB")
    sim.Projection(
        E[24:], E, sim.FixedNumberPreConnector(3, rng=rng), static(-0.6), receptor_type="inhibitory", label="II"
    )
    sim.Projection(source, E, sim.AllToAllConnector(), static(0.3, 1.5), label="SE")
    sim.Projection(both, D, some, static(uniform(0.5, 2.0), delay), label="BD")
    sim.Projection(D, A, sim.FixedNumberPostConnector(5, rng=rng), static(-0.4), receptor_type="inhibitory", label="DA")
    E[:8].inject(sim.DCSource(amplitude=0.2, start=10.0, stop=60.0))
    A[2:6].inject(sim.StepCurrentSource(times=[8.0, 20.0, 33.25], amplitudes=[0.3, -0.4, 0.1]))
    D[3].inject(sim.ACSource(amplitude=0.5, offset=0.1, frequency=60.0, phase=30.0, start=12.0, stop=70.0))
    for each in (E, A, D):
        each.record("spikes")
    E[:4].record("v")  # of IF_curr_delta NEST's backend cannot
    A[:4].record("v")
    sim.run(80.0)
    return {"E": E, "A": A, "D": D}, {}


def conductances(sim, without=()):
    """The cells that are integrated by steps of their own, behind the same spikes."""
    begin(sim)
    times = [[3.0, 10.0, 11.5, 12.0, 30.0, 30.5], [8.0, 20.0, 33.0]]
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[sim.Sequence(x) for x in times]), label="source")
    kinds = {
        "exp": (sim.IF_cond_exp(i_offset=0.9), 0.02), "alpha": (sim.IF_cond_alpha(i_offset=0.9), 0.02),
        "facets": (sim.IF_facets_hardware1(), 0.005), "adexp": (sim.EIF_cond_exp_isfa_ista(i_offset=0.8), 0.02),
        "adalpha": (sim.EIF_cond_alpha_isfa_ista(i_offset=0.8, b=0.04), 0.02),
        "hh": (sim.HH_cond_exp(i_offset=0.3), 0.01), "izhikevich": (sim.Izhikevich(a=0.02, b=0.2, i_offset=0.01), 2.0),
    }  # fmt: skip
    made = {}
    for name, (cell, weight) in kinds.items():
        if f".{name}" in without:
            continue
        made[name] = sim.Population(2, cell, label=name)
        inhibiting = weight if made[name].conductance_based else -weight
        for sender, receptor, w in ((0, "excitatory", weight), (1, "inhibitory", inhibiting)):
            sim.Projection(
                source[sender : sender + 1], made[name], sim.AllToAllConnector(),
                sim.StaticSynapse(weight=w, delay=1.2), receptor_type=receptor, label=f"{name} {receptor}",
            )  # fmt: skip
        made[name].record(["spikes", "v"])
    made["adalpha"].record("w")
    made["exp"].record(["gsyn_exc", "gsyn_inh"])
    sim.run(60.0)
    return made, {}


def plastic(sim, without=()):
    """Short-term plasticity, and spike-timing-dependent plasticity in all its dependences on the weight."""
    rng = begin(sim)
    trains = np.sort((np.random.default_rng(3).uniform(1.0, 190.0, (8, 12)) / DT).round() * DT, axis=1)
    trains[:, -1] = 199.0  # NEST's weights are up to date when their sender fires
    source = sim.Population(
        8, sim.SpikeSourceArray(spike_times=[sim.Sequence(np.unique(x)) for x in trains]), label="source"
    )
    learners, found = {}, {}
    timing = lambda: sim.SpikePairRule(tau_plus=18.0, tau_minus=22.0, A_plus=0.05, A_minus=0.04)
    for name, dependence in (
        ("additive", sim.AdditiveWeightDependence(w_min=0.0, w_max=0.02)),
        ("multiplicative", sim.MultiplicativeWeightDependence(w_min=0.0, w_max=0.02)),
        ("mixed", sim.AdditivePotentiationMultiplicativeDepression(w_min=0.0, w_max=0.02)),
        ("guetig", sim.GutigWeightDependence(w_min=0.0, w_max=0.02)),
    ):
        if f".{name}" in without:
            continue
        found[name] = sim.Population(3, sim.IF_cond_exp(i_offset=0.7), label=name)
        synapse = sim.STDPMechanism(
            timing_dependence=timing(), weight_dependence=dependence, weight=0.01,
            delay=sim.RandomDistribution("uniform", (0.5, 4.0), rng=rng),
        )  # fmt: skip
        learners[name] = sim.Projection(source, found[name], sim.AllToAllConnector(), synapse, label=f"to {name}")
        found[name].record("spikes")
    found["depressed"] = sim.Population(2, sim.IF_curr_exp(tau_syn_E=3.0), label="depressed")
    synapse = sim.TsodyksMarkramSynapse(U=0.4, tau_rec=120.0, tau_facil=50.0, weight=0.8, delay=1.0)
    sim.Projection(source, found["depressed"], sim.AllToAllConnector(), synapse, label="to depressed")
    found["depressed"].record(["spikes", "v"])
    sim.run(199.0)
    return found, learners


def changes(sim, late=0.0):
    """A run in pieces, between which parameters, weights and spikes to come are set.

    NEST's backend runs a step further than it says, so that a change acts a step late there: `late` makes up for it.
    """
    begin(sim)
    cells = sim.Population(6, sim.IF_curr_exp(i_offset=0.7), label="cells")
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[5.0, 12.0]), label="source")
    wire = sim.Projection(
        source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=0.5), label="wire"
    )
    cells.record(["spikes", "v"])
    sim.run(20.0 + late)
    cells[2:].set(tau_m=15.0, i_offset=0.8)
    source[0:1].set(spike_times=[25.0, 31.0])
    sim.run(20.0)
    wire.set(weight=2.0)
    source.set(spike_times=[44.0, 51.0])
    cells[5:6].set(v_thresh=-55.0)
    sim.run(30.0 - late)
    return {"cells": cells}, {}


NETWORKS = {f.__name__: f for f in (currents, conductances, plastic, changes)}


def outcome(sim, name, **given):
    """What a backend makes of a network."""
    cells, wires = NETWORKS[name](sim, **given)
    found = {}
    for label, population in cells.items():
        segment = population.get_data().segments[0]
        steps = [np.rint(np.asarray(train.magnitude) / DT).astype(int) for train in segment.spiketrains]
        index = [int(train.annotations["source_index"]) for train in segment.spiketrains]
        pairs = sorted((step, i) for i, train in zip(index, steps) for step in train)
        found[f"spikes.{label}"] = np.array(pairs, np.int32).reshape(-1, 2)
        for signal in segment.analogsignals:
            found[f"{signal.name}.{label}"] = np.asarray(signal.magnitude)[1::10].astype(np.float64)
    for label, projection in wires.items():
        found[f"weight.{label}"] = np.array(projection.get("weight", format="array"))
    sim.end()
    return found


def main():
    import pyNN.nest as sim
    from pyNN.parameters import Sequence

    sim.Sequence = Sequence
    found = {f"{name}.{key}": value for name in NETWORKS for key, value in outcome(sim, name).items()}
    folder = Path(__file__).parents[1] / "golden" / "pynn"
    folder.mkdir(exist_ok=True)
    np.savez_compressed(folder / "nest.npz", **found)
    for name, value in found.items():
        print(name, value.shape)


if __name__ == "__main__":
    main()
