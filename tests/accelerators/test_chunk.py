"""A chunk of steps as one kernel, interpreted, against `simulate`: spike for spike, and the state behind them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from experiments.bench.ahead.chunk import Size, chunk
from jaxsnn import _random
from jaxsnn._bits import unpack
from jaxsnn.models import Forward
from jaxsnn.simulation.drives.base import Silence
from jaxsnn.simulation.parts import started

STEPS, KEY = 120, jax.random.key(5)
SIZES = {"E": 150, "I": 50}
CURRENTS = {"exc": snn.Exponential(5.0), "inh": snn.Exponential(10.0)}
CONDUCTANCES = {
    "exc": snn.Conductance(tau=5.0, e_rev=0.0),
    "inh": snn.Conductance(tau=10.0, e_rev=-80.0),
}
JUMPS = {"exc": snn.Delta(), "inh": snn.Delta()}
NETWORKS = {  # order, ports, weights, delay
    "currents": (snn.NestOrder(), CURRENTS, (3.0, -9.0), 0.3),
    "noise": (snn.BrianOrder(), CURRENTS, (3.0, -9.0), 0.0),
    "conductances": (snn.BrianOrder(), CONDUCTANCES, (0.1, 0.2), 0.2),
    "jumps": (snn.NestOrder(), JUMPS, (0.4, -0.3), snn.Uniform(0.1, 1.5)),
}


def network(name, seed=0, *, late=0.0, scale=1.0):
    order, ports, (exc, inh), delay = NETWORKS[name]
    cell = snn.LIF(tau=10.0, v_rest=-42.0, v_th=-50.0, v_reset=-60.0, t_ref=1.0, noise=1.0 if name == "noise" else None)
    delay = delay if isinstance(delay, snn.Uniform) else delay + late
    start = {"v": snn.Uniform(-60.0, -50.0)}
    return snn.network(
        dt=0.1,
        order=order,
        key=jax.random.key(seed),
        populations={p: snn.Population(cell, n, ports=ports, init=start) for p, n in SIZES.items()},
        projections={
            f"{pre}{post}": snn.Connection(pre, f"{post}.{port}", snn.FixedInDegree(20), weight=w, delay=delay)
            for pre, port, w in (("E", "exc", exc * scale), ("I", "inh", inh))
            for post in SIZES
        },
    )


@eqx.filter_jit
def kernel(stepper, state, t):
    key = _random.named_key(KEY, "step")  # as `simulate` derives it
    return chunk(stepper, state, t, STEPS, key=key, size=Size(tile=256), interpret=True)


def by_kernel(net, begin):
    """State and spikes of `STEPS` steps behind `begin`."""
    state, words = kernel(net.prepare(Forward(fused=False)), begin.model, begin.t)
    return state, {p: np.asarray(unpack(x, SIZES[p])) for p, x in words.items()}


def by_steps(net, begin, drive=None):
    run = snn.simulate(net, drive, steps=STEPS, key=KEY, state=begin, record={p: snn.Raster(p) for p in SIZES})
    return run.state.model, {p: np.asarray(run[p]) for p in SIZES}


def same(a, b):
    """Spikes exactly; state and ring to a part in 10^5 of their size."""
    for p in SIZES:
        np.testing.assert_array_equal(a[1][p], b[1][p])
    for x, y in zip(jax.tree.leaves(a[0]), jax.tree.leaves(b[0]), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5)


def begun(net):
    return started(net, Silence(), KEY)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_chunk_is_its_steps(name):
    """Two populations, currents, conductances, jumps and noise, both orders, common delays and one for each synapse."""
    net = network(name)
    found, expected = by_kernel(net, begun(net)), by_steps(net, begun(net))
    assert min(np.count_nonzero(x) for x in expected[1].values()) > 3
    same(found, expected)
    stronger = by_kernel(network(name, scale=1.5), begun(net))  # control
    with pytest.raises(AssertionError):
        same(stronger, expected)


def test_a_batch_has_networks_and_inputs_of_its_own():
    """Two instances with graphs, states and inputs of their own in one kernel; a delay of one step more is seen."""
    nets, rng = [network("currents", seed) for seed in range(2)], np.random.default_rng(3)
    raster = (rng.random((2, STEPS, SIZES["E"])) < 0.01).astype(np.float32)
    begin = [begun(net) for net in nets]
    steppers = [net.prepare(Forward(fused=False)) for net in nets]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *zip(steppers, (b.model for b in begin)))
    of_one = lambda given, fed: chunk(*given, begin[0].t, STEPS, {"E.exc": fed}, size=Size(tile=512), interpret=True)
    states, words = jax.jit(jax.vmap(of_one))(stacked, 5.0 * raster)
    for k, net in enumerate(nets):
        drive = snn.Replay(raster[k], into="E.exc", weight=5.0)
        expected = by_steps(net, begin[k], drive)
        mine = {p: np.asarray(unpack(x[k], SIZES[p])) for p, x in words.items()}
        same((jax.tree.map(lambda x, k=k: x[k], states), mine), expected)
        assert np.any(by_steps(net, begin[k])[1]["E"] != mine["E"])  # control: without the input
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(by_kernel(network("currents", late=0.1), begin[0])[1]["E"], mine["E"])


def test_what_a_chunk_is_not_made_of():
    net = snn.network(
        dt=0.1,
        key=KEY,
        populations={"E": snn.Population(snn.LIF(noise=1.0), 10)},
        projections={"EE": snn.Connection("E", "E", snn.FixedInDegree(2), weight=1.0, delay=1.0)},
    )
    stepper, state = net.prepare(Forward(fused=False)), net.init(key=KEY)
    with pytest.raises(ValueError, match="with noise, without a key; a chunk is made of one list"):
        chunk(stepper, state, jnp.int32(0), STEPS)
