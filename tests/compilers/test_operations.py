"""Every operation on numbers means in C what it means in XLA, at the edges too."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxsnn import _bits
from tests.compilers.both import assert_equal, both

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 1e-30, -1e-30, 100.0, -100.0, 1e30, math.inf, -math.inf, math.nan]
WHOLE = [0, 1, -1, 2, 7, -7, 31, 32, 33, 63, 64, 2**31 - 1, -(2**31)]


def pairs(values, dtype):
    """Every value beside every other."""
    a = np.asarray(values).astype(dtype)
    return jnp.asarray(np.repeat(a, len(a))), jnp.asarray(np.tile(a, len(a)))


def rows(function, carried):
    """`function(carried)` as the row of one step, of XLA and of C."""
    (_, ours), (_, native) = both(lambda c, t: (c, function(*c)), carried, n=1)
    return ours, native


EXACT = {
    "add": lax.add, "sub": lax.sub, "mul": lax.mul, "max": lax.max, "min": lax.min, "lt": lax.lt, "le": lax.le,
    "gt": lax.gt, "ge": lax.ge, "eq": lax.eq, "ne": lax.ne,
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint32", "int8"])
def test_pairs_of_numbers(dtype):
    a, b = pairs(EDGES if dtype == "float32" else WHOLE, dtype)

    def every(a, b):
        out = {name: function(a, b) for name, function in EXACT.items()}
        out |= {"abs": abs(a), "sign": lax.sign(a), "neg": -a, "clamp": lax.clamp(a, b, a)}
        out |= {"bool": a.astype(bool), "where": jnp.where(a > b, a, b)}
        if dtype == "float32":
            out |= {"floor": jnp.floor(a), "ceil": jnp.ceil(a), "even": jnp.round(a), "sqrt": jnp.sqrt(a)}
            out |= {"away": lax.round(a, lax.RoundingMethod.AWAY_FROM_ZERO), "finite": lax.is_finite(a), "div": a / b}
            out |= {"int32": a.astype(jnp.int32), "uint32": a.astype(jnp.uint32), "int8": a.astype(jnp.int8)}
            out |= {"bits": lax.bitcast_convert_type(a, jnp.int32), "rem": lax.rem(a, b)}
            return out
        out |= {"div": lax.div(a, b), "rem": lax.rem(a, b), "and": a & b, "or": a | b, "xor": a ^ b, "not": ~a}
        out |= {"left": lax.shift_left(a, b), "right": lax.shift_right_logical(a, b), "clz": lax.clz(a)}
        out |= {"signed": lax.shift_right_arithmetic(a, b), "ones": lax.population_count(a)}
        return out | {"float32": a.astype(jnp.float32), "int16": a.astype(jnp.int16), "uint8": a.astype(jnp.uint8)}

    ours, native = rows(every, (a, b))
    for name in ours:
        np.testing.assert_array_equal(ours[name], native[name], err_msg=name)
        assert ours[name].dtype == native[name].dtype


FUNCTIONS = {
    "exp": (jnp.exp, np.exp), "expm1": (jnp.expm1, np.expm1), "log": (jnp.log, np.log),
    "log1p": (jnp.log1p, np.log1p), "tanh": (jnp.tanh, np.tanh), "sin": (jnp.sin, np.sin), "cos": (jnp.cos, np.cos),
    "logistic": (jax.nn.sigmoid, lambda x: 1 / (1 + np.exp(-x))), "rsqrt": (lax.rsqrt, lambda x: 1 / np.sqrt(x)),
    "cube": (lambda x: x**3, lambda x: x**3), "power": (lambda x: jnp.abs(x) ** 1.5, lambda x: np.abs(x) ** 1.5),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"], indirect=True)
def test_functions_are_as_exact_as_their_type(dtype):
    """Within a few units in the last place of NumPy's result in a wider type, from the smallest to the largest."""
    few = np.concatenate(
        [EDGES, np.linspace(-90.0, 90.0, 1001), np.linspace(-1.0, 1.0, 501), np.geomspace(1e-37, 1, 99)]
    )
    x = few.astype(dtype)
    _, native = rows(lambda x: {name: own(x) for name, (own, _) in FUNCTIONS.items()}, (jnp.asarray(x),))
    with np.errstate(all="ignore"):
        for name, (_, exact) in FUNCTIONS.items():
            wanted = exact(x.astype(np.longdouble)).astype(dtype)
            got, normal = np.asarray(native[name])[0], np.abs(wanted) >= np.finfo(dtype).tiny
            finite = np.isfinite(wanted)
            np.testing.assert_array_equal(got[~finite], wanted[~finite], err_msg=name)
            some = finite & normal
            error = np.abs(got[some].astype(np.longdouble) - wanted[some]) / np.spacing(np.abs(wanted[some]))
            assert error.max() <= 4, (name, x[some][error.argmax()], error.max())
            assert np.all(np.abs(got[finite & ~normal]) <= 2 * np.finfo(dtype).tiny), name


def test_axes_of_size_one_are_repeated():
    """An operation may repeat an axis of one of its operands: rows beside columns."""
    a, b = jnp.arange(5.0), jnp.arange(7.0)
    ours, native = rows(lambda a, b: (a[:, None] <= b[None], a[None, :, None] * b[:, None, None]), (a, b))
    assert_equal(ours, native)
    assert not np.asarray(native[0]).all() and np.asarray(native[0]).any()


def test_shapes_and_places():
    """Slices, transposes, joins, gathers and scatters, inside and outside of the array."""

    def every(m, x, i):
        at = jnp.array([0, 5, -1, 99, -99]) + i
        return {
            "transpose": m.T, "flip": m[::-1, ::2], "reshape": m.reshape(4, 6).T.reshape(-1), "roll": jnp.roll(x, 3),
            "join": jnp.concatenate([x, 2 * x, m[0]]), "wide": jnp.concatenate([m, m + 1], axis=1),
            "stack": jnp.stack([x, -x], axis=1), "pad": jnp.pad(m, ((1, 2), (0, 3)), constant_values=7.0),
            "take": x[at], "rows": m[at], "fill": x.at[at].get(mode="fill", fill_value=-1.0),
            "clip": m.at[at, 1].get(mode="clip"), "slice": lax.dynamic_slice(m, (i, i), (2, 3)),
            "late": lax.dynamic_slice(m, (i + 9, -i - 9), (2, 3)), "row": m[i], "one": m[i, 2],
            "add": x.at[at].add(2.0, mode="drop"), "set": m.at[at].set(9.0), "twice": x.at[jnp.array([1, 1])].add(1.0),
            "most": x.at[at].max(3.0), "put": lax.dynamic_update_slice(m, jnp.ones((2, 2)), (i, i + 9)),
            "iota": lax.broadcasted_iota(jnp.int32, (3, 4), 1), "split": jnp.split(x, 2)[1],
        }  # fmt: skip

    m, x = jnp.arange(24.0).reshape(4, 6), jnp.arange(8.0)
    ours, native = rows(every, (m, x, jnp.int32(1)))
    for name in ours:
        np.testing.assert_array_equal(ours[name], native[name], err_msg=name)


def test_sums_and_products():
    def every(m, x):
        return {
            "sum": m.sum(), "rows": m.sum(1), "columns": m.sum(0), "most": m.max(1), "least": m.min(0),
            "some": (m > 3).any(1), "all": (m > 3).all(), "product": x.prod(), "first": jnp.argmax(m, 1),
            "last": jnp.argmin(m), "true": jnp.argmax(x > 2), "running": jnp.cumsum(x), "dot": x @ x,
            "back": lax.cummax(x, reverse=True), "vector": m @ m[0], "matrix": m @ m.T,
            "batch": jnp.einsum("bij,bjk->bik", m[None], m.T[None]),
        }  # fmt: skip

    rng = np.random.default_rng(0)
    m, x = jnp.asarray(rng.integers(-9, 9, (4, 6)), jnp.float32), jnp.asarray(rng.integers(-4, 4, 8), jnp.float32)
    ours, native = rows(every, (m, x))
    for name in ours:  # sums of small whole numbers are exact in any order
        np.testing.assert_array_equal(ours[name], native[name], err_msg=name)
    nan, _ = rows(lambda x: (jnp.argmax(x), jnp.argmin(x), x.max()), (jnp.asarray([1.0, math.nan, 3.0]),))
    assert nan[0] == nan[1] == 1 and np.isnan(nan[2])


def test_random_bits_of_jax_keys():
    def every(key, t):
        a, b, c = jax.random.split(jax.random.fold_in(jax.random.wrap_key_data(key), t), 3)
        return key, (jax.random.uniform(a, (7,)), jax.random.bits(b, (3, 5)), jax.random.key_data(jax.random.split(c)))

    (_, ours), (_, native) = both(every, jax.random.key_data(jax.random.key(5)))
    assert_equal(ours, native)
    assert len(np.unique(ours[0])) == ours[0].size  # they depend on the step


def test_bits_of_rows():
    """Words along the last axis, also where it is not whole words; another row has other words."""
    flags = jax.random.bernoulli(jax.random.key(1), 0.3, (2, 3, 77))
    ours, native = rows(lambda x: (_bits.pack(flags & (x[0] > 0)), _bits.pack(flags[0])), (jnp.ones(1),))
    assert_equal(ours, native)
    assert native[0].shape[-3:] == (2, 3, 3) and len(np.unique(np.asarray(native[0])[0].reshape(6, 3), axis=0)) == 6


def test_names_of_users_mean_nothing():
    """Functions of their own that are called as ours are: what they compute is what counts, with any derivative."""

    @jax.jit
    def pack(x):
        return x * 2.0

    @jax.jit
    def zero_after(x):
        return x + 1.0

    @jax.custom_vjp
    def own(x):
        return x - 0.5

    own.defvjp(lambda x: (own(x), None), lambda _, ct: (ct,))
    odd = lambda x: x.at[jnp.array([1, 9])].get(mode="fill", fill_value=jnp.inf)
    every = lambda x: (pack(x), zero_after(x), own(x), jax.checkpoint(jnp.square)(x), odd(x))
    ours, native = rows(every, (jnp.arange(4.0),))
    assert_equal(ours, native)
    assert np.any(native[1])
