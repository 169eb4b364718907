"""Sigma-delta programs of trained networks: the outputs of the network, for as many messages as something changes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.refused import refused

loihi = snn.chips.loihi
RELU = eqx.nn.Lambda(jax.nn.relu)


def network(*sizes):
    keys = jax.random.split(jax.random.key(3), len(sizes))
    layers = [eqx.nn.Linear(a, b, key=key) for a, b, key in zip(sizes, sizes[1:], keys, strict=False)]
    return eqx.nn.Sequential([part for layer in layers for part in (layer, RELU)][:-1])


@pytest.fixture(scope="module")
def case():
    """A network of three layers, examples, what it says of them, and programs of three thresholds that say it."""
    model = network(12, 30, 20, 5)
    x = np.random.default_rng(0).normal(size=(60, 12)).astype(np.float32)
    exact = np.asarray(jax.vmap(model)(jnp.asarray(x)))
    return model, x, exact, {part: loihi.from_ann(model, x, threshold=part) for part in (0.0, 0.01, 0.1)}


def test_outputs_are_those_of_the_network(case):
    _, x, exact, made = case
    errors, synaptic = {}, {}
    for part, found in made.items():
        loihi_2 = snn.lowering.verify(found.program, loihi.Loihi2())
        assert loihi_2 is None
        said = found.run(x)
        assert int(said.status) == 0 and said.outputs.shape == exact.shape
        errors[part] = np.abs(np.asarray(said.outputs) - exact).max() / np.abs(exact).max()
        synaptic[part] = said.synaptic
        assert said.messages.keys() == {"encode", "layer 1", "layer 2"} and said.dense == 12 * 30 + 30 * 20 + 20 * 5
    assert errors[0.0] < 0.02 and errors[0.01] < 0.05
    assert errors[0.1] > 3 * errors[0.01] and synaptic[0.1] < 0.8 * synaptic[0.0]  # control: the threshold acts
    silent = made[0.01].run(np.zeros((1, 12)))
    assert silent.messages["encode"] == 0.0 and silent.synaptic < 0.5 * synaptic[0.01]


def test_what_is_no_chain_of_linear_layers_is_refused():
    x = np.zeros((2, 3))
    linear = eqx.nn.Linear(3, 3, key=jax.random.key(0))
    with refused("Layer 1 of the network is tanh; from_ann takes eqx.nn.Linear"):
        loihi.from_ann(eqx.nn.Sequential([linear, eqx.nn.Lambda(jnp.tanh), linear]), x)
    with refused("Got Sequential of 2 layers; expected"):
        loihi.from_ann(eqx.nn.Sequential([linear, RELU]), x)
    with refused("Got examples of shape (2, 4)", "expected (examples, 3)"):
        loihi.from_ann(eqx.nn.Sequential([linear]), np.zeros((2, 4)))
