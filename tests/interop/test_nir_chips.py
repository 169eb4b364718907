"""Lowered networks as graphs of NIR: the chip's numbers, read back equal; and the graph of Xylo in its maker's tool."""

import dataclasses

import jax
import nir
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.interop import from_nir
from jaxsnn.interop.nir.cells import KEY
from jaxsnn.lowering import rounded_network, stored_values
from tests.interop.chips import CASES, GOLDEN, XYLO, graph, lowered
from tests.interop.graphs import run
from tests.refused import refused

X = np.random.default_rng(0).random((200, 4)) < 0.3


def spikes(net, x=X):
    return {name: np.asarray(run(net, x, "input", snn.Raster(name))) for name in ("hid", "out")}


def kept(neuron):
    """What is left of the membrane, and of the current, after a step."""
    if isinstance(neuron, snn.CubaLIF):
        return [1.0 + np.asarray(neuron.decay(tau, 1.0)) for tau in (neuron.tau, neuron.tau_syn)]
    return np.exp(-1.0 / np.asarray(neuron.tau))


@pytest.mark.parametrize("name", ["loihi", "spinnaker, currents", "truenorth", "brainscales", "xylo"])
def test_what_a_chip_stores_is_in_the_graph(name, tmp_path):
    """Spikes of the program, each group later by its lag; written, read, and the same network and registers again."""
    _, target, found = lowered(name)
    rounded, lags = rounded_network(found.graph, target), dict(found.graph.lags)
    chip, real = spikes(found.program), spikes(rounded)
    late = {key: (chip[key][lags[key] :] > 0, real[key][: 200 - lags[key]] > 0) for key in chip}
    assert sum(np.sum(a != b) for a, b in late.values()) <= CASES[name][3] < sum(np.sum(a) for a, _ in late.values())
    nir.write(tmp_path / "chip.nir", graph(name))
    again = from_nir(tmp_path / "chip.nir", convention=CASES[name][2]).net
    for key, projection in rounded.projections.items():
        found_again = [p for n, p in again.projections.items() if (p.pre, p.post) == (projection.pre, projection.post)]
        total = sum(np.asarray(p.weight) for p in found_again)
        wanted = sum(
            np.asarray(p.weight)
            for p in rounded.projections.values()
            if (p.pre, p.post) == (projection.pre, projection.post)
        )
        np.testing.assert_allclose(total, wanted, rtol=1e-5, atol=1e-7, err_msg=key)
    for key in ("hid", "out"):
        mine, read = rounded[key].neuron, again[key].neuron
        np.testing.assert_allclose(np.asarray(read.v_th), np.asarray(mine.v_th), rtol=1e-5, err_msg=key)
        np.testing.assert_allclose(np.asarray(read.v_reset), np.asarray(mine.v_reset), atol=1e-6, err_msg=key)
        np.testing.assert_allclose(kept(read), kept(mine), rtol=1e-5, err_msg=key)
    nodes, told = nir.read(tmp_path / "chip.nir").nodes, stored_values(found.graph, target)
    assert told.keys() == {key for key, node in nodes.items() if KEY in node.metadata}
    for key, values in told.items():
        said = nodes[key].metadata[KEY]
        assert (said["target"], said["dt_ms"]) == (target.name, 1.0)
        for value in (v for v in values if isinstance(values[v], dict)):
            np.testing.assert_array_equal(said[value]["stored"], values[value]["stored"], err_msg=f"{key}.{value}")
            assert said[value]["format"] == values[value]["format"]
    off = snn.set(rounded, "hid.neuron.v_th", 1.05 * rounded["hid"].neuron.v_th)  # the control
    assert sum(np.sum((spikes(off)[key] > 0) != (real[key] > 0)) for key in real) > 5


def test_rockpool_runs_the_graph_of_xylo():
    """It reads the step and every number: its spikes are those of the graph here."""
    frozen, now = nir.read(GOLDEN / "read_by_rockpool.nir"), graph("xylo")
    for part, node in now.nodes.items():
        for key, value in node.to_dict().items():
            if isinstance(value, np.ndarray):
                np.testing.assert_allclose(frozen.nodes[part].to_dict()[key], value, rtol=1e-5, err_msg=part)
    with np.load(GOLDEN / "read_by_rockpool.npz") as file:
        x = np.unpackbits(file["x"])[: np.prod(file["shape"])].reshape(file["shape"]).astype(bool)
        theirs = file["out"]
    ours = spikes(from_nir(frozen, convention=XYLO).net, x)["out"]
    np.testing.assert_array_equal(ours, theirs)
    assert 20 < theirs.sum() < theirs.size - 20


def test_what_no_node_has_is_refused_by_name():
    _, target, found = lowered("truenorth")
    cell = found.graph.cells["hid"]
    changed = lambda **values: found.graph.having(cells={"hid": cell.set(**values)})
    value = lambda name, x: dataclasses.replace(cell.values[name], x=np.full(np.shape(cell[name]), x))
    with refused("'hid' of TrueNorth", "a leak that reverses"):
        rounded_network(changed(reversal=value("reversal", 1)), target)
    with refused("'hid' of TrueNorth", "a floor"):
        rounded_network(changed(negative=value("negative", 3)), target)
    with refused("'hid' of TrueNorth", "a potential to start from"):
        rounded_network(changed(start=value("start", 500)), target)
    with refused("metadata of 'x'", "hid"):
        snn.interop.to_nir(rounded_network(found.graph, target), convention=CASES["truenorth"][2], metadata={"x": {}})
    with refused("traced"):
        jax.vmap(
            lambda x: rounded_network(changed(threshold=dataclasses.replace(cell.values["threshold"], x=x)), target)
        )(np.ones((2, 5), np.int32))


def test_what_circuits_have_beside_a_node_is_refused_by_name():
    """A pattern of one chip, noise, other neurons and states to start from."""
    net, target, found = lowered("brainscales")
    kind = type(target)
    with refused("'hid' of BrainScaleS2", "a pattern of its own", "chip=None"):
        rounded_network(found.graph, kind(chip=3))
    with refused("'hid' of BrainScaleS2", "have noise"):
        rounded_network(found.graph, kind(noise=snn.chips.brainscales.Noise()))
    cell = snn.Population(snn.LIF(tau=20.0, v_th=1.0, v_reset=0.0), 5, {"in": snn.Exponential(5.0)})
    link = snn.Connection("input", "hid", snn.AllToAll(), weight=0.1, delay=1.0)
    for changed, says in ((cell, "LIF neurons"), (snn.Population(net["hid"].neuron, 5, init={"v": 0.3}), "a state")):
        other = snn.network(
            dt=1.0,
            key=0,
            populations={"input": snn.SpikeSource(4), "hid": changed},
            projections={"ih": link},
        )
        with refused("'hid' of BrainScaleS2", says):
            rounded_network(snn.lower(other, target).graph, target)
