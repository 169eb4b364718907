"""A public `key` is a key or a seed: the same numbers either way, and one sentence for everything else."""

import zlib

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn import _random
from jaxsnn._random import as_key

SEEDS = {"python": 7, "int64": np.int64(7), "uint8": np.uint8(7), "jax": jnp.int32(7), "numpy": np.asarray(7)}
BAD = {
    "negative": -1,
    "too large": 2**32,
    "float": 1.0,
    "boolean": True,
    "nothing": None,
    "text": "0",
    "several": jr.split(jr.key(0), 3),
    "a list": [0, 1],
    "floats": jnp.zeros(2),
    "no words": np.zeros(0, np.uint32),
    "negative array": jnp.int32(-3),
}


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
def test_a_whole_number_is_the_key_that_it_seeds(seed):
    assert jnp.array_equal(jr.key_data(as_key(seed)), jr.key_data(jr.key(7)))
    assert not jnp.array_equal(jr.key_data(as_key(seed)), jr.key_data(as_key(8)))


def test_keys_stay_what_they_are():
    for key in (jr.key(3), jr.PRNGKey(3), jr.key(3, impl="rbg")):
        assert as_key(key) is key
    assert jnp.array_equal(as_key(np.asarray(jr.PRNGKey(3))), jr.PRNGKey(3))
    traced = jax.jit(lambda seed: jr.key_data(as_key(seed)))
    assert jnp.array_equal(traced(7), jr.key_data(jr.key(7)))


def test_the_largest_seeds_are_all_different():
    """Without x64, `jax.random.key` takes 2^32 for 0: what it cannot hold is refused."""
    words = [tuple(np.asarray(jr.key_data(as_key(seed)))) for seed in (0, 1, 2**31 - 1, 2**31, 2**32 - 1)]
    assert len(set(words)) == 5
    assert jnp.array_equal(jr.key_data(jr.key(2**32)), jr.key_data(jr.key(0)))


@pytest.mark.parametrize("key", BAD.values(), ids=BAD)
def test_anything_else_is_one_sentence(key):
    with pytest.raises(ValueError, match=r"^Got key .*expected a key, as jax.random.key\(seed\) makes it, or a whole"):
        as_key(key)


def test_every_entry_point_takes_both():
    def model(key):
        link = snn.Connection("in", "out", snn.FixedProb(0.5), weight=snn.Uniform(0.0, 1.0))
        cells = {"in": snn.SpikeSource(4), "out": snn.Population(snn.LIF(), 3)}
        return snn.network(dt=1.0, key=key, populations=cells, projections={"w": link})

    def result(key):
        net, drive, record = model(key), snn.Poisson(rate=300.0, into="in"), {"v": snn.Trace("out.v")}
        run = snn.simulate(net, drive, steps=20, key=key, record=record)
        batch = snn.Replay(jnp.ones((2, 20, 4)), into="in")
        loss = snn.CrossEntropy(snn.Count("out"))
        value, _ = snn.BPTT().value_and_grad(loss, net, batch, jnp.array([0, 1]), key=key)
        feedback = snn.feedback.RandomFeedback.start(net, key=key)
        start = net.init(key=key)
        return (
            run["v"],
            value,
            jax.tree.leaves(feedback),
            jax.tree.leaves(start),
            snn.encoders.RateCode(5)(jnp.ones(3), key=key),
        )

    for one, other in zip(jax.tree.leaves(result(jr.key(5))), jax.tree.leaves(result(np.int64(5))), strict=True):
        assert jnp.array_equal(one, other)
    with pytest.raises(ValueError, match="Got key = -1"):
        model(-1)


def test_a_sweep_takes_both():
    def experiment(point, key):
        return {"x": jr.uniform(key) + point["a"]}

    grid = snn.product({"a": snn.Axis(0.0, values=[1.0, 2.0]), "seed": snn.Seeds(2)})
    one, other = (snn.sweep(experiment, grid, key=key, progress=snn.progress.Quiet()) for key in (jr.key(9), 9))
    assert one.x.equals(other.x)


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_a_named_key_is_jaxs_own_derivation(impl):
    """In a program, in a batch and by itself; in fewer operations for the generator that is JAX's default."""
    key, crc = jax.random.key(7, impl=impl), np.uint32(zlib.crc32(b"E.init"))
    expected = jax.random.key_data(jax.random.fold_in(key, crc))
    of = lambda key: jax.random.key_data(_random.named_key(key, "E.init"))
    np.testing.assert_array_equal(of(key), expected)
    np.testing.assert_array_equal(jax.jit(of)(key), expected)
    np.testing.assert_array_equal(jax.vmap(of)(jnp.stack([key, key])), [expected, expected])
