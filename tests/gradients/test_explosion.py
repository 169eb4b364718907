"""Gradients of a recurrent network in balance: what explodes with a surrogate made for few steps, and what does not."""

import jax
import jax.numpy as jnp

import jaxsnn as snn


def balanced(*, height):
    """A small one of the README's: a membrane is within reach of its threshold for some 200 steps between spikes."""

    def cell(n):
        surrogate = snn.surrogates.Scaled(snn.surrogates.FastSigmoid(), height)
        neuron = snn.LIF(tau=20.0, v_th=20.0, v_reset=10.0, t_ref=2.0, surrogate=surrogate)
        return snn.Population(neuron, n, init={"v": snn.Uniform(0.0, 20.0)})

    def link(pre, post, in_degree, weight):
        return snn.Connection(pre, post, snn.FixedInDegree(in_degree), weight=weight, delay=1.5)

    return snn.network(
        dt=0.1,
        key=jax.random.key(0),
        populations={"E": cell(80), "I": cell(20)},
        projections={
            "EE": link("E", "E", 50, 1.0),
            "EI": link("E", "I", 50, 1.0),
            "IE": link("I", "E", 12, -6.0),
            "II": link("I", "I", 12, -6.0),
        },
    )


def test_a_height_for_the_number_of_steps_keeps_gradients_finite():
    """With respect to `tau`, over 60 ms; the control, a height of 1, grows without bound, and says so where it ends."""

    @jax.jit
    def slope(height):
        def rate(tau):
            net = balanced(height=height)
            net = snn.set(snn.set(net, "E.neuron.tau", tau), "I.neuron.tau", tau)
            drive = snn.Poisson(3_000.0, 0.5, into=("E", "I"))
            run = snn.simulate(net, drive, t=60.0, key=jax.random.key(1), record=snn.FiringRate("E"), throw=False)
            return jnp.mean(run.record)

        return jax.value_and_grad(rate)(jnp.float32(20.0))

    (rate, calm), (same, steep) = slope(jnp.float32(0.01)), slope(jnp.float32(1.0))
    assert rate == same > 5.0
    assert 0.0 < abs(calm) < 5.0
    assert not abs(steep) < 1e3
