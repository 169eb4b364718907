"""The same steps compiled by XLA and by C."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn.compilers import XLA, C

NATIVE = C(required=True)
PLAIN = C(required=True, flags=("-O1",))  # where the program is large, the C compiler takes a third of the time


def steps(compiler, one, carried, n=5, first=3):
    return jax.jit(lambda carried: compiler.steps(one, carried, jnp.int32(first), n))(carried)


def both(one, carried, n=5):
    """What is carried, and the rows: of XLA and of C."""
    return steps(XLA(), one, carried, n), steps(NATIVE, one, carried, n)


def assert_equal(a, b, tolerance=0.0):
    """Whole numbers are the same; floats differ by `tolerance` of the largest number of the array, and in no NaN."""
    a, b = jax.tree.leaves(a), jax.tree.leaves(b)
    assert len(a) == len(b)
    for x, y in zip(map(np.asarray, a), map(np.asarray, b), strict=True):
        assert x.dtype == y.dtype and x.shape == y.shape
        if x.dtype.kind in "fc" and tolerance:
            np.testing.assert_array_equal(np.isfinite(x), np.isfinite(y))
            some = np.isfinite(x)
            np.testing.assert_array_equal(x[~some], y[~some])
            scale = np.abs(x[some]).max(initial=0.0)
            assert np.all(np.abs(x[some] - y[some]) <= tolerance * scale), (x, y)
        else:
            np.testing.assert_array_equal(x, y)
