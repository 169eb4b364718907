"""A state that is continued by another model: as one would expect, or one sentence that says what differs."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.refused import refused

LIF = snn.LIF(bias=25.0, t_ref=5.0)


def model(dt=1.0, n=2, neuron=LIF, delay=2.0, name="E", ports=None, rule=None, release=None, links=True):
    ports = {"in": snn.Exponential(5.0)} if ports is None else ports
    link = snn.Connection(name, name, snn.AllToAll(), weight=0.5, delay=delay, rule=rule, release=release)
    cells = {name: snn.Population(neuron, n, ports=ports)}
    return snn.network(dt=dt, key=0, populations=cells, projections={"w": link} if links else {})


def run(net, state=None, drive=None, steps=20, **more):
    return snn.simulate(net, drive, steps=steps, key=0, state=state, progress=snn.progress.Quiet(), **more)


@pytest.fixture(scope="module")
def first():
    return run(model())


OTHER = {
    "dt": (dict(dt=0.5), "dt = 1 ms, and this one has dt = 0.5 ms"),
    "size": (dict(n=3), "has shape (2,) in the state and (3,) in the model"),
    "neuron": (dict(neuron=snn.AdEx()), "E.neuron"),
    "delay": (dict(delay=3.0), "ring has shape"),
    "name": (dict(name="F"), "the state has E.neuron"),
    "port": (dict(ports={"in": snn.Alpha(5.0)}), "E.ports.in"),
    "rule": (dict(rule=snn.PairSTDP(0.01, 0.01)), "the model has w.plastic"),
    "release": (dict(release=snn.TsodyksMarkram()), "the model has w.release"),
    "no links": (dict(links=False), "ring has shape"),
}


@pytest.mark.parametrize("name", OTHER)
def test_a_state_of_another_model_is_refused(first, name):
    options, words = OTHER[name]
    with refused("Got a state that does not fit this Network", words, "start anew"):
        run(model(**options), first.state)
    with refused("Got a state that does not fit this Network", words, "start anew"):
        jax.eval_shape(lambda state: run(model(**options), state).state, first.state)


def test_of_other_precision(first, x64):
    with refused("float32 in the state and float64", "x64"):
        run(model(), first.state)


def test_other_numbers_and_a_run_are_taken(first):
    """Control: the same structure with other numbers goes on; a run is its state."""
    other = snn.set(model(), "E.neuron.tau", 10.0)
    assert int(run(other, first.state).state.t) == 40
    one, two = run(model(), first), run(model(), first.state)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        assert np.array_equal(a, b)
    whole = run(model(), steps=40)
    for a, b in zip(jax.tree.leaves(one.state), jax.tree.leaves(whole.state), strict=True):
        assert np.array_equal(a, b)


def test_what_is_no_state_is_one_sentence(first):
    for wrong in (first.state.model, 5, jnp.zeros(3)):
        with refused("Got state", "expected the `state` of an earlier run"):
            run(model(), wrong)


def test_a_state_keeps_its_step(first):
    assert first.state.dt == 1.0 and "dt" in {field.name for field in dataclasses.fields(first.state)}
