"""Statistics of spike trains: hand-made trains with known answers, Poisson limits, and NumPy against traced JAX."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn.analysis import fano, isi_cv, pairwise_correlation, population_rate, spectrum_peak, unpack


def pack(spikes):
    """Word by word in Python integers: shares nothing with the code under test."""
    steps, n = spikes.shape
    words = np.zeros((steps, -(-n // 32)), np.uint32)
    for k, i in zip(*np.nonzero(spikes), strict=True):
        words[k, i // 32] |= np.uint32(1 << (i % 32))
    return words


def poisson(steps, n, p, seed=0):
    return np.random.default_rng(seed).random((steps, n)) < p


@pytest.mark.parametrize("n", [1, 31, 32, 33, 100])
@pytest.mark.parametrize("convert", [np.asarray, jnp.asarray])
def test_unpack_inverts_pack(n, convert):
    spikes = poisson(7, n, 0.4)
    unpacked = unpack(convert(pack(spikes)), n)
    assert unpacked.shape == (7, n) and unpacked.dtype == bool
    np.testing.assert_array_equal(np.asarray(unpacked), spikes)


def test_unpack_bit_order():
    assert np.flatnonzero(unpack(np.array([[1 << 31, 2]], np.uint32), 40)).tolist() == [31, 33]


def test_unpack_names_what_does_not_fit():
    with pytest.raises(ValueError, match=r"expected uint32\[..., 2\]"):
        unpack(np.zeros((3, 1), np.uint32), 40)
    with pytest.raises(ValueError, match="int32"):
        unpack(np.zeros((3, 2), np.int32), 40)


def test_population_rate():
    spikes = np.zeros((25, 4), bool)
    spikes[0, :] = True  # four spikes in the first bin, two in the second; the last five steps are dropped
    spikes[10, 0] = spikes[19, 3] = spikes[22, 2] = True
    rate = population_rate(spikes, 0.1, 1.0)
    np.testing.assert_allclose(rate, [1000.0, 500.0])
    np.testing.assert_allclose(population_rate(pack(spikes), 0.1, 1.0, n=4), rate)
    recorded = SimpleNamespace(words=pack(spikes), n=4, dt=0.1)  # the fields of a PackedRaster
    np.testing.assert_allclose(population_rate(recorded, 0.1, 1.0), rate)


@pytest.mark.parametrize(("bin", "match"), [(0.25, "whole number of steps"), (0.01, "whole number"), (9.0, "Record")])
def test_population_rate_names_a_bad_bin(bin, match):
    with pytest.raises(ValueError, match=match):
        population_rate(np.zeros((25, 4)), 0.1, bin)


def test_packed_without_n_is_refused():
    with pytest.raises(ValueError, match="n="):
        isi_cv(np.zeros((25, 4), np.uint32))


def test_isi_cv_equals_a_loop():
    spikes = poisson(3000, 5, 0.02) * np.array([1, 1, 1, 1, 0])
    spikes[:, 3] = 0
    spikes[[5, 90], 3] = 1  # a single interval: too few
    expected = [np.std(i) / np.mean(i) for i in (np.diff(np.flatnonzero(spikes[:, k])) for k in range(3))]
    cv = isi_cv(spikes)
    np.testing.assert_allclose(cv[:3], expected, rtol=1e-12)
    assert np.isnan(cv[3:]).all()
    assert isi_cv(spikes, min_intervals=1)[3] == 0.0


def test_isi_cv_of_a_clock_and_of_poisson():
    clock = np.zeros((1000, 1))
    clock[3::7] = 1
    assert isi_cv(clock)[0] == 0.0
    p = 0.01  # geometric intervals: cv = sqrt(1 - p); sd of the estimate is about 1/sqrt(intervals)
    cv = isi_cv(poisson(100_000, 20, p))
    assert abs(cv.mean() - np.sqrt(1 - p)) < 4.0 / np.sqrt(20 * 1000)
    assert abs(cv.mean() - 0.9) > 4.0 / np.sqrt(20 * 1000)  # and another value would be told apart


def test_spectrum_peak():
    time = np.arange(0.0, 1000.0, 0.5)
    rate = 50.0 + 3.0 * np.sin(2 * np.pi * 0.172 * time) + 30.0 * np.sin(2 * np.pi * 0.005 * time)
    assert spectrum_peak(rate, 0.5) == pytest.approx(172.0)
    assert spectrum_peak(rate, 0.5, above=1.0) == pytest.approx(5.0)
    assert spectrum_peak(rate, 1.0) == pytest.approx(86.0)  # the wrong bin width is seen
    with pytest.raises(ValueError, match="no frequency above"):
        spectrum_peak(rate, 0.5, above=1000.0)


def test_fano():
    counts = np.random.default_rng(1).poisson(3.0, (4000, 8))
    spikes = np.zeros((4000, 10, 8))
    spikes[:, 0] = counts
    flat = spikes.reshape(40_000, 8)
    np.testing.assert_allclose(fano(flat, 1.0, dt=0.1), counts.var(axis=0, ddof=1) / counts.mean(axis=0))
    assert abs(fano(flat, 1.0, dt=0.1).mean() - 1.0) < 4 * np.sqrt(2 / 4000 / 8)
    clock = np.zeros((100, 2))
    clock[::5, 0] = 1
    np.testing.assert_array_equal(fano(clock, 1.0, dt=0.1), [0.0, np.nan])
    with pytest.raises(ValueError, match="at least 2"):
        fano(clock, 6.0, dt=0.1)


def test_pairwise_correlation_equals_corrcoef():
    spikes = poisson(2000, 4, 0.1) | poisson(2000, 1, 0.05, seed=1)
    counts = spikes.reshape(200, 10, 4).sum(axis=1)
    expected = np.corrcoef(counts.T)[np.triu_indices(4, 1)]
    np.testing.assert_allclose(pairwise_correlation(spikes, 1.0, dt=0.1), expected, rtol=1e-10)
    assert (expected > 0.1).all()
    independent = pairwise_correlation(poisson(2000, 4, 0.1), 1.0, dt=0.1)
    assert (np.abs(independent) < 4 / np.sqrt(200)).all()


def test_pairwise_correlation_of_a_silent_neuron_is_nan():
    spikes = poisson(100, 3, 0.5)
    spikes[:, 1] = False
    assert np.isnan(pairwise_correlation(spikes, 0.5, dt=0.1)).tolist() == [True, False, True]


@pytest.mark.parametrize(
    "statistic",
    [
        lambda s: population_rate(s, 0.1, 1.0),
        lambda s: spectrum_peak(population_rate(s, 0.1, 1.0), 1.0),
        isi_cv,
        lambda s: fano(s, 5.0, dt=0.1),
        lambda s: pairwise_correlation(s, 5.0, dt=0.1),
    ],
)
def test_traced_and_mapped_equals_numpy(statistic):
    rasters = np.stack([poisson(2000, 6, 0.05, seed) for seed in range(3)])
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        mapped = jax.jit(jax.vmap(statistic))(jnp.asarray(rasters))
    np.testing.assert_allclose(mapped, np.stack([statistic(r) for r in rasters]), rtol=2e-5, atol=2e-6)
