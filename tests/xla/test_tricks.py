"""What XLA is made to do, it would not do by itself: a trick that it no longer needs fails here, and should go."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxsnn as snn
from jaxsnn._xla import at_most_once, opaque
from tests.simulation.hlo import copies_in_loops
from tests.simulation.test_compiled import program

N = 40
SYNAPSES = N * N // 4


def static():
    """A step that reads a slot of the ring and empties it."""
    return program(via=snn.Dense(), delay=1.5)


def plastic():
    """A step that reads the weight of a synapse, sends it, and changes it."""
    cell = snn.Population(snn.LIF(v_th=10.0), N)
    edges = np.random.default_rng(0).integers(0, N, (2, SYNAPSES))
    rule = snn.chain(snn.PairSTDP(), sends=snn.plasticity.WeightBeforeUpdate())

    def run(weight, key):
        link = snn.Connection("E", "E", snn.FromArrays(*edges), weight=weight, delay=1.0, rule=rule)
        net = snn.network(dt=0.1, key=0, populations={"E": cell}, projections={"EE": link})
        return snn.simulate(net, snn.StepCurrent(20.0, into="E"), steps=50, key=key, record=snn.Count("E")).record

    return jax.jit(run).lower(jnp.full(SYNAPSES, 0.5), jax.random.key(1)).compile().as_text()


@pytest.mark.parametrize(
    ("room", "trick", "plain", "text"),
    [
        ("connectivity.ring", "materialised", lambda function, step, *args: function(*args), static),
        ("connectivity.ring", "zero_after", jnp.zeros_like, static),
        ("plasticity.apply", "zero_after", jnp.zeros_like, plastic),
    ],
)
def test_without_it_a_step_copies_more(room, trick, plain, text, monkeypatch):
    """Copies of the ring or of the weights, in every step."""
    needed = copies_in_loops(text(), SYNAPSES)
    monkeypatch.setattr(importlib.import_module(f"jaxsnn.{room}"), trick, plain)
    assert len(copies_in_loops(text(), SYNAPSES)) > len(needed), f"XLA no longer needs {trick} in {room}"


def test_a_constant_is_not_folded():
    """Two products with constants are one with their product, which is rounded otherwise, unless they are opaque."""
    numbers = np.float32(0.1), np.float32(0.3)

    def products(of):
        scale = lambda x: x * of(numbers)[0] * of(numbers)[1]
        return jax.jit(scale).lower(jnp.ones(8)).compile().as_text().count(" multiply(")

    assert products(lambda x: tuple(map(jnp.asarray, x))) == 1, "XLA no longer folds constants"
    assert products(lambda x: opaque(tuple(map(jnp.asarray, x)))) == 2


def test_a_rare_event_costs_nothing_in_a_batch():
    """Under `vmap` it is a loop that need not run; a branch is a select of something that always runs."""

    def text(how):
        one = lambda due, x: how(due, jnp.sin, x)
        return jax.jit(jax.vmap(one)).lower(jnp.zeros(4, bool), jnp.ones((4, 8))).compile().as_text()

    assert " while(" in text(at_most_once)
    branch = text(lambda due, f, x: lax.cond(due, f, lambda x: x, x))
    assert " while(" not in branch and " conditional(" not in branch, "a branch stays one under vmap"
