"""Several synapses between a pair: each learns, releases and is delayed by itself, however it is held; or refused."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.refused import refused

KEY, STEPS = jax.random.key(0), 60
PRE, POST = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 0, 0, 2])  # twice 0 to 0, twice 1 to 0
NUMBERS = np.array([0.7, 0.3, 0.6, 0.4, 0.5, 0.2])
DELAYS = np.array([1.0, 3.0, 2.0, 1.0, 2.0, 1.0])
RASTER = np.random.default_rng(0).random((STEPS, 3)) < 0.3
GRAPH = lambda: snn.FromArrays(PRE, POST)
RULES = {
    "none": lambda: None,
    "pair": lambda: snn.chain(snn.PairSTDP(0.05, 0.04), snn.Bound(0.0, 1.0)),
    "normalised": lambda: snn.chain(snn.PairSTDP(0.05, 0.04), snn.Normalise(2.0, every=20.0)),
    "rewarded": lambda: snn.chain(snn.PairSTDP(0.05, 0.04), snn.Modulate("reward", 20.0), snn.Bound(0.0, 1.0)),
}
RELEASES = {
    "every spike": lambda: None,
    "depressing": lambda: snn.TsodyksMarkram(0.5, 50.0),
    "by chance": lambda: snn.connectivity.Bernoulli(0.5),
}


def network(via, *, topology=None, weight=NUMBERS, delay=1.0, **more):
    topology = GRAPH() if topology is None else topology
    link = snn.Connection("a", "b", topology, via=via, weight=weight, delay=delay, **more)
    cell = snn.LIF(tau=10.0, v_th=1.0)
    populations = {"a": snn.SpikeSource(3), "b": snn.Population(cell, 3, ports={"in": snn.Delta()})}
    return snn.network(dt=1.0, key=KEY, populations=populations, projections={"p": link})


@eqx.filter_jit
def run(net):
    """Membranes and spikes: one program for all networks of one structure."""
    drive = snn.Replay(jnp.asarray(RASTER), into="a") + snn.Modulator("reward", 0.3)
    record = {"v": snn.Trace("b.v"), "spikes": snn.Count("b")}
    return snn.simulate(net, drive, steps=STEPS, key=KEY, record=record, throw=False).record


def by_hand(weight, delay, rule):
    """One population of relays for every synapse of a pair: no pair has two, so that nothing can be lost."""
    times = np.array([np.sum((PRE[:k] == i) & (POST[:k] == j)) for k, (i, j) in enumerate(zip(PRE, POST))])
    links = {}
    for k in range(2):
        one = times == k
        given = dict(weight=weight[one], delay=delay[one], max_delay=3.0, rule=rule)
        links[f"p{k}"] = snn.Connection("a", "b", snn.FromArrays(PRE[one], POST[one]), **given)
    populations = {
        "a": snn.SpikeSource(3),
        "b": snn.Population(snn.LIF(tau=10.0, v_th=1.0), 3, ports={"in": snn.Delta()}),
    }
    return run(snn.network(dt=1.0, key=KEY, populations=populations, projections=links))["v"]


WALK = list(itertools.product(RULES, RELEASES, ("one", "each"), ("scalar", "numbers")))


@pytest.mark.parametrize(("rule", "release", "delays", "weights"), WALK)
def test_a_matrix_is_a_list_or_refused(rule, release, delays, weights):
    given = {
        "weight": 0.7 if weights == "scalar" else NUMBERS,
        "delay": DELAYS if delays == "each" else 1.0,
        "rule": RULES[rule](),
        "release": RELEASES[release](),
    }
    if rule != "none" and release == "by chance":
        for via in (snn.Sparse(), snn.Dense()):
            with refused("'p'", "Bernoulli", "rule"):
                network(via, **given)
        return
    if rule != "none" or release == "by chance" or delays == "each":
        network(snn.Sparse(), **given)
        with refused("'p'", "several synapses", "via=Sparse()"):
            network(snn.Dense(), **given)
        return
    sparse, dense = run(network(snn.Sparse(), **given)), run(network(snn.Dense(), **given))
    np.testing.assert_allclose(sparse["v"], dense["v"], atol=1e-5)
    np.testing.assert_array_equal(sparse["spikes"], dense["spikes"])


@pytest.mark.parametrize("rule", ["none", "pair", "rewarded"])
def test_every_synapse_learns_by_itself(rule):
    """As if each were of a projection of its own; the control holds one synapse of twice the weight."""
    for weight, delay in ((np.full(6, 0.7), np.ones(6)), (NUMBERS, DELAYS)):
        given = dict(weight=weight, delay=delay, max_delay=3.0)
        together = run(network(snn.Sparse(), rule=RULES[rule](), **given))["v"]
        np.testing.assert_allclose(together, by_hand(weight, delay, RULES[rule]()), atol=1e-5)
    once = snn.FromArrays([0, 0, 1, 2], [0, 1, 0, 2])
    summed = network(snn.Sparse(), weight=np.array([0.9, 0.7, 0.9, 0.7]), rule=RULES["pair"](), topology=once)
    assert np.abs(run(summed)["v"] - together).max() > 0.1


def test_those_that_are_drawn():
    """FixedInDegree and FixedTotal draw several synapses of a pair unless told not to; traced: a status bit."""
    rule = RULES["pair"]()
    for several, single in (
        (snn.FixedInDegree(6), snn.FixedInDegree(2, multapses=False)),
        (snn.FixedTotal(12), snn.FixedTotal(5, multapses=False)),
    ):
        with refused("several synapses between some pairs", "multapses=False"):
            network(snn.Dense(), weight=0.5, rule=rule, topology=several)
        network(snn.Dense(), weight=0.5, rule=rule, topology=single)
        network(snn.Dense(), weight=0.5, topology=several)

    def status(key, topology, release):
        link = snn.Connection("a", "a", topology, via=snn.Dense(), weight=0.5, delay=1.0, release=release)
        learns = snn.Connection("a", "a", topology, via=snn.Dense(), weight=0.5, delay=1.0, rule=rule)
        projections = {"p": link if release else learns}
        net = snn.network(dt=1.0, key=key, populations={"a": snn.SpikeSource(3)}, projections=projections)
        return net.init(key=KEY).status

    for release in (None, snn.connectivity.Bernoulli(0.5)):
        status_of = lambda topology, release=release: int(jax.jit(lambda key: status(key, topology, release))(KEY))
        assert status_of(snn.FixedInDegree(6)) == snn.Status.MULTAPSES
        assert status_of(snn.FixedInDegree(2, multapses=False)) == 0


def test_gradients():
    """Backwards through time, with respect to one weight: of a list, and of a matrix that holds the sum."""
    slope = eqx.filter_jit(jax.grad(lambda w, net: jnp.mean(run(snn.set(net, "p.weight", w))["v"])))
    of_list, of_matrix = (
        float(slope(jnp.float32(0.2), network(via, weight=0.2))) for via in (snn.Sparse(), snn.Dense())
    )
    assert of_list == pytest.approx(of_matrix, rel=1e-5)
    assert of_list > 0.1


def test_lifted_for_a_chip():
    """Several synapses of a pair that learn are as many links, those that do not one of their sum."""
    weights = {}
    for rule in ("pair", "none"):
        net = network(snn.Sparse(), weight=0.5, rule=RULES[rule]())
        weights[rule] = []
        for edges in snn.lowering.read(net, snn.chips.loihi.Loihi1()).edges.values():
            matrix = np.zeros((edges.n_pre, edges.n_post), np.float32)
            matrix[edges.sender, edges.receiver] = edges["weight"]
            weights[rule].append(matrix)
    assert sorted(np.max(weights["pair"], axis=(1, 2))) == [0.5, 0.5]
    (summed,) = weights["none"]
    assert summed.max() == 1.0
    np.testing.assert_array_equal(np.sum(weights["pair"], axis=0), summed)
