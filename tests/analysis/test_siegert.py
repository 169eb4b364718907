"""The Siegert rate against SciPy's erfcx and adaptive quadrature, its limits, and Brunel's fixed points."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfcx

from jaxsnn.analysis import brunel_rate, siegert

CELL = {"tau": 20.0, "t_ref": 2.0, "v_th": 20.0, "v_reset": 10.0}


def oracle(mu, sigma, *, tau, t_ref, v_th, v_reset):
    lower, upper = (v_reset - mu) / sigma, (v_th - mu) / sigma
    integral = quad(lambda u: erfcx(-u), lower, upper, epsabs=0.0, epsrel=1e-12, limit=500)[0]
    return 1000.0 / (t_ref + tau * np.sqrt(np.pi) * integral)


@pytest.mark.parametrize("sigma", [0.01, 0.3, 1.0, 5.0, 20.0, 300.0])
@pytest.mark.parametrize("mu", [-50.0, 0.0, 15.0, 19.5, 20.0, 21.0, 100.0, 1e4])
def test_equals_scipy(mu, sigma):
    if (CELL["v_th"] - mu) / sigma > 25.0:
        assert siegert(mu, sigma, **CELL) < 1e-200
    else:
        np.testing.assert_allclose(siegert(mu, sigma, **CELL), oracle(mu, sigma, **CELL), rtol=1e-10)


def test_a_wrong_reset_is_seen():
    wrong = siegert(19.0, 5.0, **CELL | {"v_reset": 9.99})
    assert abs(wrong / oracle(19.0, 5.0, **CELL) - 1.0) > 1e-5


def test_noiseless_limit():
    exact = 1000.0 / (2.0 + 20.0 * np.log((25.0 - 10.0) / (25.0 - 20.0)))
    np.testing.assert_allclose(siegert(25.0, 0.0, **CELL), exact, rtol=1e-13)
    np.testing.assert_allclose(siegert(25.0, 1e-4, **CELL), exact, rtol=1e-8)
    assert siegert([19.0, 20.0], 0.0, **CELL).tolist() == [0.0, 0.0]


def test_refractory_limit_and_extremes_stay_finite():
    with np.errstate(all="raise", under="ignore"):
        rates = siegert([1e12, -1e12, 0.0, 0.0], [1.0, 1.0, 1e12, 1e-12], **CELL)
    assert np.isfinite(rates).all()
    np.testing.assert_allclose(rates[0], 500.0, rtol=1e-6)
    assert rates[1] == rates[3] == 0.0
    far = siegert(0.0, 20.0 / np.linspace(20.0, 60.0, 400), **CELL)
    assert (np.diff(far) <= 0.0).all() and far[0] > 0.0 and far[-1] == 0.0


def test_broadcasts():
    grid = siegert(np.linspace(0.0, 30.0, 4)[:, None], np.array([1.0, 2.0, 5.0]), **CELL)
    assert grid.shape == (4, 3)
    np.testing.assert_allclose(grid[2, 1], siegert(20.0, 2.0, **CELL), rtol=1e-13)
    assert (np.diff(grid, axis=0) > 0.0).all()


@pytest.mark.parametrize(
    ("change", "named"),
    [({"tau": 0.0}, "tau"), ({"t_ref": -1.0}, "t_ref"), ({"v_reset": 20.0}, "v_reset"), ({"tau": np.nan}, "tau")],
)
def test_bad_numbers_are_named(change, named):
    with pytest.raises(ValueError, match=f"`{named}`"):
        siegert(19.0, 5.0, **CELL | change)
    with pytest.raises(ValueError, match="`sigma`"):
        siegert(19.0, -1.0, **CELL)


# Brunel (2000), table 1, prints 55.8, 38.0 and 6.5 Hz for the rows with a reset of 10 mV and eta of 4, 2 and 0.9.
@pytest.mark.parametrize(
    ("g", "eta", "reset_10", "reset_0"),
    [(3, 2, 327.0, 194.8), (6, 4, 55.84, 49.15), (5, 2, 37.95, 32.03), (5, 0.9, 3.81, 3.61), (4.5, 0.9, 6.52, 5.83)],
)
def test_brunel_table(g, eta, reset_10, reset_0):
    digits = 1 if reset_10 > 100 else 2
    assert round(float(brunel_rate(g, eta)), digits) == reset_10
    assert round(float(brunel_rate(g, eta, v_reset=0.0)), digits) == reset_0


@pytest.mark.parametrize("change", [{"g": 5.05}, {"eta": 2.02}, {"gamma": 0.2525}, {"weight": 0.101}, {"tau": 20.2}])
def test_brunel_is_sensitive_to_every_parameter(change):
    # +1 % of a parameter moves the rate by more than the table's rounding.
    assert abs(float(brunel_rate(**{"g": 5.0, "eta": 2.0} | change)) - 37.95) > 0.01


def test_brunel_two_stable_states():
    low, high = (float(brunel_rate(3.0, 0.8, start=start)) for start in ("below", "above"))
    assert low < 10.0 and high > 300.0
    assert float(brunel_rate(5.0, 2.0, start="above")) == pytest.approx(float(brunel_rate(5.0, 2.0)), rel=1e-9)


def test_brunel_broadcasts_and_is_a_fixed_point():
    g, eta = np.array([4.5, 5.0, 6.0]), np.array([[1.0], [2.0]])
    rates = brunel_rate(g, eta)
    assert rates.shape == (2, 3)
    mu = 20.0 * eta + 2.0 * rates * (1 - 0.25 * g)
    sigma = np.sqrt(0.1 * (20.0 * eta + 2.0 * rates * (1 + 0.25 * g**2)))
    np.testing.assert_allclose(siegert(mu, sigma, **CELL), rates, rtol=1e-9)


def test_brunel_silent_without_input_and_bad_start():
    assert float(brunel_rate(5.0, 0.0)) == 0.0
    with pytest.raises(ValueError, match="`start`"):
        brunel_rate(5.0, 2.0, start="middle")
