"""Layers that a crossbar holds: what is trained is what the chip does, exactly; draws, copies and votes."""

import functools
import itertools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.cli import load
from tests.chips.truenorth import networks
from tests.chips.truenorth.networks import tn
from tests.refused import refused

tea = load(Path(__file__).parents[3] / "experiments" / "tea.py")
POINT = {"hidden": 64, "outputs": 100, "epochs": 8, "batch": 48, "lr": 2e-2}


@functools.cache
def trained():
    """A network of drawn connections, trained on digits; test images as bits, and labels."""
    x, y, train, test = tea.digits()
    train, test = train[0], test[0][test[0] >= 0]
    fit = tea.trained(tn.TeaLinear, POINT, jnp.asarray(x[train]), jnp.asarray(y[train]), jax.random.key(0))
    assert fit.status == 0
    return fit.net, np.asarray(tea.bits(x[test]))[:, 0], y[test]


def on_chip(net, x, target):
    """Output spikes of the placed program, an image a tick."""
    program, _, report = snn.lower(net, target)
    late = dict(program.lags)["out"]
    sent = networks.placed_by_numpy(program, np.concatenate([x, np.zeros((late, 64), np.float32)]))
    return sent["out"][late:], report


def by_hand(net, x):
    """The same of the matrices."""
    for name, post in (("in-hid", "hid"), ("hid-out", "out")):
        x = (x @ np.asarray(net[name].weight) + np.asarray(net[post].neuron.bias) >= 0).astype(np.float32)
    return x.astype(int)


def classes(spikes):
    return spikes.reshape(len(spikes), 10, -1).sum(axis=2)


def test_the_chip_has_the_accuracy_of_the_rounded_network():
    """Units without memory have no other source of error: every spike is the same, whatever way axons are found."""
    net, x, y = trained()
    rounded = tn.deployed(net)
    want = by_hand(rounded, x)
    spikes, report = on_chip(rounded, x, tn.TrueNorth(coding=tn.Trinary()))
    assert np.array_equal(spikes, want) and want.any()
    chip = report.data["chip"]
    assert (chip["cores"], chip["splitters"], chip["copies"]) == (2, 0, 0)  # one sign an input: one axon
    assert np.mean(classes(spikes).argmax(axis=1) == y) > 0.75
    flipped = snn.set(rounded, "in-hid.weight", -rounded["in-hid"].weight)  # negative control
    assert np.mean(classes(by_hand(flipped, x)).argmax(axis=1) == y) < 0.5


def test_copies_of_other_draws_vote():
    """Accuracy rises with copies, within two standard errors of a step; a key is a chip."""
    net, x, y = trained()
    draws = np.stack([classes(by_hand(tn.deployed(net, key), x)) for key in range(8)])
    right = lambda k: np.mean(draws.reshape(-1, k, *draws.shape[1:]).sum(axis=1).argmax(axis=2) == y)
    found = [right(k) for k in (1, 2, 4, 8)]
    error = np.sqrt(0.1 * 0.9 / len(y))
    assert all(b > a - 2 * error for a, b in itertools.pairwise(found)) and found[-1] > found[0]
    same, other = (np.asarray(tn.deployed(net, key)["hid-out"].weight) for key in (0, 1))
    assert np.array_equal(np.asarray(tn.deployed(net, jax.random.key(0))["hid-out"].weight), same)
    p = np.asarray(net["hid-out"].graph.module.probability)
    assert np.mean(same != other) == pytest.approx(np.mean(2 * p * (1 - p) * (p > 0) * (p < 1)), abs=0.02)
    spikes, _ = on_chip(tn.deployed(net, 3), x[:50], tn.TrueNorth(coding=tn.Trinary(), fan_out=tn.Copies()))
    assert np.array_equal(classes(spikes), draws[3][:50])


@pytest.mark.parametrize("fan_out", [tn.Splitters(), tn.Copies()], ids=lambda x: type(x).__name__)
def test_trinary_weights_of_both_signs(fan_out):
    """Two axons an input: hidden units have splitters or copies. Biases that are no whole numbers lose nothing."""
    net = tea.classifier(tn.TrinaryLinear, 64, 100, jax.random.key(2))
    net = snn.set(snn.set(net, "hid.neuron.bias", jnp.linspace(-4.3, 3.7, 64)), "out.neuron.bias", -1.5)
    _, x, _ = trained()
    deployed = tn.deployed(net)
    assert {*np.unique(np.asarray(deployed["in-hid"].weight))} == {-1.0, 0.0, 1.0}
    spikes, report = on_chip(deployed, x[:100], tn.TrueNorth(coding=tn.Trinary(), fan_out=fan_out))
    want = by_hand(deployed, x[:100])
    assert np.array_equal(spikes, want) and 0.2 < want.mean() < 0.8
    assert report.data["chip"]["copies" if isinstance(fan_out, tn.Copies) else "splitters"] > 50


def test_derivatives_pass_through_rounding():
    """That of `x @ w` for the real numbers; of a unit that of its surrogate."""
    x = jnp.array([1.0, 0.0, 2.0])
    for layer, name in ((tn.TrinaryLinear(3, 2, key=jax.random.key(0)), "hidden"),
                        (tn.TeaLinear(3, 2, key=jax.random.key(0)), "probability")):  # fmt: skip
        slope = jax.jit(jax.grad(lambda layer: jnp.sum(layer(x) * jnp.array([1.0, 3.0]))))(layer)
        sign = np.array([1.0, -1.0, 1.0])[:, None] if name == "probability" else 1.0
        assert np.allclose(getattr(slope, name), sign * np.outer(x, [1.0, 3.0]))
        assert set(np.unique(np.asarray(layer.rounded))) <= {-1.0, 0.0, 1.0}
    unit = tn.ThresholdUnit(bias=0.5, span=4.0)
    fires = lambda v: unit.spike(unit.advance(unit.init((), jnp.float32), None, 1.0)._replace(v=v))
    assert float(jax.jit(jax.grad(fires))(2.0)) == pytest.approx(float(unit.surrogate.slope(jnp.float32(0.5))) / 4.0)
    assert float(fires(jnp.float32(0.0))) == 1.0 and float(fires(jnp.float32(-1e-6))) == 0.0


def test_what_cannot_be_deployed_or_voted_is_refused():
    with refused("without a TrinaryLinear or TeaLinear"):
        tn.deployed(networks.network(networks.mixed(1)[0]))
    with refused("Got int to deploy"):
        tn.deployed(3)
    with refused("Got n_in = 0"):
        tn.TeaLinear(0, 3, key=jax.random.key(0))
    net = trained()[0]
    with refused("'hid-out' goes through a Layer"):
        snn.lower(net, tn.TrueNorth())
    with refused("Votes has 100 neurons for 7 classes"):
        snn.simulate(net, snn.drives.Silence(), steps=1, key=0, record=tn.Votes("out", classes=7))
