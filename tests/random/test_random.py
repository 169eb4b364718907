"""The generator: published vectors, NumPy against JAX, no repeats, and every law by moments and chi-square.

Seeds are fixed, so a gate either always passes or never; 1e-3 is the level. Every gate is shown to fail on a wrong law.
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxsnn import _random

LEVEL = 1e-3
KEY = jax.random.key(20240607)


def ids(n):
    return jnp.arange(n, dtype=jnp.uint32)


def host_words(name, n):
    """The first words of so many ids, by NumPy alone."""
    return _random.words(_random.host_stream(KEY, name), 0, np.arange(n, dtype=np.uint32))[0]


def grid(function, steps, n):
    """All numbers of `steps` steps, shape (steps, n)."""
    return np.asarray(jax.jit(lambda: jax.lax.map(lambda t: function(t, ids(n)), jnp.arange(steps)))())


def chi_square(counts, probabilities):
    """p-value of observed counts; cells are pooled from the right until 10 are expected in each."""
    expected = np.asarray(probabilities) * counts.sum()
    observed, pooled = [0.0], [0.0]
    for o, e in zip(counts[::-1], expected[::-1], strict=True):
        if pooled[-1] >= 10:
            observed.append(0.0)
            pooled.append(0.0)
        observed[-1] += o
        pooled[-1] += e
    if pooled[-1] < 10 and len(pooled) > 1:
        observed[-2] += observed.pop()
        pooled[-2] += pooled.pop()
    observed, pooled = np.array(observed), np.array(pooled)
    return stats.chi2.sf(np.sum((observed - pooled) ** 2 / pooled), len(pooled) - 1)


# --- Threefry ---------------------------------------------------------------------------------------------------------

PI = (0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344)
ONES = (0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF)
ZEROS = (0, 0), (0, 0)
KNOWN = [  # kat_vectors of Random123: counter and key, rounds, output
    (ZEROS, 13, (0x9D1C5EC6, 0x8BD50731)),
    (ONES, 13, (0xFD36D048, 0x2D17272C)),
    (PI, 13, (0xBA3E4725, 0xF27D669E)),
    (ZEROS, 20, (0x6B200159, 0x99BA4EFE)),
    (ONES, 20, (0x1CB996FC, 0xBB002BE7)),
    (PI, 20, (0xC4923A9C, 0x483DF7A0)),
    (ZEROS, 32, (0xCEE3D47E, 0xA23DFD5C)),
    (ONES, 32, (0x6E2FE0D0, 0xB1B76F82)),
    (PI, 32, (0xE2827716, 0xC3C05CDF)),
]


@pytest.mark.parametrize("given, rounds, expected", KNOWN)
@pytest.mark.parametrize("word", [np.uint32, jnp.uint32])
def test_published_vectors(given, rounds, expected, word):
    counter, key = (tuple(word(x) for x in pair) for pair in given)
    assert tuple(int(x) for x in _random.threefry(key, counter, rounds)) == expected


def test_twenty_rounds_are_jax_own_threefry():
    data = np.asarray(jax.random.key_data(jax.random.key(5, impl="threefry2x32")))
    child = np.asarray(jax.random.key_data(jax.random.fold_in(jax.random.key(5, impl="threefry2x32"), 77)))
    assert np.array_equal(_random.threefry(tuple(data), (np.uint32(0), np.uint32(77)), 20), child)


def test_numpy_and_jax_agree_bit_for_bit():
    stream = _random.stream(KEY, "agree")
    for step in (0, 1, 123_456, 2**32 - 1):
        on_host = _random.words(np.asarray(stream), np.uint32(step), np.arange(10_000, dtype=np.uint32))
        traced = jax.jit(_random.words)(stream, jnp.uint32(step), ids(10_000))
        assert all(np.array_equal(a, b) for a, b in zip(on_host, traced, strict=True))
        on_host = _random.uniform(np.asarray(stream), np.uint32(step), np.arange(10_000, dtype=np.uint32))
        assert np.array_equal(on_host, jax.jit(_random.uniform)(stream, jnp.uint32(step), ids(10_000)))


def sorted_halves(words_of_step, steps, n=8):
    """How many of the steps share their sorted values with another one."""
    values = words_of_step(np.arange(steps, dtype=np.uint32)[:, None], np.arange(n, dtype=np.uint32)[None])
    values = np.sort(values, axis=1)
    return steps - len(np.unique(values, axis=0))


def test_no_two_steps_share_their_values():
    # Values of 8 ids are 256 bits: were steps ever permutations of one another, these would be too (ids 0..7 xor'ed).
    stream = np.asarray(_random.stream(KEY, "steps"))
    assert sorted_halves(lambda t, i: _random.words(stream, t, i)[0], 100_000) == 0
    # The counter (id, step) is mapped one to one: no pair of words comes twice in a million.
    one, two = _random.words(stream, np.arange(1000, dtype=np.uint32)[:, None], np.arange(1000, dtype=np.uint32)[None])
    assert np.unique(one.astype(np.uint64) << np.uint64(32) | two).size == 10**6
    # Negative control: a hash of id xor step repeats whole steps, permuted.
    assert sorted_halves(lambda t, i: _random.threefry(stream, ((t & 4095) ^ i, np.uint32(0)))[0], 10_000) > 1000


def test_streams_depend_on_every_key_and_name():
    keys = [jax.random.key(0), jax.random.key(1), jax.random.key(0, impl="rbg"), jax.random.key(1, impl="rbg")]
    streams = {tuple(np.asarray(_random.stream(key, name)).tolist()) for key in keys for name in ("a", "b", "ba")}
    assert len(streams) == 12
    assert np.array_equal(_random.stream(keys[0], "a"), _random.stream(jax.random.PRNGKey(0), "a"))
    assert np.array_equal(_random.stream(keys[2], "a"), jax.jit(lambda key: _random.stream(key, "a"))(keys[2]))
    with pytest.raises(ValueError, match="expected a key"):
        _random.stream(jax.random.split(keys[0]), "a")


def correlation_z(x, y):
    return abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) * np.sqrt(x.size)


def test_neighbours_steps_and_streams_are_independent():
    u = grid(lambda t, i: _random.uniform(_random.stream(KEY, "a"), t, i), 500, 500)
    v = grid(lambda t, i: _random.uniform(_random.stream(KEY, "b"), t, i), 500, 500)
    assert correlation_z(u[:, 1:], u[:, :-1]) < 4
    assert correlation_z(u[1:], u[:-1]) < 4
    assert correlation_z(u, v) < 4
    assert stats.chisquare(np.bincount((u * 256).astype(int).ravel())).pvalue > LEVEL
    assert correlation_z(u[:, 1:], u[:, :-1] * 0.02 + u[:, 1:] * 0.01) > 4  # negative control


# --- continuous and bounded -------------------------------------------------------------------------------------------


def test_uniform_and_normal():
    u = grid(lambda t, i: _random.uniform(_random.stream(KEY, "u"), t, i), 100, 2000).ravel()
    assert 0 <= u.min() and u.max() < 1 and stats.kstest(u, "uniform").pvalue > LEVEL
    z = grid(lambda t, i: _random.normal(_random.stream(KEY, "z"), t, i), 500, 2000).ravel()
    assert stats.kstest(z[:200_000], "norm").pvalue > LEVEL
    assert stats.kstest(1.02 * z[:200_000], "norm").pvalue < LEVEL  # negative control
    beyond, expected = np.sum(np.abs(z) > 4), z.size * 2 * stats.norm.sf(4)
    assert abs(beyond - expected) < 4 * np.sqrt(expected)


def test_normal_is_finite_at_the_ends(monkeypatch):
    ends = jnp.array([0, 1, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1], jnp.uint32)
    radial, angular = (x.ravel() for x in jnp.meshgrid(ends, ends))
    monkeypatch.setattr(_random.numbers, "words", lambda *_: (radial, angular))
    z = np.asarray(_random.normal(jnp.zeros(2, jnp.uint32), 0, radial))
    assert np.all(np.isfinite(z)) and 6.5 < np.abs(z).max() < 6.9


def test_below_is_the_high_half_of_the_product():
    rng = np.random.default_rng(0)
    word = np.concatenate([[0, 1, 2**32 - 1], rng.integers(0, 2**32, 10_000)]).astype(np.uint32)
    for n in (1, 2, 3, 65_535, 65_536, 10**9, 2**32 - 1):
        assert np.array_equal(_random.below(word, n), (word.astype(object) * n) >> 32)
        assert np.array_equal(jax.jit(_random.below)(word, jnp.uint32(n)), _random.below(word, n))


# --- permutations -----------------------------------------------------------------------------------------------------


def permutations(n, rows):
    row, index = jnp.meshgrid(ids(rows), ids(n), indexing="ij")
    return np.asarray(jax.jit(lambda s: _random.permute(s, row, index, n))(_random.stream(KEY, f"permute {n}")))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 16, 17, 99, 100, 101, 1000])
def test_every_row_is_a_permutation(n):
    assert np.array_equal(np.sort(permutations(n, 50), axis=1), np.tile(np.arange(n), (50, 1)))


def position_p(p):
    """Chi-square of where each element goes: (n - 1)^2 degrees of freedom."""
    rows, n = p.shape
    table = np.stack([np.bincount(p[:, i], minlength=n) for i in range(n)])
    return stats.chi2.sf(np.sum((table - rows / n) ** 2) / (rows / n), (n - 1) ** 2)


def pair_p(p, m):
    """Chi-square of which pairs are among the first m, through the variance of the number of rows that hold them."""
    rows, n = p.shape
    inside = np.zeros((rows, n))
    np.put_along_axis(inside, p[:, :m], 1.0, axis=1)
    both = (inside.T @ inside)[np.triu_indices(n, 1)]
    q = m * (m - 1) / (n * (n - 1))
    z2 = (both - rows * q) ** 2 / (rows * q * (1 - q))
    return np.max(z2), stats.chi2.isf(LEVEL / len(both), 1)


@pytest.mark.parametrize("n", [3, 5, 10, 12, 17, 30, 101])
def test_permutations_are_uniform(n):
    p = permutations(n, 30_000)
    assert position_p(p) > LEVEL
    worst, limit = pair_p(p, max(n // 2, 2)) if n > 3 else (0.0, 1.0)
    assert worst < limit
    # Negative control: a permutation that is only rotated.
    rotated = (np.arange(n)[None] + np.random.default_rng(0).integers(0, n, (30_000, 1))) % n
    assert n == 3 or pair_p(rotated, max(n // 2, 2))[0] > limit


@pytest.mark.parametrize("n, orders", [(3, 6), (4, 24), (5, 120)])
def test_all_orders_are_equally_likely(n, orders):
    p = permutations(n, 240_000)
    _, counts = np.unique(p @ n ** np.arange(n), return_counts=True)
    assert len(counts) == orders and stats.chisquare(counts).pvalue > LEVEL


# --- counts -----------------------------------------------------------------------------------------------------------

RATES = [1e-3, 0.1, 1.0, 4.0, 20.0, 50.0]


def poisson_p(counts, lam):
    k = np.arange(counts.max() + 2)
    probabilities = np.append(stats.poisson.pmf(k[:-1], lam), stats.poisson.sf(k[-1] - 1, lam))
    return chi_square(np.bincount(counts.ravel(), minlength=len(k)), probabilities)


@pytest.mark.parametrize("lam", RATES)
def test_poisson_counts(lam):
    table = _random.PoissonTable(lam)
    counts = grid(lambda t, i: _random.poisson(table, _random.stream(KEY, "poisson"), t, i), 500, 4000)
    assert counts.dtype == np.int32 and bool(table.valid)
    assert abs(counts.mean() - lam) < 4 * np.sqrt(lam / counts.size)
    assert abs(counts.var() - lam) < 4 * np.sqrt((lam + 2 * lam**2) / counts.size)
    assert poisson_p(counts, lam) > LEVEL
    assert poisson_p(counts, lam * (1 + 6 / np.sqrt(lam * counts.size))) < LEVEL  # negative control: six sigma off


@jax.jit
def counted(table, word):
    return table.thresholds(word)


@jax.jit
def counted_by_traced_tables(lam, word):
    """With the table of one mean, at once as well; of several means; of a batch of means: the counts of the first."""
    table = _random.PoissonTable(lam)
    several = _random.PoissonTable(jnp.stack([lam, 0.0 * lam, 0.0 * lam + 3.0]))
    batch = jax.vmap(_random.PoissonTable)(jnp.stack([lam, 0.0 * lam + 0.5]))
    of_several = jax.vmap(several.thresholds)(jnp.tile(word[:, None], 3))[:, 0]
    of_batch = jax.vmap(lambda table: table.thresholds(word))(batch)[0]
    return table, (table.thresholds.count(word), of_several, of_batch)


@pytest.mark.parametrize("lam", [0.0, 4.0, 80.0])
def test_poisson_traced_is_concrete(lam):
    word = host_words("traced", 30_000)
    counts = np.asarray(counted(_random.PoissonTable(lam), word))
    traced, others = counted_by_traced_tables(lam, word)
    for found in (counted(traced, word), *others):
        assert np.array_equal(counts, found)
    assert bool(traced.valid) and (lam > 0 or not counts.any())


@pytest.mark.parametrize("lam", RATES)
def test_poisson_thresholds_are_exact(lam):
    table = _random.PoissonTable(lam).thresholds
    survival = np.asarray(table.survival, np.int64) + 2**31
    k = int(table.first) + np.arange(len(survival))
    # Relative precision of the float type in the rare tail, on either side, plus the last bit of the integer.
    exact = stats.poisson.sf(k, lam), stats.poisson.cdf(k, lam)
    assert np.all(np.abs(survival - exact[0] * 2**32) < 1 + 1e-5 * np.minimum(*exact) * 2**32)
    assert stats.poisson.sf(k[-1] + 1, lam) < 2**-32


def test_poisson_domain():
    assert not bool(jax.jit(_random.PoissonTable)(81.0).valid)
    assert not bool(jax.jit(_random.PoissonTable)(-1.0).valid)
    assert not bool(jax.jit(_random.PoissonTable)(jnp.nan).valid)
    assert bool(jax.jit(lambda lam: _random.PoissonTable(lam, most=300.0))(250.0).valid)
    with pytest.raises(ValueError, match="expected finite numbers"):
        _random.PoissonTable(-0.5)
    with pytest.raises(ValueError, match="more than most"):
        _random.PoissonTable(5.0, most=4.0)


binomial = jax.jit(_random.binomial, static_argnums=(1, 3))


@pytest.mark.parametrize("n, p", [(1, 0.3), (10, 0.05), (10, 0.5), (50, 0.9), (1000, 0.1), (5000, 0.001)])
def test_binomial(n, p):
    word = host_words("binomial", 50_000)
    counts = np.asarray(binomial(word, n, jnp.asarray(p, jnp.float32), p))
    wider = np.asarray(binomial(word, n, jnp.asarray(p, jnp.float32), 1.0))
    assert np.array_equal(counts, wider) and counts.min() >= 0 and counts.max() <= n

    def fit(p):
        return chi_square(np.bincount(counts, minlength=n + 1), stats.binom.pmf(np.arange(n + 1), n, p))

    assert fit(p) > LEVEL
    assert fit(p + 6 * np.sqrt(p * (1 - p) / n / counts.size)) < LEVEL  # negative control
    for sure in (0.0, 1.0):
        assert np.all(np.asarray(binomial(word, n, jnp.float32(sure), 1.0)) == n * sure)


# --- where it runs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_exports_without_wide_types(platform):
    def everything(key, lam, t):
        stream = _random.stream(key, "export")
        counts = _random.poisson(_random.PoissonTable(lam), stream, t, ids(64))
        moved = _random.permute(stream, ids(64), ids(64) % 10, 10)
        return counts, moved, _random.normal(stream, t, ids(64)), _random.uniform(stream, t, ids(64))

    arguments = jax.random.PRNGKey(0), jnp.float32(2.0), jnp.int32(3)
    text = jax.export.export(jax.jit(everything), platforms=[platform])(*arguments).mlir_module()
    text = re.sub(r"dense<[^>]*> : tensor<[^>]*>", "", text)  # attributes are wide
    assert jax.config.jax_enable_x64 or not re.search("x(ui|i|f)64>", text)


def test_accelerators_do_not_branch_on_data():
    step = jax.jit(lambda table, key, t: _random.poisson(table, _random.stream(key, "export"), t, ids(64)))
    arguments = jax.jit(_random.PoissonTable)(2.0), jax.random.PRNGKey(0), jnp.int32(3)

    def branches(platform):
        return jax.export.export(step, platforms=[platform])(*arguments).mlir_module().count("stablehlo.case")

    assert branches("cuda") == branches("tpu") == branches("cpu") - 1  # the others choose the platform: constants


def test_wide_floats():
    stream = _random.stream(KEY, "wide")
    with jax.enable_x64(True):
        u = np.asarray(jax.jit(_random.uniform)(stream, 0, ids(1000)))
        assert u.dtype == np.float64 and np.any(u * 2**24 % 1)
        assert jax.eval_shape(_random.normal, stream, 0, ids(10)).dtype == np.float64
        counts = jax.eval_shape(lambda: _random.poisson(_random.PoissonTable(50.0), stream, 0, ids(10)))
        assert counts.dtype == np.int32
    assert np.allclose(u, jax.jit(_random.uniform)(stream, 0, ids(1000)), atol=2.0**-23)


@pytest.mark.parametrize("n", [1, 2, 3, 16, 17, 40, 1000, 2**20 + 7, 2**31])
def test_permutations_on_the_host_are_those_of_a_program(n):
    row = np.arange(500, dtype=np.uint32) // 7
    index = (np.arange(500, dtype=np.uint64) * (n // 500 + 1) % n).astype(np.uint32)
    host = _random.permute_on_host(_random.host_stream(KEY, "p"), row, index, n)
    assert np.array_equal(host, jax.jit(_random.permute, static_argnums=3)(_random.stream(KEY, "p"), row, index, n))
    assert n < 40 or not np.array_equal(host, _random.permute_on_host(_random.host_stream(KEY, "q"), row, index, n))


@pytest.mark.parametrize("p", [0.0, 1e-6, 0.02, 0.3, 0.5, 0.77, 1.0])
@pytest.mark.parametrize("n", [1, 30, 5000])
def test_binomial_counts_on_the_host_are_those_of_a_program(n, p):
    word = host_words("n", 4000)
    for most in (1.0, p):
        host = _random.binomial_on_host(word, n, p, most)
        assert np.array_equal(host, binomial(word, n, jnp.float32(p), most))
    assert n * p * (1 - p) < 1 or not np.array_equal(host, _random.binomial_on_host(word, n, 0.9 * p, most))
