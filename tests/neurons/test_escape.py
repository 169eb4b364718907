"""`EscapeLIF`: how often it fires at a given distance from threshold, when it fires next, and what its gradient is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

DT, KEY, N, STEPS = 0.5, jax.random.key(5), 400, 2000
HAZARDS = {
    "exponential": (lambda: snn.neurons.ExponentialHazard(0.02, 2.0), lambda u: 0.02 * np.exp(u / 2.0)),
    "sigmoid": (lambda: snn.neurons.SigmoidHazard(0.1, 2.0), lambda u: 0.1 / (1.0 + np.exp(-u / 2.0))),
}


def trains(hazard, u, **choices):
    """Spikes of N neurons whose membranes stay `u` from threshold."""
    cell = snn.EscapeLIF(
        v_rest=u, v_th=0.0, v_reset=-99.0, reset_mechanism=snn.resets.NoReset(), hazard=hazard, **choices
    )
    net = snn.network(dt=DT, key=KEY, populations={"P": snn.Population(cell, N)})
    return np.asarray(snn.simulate(net, steps=STEPS, key=KEY, record=snn.Raster("P")).record.dense())


@pytest.mark.parametrize("u", [-3.0, 0.0, 2.0])
@pytest.mark.parametrize("name", HAZARDS)
def test_probability_of_a_step(name, u):
    """`1 - exp(-h dt)` within four binomial standard errors; that of a membrane 0.5 mV higher is not."""
    make, h = HAZARDS[name]
    spikes = trains(make(), u)
    p, wrong = (1.0 - np.exp(-DT * h(x)) for x in (u, u + 0.5))
    error = np.sqrt(p * (1.0 - p) / spikes.size)
    assert abs(spikes.mean() - p) < 4.0 * error < abs(spikes.mean() - wrong)


def test_intervals_are_geometric_after_the_refractory_period():
    """With `R` held steps the interval is `R + 1` steps and a geometric wait: mean, and share of the shortest."""
    spikes = trains(snn.neurons.ExponentialHazard(0.1, 1.0), 1.0, t_ref=2.0)
    p, held = 1.0 - np.exp(-DT * 0.1 * np.e), 4
    intervals = np.concatenate([np.diff(np.flatnonzero(train)) for train in spikes.T])
    count = len(intervals)
    assert intervals.min() == held + 1
    assert abs(intervals.mean() - (held + 1 / p)) < 4.0 * np.sqrt((1.0 - p) / p**2 / count)
    assert abs(np.mean(intervals == held + 1) - p) < 4.0 * np.sqrt(p * (1.0 - p) / count)


def test_gradient_is_that_of_the_probability(x64):
    """`d spike / dv = dp/dv`, whether it fired or not, and the gradient of a mean count is that of its expectation."""
    cell = snn.EscapeLIF(v_th=0.0, v_reset=-1.0, hazard=snn.neurons.ExponentialHazard(0.3, 2.0))
    s = cell.advance(cell.init((2,), float), snn.synapses.Current(jnp.zeros(2)), DT, noise=jnp.array([0.01, 0.99]))

    def spike(v):
        return cell.spike(s._replace(v=v))

    v = jnp.array([-0.5, -0.5])
    fired, slope = jax.jvp(spike, (v,), (jnp.ones(2),))
    h = 0.3 * np.exp(-0.25)
    np.testing.assert_array_equal(fired, [1.0, 0.0])
    np.testing.assert_allclose(slope, np.exp(-h * DT) * DT * h / 2.0, rtol=1e-12)


def test_its_noise_is_the_hazard():
    with pytest.raises(ValueError, match=r"EscapeLIF\.noise"):
        snn.EscapeLIF(noise=1.0)
