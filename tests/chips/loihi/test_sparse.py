"""Sparse synapses are the dense ones, bit for bit, and what no spikes can exceed is known of every kind of synapse."""

import dataclasses
import tracemalloc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import loihi
from jaxsnn.chips.loihi.cells import CellNoise, CubaCells
from jaxsnn.chips.loihi.convolution import ConvSynapses
from jaxsnn.chips.loihi.cores import Excitatory, LavaCore, Loihi1Core, SignedWeights
from jaxsnn.chips.loihi.sparse import SparseSynapses
from jaxsnn.chips.loihi.synapses import Synapses
from jaxsnn.connectivity.ring import Ring
from jaxsnn.lowering.carriers import Matrix, Scattered, SummedFirst
from jaxsnn.lowering.cells import InputCells
from tests.refused import refused
from tests.simulation.hlo import copies_in_loops

N_IN, N, STEPS = 40, 50, 60
RNG = np.random.default_rng(0)
EXISTS = {"fore": RNG.random((N_IN, N)) < 0.2, "back": RNG.random((N, N)) < 0.1}
SPIKES = (RNG.random((STEPS, N_IN)) < 0.3).astype(np.float32)


def matrices(exponent):
    """With a delay for all, and one each; some mantissas are odd, and lose a bit."""
    weight = {name: np.where(there, RNG.integers(-150, 151, there.shape), 0) for name, there in EXISTS.items()}
    delay = np.where(EXISTS["fore"], RNG.integers(0, 6, (N_IN, N)), 0)
    return {
        "fore": Synapses("in", "E", weight["fore"], exponent, bits=7, delay=delay, max_delay=5),
        "back": Synapses("E", "E", weight["back"], exponent, delay=1, max_delay=1),
    }


def program(synapses, core):
    cells = {"in": InputCells(N_IN), "E": CubaCells(N, decay_u=900, decay_v=300, threshold=300)}
    return loihi.program(cells, synapses, core())


@eqx.filter_jit
def run(program):
    record = {"u": snn.Trace("E.u"), "v": snn.Trace("E.v"), "s": snn.Count("E")}
    drive = snn.Replay(SPIKES, into="in")
    done = snn.simulate(program, drive, steps=STEPS, key=jax.random.key(0), record=record, throw=False)
    return {**done.record, "status": done.status}


def same(a, b):
    return all(np.array_equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize(("core", "exponent"), [(Loihi1Core, -2), (LavaCore, -2), (Loihi1Core, 7)])
def test_sparse_synapses_are_the_dense_ones_bit_for_bit(core, exponent):
    """Where exponents lose bits of every weight or of the sum, and where registers overflow."""
    dense = matrices(exponent)
    sparse = {name: SparseSynapses.of(group, EXISTS[name]) for name, group in dense.items()}
    mine, theirs = run(program(sparse, core)), run(program(dense, core))
    assert same(mine, theirs) and theirs["s"].sum() > 100
    assert (theirs["status"] != 0) == (exponent == 7)
    if core is LavaCore:  # control: a synapse that goes elsewhere, or comes later, is seen
        for where, value in ((lambda g: g.receiver, 7), (lambda g: g.delay, 5)):
            moved = eqx.tree_at(where, sparse["fore"], where(sparse["fore"]).at[30].set(value))
            assert not same(run(program(sparse | {"fore": moved}, core)), theirs)


def test_sparse_synapses_are_kept_in_files_and_refused_where_wrong(tmp_path):
    group = SparseSynapses.of(matrices(0)["fore"], EXISTS["fore"])
    made = program({"fore": group}, Loihi1Core)
    snn.lowering.save_program(made, tmp_path / "sparse.npz")
    assert eqx.tree_equal(made, snn.lowering.load_program(tmp_path / "sparse.npz"))
    with refused("receiver is 49 in", "from 0 to 48"):
        dataclasses.replace(group, n_post=49, receiver=group.receiver.at[0].set(49))
    with refused("ascending rows of at most 3"):
        dataclasses.replace(group, longest=3)
    with refused("one number a synapse"):
        dataclasses.replace(group, weight=group.weight[1:])


def test_a_sparse_network_is_lowered_to_sparse_synapses():
    """Those that exist and no others; the report, which counts them, and the proof are the dense program's."""
    n = 300
    cell = snn.LIF(tau=20.0, v_th=1.0, comparator=snn.thresholds.Greater())
    delay = snn.Uniform(1.0, 4.0)
    links = {
        "ee": snn.Connection("E", "E", snn.FixedProb(0.05), weight=0.05, delay=delay, max_delay=4.0),
        "ie": snn.Connection("in", "E", snn.FixedProb(0.1), weight=0.5, delay=1.0),
    }
    cells = {"in": snn.SpikeSource(30), "E": snn.Population(cell, n, ports={"in": snn.Exponential(5.0)})}
    net = snn.network(dt=1.0, key=jax.random.key(1), populations=cells, projections=links)
    program, _, report = snn.lower(net, snn.chips.loihi.Loihi1())
    group = program.synapses["ee"]
    assert isinstance(group, SparseSynapses) and isinstance(program.synapses["ie"], SparseSynapses)
    i, j, *_ = net.projections["ee"].graph.synapses(jnp.ones(()), net.projections["ee"].delay)
    there = np.asarray(i) < n
    order = np.lexsort((np.asarray(j)[there], np.asarray(i)[there]))
    source = np.repeat(np.arange(n), np.diff(group.start))
    assert np.array_equal(source, np.asarray(i)[there][order]) and np.array_equal(group.receiver, j[there][order])
    assert len(np.unique(np.asarray(group.delay))) > 2
    assert report.data["links"]["ee"]["synapses"] == there.sum() == len(source)
    assert report.data["cells"]["E"]["input to"] == snn.lowering.bounds(program)["E"]["input"].high


def test_a_sparse_network_never_becomes_a_matrix():
    """20 000 cells with ten synapses each: no array of the graph, of a pass or of the program is one of all pairs."""
    n, each = 20_000, 10
    cell = snn.Population(snn.LIF(tau=20.0, v_th=1.0, comparator=snn.thresholds.Greater()), n)
    link = snn.Connection("E", "E", snn.FixedOutDegree(each), weight=snn.Normal(0.0, 0.2), delay=1.0)
    net = snn.network(dt=1.0, key=jax.random.key(1), populations={"E": cell}, projections={"S": link})
    target = snn.chips.loihi.Loihi1()
    tracemalloc.start()
    program, graph, report = snn.lower(net, target)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    most = n * each + n + 1
    assert peak < 128 * most < n * n // 8  # bytes of NumPy: a matrix of one bit a pair would take more
    assert max(leaf.size for leaf in jax.tree.leaves((graph, program)) if eqx.is_array_like(leaf)) <= most
    start = snn.lowering.lower_graph(snn.lowering.read(net, target), target.passes()[:3])
    jaxpr, *_ = eqx.filter_make_jaxpr(lambda g: snn.lowering.lower_graph(g, target.passes()[3:6]))(start)
    assert largest(jaxpr.jaxpr) <= most
    count = graph.edges["S"].count
    assert report.data["links"]["S"]["synapses"] == count == program.synapses["S"].weight.size > 0.99 * n * each
    assert len(report.data["chip"]["placement"]) >= n // 1024
    group, ring = program.synapses["S"], program.ring
    assert isinstance(group.prepare(program.cells["E"], program.cells["E"], ring, 0), Scattered)


def largest(jaxpr):
    """The most numbers that any value of a program has, in all that it calls."""
    sizes = [0]
    for equation in jaxpr.eqns:
        sizes += [v.aval.size for v in equation.outvars if hasattr(v.aval, "size")]
        for inner in jax.tree.leaves(equation.params, is_leaf=lambda x: hasattr(x, "eqns") or hasattr(x, "jaxpr")):
            inner = getattr(inner, "jaxpr", inner)
            sizes += [largest(inner)] if hasattr(inner, "eqns") else []
    return max(sizes)


def test_where_a_program_runs_decides_between_matrix_and_list():
    """Not what is in its file: the same kind of synapses is carried as either, with the same numbers."""
    group = SparseSynapses.of(matrices(0)["back"], EXISTS["back"])
    made = program({"back": group}, LavaCore)
    one = made.cells["E"]
    assert isinstance(group.prepare(one, one, made.ring, 0), Matrix)
    weight, exponent = group.carried(one.core)
    listed = SummedFirst(group.listed(weight).rows(Ring(2, N), 0), exponent, made.ring, 0)
    spikes, step = jnp.asarray(RNG.random(N) < 0.3, jnp.int32), jnp.int32(5)
    ring = made.ring.empty(jnp.int32)
    both = [c.send((), ring, spikes, step) for c in (group.prepare(one, one, made.ring, 0), listed)]
    np.testing.assert_array_equal(*both)
    assert np.any(both[0] != 0)


def test_bounds_know_every_kind_of_synapse():
    """Against sums in NumPy; weights that learn count with all they can become, and noise with all it can be."""
    image, kernel = (1, 4, 4), np.array([[[[3, -2], [0, 5]]]])
    rule = snn.chips.loihi.LoihiRule("y0*2")
    group = lambda sign: snn.chips.loihi.LearningSynapses(
        "in", "E", np.zeros((16, 9), int), rule=rule, sign=sign, exponent=1
    )
    cells = {"in": InputCells(16), "E": CubaCells(9, decay_u=4096, decay_v=4096, threshold=50, bias=3)}

    def bounds(noise=None, **synapses):
        changed = dataclasses.replace(cells["E"], noise=noise)
        return snn.lowering.bounds(loihi.program({**cells, "E": changed}, synapses, Loihi1Core()))["E"]

    found = bounds(conv=ConvSynapses("in", "E", kernel, image=image, exponent=2))
    near = lambda bound, low, high: bound[:2] == pytest.approx((low, high), rel=1e-5, abs=4.0) and bound.proved
    assert near(found["input"], -2 * 4 * 64, 8 * 4 * 64) and near(found["biased"], -512 + 3, 2048 + 3)
    assert near(bounds(s=group(Excitatory()))["input"], 0, 16 * 255 * 2 * 64)
    mixed = bounds(s=group(SignedWeights()))["input"]
    assert near(mixed, -16 * 256 * 2 * 64, 16 * 255 * 2 * 64)
    wide = dataclasses.replace(group(Excitatory()), exponent=jnp.int32(4))
    assert not bounds(s=wide)["input"].proved and bounds(s=wide)["input"].high >= 16 * 255 * 16 * 64 > 2**21
    noisy = bounds(CellNoise(exponent=9, offset=1), s=group(Excitatory()))
    assert near(noisy["biased"], 3 + (64 - 127) * 4, 16 * 255 * 128 + 3 + 191 * 4)


def test_weights_that_learn_are_not_copied():
    """They are read before they change: no copy of them in any loop."""
    n, trace = 96, snn.chips.loihi.LoihiTrace(16, 10)
    rule = snn.chips.loihi.LoihiRule("2^-2*y0*x1 - 2^-2*x0*y1", x1=trace, y1=trace, epoch=4)

    def learned(weight):
        cells = {"E": CubaCells(n, decay_u=1024, decay_v=256, threshold=50, bias=200)}
        made = loihi.program(cells, {"S": snn.chips.loihi.LearningSynapses("E", "E", weight, rule=rule)}, LavaCore())
        return snn.simulate(made, steps=40, key=jax.random.key(0), record=snn.Count("E"), throw=False).record

    text = jax.jit(learned).lower(jnp.zeros((n, n), jnp.int32)).compile().as_text()
    assert copies_in_loops(text, n * n // 4) == []
