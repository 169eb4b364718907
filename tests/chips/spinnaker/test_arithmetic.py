"""Products, quotients and exponentials of SpiNNaker's numbers against whole numbers of Python."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn.chips.spinnaker import arithmetic
from tests.oracles import spinnaker_core as oracle

RNG = np.random.default_rng(0)
ENDS = np.array([0, 1, -1, 2**31 - 1, -(2**31), 32767, 32768, -32768, 65535])
WORDS = np.concatenate([np.repeat(ENDS, ENDS.size), RNG.integers(-(2**31), 2**31, 20000)])
OTHERS = np.concatenate([np.tile(ENDS, ENDS.size), RNG.integers(-(2**31), 2**31, 20000)])
ints = lambda x: jnp.asarray(x, jnp.int32)
mismatches = lambda mine, theirs: int(np.sum(np.asarray(mine).astype(np.int64) != np.array([*theirs], np.int64)))


def test_products_floor_and_wrap():
    got = jax.jit(arithmetic.product)(ints(WORDS), ints(OTHERS))
    assert mismatches(got, map(oracle.times, WORDS, OTHERS)) == 0
    assert mismatches(got, map(oracle.to_nearest, WORDS, OTHERS)) > 9000  # control: rounding is not floor


def test_decays_floor():
    d = OTHERS % 2**32
    got = jax.jit(arithmetic.decayed)(ints(WORDS), jnp.asarray(d.astype(np.uint32)))
    assert mismatches(got, map(oracle.less, WORDS, d)) == 0


def test_quotients_floor_and_wrap():
    a = np.concatenate([[0, 2**31 - 1, 2**31 - 1], RNG.integers(0, 2**31, 5000)])
    b = np.concatenate([[1, 1, 2**31 - 1], np.exp(RNG.uniform(0, 21.4, 5000)).astype(int)])
    got = jax.jit(arithmetic.quotient)(ints(a), ints(b))
    assert mismatches(got, (oracle.wrapped((int(x) << 15) // int(y)) for x, y in zip(a, b, strict=True))) == 0


def test_exponentials_are_those_of_the_chip():
    """Of 345 001 arguments 887 are one unit off the floor of the exact one, as counted on the compiled code."""
    n = np.arange(-345_000, 1)
    mine = np.asarray(jax.jit(arithmetic.exp_accum)(ints(n)))
    off = np.abs(mine - np.floor(np.exp(n / 2**15) * 2**15))
    assert (int(np.sum(off > 0)), int(off.max())) == (887, 1)
    some = np.concatenate([n[::97], [-(2**31), -340_696, -340_695, 0, 1, 363_408, 363_409, 2**31 - 1]])
    accums, fracts = jax.jit(lambda x: (arithmetic.exp_accum(x), arithmetic.exp_fract(x)))(ints(some))
    assert mismatches(accums, (oracle.exp_accum(int(x)) for x in some)) == 0
    below = some <= 0
    assert mismatches(np.asarray(fracts)[below], (oracle.exp_fract(int(x)) for x in some[below])) == 0


def test_fracts_are_close_and_that_of_0_is_0():
    n = np.arange(-340_695, 0)
    mine = np.asarray(jax.jit(arithmetic.exp_fract)(ints(n))).astype(float)
    assert np.abs(mine - np.exp(n / 2**15) * 2**32).max() < 5295
    assert int(arithmetic.exp_fract(jnp.int32(0))) == 0


def test_numbers_of_the_host_round_to_even():
    assert np.asarray(arithmetic.accum([0.1, 2.0**-16, 3 * 2.0**-16, -65.0])).tolist() == [3277, 0, 2, -65 * 2**15]
