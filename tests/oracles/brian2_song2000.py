"""Brian2's example of spike-timing-dependent plasticity (Song, Miller and Abbott 2000): tests/golden/song2000/*.

Made with Brian2 2.9.0, C++ standalone, dt 0.1 ms. `statistics.json`: the example itself (Euler), 100 s, as copies side
by side with random numbers of their own. `spikes.npz`: 2 s of one copy with exponential Euler steps, the inputs and the
initial weights given, so that another simulator can be compared spike for spike. Run from the repository root:

    python tests/oracles/brian2_song2000.py [--copies 8]
"""

import argparse
import json
import tempfile

import brian2 as b2
import numpy as np
from brian2 import Hz, ms, mV
from golden import GOLDEN

P = {
    "inputs": 1000,
    "rate_hz": 15.0,
    "tau_m": 10.0,
    "v_rest": -74.0,
    "v_th": -54.0,
    "v_reset": -60.0,
    "e_exc": 0.0,
    "tau_exc": 5.0,
    "tau_plus": 20.0,
    "tau_minus": 20.0,
    "g_max": 0.01,
    "a_plus": 0.01,
    "ratio": 1.05,
}
DT, SECONDS, WINDOW, SEED = 0.1, 100.0, 20.0, 2000
NEURON = """dv/dt = (ge * (Ee - v) + El - v) / taum : volt
            dge/dt = -ge / taue : 1"""
SYNAPSE = """w : 1
             dApre/dt = -Apre / taupre : 1 (event-driven)
             dApost/dt = -Apost / taupost : 1 (event-driven)"""
ON_PRE = """ge += w
            Apre += dApre
            w = clip(w + Apost, 0, gmax)"""
ON_POST = """Apost += dApost
             w = clip(w + Apre, 0, gmax)"""
SPACE = {
    "taum": P["tau_m"] * ms,
    "taue": P["tau_exc"] * ms,
    "taupre": P["tau_plus"] * ms,
    "taupost": P["tau_minus"] * ms,
    "Ee": P["e_exc"] * mV,
    "El": P["v_rest"] * mV,
    "vt": P["v_th"] * mV,
    "vr": P["v_reset"] * mV,
    "gmax": P["g_max"],
    "dApre": P["a_plus"] * P["g_max"],
    "dApost": -P["ratio"] * P["a_plus"] * P["g_max"],
}
DEFINITIONS = {
    "low, high": f"fraction of weights below 0.1 and above 0.9 g_max at {SECONDS:g} s",
    "mean": f"mean weight / g_max at {SECONDS:g} s",
    "rate_hz, cv": f"of the neuron in the last {WINDOW:g} s; cv = sd / mean of its intervals",
    "rate_begin_hz": "of the neuron in the first 10 s",
}


def network(source, copies, method):
    neurons = b2.NeuronGroup(copies, NEURON, threshold="v > vt", reset="v = vr", method=method, namespace=SPACE)
    synapses = b2.Synapses(source, neurons, SYNAPSE, on_pre=ON_PRE, on_post=ON_POST, namespace=SPACE)
    synapses.connect(j=f"i // {P['inputs']}")
    return neurons, synapses, b2.SpikeMonitor(neurons)


def run(seconds, build):
    with tempfile.TemporaryDirectory() as directory:
        b2.set_device("cpp_standalone", build_on_run=True, directory=directory)
        b2.start_scope()
        b2.defaultclock.dt = DT * ms
        b2.seed(SEED)
        source, neurons, synapses, spikes = build()
        b2.Network(source, neurons, synapses, spikes).run(seconds * b2.second)
        out = np.rint(np.asarray(spikes.t / ms) / DT).astype(int), np.array(spikes.i), np.array(synapses.w[:])
        b2.device.reinit()
        return out


def statistics(copies):
    def build():
        source = b2.PoissonGroup(P["inputs"] * copies, rates=P["rate_hz"] * Hz)
        neurons, synapses, spikes = network(source, copies, "euler")
        synapses.w = "rand() * gmax"
        return source, neurons, synapses, spikes

    step, neuron, w = run(SECONDS, build)
    rows = {name: [] for name in ("low", "high", "mean", "rate_hz", "cv", "rate_begin_hz")}
    for copy, x in enumerate(w.reshape(copies, -1) / P["g_max"]):
        t = step[neuron == copy] * DT * 1e-3
        late = np.diff(t[t >= SECONDS - WINDOW])
        values = np.mean(x < 0.1), np.mean(x > 0.9), x.mean(), np.sum(t >= SECONDS - WINDOW) / WINDOW
        for name, value in zip(rows, (*values, late.std() / late.mean(), np.sum(t < 10.0) / 10.0), strict=True):
            rows[name].append(round(float(value), 5))
    summary = {x: {"mean": np.mean(v), "sd": np.std(v, ddof=1), "per_seed": v} for x, v in rows.items()}
    histogram = np.histogram(w / P["g_max"], bins=10, range=(0.0, 1.0))[0] / copies
    return {"copies": copies, "seconds": SECONDS, **summary, "histogram": histogram.tolist()}


def spikes(seconds=2.0):
    rng = np.random.default_rng(SEED)
    steps, n = round(seconds * 1e3 / DT), P["inputs"]
    in_step, in_neuron = np.nonzero(rng.random((steps, n)) < P["rate_hz"] * DT * 1e-3)
    w0 = rng.random(n).astype(np.float32).astype(float) * P["g_max"]

    def build():
        source = b2.SpikeGeneratorGroup(n, in_neuron, in_step * DT * ms)
        neurons, synapses, monitor = network(source, 1, "exponential_euler")
        neurons.v = SPACE["El"]
        synapses.w = w0
        return source, neurons, synapses, monitor

    step, _, w = run(seconds, build)
    return {
        "in_step": in_step.astype(np.int16),
        "in_neuron": in_neuron.astype(np.int16),
        "w0": w0,
        "step": step,
        "w": w,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--copies", type=int, default=8)
    copies = parser.parse_args().copies
    head = {
        "simulator": f"Brian2 {b2.__version__}",
        "dt": DT,
        "seed": SEED,
        "parameters": P,
        "definitions": DEFINITIONS,
    }
    np.savez_compressed(GOLDEN / "song2000" / "spikes.npz", params=json.dumps(head), **spikes())
    (GOLDEN / "song2000" / "statistics.json").write_text(json.dumps(head | statistics(copies), indent=1) + "\n")


if __name__ == "__main__":
    main()
