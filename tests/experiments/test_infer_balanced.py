"""The learned posterior against one in closed form, and against sbi's; its calibration, which rejects wrong ones.

The golden file was made by `tests/oracles/sbi_balanced.py`.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import posterior
import pytest
import scipy.signal
import xarray
from jax.scipy.special import ndtri
from scipy import stats

import jaxsnn as snn
from experiments import infer_balanced
from jaxsnn.analysis.mean_field import brunel_rate

SPACE = {**infer_balanced.SPACE, "seed": snn.Seeds()}
A = np.random.default_rng(0).normal(0.0, 1.0, (10, 2)).astype(np.float32)  # from parameters (g, eta) to ten outputs
SD = np.linspace(0.5, 2.0, 10).astype(np.float32)


def linear(point, key):
    """`x = A z + noise`, where `z` is standard normal if `g` and `eta` are uniform: its posterior is Gaussian."""
    lo, hi = (jnp.asarray([getattr(SPACE[name], end) for name in ("g", "eta")], jnp.float32) for end in ("lo", "hi"))
    u = (jnp.stack([point["g"], point["eta"]]) - lo) / (hi - lo)
    x = A @ ndtri(jnp.clip(u, 1e-6, 1.0 - 1e-6)) + SD * jax.random.normal(key, (10,))
    return {
        "rate_hz": x[0],
        "cv": x[1],
        "log_power": xarray.DataArray(x[2:], {"band_hz": infer_balanced.CENTRES}, ("band_hz",)),
    }


@pytest.fixture(scope="module")
def ds():
    grid = snn.sweeps.random(SPACE, 3000, own_seeds=True)
    return snn.sweep(linear, grid, key=0, progress=snn.progress.Quiet())


@pytest.fixture(scope="module")
def found(ds):
    return infer_balanced.inferred(ds)


def exact(found):
    """Means `(pairs, 2)` and covariance of `z` given `x`, in the order of the training set's parameters and outputs."""
    rows = [found.data.outputs.index(name) for name in ("rate_hz", "cv")]
    rows += [i for i, name in enumerate(found.data.outputs) if name.startswith("log_power")]
    x = found.unseen[1][:, rows]
    covariance = np.linalg.inv(np.eye(2) + (A.T / SD**2) @ A)
    mean = x @ (A / SD[:, None] ** 2) @ covariance
    return mean[:, ::-1], covariance[::-1, ::-1]  # eta comes first


def test_the_posterior_is_that_in_closed_form(found):
    """Its divergence from the exact one, in nats, and the first two moments of its draws."""
    mean, covariance = exact(found)
    u, x = found.unseen
    z = stats.norm.ppf(u.astype(float))
    above_prior = lambda mean: stats.multivariate_normal(cov=covariance).logpdf(z - mean) - stats.norm.logpdf(z).sum(1)
    apart = above_prior(mean) - np.asarray(found.posterior.log_prob(u, x))
    assert -0.05 < apart.mean() < 0.1 and above_prior(mean).mean() > 1.5  # which there was to learn
    assert above_prior(np.roll(mean, 1, axis=0)).mean() < 0.0  # negative control: those of other observations
    drawn, sd = stats.norm.ppf(found.draws), np.sqrt(np.diag(covariance))
    assert np.sqrt(np.mean((drawn.mean(axis=1) - mean) ** 2, axis=0) / sd**2).max() < 0.3
    np.testing.assert_allclose(drawn.std(axis=1).mean(axis=0), sd, rtol=0.1)


def test_calibration_rejects_what_is_wrong(found):
    right, *wrong = (p.values() for p in infer_balanced.calibration(found).values())
    assert min(value for of in right for value in of.values()) > 0.01
    assert len(wrong) == 2 and max(min(of.values()) for p in wrong for of in p) < 1e-3


def test_it_learns_as_much_as_sbi_does():
    """From the same pairs of the real network, judged by the same others: in standard errors of the difference."""
    with np.load(Path(__file__).parents[1] / "golden" / "sbi_balanced.npz") as sbi:
        learned, u, x, theirs = int(sbi["learned"]), sbi["u"], sbi["x"], sbi["gain"]
    found = posterior.learn(u[:learned], x[:learned], jax.random.key(1))

    def ahead(x):
        more = np.asarray(found.log_prob(u[learned:], x)) - theirs
        return more.mean() / (more.std() / len(more) ** 0.5)

    assert ahead(x[learned:]) > -3.0
    assert ahead(np.roll(x[learned:], 1, axis=0)) < -10.0  # negative control: other observations


def test_shared_seeds_teach_noise_as_knowledge(found):
    """Why `as_training_set` refuses them: noise that is the same at all points is subtracted, and later is another."""
    ds = snn.sweep(linear, snn.sweeps.random(SPACE, 3000), key=0, progress=snn.progress.Quiet())
    data, (u, x) = snn.as_training_set(ds, shared_seeds=True), found.unseen
    wrong = posterior.learn(data.unit[:2500], data.x[:2500], jax.random.key(0))
    of = lambda learned, u, x: float(np.mean(learned.log_prob(u, x)))
    assert of(wrong, data.unit[2500:], data.x[2500:]) > of(found.posterior, u, x) + 1.0  # so it seems
    assert of(wrong, u, x) < 0.0  # worse than the prior


def test_ranks_of_exact_draws_are_uniform():
    """The measure by itself, on 4 000 draws that are exchangeable with the truth, and on others."""
    draws = np.random.default_rng(1).normal(size=(4000, 100, 1))
    true, others = draws[:, 0], draws[:, 1:]
    assert np.array_equal(posterior.ranks(np.asarray([[[0.1], [0.5], [0.7]]]), [[0.6]]), [[2]])
    p = lambda scale, by: posterior.uniformity(posterior.ranks(scale * others + by, true)[:, 0], 99)
    assert min(p(1.0, 0.0).values()) > 0.01
    assert p(0.9, 0.0)["chi2"] < 1e-6 and p(1.0, 0.1)["ks"] < 1e-6


def test_summary_and_picture_of_a_sweep(ds, found, tmp_path):
    text = infer_balanced.summary(ds)
    assert "500 pairs not learned from" in text and "as learned" in text and "0.7 times as wide" in text
    infer_balanced.plot(ds, tmp_path / "all.png")
    assert "--own-seeds" in infer_balanced.summary(ds.isel(point=0))
    infer_balanced.plot(ds.isel(point=0), tmp_path / "one.png")
    assert (tmp_path / "all.png").stat().st_size > (tmp_path / "one.png").stat().st_size > 10_000


def test_power_is_that_of_scipys_periodogram():
    rate = np.random.default_rng(2).gamma(2.0, 10.0, 800).astype(np.float32)
    hz, density = scipy.signal.periodogram(rate, fs=1e3 / infer_balanced.BIN, detrend="constant", scaling="density")
    power = density * (1e3 / infer_balanced.BIN) / 2.0  # one side of |FFT|^2 / n
    expected = [
        power[(hz >= low) & (hz < high)].mean()
        for low, high in zip(infer_balanced.BANDS[:-1], infer_balanced.BANDS[1:])
    ]
    np.testing.assert_allclose(infer_balanced.log_power(jnp.asarray(rate)).data, np.log10(expected), atol=1e-3)


def test_the_network_fires_as_theory_says_and_silence_has_numbers():
    points = {"g": (5.0, 6.0, 5.0), "eta": (2.0, 2.0, 0.2)}
    space = {name: snn.Axis(0.0, values=values) for name, values in points.items()} | {"seed": snn.Seeds(3)}
    ds = snn.sweep(infer_balanced.experiment, snn.zipped(space), key=0, progress=snn.progress.Quiet())
    theory = lambda eta: brunel_rate(np.asarray([5.0, 6.0]), eta, weight=infer_balanced.J, c_e=400.0)
    np.testing.assert_allclose(ds.rate_hz[:2], theory(2.0), rtol=0.15)
    assert np.all(np.abs(ds.rate_hz[:2] / theory(2.5) - 1.0) > 0.2)  # negative control
    assert np.isfinite(ds.log_power).all() and ds.rate_hz[2] == ds.cv[2] == 0.0
