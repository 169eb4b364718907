"""Graphs, weights and delays of all projections are drawn by one loop inside a program, and are those of the host."""

import os
import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn._status import Status

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
    found = [np.asarray(x) for x in p.graph.synapses(p.weight, p.delay)]
    real = found[0] < p.graph.n_pre
    return [x[real] if x.ndim else x for x in found]


def test_synapses_are_those_of_the_host():
    key = jax.random.key(5)
    host, program = built(key), jax.jit(built)(key)
    for name in LINKS:
        here, there = synapses(host, name), synapses(program, name)
        assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True)), name
        assert len(here[0]) and not program.projections[name].overflow
    other = jax.jit(built)(jax.random.key(6))
    assert all(not np.array_equal(synapses(program, name)[2], synapses(other, name)[2]) for name in LINKS)


def test_one_alone():
    """A program that draws one thing alone has the same numbers, and ends to compile.

    It has no loop over keys: one was derived for every row, which LLVM vectorised for hours, though not at the lower
    level of optimisation that tests have. Hence a process of its own, and a limit that is no measurement.
    """
    script = """
import jax, numpy as np, jaxsnn as snn

def net(key, topology, weight):
    link = snn.Connection("A", "A", topology, weight=weight, delay=1.0)
    return snn.network(dt=0.1, key=key, populations={"A": snn.Population(snn.LIF(), 50)}, projections={"p": link})

one_each = snn.FixedOutDegree(7, multapses=False)
for topology, weight in ((snn.FixedProb(0.1), 1.0), (snn.FixedInDegree(5), snn.Normal(1.0, 0.1)), (one_each, 1.0)):
    program = jax.jit(lambda key: net(key, topology, weight))
    nets = [net(jax.random.key(5), topology, weight), program(jax.random.key(5))]
    found = ([np.asarray(x) for x in p.graph.synapses(p.weight, 1.0)[:3]] for p in (n.projections["p"] for n in nets))
    host, program = ([x[f[0] < 50] if x.ndim else x for x in f] for f in found)
    assert len(host[0]) and all(np.array_equal(a, b) for a, b in zip(host, program))
"""
    own = {name: x for name, x in os.environ.items() if name != "XLA_FLAGS"}
    subprocess.run([sys.executable, "-c", script], env=own, check=True, timeout=200)


def test_none_and_more_pairs_than_a_word_counts():
    """Lists without an edge beside others, and 4.9 x 10^9 pairs of which five are drawn."""
    sizes, key = {"A": 50, "B": 70_000, "C": 70_001}, jax.random.key(0)

    def net(key, none):
        cells = {name: snn.Population(snn.LIF(), n) for name, n in sizes.items()}
        ends = {"far": ("B", "C", snn.FixedTotal(5)), "in": ("A", "A", snn.FixedInDegree(2)), **none}
        links = {name: snn.Connection(*given, weight=1.0, delay=1.0) for name, given in ends.items()}
        return snn.network(dt=0.1, key=key, populations=cells, projections=links)

    none = {
        "a": ("A", "A", snn.FixedProb(0.0)),
        "z": ("A", "A", snn.FixedProb(0.0)),
        "y": ("A", "A", snn.FixedProb(0.2)),
    }
    host, program = net(key, none), jax.jit(lambda key: net(key, none))(key)
    for name in host.projections:
        here, there = synapses(host, name), synapses(program, name)
        assert all(np.array_equal(a, b) for a, b in zip(here[:2], there[:2], strict=True)), name
    assert [len(synapses(program, name)[0]) for name in ("far", "a", "z", "in")] == [5, 0, 0, 100]


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


def test_a_tpu_sorts_once():
    """A sort takes a TPU seconds to compile, and so does a scatter to places in no order, which it sorts first."""

    def prepared(key):
        return eqx.filter(built(key, ("prob", "in", "out", "total")).prepare(), eqx.is_array)

    def written(of):
        text = jax.jit(of).trace(jax.random.key(0)).lower(lowering_platforms=("tpu",)).as_text()
        scatters = text.split('"stablehlo.scatter"(')[1:]
        return text.count('"stablehlo.sort"('), ["indices_are_sorted = true" in x.split("}>")[0] for x in scatters]

    sorts, scatters = written(prepared)
    assert sorts == 1 and scatters and all(scatters)
    repeated = lambda key: jnp.repeat(jnp.arange(9), jax.random.randint(key, (9,), 0, 3), total_repeat_length=9)
    assert not all(written(repeated)[1])


def test_numbers_are_checked_by_one_reduction_a_flag():
    """A network of six projections has as many as one of two, and what is wrong in any of them is found."""

    def made(number):
        law = lambda: snn.Normal(1.0, 0.1)
        links = {str(5 - i): snn.Connection(*LINKS["in"], weight=law(), delay=1.0) for i in range(number)}
        cells = {name: snn.Population(snn.LIF(), SIZES[name], {"in": snn.Exponential(5.0)}) for name in "AB"}
        return snn.network(dt=0.1, key=jax.random.key(0), populations=cells, projections=links)

    def program(net):
        arrays, rest = eqx.partition(net, eqx.is_array)
        return jax.jit(lambda arrays: eqx.combine(arrays, rest).parameter_status()).lower(arrays).compile()

    def reductions(program):
        return program.as_text().count(" reduce(") + program.as_text().count(" reduce-window(")

    net = made(6)
    two, six = program(made(2)), program(net)
    assert reductions(two) == reductions(six) > 0
    broken = eqx.tree_at(lambda net: net.projections["5"].weight, net, replace_fn=lambda w: w.at[7].set(jnp.nan))
    found = [int(six(eqx.filter(x, eqx.is_array))) for x in (net, broken)]
    assert found == [0, Status.PARAMETER_RANGE]


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
