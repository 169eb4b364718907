"""Encoders against what they say, batched or not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

X = np.array([[0.0, 0.004, 0.5, 1.0], [0.25, 0.75, 0.1, 0.9]], np.float32)


@pytest.mark.parametrize("shape", [(4,), (2, 4), (3, 2, 4)])
def test_shapes(shape):
    """(..., n) becomes (..., steps, n), and a batch is its examples."""
    x = jnp.full(shape, 0.5)
    for code in (snn.encoders.DirectCode(7), snn.encoders.RateCode(7), snn.encoders.LatencyCode(7)):
        assert code(x, key=jax.random.key(0)).shape == (*shape[:-1], 7, 4)
    assert snn.encoders.PopulationCode(5)(x).shape == (*shape[:-1], 20)
    signal = jnp.zeros((*shape[:-1], 7, 4))
    assert snn.encoders.DeltaCode()(signal).shape == signal.shape
    for code in (snn.encoders.DirectCode(7), snn.encoders.LatencyCode(7)):
        np.testing.assert_array_equal(code(X), np.stack([code(x) for x in X]))


def test_direct_current():
    np.testing.assert_array_equal(snn.encoders.DirectCode(3)(X[0]), np.tile(X[0], (3, 1)))


def test_rate():
    """Spikes with the probability of the number, within four standard errors; other keys, other spikes."""
    steps = 4000
    spikes = snn.encoders.RateCode(steps, most=0.5)(X, key=jax.random.key(0))
    assert set(np.unique(spikes)) == {0.0, 1.0}
    p = 0.5 * X
    assert np.all(np.abs(spikes.mean(axis=1) - p) <= 4.0 * np.sqrt(p * (1 - p) / steps))
    assert np.any(spikes != snn.encoders.RateCode(steps, most=0.5)(X, key=jax.random.key(1)))


def test_latency():
    """One spike, the sooner the larger; below threshold none."""
    spikes = np.asarray(snn.encoders.LatencyCode(11)(X))
    np.testing.assert_array_equal(spikes.sum(axis=1), X >= 0.01)
    when = spikes.argmax(axis=1)
    np.testing.assert_array_equal(when[0, 2:], [5, 0])
    np.testing.assert_array_equal(when[1], np.round((1 - X[1]) * 10))


def test_delta():
    """A spike whenever the signal has moved by the threshold since the last one, and its sign."""
    signal = np.array([0.0, 0.05, 0.12, 0.2, 0.21, 0.0, -0.01, -0.3], np.float32)[:, None]
    np.testing.assert_array_equal(snn.encoders.DeltaCode(0.1)(signal)[:, 0], [0, 0, 1, 0, 0, -1, 0, -1])


def test_population():
    """The neuron whose centre is nearest is the most active; at its centre it is 1."""
    code = snn.encoders.PopulationCode(5, lo=-1.0, hi=1.0, width=0.5)
    x = np.array([-1.0, -0.4, 0.5], np.float32)
    activity = np.asarray(code(x)).reshape(3, 5)
    np.testing.assert_array_equal(activity.argmax(axis=1), [0, 1, 3])
    centres = np.linspace(-1.0, 1.0, 5)
    np.testing.assert_allclose(activity, np.exp(-0.5 * ((x[:, None] - centres) / 0.25) ** 2), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: snn.encoders.RateCode(5)(X), "RateCode draws spikes; give it a key"),
        (lambda: snn.encoders.LatencyCode(5)(X * 16), "LatencyCode got numbers outside 0 .. 1; scale them"),
        (lambda: snn.encoders.DeltaCode(0.0), "DeltaCode.threshold is 0.0 signal; expected more than 0"),
        (lambda: snn.encoders.PopulationCode(1), "PopulationCode.n is 1, expected two or more"),
    ],
)
def test_errors(make, says):
    with pytest.raises(ValueError, match=says):
        make()
