"""Statistics of spike trains equal Elephant's and PySpike's on random trains and on trains at edges of the window."""

from pathlib import Path

import numpy as np
import pytest

from jaxsnn import analysis as an

GOLDEN = dict(np.load(Path(__file__).parents[1] / "golden" / "analysis.npz"))
T = 1000.0


def trains(case):
    found = np.split(GOLDEN[f"{case}_spikes"], np.cumsum(GOLDEN[f"{case}_sizes"])[:-1])
    return an.spike_trains(found, t_stop=60_000.0 if case == "bursts" else T)


OF_TRAINS = {
    "rate": an.mean_firing_rate,
    "cv": lambda x: an.cv(an.isi(x)),
    "cv2": lambda x: an.cv2(an.isi(x)),
    "lv": lambda x: an.lv(an.isi(x)),
    "lvr": lambda x: an.lvr(an.isi(x), R=3.0),
    "fanofactor": an.fanofactor,
    "sttc_2": lambda x: an.spike_time_tiling_coefficient(x, 2.0),
    "sttc_10": lambda x: an.spike_time_tiling_coefficient(x, 10.0),
    "van_rossum_5": lambda x: an.van_rossum_distance(x, 5.0),
    "van_rossum_100": lambda x: an.van_rossum_distance(x, 100.0),
    "victor_purpura_0": lambda x: an.victor_purpura_distance(x, 0.0),
    "victor_purpura_5": lambda x: an.victor_purpura_distance(x, 5.0),
    "victor_purpura_200": lambda x: an.victor_purpura_distance(x, 200.0),
    "pyspike_isi": an.isi_distance,
    "pyspike_spike": an.spike_distance,
    "pyspike_sync": an.spike_sync,
}


@pytest.mark.parametrize("case", ["random", "edges"])
@pytest.mark.parametrize("name", OF_TRAINS)
def test_equals_the_oracle(name, case):
    found = OF_TRAINS[name](trains(case))
    np.testing.assert_allclose(found, GOLDEN[f"{case}_{name}"], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", sorted({*OF_TRAINS} - {"rate", "fanofactor", "victor_purpura_0"}))
def test_trains_moved_a_little_differ(name):
    """Negative control: the golden numbers tell a train from one whose spikes lie elsewhere by 1 %."""
    given = trains("random")
    other = an.spike_trains([np.clip(x * 1.01 + 1.0, 0.0, T) for x in given.trains()], t_stop=T)
    difference = np.abs(OF_TRAINS[name](other) - GOLDEN[f"random_{name}"])
    assert np.nanmax(difference) > 1e-3


def test_of_several_trains_the_mean_of_pairs_is_pyspikes():
    pairs = np.triu_indices(9, 1)
    found = [distance(trains("random"))[pairs].mean() for distance in (an.isi_distance, an.spike_distance)]
    np.testing.assert_allclose(found, GOLDEN["random_pyspike_mean"][:2], rtol=1e-11)


COUNTS = GOLDEN["bins_counts"].astype(float)
ONE, OTHER = COUNTS[:, 4], COUNTS[:, 6]
POOLED = COUNTS.sum(axis=1)
OF_BINS = {
    "counts": lambda: an.binned(trains("random"), 10.0),
    "histogram": lambda: an.time_histogram(trains("random"), 10.0),
    "covariance": lambda: an.covariance(COUNTS),
    "correlation": lambda: an.correlation_coefficient(COUNTS),
    "cch_plain": lambda: an.cross_correlation_histogram(ONE, OTHER, (-20, 20)).histogram,
    "cch_border": lambda: an.cross_correlation_histogram(ONE, OTHER, (-20, 20), border_correction=True).histogram,
    "cch_normed": lambda: (
        an.cross_correlation_histogram(ONE, OTHER, (-20, 20), cross_correlation_coefficient=True).histogram
    ),
    "welch": lambda: an.welch_psd(POOLED, 10.0).value,
    "welch_f": lambda: an.welch_psd(POOLED, 10.0).frequency,
    "coherence": lambda: an.welch_coherence(POOLED, COUNTS[:, 5], 10.0).value,
    "contrast": lambda: an.spike_contrast(trains("random")),
}


@pytest.mark.parametrize("name", OF_BINS)
def test_of_bins_equals_the_oracle(name):
    np.testing.assert_allclose(OF_BINS[name](), GOLDEN[f"bins_{name}"], rtol=1e-11, atol=1e-12)


def test_of_other_bins_differs():
    """Negative control: neighbours in time, and the other direction of lags."""
    shifted = np.roll(COUNTS, 1, axis=0)
    assert (
        np.abs(an.correlation_coefficient(np.c_[COUNTS[:, :5], shifted[:, 5:]]) - GOLDEN["bins_correlation"]).max()
        > 0.1
    )
    reverse = an.cross_correlation_histogram(OTHER, ONE, (-20, 20)).histogram
    assert np.abs(reverse - GOLDEN["bins_cch_plain"]).max() > 1.0
    np.testing.assert_array_equal(reverse[::-1], GOLDEN["bins_cch_plain"])


KERNELS = ("Gaussian", "Laplacian", "Exponential", "Alpha", "Rectangular", "Triangular", "EpanechnikovLike")


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_are_elephants(name):
    kernel = getattr(an, f"{name}Kernel")(7.0)
    t = np.linspace(-40.0, 40.0, 161)
    np.testing.assert_allclose(kernel(t), GOLDEN[f"bins_kernel_{name}"], rtol=1e-13, atol=1e-16)
    fine = np.linspace(-200.0, 200.0, 400_001)
    area, mean = np.sum(kernel(fine)) * 1e-3, np.sum(kernel(fine) * fine) * 1e-3
    spread = np.sqrt(np.sum(kernel(fine) * (fine - mean) ** 2) * 1e-3)
    np.testing.assert_allclose((area, spread), (1.0, 7.0), rtol=2e-3)


def test_smoothed_rates_are_elephants_up_to_its_bins():
    """Elephant rounds spikes to bins of 0.5 ms; to exact sums of the kernels it is equal otherwise."""
    at = 50.25 + 25.0 * np.arange(36)  # the middle of its bins
    given, golden = trains("random"), GOLDEN["bins_smooth"]
    found = an.instantaneous_rate(given, at, an.GaussianKernel(20.0))
    assert np.abs(found - golden).max() < 2e-3 * golden.max()
    assert np.abs(an.instantaneous_rate(given, at, an.GaussianKernel(21.0)) - golden).max() > 2e-2 * golden.max()
    sums = sum(an.LaplacianKernel(5.0)(at - t) for t in given.trains()[4]) * 1000.0
    np.testing.assert_allclose(an.instantaneous_rate(given, at, an.LaplacianKernel(5.0))[:, 4], sums)


def test_bins_hold_their_right_edge():
    """As a step's spike is stamped with its end: trains of a raster are counted as the raster is."""
    raster = np.random.default_rng(0).random((400, 7)) < 0.2
    for dt, bin_size in ((0.1, 1.0), (0.3, 0.9), (0.5, 20.0)):
        direct, by_times = an.binned(raster, bin_size, dt=dt), an.binned(an.spike_trains(raster, dt=dt), bin_size)
        np.testing.assert_array_equal(direct, by_times)
    np.testing.assert_array_equal(an.binned(an.spike_trains([[0.0, 2.0, 4.0]], t_stop=5.0), 2.0), [[2.0], [1.0]])


# --- bursts and branching ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "of"), [("max", an.max_interval_bursts), ("log", an.log_isi_bursts)])
def test_bursts_are_those_of_the_reference(name, of):
    found = of(trains("bursts"))
    assert [len(x.spikes) for x in found] == GOLDEN[f"bursts_{name}_number"].tolist()
    rows = np.concatenate([np.stack([x.start, x.stop, x.spikes], axis=1) for x in found])
    np.testing.assert_allclose(rows, GOLDEN[f"bursts_{name}"], atol=1e-6)
    for train, x in zip(trains("bursts").trains(), found):
        np.testing.assert_array_equal(train[x.first], x.start)
        np.testing.assert_array_equal(x.last - x.first + 1, x.spikes)


def test_thresholds_of_bursts_are_those_of_the_reference():
    np.testing.assert_allclose(an.log_isi_threshold(trains("bursts")), GOLDEN["bursts_threshold"], rtol=1e-12)
    wider = an.log_isi_threshold(trains("bursts"), max_cutoff=20.0)  # negative control
    assert np.isnan(wider).sum() > np.isnan(GOLDEN["bursts_threshold"]).sum()


def test_published_bursts():
    """Three trains of sjemea's max interval method, with bursts of three spikes or more 100 ms or less apart."""
    given = [
        [1, 50, 60, 120, 130, 345, 365, 530, 670, 690, 750, 790, 799],
        [23, 400, 560, 580, 590, 900, 940, 1090, 1120, 1150, 1160, 2300, 2330, 2350, 2380, 3000],
        [12, 234, 256, 300, 500, 610, 632, 651, 800, 1000],
        [5],
        [],
    ]
    rules = {"max_begin_isi": 100.0, "max_end_isi": 100.0, "min_interburst": 0.0, "min_duration": 0.0}
    found = an.max_interval_bursts(given, **rules)
    assert [x.spikes.tolist() for x in found] == [[5, 5], [3, 4, 4], [3, 3], [], []]
    assert [len(x.spikes) for x in an.log_isi_bursts(given)[3:]] == [0, 0]


@pytest.mark.parametrize("seen", ["whole", "tenth"])
def test_branching_is_that_of_mrestimator(seen):
    found = an.branching_parameter(GOLDEN[f"branching_{seen}"])
    np.testing.assert_allclose(found.slopes, GOLDEN[f"branching_{seen}_slopes"], rtol=1e-12)
    assert found.m == pytest.approx(float(GOLDEN[f"branching_{seen}_m"]), abs=1e-6)
    assert (
        abs(found.m - 0.95) < 0.01 and abs(found.slopes[0] - 0.95) < 0.01 if seen == "whole" else found.slopes[0] < 0.7
    )


def test_avalanches_of_a_branching_process():
    """Of Poisson offspring with mean m the mean size is 1 / (1 - m), and the part of size 1 is exp(-m) (Otter 1949)."""
    rng, m, activity = np.random.default_rng(0), 0.6, []
    for _ in range(20_000):
        alive = 1
        while alive:
            activity.append(alive)
            alive = rng.poisson(m * alive)
        activity.append(0)
    found = an.avalanches([0, *activity])
    assert len(found.size) == 20_000 and (found.ancestors == 1).all()
    assert abs(found.size.mean() - 1.0 / (1.0 - m)) < 4.0 * found.size.std() / np.sqrt(20_000)
    assert abs(np.mean(found.size == 1) - np.exp(-m)) < 4.0 * np.sqrt(np.exp(-m) / 20_000)
    assert abs(an.branching_ratio([0, *activity]) - m) < 4.0 * np.sqrt(m / 20_000)
    np.testing.assert_array_equal(an.avalanches([3, 0, 1, 0, 5]).size, [1])  # what the ends cut is left out
    assert np.isnan(an.branching_ratio([0, 0])) and len(an.avalanches(np.zeros((4, 3))).size) == 0
