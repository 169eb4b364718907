"""A rule can be learned: a Taylor series, fitted through simulated weights, becomes the rule that made them."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn as snn
from experiments.metaplasticity import Taylor

A_PLUS, A_MINUS, TAU_PLUS, TAU_MINUS = 0.02, 0.022, 17.0, 34.0
TEACHER = snn.PairSTDP(A_PLUS, A_MINUS, TAU_PLUS, TAU_MINUS, dependence=snn.plasticity.Guetig())
W = 0.5


def network(rule, w, *, via):
    """Weights of this rule between neurons that fire only when told: far from threshold, and told loudly."""
    cell = snn.LIF(tau=1.0, v_th=100.0, surrogate=snn.surrogates.FastSigmoid(1e9))
    n, m = w.shape
    return snn.network(
        dt=1.0,
        key=jax.random.key(0),
        populations={"A": snn.SpikeSource(n), "B": snn.Population(cell, m)},
        projections={"AB": snn.Connection("A", "B", snn.AllToAll(), via=via, weight=w, delay=1.0, rule=rule)},
    )


def weights(rule, w, pre, post, *, every=None, via=None):
    """Weights of all synapses over time, `(samples, n, m)`."""
    net = network(rule, w, via=snn.Dense() if via is None else via)
    drive = snn.Replay(jnp.asarray(pre), into="A") + snn.Replay(jnp.asarray(post), into="B", weight=1000.0)
    run = snn.simulate(net, drive, steps=len(pre), key=jax.random.key(1), record=snn.Trace("AB.weight", every=every))
    return run.record.reshape(-1, *w.shape)


def window(rule):
    """The change of a weight of 0.5 by one pair of spikes, for every distance from -80 to 80 ms but 0."""
    apart = np.concatenate([np.arange(-80, 0), np.arange(1, 81)])
    pre, post = np.zeros((200, 1)), np.zeros((200, len(apart)))
    pre[100] = 1
    post[100 + apart - 1, np.arange(len(apart))] = 1  # a step of dendrite lies between neuron and synapse
    w = jnp.full((1, len(apart)), W)
    return apart, weights(rule, w, pre, post)[-1, 0] - W


def off(rule):
    """The largest error of the window, over its largest value; the window in closed form."""
    apart, changed = window(rule)
    late = apart > 0
    expected = np.where(late, A_PLUS * (1 - W), -A_MINUS * W) * np.exp(
        -np.abs(apart) / np.where(late, TAU_PLUS, TAU_MINUS)
    )
    return np.max(np.abs(changed - expected)) / np.max(np.abs(expected))


@functools.partial(jax.jit, static_argnums=2)
def fitted(rule, data, iterations):
    """L-BFGS on what weights change in 5 ms: increments tell coefficients apart that levels, their sums, confound."""
    w0, pre, post = data
    changes = lambda rule: jnp.diff(weights(rule, w0, pre, post, every=5), axis=0)
    wanted = changes(TEACHER)
    loss = lambda rule: jnp.mean((changes(rule.scaled(0.01)) - wanted) ** 2) / jnp.mean(wanted**2)
    optimiser = optax.lbfgs(memory_size=20)
    value_and_grad = optax.value_and_grad_from_state(loss)

    def descend(carry, _):
        rule, state = carry
        value, grad = value_and_grad(rule, state=state)
        updates, state = optimiser.update(grad, state, rule, value=value, grad=grad, value_fn=loss)
        return (optax.apply_updates(rule, updates), state), value

    (rule, _), losses = jax.lax.scan(descend, (rule, optimiser.init(rule)), None, length=iterations)
    return rule.scaled(0.01), losses


@pytest.fixture
def lenient():
    """optax's line search mixes ranks and types."""
    with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
        yield


def test_a_taylor_series_becomes_pair_stdp(lenient):
    """18 numbers from zero: the window within 2 %, and all other terms gone."""
    rng = np.random.default_rng(0)
    n, steps = 6, 300
    data = (
        jnp.asarray(rng.uniform(0.2, 0.8, (n, n)), jnp.float32),
        jnp.asarray(rng.random((steps, n)) < 0.04),
        jnp.asarray(rng.random((steps, n)) < 0.04),
    )
    start = Taylor.nothing((2, 2, 2), tau=25.0)
    assert off(TEACHER) < 1e-4
    assert off(start) > 0.9  # and so would any rule be that did not learn
    rule, losses = fitted(start, data, 80)
    assert losses[-1] < 1e-3 * losses[0]
    assert off(rule) < 0.02
    assert off(eqx.tree_at(lambda r: r.log_tau_y, rule, jnp.log(jnp.float32(31.0)))) > 0.02  # a tenth off: not within
    np.testing.assert_allclose(jnp.exp(jnp.stack([rule.log_tau_x, rule.log_tau_y])), [TAU_PLUS, TAU_MINUS], rtol=0.02)
    np.testing.assert_allclose(rule.post[1, 0], [A_PLUS, -A_PLUS], rtol=0.03)  # a_plus (1 - w) x
    np.testing.assert_allclose(rule.pre[0, 1], [0, -A_MINUS], atol=0.03 * A_MINUS)  # -a_minus w y


# --- derivatives ------------------------------------------------------------------------------------------------------

CASES = {  # a chain, made of four numbers, and how its synapses are held
    "modulated": (  # tau beside the 17 steps at which a refresh would come or not: a bound after it sees when that is
        lambda p: snn.chain(
            snn.PairSTDP(p[0], p[1], 1e3 * p[2], 1e3 * p[3]),
            snn.Modulate("m", tau=1.03e3 * p[2]),
            snn.SoftBound(0.0, 1.0),
        ),
        snn.Sparse(),
    ),
    "scaled": (
        lambda p: snn.chain(
            snn.TripletSTDP(), snn.Oja(p[0], decay=100 * p[1], tau=1e3 * p[2]), snn.Scaling(1e3 * p[3], 1e4 * p[2])
        ),
        snn.Dense(),
    ),
}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("rule", "via"), CASES.values(), ids=CASES)
def test_derivatives_are_those_of_differences(rule, via):
    """`grad` and `jvp` with respect to numbers of the rule and weights at the start, along one direction."""
    rng = np.random.default_rng(3)
    steps, n, m = 25, 3, 2
    pre, post = rng.random((steps, n)) < 0.2, rng.random((steps, m)) < 0.2
    at = (jnp.asarray([A_PLUS, A_MINUS, 0.017, 0.034]), jnp.asarray(rng.uniform(0.2, 0.8, (n, m))))
    along = jax.tree.map(lambda x: x * jnp.asarray(rng.uniform(0.5, 1.0, x.shape)), at)

    def loss(point):
        numbers, w = point
        net = network(rule(numbers), w, via=via)
        drive = snn.Replay(jnp.asarray(pre), into="A") + snn.Replay(jnp.asarray(post), into="B", weight=1000.0)
        drive = drive + snn.Modulator("m", jnp.linspace(-1.0, 2.0, steps))
        run = snn.simulate(net, drive, steps=steps, key=jax.random.key(1), record=snn.Last("AB.weight"), throw=False)
        return jnp.sum(jnp.sin(10.0 * run.record))

    @jax.jit
    def everything(at):
        slope = jax.grad(loss)(at)
        backward = sum(jnp.vdot(a, b) for a, b in zip(jax.tree.leaves(slope), jax.tree.leaves(along)))
        h, step = 1e-4, jnp.asarray([-2.0, -1.0, 0.0, 1.0, 2.0])
        moved = lambda k: jax.tree.map(lambda x, d: x + k * h * d, at, along)
        value, forward = jax.lax.map(lambda k: jax.jvp(loss, (moved(k),), (along,)), step)
        differences = jnp.vdot(jnp.asarray([1.0, -8.0, 0.0, 8.0, -1.0]), value) / (12 * h)
        return backward, forward[2], differences, slope

    backward, forward, differences, slope = everything(at)
    np.testing.assert_allclose([backward, forward], differences, rtol=1e-7)
    assert all(jnp.all(jnp.isfinite(x)) and jnp.any(x != 0) for x in jax.tree.leaves(slope))
