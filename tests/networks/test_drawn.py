"""Parameters that are distributions: a number for each neuron, by name; and weights that no run changes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxsnn as snn
from tests.refused import refused

KEY = jax.random.key(3)
N = 400


def build(*, mean=20.0, sd=2.0, more=(), key=KEY, release=None):
    cell = snn.Population(
        snn.LIF(tau=snn.Normal(mean, sd), gain=snn.gains.Resistance(snn.Uniform(0.5, 1.5)), v_th=snn.Normal(20.0, 1.0)),
        N,
        ports={"exc": snn.Conductance(snn.LogNormal(1.0, 0.1)), "in": snn.Delta()},
    )
    populations = {"E": cell, **{name: snn.Population(snn.LIF(tau=snn.Normal(9.0, 1.0)), 3) for name in more}}
    link = snn.Connection("E", "E.in", snn.FixedInDegree(5), weight=0.1, delay=1.0, release=release)
    return snn.network(dt=0.1, key=key, populations=populations, projections={"EE": link})


def test_laws():
    """Every number of a neuron, its gain and its ports has its law, and none has another's numbers."""
    cell = build()["E"]
    numbers = {
        "tau": (cell.neuron.tau, stats.norm(20.0, 2.0)),
        "r": (cell.neuron.gain.r, stats.uniform(0.5, 1.0)),
        "v_th": (cell.neuron.v_th, stats.norm(20.0, 1.0)),
        "port": (cell.ports["exc"].tau, stats.lognorm(0.1, scale=np.exp(1.0))),
    }
    for x, law in numbers.values():
        assert x.shape == (N,) and stats.kstest(np.asarray(x), law.cdf).pvalue > 1e-3
    both = np.corrcoef([law.cdf(np.asarray(x)) for x, law in numbers.values()])
    assert np.all(np.abs(both - np.eye(4)) < 0.2)
    assert stats.kstest(np.asarray(cell.neuron.tau), stats.norm(21.0, 2.0).cdf).pvalue < 1e-3  # control


def test_names_decide():
    """Another population changes nothing; another key everything."""
    tau = build()["E"].neuron.tau
    np.testing.assert_array_equal(build(more=("A", "Z"))["E"].neuron.tau, tau)
    assert not np.any(build(key=jax.random.key(4))["E"].neuron.tau == tau)


def test_swept_and_differentiated():
    """The width is a leaf: traced it gives the numbers that it gives when known; a bit where they are out of range."""

    @jax.jit
    @jax.vmap
    def outcome(sd):
        net = build(sd=sd)
        return net["E"].neuron.tau, snn.simulate(net, snn.StepCurrent(30.0, into="E"), steps=50, key=KEY).status

    tau, status = outcome(jnp.array([2.0, 20.0]))
    np.testing.assert_allclose(tau[0], build()["E"].neuron.tau, rtol=1e-6)
    assert status[0] == 0 and status[1] & snn.Status.PARAMETER_RANGE
    mean = jax.grad(lambda mean: jnp.sum(build(mean=mean)["E"].neuron.tau))(20.0)
    assert mean == N


def test_releases():
    """One number for each sending neuron."""
    p = build(release=snn.TsodyksMarkram(snn.Uniform(0.2, 0.4), tau_rec=snn.Normal(800.0, 80.0)))["EE"].release
    assert p.U.shape == p.tau_rec.shape == (N,) and 0.2 <= p.U.min() < 0.25 and 0.35 < p.U.max() <= 0.4


def plastic(rule):
    populations = {"A": snn.SpikeSource(30), "B": snn.Population(snn.LIF(), 20)}
    link = snn.Connection("A", "B", snn.AllToAll(), weight=0.5, delay=1.0, rule=rule)
    return snn.network(dt=1.0, key=KEY, populations=populations, projections={"AB": link})


def test_rules():
    """Times of traces: one for each sending, or for each receiving neuron; and it learns with them."""
    net = plastic(
        snn.chain(snn.PairSTDP(tau_plus=snn.Uniform(10.0, 20.0), tau_minus=snn.Uniform(30.0, 40.0)), snn.Bound())
    )
    rule = net["AB"].plastic.rule.rules[0]
    assert rule.tau_plus.shape == (30,) and rule.tau_minus.shape == (20,)
    assert 10 <= rule.tau_plus.min() < 12 and 38 < rule.tau_minus.max() <= 40
    run = snn.simulate(net, snn.Poisson(100.0, into="A"), t=50.0, key=KEY, record=snn.Last("AB.weight"))
    assert np.std(run.record) > 0


REFUSED = {
    "of all synapses": (
        lambda: plastic(snn.PairSTDP(a_plus=snn.Uniform(0.0, 0.1))),
        ("Projection 'AB'", "PairSTDP.a_plus is a distribution, Uniform", "one such number for all synapses"),
    ),
    "rule out of range": (lambda: plastic(snn.PairSTDP(tau_plus=snn.Uniform(-1.0, 1.0))), ("PairSTDP.tau_plus is -",)),
    "out of range": (
        lambda: build(sd=20.0),
        ("Population 'E': LIF.tau is -", "of 400 places", "more than 0", "It was drawn: bound"),
    ),
    "release": (
        lambda: build(release=snn.connectivity.Bernoulli(snn.Uniform(0.5, 1.5))),
        ("Bernoulli.p is 1.", "at most 1"),
    ),
    "relation": (
        lambda: build_one(snn.LIF(v_th=snn.Uniform(-1.0, 1.0))),
        ("Population 'E': LIF.v_reset is 0", "at most v_th = -0.", ".."),
    ),
    "a drive": (
        lambda: snn.Poisson(5.0, snn.Normal(5.0, 1.0), into="E"),
        ("Poisson.weight is a distribution", "are drawn"),
    ),
    "an integrator": (lambda: snn.integrators.RKF45(snn.Uniform(0.1, 0.2)), ("RKF45.tolerance is a distribution",)),
}


def build_one(cell):
    return snn.network(dt=0.1, key=KEY, populations={"E": snn.Population(cell, 10)})


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    make, message = REFUSED[case]
    with refused(*message):
        make()


def test_weights_that_do_not_learn():
    """They are in the network, and a probe of them says so; a release beside them can still be recorded."""
    for probe in (snn.Trace("EE.weight"), snn.Last("EE.weight"), snn.Snapshots("EE.delay", every=1.0)):
        with refused("Got path 'EE.", "does not learn", "net['EE'].weight"):
            snn.simulate(build(), steps=10, key=KEY, record=probe)
    net = build(release=snn.TsodyksMarkram(0.5))
    with refused("does not learn"):
        snn.simulate(net, steps=10, key=KEY, record=snn.Last("EE.weight"))
    assert snn.simulate(net, steps=10, key=KEY, record=snn.Last("EE.release.u")).record.shape == (N,)
