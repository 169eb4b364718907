"""A new neuron is twelve lines in one class: `QIF` of the registry, which all the laws hold for, in a network."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.laws.registry import DT, NEURONS, QIF

STEPS = 600


def test_twelve_lines():
    """Without blank lines and the docstring."""
    lines = [line for line in inspect.getsource(QIF).splitlines() if line.strip() and '"""' not in line]
    assert len(lines) <= 12
    assert isinstance(NEURONS["QIF"](1.0), QIF)


@pytest.mark.parametrize("order", [snn.NestOrder(), snn.BrianOrder()], ids=["nest", "brian2"])
def test_it_runs_in_a_network(order, x64):
    """Five neurons at different drives, each exciting its neighbour: spikes and voltages of a NumPy loop."""
    n, tau, weight, delay = 5, 4.0, 6.0, 7
    drive = np.array([4.0, 2.0, 1.0, -0.5, -2.0])
    net = snn.network(
        dt=DT,
        key=jax.random.key(0),
        populations={"Q": snn.Population(QIF(tau=tau), n, init={"v": np.linspace(-1.0, 1.0, n)})},
        projections={
            "QQ": snn.Connection(
                "Q", "Q", snn.FromArrays(np.arange(n), (np.arange(n) + 1) % n), weight=weight, delay=delay * DT
            )
        },
        order=order,
    )
    record = {"v": snn.Trace("Q.v"), "spikes": snn.Raster("Q")}
    run = snn.simulate(net, snn.StepCurrent(drive, into="Q"), steps=STEPS, key=jax.random.key(0), record=record)

    v, spikes, heard = np.linspace(-1.0, 1.0, n), np.zeros((STEPS, n), bool), np.zeros((STEPS + delay, n))
    for k in range(STEPS):
        v = v + DT / tau * (v * v + drive)
        if isinstance(order, snn.NestOrder):
            v = v + heard[k]
            spikes[k] = v >= 10.0
        else:
            spikes[k] = v >= 10.0
            v = v + heard[k]
        v = np.where(spikes[k], -10.0, v)
        heard[k + delay] = weight * np.roll(spikes[k], 1)
        np.testing.assert_allclose(run["v"][k], v, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(run["spikes"].dense(), spikes)
    assert spikes[:, 0].sum() > 5 and spikes[:, 3].sum() > 0  # the fourth fires only because the third does


def test_it_is_swept_and_differentiated():
    """One program for many time constants, and a gradient through its spikes, for nothing more than those lines."""

    def spikes(tau):
        net = snn.network(dt=DT, key=jax.random.key(0), populations={"Q": snn.Population(QIF(tau=tau), 1)})
        return snn.simulate(
            net, snn.StepCurrent(3.0, into="Q"), steps=STEPS, key=jax.random.key(0), record=snn.Count("Q")
        ).record[0]

    counts, slopes = jax.jit(jax.vmap(jax.value_and_grad(spikes)))(jnp.array([2.0, 4.0, 8.0]))
    assert counts[0] > counts[1] > counts[2] > 0
    assert jnp.all(jnp.isfinite(slopes)) and jnp.all(slopes != 0)
