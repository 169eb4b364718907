"""Spike trains of NEST for identical networks: tests/golden/nest_<scenario>.npz (format: README.md).

Made with NEST 3.10.0, numpy 2.4, float64, dt 0.1 ms, one thread, 400 neurons, 5000 steps; seeds are in the files.
Asserts that the NumPy loop of golden.py (NEST order) gives the same spikes, and prints controls that must differ.
Run from the repository root, in an environment with nest-simulator and numpy:

    python tests/oracles/nest_spikes.py            # all scenarios
    python tests/oracles/nest_spikes.py delta exp  # some
"""

import sys

import nest
import numpy as np
from golden import DT, N_EXC, STEPS, TRACE_STEPS, TRACED, N, check_and_save, network

DELTA = {
    "model": "iaf_psc_delta",
    "C_m": 250.0,
    "tau_m": 20.0,
    "E_L": -65.0,
    "V_th": -45.0,
    "V_reset": -55.0,
    "I_e": 190.0,
    "t_ref": 2.0,
}
EXP = dict(DELTA, model="iaf_psc_exp", tau_exc=3.0, tau_inh=7.0)
ALPHA = dict(EXP, model="iaf_psc_alpha", tau_exc=1.5, tau_inh=4.0)
JUMPS = {"w_exc": 0.9, "w_inh": -4.0, "input_hz": 25.0}
CURRENTS = {"w_exc": 90.0, "w_inh": -220.0, "input_hz": 25.0}
SCENARIOS = {  # name: (model parameters, network, input weight)
    "delta": (DELTA, JUMPS, 7.3),
    "delta_ref0": (dict(DELTA, t_ref=0.0), JUMPS, 7.3),
    "delta_ref0p1": (dict(DELTA, t_ref=0.1), JUMPS, 7.3),
    "delta_ref0p25": (dict(DELTA, t_ref=0.25), JUMPS, 7.3),  # off the grid: 3 steps
    "delta_ref0p5": (dict(DELTA, t_ref=0.5), JUMPS, 7.3),
    "delta_ref5": (dict(DELTA, t_ref=5.0), JUMPS, 7.3),
    "delta_refractory_input": (dict(DELTA, t_ref=5.0, refractory_input=True), JUMPS, 7.3),
    "delta_lattice": (  # no leak at all (exp(-dt/tau_m) is 1): v stays on multiples of 0.5 mV, V_th is one of them
        dict(DELTA, tau_m=1e20, E_L=0.0, V_th=16.0, V_reset=4.0, I_e=0.0),
        {"w_exc": 1.0, "w_inh": -3.0, "input_hz": 25.0, "lattice": 0.5, "spread": 0.4},
        6.0,
    ),
    "exp": (EXP, CURRENTS, 700.0),
    "exp_ref0p5": (dict(EXP, t_ref=0.5), CURRENTS, 700.0),
    "alpha": (ALPHA, CURRENTS, 700.0),
}


def make_case(seed, model, net, w_in):
    case = network(seed, **net)
    kind = {"iaf_psc_delta": "delta", "iaf_psc_exp": "exp", "iaf_psc_alpha": "alpha"}[model["model"]]
    span = model["V_th"] - model["V_reset"]
    case["v0"] = model["V_reset"] + span * case.pop("u0")
    if "lattice" in net:
        case["v0"] = np.floor(case["v0"] / net["lattice"]) * net["lattice"]
    case["params"] = dict(
        model,
        simulator=f"NEST {nest.__version__}",
        order="nest",
        comparator=">=",
        seed=seed,
        n=N,
        n_exc=N_EXC,
        dt=DT,
        steps=STEPS,
        R=int(np.ceil(round(model["t_ref"], 3) / DT - 1e-9)),
        gain=model["tau_m"] / model["C_m"],
        w_in=w_in,
        in_port="exc",
        v_held=True,
        port_held=False,
        reset="hard",
        jump_held="discount" if model.get("refractory_input") else "drop",
        ports={p: {"kind": kind, "tau": model.get(f"tau_{p}")} for p in ("exc", "inh")},
    )
    return case


def run_nest(case):
    p = case["params"]
    nest.ResetKernel()
    nest.set(resolution=DT, local_num_threads=1)
    names = ["C_m", "tau_m", "E_L", "V_th", "V_reset", "I_e", "t_ref", "refractory_input"]
    cells = nest.Create(p["model"], N, params={k: p[k] for k in names if k in p})
    if "tau_exc" in p:
        cells.set(tau_syn_ex=p["tau_exc"], tau_syn_in=p["tau_inh"])
    cells.V_m = case["v0"]
    ids = np.array(cells.tolist())
    nest.Connect(
        ids[case["pre"]],
        ids[case["post"]],
        "one_to_one",
        {"weight": case["weight"], "delay": np.round(case["delay"] * DT, 1)},
    )
    # a generator stamp s is step s - 1, and the delay of one step makes it slot s: stamp = slot
    trains = [np.round(case["in_step"][case["in_neuron"] == i] * DT, 1) for i in range(N)]
    sources = nest.Create("spike_generator", N, params=[{"spike_times": t} for t in trains])
    nest.Connect(sources, cells, "one_to_one", {"weight": p["w_in"], "delay": DT})
    spikes, meter = nest.Create("spike_recorder"), nest.Create("multimeter", params={"interval": DT})
    meter.record_from = ["V_m"]
    nest.Connect(cells, spikes)
    nest.Connect(meter, cells[TRACED])
    nest.Simulate(STEPS * DT + DT)  # one step more, because a spike of the last step is stamped at its end
    e, m = spikes.events, meter.events
    step, neuron = np.rint(e["times"] / DT).astype(int) - 1, e["senders"] - ids[0]
    first = np.rint(m["times"] / DT).astype(int)
    trace = [m["V_m"][(m["senders"] == ids[i]) & (first <= TRACE_STEPS)] for i in TRACED]
    keep = step < STEPS
    return step[keep], neuron[keep], np.arange(1, TRACE_STEPS + 1), np.stack(trace, axis=1)


def main(wanted):
    nest.verbosity = nest.VerbosityLevel.ERROR
    for seed, (name, spec) in enumerate(SCENARIOS.items(), start=101):
        if wanted and name not in wanted:
            continue
        case = make_case(seed, *spec)
        controls = {
            "R+1": {"R": case["params"]["R"] + 1},
            "d+1": {"delay_shift": 1},
            "other order": {"order": "brian2"},
            "other comparator": {"comparator": ">"},
            "jumps kept while held": {"jump_held": "keep"},
            "jumps dropped while held": {"jump_held": "drop"},
        }
        check_and_save(f"nest_{name}", case, *run_nest(case), controls)


if __name__ == "__main__":
    main(sys.argv[1:])
