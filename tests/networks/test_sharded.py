"""A network on several devices gives the numbers of the same network on one, to the bit; and what is not divided."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.compilers.build import compiler
from jaxsnn.networks.shards import Shards

ROOT = str(Path(__file__).parents[2])
LIMIT = 900  # seconds that an answer may take


class Process:
    """`tests.networks.on_devices` with so many devices, which answers words as they are asked."""

    def __init__(self, devices, *arguments):
        flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
        environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": ROOT}
        environment |= {"JAX_TRACEBACK_IN_LOCATIONS_LIMIT": "0"}  # as in conftest.py
        if kept := jax.config.jax_compilation_cache_dir:
            environment |= {"JAX_COMPILATION_CACHE_DIR": kept, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
            environment |= {"JAXSNN_CACHE": kept}
        command = [sys.executable, "-m", "tests.networks.on_devices", *arguments]
        self.errors = tempfile.TemporaryFile("w+")
        self.run = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )

    def ask(self, *words):
        self.run.stdin.writelines(f"{word}\n" for word in words)
        self.run.stdin.flush()

    def answer(self):
        late = threading.Timer(LIMIT, self.run.kill)
        late.start()
        try:
            for line in self.run.stdout:
                if line.startswith("{"):
                    return json.loads(line)
        finally:
            late.cancel()
        self.errors.seek(0)
        raise AssertionError(self.errors.read()[-3000:])

    def answers(self, *words):
        self.ask(*words)
        return [self.answer() for _ in words]

    def close(self):
        self.run.kill()
        self.run.communicate()
        self.errors.close()


@pytest.fixture(scope="module")
def four():
    with contextlib.closing(Process(4)) as process:
        yield process


@pytest.fixture(scope="module")
def two():
    with contextlib.closing(Process(2)) as process:
        yield process


def check(found, devices):
    for line in found:
        assert line["equal"] and line["continued"] and line["devices"] == devices and line["spikes"] > 20, line


def test_four_devices(four):
    """Lists with releases and noise; matrices with delays of one step; controls: they would be seen to differ."""
    words = ("lists", "matrices", "collectives:lists", "numbers:lists", "late:lists")
    *found, program, numbers, late = four.answers(*words)
    check(found, 4)
    assert [line["every"] for line in found] == [10, 1]
    assert not numbers["equal"] and numbers["spikes"] > 20
    assert "DELAY_RANGE" in late["error"]
    # once in ten steps: the bits of 300 and 77 neurons and of the release, and the amplitudes of the release
    assert sorted(program["in the loop"]) == ["all-gather f32[10,384]", "all-gather u32[4,10,7]"]


def test_drawn_in_parts(four):
    """Of every topology, with weights and delays, the parts of the whole, also in the places where nothing is. Control:
    the numbers that a synapse would have by its place on a device; matrices, selections and arrays have none of these.
    """
    found, wrong = four.answers("drawn", "places:drawn")
    assert len(found["drawn"]) == 14 and not found["differ"]
    assert set(wrong["differ"]) == set(found["drawn"]) - {"matrix", "chosen", "given"}


def test_synapses_that_draw(two):
    """Synapses that draw transmit the spikes that they transmit on one device; control: draws of other synapses."""
    *found, draws = two.answers("unreliable", "draws:unreliable")
    check(found, 2)
    assert found[0]["every"] == 3 and not draws["equal"]


def test_learning(four):
    """Rules between neurons on four devices; controls: clocks of other neurons, and synapses in another order, are seen
    to differ, and an exchange that comes later than a plastic synapse passes a spike on is no result at all.
    """
    words = ("learning", "collectives:learning", "clocks:learning", "order:learning", "late:learning")
    *found, program, clocks, order, late = four.answers(*words)
    check(found, 4)
    assert [line["every"] for line in found] == [6] and found[0]["moved"] > 0.1
    assert not clocks["equal"] and not order["equal"]
    assert "DELAY_RANGE" in late["error"]
    # once in six steps: the bits of 75 and 41 neurons and of the release, and the amplitudes of the release
    assert sorted(program["in the loop"]) == ["all-gather f32[6,128]", "all-gather u32[4,6,3]"]


def test_learning_in_every_step(two):
    """Delays before the synapse, of which the exchange can leave no step out; a drive that reads the network."""
    found = two.answers("learning, Brian2's order", "learning, listening")
    check(found, 2)
    assert [line["every"] for line in found] == [0, 6] and all(line["moved"] > 0.1 for line in found)


def test_two_devices(two):
    """Drives that listen, delays of 0 in Brian2's order; graded spikes, edges within a step, of which one learns and
    one draws; groups of populations; an order whose steps alone are known; a sweep, which has no devices to give away.
    """
    words = ("listening", "Brian2's order, listening", "within a step", "an order of one's own", "swept:listening")
    *found, swept = two.answers(*words)
    check(found, 2)
    assert [line["every"] for line in found] == [10, 0, 0, 0] and found[2]["moved"] > 0.05
    assert "sweep the network that was divided" in swept["error"]


@pytest.mark.skipif(compiler() is None, reason="there is no C compiler (set CC, or install gcc or clang)")
def test_compiled_by_c(two):
    """The bits of a run by C on one device: releases and noise. All rules: its spikes, and its weights up to rounding
    sums. What has an exchange in every step is not compiled by C. Control: random numbers of other neurons, which
    come by the number of the device.
    """
    lists, learning, matrices, numbers = two.answers("C:lists", "C:learning, counted", "C:matrices", "numbers:C:lists")
    check([lists], 2)
    assert lists["every"] == 10 and learning["every"] == 6
    assert learning["fired"] and learning["apart"] < 1e-6 < 0.1 < learning["moved"] and learning["spikes"] > 20
    assert "an exchange between devices in every step (all_gather)" in matrices["error"]
    assert not numbers["equal"] and numbers["spikes"] > 20


def test_every_drive_and_probe(two):
    """Of the registry, with all that they hold. (Drives that begin with the run begin again where it is continued.)"""
    words = ("every drive and probe", "C:every drive and probe") if compiler() else ("every drive and probe",)
    for line in two.answers(*words):
        assert line.get("equal") and line["every"] == 10 and line["spikes"] > 20, line


def test_two_processes():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with contextlib.ExitStack() as stack:
        arguments = [("--process", address, str(number), "2") for number in range(2)]
        both = [stack.enter_context(contextlib.closing(Process(1, *own))) for own in arguments]
        words = ("plain", "learning", "drawn")
        for process in both:
            process.ask(*words)
        for process in both:
            *found, drawn = (process.answer() for _ in words)
            check(found, 2)
            assert len(drawn["drawn"]) == 14 and not drawn["differ"]


def test_inside_jit():
    """What a drive feeds is of no device when the network's numbers are of all."""
    net = snn.network(dt=0.1, populations={"E": snn.Population(snn.LIF(), 3)}, key=jax.random.key(0))
    divided = snn.networks.sharded(net)

    def v(model, scale):
        drive = snn.Replay(scale * np.ones((20, 3), np.float32), into="E")
        return snn.simulate(model, drive, steps=20, key=jax.random.key(1), record=snn.Last("E.v"), throw=False).record

    scale = np.float32(0.3)
    ours, theirs = jax.jit(lambda scale: v(divided, scale))(scale), v(net, scale)
    assert np.array_equal(ours, theirs) and np.all(np.asarray(theirs) > 0)
    assert not np.array_equal(ours, v(net, np.float32(0.4)))  # control


def test_how_neurons_are_divided():
    shards = Shards("neurons", 4)
    assert [shards.own(n) for n in (1, 32, 128, 129, 300)] == [32, 32, 32, 64, 96]
    x = np.arange(300)
    parts = shards.split(x, 300)
    assert parts.shape == (4, 96) and parts[1, 5] == 101 and np.all(parts.reshape(-1)[300:] == 299)
    np.testing.assert_array_equal(shards.whole(parts, 300), x)


class Depolarised(snn.plasticity.AbstractRule):
    """Grows with the membrane of the sending neuron."""

    def on_pre(self, w, s):
        return 0.1 * s.pre.v


class Counted(snn.plasticity.AbstractModifier):
    """Sums up how far receiving neurons are depolarised."""

    def start(self, n_post, dtype):
        return {"steps": jnp.zeros(n_post, dtype)}

    def tick(self, clock, s):
        return {"steps": clock["steps"] + jnp.maximum(s.post.v, 0.0)}


def test_what_is_not_divided_is_named():
    small = lambda **more: snn.network(
        dt=0.1,
        key=0,
        populations={"E": snn.Population(snn.LIF(), 3)},
        projections={"EE": snn.Connection("E", "E", **({"topology": snn.AllToAll(), "delay": 1.0} | more))},
    )
    layer = dict(topology=None, via=snn.Layer(eqx.nn.Linear(3, 3, key=jax.random.key(0))))
    for net, why in (
        (small(rule=Depolarised()), r"rule of projection 'EE' \(Depolarised\) reads membranes of sending neurons"),
        (small(rule=snn.chain(snn.PairSTDP(), Counted())), r"'EE' \(Counted\) counts membranes of receiving neurons"),
        (small(**layer), "'EE' goes through a Layer"),
    ):
        with pytest.raises(ValueError, match=f"cannot be divided among devices: .*{why}"):
            snn.networks.sharded(net)
    with pytest.raises(ValueError, match=r"expected a network\(\.\.\.\) to divide"):
        snn.networks.sharded(snn.LIF())
    with pytest.raises(ValueError, match="expected a list of devices"):
        snn.networks.sharded(small(), devices=[])
    divided = snn.networks.sharded(small(), devices=jax.devices()[:1])
    drive = snn.Replay(np.ones((1, 5, 3), np.float32), into="E")
    with pytest.raises(ValueError, match=r"differentiate net itself"):
        snn.BPTT("*").value_and_grad(snn.losses.TraceError("E.v"), divided, drive, np.zeros((1, 5, 3)), key=0)
    assert float(snn.set(divided, "E.neuron.tau", 5.0)["E"].neuron.tau) == 5.0
    with pytest.raises(ValueError, match="not divided among 1 devices; set them in the network, and divide it again"):
        each = small(delay=snn.Uniform(0.5, 1.0))
        snn.set(snn.networks.sharded(each, devices=jax.devices()[:1]), "parts.EE.weight", 2.0)
    with pytest.raises(ValueError, match="'EE' does not learn, so no run changes it"):
        snn.simulate(divided, t=1.0, key=0, record=snn.Trace("EE.weight"))
