"""Statistics of random trains and of trains at edges by Elephant and PySpike: `analysis.npz`; and more of its kind.

In an environment with `elephant` 1.2, `pyspike` 0.9, `mrestimator` 0.2, `pynapple` 0.11 and, without what it needs
else, `ethograph` 0.2.55 (whose bursts were held against those in R of Cotterill et al. 2016), from the root:
`python tests/oracles/elephant_pyspike.py`.
"""

import importlib.metadata
import importlib.util
import warnings
from pathlib import Path

import elephant
import elephant.kernels as kernels
import elephant.spectral as spectral
import elephant.spike_train_correlation as correlation
import elephant.spike_train_dissimilarity as dissimilarity
import elephant.spike_train_synchrony as synchrony
import elephant.statistics as statistics
import mrestimator
import neo
import numpy as np
import pynapple
import pyspike
import quantities as pq
from elephant.conversion import BinnedSpikeTrain

for folder in importlib.metadata.files("ethograph"):  # one module of it, without what the rest imports
    if str(folder).endswith("features/bursts.py"):
        spec = importlib.util.spec_from_file_location("bursts", folder.locate())
        bursts = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(bursts)

GOLDEN = Path(__file__).parents[1] / "golden" / "analysis.npz"
END = 1000.0  # ms
NAN = float("nan")


def random_trains(rng):
    """Poisson trains of 2 to 60 Hz, one of which is mostly a copy of another, a clock, and bursts."""
    trains = [np.sort(rng.uniform(0.0, END, rng.poisson(rate))) for rate in (2, 5, 12, 20, 40, 60)]
    trains.append(
        np.sort(np.append(trains[4][::2] + rng.normal(0.0, 1.5, len(trains[4][::2])), rng.uniform(0, END, 5)))
    )
    trains.append(np.arange(7.3, END, 31.0))
    trains.append(np.sort(np.concatenate([at + np.cumsum(rng.exponential(4.0, 6)) for at in rng.uniform(0, 900, 8)])))
    return [np.clip(train, 0.01, END - 0.01) for train in trains]


EDGES = [  # none, one, two, at the edges of the window, equal to those of another train
    [],
    [400.0],
    [0.0, 1000.0],
    [0.0, 300.0, 700.0],
    [250.0, 300.0, 1000.0],
    [300.0],
    [100.0, 200.0, 300.0, 700.0],
    [0.0, 5.0, 10.0],
    [990.0, 995.0],
    [400.0, 405.0],
]


def matrix(of, n):
    found = np.full((n, n), NAN)
    for i in range(n):
        for j in range(n):
            found[i, j] = of(i, j)
    return found


def of_trains(trains):
    """What depends on trains alone."""
    n = len(trains)
    neos = [neo.SpikeTrain(train, units="ms", t_start=0.0, t_stop=END) for train in trains]
    mine = [pyspike.SpikeTrain(train, (0.0, END)) for train in trains]
    intervals = [np.diff(train) for train in trains]
    enough = [x if len(x) > 1 else None for x in intervals]
    out = {
        "rate": [float(statistics.mean_firing_rate(x).rescale("Hz")) for x in neos],
        "cv": [statistics.cv(x) if len(x) else NAN for x in intervals],
        "cv2": [NAN if x is None else statistics.cv2(x) for x in enough],
        "lv": [NAN if x is None else statistics.lv(x) for x in enough],
        "lvr": [NAN if x is None else statistics.lvr(x * pq.ms, R=3.0 * pq.ms) for x in enough],
        "fanofactor": statistics.fanofactor(neos),
    }
    for width in (2.0, 10.0):
        out[f"sttc_{width:g}"] = matrix(
            lambda i, j, w=width: correlation.spike_time_tiling_coefficient(neos[i], neos[j], dt=w * pq.ms), n
        )
    for tau in (5.0, 100.0):
        out[f"van_rossum_{tau:g}"] = dissimilarity.van_rossum_distance(neos, tau * pq.ms)
    for q in (0.0, 5.0, 200.0):
        out[f"victor_purpura_{q:g}"] = dissimilarity.victor_purpura_distance(neos, q * pq.Hz)
    pairs = {"isi": pyspike.isi_distance, "spike": pyspike.spike_distance, "sync": pyspike.spike_sync}
    for name, of in pairs.items():
        out[f"pyspike_{name}"] = matrix(lambda i, j, of=of: of(mine[i], mine[j]), n)
    out["pyspike_mean"] = [pyspike.isi_distance(mine), pyspike.spike_distance(mine), pyspike.spike_sync(mine)]
    return out


def of_bins(trains):
    """What is made of binned trains, and kernels."""
    neos = [neo.SpikeTrain(train, units="ms", t_start=0.0, t_stop=END) for train in trains]
    bins = BinnedSpikeTrain(neos, bin_size=10.0 * pq.ms)
    counts = bins.to_array().T
    out = {
        "counts": counts,
        "histogram": statistics.time_histogram(neos, 10.0 * pq.ms, output="rate").rescale("Hz").magnitude[:, 0],
        "covariance": correlation.covariance(bins),
        "correlation": correlation.correlation_coefficient(bins),
        "contrast": synchrony.spike_contrast(neos),
    }
    one, other = (BinnedSpikeTrain([neos[i]], bin_size=10.0 * pq.ms) for i in (4, 6))
    for name, more in {
        "plain": {},
        "border": {"border_correction": True},
        "normed": {"cross_correlation_coefficient": True},
    }.items():
        histogram, lags = correlation.cross_correlation_histogram(
            one, other, window=[-20, 20], **more
        )  # it fails for unequal edges
        out[f"cch_{name}"], out["lags"] = histogram.magnitude[:, 0], lags
    rate = counts.sum(axis=1) * 1.0
    out["welch_f"], out["welch"] = spectral.welch_psd(rate, fs=100.0)
    _, out["coherence"], _ = spectral.welch_coherence(rate, counts[:, 5] * 1.0, fs=100.0)
    t = np.linspace(-40.0, 40.0, 161)
    for name in ("Gaussian", "Laplacian", "Exponential", "Alpha", "Rectangular", "Triangular", "EpanechnikovLike"):
        kernel = getattr(kernels, f"{name}Kernel")(7.0 * pq.ms)
        out[f"kernel_{name}"] = kernel(t * pq.ms).rescale(1 / pq.ms).magnitude
    smooth = statistics.instantaneous_rate(neos, 0.5 * pq.ms, kernels.GaussianKernel(20.0 * pq.ms), cutoff=7.0)
    out["smooth"] = smooth.magnitude[100:1900:50]
    return out


def bursting_trains(rng):
    """Of 60 s: bursts of 3 to 12 spikes, fast or slow, over a background, and Poisson trains."""
    trains = []
    for gap, background in ((8.0, 0.5), (20.0, 1.0), (60.0, 0.3), (120.0, 0.2), (150.0, 0.5)):
        for _ in range(4):
            onsets = np.cumsum(rng.exponential(2500.0, 20))
            parts = [at + np.cumsum(rng.gamma(4.0, gap / 4.0, rng.integers(3, 13))) for at in onsets]
            parts.append(rng.uniform(0.0, 60_000.0, rng.poisson(60.0 * background)))
            trains.append(np.unique(np.concatenate(parts)))
    trains += [np.unique(rng.uniform(0.0, 60_000.0, rng.poisson(60.0 * rate))) for rate in (0.5, 5.0, 20.0)]
    return [np.round(train[train < 60_000.0], 3) for train in trains]


def of_bursts(trains):
    """First spike, last spike (ms) and number of every burst, one after the other, and how many each train has."""
    found = {name: [] for name in ("max", "log")}
    thresholds = []
    for train in trains:
        seconds = pynapple.Ts(train / 1000.0, time_support=pynapple.IntervalSet(-1.0, 61.0))
        found["max"].append(bursts.detect_bursts_max_interval(seconds))
        found["log"].append(bursts.detect_bursts_log_isi(seconds))
        threshold = bursts.compute_log_isi_threshold(seconds)
        thresholds.append(NAN if threshold is None else 1000.0 * threshold)
    out = {"spikes": np.concatenate(trains), "sizes": [len(x) for x in trains], "threshold": thresholds}
    for name, each in found.items():
        rows = [
            np.stack([x.start * 1000.0, x.end * 1000.0, np.asarray(x["n_spikes"], float)], axis=1)
            for x in each
            if len(x)
        ]
        out |= {name: np.concatenate(rows), f"{name}_number": [len(x) for x in each]}
    return out


def of_branching(rng):
    """A branching process of known m, all of it and a binomial tenth, and what the estimator makes of both."""
    activity, whole = 200, []
    for _ in range(6000):
        activity = rng.poisson(0.95 * activity + 10.0)
        whole.append(activity)
    out = {}
    for name, seen in (("whole", np.array(whole)), ("tenth", rng.binomial(whole, 0.1))):
        slopes = mrestimator.coefficients(seen, steps=(1, 40), method="ts", desc=name)
        fitted = mrestimator.fit(slopes, fitfunc=mrestimator.f_exponential)
        out |= {f"{name}": seen, f"{name}_slopes": slopes.coefficients, f"{name}_m": fitted.mre}
    return out


def main():
    warnings.simplefilter("ignore")
    close = np.isclose
    correlation.np.isclose = lambda *x, **more: close(*x, rtol=0.0, **more)  # STTC: within dt, and not 1e-5 t beyond
    trains = random_trains(np.random.default_rng(16))
    out = {"versions": f"elephant {elephant.__version__}, pyspike {pyspike.__version__}"}
    for case, given in (("random", trains), ("edges", [np.array(train) for train in EDGES])):
        out[f"{case}_spikes"] = np.concatenate(given)
        out[f"{case}_sizes"] = [len(train) for train in given]
        out |= {f"{case}_{name}": value for name, value in of_trains(given).items()}
    out |= {f"bins_{name}": value for name, value in of_bins(trains).items()}
    out |= {f"bursts_{name}": value for name, value in of_bursts(bursting_trains(np.random.default_rng(3))).items()}
    out |= {f"branching_{name}": value for name, value in of_branching(np.random.default_rng(4)).items()}
    np.savez_compressed(GOLDEN, **out)
    print(f"{len(out)} arrays, {GOLDEN.stat().st_size} bytes, {out['versions']}")


if __name__ == "__main__":
    main()
