"""A run whose steps begin after their deliveries is the same run, bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.compilers import source
from tests.compilers.both import PLAIN, assert_equal, steps
from tests.compilers.test_programs import copies, text_of
from tests.simulation.toys import assert_same

N = 80  # more than the fewest neurons with which a step is turned


def network(order, rule=None, sizes=(N, N // 2)):
    ports = {"exc": snn.Exponential(tau=2.0), "inh": snn.Exponential(tau=4.0)}
    neuron = snn.LIF(v_th=1.0, t_ref=1.0)
    cell = lambda n: snn.Population(neuron, n, ports=ports, init={"v": snn.Uniform(0.0, 1.0)})
    link = lambda pre, post, w, **more: snn.Connection(
        pre, post, snn.FixedProb(0.2), weight=w, delay=snn.Uniform(0.1, 0.5), **more
    )
    return snn.network(
        dt=0.1,
        key=0,
        order=order,
        populations={"E": cell(sizes[0]), "I": cell(sizes[1])},
        projections={
            "EE": link("E", "E.exc", 0.2, rule=rule),
            "EI": link("E", "I.exc", 0.2),
            "IE": link("I", "E.inh", -0.3),
        },
    )


def outcome(net, count, state=None):
    record = {"spikes": snn.Count("E"), "v": snn.Trace("E.v"), "now": snn.Raster("I")}
    drive = snn.Poisson(rate=2000.0, weight=2.0, into=("E.exc", "I.exc"))
    quiet = snn.progress.Quiet()
    run = snn.simulate(
        net, drive, steps=count, key=jax.random.key(1), record=record, state=state, progress=quiet, compiler=PLAIN
    )
    return run.record, run.state


@pytest.mark.parametrize(("order", "rule"), [(snn.BrianOrder(), None), (snn.NestOrder(), snn.PairSTDP())])
def test_the_same_bits(order, rule, monkeypatch):
    """Runs of one step, of two, of many, and one continued; with what is recorded in every step."""
    net, seen = network(order, rule), []
    whole = source.turned

    def spied(*args):
        seen.append(whole(*args))
        return seen[-1]

    monkeypatch.setattr(source, "turned", spied)
    ours = [outcome(net, count) for count in (1, 2, 150)]
    ours.append(outcome(net, 77, ours[-1][1]))
    assert any(x is not None for x in seen)
    assert np.sum(ours[2][0]["spikes"]) > 50
    jax.clear_caches()
    monkeypatch.setattr(source, "turned", lambda *args: None)
    plain = [outcome(net, count) for count in (1, 2, 150)]
    plain.append(outcome(net, 77, plain[-1][1]))
    assert_same(ours, plain)
    with pytest.raises(AssertionError):  # control: a step more
        assert_same(ours[2][0]["v"], outcome(net, 151)[0]["v"][1:])


def test_what_crosses_the_middle_of_a_step():
    """Constants, numbers, arrays that are carried on as they are, put side by side, returned twice, and the time."""

    def one(carried, t):
        x, y, kept, total, ring = carried
        s = jnp.sin(x) + jnp.where(y > 0, kept, 0.5)
        both, again = jnp.concatenate([s, y[:70]]), jnp.concatenate([y[70:], s])  # `s` lies in two arrays
        ring = jax.lax.fori_loop(0, 3, lambda i, ring: ring.at[(t + i) % 150].add(both[i] * total - again[i + 9]), ring)
        x, y = x * 0.5 + ring[:80] + 0.1 * t.astype(x.dtype), jnp.concatenate([y[1:], s[:1]]) + 0.1 * both[80:].mean()
        return (x, y, kept, total + s[0], ring * 0.9), (s, x, t, both)

    start = jnp.linspace(0, 1, 80), jnp.linspace(-1, 1, 80), jnp.full(80, 2.0), jnp.float32(1.0), jnp.ones(150)
    xla = snn.compilers.XLA()
    for count in (1, 2, 9):
        assert_equal(steps(xla, one, start, count), steps(PLAIN, one, start, count), 1e-5)

    def up_to(compiler):  # of nine steps that there may be
        return jax.jit(lambda count: compiler.steps(one, start, jnp.int32(3), 9, count))

    ours, native = up_to(xla), up_to(PLAIN)
    for count in (0, 1, 5):
        assert_equal(ours(jnp.int32(count)), native(jnp.int32(count)), 1e-5)


@pytest.mark.parametrize("order", [snn.BrianOrder(), snn.NestOrder()])
def test_the_ring_of_a_network_is_updated_in_place(order):
    """What arrives acts before or behind the delivery of a step: no copy of the ring either way."""
    net, key = network(order), jax.random.key(0)
    stepper, state = net.prepare(), net.init(key=key)
    start = stepper.joined(state, {name: jnp.zeros(n) for name, n in net.sizes.items()})
    one = lambda carried, t: stepper.advanced(carried, snn.simulation.Inputs(), t, key=key)
    step = lambda carried, t: (one(carried, t)[0], jnp.zeros(()))
    assert copies(text_of(step, start), state.ring.nbytes) == []
    kept = lambda carried, t: (one(carried, t)[0], carried[0].ring)  # control: the ring as it was is handed out
    assert len(copies(text_of(kept, start), state.ring.nbytes)) > 0
