"""Law (f) on a CPU, bit for bit: how a run is cut, recorded, compiled or batched does not change its numbers."""

import functools
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxsnn as snn
from jaxsnn._xla import opaque
from tests.simulation.toys import KEY, STEPS, WATCHED, assert_same, differ, drive, run, toy

pytestmark = pytest.mark.unoptimised

# One run a point: a parameter, weights, delays and the graph all change.
POINTS = {
    "tau": jnp.array([10.0, 14.0, 6.0]),
    "weight": jnp.array([3.0, 5.0, 4.0]),
    "delay": jnp.array([0.5, 0.8, 0.3]),
    "seed": jnp.array([0, 1, 2]),
}


def point(i):
    return {name: values[i] for name, values in POINTS.items()}


def experiment(point):
    return snn.simulate(toy(**point), drive(), steps=STEPS, key=KEY, record=WATCHED, chunk=25).record


@functools.cache
def whole():
    """One run outside `jit`, in one chunk, on a graph built on the host: the reference of every comparison here."""
    reference = run()
    fired = np.asarray(reference["spikes"].dense()).sum()
    assert fired > 20 and np.asarray(reference["inhibition"]["count"]).sum() > 5  # or the laws would hold for silence
    return reference


@functools.cache
def alone():
    return jax.jit(experiment)


def test_chunks_and_a_bar_change_no_number():
    chunked = run(chunk=15, progress=snn.progress.Bar(patience=1e9))
    assert_same(chunked.record, whole().record)
    assert_same(chunked.state, whole().state)


def test_a_split_run_is_one_run_recorded_or_not():
    """Nothing is recorded in the first part: what is recorded cannot matter."""
    first = run(steps=15, chunk=15, record=None)
    second = run(steps=STEPS - 15, chunk=15, state=first.state)
    assert_same([second["v"], second["i"]], [whole()["v"][15:], whole()["i"][15:]])
    assert_same(second["spikes"].words, whole()["spikes"].words[15:])
    assert_same(second.state, whole().state)
    assert differ(run(steps=STEPS - 15, chunk=15).record, second.record)  # a run that forgot the first part


def test_one_compiled_program_is_as_good_as_calls():
    """Inside `jit` everything is traced: the graph has padding, and the chunks leave a remainder."""
    assert_same(alone()(point(0)), whole().record)


def test_what_a_program_runs_may_depend_on_nothing_of_it():
    """Inside `jit` with everything known: a part of the program all the same."""
    net = snn.network(dt=0.1, key=KEY, populations={"E": snn.Population(snn.LIF(bias=30.0), 2)})
    run = lambda: snn.simulate(net, steps=9, key=KEY, record=snn.Trace("E.v")).record
    assert_same(jax.jit(run)(), run())


def test_an_instance_of_a_batch_is_that_instance_alone():
    batch = jax.jit(jax.vmap(experiment))(POINTS)
    for i in range(3):
        assert_same(jax.tree.map(lambda x, i=i: x[i], batch), alone()(point(i)))
    assert differ(alone()(point(0)), alone()(point(1)))  # the points are different runs


def test_what_a_batch_shares_changes_no_number():
    """Only one parameter is batched, so that the graph is shared; and a batch of one is a batch."""
    axes = {name: 0 if name == "tau" else None for name in POINTS}
    one = jax.jit(jax.vmap(experiment, in_axes=(axes,)))({**point(2), "tau": POINTS["tau"][2:]})
    assert_same(jax.tree.map(lambda x: x[0], one), alone()(point(2)))


def test_the_key_decides():
    assert_same(run().record, whole().record)
    assert differ(run(key=jax.random.key(8)).record, whole().record)


OTHERWISE = "fusion_emitters=false" in os.environ.get("XLA_FLAGS", "")  # `conftest.py`
AS_USERS = {"xla_cpu_use_fusion_emitters": True} if OTHERWISE else None  # from which the numbers are to be hidden


def test_a_constant_is_as_good_as_an_argument():
    """`opaque` hides from the compiler that a parameter is a constant, which it would fold into other roundings."""

    def decay(hide):
        def run(taus, x):
            def step(xs, _):
                return [x + x * jnp.expm1(-0.1 / tau) for x, tau in zip(xs, hide(taus), strict=True)], None

            return lax.scan(step, [x] * len(taus), None, length=3)[0]

        return run

    taus, x = [jnp.float32(tau) for tau in np.linspace(1, 30, 40)[:16]], jnp.arange(9.0) + 0.7
    for hide, hidden in ((opaque, True), (lax.optimization_barrier, False)):  # XLA's own alone: the negative control
        as_arguments = jax.jit(decay(hide), compiler_options=AS_USERS)(taus, x)
        as_constants = jax.jit(lambda x, hide=hide: decay(hide)(taus, x), compiler_options=AS_USERS)(x)
        assert differ(as_arguments, as_constants) is not hidden
