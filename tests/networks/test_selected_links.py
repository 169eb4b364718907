"""Links between chosen neurons: the network made by hand with the numbers of the populations, spike for spike."""

import dataclasses
import re
from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.connectivity.graph import DenseGraph
from tests.refused import refused
from tests.simulation.toys import assert_same, differ

KEY, STEPS = jax.random.key(5), 200
SIZES = {"E": 8, "I": 6}
PLACES = {name: np.random.default_rng(n).uniform(0.0, 1.0, (n, 2)).astype(np.float32) for name, n in SIZES.items()}
PORTS = {"E": {"in": snn.Delta()}, "I": {"exc": snn.Delta(), "inh": snn.Exponential(5.0)}}
CELL = snn.LIF(tau=10.0, v_th=5.0)
RASTER = np.random.default_rng(3).random((STEPS, SIZES["E"])) < 0.1
NINE = np.arange(1, 10).reshape(3, 3) / 2
Connection, every, uniform = snn.Connection, {name: np.arange(n) for name, n in SIZES.items()}, snn.Uniform(0.0, 4.0)
# what the brackets say, by Python's own indexing, beside each link
CASES = {
    "all": (
        Connection("E[1:4]", "I[5,0,2].exc", snn.AllToAll(), weight=NINE, delay=0.1 * (1 + np.arange(9).reshape(3, 3))),
        ([1, 2, 3], [5, 0, 2]),
    ),
    "flat": (
        Connection("E[6:3:-1]", "I.exc[3:]", snn.AllToAll(), weight=NINE.ravel(), delay=0.3),
        ([6, 5, 4], [3, 4, 5]),
    ),
    "one": (
        Connection("E[7,2,4]", "I[0:3].exc", snn.OneToOne(), weight=NINE[0], delay=np.array([0.5, 0.2, 0.9])),
        ([7, 2, 4], [0, 1, 2]),
    ),
    "given": (
        Connection(
            "E[7,1,4]", "I[3,0].exc", snn.FromArrays([2, 0, 1, 0], [0, 1, 1, 0]), weight=[4.0, 3.0, 2.0, 1.0], delay=0.4
        ),
        ([7, 1, 4], [3, 0]),
    ),
    "in": (
        Connection("E[3,0,5,1]", "I[-1].inh", snn.FixedInDegree(3), weight=uniform, delay=snn.Uniform(0.1, 2.0)),
        ([3, 0, 5, 1], [5]),
    ),
    "out": (Connection("E", "I[1:3].exc", snn.FixedOutDegree(2), weight=1.5, delay=1.0), (every["E"], [1, 2])),
    "total": (Connection("E[5:0:-2]", "E[2,6]", snn.FixedTotal(5), weight=2.0, delay=1.0), ([5, 3, 1], [2, 6])),
    "probable": (
        Connection("E[7,6,5,0]", "E[7,6,5,0]", snn.FixedProb(0.6, autapses=False), weight=uniform, delay=0.5),
        ([7, 6, 5, 0], [7, 6, 5, 0]),
    ),
    "near": (
        Connection(
            "E[6,2,3,4]",
            "I[4,1].exc",
            snn.Spatial(snn.connectivity.GaussianKernel(0.9, 0.5)),
            weight=snn.ByDistance(lambda d: 2.0 - d),
            delay=0.5,
        ),
        ([6, 2, 3, 4], [4, 1]),
    ),
    "matrix": (
        Connection("E[4,2,0]", "I[1:4].exc", snn.AllToAll(), weight=NINE, delay=0.2, via=snn.Dense()),
        ([4, 2, 0], [1, 2, 3]),
    ),
    "some": (
        Connection(
            "E[4,2,0]", "I[3,1,2].exc", snn.FixedProb(0.5), weight=jnp.asarray(NINE), delay=0.2, via=snn.Dense()
        ),
        ([4, 2, 0], [3, 1, 2]),
    ),
    "learns": (
        Connection("E[5,1]", "I[0:4].exc", snn.AllToAll(), weight=1.0, delay=0.5, rule=snn.PairSTDP(), axonal=0.2),
        ([5, 1], [0, 1, 2, 3]),
    ),
    "sends": (
        Connection(
            "E[3,2]", "I[::2].exc", snn.AllToAll(), weight=2.0, delay=0.5, release=snn.TsodyksMarkram(0.5, 50.0, 0.0)
        ),
        ([3, 2], [0, 2, 4]),
    ),
}
LINKS = {name: link for name, (link, _) in CASES.items()}


def build(links, *, key=KEY, **chosen):
    """Both populations, or of each those neurons that are chosen."""
    populations = {
        name: snn.Population(CELL, len(i), positions=PLACES[name[0]][np.array(i)], ports=PORTS[name[0]])
        for name, i in (chosen or every).items()
    }
    return snn.network(dt=0.1, key=key, populations=populations, projections=links)


def listed(p):
    """`(pre, post, weight, delay)` of a projection, without padding and without pairs that have no synapse."""
    numbers = [np.broadcast_to(np.asarray(x), p.graph.shape) for x in (p.weight, p.delay)]
    if isinstance(p.graph, DenseGraph):
        at = np.nonzero(np.asarray(p.graph.count))
        return [*at, *(x[at] for x in numbers)]
    pre, post = np.asarray(p.graph.pre), np.asarray(p.graph.post)
    return [x[pre < p.graph.n_pre] for x in (pre, post, *numbers)]


def by_hand(name):
    """The link as it is between populations of no other neurons, its synapses then numbered as in the whole."""
    link, (i, j) = CASES[name]
    pre, post = (re.sub(r"\[.*\]", "", path) for path in (link.pre, link.post))
    there = post if link.pre == link.post or post != "E" else "E'"
    small = build({name: dataclasses.replace(link, pre=pre, post=there)}, **{"E": i, there.partition(".")[0]: j})
    p = small[name]  # where everyone connects to everyone, a matrix has no list
    full = isinstance(p.graph, DenseGraph) and p.graph.count is None
    p = eqx.tree_at(lambda p: p.graph.count, p, np.ones(p.graph.shape), is_leaf=lambda x: x is None) if full else p
    a, b, weight, delay = listed(p)
    graph = snn.FromArrays(np.array(i)[a], np.array(j)[b])
    return dataclasses.replace(link, pre=pre, post=post, topology=graph, weight=weight, delay=0.1 * delay)


HAND = cache(lambda: {name: by_hand(name) for name in CASES})
both = cache(lambda: (build(LINKS), build(HAND())))


def run(net):
    drive = snn.Replay(jnp.asarray(RASTER), into="E.in", weight=6.0)
    record = {name: snn.Raster(name) for name in SIZES} | {"w": snn.Last("learns.weight"), "v": snn.Last("I.v")}
    return snn.simulate(net, drive, steps=STEPS, key=KEY, record=record, progress=snn.progress.Quiet()).record


@pytest.mark.parametrize("name", CASES)
def test_synapses_are_those_made_by_hand(name):
    selected, hand = (listed(net[name]) for net in both())
    pre, post, *_ = selected
    assert len(pre) and np.all(np.diff(pre) >= 0)
    assert {*pre} <= {*CASES[name][1][0]} and {*post} <= {*CASES[name][1][1]}
    rank = lambda parts: sorted(zip(*(x.tolist() for x in parts), strict=True))
    assert rank(selected) == rank(hand)


def test_numbers_belong_to_the_neurons_named():
    """Written out: what is given comes in the order in which neurons are named."""
    found = {name: [x.tolist() for x in listed(both()[0][name])] for name in ("one", "given", "flat", "matrix")}
    backwards = [3.5, 4.0, 4.5, 2.0, 2.5, 3.0, 0.5, 1.0, 1.5]
    assert found["one"] == [[2, 4, 7], [1, 2, 0], [1.0, 1.5, 0.5], [2, 9, 5]]
    assert found["given"] == [[1, 4, 7, 7], [0, 3, 0, 3], [2.0, 4.0, 3.0, 1.0], [4] * 4]
    assert found["flat"][:3] == [[4] * 3 + [5] * 3 + [6] * 3, [3, 4, 5] * 3, backwards]
    assert found["matrix"][:3] == [[0] * 3 + [2] * 3 + [4] * 3, [1, 2, 3] * 3, backwards]


def test_spikes_are_those_of_the_network_made_by_hand():
    """With rule, release, matrices and drawn numbers beside each other; with another neuron chosen they are others."""
    some = ("one", "in", "total", "some", "learns", "sends")
    selected, hand = (run(build({name: links[name] for name in some})) for links in (LINKS, HAND()))
    assert_same(selected, hand)
    assert np.sum(np.asarray(selected["I"].dense())) > 20
    moved = {name: LINKS[name] for name in some} | {"one": dataclasses.replace(LINKS["one"], pre="E[7,2,3]")}
    assert differ(run(build(moved))["I"].dense(), selected["I"].dense())  # control


def test_traced_as_on_the_host():
    """Where edges are drawn by the program, with room for more of them, they are the same."""
    links = {name: LINKS[name] for name in ("in", "probable", "near", "some")}
    apart = Connection("E[6:2:-1]", "E[0:5]", snn.FixedProb(0.5, autapses=False), weight=uniform, delay=0.5)
    links["apart"] = apart  # a choice beside an overlapping one
    host = build(links)
    traced = jax.jit(lambda key: build(links, key=key).projections)(KEY)
    for name in links:
        assert not traced[name].overflow
        assert_same(listed(traced[name]), listed(host[name]))
    assert differ(listed(build(links, key=jax.random.key(6))["probable"])[1][:4], listed(host["probable"])[1][:4])


def test_swept():
    """A probability that is swept, and weights: each network is the one that is built by itself."""

    def made(p, order=(6, 5, 4, 3)):
        pre = f"E[{','.join(map(str, order))}]"
        link = Connection(pre, "I[0:5].exc", snn.FixedProb(p, most=0.8), weight=uniform, delay=0.5)
        return build({"p": link})["p"]

    ps = jnp.array([0.2, 0.8])
    several = jax.jit(jax.vmap(made))(ps)
    for k, p in enumerate(ps):
        alone = made(float(p))
        assert_same(listed(jax.tree.map(lambda x, k=k: np.asarray(x)[k], several)), listed(alone))
    assert differ(listed(made(0.8))[0], listed(made(0.8, (6, 5, 4, 2)))[0])  # control


def test_all_of_them_is_the_link_without_brackets():
    plain = {"in": Connection("E", "I.exc", snn.FixedInDegree(2), weight=uniform, delay=0.5)}
    some = {"in": dataclasses.replace(plain["in"], pre="E[:]", post="I[0:6].exc")}
    assert_same(jax.tree.leaves(build(plain)["in"]), jax.tree.leaves(build(some)["in"]))


def test_nobody_connects_to_oneself():
    """Where choices overlap, the pairs of a neuron with itself are left out, and others keep their probability."""
    for topology in (snn.AllToAll(autapses=False), snn.FixedProb(1.0, autapses=False)):
        pre, post, *_ = listed(build({"p": Connection("E[0:3]", "E[4,2,1]", topology, delay=0.5)})["p"])
        assert sorted(zip(pre.tolist(), post.tolist())) == [(0, 1), (0, 2), (0, 4), (1, 2), (1, 4), (2, 1), (2, 4)]
    both = listed(build({"p": Connection("E[0:3]", "E[4,2,1]", snn.AllToAll(), delay=0.5)})["p"])
    assert len(both[0]) == 9  # control
    alike = Connection("E[2,4]", "E[2,4]", snn.FixedInDegree(1, autapses=False), delay=0.5)
    assert [x.tolist() for x in listed(build({"p": alike})["p"])[:2]] == [[2, 4], [4, 2]]


def test_given_indices_that_are_traced():
    """Out of the choice they are a status bit, although the population has such a neuron."""

    def status(index):
        link = Connection("E[0:3]", "I[0:2].exc", snn.FromArrays(index, jnp.array([0, 1])), delay=0.5)
        return build({"p": link}).init(key=KEY).status

    status = jax.jit(status)
    assert status(jnp.array([0, 2])) == 0
    for index in ([0, 3], [-1, 0]):
        assert status(jnp.array(index)) == snn.Status.GRAPH_CAPACITY


REFUSED = {
    "slice": (("E[0:9]", "I.exc"), {}, ("'p': Got Connection.pre 'E[0:9]'", "reaches beyond the 8 neurons, 0 .. 7")),
    "index": (
        ("E", "I[0,6].exc"),
        {},
        ("'p': Got Connection.post 'I[0,6].exc' with index 6", "within 0 .. 5 (6 neurons)"),
    ),
    "below": (("E[-9]", "I.exc"), {}, ("index -9", "within 0 .. 7")),
    "empty": (("E[3:3]", "I.exc"), {}, ("'E[3:3]', which selects none of the 8", "choose at least one")),
    "nothing": (("E[]", "I.exc"), {}, ("Connection.pre = 'E[]'", "expected in brackets an index")),
    "twice": (("E[1,1]", "I.exc"), {}, ("names neuron 1 twice",)),
    "two brackets": (("E[3][2]", "I.exc"), {}, ("Connection.pre = 'E[3][2]', expected one selection in brackets",)),
    "two brackets behind": (("E", "I[3].exc[2]"), {}, ("Connection.post = 'I[3].exc[2]', expected one selection",)),
    "float": (("E[1.5]", "I.exc"), {}, ("Connection.pre = 'E[1.5]', expected in brackets an index",)),
    "population": (("X[3]", "I.exc"), {}, ("no population 'X'; there are E, I",)),
    "receivers": (("E", "X[3].exc"), {}, ("no population 'X'; there are E, I",)),
    "port": (("E", "I[3].ex"), {}, ("has no port 'ex'; it has exc, inh",)),
    "which port": (("E", "I[3]"), {}, ("'I' has 2 ports; name one of I.exc, I.inh",)),
    "unequal": (("E[0:3]", "I[0:2].exc"), {"topology": snn.OneToOne()}, ("OneToOne got 3 pre and 2 post neurons",)),
    "given": (
        ("E[0:3]", "I.exc"),
        {"topology": snn.FromArrays([5], [0])},
        ("pre indices outside 0 .. 2", "indices of the 3 pre neurons"),
    ),
    "degree": (
        ("E[0:3]", "I.exc"),
        {"topology": snn.FixedInDegree(4, multapses=False)},
        ("k=4, but there are only 3",),
    ),
    "weight": (("E[0:3]", "I[0:2].exc"), {"weight": np.ones((8, 6))}, ("weight of shape (8, 6)", "broadcasts to (6,)")),
    "dense": (
        ("E[0:3]", "I[0:2].exc"),
        {"weight": jnp.ones((8, 6)), "via": snn.Dense()},
        ("weight of shape (8, 6)", "broadcasts to (6,)"),
    ),
    "oneself": (
        ("E[0:3]", "E[1:4]"),
        {"topology": snn.FixedInDegree(1, autapses=False)},
        ("FixedInDegree(autapses=False)", "2 are on both sides", "such as FixedProb"),
    ),
    "layer": (
        ("E[0:3]", "I.exc"),
        {"topology": None, "via": snn.Layer(jnp.negative)},
        ("Connection.pre is 'E[0:3]', but a Layer goes from all neurons", "leave the brackets out"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    ends, what, parts = REFUSED[name]
    with refused(*parts):
        build({"p": Connection(*ends, **({"topology": snn.AllToAll(), "delay": 0.5} | what))})
