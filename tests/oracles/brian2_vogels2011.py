"""Zenke's network for Vogels et al. (2011), Brian2's example: tests/golden/brian2_vogels2011.json.

Made with Brian2 2.9.0, C++ standalone, dt 0.1 ms, Euler: rates of both populations in every second, one without
plasticity and nine with it. Membranes start at rest. Run from the repository root:

    python tests/oracles/brian2_vogels2011.py [--seeds 3]
"""

import argparse
import json
import tempfile

import brian2 as b2
import numpy as np
from brian2 import Hz, ms, mV, nS, pA, pF
from golden import GOLDEN

P = {"n_exc": 8000, "n_inh": 2000, "p": 0.02, "C": 200.0, "g_L": 10.0, "E_L": -60.0, "E_inh": -80.0, "V_th": -50.0}
P |= {"bias": 200.0, "tau_exc": 5.0, "tau_inh": 10.0, "refractory": 5.0, "w_exc": 0.3, "w_inh": 3.0, "w_max": 100.0}
P |= {"tau_stdp": 20.0, "rate_hz": 3.0, "eta": 0.01, "w_0": 1e-10, "before_s": 1.0, "learning_s": 9.0}
NEURON = """dv/dt = (-gl * (v - el) - (g_ampa * v + g_gaba * (v - er)) + bgcurrent) / memc : volt (unless refractory)
            dg_ampa/dt = -g_ampa / tau_ampa : siemens
            dg_gaba/dt = -g_gaba / tau_gaba : siemens"""
SYNAPSE = """w : 1
             eta : 1 (shared)
             dApre/dt = -Apre / tau_stdp : 1 (event-driven)
             dApost/dt = -Apost / tau_stdp : 1 (event-driven)"""
ON_PRE = """Apre += 1.0
            w = clip(w + (Apost - alpha) * eta, 0, gmax)
            g_gaba += w * nS"""
ON_POST = """Apost += 1.0
             w = clip(w + Apre * eta, 0, gmax)"""
SPACE = {
    "gl": P["g_L"] * nS,
    "el": P["E_L"] * mV,
    "er": P["E_inh"] * mV,
    "vt": P["V_th"] * mV,
    "memc": P["C"] * pF,
    "bgcurrent": P["bias"] * pA,
    "tau_ampa": P["tau_exc"] * ms,
    "tau_gaba": P["tau_inh"] * ms,
    "tau_stdp": P["tau_stdp"] * ms,
    "alpha": 2 * P["rate_hz"] * Hz * P["tau_stdp"] * ms,
    "gmax": P["w_max"],
    "w_exc": P["w_exc"] * nS,
    "w_inh": P["w_inh"] * nS,
}


def run(seed):
    with tempfile.TemporaryDirectory() as directory:
        b2.set_device("cpp_standalone", build_on_run=False, directory=directory)
        b2.start_scope()
        b2.defaultclock.dt = 0.1 * ms
        b2.seed(seed)
        cells = b2.NeuronGroup(
            P["n_exc"] + P["n_inh"],
            NEURON,
            threshold="v > vt",
            reset="v = el",
            refractory=P["refractory"] * ms,
            method="euler",
            namespace=SPACE,
        )
        cells.v = SPACE["el"]
        exc, inh = cells[: P["n_exc"]], cells[P["n_exc"] :]
        from_exc = b2.Synapses(exc, cells, on_pre="g_ampa += w_exc", namespace=SPACE)
        inh_inh = b2.Synapses(inh, inh, on_pre="g_gaba += w_inh", namespace=SPACE)
        plastic = b2.Synapses(inh, exc, SYNAPSE, on_pre=ON_PRE, on_post=ON_POST, namespace=SPACE)
        for synapses in (from_exc, inh_inh, plastic):
            synapses.connect(p=P["p"])
        plastic.w = P["w_0"]
        rates = [b2.PopulationRateMonitor(group) for group in (exc, inh)]
        net = b2.Network(cells, from_exc, inh_inh, plastic, *rates)
        plastic.eta = 0.0
        net.run(P["before_s"] * b2.second)
        plastic.eta = P["eta"]
        net.run(P["learning_s"] * b2.second)
        b2.device.build(directory=directory, compile=True, run=True)
        seconds = round(P["before_s"] + P["learning_s"])
        out = [np.asarray(x.rate / Hz).reshape(seconds, -1).mean(axis=1).round(4).tolist() for x in rates]
        weight = float(np.mean(plastic.w[:]))
        b2.device.reinit()
        return {"rate_e_hz": out[0], "rate_i_hz": out[1], "weight": weight}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    rows = []
    for seed in range(1, parser.parse_args().seeds + 1):
        rows.append(run(seed))
        print(seed, rows[-1], flush=True)
    definitions = {
        "rate_e_hz, rate_i_hz": "of the population in every second, of which the first is without plasticity, per seed",
        "weight": "mean of all plastic synapses at the end, nS, per seed",
    }
    out = {"simulator": f"Brian2 {b2.__version__}", "dt": 0.1, "parameters": P, "definitions": definitions}
    out |= {name: [row[name] for row in rows] for name in rows[0]}
    (GOLDEN / "brian2_vogels2011.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
