"""A conductance has no sign: negative weights into it are refused when built, and reported where they are traced."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.refused import refused

KEY = jax.random.key(0)
PORTS = {
    "Conductance": lambda: snn.Conductance(5.0),
    "DualConductance": lambda: snn.DualConductance(1.0, 5.0),
    "NMDA": lambda: snn.NMDA(),
    "UnlessRefractory": lambda: snn.UnlessRefractory(snn.Conductance(5.0)),
}
CURRENTS = {
    "Exponential": snn.Exponential,
    "Alpha": snn.Alpha,
    "DualExponential": snn.DualExponential,
    "Delta": snn.Delta,
}


def build(port, weight=0.1, **link):
    cell = snn.LIF(tau=20.0, v_rest=-60.0, v_reset=-60.0, v_th=-50.0)
    link = {"topology": snn.AllToAll(), "weight": weight, "delay": 1.0, **link}
    return snn.network(
        dt=0.1,
        key=KEY,
        populations={"a": snn.SpikeSource(3), "b": snn.Population(cell, 2, ports={"exc": port})},
        projections={"p": snn.Connection("a", "b", **link)},
    )


@pytest.mark.parametrize("port", PORTS)
def test_weights(port):
    make = PORTS[port]
    for weight in (-0.05, snn.Normal(0.0, 1.0), np.array([[0.1, 0.2], [0.1, -0.2], [0.0, 0.0]])):
        with refused("Projection 'p' has negative weights, down to -", f"into b.exc, a {port}", "positive weight"):
            build(make(), weight, via=snn.Dense())
    net = build(make(), snn.Normal(1.0, 0.1, lo=0.0))
    with refused("Projection 'p' has negative weights, down to -1"):
        snn.set(net, "p.weight", -1.0)


@pytest.mark.parametrize("port", CURRENTS)
def test_currents_have_signs(port):
    """Control: the same weights into currents and jumps."""
    build(CURRENTS[port](), -0.05)


def test_only_synapses_count():
    """Numbers of a matrix where there is no synapse are nobody's."""
    few = snn.FromArrays([0, 1], [0, 1])
    build(snn.Conductance(5.0), snn.Normal(1.0, 0.1, lo=0.0), topology=few, via=snn.Dense())


def test_drives():
    net = build(snn.Conductance(5.0))
    ones = jnp.ones((5, 2))
    for drive in (
        snn.Poisson(100.0, weight=-1.0, into="b"),
        snn.drives.Silence() + snn.Poisson(100.0, weight=[1.0, -1.0], into="b"),
        snn.Replay(-ones, into="b"),
        snn.Replay(ones, into="b", weight=-1.0),
    ):
        with refused("feeds negative amplitudes into 'b'", "low e_rev"):
            snn.simulate(net, drive, steps=10, key=KEY)


def test_traced_and_running():
    """A weight, a drive and a graded spike that turn out negative: a bit with a remedy, and none for positive ones."""

    @jax.jit
    @jax.vmap
    def status(weight, fed, sent):
        drive = snn.Poisson(2000.0, weight=fed, into="b") + snn.Replay(sent * jnp.ones((30, 3)), into="a")
        return snn.simulate(build(snn.Conductance(5.0), weight), drive, steps=30, key=KEY).status

    good, *bad = status(*jnp.array([[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [1.0, 1.0, -1.0]]).T)
    assert good == 0
    assert all(x & snn.Status.NEGATIVE_WEIGHT for x in bad)
