"""What the compiled program does not do: copy the ring or the weights in every step, or hold arrays as constants."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.simulation.hlo import constants, copies_in_loops

N = 40


def program(*, via, delay, plain=False, release=None, rule=None, order=None):
    """A run whose weights are an argument, as they are in a sweep or in training."""
    rng = np.random.default_rng(0)
    topology = snn.AllToAll() if plain else snn.FromArrays(*rng.integers(0, N, (2, N * N // 4)))
    cell = snn.Population(snn.LIF(v_th=10.0), N)

    def run(weight, v, key):
        link = snn.Connection("E", "E", topology, via=via, weight=weight, delay=delay, release=release, rule=rule)
        populations, links = {"E": cell}, {"EE": link}
        net = snn.network(dt=0.1, key=jax.random.key(0), order=order, populations=populations, projections=links)
        net = snn.set(net, "E.neuron.v_th", v)
        return snn.simulate(
            net, snn.StepCurrent(20.0, into="E"), steps=50, key=key, record=snn.Count("E"), chunk=25
        ).record

    edges = (N, N) if plain else (N * N // 4,)
    text = jax.jit(run).lower(jnp.ones(edges), jnp.float32(10.0), jax.random.key(1)).compile().as_text()
    return text


@pytest.mark.parametrize(
    ("via", "delay", "plain"),
    [
        (snn.Sparse(), snn.Uniform(0.1, 3.0), False),
        (snn.Dense(), 1.5, False),
        (snn.Dense(), 1.5, True),
    ],
    ids=["sparse", "dense", "all to all"],
)
def test_a_step_copies_neither_ring_nor_weights(via, delay, plain):
    text = program(via=via, delay=delay, plain=plain)
    assert " while(" in text
    assert copies_in_loops(text, N * N // 4) == []  # the weights; the ring is larger


@pytest.mark.parametrize(
    "release", [snn.TsodyksMarkram(), snn.connectivity.Bernoulli(0.5)], ids=["plastic", "by chance"]
)
def test_a_release_adds_no_copies(release):
    assert copies_in_loops(program(via=snn.Sparse(), delay=1.5, release=release), N * N // 4) == []


@pytest.mark.parametrize("order", [snn.NestOrder(), snn.BrianOrder()], ids=repr)
def test_plastic_synapses_copy_no_delay_line(order):
    """A slot of the line is read after another was written, which XLA would do on a copy of all sixteen."""
    text = program(via=snn.Sparse(), delay=1.5, rule=snn.PairSTDP(0.01, 0.012), order=order)
    assert copies_in_loops(text, 16 * N) == []


def test_arrays_are_arguments():
    """A graph that is handed in stays an argument of the program; one that is closed over becomes a constant of it."""
    weight = np.random.default_rng(0).random((N, N))
    net = snn.network(
        dt=0.1,
        key=jax.random.key(0),
        populations={"E": snn.Population(snn.LIF(), N)},
        projections={"EE": snn.Connection("E", "E", snn.AllToAll(), via=snn.Dense(), weight=weight, delay=1.0)},
    )

    def run(net):
        return snn.simulate(net, steps=5, key=jax.random.key(1), record=snn.Count("E")).record

    assert constants(jax.jit(run).lower(net).compile().as_text(), N * N) == []
    assert constants(jax.jit(lambda x: x + run(net)).lower(0.0).compile().as_text(), N * N)  # the trap
