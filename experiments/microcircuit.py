"""The cortical microcircuit of Potjans and Diesmann (2014): a square millimetre of cortex, 77 169 neurons.

Four layers with an excitatory and an inhibitory population each, and 299 million synapses at full size, their weights
and delays drawn one by one. At a smaller scale neurons and in-degrees shrink together; weights grow and a current is
added so that every neuron's mean input and its fluctuations stay, and the rates nearly (van Albada et al. 2015).

    python experiments/microcircuit.py                         # a tenth of it, beside NEST's seeds
    python experiments/microcircuit.py --seeds 8               # the whole protocol
    python experiments/microcircuit.py --scale 1 --drive dc --window 1000
    python experiments/microcircuit.py --c                     # the steps in C

Rates, irregularity (CV of intervals) and correlations of every population are compared with those that NEST's authors'
own model has over its seeds: by the Kolmogorov-Smirnov distance of the distributions over neurons and pairs, which has
to be what two of NEST's seeds have. A constant current in place of the Poisson input (`--drive dc`) is for full size:
below 0.41 some populations fall silent.

References: Potjans and Diesmann, Cereb. Cortex 24:785 (2014); van Albada, Helias and Diesmann, PLoS Comput. Biol.
11:e1004490 (2015); Senk et al. (2026) for the protocol.
"""

import argparse
import json
import resource
import time
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

import jaxsnn as snn
from jaxsnn.analysis.statistics import isi_cv, pairwise_correlation

NAMES = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
PROBABILITY = np.array(  # of a synapse between a pair: [to, from]
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000],
        [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
    ]
)
EXTERNAL = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])  # synapses of a neuron from outside
RATES = np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829])  # Hz, at full size
START = {  # mV: mean and standard deviation of the initial potentials
    "optimised": (
        (-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43),
        (5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48),
    ),
    "original": ((-58.0,) * 8, (10.0,) * 8),
}
TAU, C, V_REST, V_TH, T_REF, TAU_SYN = 10.0, 250.0, -65.0, -50.0, 2.0, 0.5  # ms, pF, mV, mV, ms, ms
PSP, G, BACKGROUND, SPREAD = 0.15, -4.0, 8.0, 0.1  # mV, of excitation, Hz, of a weight
DELAY = {"E": 1.5, "I": 0.75}  # ms; the standard deviation is half
LONGEST = {"E": 7.5, "I": 3.75}  # ms: eight standard deviations beyond the mean
DT, WARM_UP = 0.1, 500.0  # ms
NEST = Path(__file__).parents[1] / "tests" / "golden" / "microcircuit_nest.json"


def weight_of(psp):
    """The weight in pA whose postsynaptic potential has this amplitude in mV."""
    ratio = TAU / TAU_SYN
    peak = ratio ** (-1.0 / (ratio - 1.0)) - ratio ** (-ratio / (ratio - 1.0))
    return psp * C * (TAU - TAU_SYN) / (TAU * TAU_SYN * peak)


class Numbers(NamedTuple):
    """What the network is made of at a scale; arrays by population, `[to, from]` for synapses."""

    neurons: np.ndarray
    synapses: np.ndarray
    weights: np.ndarray  # pA, means
    external: float  # pA
    sources: np.ndarray  # synapses of a neuron from outside
    current: np.ndarray  # pA


def numbers(scale=1.0, drive="poisson", doubled=2.0):
    """`doubled`: the weight from L4E to L23E, of that of other excitation."""
    synapses = np.log1p(-PROBABILITY) / np.log1p(-1.0 / np.outer(SIZES, SIZES))
    external = weight_of(PSP)
    weights = np.where(np.arange(8) % 2, G * external, external) * np.ones((8, 8))
    weights[0, 2] *= doubled
    means = BACKGROUND * EXTERNAL * external * TAU_SYN * 1e-3  # pA, of the input from outside
    recurrent = (weights * synapses / SIZES[:, None]) @ RATES * TAU_SYN * 1e-3
    lost = 1.0 - np.sqrt(scale)  # of the mean input, as K shrinks by `scale` and weights grow by 1 / sqrt(scale)
    current = lost * recurrent + (means if drive == "dc" else lost * means)
    return Numbers(
        np.rint(SIZES * scale).astype(int),
        np.rint(synapses * scale**2).astype(int),
        weights / np.sqrt(scale),
        external / np.sqrt(scale),
        np.rint(EXTERNAL * scale),
        current,
    )


def network(scale=1.0, drive="poisson", start="optimised", doubled=2.0, *, key):
    """The network and its drive: Poisson trains into every neuron, or None where a current stands for them."""
    made = numbers(scale, drive, doubled)

    def population(i):
        cell = snn.LIF(TAU, V_REST, V_TH, V_REST, T_REF, float(made.current[i]), gain=snn.gains.Capacitance(C))
        potential = snn.Normal(START[start][0][i], START[start][1][i])
        ports = {"in": snn.Exponential(TAU_SYN)}  # excitation and inhibition decay alike: one port for both
        return snn.Population(cell, int(made.neurons[i]), ports=ports, init={"v": potential})

    def connection(post, pre):
        kind, mean = NAMES[pre][-1], float(made.weights[post, pre])
        lo, hi = (0.0, np.inf) if kind == "E" else (-np.inf, 0.0)
        return snn.Connection(
            NAMES[pre],
            NAMES[post],
            snn.FixedTotal(int(made.synapses[post, pre])),
            weight=snn.Normal(mean, SPREAD * abs(mean), lo, hi),
            delay=snn.Normal(DELAY[kind], DELAY[kind] / 2, lo=0.5001 * DT, hi=LONGEST[kind]),  # rounded to steps >= 1
        )

    net = snn.network(
        dt=DT,
        key=key,
        populations={name: population(i) for i, name in enumerate(NAMES)},
        projections={
            f"{NAMES[pre]}-{NAMES[post]}": connection(post, pre)
            for post in range(8)
            for pre in range(8)
            if made.synapses[post, pre]
        },
    )
    if drive == "dc":
        return net, None
    rates = BACKGROUND * made.sources
    trains = [snn.Poisson(float(rate), made.external, into=name) for rate, name in zip(rates, NAMES, strict=True)]
    return net, sum(trains[1:], trains[0])


RECORD = {name: snn.Raster(name) for name in NAMES}


def spikes(net, drive, window, *, key, **options):
    """The spikes of every population in a window after the warm-up, bit-packed, and its size."""
    run = snn.simulate(net, drive, t=WARM_UP + window, key=key, record=RECORD, **options)
    first = round(WARM_UP / DT)
    return {name: (np.asarray(run[name].words)[first:], run[name].n) for name in NAMES}


def rate(words, n):
    """Spikes a second of a neuron, Hz."""
    return float(np.bitwise_count(words).sum(dtype=np.int64)) / (n * len(words) * DT * 1e-3)


# --- statistics, as histograms with the edges of NEST's ---------------------------------------------------------------


def histogram(values, edges):
    """Counts of the values that there are; what lies outside is in the first or the last bin."""
    values = np.asarray(values, float)
    return np.histogram(np.clip(values[np.isfinite(values)], edges[0], edges[-1]), edges)[0]


def statistics(words, n, nest):
    """Spikes of each neuron, irregularity and correlations of a population."""
    some = min(n, nest["neurons"])
    with np.errstate(invalid="ignore", divide="ignore"):  # of silent neurons
        correlation = pairwise_correlation(words[:, : -(-some // 32)], nest["bin_ms"], dt=DT, n=some)
        return {
            "count": np.bincount(snn.analysis.unpack(words, n).sum(axis=0, dtype=int)),
            "cv": histogram(isi_cv(words, n=n), nest["edges"]["cv"]),
            "correlation": histogram(correlation, nest["edges"]["correlation"]),
        }


def distance(one, other):
    """Kolmogorov and Smirnov's: the largest difference of two cumulative distributions given as histograms.

    1 where one of them is empty: silent neurons have neither intervals nor correlations.
    """
    if not (np.sum(one) and np.sum(other)):
        return 1.0
    size = max(len(one), len(other))
    share = lambda counts: np.cumsum(np.pad(np.asarray(counts, float), (0, size - len(counts)))) / np.sum(counts)
    return float(np.max(np.abs(share(one) - share(other))))


def compared(rasters, nest, window):
    """By population and statistic: the mean distance to NEST's seeds, and mean and spread of that of each of them."""
    found = {}
    for name, (words, n) in rasters.items():
        own, theirs = statistics(words, n, nest), nest["windows"][f"{window:g}"][name]
        for what, histogram_of_ours in own.items():
            seeds = [seed[what] for seed in theirs]
            ours = np.mean([distance(histogram_of_ours, seed) for seed in seeds])
            among = [
                np.mean([distance(one, other) for other in seeds if other is not one]) for one in seeds
            ]  # of each seed to the others
            found[name, what] = float(ours), float(np.mean(among)), float(np.std(among, ddof=1))
    return found


# --- the command ------------------------------------------------------------------------------------------------------


def plot(rasters, path, window):
    """Every spike of a part of the neurons over 300 ms, and the rates of the populations."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 5.5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 1))
    steps, at, ticks = round(300.0 / DT), 0, []
    colours = {"E": "tab:blue", "I": "tab:red"}
    for name in reversed(NAMES):
        words, n = rasters[name]
        part = snn.analysis.unpack(words[-steps:], n)[:, : max(1, n * 1000 // sum(n for _, n in rasters.values()))]
        step, neuron = np.nonzero(part)
        left.plot(step * DT + window - 300.0, neuron + at, ".", markersize=2.0, color=colours[name[-1]])
        ticks.append(at + part.shape[1] / 2)
        at += part.shape[1] + 4
    left.set(xlabel="time after the warm-up (ms)", ylim=(-4, at), xlim=(window - 300.0, window))
    left.set_yticks(ticks, list(reversed(NAMES)))
    rates = [rate(*rasters[name]) for name in reversed(NAMES)]
    right.barh(range(8), rates, color=[colours[name[-1]] for name in reversed(NAMES)])
    right.plot(RATES[::-1], range(8), "k|", markersize=14, label="NEST, full size")
    right.set(xlabel="rate (Hz)")
    right.set_yticks(range(8), list(reversed(NAMES)))
    right.legend(frameon=False)
    figure.savefig(path, dpi=120)


def peak_bytes():
    """The most memory that the process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    """Builds the network, runs it, and prints rates and distances."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--drive", choices=("poisson", "dc"), default="poisson")
    parser.add_argument("--start", choices=tuple(START), default="optimised")
    parser.add_argument("--window", type=float, default=2000.0, help="ms, after a warm-up of 500")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--c", action="store_true", help="steps in C")
    parser.add_argument("--plot", type=Path, help="where the picture goes")
    given = parser.parse_args()
    nest = json.loads(NEST.read_text())
    known = given.scale == nest["scale"] and given.drive == "poisson" and f"{given.window:g}" in nest["windows"]
    compiler = snn.compilers.C() if given.c else snn.compilers.XLA()
    for seed in range(given.seeds):
        graph, inputs = jax.random.split(jax.random.key(seed))
        clock = time.perf_counter(), time.process_time()
        net, drive = network(given.scale, given.drive, given.start, key=graph)
        spent = [b - a for a, b in zip(clock, (time.perf_counter(), time.process_time()))]
        count = sum(p.graph.shape[0] for p in net.projections.values())
        print(f"seed {seed}: {sum(net.sizes.values())} neurons, {count} synapses")
        print(
            f"built in {spent[0]:.1f} s ({spent[1]:.1f} CPU s); peak {peak_bytes() / count:.1f} bytes a synapse in all"
        )
        clock = time.perf_counter(), time.process_time()
        snn.simulate(net, drive, steps=1, key=inputs, record=RECORD, compiler=compiler)
        spent = [b - a for a, b in zip(clock, (time.perf_counter(), time.process_time()))]
        print(f"prepared and compiled in {spent[0]:.1f} s ({spent[1]:.1f} CPU s)")
        clock = time.perf_counter(), time.process_time()
        rasters = spikes(net, drive, given.window, key=inputs, compiler=compiler)
        spent = [b - a for a, b in zip(clock, (time.perf_counter(), time.process_time()))]
        seconds = (WARM_UP + given.window) * 1e-3
        print(f"real-time factor {spent[0] / seconds:.2f} ({spent[1] / seconds:.2f} of CPU)")
        print(f"peak {peak_bytes() / 2**30:.2f} GiB")
        rates = {name: rate(*own) for name, own in rasters.items()}
        found = compared(rasters, nest, given.window) if known else {}
        print(
            f"{'':6}{'rate (Hz)':>10}"
            + (f"{'KS to NEST, and NEST among itself: rate, CV, correlation':>64}" if found else "")
        )
        for name, hz in rates.items():
            cells = [
                f"{ours:10.3f} ({mean:.3f} +- {sd:.3f})" for (n, _), (ours, mean, sd) in found.items() if n == name
            ]
            print(f"{name:6}{hz:10.2f}" + "".join(cells))
    if given.plot:
        plot(rasters, given.plot, given.window)


if __name__ == "__main__":
    main()
