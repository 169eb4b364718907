"""Distributions: the law, the same bits however a draw is run, policies at the bounds, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxsnn import _normals
from jaxsnn._host import by_numpy
from jaxsnn.distributions import Clip, LogNormal, Normal, Redraw, Uniform, draw

KEY = jax.random.key(7)
N = 100_000
LEVEL = 1e-3
LAWS = [
    (Uniform(0.3, 7.7), stats.uniform(0.3, 7.4)),
    (Normal(1.3, 0.7), stats.norm(1.3, 0.7)),
    (Normal(1.3, 0.7, 0.1, 2.0), stats.truncnorm(-1.2 / 0.7, 0.7 / 0.7, 1.3, 0.7)),
    (Normal(0.0, 1.0, lo=2.0), stats.truncnorm(2.0, np.inf)),
    (LogNormal(0.1, 0.9), stats.lognorm(0.9, scale=np.exp(0.1))),
]


@pytest.mark.parametrize("law, expected", LAWS)
def test_law(law, expected):
    x = np.asarray(law.sample(KEY, (N,)), float)
    assert stats.kstest(x, expected.cdf).pvalue > LEVEL
    assert stats.kstest(x + 0.02 * expected.std(), expected.cdf).pvalue < LEVEL  # negative control


@pytest.mark.parametrize("law", [law for law, _ in LAWS] + [Normal(1.3, 0.7, 0.1, 2.0, Clip())])
def test_same_bits_however_it_is_run(law):
    eager = np.asarray(law.sample(KEY, (N,)))
    keys = jax.random.wrap_key_data(jnp.stack([jax.random.key_data(key) for key in (jax.random.key(1), KEY)]))
    runs = {
        "traced": jax.jit(lambda key, law: law.sample(key, (N,)))(KEY, law),
        "constant": jax.jit(lambda key: law.sample(key, (N,)))(KEY),
        "used": jax.jit(lambda key, law: law.sample(key, (N,)) * 4.0)(KEY, law) / 4.0,
        "vmap": jax.jit(jax.vmap(lambda key: law.sample(key, (N,))))(keys)[1],
        "map": jax.jit(lambda keys: jax.lax.map(lambda key: law.sample(key, (N,)), keys))(keys)[1],
        "shaped": law.sample(KEY, (N // 100, 100)).ravel(),
        "by NumPy": by_numpy(lambda key, law: law.sample(key, (N,)))(KEY, law),
    }
    assert [name for name, run in runs.items() if not np.array_equal(eager, run)] == []


@pytest.mark.parametrize("outside", [Redraw(), Clip()])
def test_known_draws_are_made_block_by_block(monkeypatch, outside):
    """Wherever blocks end, with parameters of each number's own, and in one of a few programs."""
    mean = np.linspace(-1.0, 1.0, 3000, dtype=np.float32)
    law = Normal(mean, 0.7, -0.5, 2.0, outside)
    whole = np.asarray(law.sample(KEY, (3000,)))
    assert np.array_equal(whole, jax.jit(lambda key, law: law.sample(key, (3000,)))(KEY, law))
    monkeypatch.setattr(_normals, "_BLOCK", 512)
    assert np.array_equal(law.sample(KEY, (3000,)), whole)
    before = _normals.standard._cache_size()
    for n in range(300, 500, 10):
        assert np.array_equal(Normal(0.2, 0.7, -0.5, 2.0, outside).sample(KEY, (n,))[:300], _first(outside))
    assert _normals.standard._cache_size() <= before + 2


def _first(outside):
    return np.asarray(Normal(0.2, 0.7, -0.5, 2.0, outside).sample(KEY, (1000,)))[:300]


def test_policies():
    clipped = np.asarray(Normal(1.0, 1.0, 0.0, 1.5, Clip()).sample(KEY, (N,)))
    share = np.mean(clipped == 0.0), np.mean(clipped == 1.5)
    assert np.allclose(share, (stats.norm.cdf(-1), stats.norm.sf(0.5)), atol=5 * 0.5 / np.sqrt(N))
    redrawn = np.asarray(Normal(1.0, 1.0, 0.0, 1.5, Redraw()).sample(KEY, (N,)))
    assert redrawn.min() > 0.0 and redrawn.max() < 1.5
    assert np.mean(redrawn) != pytest.approx(np.mean(clipped), abs=0.02)


def test_parameters_are_leaves():
    def mean(law):
        return jnp.mean(law.sample(KEY, (1000,)))

    for law in (Uniform(0.0, 2.0), Normal(1.0, 0.5, 0.0, 2.0)):
        gradient = jax.tree.leaves(jax.grad(mean)(law))
        assert all(np.isfinite(leaf) for leaf in gradient)
        assert any(abs(leaf) > 0.1 for leaf in gradient)
    wide = Uniform(np.zeros(3), np.arange(1.0, 4.0)).sample(KEY, (1000, 3))
    assert np.allclose(wide.max(axis=0), [1, 2, 3], rtol=0.02)


def test_bounds():
    assert Uniform(0.5, 3.0).bounds() == (0.5, 3.0)
    assert Normal(1.0, 1.0, 0.0, 2.0).bounds() == (0.0, 2.0)
    assert Normal(1.0, 1.0, lo=0.0).bounds() is None and LogNormal(0.0, 1.0).bounds() is None
    seen = []
    jax.jit(lambda lo: seen.append(Uniform(lo, 9.0).bounds()))(1.0)
    jax.jit(lambda lo: seen.append(Uniform(1.0, 9.0).bounds()))(1.0)
    assert seen == [None, (1.0, 9.0)]


def test_draw():
    assert draw(3, KEY, (5,)).shape == () and draw(3, KEY, (5,)).dtype == jnp.result_type(float)
    assert draw([1.0, 2.0], KEY, (3, 2)).shape == (3, 2)
    assert np.array_equal(draw(Uniform(0.0, 1.0), KEY, (4,)), Uniform(0.0, 1.0).sample(KEY, (4,)))
    assert draw(lambda key, shape: jax.random.normal(key, shape), jax.random.key(1), (4,)).shape == (4,)
    assert draw(lambda key: jax.random.normal(key), jax.random.key(2), (4,)).shape == ()
    with pytest.raises(ValueError, match=r"shape \(3,\).*broadcasts to \(5,\)"):
        draw(np.zeros(3), KEY, (5,))
    with pytest.raises(ValueError, match="numeric field"):
        draw("three", KEY, (5,))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Uniform(2.0, 1.0), "lo <= hi"),
        (lambda: Uniform(0.0, np.nan), "hi=nan"),
        (lambda: Normal(0.0, -1.0), "sd=-1"),
        (lambda: Normal(np.nan, 1.0), "mean=nan"),
        (lambda: Normal(0.0, 1.0, 2.0, 1.0), "lo <= hi"),
        (lambda: Normal(0.0, 1.0, lo=9.0), "one draw in a thousand"),
        (lambda: LogNormal(0.0, -0.1), "sigma=-0.1"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(ValueError, match=message):  # plain numbers are checked under jit as well
        jax.jit(lambda: make().sample(KEY, (3,)))()
