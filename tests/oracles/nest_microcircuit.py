"""Statistics of the Potjans-Diesmann microcircuit in NEST at a tenth of its size: tests/golden/microcircuit_nest.json.

The network is built and the statistics are computed by the `microcircuit` package of NEST's authors; what is written
here are histograms of them, by population and seed. Made with `microcircuit` 1.0, NEST 3.10.0, one thread. Run from the
repository root (a minute of processor time a seed):

    python tests/oracles/nest_microcircuit.py [--seeds 7] [--threads 1]
"""

import argparse
import contextlib
import copy
import io
import json
import tempfile

import microcircuit
import nest
import numpy as np
from golden import GOLDEN
from microcircuit import helpers
from microcircuit.network_params import default_net_dict
from microcircuit.sim_params import default_sim_dict
from microcircuit.stimulus_params import default_stim_dict

SCALE, WARM_UP, WINDOWS = 0.1, 500.0, (2000.0,)  # ms
BIN, NEURONS = 2.0, 200  # ms; of each population, for correlations
EDGES = {"cv": np.arange(0.0, 2.0001, 0.02), "correlation": np.arange(-0.1, 0.3001, 0.004)}
DEFINITIONS = {
    "network": f"N_scaling = K_scaling = {SCALE}, Poisson input, optimised initial potentials, else the defaults",
    "window": f"the spikes after {WARM_UP:g} ms, for as long as the name of the window says (ms)",
    "count": "spikes of each neuron in the window; histogram[k]: neurons with k of them",
    "cv": "standard deviation / mean of the intervals of each neuron with at least 3 spikes",
    "correlation": f"Pearson, counts in bins of {BIN:g} ms, all pairs of the first {NEURONS} neurons (or all there "
    "are); pairs with a silent neuron have none",
    "edges": "of the bins of the histograms; what lies outside is counted in the first or the last",
}


def run(seed: int, threads: int) -> list[dict[str, np.ndarray]]:
    """Spike times and senders of every population, senders counted from 0, and the sizes."""
    network = copy.deepcopy(default_net_dict) | {"N_scaling": SCALE, "K_scaling": SCALE, "bg_input_type": "poisson"}
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        simulation = default_sim_dict | {
            "data_path": folder,
            "rng_seed": seed,
            "local_num_threads": threads,
            "print_time": False,
        }
        net = microcircuit.Network(simulation, network, default_stim_dict)
        net.create()
        net.connect()
        net.simulate(WARM_UP + max(WINDOWS))
        return [
            {**helpers.load_spike_data(folder, f"spike_recorder-{device.global_id}"), "ids": np.array(pop.tolist())}
            for device, pop in zip(net.spike_recorders, net.pops, strict=True)
        ]


def histogram(values, edges) -> list[int]:
    values = np.asarray(values, float)
    inside = np.clip(values[np.isfinite(values)], edges[0], edges[-1])
    return np.histogram(inside, edges)[0].tolist()


def statistics(spikes: dict[str, np.ndarray], window: float) -> dict[str, object]:
    interval, ids = (WARM_UP, WARM_UP + window), spikes["ids"]
    after = spikes["times"] > WARM_UP  # the package's own truncation counts from the first spike that it is given
    given = {name: spikes[name][after] for name in ("senders", "times")}
    rates = np.array(helpers.time_averaged_single_neuron_firing_rates(given, ids, interval))
    cv = helpers.single_neuron_isi_cvs(given, ids, interval)
    with np.errstate(invalid="ignore", divide="ignore"):  # of silent neurons
        correlation = helpers.pairwise_spike_count_correlations(given, ids[:NEURONS], interval, BIN)
    return {
        "rate_hz": round(float(rates.mean()), 4),
        "count": np.bincount(np.rint(rates * window * 1e-3).astype(int)).tolist(),
        "mean_cv": round(float(cv.mean()), 4),
        "cv": histogram(cv, EDGES["cv"]),
        "mean_correlation": round(float(np.nanmean(correlation)), 6),
        "correlation": histogram(correlation, EDGES["correlation"]),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    nest.verbosity = nest.VerbosityLevel.ERROR
    names = default_net_dict["populations"]
    out = {
        "simulator": f"NEST {nest.__version__}, microcircuit {microcircuit.__version__}",
        "threads": args.threads,
        "seeds": [],
        "scale": SCALE,
        "warm_up_ms": WARM_UP,
        "bin_ms": BIN,
        "neurons": NEURONS,
        "definitions": DEFINITIONS,
        "edges": {name: np.round(edges, 6).tolist() for name, edges in EDGES.items()},
        "windows": {f"{window:g}": {name: [] for name in names} for window in WINDOWS},
    }
    for seed in range(1, args.seeds + 1):
        for name, spikes in zip(names, run(seed, args.threads), strict=True):
            for window in WINDOWS:
                out["windows"][f"{window:g}"][name].append(statistics(spikes, window))
        out["seeds"].append(seed)
        (GOLDEN / "microcircuit_nest.json").write_text(json.dumps(out) + "\n")
        print(seed, {name: out["windows"]["2000"][name][-1]["rate_hz"] for name in names}, flush=True)


if __name__ == "__main__":
    main()
