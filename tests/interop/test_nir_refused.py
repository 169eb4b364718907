"""Graphs without a meaning, and networks that NIR has no nodes for: one sentence each, by name."""

import nir
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.interop import conventions, from_nir, to_nir
from tests.interop.graphs import LIF, chained
from tests.interop.written import CONVENTIONS, network
from tests.refused import refused

BAD_GRAPHS = {
    "matrix": (chained(nir.Linear(weight=np.ones((2, 3))), nir.LIF(**LIF)), ["'0' (Linear)", "(2, 3)", "(out, 2)"]),
    "not finite": (chained(nir.Linear(weight=np.full((2, 2), np.nan)), nir.LIF(**LIF)), ["'0'", "not finite"]),
    "parameters": (
        chained(nir.Linear(weight=np.ones((2, 2))), nir.LIF(*(np.ones(3) for _ in LIF), np.zeros(3))),
        ["'1' (LIF)", "3", "2"],
    ),
    "tau": (chained(nir.LIF(**LIF | {"tau": np.zeros(2)})), ["'0' (LIF)", "tau = 0", "more than 0"]),
    "short tau": (chained(nir.LIF(**LIF | {"tau": np.full(2, 5e-4)})), ["tau = 0.0005", "ExactDecay"]),
    "bias": (chained(nir.Affine(weight=np.ones((2, 2)), bias=np.ones(3)), nir.LIF(**LIF)), ["3 biases, expected 2"]),
    "pool": (
        chained(nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])), nir.LIF(**LIF)),
        ["'0' (SumPool2d)", "(2,)", "(channels, height, width)"],
    ),
    "padding": (
        chained(nir.AvgPool2d(np.array([1, 1]), np.array([1, 1]), np.array([2, 2])), shape=(1, 2, 2)),
        ["'0' (AvgPool2d)", "padding of (2, 2)", "at most its kernel"],
    ),
    "a membrane that is sent": (
        chained(nir.LI(**{k: LIF[k] for k in ("tau", "r", "v_leak")}), nir.Linear(weight=np.eye(2)), nir.LIF(**LIF)),
        ["'0' (LI)", "sends its membrane to '1' (Linear)", "Output", "Threshold"],
    ),
    "no input": (nir.NIRGraph({"a": nir.LIF(**LIF)}, [], type_check=False), ["without a node Input"]),
    "nothing comes in": (
        nir.NIRGraph({"input": nir.Input(input_type=np.array([2])), "a": nir.LIF(**LIF)}, [], type_check=False),
        ["'a' (LIF)", "not reached"],
    ),
    "a loop of weights": (
        nir.NIRGraph(
            chained(nir.Linear(weight=np.eye(2)), nir.LIF(**LIF)).nodes | {"w": nir.Linear(weight=np.eye(2))},
            [("input", "0"), ("0", "w"), ("w", "0"), ("0", "1"), ("1", "output")],
            type_check=False,
        ),
        ["loop that has no neuron", "0 -> w -> 0"],
    ),
    "an edge from nowhere": (
        nir.NIRGraph({"input": nir.Input(input_type=np.array([2]))}, [("input", "b")], type_check=False),
        ["'input' to 'b'", "no node 'b'"],
    ),
    "names of two lines": (  # found by fuzzing
        nir.NIRGraph({"a\nb": nir.Input(input_type=np.array([2]))}, [("a\nb", "b")], type_check=False),
        ["no node 'b': 'a\\nb'"],
    ),
}


@pytest.mark.parametrize("name", BAD_GRAPHS)
def test_a_graph_without_a_meaning_is_one_sentence(name):
    graph, words = BAD_GRAPHS[name]
    with refused(*words):
        from_nir(graph)


def test_files_and_arguments(tmp_path):
    (tmp_path / "no.nir").write_text("no graph")
    with refused("no.nir", "not a file of a NIR graph"):
        from_nir(tmp_path / "no.nir")
    with refused("Got graph = 3 (int)", "path"):
        from_nir(3)
    with refused("Got convention = 'snntorch'", "conventions.SnnTorch()"):
        from_nir(chained(nir.LIF(**LIF)), convention="snntorch")
    with refused("Nir.dt is 0 (int)", "positive"):
        conventions.Nir(dt=0)


def changed(**changes):
    """The network that snnTorch reads, with other choices of its hidden neurons."""
    net = network("snntorch")
    hid = net["hid"].neuron
    parts = {name: getattr(hid, name) for name in ("tau", "v_th", "v_reset", "gain", "comparator")}
    cell = changes.pop("cell", None) or snn.LIF(**parts | {"comparator": snn.thresholds.Greater()} | changes)
    link = dict(topology=snn.AllToAll(), via=snn.Dense())
    return snn.network(
        dt=net.dt,
        key=0,
        populations={"in": snn.SpikeSource(6), "hid": snn.Population(cell, 8)},
        projections={"ih": snn.Connection("in", "hid", **link, weight=1.0, **changes.pop("link", {}))},
    )


BAD_NETWORKS = {
    "refractory": (lambda: changed(t_ref=1.0), ["'hid'", "refractory", "t_ref=0"]),
    "noise": (lambda: changed(noise=1.0), ["'hid'", "noise"]),
    "reset": (lambda: changed(reset_mechanism=snn.resets.Subtract()), ["reset_mechanism = Subtract()", "ToValue()"]),
    "kind": (lambda: changed(cell=snn.Izhikevich()), ["'hid' is Izhikevich", "LIF, LI and CubaLIF"]),
    "recursion": (
        lambda: changed(cell=snn.CubaLIF(recursion=snn.neurons.recursions.CurrentBeforeInput())),
        ["CurrentBeforeInput"],
    ),
}


@pytest.mark.parametrize("name", BAD_NETWORKS)
def test_a_network_that_nir_has_no_nodes_for_is_refused_by_name(name):
    made, words = BAD_NETWORKS[name]
    with refused(*words):
        to_nir(made(), convention=CONVENTIONS["snntorch"])


def test_another_step_is_refused():
    with refused("dt = 0.1 ms", "1 ms", "dt=0.0001"):
        to_nir(network("snntorch"), convention=conventions.Nir())
