"""Integer arithmetic in 32 bits against Python's integers, which have no end."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn.chips.loihi.arithmetic import decay
from jaxsnn.lowering.formats import Fixed
from jaxsnn.lowering.integers import add, shift, wrap
from tests.refused import refused

ENDS = [0, 1, -1, 63, -64, 2**19, -(2**19), 2**23, 2**24 + 1, 2**31 - 1, -(2**31) + 1]


def numbers(seed, size=100_000):
    rng = np.random.default_rng(seed)
    of_all_sizes = rng.integers(-(2**31) + 1, 2**31, size) >> rng.integers(0, 31, size)
    return np.concatenate([of_all_sizes, ENDS]).astype(np.int64)


def test_decay_is_exact():
    """Where the plain product needs 43 bits; its control is the plain product."""
    x = numbers(0)
    d = np.random.default_rng(1).integers(0, 4097, x.size)
    d[:4] = 0, 1, 4095, 4096
    exact = np.sign(x) * ((np.abs(x) * (4096 - d)) >> 12)
    x32, d32 = jnp.asarray(x, jnp.int32), jnp.asarray(d, jnp.int32)
    np.testing.assert_array_equal(decay(x32, d32), exact)
    plain = jnp.sign(x32) * ((jnp.abs(x32) * (4096 - d32)) >> 12)
    assert np.mean(np.asarray(plain) != exact) > 0.1


def test_wrap_is_twos_complement_even_after_int32_has_wrapped():
    x, y = numbers(2), numbers(3)
    total = x + y
    with np.errstate(over="ignore"):
        got = wrap(jnp.asarray(x, jnp.int32) + jnp.asarray(y, jnp.int32), 23)
    np.testing.assert_array_equal(got, (total + 2**23) % 2**24 - 2**23)


def test_add_is_held_at_the_ends_and_says_so():
    x, y = numbers(4), numbers(5)
    kept, lost = add(jnp.asarray(x, jnp.int32), jnp.asarray(y, jnp.int32))
    exact = np.clip(x + y, -(2**31) + 1, 2**31 - 1)  # -2^31 has no magnitude in 32 bits
    np.testing.assert_array_equal(kept, exact)
    np.testing.assert_array_equal(lost, exact != x + y)
    assert 0 < np.mean(np.asarray(lost)) < 0.1


def test_shift_rounds_down():
    x = jnp.asarray([-5, -4, 5, 7], jnp.int32)
    np.testing.assert_array_equal(shift(x, jnp.int32(-1)), [-3, -2, 2, 3])
    np.testing.assert_array_equal(shift(x, jnp.int32(2)), [-20, -16, 20, 28])


def test_a_format_says_what_fits():
    form = Fixed(8, 6)
    m, clipped = form.nearest(jnp.asarray([0.5, -4.0, 3.99, 5.0, 1 / 128]))
    np.testing.assert_array_equal(m, [32, -256, 255, 255, 0])  # a tie goes to the even one
    np.testing.assert_array_equal(clipped, [False, False, False, True, False])
    assert not np.any(Fixed(4, signed=False).contains(jnp.asarray([-1, 16])))
    assert str(Fixed(8, 6)) == "signed 8 bits, 6 behind the point"


def test_a_register_takes_whole_numbers_only():
    with refused("0.5", "register", "whole numbers"):
        Fixed(0.5)


def test_powers_of_two_are_exact():
    """XLA's exp2 is not, which would round numbers of 31 bits to others."""
    form = jax.jit(lambda frac, x: Fixed(31, frac).nearest(x)[0])
    exact = [int(form(k, 65.0)) == 65 << k for k in range(24)]
    assert all(exact)
    back = jax.jit(lambda frac: Fixed(31, frac).value(jnp.int32(1)))
    assert [float(back(k)) for k in range(31)] == [2.0**-k for k in range(31)]
    assert [float(back(-k)) for k in range(31)] == [2.0**k for k in range(31)]
