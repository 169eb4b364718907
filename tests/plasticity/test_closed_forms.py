"""Rules against sums over all pairs and triplets of spikes, and against what theory says they settle at."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

DT = 1.0


def weights(rule, pre, post, *, w0=0.5, order=None, delay=1.0, drive=None, trace=False):
    """The weight of one synapse after given spike trains (booleans), or after every step."""
    populations = {
        "pre": snn.SpikeSource(1),
        "post": snn.Population(snn.Parrot(), 1, ports={"in": snn.Delta(), "deaf": snn.Exponential()}),
    }
    link = snn.Connection("pre", "post.deaf", snn.AllToAll(), weight=w0, delay=delay, rule=rule)
    net = snn.network(dt=DT, key=jax.random.key(0), populations=populations, projections={"P": link}, order=order)
    fed = snn.Replay(jnp.asarray(pre)[:, None], into="pre") + snn.Replay(jnp.asarray(post)[:, None], into="post.in")
    fed = fed if drive is None else fed + drive
    record = snn.Trace("P.weight") if trace else snn.Last("P.weight")
    run = snn.simulate(net, fed, steps=len(pre), key=jax.random.key(0), record=record, progress=snn.progress.Quiet())
    return np.asarray(run.record)[..., 0]


def train(*steps, length):
    out = np.zeros(length)
    out[list(steps)] = 1.0
    return out


POINTS = {10: 0.576871121, 20: 0.349808012, 4: 0.778742488, -2: -0.95127261, -10: -0.6376571, -20: -0.386758581}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("apart", POINTS)
def test_published_points(apart):
    """NEST's `stdp_synapse`, delay 1 ms: the change of a weight of 50 for one pair, `t_post - t_pre` apart.

    The weight is read by a second pre spike 200 ms later, which pairs, too.
    """
    rule = snn.PairSTDP(0.01, 0.01, dependence=snn.plasticity.Guetig(100.0, 0.0, 0.0))
    at = 30
    pre, post = train(at, at + 200, length=240), train(at + apart, length=240)
    change = weights(rule, pre, post, w0=50.0) - 50.0
    assert change == pytest.approx(POINTS[apart], abs=1e-6)
    wrong = weights(rule, pre, post, w0=50.0, delay=2.0) - 50.0
    assert abs(wrong - POINTS[apart]) > 1e-3  # control


@pytest.mark.usefixtures("x64")
def test_triplets_are_sums_over_all_pairs_and_triplets():
    """`dw` written out as sums over spikes, without any trace (Pfister and Gerstner 2006, equation 3)."""
    rng = np.random.default_rng(3)
    pre, post = rng.random(300) < 0.06, rng.random(300) < 0.06
    a = dict(a2_plus=0.011, a3_plus=0.023, a2_minus=0.017, a3_minus=0.013)
    tau = dict(tau_plus=16.8, tau_x=101.0, tau_minus=33.7, tau_y=125.0)
    i, j = np.flatnonzero(pre) * DT, (np.flatnonzero(post) + 1) * DT  # a dendritic delay of one step
    earlier = lambda spikes, t, tau: np.exp(-(t - spikes[spikes < t]) / tau).sum()
    up = [earlier(i, t, tau["tau_plus"]) * (a["a2_plus"] + a["a3_plus"] * earlier(j, t, tau["tau_y"])) for t in j]
    down = [earlier(j, t, tau["tau_minus"]) * (a["a2_minus"] + a["a3_minus"] * earlier(i, t, tau["tau_x"])) for t in i]
    inside = j <= 299 * DT
    expected = np.sum(np.asarray(up)[inside]) - np.sum(down)
    change = weights(snn.TripletSTDP(**a, **tau), pre.astype(float), post.astype(float)) - 0.5
    assert change == pytest.approx(expected, abs=1e-12)
    without = snn.TripletSTDP(**{**a, "a3_plus": 0.0}, **tau)
    assert abs(weights(without, pre.astype(float), post.astype(float)) - 0.5 - expected) > 1e-3


def test_inhibition_settles_at_the_target_rate():
    """Vogels et al. (2011): on average `dw` is 0 where `r_post = rate`, positive above and negative below."""
    rng = np.random.default_rng(0)
    length, rule = 60_000, snn.VogelsSprekeler(eta=1e-4, rate=20.0, tau=20.0)
    pre = rng.random(length) < 0.02
    drift = {}
    for rate in (10.0, 20.0, 40.0):
        post = rng.random(length) < rate * 1e-3 * DT
        drift[rate] = float(weights(rule, pre.astype(float), post.astype(float))) - 0.5
    pairs = pre.sum() * 2 * 0.02 * 20.0 * 1e-4  # what the target rate alone would add, and the rule takes away
    assert drift[10.0] == pytest.approx(-0.5 * pairs, rel=0.25)
    assert abs(drift[20.0]) < 0.15 * pairs
    assert drift[40.0] == pytest.approx(pairs, rel=0.25)


def many(rule, rates, *, length, post_rate=None, seed=0, w0=0.3, on=None):
    """Weights of a linear-ish neuron (an escape of its drive) onto which independent inputs converge."""
    n = len(rates)
    cell = snn.LIF(tau=20.0, v_th=1.0, v_reset=0.0, comparator=snn.thresholds.Greater())
    link = snn.Connection("in", "out", snn.AllToAll(), via=snn.Dense(), weight=w0, delay=DT, rule=rule)
    populations = {"in": snn.SpikeSource(n), "out": snn.Population(cell, 1)}
    net = snn.network(dt=DT, key=jax.random.key(seed), populations=populations, projections={"P": link})
    drive = snn.Poisson(jnp.asarray(rates), into="in")
    record = {"w": snn.Snapshots("P.weight", every=length * DT / 4), "rate": snn.Count("out", start=length * DT / 2)}
    run = snn.simulate(net, drive, steps=length, key=jax.random.key(seed), record=record, progress=snn.progress.Quiet())
    return np.asarray(run["w"])[..., 0], float(run["rate"][0]) / (length * DT / 2) * 1e3


def test_oja_keeps_weights_bounded_and_prefers_the_stronger_input():
    w, _ = many(snn.Oja(eta=2e-3, decay=1.0, tau=20.0), [20.0] * 5 + [60.0] * 5, length=40_000)
    strong, weak = w[-1, 5:].mean(), w[-1, :5].mean()
    assert strong > 2.0 * weak > 0.0
    assert np.all(np.abs(w[-1] - w[-2]) < 0.35 * w[-1].max())  # it has settled
    runaway, _ = many(snn.Oja(eta=2e-3, decay=0.0, tau=20.0), [20.0] * 5 + [60.0] * 5, length=40_000)
    assert runaway[-1].max() > 3.0 * w[-1].max()  # control: Hebb without decay


def test_bcm_brings_the_neuron_to_its_rate():
    rates = [30.0] * 10
    for target in (10.0, 25.0):
        rule = snn.chain(snn.BCM(eta=2e-4, tau=50.0, tau_theta=2000.0, rate=target), snn.Bound(0.0, 3.0))
        _, rate = many(rule, rates, length=80_000)
        assert rate == pytest.approx(target, rel=0.35)


def test_scaling_brings_the_neuron_to_its_rate():
    """With nothing but homeostatic scaling; the control does not scale."""
    rule = lambda tau: snn.chain(snn.Scaling(rate=12.0, tau=tau, tau_rate=500.0), snn.Bound(0.0, 3.0))
    _, rate = many(rule(2_000.0), [30.0] * 10, length=60_000, w0=0.1)
    assert rate == pytest.approx(12.0, rel=0.15)
    _, never = many(rule(1e9), [30.0] * 10, length=60_000, w0=0.1)
    assert abs(never - 12.0) > 4.0


@pytest.mark.usefixtures("x64")
def test_normalisation_keeps_the_sum():
    rule = snn.chain(snn.PairSTDP(0.05, 0.02), snn.Normalise(total=2.5, every=1000.0))
    w, _ = many(rule, [30.0] * 10, length=4_000)
    np.testing.assert_allclose(w.sum(axis=1), 2.5, rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_modulated_learning_is_the_integral():
    """`w(t) = w0 + int c (m - b)`, by a fine sum over time; the pairs' changes jump into `c`."""
    rng = np.random.default_rng(5)
    length, tau = 400, 60.0
    pre, post = rng.random(length) < 0.05, rng.random(length) < 0.05
    m = rng.normal(size=length)
    stdp = snn.PairSTDP(0.03, 0.04)
    alone = np.diff(weights(stdp, pre.astype(float), post.astype(float), trace=True), prepend=0.5)
    c, w, kept = 0.0, 0.5, []
    for k in range(length):
        w += c * (m[k] - 0.1) * tau * -np.expm1(-DT / tau)  # the eligibility decays, the modulator is held
        c = c * np.exp(-DT / tau) + alone[k]
        kept.append(w)
    rule = snn.chain(stdp, snn.Modulate("r", tau, baseline=0.1))
    fed = lambda rule: weights(rule, pre.astype(float), post.astype(float), drive=snn.Modulator("r", m), trace=True)
    np.testing.assert_allclose(fed(rule), kept, rtol=0, atol=1e-12)
    assert np.abs(fed(snn.chain(stdp, snn.Modulate("r", tau))) - kept).max() > 1e-3  # control: no baseline
