"""Operations counted as NeuroBench counts: binarise what is sent and the weights, multiply, add up."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn import analysis


def test_operations_are_those_of_the_binarised_product():
    rng = np.random.default_rng(0)
    spikes = rng.random((5, 12, 7)) < 0.3  # examples, steps, senders
    weight = rng.normal(size=(7, 4)) * (rng.random((7, 4)) < 0.6)
    each_call = (spikes.astype(int) @ (weight != 0).astype(int)).sum(axis=(1, 2))
    active = jnp.asarray(spikes.sum(axis=1), jnp.float32)
    np.testing.assert_array_equal(analysis.synaptic_operations(active, jnp.asarray(weight, jnp.float32)), each_call)
    np.testing.assert_allclose(analysis.activation_sparsity(active, 12), 1 - spikes.mean(), rtol=1e-6)
    assert np.all(each_call < analysis.synaptic_operations(active, jnp.ones((7, 4))))  # dense: more


def test_sizes():
    net = eqx.filter({"w": jnp.zeros((3, 4)), "b": jnp.zeros(4), "n": jnp.arange(3), "none": None}, eqx.is_array)
    assert analysis.parameter_count(net) == 16 and analysis.footprint(net) == 64
