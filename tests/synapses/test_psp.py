"""Postsynaptic potentials against closed forms for any step, the DC response, and single neurons of NEST 3.10.

The membrane `tau_m dv/dt = -v + I` answers a current `I(u)` that begins at 0 with the integral over `0 <= u <= s` of
`I(u) e^(-(s-u)/tau_m) / tau_m`.
"""

import functools
from decimal import Decimal, localcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jaxsnn as snn

STEPS = (0.025, 0.05, 0.1, 0.2, 0.5, 1.0)  # ms
T = 20  # ms
KEY = jax.random.key(0)

# Far apart, equal, and so near that the plain formulas would lose 3, 6 and 9 digits of both precisions' 7 and 16.
TAU_M = np.array([10.0, 10.0, 20.0, 5.0, 5.0, 5.0, 5.0, 5.0])
TAU_S = np.array([2.0, 0.5, 30.0, 5.0, *(5.0 * (1 + x) for x in (1e-3, 1e-6, 1e-9, -1e-6))])
TAU_R = np.array([0.5, 2.0, 0.1, 5.0, 1.0, 5.0 * (1 + 1e-9), 5.0 * (1 + 1e-4), 30.0])  # rise of the dual exponential
N = len(TAU_M)
BIAS = np.array([1.2, 1.5, 4.0, 40.0])  # in units of the threshold's current
PORTS = ("jump", "exp", "alpha", "dual")


@functools.cache
def exact(port, s, tau_m, tau_s, tau_r=None):
    """The response `s` ms after an arrival of weight 1, in 60 digits, where nearly equal terms may cancel.

    exp: `I = e^(-u/tau_s)` gives `(e^(-s/tau_s) - e^(-s/tau_m)) / (k tau_m)` with `k = 1/tau_m - 1/tau_s`.
    alpha: `I = e u/tau_s e^(-u/tau_s)` gives `e/(tau_s tau_m) (e^(-s/tau_s) (s/k - 1/k^2) + e^(-s/tau_m)/k^2)`.
    At `k = 0` the integrals of `1` and `u` remain: `s` and `s^2/2`.
    dual: the difference of two such responses, over that of the currents at its peak; see `dual`.
    """
    if port == "dual":
        return dual(s, tau_m, tau_s, tau_r)
    with localcontext() as digits:
        digits.prec = 60
        s, tau_m, tau_s = Decimal(s), Decimal(float(tau_m)), Decimal(float(tau_s))
        m, a, k, e = (-s / tau_m).exp(), (-s / tau_s).exp(), 1 / tau_m - 1 / tau_s, Decimal(1).exp()
        response = {
            "jump": lambda: m,
            "exp": lambda: (a - m) / (k * tau_m) if k else m * s / tau_m,
            "alpha": lambda: e / (tau_s * tau_m) * (a * (s / k - 1 / k**2) + m / k**2 if k else m * s * s / 2),
        }[port]()
        return float(response)


def dual(s, tau_m, tau_s, tau_r):
    """The response to `exp(-u/tau_s) - exp(-u/tau_r)` with its peak at 1: equal times are moved apart by 1e-30."""
    with localcontext() as digits:
        digits.prec = 150
        s, m = Decimal(s), Decimal(float(tau_m))
        d, r = Decimal(float(tau_s)) * (1 + Decimal("1e-30")), Decimal(float(tau_r)) * (1 - Decimal("1e-30"))
        top = (d / r).ln() / (1 / r - 1 / d)
        response = [((-s / t).exp() - (-s / m).exp()) / ((1 / m - 1 / t) * m) for t in (d, r)]
        return float((response[0] - response[1]) / ((-top / d).exp() - (-top / r).exp()))


@functools.cache
def responses(h, dtype):
    """`v` at every ms after an arrival in step 0, by port; and under constant currents from 0, `v` and the first spike.

    One population: `N` neurons for each port, then one for each constant current. Arrays are in `dtype`, numbers too.
    """
    tau_m = np.concatenate([np.tile(TAU_M, len(PORTS)), np.full(len(BIAS), 10.0)])
    tau_s = np.concatenate([np.tile(TAU_S, len(PORTS)), np.full(len(BIAS), 1.0)])
    tau_r = np.concatenate([np.tile(TAU_R, len(PORTS)), np.full(len(BIAS), 1.0)])
    bias = np.concatenate([np.zeros(len(PORTS) * N), BIAS])
    threshold = np.where(bias > 0, 1.0, 1e9)
    n = len(tau_m)
    ports = {"jump": snn.Delta(), "exp": snn.Exponential(tau_s), "alpha": snn.Alpha(tau_s)}
    ports["dual"] = snn.DualExponential(tau_r, tau_s)
    cell = snn.LIF(tau=tau_m, v_th=threshold, bias=bias, t_ref=2.0 * T)
    net = snn.network(dt=h, key=KEY, populations={"P": snn.Population(cell, n, ports=ports)})

    def hit(i):
        raster = np.zeros((1, n), dtype)
        raster[0, i * N : (i + 1) * N] = 1.0
        return snn.Replay(jnp.asarray(raster), into=f"P.{PORTS[i]}")

    record = {"v": snn.Trace("P.v"), "spikes": snn.Raster("P")}
    run = snn.simulate(
        net,
        hit(0) + hit(1) + hit(2) + hit(3),
        steps=1 + round(T / h),
        key=KEY,
        record=record,
        progress=snn.progress.Quiet(),
    )
    v, spikes = np.asarray(run["v"]), np.asarray(run["spikes"].dense())
    assert v.dtype == dtype
    at = np.round(np.arange(T + 1) / h).astype(int)  # the arrival is in v or its port from t_1 on: row 0
    psp = {port: v[at, i * N : (i + 1) * N] for i, port in enumerate(PORTS)}
    rest = slice(len(PORTS) * N, None)
    return psp, v[:, rest], spikes[:, rest].argmax(axis=0)


@pytest.mark.parametrize("h", STEPS)
def test_psp_is_exact(h, dtype):
    """To 1e-12 (float64) and 1e-5 (float32) of the peak, at every step length, near and at equal time constants."""
    psp, _, _ = responses(h, dtype)
    tolerance = {"float64": 1e-12, "float32": 1e-5}[dtype]
    taus = [tau.astype(dtype) for tau in (TAU_M, TAU_S, TAU_R)]  # the numbers the library has
    for port in PORTS:
        expected = np.array([[exact(port, s, *tau) for tau in zip(*taus)] for s in range(T + 1)])
        error = np.abs(psp[port] - expected) / np.abs(expected).max(axis=0)
        assert error.max() < tolerance, port
        # control: a time constant one part in a thousand off is seen in both precisions
        wrong = np.array([[exact(port, s, m * 1.001, *tau) for m, *tau in zip(*taus)] for s in range(T + 1)])
        assert (np.abs(psp[port] - wrong) / np.abs(expected).max(axis=0)).max(axis=0).min() > tolerance


def test_step_length_does_not_matter(x64):
    """`v` at common times is the same number at h = 0.025 and at h = 1: the step is no approximation."""
    fine, *_ = responses(0.025, "float64")
    for h in STEPS[1:]:
        coarse, *_ = responses(h, "float64")
        for port in PORTS:
            np.testing.assert_allclose(coarse[port], fine[port], rtol=0, atol=1e-12)


@pytest.mark.parametrize("h", STEPS)
def test_constant_current(h, x64):
    """`v = I (1 - e^(-t/tau))`, and a first spike in the step whose end is the first at or above the threshold."""
    _, v, first = responses(h, "float64")
    crossing = -10.0 * np.log(1.0 - 1.0 / BIAS)
    np.testing.assert_array_equal(first, np.ceil(crossing / h) - 1)
    t = np.arange(1, len(v) + 1) * h
    for i, bias in enumerate(BIAS):
        before = slice(0, first[i])
        np.testing.assert_allclose(v[before, i], -bias * np.expm1(-t[before] / 10.0), rtol=1e-12)


# --- conductances: exponential Euler, first order ---------------------------------------------------------------------


@functools.cache
def conductance(h, *, tau=5.0, tau_m=10.0, e_rev=60.0, w=0.5):
    """`v` at every ms after an arrival at a conductance; neuron 1 gets it at an exact current beside it."""
    cell, ports = snn.LI(tau=tau_m), {"g": snn.Conductance(tau, e_rev), "i": snn.Exponential(tau)}
    net = snn.network(dt=h, key=KEY, populations={"P": snn.Population(cell, 2, ports=ports)})
    drive = snn.Replay(jnp.array([[w, 0.0]]), into="P.g") + snn.Replay(jnp.array([[0.0, w]]), into="P.i")
    steps = 1 + round(T / h)
    run = snn.simulate(net, drive, steps=steps, key=KEY, record=snn.Trace("P.v"), progress=snn.progress.Quiet())
    return np.asarray(run.record)[np.round(np.arange(T + 1) / h).astype(int)]


def test_conductance_converges_with_order_one(x64):
    """Against `tau_m v' = -v + g (e_rev - v)` solved to 1e-12: halving the step halves the error."""

    def slope(s, v):
        return (-v + 0.5 * np.exp(-s / 5.0) * (60.0 - v)) / 10.0

    solved = solve_ivp(slope, (0, T), [0.0], method="DOP853", t_eval=np.arange(T + 1), rtol=1e-12, atol=1e-12).y[0]
    error = np.array([np.abs(conductance(h)[:, 0] - solved).max() for h in (0.2, 0.1, 0.05, 0.025)])
    order = np.log2(error[:-1] / error[1:])
    assert np.all(np.abs(order - 1.0) < 0.03), order
    assert error[-1] / solved.max() < 0.01


def test_current_beside_an_idle_conductance_is_exact(x64):
    """With `b = 0` the exponential Euler step is the exact one: a current port loses nothing beside a conductance."""
    expected = [0.5 * exact("exp", s, 10.0, 5.0) for s in range(T + 1)]
    for h in (0.2, 0.025):
        np.testing.assert_allclose(conductance(h)[:, 1], expected, rtol=0, atol=1e-12)


# --- NEST 3.10, dt 0.1 ms: every digit it prints ----------------------------------------------------------------------


def test_spike_trains_of_nest(x64):
    """iaf_psc_alpha at I_e 376 and 1000 pA, iaf_psc_exp and _delta at 450, iaf_cond_exp at 500: all times."""
    cell = snn.LIF(
        tau=np.array([10.0, 10.0, 10.0, 250.0 / 16.6667]),
        v_rest=-70.0,
        v_th=-55.0,
        v_reset=np.array([-70.0, -70.0, -70.0, -60.0]),
        t_ref=2.0,
        bias=np.array([376.0, 1000.0, 450.0, 500.0]),
        gain=snn.gains.Capacitance(250.0),
    )
    net = snn.network(dt=0.1, key=KEY, populations={"P": snn.Population(cell, 4)})
    run = snn.simulate(net, t=1000.0, key=KEY, record=snn.Raster("P"), progress=snn.progress.Quiet())
    step, neuron = run.record.events()
    trains = [0.1 * (step[neuron == i] + 1) for i in range(4)]  # NEST stamps the end of the step
    for train, first, period, count in zip(
        trains, (59.3, 4.8, 18.0, 10.4), (61.3, 6.8, 20.0, 6.4), (16, 147, 50, 155), strict=True
    ):
        assert len(train) == count
        np.testing.assert_allclose(train, first + period * np.arange(count), rtol=0, atol=1e-9)
    assert np.sum(trains[1] <= 200.0) == 29  # NEST's run with 1000 pA was 200 ms long


NEST_PSP = {  # V at 2.0, 2.1, 2.5, 5.0 and 10.0 ms; peak and when: a spike sent at 1.0 ms with a delay of 1.0 ms
    "exp": (
        "-65.000000000 -64.968333020 -64.892172361 -64.863523778 -64.916945109",
        ("-64.850022519659", 3.6),
    ),
    "alpha": (
        "-70.000000000 -69.997379467 -69.943362951 -69.150768430 -68.734628661",
        ("-68.6999879856", 8.7),
    ),
    "delta": (
        "-69.000000000 -69.009950166 -69.048770575 -69.259181779 -69.550671036",
        ("-69.0", 2.0),
    ),
}


def test_psps_of_nest(x64):
    """iaf_psc_exp (parameters of Potjans and Diesmann 2014, 87.8 pA), _alpha (100 pA) and _delta (1 mV), as printed."""
    ports = {"exp": snn.Exponential(0.5), "alpha": snn.Alpha(2.0), "delta": snn.Delta()}
    rest, weight = {"exp": -65.0, "alpha": -70.0, "delta": -70.0}, {"exp": 87.8, "alpha": 100.0, "delta": 1.0}
    populations = {
        name: snn.Population(
            snn.LI(tau=10.0, v_rest=rest[name], gain=snn.gains.Capacitance(250.0)), 1, ports={"in": port}
        )
        for name, port in ports.items()
    }
    net = snn.network(dt=0.1, key=KEY, populations=populations)
    # stamp 1.0 ms is the end of step 9; 10 steps later it is in the slot of step 19
    replay = {name: snn.Replay.events([19], [0], steps=20, n=1, into=name, weight=weight[name]) for name in ports}
    run = snn.simulate(
        net,
        replay["exp"] + replay["alpha"] + replay["delta"],
        t=20.0,
        key=KEY,
        record={name: snn.Trace(f"{name}.v") for name in ports},
        progress=snn.progress.Quiet(),
    )
    for name, (values, (peak, when)) in NEST_PSP.items():
        v = np.asarray(run[name])[:, 0]  # row j is time (j + 1) dt
        assert " ".join(f"{v[round(t / 0.1) - 1]:.9f}" for t in (2.0, 2.1, 2.5, 5.0, 10.0)) == values
        assert f"{v.max():.{len(peak.partition('.')[2])}f}" == peak
        assert round(0.1 * (v.argmax() + 1), 6) == when


def test_conductance_psp_of_nest_in_the_limit(x64):
    """iaf_cond_exp, 10 nS at tau 0.2 ms. Exponential Euler holds the conductance for a step and so overestimates it by
    dt / (2 tau) in first order: 27 % of the peak at dt 0.1 ms. Its error halves with the step, and what remains of two
    steps when that is taken out is NEST's own peak, -69.473860446 mV.
    """

    def rise(h):
        leak = 16.6667
        cell = snn.LI(tau=250.0 / leak, v_rest=-70.0)
        net = snn.network(dt=h, key=KEY, populations={"P": snn.Population(cell, 1, ports={"g": snn.Conductance(0.2)})})
        drive = snn.Replay(jnp.full((1, 1), 10.0 / leak), into="P")
        run = snn.simulate(net, drive, t=4.0, key=KEY, record=snn.Trace("P.v"), progress=snn.progress.Quiet())
        return np.asarray(run.record).max() + 70.0

    nest = 70.0 - 69.473860446
    coarse, middle, fine = rise(0.1), rise(0.0125), rise(0.00625)
    assert 0.25 < coarse / nest - 1 < 0.30
    assert abs((middle - nest) / (fine - nest) - 2.0) < 0.1
    assert abs((2 * fine - middle) / nest - 1) < 1e-3
