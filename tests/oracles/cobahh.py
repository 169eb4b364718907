"""Rates of COBAHH (Brette et al. 2007, benchmark 3) in NEST and Brian2: tests/golden/{nest,brian2}_cobahh.json.

Run once in each simulator's environment: `python tests/oracles/cobahh.py nest | brian2 [seeds]`. 4 000 Traub-Miles
cells, E and I rates from 100 to 300 ms. NEST 3.10: the example `hh_coba` (kick by Poisson input to 50 cells, in-degrees
64 and 16, delay 0.1 ms, RKF45, spikes at the peak). Brian2 2.9: the example `COBAHH` (random initial values, p = 0.02,
no delay, exponential Euler, threshold -20 mV).
"""

import json
import pathlib
import sys

import numpy as np

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
DT, N_EXC, N_INH, W_EXC, W_INH, START, STOP = 0.1, 3200, 800, 6.0, 67.0, 100.0, 300.0


def nest_run(seed):
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.set(resolution=DT, local_num_threads=1, rng_seed=seed)
    cells = nest.Create("hh_cond_exp_traub", N_EXC + N_INH)
    exc, inh = cells[:N_EXC], cells[N_EXC:]
    for pre, weight, indegree in ((exc, W_EXC, 64), (inh, -W_INH, 16)):
        nest.Connect(pre, cells, {"rule": "fixed_indegree", "indegree": indegree}, {"weight": weight, "delay": 0.1})
    kick = nest.Create("poisson_generator", params={"rate": 300.0, "start": 1.0, "stop": 51.0})
    nest.Connect(kick, exc[:50], syn_spec={"weight": W_EXC, "delay": 0.1})
    recorder = nest.Create("spike_recorder", params={"start": START, "stop": STOP})
    nest.Connect(cells, recorder)
    nest.Simulate(STOP + DT)
    return recorder.events["senders"] - 1


def brian2_run(seed):
    import brian2 as b2

    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = DT * b2.ms
    b2.seed(seed)
    equations = """
    dv/dt = (10*(-60 - v) + ge*(0 - v) + gi*(-80 - v) - 20000*m**3*h*(v - 50) - 6000*n**4*(v + 90))/200/ms : 1
    dm/dt = (alpha_m*(1 - m) - beta_m*m)/ms : 1
    dn/dt = (alpha_n*(1 - n) - beta_n*n)/ms : 1
    dh/dt = (alpha_h*(1 - h) - beta_h*h)/ms : 1
    dge/dt = -ge/(5*ms) : 1
    dgi/dt = -gi/(10*ms) : 1
    alpha_m = 0.32*4/exprel((13 - v - 63)/4) : 1
    beta_m = 0.28*5/exprel((v + 63 - 40)/5) : 1
    alpha_h = 0.128*exp((17 - v - 63)/18) : 1
    beta_h = 4/(1 + exp((40 - v - 63)/5)) : 1
    alpha_n = 0.032*5/exprel((15 - v - 63)/5) : 1
    beta_n = 0.5*exp((10 - v - 63)/40) : 1
    """
    n = N_EXC + N_INH
    cells = b2.NeuronGroup(n, equations, threshold="v > -20", refractory=3 * b2.ms, method="exponential_euler")
    rng = np.random.default_rng(seed)
    cells.v = -60.0 + rng.normal(-5.0, 5.0, n)
    cells.ge, cells.gi = 10.0 * rng.normal(4.0, 1.5, n), 10.0 * rng.normal(20.0, 12.0, n)
    exc = b2.Synapses(cells[:N_EXC], cells, on_pre=f"ge += {W_EXC}")
    inh = b2.Synapses(cells[N_EXC:], cells, on_pre=f"gi += {W_INH}")
    exc.connect(p=0.02)
    inh.connect(p=0.02)
    spikes = b2.SpikeMonitor(cells)
    b2.Network(cells, exc, inh, spikes).run(STOP * b2.ms)
    return np.asarray(spikes.i)[np.asarray(spikes.t / b2.ms) >= START - 1e-6]


if __name__ == "__main__":
    name, seeds = sys.argv[1], range(1, 1 + int((sys.argv[2:] or ["4"])[0]))
    rows = {"rate_e_hz": [], "rate_i_hz": []}
    for seed in seeds:
        neuron = {"nest": nest_run, "brian2": brian2_run}[name](seed)
        seconds = (STOP - START) * 1e-3
        rows["rate_e_hz"].append(float(np.sum(neuron < N_EXC) / N_EXC / seconds))
        rows["rate_i_hz"].append(float(np.sum(neuron >= N_EXC) / N_INH / seconds))
        print(name, seed, {key: round(values[-1], 2) for key, values in rows.items()}, flush=True)
        out = {key: {"mean": np.mean(v), "sd": np.std(v, ddof=len(v) > 1), "per_seed": v} for key, v in rows.items()}
        (GOLDEN / f"{name}_cobahh.json").write_text(json.dumps({"window_ms": [START, STOP], **out}, indent=1) + "\n")
