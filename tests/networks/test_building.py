"""What a network is made of: names, ports, weights and delays, and one clear error for everything that does not fit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.refused import refused

KEY = jax.random.key(2)
CELL = snn.LIF(v_th=10.0)


def build(*, dt=0.1, order=None, populations=None, key=KEY, **links):
    """`A` (3 neurons) and `B` (4, with ports `exc` and `inh`), with the links given."""
    populations = populations or {
        "A": snn.Population(CELL, 3),
        "B": snn.Population(CELL, 4, ports={"exc": snn.Exponential(5.0), "inh": snn.Delta()}),
    }
    return snn.network(dt=dt, key=key, order=order, populations=populations, projections=links)


def link(pre="A", post="B.exc", topology=None, **what):
    return snn.Connection(pre, post, snn.AllToAll() if topology is None else topology, **({"delay": 1.0} | what))


# --- what is refused --------------------------------------------------------------------------------------------------

REFUSED = {
    "dt of 0": (lambda: build(dt=0.0), ("dt = 0.0", "expected a positive number of ms")),
    "dt nan": (lambda: build(dt=float("nan")), ("dt = nan", "expected a positive number of ms")),
    "dotted name": (lambda: build(**{"A.B": link()}), ("name 'A.B'", "expected a text that", "has no dot")),
    "name taken": (lambda: build(A=link()), ("Got A for several parts", "name of its own")),
    "no such pre": (lambda: build(p=link("X")), ("Projection 'p'", "no population 'X'", "A, B")),
    "no such post": (lambda: build(p=link("A", "X")), ("Projection 'p'", "Got 'X'", "there are A, B")),
    "no such port": (lambda: build(p=link("A", "B.ex")), ("Projection 'p'", "no port 'ex'; it has exc, inh")),
    "which port": (lambda: build(p=link("A", "B")), ("'B' has 2 ports", "name one of B.exc, B.inh")),
    "short delay": (
        lambda: build(p=link(delay=0.0)),
        ("Projection 'p'", "delay is 0.0 ms", "shortest is 1 step", "raise"),
    ),
    "negative delay": (
        lambda: build(p=link(delay=-0.1), order=snn.BrianOrder()),
        ("Projection 'p'", "delay is -0.1 ms", "shortest is 0 step"),
    ),
    "off the grid": (
        lambda: build(p=link(delay=0.25)),
        ("Projection 'p'", "delay = 0.25 ms", "no whole number of steps of dt = 0.1 ms", "the nearest is 0.2 ms"),
    ),
    "short draws": (
        lambda: build(p=link(delay=snn.Uniform(0.0, 0.2))),
        ("Projection 'p'", "delay is Uniform", "shortest is 1 step", "raise the delay"),
    ),
    "same step in Brian2's order": (
        lambda: build(p=link(delay=None), order=snn.BrianOrder()),
        ("Projection 'p'", "delay is None", "BrianOrder has none", "give a delay of 0 or more"),
    ),
    "cycle": (
        lambda: build(p=link(delay=None), q=link("B", "A", delay=None)),
        ("Same-step edges", "a cycle through A, B", "a delay of one step or more"),
    ),
    "cycle of one": (lambda: build(p=link("A", "A", delay=None)), ("Same-step edges", "a cycle through A;")),
    "max_delay too small": (
        lambda: build(p=link(delay=2.0, max_delay=1.0)),
        ("Projection 'p'", "delay is 2.0 ms", "leaves 0.1 .. 1 ms", "larger max_delay"),
    ),
    "unbounded delay": (
        lambda: jax.jit(lambda key: build(p=link(delay=snn.LogNormal(0.0, 1.0)), key=key))(KEY),
        ("Projection 'p'", "the largest delay is not known while tracing", "give Connection(max_delay=...) in ms"),
    ),
    "traced delay": (
        lambda: jax.jit(lambda d: build(p=link(delay=d)))(1.0),
        ("Projection 'p'", "the largest delay is not known while tracing", "give Connection(max_delay=...) in ms"),
    ),
    "shape of weights": (
        lambda: build(p=link(weight=np.ones((4, 3)))),
        ("Projection 'p'", "weight of shape (4, 3)", "broadcasts to (12,)"),
    ),
    "number of weights": (
        lambda: build(p=link(topology=snn.FromArrays([0, 1], [1, 2]), weight=np.ones(3))),
        ("Projection 'p'", "weight of shape (3,)", "broadcasts to (2,)"),
    ),
    "number of delays": (lambda: build(p=link(delay=np.ones(5))), ("Projection 'p'", "delay of shape (5,)", "(12,)")),
    "kind of weight": (lambda: build(p=link(weight="heavy")), ("Projection 'p'", "'heavy'", "expected a real number")),
    "edges outside": (
        lambda: build(p=link(topology=snn.FromArrays([0, 3], [0, 0]))),
        ("Projection 'p'", "pre indices outside 0 .. 2"),
    ),
    "no topology": (lambda: link(topology=0.1), ("Connection.topology is 0.1", "such as FixedProb(0.1)")),
    "no connectivity": (lambda: link(via="dense"), ("Connection.via is 'dense'", "expected Sparse() or Dense()")),
    "no neurons": (lambda: snn.Population(CELL, 0), ("Population.n is 0", "expected a positive whole number")),
    "no neuron": (lambda: snn.Population("LIF", 3), ("Population.neuron is 'LIF'", "such as LIF(...)")),
    "no port": (lambda: snn.Population(CELL, 3, ports={"in": 5.0}), ("Population.ports has 'in': 5.0", "a port")),
    "dotted port": (
        lambda: snn.Population(CELL, 3, ports={"a.b": snn.Delta()}),
        ("Population.ports has 'a.b'", "without dots"),
    ),
    "parameter of another size": (
        lambda: snn.Population(snn.LIF(tau=np.ones(4)), 3),
        ("shape (4,)", "expected () or (3,)", "one number a neuron"),
    ),
    "unknown variable": (lambda: snn.Population(CELL, 3, init={"w": 1.0}), ("path 'w'", "it has", "v")),
    "a whole port": (
        lambda: snn.Population(CELL, 3, ports={"exc": snn.Exponential(5.0)}, init={"exc": 1.0}),
        ("Population.init has 'exc'", "which is no variable", "'exc.i'"),
    ),
    "initial values of another size": (
        lambda: build(populations={"A": snn.Population(CELL, 3, init={"v": np.ones(4)})}).init(key=KEY),
        ("Population.init['v'] of shape (4,)", "(3,)"),
    ),
    "negative tau": (lambda: snn.LIF(tau=-1.0), ("LIF.tau is -1.0 ms", "expected more than 0")),
    "nan tau": (lambda: snn.LIF(tau=[1.0, np.nan]), ("LIF.tau is nan ms in 1 of 2 places", "than 0 (and no NaN)")),
    "tau of no number": (lambda: snn.LIF(tau="long"), ("'long'", "expected a real number")),
    "negative t_ref": (lambda: snn.LIF(t_ref=-1.0), ("LIF.t_ref is -1.0 ms", "expected at least 0")),
    "negative noise": (lambda: snn.LIF(noise=-1.0), ("LIF.noise is -1.0", "expected at least 0")),
    "reset above threshold": (lambda: snn.LIF(v_th=0.0, v_reset=1.0), ("LIF.v_reset is 1.0 mV", "v_th = 0.0 mV")),
    "zero tau of a port": (lambda: snn.Exponential(0.0), ("Exponential.tau is 0.0 ms", "expected more than 0")),
    "nan tau of a port": (lambda: snn.Alpha(np.nan), ("Alpha.tau is nan ms", "expected more than 0")),
    "infinite tau": (lambda: snn.Conductance(tau=-np.inf), ("Conductance.tau is -inf ms", "expected more than 0")),
    "part": (lambda: build()["C"], ("Got 'C'", "population or projection", "A, B")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_one_clear_error(case):
    attempt, message = REFUSED[case]
    with refused(*message):
        attempt()


# --- paths ------------------------------------------------------------------------------------------------------------


def test_get_and_set_by_path():
    net = build(p=link(weight=2.0), q=link("B", "A"))
    assert snn.get(net, "A.neuron.tau") == 20.0 and snn.get(net, "B.ports.exc.tau") == 5.0
    assert snn.get(net, "p.weight") == 2.0 and snn.get(net, "p.delay") == 10  # steps
    other = snn.set(net, "A.neuron.tau", np.float64(7.0))
    assert other["A"].neuron.tau == 7.0 and net["A"].neuron.tau == 20.0  # a copy
    assert other["A"].neuron.tau.dtype == net["A"].neuron.tau.dtype and not other["A"].neuron.tau.weak_type
    assert snn.set(net, "A.neuron.tau", [1.0, 2.0, 3.0])["A"].neuron.tau.shape == (3,)
    delays = snn.set(net, "p.delay", 3).projections["p"].delay
    assert delays == 3 and delays.dtype == jnp.int32
    assert jax.tree.structure(snn.set(net, "p.weight", 3)) == jax.tree.structure(net)  # nothing static has changed


def test_set_of_some_neurons():
    """The others keep their numbers, also where a swept value is traced."""
    net = build(p=link())
    tau = lambda net: net["A"].neuron.tau.tolist()
    some = snn.set(net, "A[1:].neuron.tau", 7.0)
    assert tau(some) == [20.0, 7.0, 7.0]
    assert tau(snn.set(some, "A[2,0].neuron.tau", [3.0, 5.0])) == [5.0, 7.0, 3.0]
    assert jax.jit(lambda x: snn.set(net, "A[1].neuron.tau", x)["A"].neuron.tau)(4.0).tolist() == [20.0, 4.0, 20.0]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("A[0:9].neuron.tau", 1.0, ("[0:9]", "beyond the 3 neurons")),
        ("A[0:2].neuron.tau", np.ones(3), ("shape (3,) for 2 neurons", "() or (2,)")),
        ("A[0:2].neuron.tau", -1.0, ("LIF.tau is -1.0 ms in 2 of 3 places", "expected more than 0")),
        ("p[0:2].weight", 1.0, ("neurons [0:2] in 'p.weight'", "no parameter of neurons", "leave the brackets out")),
        ("A.neuron.tua", 1.0, ("path 'A.neuron.tua'", "A.neuron has no 'tua'; it has", "tau")),
        ("C.neuron", 1.0, ("path 'C.neuron'", "Network has no 'C'; it has A, B", "p")),
        ("A.neuron", 1.0, ("path 'A.neuron'", "LIF, no numeric leaf", "below it")),
        ("A.n", 5, ("path 'A.n'", "int, no numeric leaf")),
        ("B.neuron.tau", [1.0, 2.0, 3.0], ("shape (3,)", "() or (4,)", "one number a neuron")),
        ("p.weight", np.ones((2, 2)), ("shape (2, 2)", "'p.weight'", "(12,)")),
        ("A.neuron.tau", "long", ("'long'", "expected a real number")),
        ("A.neuron.tau", -1.0, ("LIF.tau is -1.0 ms", "expected more than 0")),
        ("q.weight", np.ones(3), ("weight of shape (3,)", "() or (12,)")),
        ("p.delay", 11, ("a delay of 11 steps", "at most 10", "larger max_delay")),
    ],
)
def test_bad_paths_and_values(path, value, message):
    net = build(p=link(weight=np.arange(12.0)), q=link())
    with refused(*message):
        snn.set(net, path, value)


# --- weights ----------------------------------------------------------------------------------------------------------


def pairs(net, name):
    """The summed weight of every pair, as a matrix, and the delays of all synapses in steps."""
    projection = net[name]
    pre, post, weight, delay = projection.graph.synapses(projection.weight, projection.delay)
    matrix = np.zeros((projection.graph.n_pre, projection.graph.n_post))
    real = np.asarray(pre) < projection.graph.n_pre
    np.add.at(matrix, (np.asarray(pre)[real], np.asarray(post)[real]), np.asarray(weight)[real])
    return matrix, np.asarray(delay)


EDGES = np.array([[2, 0, 2, 1, 2], [1, 3, 0, 2, 1]])  # not sorted, and one pair twice
NUMBERS = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
GIVEN = np.zeros((3, 4))
np.add.at(GIVEN, tuple(EDGES), NUMBERS)


@pytest.mark.parametrize("via", [snn.Sparse(), snn.Dense()], ids=repr)
def test_weights_given_as_they_come(via):
    """A number, a number an edge in the user's order (multapses add up), a matrix, a function; sparse and dense."""
    some, matrix = snn.FromArrays(*EDGES), np.arange(12.0).reshape(3, 4)
    net = build(
        number=link(topology=some, via=via, weight=3.0),
        array=link(topology=some, via=via, weight=NUMBERS),
        matrix=link(via=via, weight=matrix),
        flat=link(via=via, weight=matrix.ravel()),
        function=link(via=via, weight=lambda key, shape: jnp.arange(12.0).reshape(shape)),
        short=link(via=via, weight=lambda key: 2.0),
    )
    expected = {"number": 3.0 * (GIVEN > 0), "array": GIVEN, "short": np.full((3, 4), 2.0)}
    expected["number"][2, 1] *= 2
    for name in net.projections:
        assert np.array_equal(pairs(net, name)[0], expected.get(name, matrix)), name


def test_delays_keep_the_order_of_the_edges():
    delay = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    net = build(p=link(topology=snn.FromArrays(*EDGES), delay=delay, weight=NUMBERS))
    pre, post, weight, steps = net["p"].graph.synapses(net["p"].weight, net["p"].delay)
    found = [(int(a), int(b), float(w), int(d)) for a, b, w, d in zip(pre, post, weight, steps, strict=True)]
    assert sorted(found) == sorted((*edge, w, i + 1) for i, (edge, w) in enumerate(zip(EDGES.T.tolist(), NUMBERS)))
    assert steps.dtype == jnp.int32


def test_draws_stay_where_they_may_be():
    """`Redraw` leaves nothing at the bounds, `Clip` piles up there; Dense and Sparse draw the same numbers."""
    law = dict(mean=1.0, sd=1.0, lo=0.5, hi=1.5)
    some = {
        name: dict(weight=snn.Normal(**law, outside=outside), delay=snn.Normal(**law, outside=outside))
        for name, outside in (("redraw", snn.distributions.Redraw()), ("clip", snn.Clip()))
    }
    cells = {"A": snn.Population(CELL, 30)}
    net = build(populations=cells, **{name: link("A", "A", **what) for name, what in some.items()})
    for name in some:
        weight, delay = pairs(net, name)
        assert weight.min() >= 0.5 and weight.max() <= 1.5 and set(delay) <= {*range(5, 16)}
        assert net[name].max_delay == 15 and bool(np.isin(0.5, weight)) is (name == "clip")
    dense = build(populations=cells, clip=link("A", "A", via=snn.Dense(), **some["clip"]))
    assert np.array_equal(pairs(dense, "clip")[0], pairs(net, "clip")[0])
    assert np.array_equal(pairs(dense, "clip")[1], pairs(net, "clip")[1])


def test_a_projection_depends_on_its_own_name_only():
    """Adding one does not change another's graph, weights or delays; another name or key does."""
    random = dict(
        topology=snn.FixedOutDegree(2, multapses=False), weight=snn.Uniform(0.0, 1.0), delay=snn.Uniform(0.1, 1.0)
    )
    alone, among = build(p=link(**random)), build(a=link(**random), p=link(**random), z=link("B", "A"))
    for part in range(2):
        assert np.array_equal(pairs(alone, "p")[part], pairs(among, "p")[part])
    assert not np.array_equal(pairs(among, "p")[0], pairs(among, "a")[0])
    assert not np.array_equal(pairs(alone, "p")[0], pairs(build(p=link(**random), key=jax.random.key(3)), "p")[0])


def test_initial_values_depend_on_population_and_variable():
    cell = dict(ports={"exc": snn.Exponential(5.0)}, init={"v": snn.Uniform(0.0, 1.0), "exc.i": snn.Uniform(0.0, 1.0)})
    net = build(populations={name: snn.Population(CELL, 5, **cell) for name in "AB"})
    a, b = (net.init(key=KEY).populations[name] for name in "AB")
    draws = np.stack([a.neuron.v, a.ports["exc"].i, b.neuron.v, b.ports["exc"].i])
    assert len(np.unique(draws)) == 20 and draws.dtype == np.float32
    assert np.array_equal(net.init(key=KEY).populations["A"].neuron.v, a.neuron.v)


def test_initial_values_by_a_function(tmp_path):
    """The network is an argument of `jax.jit` all the same, and compiled once for each function."""

    def start(key):
        return jax.random.uniform(key, (5,))

    traced = []

    @jax.jit
    def begun(net):
        traced.append(net)
        return net.init(key=KEY).populations["A"].neuron.v

    nets = [build(populations={"A": snn.Population(CELL, 5, init={"v": f})}) for f in (start, start, lambda key: 0.5)]
    found = [np.asarray(begun(net)) for net in nets]
    assert np.array_equal(found[0], nets[0].init(key=KEY).populations["A"].neuron.v)
    assert len(np.unique(found[0])) == 5 and np.array_equal(*found[:2])
    assert np.all(found[2] == 0.5) and len(traced) == 2
    with refused("Got start (function) at 'populations.A.init.v'", "no file holds"):
        snn.save(nets[0], tmp_path / "net.h5")
