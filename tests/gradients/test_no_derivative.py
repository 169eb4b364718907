"""What has no derivative says so wherever JAX takes one; a gradient of zero would be that of another model."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

KEY, STEPS, LOIHI = jax.random.key(0), 20, snn.chips.loihi.Loihi1()
ADAPTIVE = snn.AdEx(integrator=snn.integrators.RKF45())
DETACHED = snn.LIF(reset_mechanism=snn.resets.ToValue(detach=True))  # as in `relax`


def network(cell: snn.neurons.AbstractNeuron = DETACHED):
    links = {"in-out": snn.Connection("in", "out", snn.AllToAll(), via=snn.Dense(), weight=0.2, delay=1.0)}
    populations = {"in": snn.SpikeSource(3), "out": snn.Population(cell, 2)}
    return snn.network(dt=1.0, key=KEY, populations=populations, projections=links)


def last(model, scale):
    """The membrane at the end of a run whose inputs are `scale` spikes."""
    drive = snn.Replay(scale * jnp.ones((STEPS, 3)), into="in")
    run = snn.simulate(model, drive, steps=STEPS, key=KEY, record=snn.Last("out.v"), throw=False)
    return jnp.sum(run.record.astype(jnp.float32))


@functools.cache
def model(kind):
    net = network(ADAPTIVE if kind == "steps by the error" else DETACHED)
    return {
        "a program": lambda: snn.lower(net, LOIHI).program,
        "divided": lambda: snn.networks.sharded(net),
        "steps by the error": lambda: net,
        "a network": lambda: net,
        "relaxed": lambda: snn.lowering.relax(snn.lower(net, LOIHI).program),
    }[kind]()


WAYS = {
    "grad": jax.grad,
    "grad of jit": lambda f: jax.grad(jax.jit(f)),
    "jit of grad": lambda f: jax.jit(jax.grad(f)),
    "forward": jax.jacfwd,
    "vmap": lambda f: lambda x: jax.vmap(jax.grad(f))(jnp.array([x, x]))[0],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "kind, remedy",
    [("a program", "train relax"), ("divided", "differentiate net itself"), ("steps by the error", "use RK4")],
)
def test_a_run_refuses(kind, remedy, way):
    what = model(kind)
    with pytest.raises(ValueError, match=f"No derivative: .*{remedy}"):
        WAYS[way](lambda x: last(what, x))(1.0)


def test_what_has_a_derivative_has_one():
    """The control: the same run of the network itself; and relaxed, where its inputs round as straight-through does."""
    net, relaxed = model("a network"), model("relaxed")
    slope = jax.jit(jax.grad(lambda x: last(net, x)))(1.0)
    ours = jax.jit(jax.grad(lambda x: last(relaxed, x)))(1.0)
    assert slope > 1.0
    np.testing.assert_allclose(ours / relaxed.base.scale["out"], slope, rtol=1e-3)


def test_what_needs_none_is_let_through():
    """A number that goes through `stop_gradient`, or that is not differentiated, beside one that is."""
    program = model("a program")
    value = last(program, 1.0)
    assert value != 0
    assert jax.jit(jax.grad(lambda x: last(program, jax.lax.stop_gradient(x)) * x))(1.0) == value
    assert jax.jit(jax.grad(lambda x, y: last(program, y) * x))(2.0, 1.0) == value


def test_lowering_refuses():
    """A traced network can be lowered; its rounded weights have no derivative."""

    def stored(w):
        net = snn.set(network(), "in-out.weight", w * jnp.ones((3, 2)))
        return jnp.sum(snn.get(snn.lower(net, LOIHI).program, "in-out.weight").astype(jnp.float32))

    assert jax.jit(stored)(0.2) != 0
    with pytest.raises(ValueError, match=r"No derivative: a Program .*train relax"):
        jax.grad(stored)(0.2)
    assert jax.grad(lambda w: stored(jax.lax.stop_gradient(w)) + w)(0.2) == 1.0  # control
