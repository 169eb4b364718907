"""Law (k): every model lowers for CPU, CUDA and TPU, and an accelerator's program is one that it can run well.

That is: no 64-bit types, nothing that calls back to the host or into a library, and no large array as a constant.
One export holds the programs of all platforms: where they differ, it branches on the platform.
"""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.laws.registry import DT, NEURONS, PORTS, RELEASES, N

PLATFORMS = ("cpu", "cuda", "tpu")
KEY = jax.random.key(0)
KERNEL = "__gpu$xla.gpu.triton"  # what our kernels for GPUs are: a program in the text, and no library


def text(function, *args):
    """The program of `function(*args)` for all platforms, as StableHLO. A callback to the host cannot be exported."""
    own = [jax.export.DisabledSafetyCheck.custom_call(KERNEL)]
    return jax.export.export(jax.jit(function), platforms=PLATFORMS, disabled_checks=own)(*args).mlir_module()


def faults(text):
    """What an accelerator's program must not have."""
    text = re.sub(r"<\{.*?\}>", "", text)  # attributes of an operation are no data
    literals = [len(m) for m in re.findall(r"dense<([^>]*)>", text)]  # a hexadecimal digit is half a byte
    return [
        *(["64-bit types"] if re.search(r"[<x](ui|i|f)64>", text) else []),
        *(call for call in re.findall(r"custom_call @[\w$.]+", text) if not call.endswith(KERNEL)),
        *([f"a constant of {max(literals) // 2} bytes"] if max(literals, default=0) > 20_000 else []),
    ]


def check(function, *args):
    assert faults(text(function, *args)) == []


def check_a_step(populations):
    """One step of a network of these populations, whose numbers are arguments."""

    def step(net, state, t, key):
        return net.prepare().step(state, snn.simulation.Inputs(), t, key=key)[0]

    net = snn.network(dt=DT, key=KEY, populations=populations)
    check(step, net, jax.eval_shape(lambda: net.init(key=KEY)), jnp.int32(0), KEY)


@pytest.mark.parametrize("neuron", NEURONS)
def test_step_of_every_neuron(neuron):
    """Beside all that a port can give: a current, one that depends on the membrane, and jumps."""
    ports = {"jumps": PORTS["Delta"](1.0), "current": PORTS["Alpha"](1.0), "conductance": PORTS["NMDA that rises"](1.0)}
    check_a_step({"P": snn.Population(NEURONS[neuron](1.0), N, ports=ports)})


@pytest.mark.parametrize("port", PORTS)
def test_step_of_every_port(port):
    """Into a membrane that is linear, and into one that is not."""
    cells = {"linear": NEURONS["LIF keeps"](1.0), "other": NEURONS["AdEx RK4"](1.0)}
    check_a_step({name: snn.Population(cell, N, ports={"in": PORTS[port](1.0)}) for name, cell in cells.items()})


def experiment(rate, weight, key, order=None):
    """A network with every way to deliver, every kind of drive and probe, built inside the program."""
    populations = {
        "E": snn.Population(snn.LIF(t_ref=1.0, noise=1.0), 300, init={"v": snn.Uniform(0.0, 20.0)}),
        "I": snn.Population(snn.LIF(t_ref=1.0), 80, ports={"in": snn.Exponential(5.0), "g": snn.Conductance(5.0)}),
    }
    links = {
        "EE": snn.Connection("E", "E", snn.FixedProb(0.1), weight=weight, delay=snn.Uniform(0.5, 2.0)),
        "EI": snn.Connection("E", "I.in", snn.FixedInDegree(20), weight=weight, delay=1.5),
        "IE": snn.Connection("I", "E", snn.AllToAll(), via=snn.Dense(), weight=-weight, delay=1.5),
        "II": snn.Connection("I", "I.g", snn.FixedProb(0.2), via=snn.Dense(), weight=weight, delay=1.5),
    }
    if order is None:
        links["same step"] = snn.Connection("E", "I.g", snn.FixedProb(0.05), weight=weight)
    net = snn.network(dt=DT, key=key, populations=populations, projections=links, order=order)
    drive = (
        snn.Poisson(rate, 0.5, into=("E", "I.in"), most=2.0)
        + snn.NoiseCurrent(1.0, into="E")
        + snn.StepCurrent(0.1, into="I")
    )
    record = {
        "raster": snn.Raster("E"),
        "events": snn.Spikes("I", 500),
        "v": snn.Trace("E.v", every=10 * DT),
        "count": snn.Count("E"),
        "rate": snn.PopulationRate("I", 1.0),
        "isi": snn.ISI("E"),
        "last": snn.Last("I.g.g"),
    }
    run = snn.simulate(net, drive, steps=200, key=key, record=record, chunk=100)
    return run.record["count"], run.record["events"], run.record["isi"], run.record["rate"], run.status


@pytest.mark.parametrize("order", [snn.NestOrder(), snn.BrianOrder()], ids=["nest", "brian2"])
def test_simulation(order):
    check(functools.partial(experiment, order=order), jnp.float32(5000.0), jnp.float32(0.1), KEY)


def test_releases():
    """Every release once, over lists and matrices, with a delay or in the same step, as a batch; two differentiated."""
    how = [(via, delay) for via in (snn.Sparse(), snn.Dense()) for delay in (1.5, None)]

    def run(weight, names):
        links = {
            name: snn.Connection(
                "S", "D", snn.FixedProb(0.5), via=via, weight=weight, delay=delay, release=RELEASES[name](1.0)
            )
            for name, (via, delay) in zip(names, how + how)
        }
        populations = {"S": snn.SpikeSource(30), "D": snn.Population(snn.LIF(v_th=5.0), 20)}
        net = snn.network(dt=DT, key=KEY, populations=populations, projections=links)
        record = (snn.Count("D"), snn.Last("TsodyksMarkram.release.x"))
        return snn.simulate(net, snn.Poisson(50.0, into="S", most=1.0), steps=20, key=KEY, record=record).record

    check(jax.vmap(lambda weight: run(weight, RELEASES)), jnp.linspace(0.1, 0.2, 3))
    check(jax.grad(lambda weight: jnp.sum(run(weight, ("TsodyksMarkram", "Bernoulli"))[0])), jnp.float32(0.1))


def test_sweep():
    """Twenty points that share a graph, as one program."""
    swept = jax.vmap(experiment, in_axes=(0, 0, None))
    check(swept, jnp.linspace(1e3, 5e3, 20), jnp.linspace(0.1, 0.2, 20), KEY)


def test_gradient():
    """What is differentiated is a program of accelerators as well."""

    def loss(weight):
        net = snn.network(
            dt=DT,
            key=KEY,
            populations={"A": snn.SpikeSource(5), "B": snn.Population(snn.LIF(v_th=1.0), 4)},
            projections={"AB": snn.Connection("A", "B", snn.FixedProb(0.5), weight=weight)},
        )
        return jnp.sum(snn.simulate(net, snn.Poisson(500.0, into="A"), steps=20, key=KEY, record=snn.Count("B")).record)

    check(jax.grad(loss), jnp.float32(1.0))


def test_faults_are_found():
    """Controls: a closed-over array, a wide type and a callback are each seen in the text."""
    big = np.random.default_rng(0).random(4000).astype(np.float32)
    x = jnp.ones(4000)
    assert "a constant of" in faults(text(lambda x: x + big, x))[0]
    assert faults(text(lambda x: x + 1.0, x)) == []
    assert "custom_call @Qr" in faults(text(jnp.linalg.qr, jnp.ones((3, 3))))
    with pytest.raises(NotImplementedError, match="callback"):
        text(lambda x: jax.pure_callback(np.sin, x, x), x)
    with jax.enable_x64(True):
        assert faults(text(lambda x: x + 1.0, jnp.ones(3))) == ["64-bit types"]
    on_one = lambda x: jax.lax.platform_dependent(x, tpu=lambda x: x + big, default=lambda x: x + 1.0)
    assert "a constant of" in faults(text(on_one, x))[0]  # of the one platform that has a fault
