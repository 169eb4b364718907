"""A port's right-hand side is the derivative of its `advance` at a step of no length: for every registered port."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.networks.joint import derivative
from tests.laws.registry import PORTS


@pytest.mark.parametrize("name", PORTS)
def test_right_hand_side(name, x64):
    """Against a difference over 1e-6 ms, after two arrivals; the current is that of the instant."""
    port, v = PORTS[name](1.0), jnp.array([0.3, -0.7])
    s = port.init((2,), float)
    for _ in range(2):
        s, _ = port.advance(s, v, 0.1, None)
        s, _ = port.receive(s, jnp.array([1.5, 2.5]))
    rate, current = derivative(port, s, v)
    h = 1e-6
    later, part = port.advance(s, v, h, None)
    difference = jax.tree.map(lambda a, b: (b - a) / h, s, later)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), rate, difference)
    if part is not None:
        total = part.a if part.b is None else part.a + part.b * v
        np.testing.assert_allclose(current, total, rtol=1e-5, atol=1e-7)


def test_unless_refractory_stands_still(x64):
    """A flagged port keeps its state while its neuron is held, under an integrator that takes ports along."""
    port = snn.UnlessRefractory(snn.Conductance(5.0))
    for wrapped, decays in ((port, False), (port.port, True)):
        cell = snn.CobaLIF(t_ref=2.0)
        population = snn.Population(cell, 1, ports={"in": wrapped}, init={"v": -60.0, "in.g": 3.0})
        s = population.start(jax.random.key(0))
        s = s._replace(neuron=s.neuron._replace(r=jnp.array([5], jnp.int32)))
        after = population.advance(s, None, 0.1, jnp.int32(0), stream=None)
        assert float(after.neuron.v[0]) == -60.0
        assert (float(after.ports["in"].g[0]) < 3.0) is decays
