"""NEST's models as they come: defaults, and single neurons under given spikes. tests/golden/presets_nest.npz.

Made with NEST 3.10.0, float64, dt 0.1 ms. `defaults`: JSON, the numbers of `nest.GetDefaults(model)` that a user may
set. For every neuron `<model>.times`: the steps that NEST stamps its spikes with (`t = step dt`), of 80 ms, and
`<model>.v`: the membrane at `t_1, t_2, ...`, the first 500 steps. Every neuron has NEST's default parameters, gets the
spikes of slots `ex` and `in` with the weights of `CASES`, and a constant current of `dc_generator` from 20 ms on.
`devices.v`: `iaf_psc_exp` with a `spike_generator` at 1.0 and 5.0 ms (weight 2000, delay 1.5 ms) and two
`dc_generator`s of 100 and 200 pA, one from 0 to 10 ms, one from 4 to 6 ms, both with a delay of 1 ms.
Run from the repository root, in an environment with nest-simulator and numpy.
"""

import json
import pathlib

import nest
import numpy as np

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
DT, STEPS, TRACED = 0.1, 800, 500
CASES = {  # weights of excitation and inhibition, current of the generator in pA
    "iaf_psc_exp": ((600.0, -700.0), 250.0),
    "iaf_psc_alpha": ((600.0, -700.0), 250.0),
    "iaf_psc_delta": ((4.0, -5.0), 300.0),
    "izhikevich": ((4.0, -5.0), 10.0),
    "iaf_cond_alpha": ((100.0, -40.0), 250.0),
    "iaf_cond_beta": ((100.0, -40.0), 250.0),
    "aeif_cond_alpha": ((150.0, -40.0), 700.0),
    "hh_psc_alpha": ((600.0, -700.0), 600.0),
}
OTHERS = (
    "iaf_cond_exp aeif_cond_exp hh_cond_exp_traub parrot_neuron dc_generator noise_generator poisson_generator "
    "spike_generator static_synapse bernoulli_synapse tsodyks_synapse tsodyks2_synapse stdp_synapse "
    "stdp_nn_symm_synapse stdp_pl_synapse_hom stdp_triplet_synapse vogels_sprekeler_synapse"
).split()
INTERNAL = {"elementsize", "num_connections", "sizeof", "synapse_modelid", "has_delay", "requires_symmetric"}
READ_ONLY = {"t_spike", "model_id", "global_id", "thread", "vp", "element_size", "node_uses_wfr", "frozen"}
CALCIUM = {"Ca", "beta_Ca", "tau_Ca", "post_trace", "tau_minus_triplet", "archiver_length"}  # of every neuron
THE_SAME = {"ignore_and_spike", "ignore_and_spike_interval", "ignore_and_spike_offset", "receptor_type"}  # likewise
CELLS = {"thread_local_id", "local", "instantiations", "capacity", "available", "type_id", "parent"}
UNSET = INTERNAL | READ_ONLY | CALCIUM | THE_SAME | CELLS | {"recordables", "synaptic_elements", "element_type"}


def defaults(model):
    every = nest.GetDefaults(model)
    return {
        key: value
        for key, value in every.items()
        if isinstance(value, (bool, int, float)) and key not in UNSET and "_id" not in key
    }


def recorded(cell, steps=TRACED):
    spikes, meter = nest.Create("spike_recorder"), nest.Create("multimeter", params={"interval": DT})
    meter.record_from = ["V_m"]
    nest.Connect(cell, spikes)
    nest.Connect(meter, cell)
    nest.Simulate(STEPS * DT + 2 * DT)
    times = np.rint(np.asarray(spikes.events["times"]) / DT).astype(np.int32)
    return times[times <= STEPS], np.asarray(meter.events["V_m"])[:steps]


def fresh(model):
    nest.ResetKernel()
    nest.set(resolution=DT, print_time=False)
    return nest.Create(model)


def neuron(model, slots, weights, current):
    cell = fresh(model)
    for at, weight in zip(slots, weights):  # a stamp is the slot where the delay is one step
        source = nest.Create("spike_generator", params={"spike_times": np.round(at * DT, 1)})
        nest.Connect(source, cell, syn_spec={"weight": weight, "delay": DT})
    dc = nest.Create("dc_generator", params={"amplitude": current, "start": 20.0})
    nest.Connect(dc, cell, syn_spec={"delay": 1.0})
    return recorded(cell)


def devices():
    cell = fresh("iaf_psc_exp")
    source = nest.Create("spike_generator", params={"spike_times": [1.0, 5.0]})
    nest.Connect(source, cell, syn_spec={"weight": 2000.0, "delay": 1.5})
    for amplitude, start, stop in ((100.0, 0.0, 10.0), (200.0, 4.0, 6.0)):
        dc = nest.Create("dc_generator", params={"amplitude": amplitude, "start": start, "stop": stop})
        nest.Connect(dc, cell, syn_spec={"delay": 1.0})
    return recorded(cell, 200)[1]


if __name__ == "__main__":
    nest.verbosity = nest.VerbosityLevel.ERROR
    rng = np.random.default_rng(12)
    slots = [np.sort(rng.choice(np.arange(1, STEPS), count, replace=False)) for count in (60, 30)]
    out = {"ex": slots[0].astype(np.int16), "in": slots[1].astype(np.int16), "devices.v": devices()}
    for model, (weights, current) in CASES.items():
        times, v = neuron(model, slots, weights, current)
        print(f"{model:20} {len(times):4} {times[:6]}", flush=True)
        out |= {f"{model}.times": times, f"{model}.v": v, f"{model}.weights": np.array([*weights, current])}
    nest.ResetKernel()
    stated = {model: defaults(model) for model in (*CASES, *OTHERS)}
    np.savez_compressed(GOLDEN / "presets_nest.npz", defaults=json.dumps(stated), **out)
