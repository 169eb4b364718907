"""Sums over a run: the error is bounded after 10^8 steps, in the compiled program and with its derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn import _sums

TERMS = np.float32([-65.0, 1.0, 0.1, 1e-3])
MANY = 100_000_000


def repeated(x, start, n):
    """`n` terms `x` on top of `start`, in one compiled loop."""
    add = lambda i, total: _sums.plus(total, x)
    return jax.jit(lambda x, start: _sums.value(jax.lax.fori_loop(0, n, add, start)))(x, start)


def naive(x, start, n):
    return jax.jit(lambda x, start: jax.lax.fori_loop(0, n, lambda i, total: total + x, start))(x, start)


def test_the_last_of_a_hundred_million_terms_still_count():
    """The total starts where 10^8 - 10^5 terms have left it, exactly, as a sum of two numbers."""
    late = 100_000
    before = TERMS.astype(np.float64) * (MANY - late)
    high = before.astype(np.float32)
    start = jax.lax.complex(jnp.asarray(high), jnp.asarray((before - high).astype(np.float32)))
    right = TERMS.astype(np.float64) * MANY
    np.testing.assert_allclose(repeated(TERMS, start, late), right, rtol=1.2e-7)
    standing = naive(TERMS, jnp.asarray(high), late)  # negative control: a plain sum does not move any more
    assert np.all(np.abs(standing / right - 1.0) > 1e-4)


def test_from_the_first_term_on():
    n = 2_000_000
    found = repeated(TERMS, _sums.nothing(TERMS.shape, TERMS.dtype), n)
    np.testing.assert_allclose(found, TERMS.astype(np.float64) * n, rtol=1.2e-7)
    off = naive(TERMS, jnp.zeros_like(TERMS), n) / (TERMS.astype(np.float64) * n) - 1.0
    assert np.max(np.abs(off)) > 1e-3  # negative control


def test_terms_of_both_signs():
    x = np.random.default_rng(0).normal(0, 1, 10_000).astype(np.float32)
    x = np.concatenate([1e6 * x[:3], x, -1e6 * x[:3]])
    total, _ = jax.jit(lambda x: jax.lax.scan(lambda s, x: (_sums.plus(s, x), None), _sums.nothing((), x.dtype), x))(x)
    assert (
        abs(float(np.asarray(total).real) + float(np.asarray(total).imag) - x.astype(np.float64).sum())
        < 5e-7 * np.abs(x).sum()
    )


def test_its_derivative_is_that_of_a_sum():
    def total(x):
        s, _ = jax.lax.scan(lambda s, x: (_sums.plus(s, x * x), None), _sums.nothing((), x.dtype), x)
        return _sums.value(s)

    x = np.linspace(0.1, 3.0, 50, dtype=np.float32)
    assert np.array_equal(jax.jit(jax.grad(total))(x), 2 * x)
    assert np.array_equal(jax.jit(jax.grad(jax.checkpoint(total)))(x), 2 * x)
    forward = jax.jit(lambda x: jax.jvp(total, (x,), (jnp.ones_like(x),))[1])(x)
    assert forward == pytest.approx(float(np.sum(2 * x)), rel=1e-6)


def test_what_is_not_finite_stays_so():
    def total(terms):
        s, _ = jax.lax.scan(lambda s, x: (_sums.plus(s, x), None), _sums.nothing((4,), terms.dtype), terms)
        return _sums.value(s)

    bad = np.float32([np.inf, -np.inf, np.nan, 0.0])
    assert np.isnan(jax.jit(total)(np.stack([np.ones_like(bad), bad, np.ones_like(bad)]))).tolist() == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("length", [1, 32, 33, 5000])
def test_sums_of_arrays(length):
    x = np.random.default_rng(length).random((3, length)).astype(np.float32)
    for given in (x, jnp.asarray(x)):
        found = (_sums.over if given is x else jax.jit(_sums.over, static_argnums=1))(given, 1)
        assert isinstance(found, type(given))
        np.testing.assert_allclose(found, x.astype(np.float64).sum(1), rtol=1e-6)


class Held(snn.simulation.AbstractModel, snn.simulation.AbstractStepper):
    """Always the same: amplitudes of three neurons, and a variable."""

    dt: float = 0.1

    def init(self, *, key):
        return ()

    def prepare(self, plan=None):
        return self

    def step(self, state, inputs, t, *, key):
        return state, snn.simulation.Signals({"E": jnp.array([1.0, 0.1, 0.0])}, self.view(state))

    def view(self, state):
        return {"E": {"v": jnp.array([-65.0, 0.1, 1e-3])}}

    @property
    def sizes(self):
        return {"E": 3}

    def port(self, path):
        raise ValueError(path)


MANY_STEPS = 20_000_000  # more than 2^24, where a plain sum of ones stands still
SPIKES, VALUES = np.float32([1.0, 0.1, 0.0]).astype(float), np.float32([-65.0, 0.1, 1e-3]).astype(float)
FOLDS = {
    "Mean": (snn.Mean("E.v"), VALUES),
    "Sum": (snn.probes.Sum("E.v"), VALUES * MANY_STEPS),
    "Count": (snn.Count("E"), SPIKES * MANY_STEPS),
    "FiringRate": (snn.FiringRate("E"), SPIKES / 1e-4),
    "FirstSpike": (snn.FirstSpike("E"), np.array([0.1, 1.0, (MANY_STEPS + 1) * 0.1])),
}


@pytest.mark.parametrize("name", FOLDS)
def test_probes_do_not_drift(name):
    probe, right = FOLDS[name]
    signals = Held().step((), None, 0, key=None)[1]

    @jax.jit
    def folded():
        carry = probe.init(Held(), MANY_STEPS, jnp.int32(0))
        one = lambda t, carry: probe.step(carry, signals, t)[0]
        chunk = lambda i, carry: probe.emit(jax.lax.fori_loop(1000 * i, 1000 * (i + 1), one, carry), None, Held())[0]
        carry = jax.lax.fori_loop(0, MANY_STEPS // 1000, chunk, carry)
        return probe.finish(carry, None, Held())

    found = np.asarray(folded())
    graded = name in ("Count", "FiringRate", "FirstSpike")  # within a chunk added plainly
    np.testing.assert_allclose(found[[0, 2]], right[[0, 2]], rtol=3e-7)
    np.testing.assert_allclose(found[1], right[1], rtol=2e-5 if graded else 3e-7)
    plain = jax.jit(lambda x: jax.lax.fori_loop(0, MANY_STEPS, lambda t, total: total + x, x))(jnp.ones(3))
    assert np.all(plain == 2.0**24)  # negative control


def test_the_agreement_of_rasters_counts_beyond_single_precision():
    many = np.ones((2**19, 33), bool)  # 1.03 * 2^24 spikes
    found = jax.jit(lambda a: snn.lowering.spike_agreement(a, a, within=0))(jnp.asarray(many))
    assert found.rates[0] == found.rates[1] == found.coincidence == 1.0


@pytest.mark.parametrize("xp", [np, jnp])
def test_sums_over_no_columns(xp):
    """As of a chunk that is shorter than a bin of `PopulationRate`, which has no bins to sum."""
    assert _sums.over(xp.zeros((100, 0))).shape == (0,) and _sums.over(xp.zeros((0, 100)), axis=1).shape == (0,)
    np.testing.assert_array_equal(_sums.over(xp.ones((100, 2))), [100.0, 100.0])


def test_a_chunk_that_is_shorter_than_a_bin():
    net = snn.network(dt=0.1, key=0, populations={"E": snn.Population(snn.LIF(bias=20.0, v_th=10.0), 5)})
    rate = lambda key: snn.simulate(net, steps=249, chunk=50, key=key, record=snn.PopulationRate("E", 10.0)).record
    key = jax.random.key(0)
    np.testing.assert_array_equal(jax.jit(rate)(key), rate(key))
