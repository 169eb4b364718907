"""The cells of three examples of Brian2 under given spikes: tests/golden/presets_brian2.npz.

Made with Brian2 2.9.0, numpy, float64, dt 0.1 ms. CUBA and COBAHH are the cells of the examples of those names, COBA
that of benchmark 1 of Brette et al. (2007). `times`, `neuron`, `port`: input spikes, ms (off the grid), of the neuron
and of variable ge (0) or gi (1), with the weights of `CASES`; they pass a SpikeGeneratorGroup and synapses without
delay. `<case>.step`, `<case>.neuron`: spikes. `<case>.v`: membranes after each of the first 400 steps, (steps, n).
Run from the repository root: python tests/oracles/presets_brian2.py
"""

import pathlib

import brian2 as b2
import numpy as np

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
N, T, SPIKES = 3, 200.0, 900
CUBA = """dv/dt = (ge + gi - (v - (-49)))/(20*ms) : 1 (unless refractory)
dge/dt = -ge/(5*ms) : 1
dgi/dt = -gi/(10*ms) : 1"""
COBA = """dv/dt = (-60 - v + ge*(0 - v) + gi*(-80 - v))/(20*ms) : 1 (unless refractory)
dge/dt = -ge/(5*ms) : 1
dgi/dt = -gi/(10*ms) : 1"""
COBAHH = """dv/dt = (10*(-60 - v) + ge*(0 - v) + gi*(-80 - v) - 20000*m**3*h*(v - 50) - 6000*n**4*(v + 90))/200/ms : 1
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
beta_n = 0.5*exp((10 - v - 63)/40) : 1"""
CASES = {  # equations, threshold, reset, refractory ms, method, weights, where v starts
    "CUBA": (CUBA, "v > -50", "v = -60", 5.0, "exact", (5.0, -9.0), -60.0),
    "COBA": (COBA, "v > -50", "v = -60", 5.0, "exponential_euler", (0.6, 6.7), -60.0),
    "COBAHH": (COBAHH, "v > -20", "", 3.0, "exponential_euler", (6.0, 67.0), -60.0),
}


def run(case, times, neuron, port):
    equations, threshold, reset, refractory, method, weights, v0 = CASES[case]
    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = 0.1 * b2.ms
    cells = b2.NeuronGroup(
        N, equations, threshold=threshold, reset=reset or None, refractory=refractory * b2.ms, method=method
    )
    cells.v = v0
    parts = [cells]
    for k, (variable, weight) in enumerate(zip(("ge", "gi"), weights)):
        some = port == k
        source = b2.SpikeGeneratorGroup(N, neuron[some], times[some] * b2.ms)
        synapses = b2.Synapses(source, cells, on_pre=f"{variable} += {weight}")
        synapses.connect(j="i")
        parts += [source, synapses]
    spikes, trace = b2.SpikeMonitor(cells), b2.StateMonitor(cells, "v", record=True)
    b2.Network(*parts, spikes, trace).run(T * b2.ms)
    return np.rint(spikes.t / b2.ms / 0.1).astype(int), np.asarray(spikes.i), np.asarray(trace.v).T


def main():
    rng = np.random.default_rng(8)
    step = rng.choice(int(T * 10) * N, SPIKES, replace=False)
    neuron, step = step % N, step // N
    times = np.round(step * 0.1 + rng.choice([0.0, 0.03, 0.07], SPIKES), 3)  # Brian2 takes the step they lie in
    port = (rng.random(SPIKES) < 0.15).astype(int)
    out = {"times": times, "neuron": neuron.astype(np.int8), "port": port.astype(np.int8)}
    for case in CASES:
        at, who, v = run(case, times, neuron, port)
        print(case, len(at), at[:8], flush=True)
        out |= {f"{case}.step": at.astype(np.int16), f"{case}.neuron": who.astype(np.int8), f"{case}.v": v[1:401]}
    np.savez_compressed(GOLDEN / "presets_brian2.npz", **out)


if __name__ == "__main__":
    main()
