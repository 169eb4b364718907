"""Our STDP on the learning engine: the window of a pair, long random trains, and what the report says of them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxsnn as snn
from jaxsnn.chips.loihi.cores import Excitatory, SignedWeights
from jaxsnn.chips.loihi.learning.stdp import learning_rule_for
from tests.refused import refused

RULE = snn.PairSTDP(a_plus=0.011, a_minus=0.0087, tau_plus=16.0, tau_minus=31.0)
BOUNDED = snn.chain(RULE, snn.Bound(0.0, 1.0))
DT = 0.5


@eqx.filter_jit
def learned(rule, start, pre, post, streams, ends=(0, 255)):
    """Weights after trains, for every stream of random numbers."""

    def one(stream):
        def step(s, now):
            t, a, b = now
            return rule.step(s, a, b, {}, t, range=ends, stream=stream), None

        given = jnp.arange(len(pre), dtype=jnp.int32), pre, post
        return lax.scan(step, rule.init(start), given)[0].w

    return jax.vmap(one)(streams)


def run_of(mapped, start, pre, post, streams):
    """Weights of the engine after trains, from one number."""
    ends = (0, 255) if isinstance(mapped.sign, Excitatory) else (-256, 255)
    return learned(mapped.rule, jnp.full((pre.shape[1], post.shape[1]), start), pre, post, streams, ends)


def streams(n):
    return jax.random.bits(jax.random.key(3), (n, 2))


def written(pre, post, w, rule=RULE):
    """The rule as it is written in books, in double precision: pairs of the same step do not count."""
    x, y = np.zeros(pre.shape[1]), np.zeros(post.shape[1])
    for a, b in zip(pre, post):
        x, y = x * np.exp(-DT / float(rule.tau_plus)), y * np.exp(-DT / float(rule.tau_minus))
        w = w + float(rule.a_plus) * np.outer(x, b) - float(rule.a_minus) * np.outer(a, y)
        x, y = x + a, y + b
    return w


def leftover(mapped):
    """What spikes of one step change, as the report has it."""
    return abs(float(mapped.notes[0].split("by ")[1].split(",")[0].split(" ")[0]))


def test_the_window_of_a_pair():
    """One post spike, pre spikes from 60 steps before to 60 after: means over 3000 streams, within 4 deviations."""
    lags = np.arange(-60, 61, 6)
    pre = (np.arange(130)[:, None] == 64 + lags[None]).astype(bool)
    post = (np.arange(130)[:, None] == 64).astype(bool)
    mapped = learning_rule_for(BOUNDED, DT)
    w = np.asarray(learned(mapped.rule, jnp.full((len(lags), 1), 100), pre, post, streams(3000)))[..., 0] - 100
    mean, error = w.mean(0) / mapped.scale, w.std(0) / np.sqrt(len(w)) / mapped.scale
    expected = written(pre, post, np.zeros((len(lags), 1)))[:, 0]
    apart = lags != 0
    assert np.all(np.abs(mean - expected)[apart] < 4 * error[apart] + mapped.window_error * 0.011)
    assert abs(mean[~apart][0]) < 4 * error[~apart][0] + leftover(mapped) and leftover(mapped) < 0.1 * 0.011
    wrong = written(pre, post, np.zeros((len(lags), 1)), snn.PairSTDP(0.011, 0.0087, 16.0, 25.0))[:, 0]
    assert np.any(np.abs(mean - wrong)[apart] > 5 * error[apart])  # control: another time constant is seen


def test_a_window_that_is_seen_a_step_late_is_made_up_for():
    """Where the sender's spike comes first if both are of one step: then no pair changes sides."""
    lags = np.arange(-30, 31, 5)
    pre = (np.arange(80)[:, None] == 40 + lags[None]).astype(bool)
    post = (np.arange(80)[:, None] == 41).astype(bool)  # seen in 41 what met in 40
    rule = snn.chain(RULE, snn.Bound(0.0, 1.0), coincident_pairs=snn.plasticity.PreBeforePost())
    mapped = learning_rule_for(rule, DT, time_shift=1)
    w = np.asarray(learned(mapped.rule, jnp.full((len(lags), 1), 100), pre, post, streams(2000)))[..., 0] - 100
    mean, error = w.mean(0) / mapped.scale, w.std(0) / np.sqrt(len(w)) / mapped.scale
    asked, got = mapped.changes(-lags)
    assert asked[lags == 0] == pytest.approx(0.011) and mapped.window_error < 0.02
    assert np.all(np.abs(mean - got) < 4.5 * error + 1e-5)
    assert np.all(np.abs(mean - asked) < 4.5 * error + mapped.window_error * 0.011)
    as_if_not = learning_rule_for(rule, DT).changes(1 - lags)[0]
    assert np.any(np.abs(mean - as_if_not) > 4.5 * error + mapped.window_error * 0.011)  # control
    assert "amplitudes make up" in mapped.notes[-1]


def test_long_trains_drift_as_the_float_rule():
    """400 steps of random spikes, 8 x 6 synapses: the mean over streams is the float rule's, to the rounding noise."""
    rng = np.random.default_rng(6)
    pre, post = rng.random((400, 8)) < 0.02, rng.random((400, 6)) < 0.02
    mapped = learning_rule_for(BOUNDED, DT)
    w = np.asarray(learned(mapped.rule, jnp.full((8, 6), 128), pre, post, streams(600))) / mapped.scale
    expected = written(pre, post, np.full((8, 6), 128 / mapped.scale))
    error = w.std(0) / np.sqrt(len(w))
    together = pre.T.astype(int) @ post.astype(int)
    assert np.all(np.abs(w.mean(0) - expected) < 4.5 * error + together * leftover(mapped) + 1e-4)
    assert np.std(expected) > 0.01  # there was something to follow


SOFT = snn.PairSTDP(a_plus=0.04, a_minus=0.03, tau_plus=16.0, tau_minus=31.0, dependence=snn.plasticity.Guetig())


def in_proportion(pre, post, w, rule=SOFT):
    """The multiplicative rule between 0 and 1, in double precision: pairs of the same step do not count."""
    x, y = np.zeros(pre.shape[1]), np.zeros(post.shape[1])
    for a, b in zip(pre, post):
        x, y = x * np.exp(-DT / float(rule.tau_plus)), y * np.exp(-DT / float(rule.tau_minus))
        w = w + float(rule.a_plus) * np.outer(x, b) * (1 - w)
        w = w - float(rule.a_minus) * np.outer(a, y) * w
        x, y = x + a, y + b
    return w


@pytest.mark.parametrize(
    "rule",
    [SOFT, snn.chain(snn.PairSTDP(0.08, 0.06, 16.0, 31.0), snn.SoftBound(-1.0, 1.0))],
    ids=["guetig", "soft, of both signs"],
)
def test_changes_in_proportion_to_what_is_left_to_a_bound(rule):
    """Long random trains, from a low and a high weight: means over streams are those of floats in proportion."""
    rng = np.random.default_rng(6)
    pre, post = rng.random((400, 8)) < 0.02, rng.random((400, 6)) < 0.02
    mapped = learning_rule_for(rule, DT)
    assert mapped.multiplicative and mapped.window_error < 2e-3
    low = float(mapped.bounds[0])
    share = lambda w: (w - low) / (1 - low)  # between the bounds
    for start in (20, 230) if low == 0 else (-180, 200):
        w = share(np.asarray(run_of(mapped, start, pre, post, streams(600))) / mapped.scale)
        expected = in_proportion(pre, post, np.full((8, 6), share(start / mapped.scale)))
        error = w.std(0) / np.sqrt(len(w))
        together = pre.T.astype(int) @ post.astype(int)
        assert np.all(np.abs(w.mean(0) - expected) < 5 * error + together * leftover(mapped) + 2e-3)
        assert np.abs(expected - share(start / mapped.scale)).max() > 0.03
        other = written(pre, post, np.full((8, 6), share(start / mapped.scale)), SOFT)  # control: not in proportion
        assert np.any(np.abs(w.mean(0) - other) > 5 * error + together * leftover(mapped) + 2e-3)


def test_spikes_of_one_step_in_proportion():
    """They change nothing, or what the sender's first makes of them, at weights near either bound."""
    pre, post = np.eye(1, 40, 20, dtype=bool).T, np.eye(1, 40, 20, dtype=bool).T
    for pairing, grows in ((snn.plasticity.CoincidentIgnored(), 0.0), (snn.plasticity.PreBeforePost(), 0.04)):
        mapped = learning_rule_for(snn.chain(SOFT, coincident_pairs=pairing), DT)
        for start in (20, 230):
            w = np.asarray(run_of(mapped, start, pre, post, streams(4000)))[:, 0, 0]
            expected, error = start + grows * (255 - start), w.std() / np.sqrt(len(w))
            assert abs(w.mean() - expected) < 4.5 * error + 0.004 * 255
        assert mapped.changes([0])[1][0] == pytest.approx(grows, abs=4e-3)


def test_a_traced_amplitude_below_0_within_a_soft_bound_is_a_status():
    """It would exchange growth and decline: known it is refused, traced it is no impulse."""
    made = lambda a: learning_rule_for(snn.chain(snn.PairSTDP(a_plus=a), snn.SoftBound(0.0, 1.0)), DT).rule.x1.impulse
    assert [int(jax.jit(made)(jnp.float32(a))) < 0 for a in (0.01, -0.01)] == [False, True]


def test_the_report_says_what_was_lost():
    mapped = learning_rule_for(BOUNDED, DT)
    assert isinstance(mapped.sign, Excitatory) and mapped.scale == 255.0
    for name, value in mapped.asked.items():
        assert mapped.got[name] == pytest.approx(value, rel=2e-4)
    assert 0 < mapped.window_error < 2e-4
    coarse = learning_rule_for(snn.PairSTDP(a_plus=1e-6, a_minus=1e-6), 1.0, scale=255.0)
    assert 0.001 < coarse.window_error < 0.5  # impulses of a few 256ths
    text = str(mapped)
    assert "window error" in text and "y0*x1" in text and "asked 0 and 1" in text
    assert isinstance(learning_rule_for(snn.chain(RULE, snn.Bound(-1.0, 1.0)), DT).sign, SignedWeights)
    first = learning_rule_for(snn.chain(RULE, snn.Bound(0.0, 1.0), coincident_pairs=snn.plasticity.PreBeforePost()), DT)
    assert "PreBeforePost" in first.notes[0] and "asked 0.011" in first.notes[0]


def test_rules_that_the_engine_cannot_have_are_refused():
    with refused("TripletSTDP cannot be lowered", "PairSTDP", "write a LoihiRule"):
        learning_rule_for(snn.TripletSTDP(), DT)
    with refused("PairSTDP(PowerLaw, AllPairs)", "Additive()"):
        learning_rule_for(snn.PairSTDP(dependence=snn.plasticity.PowerLaw()), DT, scale=255.0)
    with refused("Guetig with exponents that are not known to be 1", "Additive()"):
        learning_rule_for(snn.PairSTDP(dependence=snn.plasticity.Guetig(mu_plus=0.4)), DT)
    with refused("Guetig within another bound"):
        learning_rule_for(snn.chain(snn.PairSTDP(dependence=snn.plasticity.Guetig()), snn.Bound(0.0, 0.5)), DT)
    with refused("SoftBound before the rule whose changes"):
        learning_rule_for(snn.chain(snn.SoftBound(0.0, 1.0), RULE), DT)
    with refused("a_plus below 0 within a SoftBound"):
        learning_rule_for(snn.chain(snn.PairSTDP(a_plus=-0.01), snn.SoftBound(0.0, 1.0)), DT)
    with refused("numbers that differ between neurons"):
        learning_rule_for(snn.chain(snn.PairSTDP(tau_plus=jnp.ones(3)), snn.Bound(0.0, 1.0)), DT)
    with refused("SoftBound of a power that is not known to be 1"):
        learning_rule_for(snn.chain(RULE, snn.SoftBound(0.0, 1.0, power=2.0)), DT)
    with refused("The chain of PairSTDP, Modulate", "at most one Bound"):
        learning_rule_for(snn.chain(RULE, snn.Modulate("reward")), DT)
    with refused("without a Bound and no scale", "mantissas"):
        learning_rule_for(RULE, DT)
    with refused("a_plus = 1e-09", "choose another scale"):
        learning_rule_for(snn.PairSTDP(a_plus=1e-9), DT, scale=255.0)
