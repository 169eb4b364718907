"""Graphs, weights and delays of all projections are drawn by one loop inside a program, and are those of the host."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

SIZES = {"A": 300, "B": 77, "S": 9}
# pre, post, topology: permutations of many and of few numbers, with and without oneself, parts, rows and pairs
LINKS = {
    "prob": ("A", "A", snn.FixedProb(0.1, autapses=False)),
    "dense": ("A", "B", snn.FixedProb(0.7)),
    "few": ("S", "S", snn.FixedProb(0.5, autapses=False)),
    "part": ("A[10:50]", "A[30:90]", snn.FixedProb(0.3, autapses=False)),
    "in": ("A", "B", snn.FixedInDegree(10)),
    "in, each once": ("S", "S", snn.FixedInDegree(8, multapses=False, autapses=False)),
    "out": ("B", "S", snn.FixedOutDegree(3)),
    "out, each once": ("B", "A", snn.FixedOutDegree(7, multapses=False)),
    "total": ("A", "A", snn.FixedTotal(500, autapses=False)),
    "total, each once": ("A", "B", snn.FixedTotal(400, multapses=False)),
    "total of few": ("S", "A[0:4]", snn.FixedTotal(12, multapses=False)),
}
WEIGHTS = (snn.Uniform(0.1, 1.0), snn.Normal(1.0, 0.5, lo=0.2), snn.Normal(2.0, 0.1, lo=1.9), snn.LogNormal(0.0, 0.3))


def built(key, links=tuple(LINKS), scale=1.0):
    cells = {name: snn.Population(snn.LIF(), n, {"in": snn.Exponential(5.0)}) for name, n in SIZES.items()}
    connections = {
        name: snn.Connection(
            *LINKS[name], weight=WEIGHTS[i % 4], delay=snn.Uniform(0.5 * scale, 2.0 * scale), max_delay=3.0
        )
        for i, name in enumerate(links)
    }
    return snn.network(dt=0.1, key=key, populations=cells, projections=connections)


def synapses(net, name):
    p = net.projections[name]
    pre, post, weight, delay = (np.asarray(x) for x in p.graph.synapses(p.weight, p.delay))
    real = pre < p.graph.n_pre
    return pre[real], post[real], weight[real], delay[real]


def test_synapses_are_those_of_the_host():
    key = jax.random.key(5)
    host, program = built(key), jax.jit(built)(key)
    for name in LINKS:
        here, there = synapses(host, name), synapses(program, name)
        assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True)), name
        assert len(here[0]) and not program.projections[name].overflow
        alone = jax.jit(lambda key, name=name: built(key, (name,)))(key) if name in ("prob", "total of few") else None
        if alone is not None:  # whoever else is drawn; weights are of another law
            assert all(np.array_equal(a, b) for a, b in zip(here[:2], synapses(alone, name)[:2], strict=True)), name
    other = jax.jit(built)(jax.random.key(6))
    assert all(not np.array_equal(synapses(program, name)[2], synapses(other, name)[2]) for name in LINKS)


def test_too_many_edges_are_a_status():
    """A list that has no place for its edges does not touch those behind it."""

    def net(p):
        link = lambda p: snn.Connection("A", "A", snn.FixedProb(p, most=0.05), weight=1.0, delay=1.0)
        cells = {"A": snn.Population(snn.LIF(), 200)}
        links = {"a": link(p), "b": link(0.05), "c": link(p)}
        return snn.network(dt=0.1, key=jax.random.key(1), populations=cells, projections=links)

    fits, beyond = (jax.jit(net)(p) for p in (0.05, 0.5))
    assert [bool(beyond.projections[name].overflow) for name in "abc"] == [True, False, True]
    assert not any(bool(fits.projections[name].overflow) for name in "abc")
    assert all(np.array_equal(a, b) for a, b in zip(synapses(fits, "b"), synapses(beyond, "b"), strict=True))


@pytest.mark.parametrize("kind", ["prob", "total"])
def test_a_program_hardly_grows_with_the_number_of_projections(kind):
    """Each further projection is a few copies, while drawn by itself it is as much as the first."""

    def size(number):
        links = {str(i): snn.Connection(*LINKS[kind], weight=WEIGHTS[1], delay=1.0) for i in range(number)}
        cells = {"A": snn.Population(snn.LIF(), SIZES["A"])}
        net = lambda key: snn.network(dt=0.1, key=key, populations=cells, projections=links)
        return jax.jit(net).lower(jax.random.key(0)).compile().as_text().count(" fusion(")

    one, two, six = size(1), size(2), size(6)
    assert (six - two) / 4 < one / 5 and one > 20


def test_what_depends_on_the_key_alone_stays_so():
    """It is not drawn with what depends on a swept number, or a sweep would draw all of it for every point."""

    def net(p, key):
        cells = {"A": snn.Population(snn.LIF(), 60)}
        laws = {"a": 0.1, "b": 0.1, "c": p, "d": p}
        links = {
            name: snn.Connection(
                "A", "A", snn.FixedProb(q, most=0.2), weight=snn.Normal(10.0 * q, 0.1), delay=snn.Uniform(0.5, 1.0)
            )
            for name, q in laws.items()
        }
        return snn.network(dt=0.1, key=key, populations=cells, projections=links).projections

    closed, shapes = jax.make_jaxpr(net, return_shape=True)(0.1, jax.random.key(0))
    varying = {closed.jaxpr.invars[0]}
    for eqn in closed.jaxpr.eqns:
        if any(not hasattr(x, "val") and x in varying for x in eqn.invars):
            varying |= {*eqn.outvars}
    found = jax.tree.unflatten(jax.tree.structure(shapes), [x in varying for x in closed.jaxpr.outvars])
    for name in "abcd":
        p = found[name]
        assert (p.graph.post, p.graph.start, p.weight, p.delay) == (*[name in "cd"] * 3, False), name


def test_accelerators_draw_all_blocks_at_once():
    """Their program can be written where there is none, and holds no number of the program around it."""
    text = jax.jit(built).trace(jax.random.key(0)).lower(lowering_platforms=("cuda",)).as_text()
    assert "stablehlo.while" in text


def test_derivative_of_numbers_that_are_drawn_together():
    key = jax.random.key(3)

    def total(mean):
        cells = {"A": snn.Population(snn.LIF(), 50)}
        law = lambda sd: snn.Normal(mean, sd)
        links = {
            name: snn.Connection("A", "A", snn.FixedInDegree(4), weight=law(sd), delay=1.0)
            for name, sd in (("a", 0.1), ("b", 0.2))
        }
        net = snn.network(dt=0.1, key=key, populations=cells, projections=links)
        return sum(jnp.sum(p.weight) for p in net.projections.values())

    assert np.isclose(jax.jit(jax.grad(total))(1.0), 400.0)
