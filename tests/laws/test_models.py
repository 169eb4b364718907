"""Laws (a), (b), (c): `vmap` is the thing itself, states keep shape and type, `jit` changes nothing, one trace."""

from operator import itemgetter

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.laws.registry import DRIVES, DT, NEURONS, PORTS, RELEASES, N, feed, neuron_step, port_step

SCALES = (1, 1.5, np.float32(1.1), np.float64(0.9))  # whatever kind of number a user has at hand


def neuron_steps(neuron, s, x):
    """A step in either order, the second one beside a conductance."""
    s, first = neuron_step(neuron, s, x)
    s, second = neuron_step(neuron, s, x, late=True, slope=True)
    return s, (first, second)


def port_steps(port, s, x):
    """A step beside a linear membrane, and one beside a nonlinear one."""
    s, first = port_step(port, s, x.jump, x.noise, jnp.asarray(5.0))
    s, second = port_step(port, s, x.jump, x.noise, None)
    return s, (first, second)


def release_steps(release, s, x):
    """A step in which some fire, and one in which nobody does."""
    s, first = release.step(s, jnp.where(x.jump == 0, 1.0, 0.0), DT)
    s, second = release.step(s, jnp.zeros_like(x.jump), DT)
    return s, (first, second)


MODELS = {
    **{name: (make, neuron_steps) for name, make in NEURONS.items()},
    **{n: (m, port_steps) for n, m in PORTS.items()},
    **{n: (m, release_steps) for n, m in RELEASES.items()},
}


def inputs(dtype):
    return jax.tree.map(lambda x: jnp.asarray(x[0]), feed(dtype))


def shape_and_type(leaf):
    return leaf.shape, leaf.dtype.name


def assert_near(a, b, ulp=4):
    """Within a few units in the last place of the largest number of an array."""

    def check(a, b):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype and a.shape == b.shape
        if np.issubdtype(a.dtype, np.floating):
            assert np.all(np.abs(a - b) <= ulp * np.finfo(a.dtype).eps * np.abs(b).max())
        else:
            np.testing.assert_array_equal(a, b)

    jax.tree.map(check, a, b)
    assert jax.tree.structure(a) == jax.tree.structure(b)


@pytest.mark.parametrize("name", MODELS)
def test_one_neuron_is_all_of_them(name):
    """(a) Mapped over neurons, (b) jitted or not, (c) with any numbers, one for all or one each: two programs."""
    make, steps = MODELS[name]
    model, each, x = make(1.0), make(1.0 + 0.1 * np.arange(N)), inputs("float32")
    jitted = eqx.filter_jit(eqx.debug.assert_max_traces(steps, max_traces=2))  # one number for all, one number each
    s = jitted(model, model.init((N,), jnp.float32), jax.tree.map(jnp.negative, x))[0]  # a state that is not silent

    assert_near(steps(model, s, x), jitted(model, s, x))
    whole = jitted(each, s, x)
    for i in (0, N - 1):  # neuron i of many is the neuron that has the numbers of i
        alone = jitted(make(1.0 + 0.1 * i), s, x)
        assert_near(*(jax.tree.map(itemgetter(i), out) for out in (alone, whole)))
    for u in SCALES:  # one more trace would be an error here
        jitted(make(u), s, x)

    axes = (lambda leaf: 0 if eqx.is_array(leaf) and leaf.ndim else None, 0, 0)
    jax.tree.map(np.testing.assert_array_equal, eqx.filter_jit(eqx.filter_vmap(steps, in_axes=axes))(each, s, x), whole)


@pytest.mark.parametrize("name", MODELS)
def test_shape_and_type_never_change(name, dtype):
    """(b) Whatever a step touches has the type of this run's floats, or is a counter; the state stays alike."""
    make, steps = MODELS[name]
    model, x = make(1.0), inputs(dtype)
    s = model.init((N,), dtype)
    out = eqx.filter_eval_shape(steps, model, s, x)
    assert jax.tree.map(shape_and_type, out[0]) == jax.tree.map(shape_and_type, s)
    assert all(shape_and_type(leaf) in (((N,), dtype), ((N,), "int32")) for leaf in jax.tree.leaves(out))


def test_a_number_that_is_no_leaf_is_traced_again():
    """Control of (c): the same law fails for a neuron whose parameter is a plain Python float."""

    class Careless(snn.Parrot):
        tau: float = 1.0

        def advance(self, s, current, dt, *, noise=None):
            return s._replace(v=s.v * self.tau)

    jitted, x = eqx.filter_jit(eqx.debug.assert_max_traces(neuron_steps, max_traces=1)), inputs("float32")
    s = Careless().init((N,), jnp.float32)
    jitted(Careless(1.0), s, x)
    with pytest.raises(RuntimeError, match=r"[Tt]race"):
        jitted(Careless(2.0), s, x)


# --- drives -----------------------------------------------------------------------------------------------------------


def small_network():
    cell = snn.Population(snn.LIF(), N)
    return snn.network(dt=DT, key=jax.random.key(0), populations={"P": cell, "Q": cell})


def drive_step(drive, d, t, key):
    silent = snn.simulation.Signals({"P": jnp.zeros(N), "Q": jnp.zeros(N)}, {})
    return drive.prepare(small_network(), 0).step(d, t, silent, key=key)


@pytest.mark.parametrize("name", DRIVES)
def test_drives(name, dtype):
    """One trace serves all numbers of a drive; its state stays alike; what it feeds has this run's type of floats."""
    make, key, t = DRIVES[name], jax.random.key(3), jnp.int32(30)
    d = make(1.0).init(key=key)
    jitted = eqx.filter_jit(eqx.debug.assert_max_traces(drive_step, max_traces=1))
    for u in SCALES:
        after, inputs = jitted(make(u), d, t, key)
        assert jax.tree.map(shape_and_type, after) == jax.tree.map(shape_and_type, d)
        fed = jax.tree.leaves(inputs)
        assert all(shape_and_type(x) == ((N,), dtype) for x in fed)
        assert name == "Silence" or any(np.any(x) for x in fed)
