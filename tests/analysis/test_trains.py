"""Spike trains from every form of spikes; the same numbers traced and mapped; derivatives; and what is refused."""

import doctest
import importlib
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn import analysis as an
from tests.analysis.test_elephant import GOLDEN, OF_TRAINS, trains
from tests.refused import refused

RASTERS = np.random.default_rng(5).random((2, 400, 6)) < np.array([0.0, 0.01, 0.02, 0.05, 0.1, 0.2])
RASTERS[:, 100, 1] = True


def record(raster, **more):
    words = np.packbits(np.pad(raster, ((0, 0), (0, -raster.shape[1] % 32))), axis=1, bitorder="little").view(np.uint32)
    return snn.probes.PackedRaster(jnp.asarray(words), raster.shape[1], 0.5, **more)


def test_all_forms_are_the_same_trains():
    raster = RASTERS[0]
    expected = [(np.flatnonzero(column) + 1) * 0.5 for column in raster.T]
    step, neuron = np.nonzero(raster)
    events = snn.probes.Events(jnp.asarray(step), jnp.asarray(neuron), jnp.int32(len(step)), 6, 0.5)
    forms = {
        "raster": an.spike_trains(record(raster)),
        "events": an.spike_trains(events, t_stop=200.0),
        "dense": an.spike_trains(raster, dt=0.5),
        "list": an.spike_trains([x[::-1] for x in expected], t_stop=200.0),
        "traced": an.spike_trains(jnp.asarray(raster), dt=0.5, capacity=120),
        "itself": an.spike_trains(an.spike_trains(raster, dt=0.5)),
    }
    for name, found in forms.items():
        assert (len(found), float(found.t_start), float(found.t_stop)) == (6, 0.0, 200.0), name
        assert [x.tolist() for x in found.trains()] == [x.tolist() for x in expected], name
        np.testing.assert_array_equal(found.counts, raster.sum(axis=0))
    late = an.spike_trains(record(raster, first=1000))  # of a continued run
    assert (late.t_start, late.t_stop) == (500.0, 700.0) and late.trains()[5][0] == 500.0 + expected[5][0]


def test_neos_trains_bring_their_unit_and_window():
    neo, pq = pytest.importorskip("neo"), pytest.importorskip("quantities")
    given = [neo.SpikeTrain([0.001, 0.5], units="s", t_start=0.0, t_stop=2.0 * pq.s)]
    found = an.spike_trains(given)
    np.testing.assert_allclose(found.times, [[1.0, 500.0]])
    assert found.t_stop == 2000.0
    np.testing.assert_allclose(an.mean_firing_rate(given), [1.0])


def everything(given):
    twice = ("sttc_2", "van_rossum_5", "victor_purpura_0", "victor_purpura_5")
    return {name: of(given) for name, of in OF_TRAINS.items() if name not in twice} | {
        "smooth": an.instantaneous_rate(given, np.arange(10.0, 100.0, 20.0), an.AlphaKernel(5.0)),
        "phase": an.order_parameter(given, np.arange(10.0, 190.0, 20.0)),
    }


def test_traced_and_mapped_over_a_batch_equals_numpy():
    """Of a batch of packed rasters, as a sweep has it, under one jit."""
    words = jnp.stack([record(raster).words for raster in RASTERS])
    of_one = lambda words: everything(an.spike_trains(snn.probes.PackedRaster(words, 6, 0.5), capacity=100))
    found = jax.jit(jax.vmap(of_one))(words)
    for i, raster in enumerate(RASTERS):
        expected = everything(an.spike_trains(raster, dt=0.5))
        for name, value in expected.items():
            np.testing.assert_allclose(found[name][i], value, rtol=3e-4, atol=3e-4, err_msg=name)


def test_more_spikes_than_fit_are_seen():
    raster = RASTERS[0]
    short = jax.tree.map(np.asarray, an.spike_trains(jnp.asarray(raster), dt=0.5, capacity=20))
    lost = raster.sum(axis=0) > 20
    assert 0 < lost.sum() < 6
    np.testing.assert_array_equal(np.isnan(an.mean_firing_rate(short)), lost)
    for of in (an.van_rossum_distance, an.victor_purpura_distance, an.isi_distance, an.spike_distance, an.spike_sync):
        np.testing.assert_array_equal(np.isnan(of(short)).any(axis=1) & lost, lost)
        assert np.isfinite(of(short)[np.ix_(~lost, ~lost)]).all()


DIFFERENTIABLE = {
    "cv": lambda x: an.cv(an.isi(x)),
    "cv2": lambda x: an.cv2(an.isi(x)),
    "lv": lambda x: an.lv(an.isi(x)),
    "lvr": lambda x: an.lvr(an.isi(x)),
    "van Rossum": lambda x: an.van_rossum_distance(x, 20.0),
    "Victor-Purpura": lambda x: an.victor_purpura_distance(x, 20.0),
    "ISI distance": an.isi_distance,
    "SPIKE distance": an.spike_distance,
    "rate": lambda x: an.instantaneous_rate(x, np.array([20.0, 50.0, 90.0]), an.GaussianKernel(8.0)),
    "order parameter": lambda x: an.order_parameter(x, np.array([30.0, 50.0, 60.0])),
}


def test_derivatives_with_respect_to_spikes(x64):
    """Against central differences; trains without spikes and with one have finite derivatives."""
    times = np.array([[3.0, 11.0, 31.0, 64.0], [5.0, 9.5, 52.0, 81.0], [40.0] + 3 * [np.inf], 4 * [np.inf]])
    weight = {}

    def total(times):
        found = [of(an.SpikeTrains(times, 0.0, 100.0)) for of in DIFFERENTIABLE.values()]
        weights = [weight.setdefault(i, np.random.default_rng(i).normal(size=x.shape)) for i, x in enumerate(found)]
        return jnp.stack([jnp.nansum(w * x) for w, x in zip(weights, found)])

    total(times)  # in NumPy: the weights
    slopes = np.asarray(jax.jit(jax.jacrev(total))(jnp.asarray(times)))
    assert np.isfinite(slopes).all()
    for i, j in ((0, 1), (1, 2), (2, 0)):
        step = np.zeros_like(times)
        step[i, j] = 1e-6
        numeric = (np.asarray(total(times + step)) - np.asarray(total(times - step))) / 2e-6
        np.testing.assert_allclose(slopes[:, i, j], numeric, rtol=1e-6, atol=1e-8, err_msg=str(list(DIFFERENTIABLE)))
    assert (np.abs(slopes).max(axis=(1, 2)) > 1e-4).all()  # none is 0 throughout


def test_derivatives_of_what_is_made_of_signals(x64):
    signals = np.random.default_rng(2).normal(size=(64, 3)) ** 2
    of = {
        "correlation": lambda x: an.correlation_coefficient(x)[0, 1:],
        "correlogram": lambda x: an.cross_correlation_histogram(x[:, 0], x[:, 1], (-2, 3)).histogram,
        "spectrum": lambda x: an.welch_psd(x, 1.0, len_segment=16).value[3],
        "coherence": lambda x: an.welch_coherence(x[:, 0], x[:, 1], 1.0, len_segment=16).value[3:5],
        "chi": an.golomb_rinzel_chi,
    }
    total = lambda x: jnp.stack([jnp.sum(f(x)) for f in of.values()])
    slopes = np.asarray(jax.jit(jax.jacrev(total))(jnp.asarray(signals)))
    step = np.zeros_like(signals)
    step[10, 0] = 1e-6
    numeric = (np.asarray(total(signals + step)) - np.asarray(total(signals - step))) / 2e-6
    np.testing.assert_allclose(slopes[:, 10, 0], numeric, rtol=1e-5, atol=1e-8)
    assert (np.abs(slopes[:, 10, 0]) > 1e-6).all()


def test_synchrony_of_signals_and_phases():
    """Closed forms: chi of n independent signals is 1 / sqrt(n), of a common one 1, of a mixture between."""
    rng = np.random.default_rng(0)
    common, own = rng.normal(size=(20_000, 1)), rng.normal(size=(20_000, 50))
    assert an.golomb_rinzel_chi(own) == pytest.approx(1.0 / np.sqrt(50), rel=0.03)
    expected = np.sqrt((1.0 + 1.0 / 50) / 2.0)
    assert an.golomb_rinzel_chi(common + own) == pytest.approx(expected, rel=0.03)
    assert an.golomb_rinzel_chi(common * np.ones(3)) == pytest.approx(1.0)
    assert np.isnan(an.golomb_rinzel_chi(np.ones((5, 2))))
    clocks = [np.arange(0.0, 101.0, 10.0), np.arange(0.0, 101.0, 10.0) + 2.5, [40.0]]
    phases = an.order_parameter(an.spike_trains(clocks, t_stop=200.0), [50.0, 51.0, 1.0, 150.0])
    np.testing.assert_allclose(phases, [np.cos(np.pi / 4), np.cos(np.pi / 4), 1.0, np.nan], rtol=1e-12)


def test_of_a_poisson_process_they_are_1():
    """And of a clock 0; gamma intervals of order 4 have cv 1/2, and are told from both."""
    rng = np.random.default_rng(1)
    poisson, gamma = rng.exponential(20.0, 50_000), rng.gamma(4.0, 5.0, 50_000)
    for of in (an.cv, an.cv2, an.lv):
        assert of(poisson) == pytest.approx(1.0, abs=0.03) and of(np.full(9, 20.0)) == 0.0
        assert of(gamma) < 0.6
    assert an.cv(gamma) == pytest.approx(0.5, abs=0.01)
    assert an.lv(gamma) == pytest.approx(3.0 / (2 * 4 + 1), abs=0.01)  # Shinomoto et al. 2003


def test_coherence_of_a_filtered_signal_is_1_and_of_another_0():
    rng = np.random.default_rng(3)
    signal, other = rng.normal(size=(2, 40_000))
    filtered = signal + 0.5 * np.roll(signal, 3)
    quarter = {"len_segment": 256}
    assert an.welch_coherence(signal, filtered, 1.0, **quarter).value[1:-1].min() > 0.98
    assert an.welch_coherence(signal, other, 1.0, **quarter).value.mean() < 0.02
    frequency, power = an.welch_psd(signal, 1.0, **quarter)
    assert np.sum(power) * frequency[1] == pytest.approx(signal.var(), rel=0.02)  # Parseval
    from scipy.signal import coherence, welch

    np.testing.assert_allclose(power, welch(signal, 1000.0, nperseg=256)[1], rtol=1e-10)
    odd = an.welch_coherence(signal, filtered, 1.0, len_segment=101, overlap=0.25).value
    np.testing.assert_allclose(odd, coherence(signal, filtered, 1000.0, nperseg=101, noverlap=25)[1], rtol=1e-10)


TWO = [[10.0, 20.0], [15.0]]
WRONG = [
    ("spike_trains: train 0 is", lambda x: an.spike_trains([x], t_stop=10.0), [[11.0], [np.nan], [-1.0]]),
    ("spike_trains: got no trains", an.spike_trains, [[]]),
    ("spike_trains: got an array", an.spike_trains, [np.zeros((4, 2)), np.zeros((4, 2), bool)]),
    ("spike_trains: `capacity` is missing", lambda x: an.spike_trains(x, dt=0.5), [jnp.zeros((4, 2), bool)]),
    ("spike_trains: `capacity`", lambda x: an.spike_trains(jnp.zeros((4, 2), bool), dt=0.5, capacity=x), [0, 1.5]),
    ("mean_firing_rate: the end", an.mean_firing_rate, [TWO]),
    ("binned: `bin_size`", lambda x: an.binned(an.spike_trains(TWO, t_stop=30.0), x), [0.0, -1.0, np.nan]),
    ("binned: not one", lambda x: an.binned(an.spike_trains(TWO, t_stop=30.0), x), [31.0]),
    ("time_histogram: `output`", lambda x: an.time_histogram(an.spike_trains(TWO, t_stop=30.0), 5.0, output=x), ["hz"]),
    ("instantaneous_rate: `kernel`", lambda x: an.instantaneous_rate(TWO, [1.0], x), [10.0, "gauss"]),
    ("GaussianKernel: `sigma`", an.GaussianKernel, [0.0, -1.0, np.nan]),
    ("cv2: ", an.cv2, [3.0, [-1.0, 2.0]]),
    ("lvr: `R`", lambda x: an.lvr([1.0, 2.0], R=x), [-1.0, np.nan]),
    ("covariance: counts", an.covariance, [np.ones(4), np.ones((1, 3))]),
    ("cross_correlation_histogram: `window`", lambda x: an.cross_correlation_histogram([0, 1], [1, 0], x), [(1, -1)]),
    ("welch_psd: `len_segment`", lambda x: an.welch_psd(np.ones(10), 1.0, len_segment=x), [11, 1]),
    ("welch_psd: `overlap`", lambda x: an.welch_psd(np.ones(10), 1.0, overlap=x), [1.0, -0.1]),
    ("welch_coherence: signals", lambda x: an.welch_coherence(np.ones(10), x, 1.0), [np.ones(9)]),
    ("van_rossum_distance: `tau`", lambda x: an.van_rossum_distance(TWO, x), [0.0, np.nan, -1.0]),
    ("victor_purpura_distance: `cost_factor`", lambda x: an.victor_purpura_distance(TWO, x), [-1.0, np.nan]),
    ("spike_time_tiling_coefficient: `dt`", lambda x: an.spike_time_tiling_coefficient(TWO, x), [0.0, -1.0]),
    ("golomb_rinzel_chi: signals", an.golomb_rinzel_chi, [np.ones(4), np.ones((4, 2, 2))]),
    ("spike_contrast: got", lambda x: an.spike_contrast(an.spike_trains(x, t_stop=30.0)), [[[1.0]], [[1.0], [2.0]]]),
    ("max_interval_bursts: `max_begin_isi`", lambda x: an.max_interval_bursts(TWO, max_begin_isi=x), [0.0, 400.0]),
    ("max_interval_bursts: `min_duration`", lambda x: an.max_interval_bursts(TWO, min_duration=x), [-1.0, np.nan]),
    ("avalanches: counts", an.avalanches, [[-1, 0], 5]),
    ("branching_parameter: 3 bins", an.branching_parameter, [[0, 1, 0]]),
]  # fmt: skip
CASES = [(named, call, x) for named, call, values in WRONG for x in values]


@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{CASES[i][0].split(':')[0]}-{i}" for i in range(len(CASES))])
def test_nonsense_is_one_error(case):
    named, call, x = CASES[case]
    with refused(named, "expected" if "not one" not in named else ""):
        call(x)


def test_examples_of_docstrings():
    """Of every file of the room, as a reader would paste them."""
    names = {**vars(an), "np": np, "kernels": an}
    found = [
        doctest.testmod(importlib.import_module(f"jaxsnn.analysis.{info.name}"), extraglobs=names)
        for info in pkgutil.iter_modules(an.__path__)
    ]
    assert sum(x.attempted for x in found) > 20 and sum(x.failed for x in found) == 0


def test_golden_trains_are_long_enough_to_tell():
    assert GOLDEN["random_sizes"].sum() > 150 and trains("edges").counts.tolist() == [0, 1, 2, 3, 3, 1, 4, 3, 2, 2]
