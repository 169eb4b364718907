"""A small network with everything that could make a run depend on how it is run, and a drive to go with it."""

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

STEPS = 60
KEY = jax.random.key(7)
RASTER = np.random.default_rng(3).random((STEPS, 11)) < 0.05


def toy(*, tau=10.0, weight=3.0, delay=0.5, seed=0):
    """Noisy neurons, a random graph with delays of one synapse each, a matrix, and a same-step edge."""
    cell = snn.LIF(tau=tau, v_th=10.0, v_reset=0.0, t_ref=1.0, noise=1.0)
    ports = {"in": snn.Delta(), "exc": snn.Exponential(5.0)}
    E = snn.Population(cell, 11, ports=ports, init={"v": snn.Uniform(0.0, 9.0)})
    I = snn.Population(snn.LIF(tau=5.0, v_th=10.0), 5)
    delays = delay + jnp.asarray(np.arange(55).reshape(5, 11) % 7 * 0.1, jnp.float32)
    return snn.network(
        dt=0.1,
        key=jax.random.key(seed),
        populations={"E": E, "I": I},
        projections={
            "EE": snn.Connection(
                "E", "E.exc", snn.FixedProb(0.4, most=0.5), weight=weight, delay=snn.Uniform(0.1, 1.2)
            ),
            "EI": snn.Connection("E", "I", snn.AllToAll(), via=snn.Dense(), weight=2.0),
            "IE": snn.Connection("I", "E.in", snn.AllToAll(), weight=-1.0, delay=delays, max_delay=1.5),
        },
    )


def drive(rate=6000.0):
    """Spikes, noise and a recording at once."""
    trains = snn.Poisson(rate, 1.5, into=("E.in", "I"), most=2.0)
    recorded = snn.Replay(jnp.asarray(RASTER), into="E.in", weight=2.0, start=0.0)  # absolute, for runs in two parts
    return trains + snn.NoiseCurrent(2.0, 1.0, into="E", every=0.3) + recorded


WATCHED = {
    "spikes": snn.Raster("E"),
    "v": snn.Trace("E.v"),
    "i": snn.Trace("E.exc.i"),
    "inhibition": {"count": snn.Count("I"), "v": snn.Last("I.v")},
}


def run(**changes):
    """A run of the toy: quiet, recorded, with the usual key."""
    what = (
        dict(model=toy(), drive=drive(), steps=STEPS, key=KEY, record=WATCHED, progress=snn.progress.Quiet()) | changes
    )
    return snn.simulate(what.pop("model"), what.pop("drive"), **what)


def assert_same(a, b):
    """Bit for bit, leaf by leaf."""
    a, b = jax.tree.leaves(a), jax.tree.leaves(b)
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


def differ(a, b):
    """Whether anything is another number."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return any(np.any(np.asarray(x) != np.asarray(y)) for x, y in pairs)
