"""NumPy in XLA's place gives its bits, operation by operation, or leaves the program to XLA."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxsnn._host.inexact import Inexact
from jaxsnn._host.steps import Steps
from jaxsnn._random.counts import PoissonTable

rng = np.random.default_rng(7)
whole = lambda: rng.integers(-50, 50, (3, 4)).astype(np.int32)
A, B = (rng.normal(size=(3, 4)).astype(np.float32) for _ in range(2))
GIVEN = {
    "A": A, "B": B, "P": A > 0, "I": whole(), "J": whole(), "AT": np.array([2, 0, 7, -1], np.int32),
    "U": rng.integers(0, 2**32, (3, 4), dtype=np.uint32), "BITS": np.arange(12, dtype=np.uint32).reshape(3, 4),
    "TINY": np.array([1e-40, -1e-40, 0.0, -0.0, 1e-38, 3e-38, 1.0, np.inf], np.float32),
    "NAN": np.array([np.nan, 1.0, -np.inf, 0.0, 2.0, np.nan, 3.0, 4.0], np.float32),
}  # fmt: skip

SAME = {
    "sums and products": lambda d: (
        d.A + d.B,
        d.A * d.B,
        d.A - d.B,
        d.A / jnp.where(d.B == 0, 1, d.B),
        -d.A,
        jnp.square(d.A),
    ),
    "whole numbers wrap": lambda d: (
        d.I * np.int32(2**30),
        d.U + d.U,
        d.U * d.U,
        d.I - d.J,
        -d.I,
        jnp.abs(d.I),
        jnp.sign(d.I),
    ),
    "whole divisions": lambda d: (lax.div(d.I, jnp.where(d.J == 0, 3, d.J)), lax.rem(d.I, jnp.where(d.J == 0, 3, d.J))),
    "denormal numbers": lambda d: (
        d.TINY * 2,
        d.TINY + d.TINY,
        d.TINY > 0,
        d.TINY == 0,
        d.TINY - 1e-38,
        jnp.maximum(d.TINY, 0.0),
    ),
    "comparisons": lambda d: (
        d.A < d.B,
        d.A >= d.B,
        d.NAN == d.NAN,
        d.NAN != d.TINY,
        jnp.minimum(d.NAN, d.TINY),
        jnp.isfinite(d.NAN),
    ),
    "roundings": lambda d: (jnp.floor(d.A * 9), jnp.ceil(d.A), jnp.floor(d.TINY)),
    "bits": lambda d: (
        d.U & d.BITS,
        d.U | d.BITS,
        d.U ^ d.BITS,
        ~d.U,
        d.U << d.BITS,
        d.U >> d.BITS,
        d.I >> d.BITS.astype(np.int32),
        ~d.P,
    ),
    "fixed shifts": lambda d: (d.U << np.uint32(7), d.U >> np.uint32(25), d.I >> np.int32(3), d.I << np.int32(3)),
    "choices": lambda d: (
        jnp.where(d.P, d.A, d.B),
        jnp.where(d.P[0, 0], d.I, d.J),
        lax.select_n(d.P, d.I, d.J),
        jnp.clip(d.A, -0.5, 0.5),
    ),
    "types": lambda d: (
        d.A.astype(jnp.int32),
        d.I.astype(jnp.float32),
        d.U.astype(jnp.float32),
        d.P.astype(jnp.int32),
        d.A != 0,
    ),
    "bits of types": lambda d: (lax.bitcast_convert_type(d.A, jnp.int32), lax.bitcast_convert_type(d.U, jnp.float32)),
    "shapes": lambda d: (
        d.A.T,
        d.A.reshape(2, 6),
        d.A[None],
        d.A[:, ::-1],
        d.A[1:, ::2],
        jnp.pad(d.A, 2),
        jnp.squeeze(d.A[:1], 0),
    ),
    "padding between": lambda d: lax.pad(d.A, np.float32(9), [(1, 2, 1), (0, 0, 2)]),
    "joins": lambda d: (
        jnp.concatenate([d.A, d.B]),
        jnp.stack([d.A, d.B], 1),
        *jnp.split(d.A, [1, 3], 1),
        jnp.tile(d.A, (2, 1)),
    ),
    "counting": lambda d: (jnp.arange(7) + d.AT[0], lax.broadcasted_iota(jnp.int32, (3, 4), 1) + d.I),
    "reductions": lambda d: (
        d.P.all(0),
        d.P.any(),
        d.I.sum(1),
        d.U.sum(),
        d.I.max(),
        d.A.min(0),
        d.NAN.max(),
        d.I.argmax(1),
        d.P.sum(0),
    ),
    "running": lambda d: (jnp.cumsum(d.I, 1), lax.cumsum(d.U, 0, reverse=True), lax.cummax(d.I, 1), lax.cummin(d.J, 0)),
    "slices at": lambda d: (
        lax.dynamic_slice(d.A, d.AT[1:3], (2, 2)),
        lax.dynamic_update_slice(d.A, d.B[:2, :2], d.AT[:2]),
    ),
    "reading at": lambda d: (
        d.A[d.AT[:2], 1],
        d.I[d.AT[:2]],
        d.A[:, d.AT[:2]],
        d.A.at[d.AT].get(mode="fill"),
        d.I.at[d.AT].get(mode="clip"),
    ),
    "reading outside": lambda d: (
        d.A.at[d.AT].get(mode="fill", fill_value=-1),
        d.I.at[d.AT].get(mode="fill"),
        d.U.at[d.AT, d.AT].get(mode="fill"),
        d.I[d.AT[2]],
    ),
    "writing at": lambda d: (
        d.A.at[d.AT].set(d.B[:1], mode="drop"),
        d.I.at[d.AT[:2]].add(d.J[:2]),
        d.I.at[d.AT[1:3], d.AT[0]].max(99),
    ),
    "writing often": lambda d: (d.I.at[d.BITS[0] // 2].add(d.J[d.BITS[0] % 3]), d.A.at[d.BITS[0, :2] * 0].set(d.B[:2])),
    "a sum written": lambda d: (
        d.A.at[1:3].add(d.B[:2]),
        d.A.at[1].set(0.0),
        d.I.at[:, 2].add(1),
        d.I.at[d.AT].add(5, mode="drop"),
    ),
    "order": lambda d: (jnp.sort(d.I, 1), jnp.argsort(d.I[0]), lax.sort((d.I[0], d.J[0], d.U[0]), num_keys=2)),
    "bit counts": lambda d: lax.population_count(d.U),
    "complex": lambda d: (
        lax.complex(d.A, d.B),
        jnp.real(lax.complex(d.A, d.B)),
        jnp.imag(lax.complex(d.A, d.B))[::-1],
    ),
    "loops": lambda d: (
        lax.scan(lambda s, x: (s * x, s), d.A[0], d.B),
        lax.scan(lambda s, x: (s + x, x), 0, d.I[:, 0], reverse=True),
        lax.fori_loop(0, d.AT[0] + 5, lambda i, s: s + i, 0),
        lax.while_loop(lambda s: s < 100, lambda s: 2 * s, d.I[0, 0] ** 2 + 1),
    ),
    "branches": lambda d: (
        lax.cond(d.P[0, 0], lambda: d.A, lambda: d.B),
        lax.switch(d.AT[2], [lambda: d.I, lambda: d.J]),
    ),
    "keys": lambda d: (jax.random.key_data(jax.random.wrap_key_data(d.U[0, :2])), jax.random.wrap_key_data(d.U[0, :2])),
    "nothing": lambda d: (d.I[:0].sum(0), jnp.zeros((0, 3), jnp.int32)[d.I[:0, 0]]),
}

REFUSED = {
    "a sum of products": lambda d: d.A * d.B + d.A,
    "a product of products": lambda d: d.A * d.B * d.A,
    "a product, moved, and a sum": lambda d: (d.A * d.B)[::-1] + d.A,
    "a product, chosen, and a sum": lambda d: jnp.where(d.P, d.A * d.B, 0.0) - d.A,
    "a shared divisor": lambda d: d.A / d.B[0, 0],
    "a constant divisor": lambda d: d.A / 3.0,
    "a transcendental function": lambda d: jnp.exp(d.A),
    "a root": lambda d: jnp.sqrt(jnp.abs(d.A)),
    "a sum over an axis": lambda d: d.A.sum(0),
    "a running sum": lambda d: jnp.cumsum(d.A, 0),
    "sums at repeated places": lambda d: d.A.at[d.AT].add(d.B[0, 0]),
    "a loop of one turn": lambda d: lax.scan(lambda s, x: (s * x, s), d.A[0], d.B[:1])[0] + d.A[0],
    "random numbers": lambda d: jax.random.uniform(jax.random.wrap_key_data(d.U[0, :2])),
    "half precision": lambda d: d.A.astype(jnp.float16),
}


def of_arrays(function):
    """The function of the arrays of `GIVEN`, so that nothing of them is known when it is traced."""
    return lambda given: jax.tree.leaves(function(SimpleNamespace(**given)))


def by_numpy(function, *given):
    return Steps(jax.make_jaxpr(function)(*given))(jax.tree.leaves(jax.device_put(given)))


def bits(x):
    x = jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x
    return x.shape, x.dtype, np.asarray(x).tobytes()


@pytest.fixture(scope="module")
def compiled():
    """What one program gives of all operations."""
    every = {name: of_arrays(function) for name, function in SAME.items()}
    return jax.jit(lambda given: {name: function(given) for name, function in every.items()})(GIVEN)


@pytest.mark.parametrize("name", SAME)
def test_numpy_has_the_bits_of_a_compiled_program(name, compiled):
    assert [*map(bits, by_numpy(of_arrays(SAME[name]), GIVEN))] == [*map(bits, compiled[name])]


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_compiler_may_round_otherwise_is_refused(name):
    with pytest.raises(Inexact):
        by_numpy(of_arrays(REFUSED[name]), GIVEN)


def test_a_product_and_a_sum_are_one_operation_of_xla():
    """Negative control: what is refused has other bits."""
    x = rng.normal(size=(2, 4096)).astype(np.float32)
    fused, root = jax.jit(lambda x: (x[0] * x[1] - x[0], jnp.exp(x[0])))(x)
    assert not np.array_equal(fused, x[0] * x[1] - x[0]) and not np.array_equal(root, np.exp(x[0]))


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (lambda x: x.astype(jnp.int32), [np.array([np.nan, 3e9], np.float32)]),
        (lax.shift_left, [np.uint32([1, 2]), np.uint32([3, 32])]),
        (lax.div, [np.int32([5, 6]), np.int32([1, 0])]),
        (lambda x, at: x.at[at].get(mode="promise_in_bounds"), [A, np.int32([9, 0])]),
    ],
)  # fmt: skip
def test_numbers_that_processors_treat_differently_are_refused(function, given):
    with pytest.raises(Inexact):
        by_numpy(function, *given)


def test_tables_of_poisson_counts():
    """Their authors keep operations apart, so that NumPy may run them as they are."""
    rates = np.concatenate([[0.0, 1e-30, 0.5, 79.9, 80.0], rng.gamma(0.5, 20.0, 20).clip(0, 80)]).astype(np.float32)
    table = lambda rate: jax.tree.leaves(PoissonTable(rate, 80.0))
    steps = Steps(jax.make_jaxpr(table)(rates[0]))
    expected = jax.jit(lambda rates: lax.map(table, rates))(rates)
    for i, rate in enumerate(rates):
        assert [*map(bits, steps([jnp.asarray(rate)]))] == [bits(x[i]) for x in expected]
