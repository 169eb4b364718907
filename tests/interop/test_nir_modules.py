"""Names, biases and modules: what a graph gives twice, what comes in every step, and Equinox's own layers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import nir
import numpy as np
import pytest
from jax import lax

import jaxsnn as snn
from jaxsnn.interop import conventions, from_nir, to_nir
from jaxsnn.interop.nir.maps import Reshape
from tests.interop.graphs import DT, LIF, chained, graph_of, outputs
from tests.interop.step import run as stepped
from tests.interop.test_nir_refused import changed
from tests.refused import refused


def test_names_that_a_graph_gives_twice_are_made_unique(x64):
    """A node "rnn.cell" beside a graph "rnn" with a node "cell"; a node "a-b" beside an edge from "a" to "b"."""
    inner = chained(nir.Linear(weight=np.array([[0.0, 30.0], [30.0, 0.0]])), nir.LIF(**LIF))
    graph = graph_of(
        {
            "rnn.1": nir.LIF(**LIF | {"r": np.array([7.0, 9.0])}),
            "rnn": inner,
            "a": nir.Threshold(threshold=np.full(2, 0.5)),
            "b": nir.LIF(**LIF | {"r": np.full(2, 11.0)}),
            "a-b": nir.LIF(**LIF | {"r": np.full(2, 11.0)}),
            "rnn-": nir.Threshold(threshold=np.full(2, 0.5)),
        },
        ("input", "rnn.1", "rnn", "a", "b", "output"),
        ("input", "a"),
        ("input", "rnn-", "a-b", "b"),
    )
    found = from_nir(graph, convention=conventions.Nir(dt=DT))
    populations = set(found.net.populations)
    assert len(populations) == 7 and not populations & set(found.net.projections)
    assert {"rnn-1", "rnn-1_", "rnn-", "a", "b", "a-b"} <= populations
    flat = nir.NIRGraph(
        {name: node for name, node in graph.nodes.items() if name != "rnn"}
        | {"w": inner.nodes["0"], "c": inner.nodes["1"]},
        [(a if a != "rnn" else "c", b if b != "rnn" else "w") for a, b in graph.edges] + [("w", "c")],
        type_check=False,
    )
    x = np.random.default_rng(5).random((60, 2)) < 0.5
    expected = stepped(flat, x * 1.0, DT)["b"]
    assert 5 < expected.sum() < 100
    np.testing.assert_array_equal(outputs(found, x)[0], expected > 0)


def test_a_bias_is_delayed_nowhere():
    """A delay behind a bias is refused; one before it delays spikes alone; biases that cancel need no connection."""
    affine, late = nir.Affine(weight=np.eye(2), bias=np.ones(2)), nir.Delay(delay=np.full(2, 2 * DT))
    cell = {name: x for name, x in LIF.items() if name != "tau"}
    cuba = nir.CubaLIF(tau_syn=np.full(2, 0.01), tau_mem=np.full(2, 0.01), w_in=np.ones(2), **cell)
    cell = {"affine": affine, "late": late, "cell": nir.LIF(**LIF)}
    with refused("'late' (Delay)", "delays a bias", "before the node"):
        from_nir(graph_of(cell, ("input", "affine", "late", "cell", "output")))
    found = from_nir(graph_of(cell, ("input", "late", "affine", "cell", "output")))
    assert found.net.projections["input-cell-late"].max_delay == 2
    opposite = nir.Affine(weight=np.eye(2), bias=-np.ones(2))
    both = graph_of(
        {"affine": affine, "opposite": opposite, "cell": cuba},
        ("input", "affine", "cell", "output"), ("input", "opposite", "cell"),
    )  # fmt: skip
    assert set(from_nir(both).net.projections) == {"input-cell", "input-cell_"}
    one = graph_of({"affine": affine, "cell": cuba}, ("input", "affine", "cell", "output"))  # control
    assert set(from_nir(one).net.projections) == {"input-cell", "cell-bias"}


def test_an_edge_into_an_input_is_refused():
    looped = graph_of({"cell": nir.LIF(**LIF)}, ("input", "cell", "output"), ("cell", "input"))
    with refused("'cell' to 'input'", "a node Input"):
        from_nir(looped)
    inner = nir.NIRGraph({**looped.nodes}, looped.edges, type_check=False)
    with refused("'rnn.cell' to 'rnn.input'", "a node Input"):
        from_nir(graph_of({"rnn": inner}, ("input", "rnn", "output")))


def layered(module, shape, n, **link):
    into = snn.Connection("in", "hid", via=snn.Layer(module, shape), **link)
    cell = snn.LIF(tau=10.0, v_th=1.0, gain=snn.gains.PerStep(), comparator=snn.thresholds.Greater())
    cells = {"in": snn.SpikeSource(int(np.prod(shape))), "hid": snn.Population(cell, n)}
    return snn.network(dt=1.0, key=0, populations=cells, projections={"ih": into})


def test_modules_are_those_of_equinox(x64):
    """Linear nodes beside a convolution or a pool become Equinox's modules, and are written from them again."""
    key = jax.random.key(0)
    made = eqx.nn.Sequential(
        [
            eqx.nn.Conv2d(1, 2, 3, padding=1, use_bias=False, key=key),
            eqx.nn.Pool(0, lax.add, 2, 2, 2),
            eqx.nn.AvgPool2d(2),
            eqx.nn.Identity(),
        ]
    )
    net = layered(made, (1, 6, 6), 8)
    graph = to_nir(net)
    assert [type(node).__name__ for name, node in graph.nodes.items() if name.startswith("ih")] == [
        *("Conv2d", "SumPool2d", "AvgPool2d", "Scale")
    ]
    again = from_nir(graph).net.projections["in-hid"].graph.module
    assert [type(m).__name__ for m in again.layers] == ["Conv", "Pool", "AvgPool2d", "Scale"]
    x = jnp.asarray(np.random.default_rng(0).normal(size=(1, 6, 6)))
    np.testing.assert_allclose(again(x), made(x), rtol=1e-12)
    flat = layered(eqx.nn.Sequential([made, Reshape((2, 4))]), (1, 6, 6), 8)
    (joined,) = [node for node in to_nir(flat).nodes.values() if type(node).__name__ == "Flatten"]
    assert (joined.start_dim, joined.end_dim) == (1, 2)


REFUSED_MODULES = {
    "delayed bias": (
        lambda: layered(eqx.nn.Linear(2, 2, key=jax.random.key(0)), (2,), 2, delay=2.0),
        ["'ih' has a delay and a module with a bias", "give the bias to the receivers"],
    ),
    "maximum": (lambda: layered(eqx.nn.MaxPool2d(2), (1, 3, 3), 4), ["the module MaxPool2d", "Pool with lax.add"]),
    "other axes": (
        lambda: layered(eqx.nn.Sequential([Reshape((2, 3)), Reshape((6,))]), (3, 2), 6),
        ["makes shape (2, 3) of (3, 2)", "joins neighbouring axes"],
    ),
    "some thresholds": (
        lambda: changed(cell=snn.LIF(v_th=np.array([1.0] * 7 + [np.inf]), comparator=snn.thresholds.Greater())),
        ["'hid' has neurons that fire and ones of an infinite v_th", "split it"],
    ),
}


@pytest.mark.parametrize("name", REFUSED_MODULES)
def test_what_nir_has_no_place_for_is_refused(name):
    made, words = REFUSED_MODULES[name]
    net = made()
    with refused(*words):
        to_nir(net, convention=conventions.Nir(dt=net.dt / 1e3))


def test_read_outs_without_a_threshold_are_no_cells_that_never_see_theirs():
    """What never fires has an infinite threshold, which a chip refuses: at a finite one it had no weights left."""
    net = from_nir(graph_of({"i": nir.I(r=np.ones(2))}, ("input", "i", "output"))).net
    assert np.all(np.isinf(np.asarray(net["i"].neuron.v_th)))
    with refused("'i' has an infinite threshold", "use LI"):
        snn.lower(net, snn.chips.loihi.Loihi1())
