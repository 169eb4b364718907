"""Weights that are set between two parts of a run act where they learn, and only there and then."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.plasticity.plastic import fingerprint

KEY, STEPS = jax.random.key(0), 10
DRIVE = snn.Poisson(500.0, into="a") + snn.Modulator("reward", 0.5)
RECORD = {"w": snn.Trace("p.weight"), "q": snn.Trace("q.weight"), "x": snn.Trace("p.pre.x"), "v": snn.Trace("b.v")}
RULES = {
    "pair": lambda: snn.chain(snn.PairSTDP(0.02, 0.005), snn.Bound(0.0, 9.0)),
    "modulated": lambda: snn.chain(snn.Oja(0.1), snn.Modulate("reward", 5.0), snn.Scaling(), snn.Bound(0.0, 9.0)),
}


def network(rule, **link):
    given = dict(weight=1.0, delay=1.0, rule=rule) | link
    links = {
        "p": snn.Connection("a", "b", snn.AllToAll(), **given),
        "q": snn.Connection("a", "b", snn.AllToAll(), weight=1.0, delay=1.0, rule=RULES["pair"]()),
    }
    populations = {
        "a": snn.SpikeSource(2),
        "b": snn.Population(snn.LIF(tau=10.0, v_th=6.0), 2, ports={"in": snn.Delta()}),
    }
    return snn.network(dt=1.0, key=KEY, populations=populations, projections=links)


@eqx.filter_jit
def run(net, state=None):
    return snn.simulate(net, DRIVE, steps=STEPS, key=KEY, record=RECORD, state=state, throw=False)


@pytest.mark.parametrize("name", RULES)
def test_a_weight_that_is_set_acts(name):
    net = network(RULES[name]())
    first = run(net)
    assert np.abs(first["w"][-1] - 1.0).max() > 1e-3  # it has learnt
    went_on, as_set = (run(n, first.state) for n in (net, snn.set(net, "p.weight", 0.25)))
    assert np.abs(as_set["w"][0] - 0.25).max() < 0.2 < np.abs(went_on["w"][0] - 0.25).min()
    np.testing.assert_array_equal(as_set["q"][0], went_on["q"][0])  # of the others nothing was set
    assert np.any(as_set["v"] != went_on["v"])  # and it is what is sent
    again, other = run(snn.set(net, "p.weight", 0.25), as_set.state), run(net, as_set.state)
    assert not np.any(again["w"] == other["w"])  # once: what was set then is where learning began
    np.testing.assert_array_equal(again["x"], other["x"])  # traces go on


def test_what_was_learnt_stays_where_nothing_was_set():
    """Also of the network that `learned` gives, whose weights are those of the state."""
    net = network(RULES["pair"]())
    first = run(net)
    second, learned = run(net, first.state), run(net.learned(first.state), first.state)
    np.testing.assert_array_equal(second["w"], learned["w"])
    np.testing.assert_array_equal(second["v"], learned["v"])
    other = snn.set(net, "p.plastic.rule.parts.0.a_plus", 0.5)
    assert np.all(np.abs(run(other, first.state)["w"][-1] - 1.0) > 1e-3)  # another number of the rule: weights go on


def test_in_a_program():
    """Traced, and in a batch: where a weight differs it acts."""
    net = network(RULES["pair"]())
    first = run(net)
    program = jax.jit(jax.vmap(lambda w: run(snn.set(net, "p.weight", w), first.state).record["w"][-1]))
    batch = program(jnp.array([1.0, 0.25, 0.0]))
    for row, w in zip(batch, (1.0, 0.25, 0.0), strict=True):
        np.testing.assert_array_equal(row, run(snn.set(net, "p.weight", w), first.state)["w"][-1])
    np.testing.assert_array_equal(batch[0], run(net, first.state)["w"][-1])
    slope = jax.jit(jax.grad(lambda w: jnp.sum(run(snn.set(net, "p.weight", w), first.state).record["w"][-1])))
    assert slope(jnp.float32(0.25)) > 0.5  # with respect to the weight that acts
    assert slope(jnp.float32(1.0)) == 0.0  # and not to one that is not read


def test_bounds_that_are_set_hold():
    """Also for weights that were learnt beyond them and that no spike touches."""
    net = network(RULES["pair"]())
    first = run(net)
    hi = float(first["w"][-1].max()) / 2
    bounded = lambda hi: eqx.tree_at(lambda n: n["p"].plastic.rule.parts[1].hi, net, jnp.float32(hi))  # as if traced
    narrow, wide = (run(bounded(x), first.state) for x in (hi, 9.0))
    assert np.max(narrow["w"]) <= np.float32(hi) < np.min(wide["w"][0])
    assert int(narrow.status) & snn.Status.PARAMETER_RANGE  # of the network's own weights
    assert int(wide.status) == 0


def test_fingerprints():
    """Any bit, and the order, of any number of weights: another fingerprint; 64 bits of it, in both precisions."""
    rng = np.random.default_rng(0)
    w = rng.random(1000).astype(np.float32)
    others = []
    for i in range(300):
        others.append(w.copy())
        others[-1][i] = np.nextafter(w[i], np.float32(2.0))
    others += [w[::-1], np.roll(w, 1), -w, 0 * w, w[:999], np.zeros(999, np.float32)]
    of = jax.jit(fingerprint)
    found = np.stack([of(w), *(of(x) for x in others)])
    for column in found.T:
        assert len(np.unique(column)) == len(found)
    np.testing.assert_array_equal(of(w), of(w.copy()))
