"""Derivatives through plastic simulations, against finite differences; with and without checkpoints."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

STEPS = 30
rng = np.random.default_rng(0)
PRE, POST = (np.where(rng.random((STEPS, n)) < 0.2, rng.uniform(0.5, 1.5, (STEPS, n)), 0.0) for n in (3, 2))
REWARD = rng.normal(size=STEPS)
RULES = {  # smooth between events
    "pair": lambda: (snn.PairSTDP(0.1, 0.12, 9.0, 11.0, dependence=snn.plasticity.Guetig(1.0, 0.5, 0.5)),),
    "triplet": lambda: (snn.TripletSTDP(0.01, 0.02, 0.015, 0.01, 8.0, 30.0, 12.0, 40.0),),
    "modulated": lambda: (snn.PairSTDP(0.1, 0.12), snn.Modulate("reward", 12.0, decay=5.0)),
}


def loss(numbers, chain, via, checkpoint):
    """A smooth function of the weights at the end: spikes are given, so that nothing jumps."""
    weight, pre, post = numbers["weight"], numbers["pre"], numbers["post"]
    populations = {
        "pre": snn.SpikeSource(3),
        "post": snn.Population(snn.Parrot(), 2, ports={"in": snn.Delta(), "deaf": snn.Exponential()}),
    }
    link = snn.Connection("pre", "post.deaf", snn.AllToAll(), via=via, weight=weight, delay=2.0, axonal=1.0, rule=chain)
    net = snn.network(dt=1.0, key=jax.random.key(0), populations=populations, projections={"P": link})
    drive = snn.Replay(pre, into="pre") + snn.Replay(post, into="post.in") + snn.Modulator("reward", REWARD)
    more = {} if checkpoint is None else {"checkpoint": checkpoint}
    run = snn.simulate(net, drive, steps=STEPS, key=jax.random.key(0), record=snn.Last("P.weight"), chunk=6, **more)
    return jnp.sum(jnp.sin(3.0 * run.record.reshape(-1)) * jnp.arange(1.0, 7.0))


def parts(name):
    numbers, static = eqx.partition(snn.chain(*RULES[name]()), eqx.is_array)
    weight = jnp.asarray(np.linspace(0.2, 0.8, 6).reshape(3, 2))
    numbers = {"rule": numbers, "weight": weight, "pre": jnp.asarray(PRE), "post": jnp.asarray(POST)}

    def function(numbers, via=None, checkpoint=None):
        chain = eqx.combine(numbers["rule"], static)
        return loss(numbers, chain, snn.Dense() if via is None else via, checkpoint)

    return function, numbers


@functools.cache
def value_and_slope(name):
    """The program, one for all tests of a rule, and its numbers."""
    function, numbers = parts(name)
    return jax.jit(jax.value_and_grad(function)), numbers


def directions(numbers):
    """One random direction for each kind of number; of rasters also where there is no spike."""
    rng = np.random.default_rng(1)
    random = jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape)), numbers)
    still = jax.tree.map(jnp.zeros_like, numbers)
    yield "rule", {**still, "rule": random["rule"]}
    yield "weight", {**still, "weight": random["weight"]}
    yield "pre", {**still, "pre": random["pre"]}
    yield "post", {**still, "post": random["post"]}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", RULES)
def test_finite_differences(name):
    """`jvp` and `grad` with respect to rule parameters, weights and inputs, also where there was no spike."""
    slope, numbers = value_and_slope(name)
    gradient = slope(numbers)[1]
    push = jax.jit(lambda n, d: jax.jvp(parts(name)[0], (n,), (d,))[1])
    for _, direction in directions(numbers):
        move = lambda h, d=direction: jax.tree.map(lambda x, y: x + h * y, numbers, d)
        h = 1e-6
        expected = float(slope(move(h))[0] - slope(move(-h))[0]) / (2.0 * h)
        along = sum(jax.tree.leaves(jax.tree.map(lambda g, d: float(jnp.sum(g * d)), gradient, direction)))
        assert abs(expected) > 1e-3
        assert float(push(numbers, direction)) == pytest.approx(expected, rel=1e-5, abs=1e-7)
        assert along == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.usefixtures("x64")
def test_checkpoints_and_layouts_change_nothing():
    (slope, numbers), (function, _) = value_and_slope("triplet"), parts("triplet")
    plain = slope(numbers)[1]
    for via, checkpoint in (
        (snn.Dense(), snn.checkpointing.Chunked()),
        (snn.Sparse(), snn.checkpointing.Chunked()),
        (snn.Sparse(), None),
    ):
        other = jax.jit(jax.grad(lambda n, via=via, c=checkpoint: function(n, via, c)))(numbers)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), plain, other)


@pytest.mark.usefixtures("x64")
def test_bounds_and_their_gradients():
    """Beyond a hard bound there is no derivative; straight through there is one, and the value is the same."""

    def at(bound):
        return jax.value_and_grad(lambda w: jnp.sum(bound(0.0, 1.0).limit(w)))(jnp.array([-0.5, 0.0, 0.4, 1.0, 1.5]))

    hard, through, soft = at(snn.Bound), at(snn.plasticity.StraightThroughBound), at(snn.SoftBound)
    assert hard[0] == through[0] == soft[0]
    np.testing.assert_array_equal(hard[1], [0, 1, 1, 1, 0])
    np.testing.assert_array_equal(through[1], 1)
