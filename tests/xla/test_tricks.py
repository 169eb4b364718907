"""What XLA is made to do, it would not do by itself: a trick that it no longer needs fails here, and should go."""

import functools
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxsnn as snn
from jaxsnn import _random
from jaxsnn._xla import at_most_once, by_platform, hoisted, kernel, opaque, read_slot, write_slot, written
from tests.simulation.hlo import copies_in_loops, in_loops
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
        ("plasticity.by_events", "zero_after", jnp.zeros_like, plastic),
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


def plain_read(buffer, at, n):
    return lax.dynamic_slice_in_dim(buffer, at, n, axis=-1)


def plain_write(buffer, values, at):
    return lax.dynamic_update_slice_in_dim(buffer, values, at, axis=-1)


PLAIN, SLOTS = (plain_read, plain_write), (read_slot, write_slot)


def moved(how, buffer, at):
    """Four steps that read a slot of the ring, put it in another one, and add a constant."""
    read, write = how

    def step(buffer, t):
        part = read(buffer, (at + t) % 3 * 4, 4)
        return write(buffer, jnp.sin(part) + part**2, (at + t + 1) % 3 * 4), part[0]

    buffer, out = lax.scan(step, write(buffer, jnp.ones(4), at), jnp.arange(4, dtype=jnp.int32))
    return jnp.sum(buffer**2) + jnp.sum(out)


def test_a_batch_reads_a_slice():
    """One place for the whole batch is no gather and no scatter, forwards and backwards; as JAX does it, it is."""

    def text(how):
        batch = jax.vmap(jax.grad(lambda x, at: moved(how, x, at)), (0, None))
        return jax.jit(batch).lower(jnp.ones((5, 12)), jnp.int32(1)).as_text()

    assert not any(f"stablehlo.{name}" in text(SLOTS) for name in ("gather", "scatter"))
    assert "stablehlo.gather" in text(PLAIN) and "stablehlo.scatter" in text(PLAIN), "JAX keeps slices under vmap"


def test_slots_have_the_numbers_and_derivatives_of_slices():
    """Values, and derivatives forwards and in reverse, where the buffer, the place or both are batched; and twice."""
    buffers, places = jnp.linspace(-1.0, 1.0, 36).reshape(3, 12), jnp.array([0, 2, 11], jnp.int32)

    @functools.partial(jax.jit, static_argnums=2)
    def found(buffers, places, how):
        value = lambda x, at: moved(how, x, at)
        tangent = lambda x, at: jax.jvp(lambda x: value(x, at), (x,), (x**3,))
        batches = (
            ((0, None), (buffers, places[2])),
            ((None, 0), (buffers[0], places)),
            ((0, 0), (buffers, places)),
            ((1, None), (buffers.T, places[1])),
        )
        twice = jax.jvp(jax.grad(lambda x: value(x, places[1])), (buffers[0],), (buffers[1],))
        return [jax.vmap(f, axes)(*args) for f in (jax.grad(value), tangent) for axes, args in batches], twice

    for a, b in zip(*(jax.tree.leaves(found(buffers, places, how)) for how in (SLOTS, PLAIN)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
    beyond = write_slot(buffers, jnp.zeros((3, 4)), jnp.int32(11))  # moved to the last four
    np.testing.assert_array_equal(beyond, np.concatenate([buffers[:, :8], np.zeros((3, 4))], axis=1))


def decay(tau):
    """A hundred steps of `v <- v + (1 - v) (1 - exp(-1 / tau))`, within a branch, a `jit` and a custom derivative."""

    @jax.custom_jvp
    def relaxed(v, tau):
        one = jax.jit(lambda v, tau: v - (1.0 - v) * jnp.expm1(-1.0 / tau))
        return lax.cond(v[0] < 2.0, one, lambda v, _: jnp.sin(v), v, tau)

    relaxed.defjvp(lambda at, along: (relaxed(*at), 0.5 * along[0] + 0.25 * along[1]))

    def run(how):
        known = lambda: jax.nn.relu(jnp.exp(-1.0 / tau))  # with a derivative of its own, and early as a whole
        step = lambda v, t: (relaxed(v, tau) + t * known(), None)
        body, shapes = how(step, jnp.zeros_like(tau), jnp.float32(0))
        assert jax.tree.map(lambda x: x.shape, shapes) == (tau.shape, None)
        return lax.scan(body, jnp.zeros_like(tau), jnp.linspace(0.0, 0.1, 100))[0]

    return run


def as_it_is(step, *examples):
    return step, jax.eval_shape(step, *examples)


def test_what_a_loop_need_not_repeat():
    """XLA takes `exp(-1 / tau)` of every neuron in every step, since a constant is part of it."""
    loop = lambda how: in_loops(jax.jit(lambda tau: decay(tau)(how)).lower(jnp.ones(64)).compile().as_text())
    exponentials = lambda how: sum(" exponential-minus-one(" in line for line in loop(how))
    assert exponentials(as_it_is) > 0, "XLA no longer needs hoisted"
    assert exponentials(hoisted) == 0


def test_hoisted_values_and_derivatives_are_the_same():
    tau = jnp.linspace(1.0, 9.0, 64)
    total = lambda tau, how: jnp.sum(decay(tau)(how) ** 2)
    batch = lambda tau, how: jax.vmap(lambda tau: decay(tau)(how))(tau.reshape(4, 16))
    for of in (jax.value_and_grad(total), batch):
        a, b = of(tau, as_it_is), of(tau, hoisted)
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-6), a, b)
    number = lambda how: jax.jit(lambda tau: decay(tau)(how)).lower(jnp.ones(1)).as_text().count("exponential_minus")
    assert number(hoisted) == number(as_it_is)  # one number is left where it is: it costs nothing there


def test_words_of_random_streams_are_derived_once():
    """In a batch, a key is an array: its stream is mixed before the loop, and not again in every step."""

    def mixed(words):
        found = []

        def run(key):
            step = lambda v, t: (v + t + _random.stream(key, "drive")[0], None)
            body, _ = hoisted(step, jnp.uint32(0), jnp.uint32(1), words=words)
            found.append(str(jax.make_jaxpr(body)(jnp.uint32(0), jnp.uint32(1))).count(" xor "))
            return body(jnp.uint32(0), jnp.uint32(1))[0]

        return found, jax.jit(run)(jax.random.key(3))

    (inside, a), (early, b) = mixed(False), mixed(True)
    assert inside[0] > 20 and early[0] < 10 and a == b  # what is left leads nowhere: XLA removes it


def test_what_is_written_is_a_barrier_on_accelerators():
    """Only there, and the derivative is that of the identity."""
    text = lambda on: jax.jit(written).trace(jnp.ones(3)).lower(lowering_platforms=(on,)).as_text()
    assert "optimization_barrier" in text("tpu") and "optimization_barrier" not in text("cpu")
    np.testing.assert_array_equal(jax.grad(lambda x: jnp.sum(written(x) ** 2))(jnp.arange(3.0)), [0.0, 2.0, 4.0])


def test_a_kernel_is_of_a_card():
    """It is traced where it is compiled for one; where none is known XLA's way is taken; other errors are raised."""
    traced = []

    def gpu(x, *, size, error):
        traced.append(size)
        if error:
            raise RuntimeError(error)
        return [jnp.sin(x)]

    plain = lambda x, *, size, error: [jnp.cos(jnp.broadcast_to(x, (size, 4)))]
    made = kernel("test_tricks", plain, gpu, lambda error: (4,))

    def text(on, error=""):
        traced_for = jax.jit(lambda x: made(x, size=2, error=error)).trace(jnp.ones((2, 4)))
        return traced_for.lower(lowering_platforms=(on,)).as_text()

    assert "cosine" in text("cpu") and "cosine" in text("tpu") and traced == []
    assert "stablehlo.sine" in text("cuda") and traced == [2]
    assert "cosine" in text("cuda", "No supported GPU devices found")
    with pytest.raises(RuntimeError, match="another"):
        text("cuda", "another")
    x = jnp.arange(24.0).reshape(3, 2, 4)  # a batch of batches
    np.testing.assert_array_equal(jax.vmap(lambda x: made(x, size=2, error="")[0])(x), jnp.cos(x))
    shared = jax.vmap(lambda x: made(x, size=2, error="")[0], axis_size=3)(x[:, :1])
    np.testing.assert_array_equal(shared, jnp.broadcast_to(jnp.cos(x[:, :1]), (3, 2, 4)))


@pytest.mark.parametrize(("choice", "traced"), [(by_platform, 0), (lax.platform_dependent, 1)])
def test_what_accelerators_run_is_not_traced_for_a_cpu(choice, traced):
    """Batched twice, differentiated, closed over a value; a program for a GPU holds what is meant for it."""
    seen = []

    def elsewhere(x):
        seen.append(x)
        return {"y": jnp.sin(x)}

    def of(x, scale):
        return choice(x, cpu=lambda x: {"y": scale * x}, default=elsewhere)["y"]

    x = jnp.arange(6.0).reshape(2, 3)
    twice = jax.jit(jax.vmap(jax.vmap(of, (0, None)), (0, 0)))
    np.testing.assert_array_equal(twice(x, jnp.array([2.0, 3.0])), [[0.0, 2.0, 4.0], [9.0, 12.0, 15.0]])
    assert len(seen) == traced
    np.testing.assert_array_equal(of(x, 2.0), 2 * x)
    assert jax.grad(of)(1.0, 5.0) == 5.0
    texts = [jax.export.export(jax.jit(of), platforms=[device])(x, 2.0).mlir_module() for device in ("cpu", "cuda")]
    assert ["stablehlo.sine" in text for text in texts] == [False, True]
