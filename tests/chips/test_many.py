"""Many chips, and many precisions, are one program: a sweep of a thousand points traces its experiment once."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

bss = snn.chips.brainscales
MANY, STEPS, KEY = 1000, 30, jax.random.key(0)
QUIET = snn.progress.Quiet()
RASTER = jnp.asarray(np.random.default_rng(0).random((STEPS, 6)) < 0.3, jnp.float32)


@functools.cache
def network():
    cell = snn.CubaLIF(tau=8.0, tau_syn=4.0)
    dense: Any = dict(topology=snn.AllToAll(), via=snn.Dense(), delay=1.0)
    return snn.network(
        dt=1.0,
        key=jax.random.key(1),
        populations={"in": snn.SpikeSource(6), "E": snn.Population(cell, 5)},
        projections={"w": snn.Connection("in", "E", **dense, weight=snn.Normal(0.05, 0.05))},
    )


def outcome(program):
    record = {"v": snn.Trace("E.v", every=10), "n": snn.Count("E")}
    run = snn.simulate(program, snn.Replay(RASTER, into="in"), steps=STEPS, key=KEY, record=record, progress=QUIET)
    return {"v": run["v"].astype(jnp.float32), "n": run["n"]}


def swept(space, program):
    """The labelled result, and how often the experiment was traced."""
    traces = []

    def experiment(point, key):
        traces.append(point)
        return outcome(program(point))

    return snn.sweep(experiment, snn.product(space), key=KEY, progress=QUIET), len(traces)


def test_a_thousand_chips():
    base = snn.lower(network(), bss.BrainScaleS2()).program
    ds, traces = swept({"chip": snn.Whole(0, lo=0, hi=MANY - 1)}, lambda point: bss.on_chip(base, point["chip"]))
    assert traces == 1 and ds.v.shape == (MANY, 3, 5)
    alone = jax.jit(lambda chip: outcome(bss.on_chip(base, chip)))
    for chip in (0, 17, MANY - 1):
        one = alone(jnp.int32(chip))
        assert np.array_equal(ds.n[chip], one["n"])
        np.testing.assert_allclose(ds.v[chip], one["v"], rtol=1e-5, atol=1e-6)
    assert len(np.unique(np.asarray(ds.v)[:, 0, 0])) > 0.99 * MANY  # control: no two alike


def test_precisions_of_loihi():
    target = snn.chips.loihi.Loihi1()

    def program(bits):
        return snn.lower(network(), target, precision=snn.lowering.Precision(weight=bits, decay=12)).program

    ds, traces = swept({"bits": snn.Whole(8, lo=2, hi=8)}, lambda point: program(point["bits"]))
    assert traces == 1
    for bits in (2, 8):
        one = outcome(program(bits))
        assert np.array_equal(ds.n.sel(bits=bits), one["n"]) and np.array_equal(ds.v.sel(bits=bits), one["v"])
    assert np.abs(ds.v.sel(bits=2) - ds.v.sel(bits=8)).max() > 0  # control
