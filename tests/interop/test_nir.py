"""Graphs of NIR: what other tools wrote has their spikes here, and what is written here has ours there."""

import itertools

import equinox as eqx
import nir
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.interop import conventions, from_nir, to_nir
from tests.interop.graphs import DT, outputs, run
from tests.interop.step import run as stepped
from tests.interop.written import CONVENTIONS, GOLDEN, graph, network, source_of

pytestmark = pytest.mark.unoptimised

WRITERS = {
    "snntorch": conventions.SnnTorch(),
    "norse": conventions.Norse(),
    "spikingjelly": conventions.SpikingJelly(),
    "sinabs": conventions.Sinabs(),
    "rockpool": conventions.Rockpool(),
    "snntorch_zero": conventions.SnnTorch(reset_mechanism=snn.resets.ToValue()),
    "spyx": conventions.Spyx(),
}
WRITTEN = sorted(path.stem for path in GOLDEN.glob("*.nir") if path.stem.partition("_")[0] in WRITERS)


def golden(name):
    """The input spikes `(steps, n)` and the outputs of a writer or a reader."""
    found = np.load(GOLDEN / f"{name}.npz")
    x = np.unpackbits(found["x"])[: np.prod(found["shape"])].reshape(len(found["out"]), -1)
    return x.astype(bool), found["out"].reshape(len(x), -1)


def sent_late(ours, theirs, convention):
    """Both where they are comparable: Spyx sends what its membranes were a step before."""
    return ours[: len(ours) - convention.late], theirs[convention.late :]


def recurrent(name):
    return {"snntorch_recurrent": 2, "snntorch_zero": 1, "spyx_recurrent": 3}.get(name, 0)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_another_tool_wrote_does_what_it_does_there(name, x64):
    """Spike for spike, membranes to the writer's single precision; and once more after it was written here."""
    convention = WRITERS.get(name) or WRITERS[name.partition("_")[0]]
    found = from_nir(GOLDEN / f"{name}.nir", convention=convention)
    x, expected = golden(name)
    spikes, v = outputs(found, x)
    if name == "norse_membranes":
        np.testing.assert_allclose(v, expected, rtol=0, atol=1e-6)
        assert np.abs(v).max() > 1.0 and not spikes.any()
    else:
        np.testing.assert_array_equal(*sent_late(spikes, expected > 0, convention))
        assert 20 < spikes.sum() < spikes.size - 20
    assert len(found.recurrent) == recurrent(name)
    again = from_nir(to_nir(found.net, convention=convention), convention=convention)
    np.testing.assert_allclose(outputs(again, x)[1], v, rtol=0, atol=1e-12)


def test_other_numbers_and_conventions_are_seen(x64):
    """Control: a factor, a threshold or a weight 2 % off, another time of the reset, another unit of time."""
    x, expected = golden("snntorch_dense")
    read = lambda **changes: from_nir(GOLDEN / "snntorch_dense.nir", convention=conventions.SnnTorch(**changes))
    for path in ("1.neuron.tau", "1.neuron.v_th", "input-1.weight"):
        found = read()
        net = snn.set(found.net, path, 1.02 * snn.get(found.net, path))
        assert np.any(outputs(found._replace(net=net), x)[0] != (expected > 0)), path
    assert np.any(outputs(read(reset_time=snn.resets.SameStep()), x)[0] != (expected > 0))
    assert float(read(unit=1.0).net.dt) == 1e-4


def test_when_a_neuron_of_snntorch_is_set_to_zero(x64):
    """Of `Leaky` before the leak and the input of the next step, of `RLeaky` and `Synaptic` after them. Controls."""
    x, expected = golden("snntorch_zero")
    found = from_nir(GOLDEN / "snntorch_zero.nir", convention=WRITERS["snntorch_zero"])
    times = {name: type(p.neuron.reset_time).__name__ for name, p in found.net.populations.items() if name != "input"}
    assert sorted(times.values()) == ["NextStep", "NextStep", "SameStep"]
    for name, time in times.items():
        other = snn.resets.SameStep() if time == "NextStep" else snn.resets.NextStep()
        net = eqx.tree_at(lambda net, name=name: net.populations[name].neuron.reset_time, found.net, other)
        assert np.any(outputs(found._replace(net=net), x)[0] != (expected > 0)), name


@pytest.mark.parametrize("name", CONVENTIONS)
def test_what_is_written_here_does_the_same_in_another_tool(name, x64):
    """The tool read the frozen graph, which is still what is written, and has our spikes."""
    frozen, now = nir.read(GOLDEN / f"read_by_{name}.nir"), graph(name)
    assert frozen.nodes.keys() == now.nodes.keys() and set(frozen.edges) == set(now.edges)
    for part, node in now.nodes.items():
        for key, value in node.to_dict().items():
            if isinstance(value, np.ndarray):
                np.testing.assert_allclose(frozen.nodes[part].to_dict()[key], value, rtol=1e-12, err_msg=part)
    x, expected = golden(f"read_by_{name}")
    spikes = np.asarray(run(network(name), x, source_of(name), snn.Raster("out")))
    np.testing.assert_array_equal(*sent_late(spikes, expected > 0, CONVENTIONS[name]))
    assert 20 < spikes.sum() < spikes.size - 20


LAVA = {"lava_dense": "netx_dense.net", "lava_dense_exponent": "netx_dense_exponent.net"}


@pytest.mark.parametrize("name", LAVA)
def test_what_lava_dl_does_with_its_file_is_in_the_graph_of_it(name, x64):
    """Spikes of both layers, which Lava has in integers and a step later each."""
    found = from_nir(GOLDEN / f"{name}.nir", convention=conventions.Lava())
    with np.load(GOLDEN.parent / "netx_inputs.npz") as file:
        x = file[LAVA[name]] > 0
    record = {"0": snn.Raster("1"), "1": snn.Raster("3")}
    got = run(found.net, x, *found.inputs.values(), record)
    with np.load(GOLDEN.parent / "lava_netx.npz") as file:
        for layer, late in (("0", 1), ("1", 2)):
            n = int(file[f"{LAVA[name]} {layer} n"])
            want = np.unpackbits(file[f"{LAVA[name]} {layer}"], axis=1)[:, :n].astype(bool)
            np.testing.assert_array_equal(np.asarray(got[layer])[:-late], want[late:])
            assert want.sum() > 10 and np.any(np.asarray(got[layer])[: -late - 1] != want[late + 1 :])


def test_a_graph_of_the_paper_in_lava_and_in_spyx(x64):
    """Norse's neuron in both tools: 4 spikes in 1000 steps, and Lava's membrane to single precision."""
    with np.load(GOLDEN / "lava_norse.npz") as file:
        golden = dict(file)
    found = from_nir(GOLDEN / "lava_norse.nir", convention=conventions.Lava())
    spikes, v = outputs(found, golden["x"][:, None] > 0)
    for tool in ("lava", "spyx"):
        np.testing.assert_array_equal(spikes[:-1, 0], golden[tool][1:] > 0)
    np.testing.assert_allclose(v[:-1, 0], golden["v"][1:], rtol=0, atol=1e-6)
    assert spikes.sum() == 4 and np.ptp(golden["v"]) > 0.09


# --- every kind of node -----------------------------------------------------------------------------------------------

DRAWN = np.random.default_rng(3)


def every_node():
    """A graph with each kind of node, a graph within it, a loop, delays, and outputs that are sums."""
    n, each = 6, lambda x, n=6: np.linspace(0.8 * x, 1.2 * x, n)
    weight = lambda *shape: DRAWN.normal(0.2, 0.5, shape)
    cell = dict(r=each(20.0), v_leak=each(0.1), v_threshold=each(1.0), v_reset=each(-0.2))
    inner = nir.NIRGraph(
        {
            "input": nir.Input(input_type=np.array([n])),
            "cell": nir.CubaLIF(tau_syn=each(4e-3), tau_mem=each(10e-3), w_in=each(3.0), **cell),
            "back": nir.Linear(weight=weight(n, n)),
            "output": nir.Output(output_type=np.array([n])),
        },
        [("input", "cell"), ("cell", "back"), ("back", "cell"), ("cell", "output")],
    )
    nodes = {
        "input": nir.Input(input_type=np.array([2, 4, 4])),
        "sum": nir.SumPool2d(kernel_size=np.array([2, 2]), stride=np.array([2, 2]), padding=np.array([0, 0])),
        "mean": nir.AvgPool2d(kernel_size=np.array([2, 2]), stride=np.array([1, 1]), padding=np.array([0, 0])),
        "flat": nir.Flatten(input_type=np.array([2, 2, 2]), start_dim=0, end_dim=-1),
        "flat2": nir.Flatten(input_type=np.array([2, 3, 3]), start_dim=0, end_dim=-1),
        "affine": nir.Affine(weight=weight(n, 8), bias=each(0.1)),
        "linear": nir.Linear(weight=weight(n, 18)),
        "lif": nir.LIF(tau=each(10e-3), **cell),
        "scale": nir.Scale(scale=each(1.5)),
        "delay": nir.Delay(delay=np.array([0, 1, 2, 3, 1, 0]) * DT),
        "if": nir.IF(r=each(300.0), v_threshold=each(1.0), v_reset=each(0.0)),
        "threshold": nir.Threshold(threshold=each(0.4)),
        "rnn": inner,
        "wide": nir.Linear(weight=weight(n, n)),
        "li": nir.LI(tau=each(15e-3), r=each(1.0), v_leak=each(-0.1)),
        "i": nir.I(r=each(10.0)),
        "cuba": nir.CubaLI(tau_syn=each(5e-3), tau_mem=each(9e-3), r=each(2.0), v_leak=each(0.2), w_in=each(1.0)),
        "bias": nir.Affine(weight=weight(n, n), bias=each(-0.3)),
        "read": nir.Affine(weight=weight(3, n), bias=np.array([0.5, 0.0, -0.5])),
    }
    nodes |= {f"out_{name}": nir.Output(output_type=np.array([n])) for name in ("li", "i", "cuba", "if", "threshold")}
    nodes["out"] = nir.Output(output_type=np.array([3]))
    ways = [
        ("input", "sum", "flat", "affine", "lif"),
        ("input", "mean", "flat2", "linear", "threshold", "bias", "cuba", "out_cuba"),
        ("lif", "scale", "delay", "if", "out_if"),
        ("lif", "rnn", "wide", "li", "out_li"),
        ("threshold", "wide"),
        ("rnn", "read", "out"),
        ("if", "i", "out_i"),
        ("bias", "i"),
        ("threshold", "out_threshold"),
    ]
    edges = [edge for way in ways for edge in itertools.pairwise(way)]
    return nir.NIRGraph(nodes, edges, type_check=False)


def unnested(graph):
    """The same graph with the nodes of "rnn" beside the others, as the oracle takes it."""
    inner = graph.nodes["rnn"]
    named = {"cell": "cell", "back": "back"}
    nodes = {name: node for name, node in graph.nodes.items() if name != "rnn"}
    nodes |= {named[name]: inner.nodes[name] for name in named}
    edges = [tuple("cell" if part == "rnn" else part for part in edge) for edge in graph.edges]
    return nir.NIRGraph(nodes, [*edges, ("cell", "back"), ("back", "cell")], type_check=False)


def test_every_node_is_its_equation(x64):
    """Against a plain interpreter of the graph, all outputs in all of 60 steps."""
    graph = every_node()
    x = DRAWN.random((60, 32)) < 0.3
    expected = stepped(unnested(graph), x * 1.0, DT, late={("back", "cell")})
    found = from_nir(graph, convention=conventions.Nir(dt=DT))
    assert found.recurrent == ("rnn-cell-rnn-cell",)
    spiking = ("out_if", "out_threshold")
    record = {name: snn.Raster(at) if name in spiking else snn.Trace(f"{at}.v") for name, at in found.outputs.items()}
    record = run(found.net, x, found.inputs["input"], record)
    for name, node in (("out_li", "li"), ("out_i", "i"), ("out_cuba", "cuba"), ("out", "out")):
        np.testing.assert_allclose(record[name], expected[node], rtol=1e-9, atol=1e-9, err_msg=name)
        assert np.ptp(expected[node]) > 0.3, name
    for name, node in (("out_if", "if"), ("out_threshold", "threshold")):
        np.testing.assert_array_equal(np.asarray(record[name]), expected[node] > 0, err_msg=name)
        assert 20 < expected[node].sum() < 340, name


def test_a_convolution_in_one_dimension(x64):
    """Stride, padding, dilation and a bias of each channel, which is a bias of the neurons."""
    weight, shape = DRAWN.normal(0.1, 0.4, (3, 2, 3)), (3, 6)
    cell = nir.IF(r=np.full(shape, 1 / DT), v_threshold=np.full(shape, 1.0), v_reset=np.zeros(shape))
    graph = nir.NIRGraph(
        {
            "input": nir.Input(input_type=np.array([2, 12])),
            "conv": nir.Conv1d(12, weight, 2, 1, 1, 1, np.array([0.1, 0.0, 0.2])),
            "cell": cell,
            "output": nir.Output(output_type=np.array(shape)),
        },
        [("input", "conv"), ("conv", "cell"), ("cell", "output")],
    )
    x = DRAWN.random((40, 24)) < 0.4
    found = from_nir(graph, convention=conventions.Nir(dt=DT))
    spikes, _ = outputs(found, x)
    expected = stepped(graph, x * 1.0, DT)["cell"]
    np.testing.assert_array_equal(spikes, expected > 0)
    assert 50 < spikes.sum() < spikes.size - 50


# --- to a chip --------------------------------------------------------------------------------------------------------


def test_a_network_of_snntorch_on_the_chip():
    """What snnTorch makes of the graph, on Loihi's integers: each layer a step later, 3 of 320 spikes differ."""
    found = from_nir(GOLDEN / "read_by_snntorch.nir", convention=CONVENTIONS["snntorch"])
    chip = snn.lower(found.net, snn.chips.loihi.Loihi1()).program
    x, expected = golden("read_by_snntorch")
    spikes = np.asarray(run(chip, x, found.inputs["in"], snn.Raster(found.outputs["output"])))
    assert np.sum(spikes[2:] != expected[:-2]) <= 5 < 50 < np.sum(spikes[1:] != expected[:-1])
