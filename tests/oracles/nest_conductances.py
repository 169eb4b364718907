"""Spike trains of NEST's conductance models for identical networks: tests/golden/conductance_<model>.npz (README.md).

Made with NEST 3.10.0, float64, dt 0.1 ms, one thread, 400 neurons, 2 000 steps. NEST takes the membrane and its
conductances together, in steps of Fehlberg's method that each neuron chooses for itself; there is no loop in NumPy to
check the files with, so the controls are in the test. Run from the repository root, with nest-simulator and numpy.
"""

import json

import nest
import numpy as np
from golden import DT, GOLDEN, N_EXC, TRACE_STEPS, TRACED, N, isi_cv, network

STEPS = 2000
MODELS = {  # parameters (else NEST's defaults), weights in nS, weight of an input, range of the first v
    "iaf_cond_exp": (
        {"C_m": 200.0, "g_L": 10.0, "E_L": -60.0, "V_th": -50.0, "V_reset": -60.0, "E_in": -80.0, "t_ref": 5.0},
        (6.0, 40.0, 25.0),
        (-60.0, -50.0),
    ),
    "aeif_cond_exp": ({"t_ref": 2.0, "b": 40.0}, (12.0, 60.0, 50.0), (-70.0, -55.0)),
    "hh_cond_exp_traub": ({}, (6.0, 67.0, 20.0), (-65.0, -55.0)),
}
TAU = {"tau_syn_ex": 5.0, "tau_syn_in": 10.0}


def run(model, seed, parameters, weights, span):
    w_exc, w_inh, w_in = weights
    case = network(seed, w_exc=w_exc, w_inh=-w_inh, input_hz=25.0)
    inside = case["in_step"] < STEPS
    case["in_step"], case["in_neuron"] = case["in_step"][inside], case["in_neuron"][inside]
    case["v0"] = span[0] + (span[1] - span[0]) * case.pop("u0")
    nest.ResetKernel()
    nest.set(resolution=DT, local_num_threads=1)
    cells = nest.Create(model, N, params={**parameters, **TAU})
    cells.V_m = case["v0"]
    every = {key: value for key, value in cells[0].get().items() if isinstance(value, (float, int))}
    ids = np.array(cells.tolist())
    synapse = {"weight": case["weight"], "delay": np.round(case["delay"] * DT, 1)}
    nest.Connect(ids[case["pre"]], ids[case["post"]], "one_to_one", synapse)
    trains = [np.round(case["in_step"][case["in_neuron"] == i] * DT, 1) for i in range(N)]  # stamp = slot
    sources = nest.Create("spike_generator", N, params=[{"spike_times": t} for t in trains])
    nest.Connect(sources, cells, "one_to_one", {"weight": w_in, "delay": DT})
    spikes, meter = nest.Create("spike_recorder"), nest.Create("multimeter", params={"interval": DT})
    meter.record_from = ["V_m"]
    nest.Connect(cells, spikes)
    nest.Connect(meter, cells[TRACED])
    nest.Simulate(STEPS * DT + DT)
    e, m = spikes.events, meter.events
    step, neuron = np.rint(e["times"] / DT).astype(int) - 1, e["senders"] - ids[0]
    step, neuron = step[step < STEPS], neuron[step < STEPS]
    order = np.lexsort((neuron, step))
    at = np.rint(m["times"] / DT).astype(int)
    trace = [m["V_m"][(m["senders"] == ids[i]) & (at <= TRACE_STEPS)] for i in TRACED]
    names = (
        "C_m",
        "g_L",
        "E_L",
        "V_th",
        "V_reset",
        "E_ex",
        "E_in",
        "t_ref",
        "I_e",
        "V_peak",
        "Delta_T",
        "a",
        "b",
        "tau_w",
    )
    params = {
        **{key: every[key] for key in names if key in every},
        **TAU,
        **dict(simulator=f"NEST {nest.__version__}", model=model, seed=seed, n=N, n_exc=N_EXC, dt=DT, steps=STEPS),
        **dict(
            w_in=w_in, rate_hz=round(len(step) / (N * STEPS * DT * 1e-3), 3), isi_cv=round(isi_cv(step, neuron, N), 3)
        ),
    }
    print(f"{model}: {len(step)} spikes, {params['rate_hz']} Hz, CV {params['isi_cv']}", flush=True)
    np.savez_compressed(
        GOLDEN / f"conductance_{model}.npz",
        params=json.dumps(params),
        **{key: case[key].astype(np.int16) for key in ("pre", "post", "delay", "in_step", "in_neuron")},
        weight=case["weight"].astype(np.float32),
        v0=case["v0"],
        step=step[order].astype(np.int16),
        neuron=neuron[order].astype(np.int16),
        trace_v=np.stack(trace, axis=1),
    )


if __name__ == "__main__":
    nest.verbosity = nest.VerbosityLevel.ERROR
    for seed, (model, spec) in enumerate(MODELS.items(), start=301):
        run(model, seed, *spec)
