"""Statistics of the Brunel (2000) network in NEST: tests/golden/nest_brunel.json.

2500 neurons with the full in-degree of the paper (1000 + 250), four regimes, ten seeds each. Made with NEST 3.10.0,
iaf_psc_delta, dt 0.1 ms, two threads (NEST's random numbers depend on the number of threads). The definitions of the
statistics are in the file, under "definitions". Run from the repository root (about 10 minutes):

    python tests/oracles/nest_brunel.py [--seeds 10] [--threads 2]
"""

import argparse
import json

import nest
import numpy as np
from golden import DT, GOLDEN, isi_cv

WARM_UP, WINDOW, BIN = 200.0, 1000.0, 0.5  # ms
REGIMES = {"SR": (3.0, 2.0), "SI_fast": (6.0, 4.0), "AI": (5.0, 2.0), "SI_slow": (4.5, 0.9)}  # g, eta
NETWORK = {"n_exc": 2000, "n_inh": 500, "c_exc": 1000, "c_inh": 250, "J": 0.1, "delay": 1.5, "dt": DT}
CELL = {"C_m": 1.0, "tau_m": 20.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 10.0, "t_ref": 2.0}
DEFINITIONS = {
    "network": "every neuron draws c_exc sources among the excitatory and c_inh among the inhibitory neurons, "
    "uniformly with replacement (autapses and multapses allowed); weights J, -g J mV, jumps in v; V_m0 ~ U(0, 20) mV",
    "external": "independent Poisson train to each neuron, rate c_exc * eta * nu_thr, weight J; "
    "nu_thr = V_th / (J c_exc tau_m) = 10 Hz",
    "window": f"{WARM_UP:g} < t <= {WARM_UP + WINDOW:g} ms",
    "rate_hz": "spikes of all neurons in the window / neurons / window",
    "isi_cv": "mean over neurons with at least 5 spikes in the window of std/mean (population std) of their intervals",
    "peak_hz": f"argmax, above 8 Hz, of the periodogram |FFT|^2 of the mean-subtracted spike counts of all neurons in "
    f"bins of {BIN} ms over the window (resolution 1 Hz); noisy where there is no oscillation",
    "peak_power": "height of that peak over the mean of the periodogram above 8 Hz",
    "fano": f"variance/mean of the same counts in bins of {BIN} ms",
    "peak_hz_of_mean": "argmax, above 8 Hz, of the periodogram averaged over seeds",
}


def run(g, eta, seed, threads):
    n, net = NETWORK["n_exc"] + NETWORK["n_inh"], NETWORK
    nest.ResetKernel()
    nest.set(resolution=DT, local_num_threads=threads, rng_seed=seed)
    cells = nest.Create("iaf_psc_delta", n, params=CELL)
    cells.V_m = np.random.default_rng(seed).uniform(0.0, CELL["V_th"], n)
    exc, inh = cells[: net["n_exc"]], cells[net["n_exc"] :]
    for pre, indegree, weight in ((exc, net["c_exc"], net["J"]), (inh, net["c_inh"], -g * net["J"])):
        rule = {"rule": "fixed_indegree", "indegree": indegree, "allow_autapses": True, "allow_multapses": True}
        nest.Connect(pre, cells, rule, {"weight": weight, "delay": net["delay"]})
    nu_thr = CELL["V_th"] / (net["J"] * net["c_exc"] * CELL["tau_m"]) * 1e3  # Hz
    source = nest.Create("poisson_generator", params={"rate": net["c_exc"] * eta * nu_thr})
    nest.Connect(source, cells, syn_spec={"weight": net["J"], "delay": net["delay"]})
    recorder = nest.Create("spike_recorder", params={"start": WARM_UP, "stop": WARM_UP + WINDOW})
    nest.Connect(cells, recorder)
    nest.Simulate(WARM_UP + WINDOW + DT)
    step = np.rint(recorder.events["times"] / DT).astype(int) - int(WARM_UP / DT) - 1
    return step, recorder.events["senders"] - 1, n


def statistics(step, neuron, n):
    per_bin = round(BIN / DT)
    counts = np.bincount(step // per_bin, minlength=int(WINDOW / BIN)).astype(float)
    power = np.abs(np.fft.rfft(counts - counts.mean())) ** 2
    hz = np.fft.rfftfreq(counts.size, BIN * 1e-3)
    power, hz = power[hz > 8.0], hz[hz > 8.0]
    values = {
        "rate_hz": step.size / n / WINDOW * 1e3,
        "isi_cv": isi_cv(step, neuron, n),
        "peak_hz": hz[power.argmax()],
        "peak_power": power.max() / power.mean(),
        "fano": counts.var() / counts.mean(),
    }
    return {k: round(float(v), 4) for k, v in values.items()}, power, hz


def summary(rows):
    columns = {k: [row[k] for row in rows] for k in rows[0]}
    return {
        k: {"mean": round(float(np.mean(v)), 4), "sd": round(float(np.std(v, ddof=1)), 4), "per_seed": v}
        for k, v in columns.items()
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    nest.verbosity = nest.VerbosityLevel.ERROR
    seeds = list(range(1, args.seeds + 1))
    out = {
        "simulator": f"NEST {nest.__version__}",
        "threads": args.threads,
        "seeds": seeds,
        "network": NETWORK,
        "cell": CELL,
        "warm_up_ms": WARM_UP,
        "window_ms": WINDOW,
        "bin_ms": BIN,
        "definitions": DEFINITIONS,
        "regimes": {},
    }
    for name, (g, eta) in REGIMES.items():
        rows, spectra = [], []
        for seed in seeds:
            row, power, hz = statistics(*run(g, eta, seed, args.threads))
            rows.append(row)
            spectra.append(power)
            print(name, seed, row, flush=True)
        peak = float(hz[np.mean(spectra, axis=0).argmax()])
        out["regimes"][name] = dict(g=g, eta=eta, **summary(rows), peak_hz_of_mean=peak)
    (GOLDEN / "nest_brunel.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
