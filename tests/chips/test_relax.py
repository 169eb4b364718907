"""Every chip that can be trained through: forward the program, backward the equations without rounding."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn as snn
from jaxsnn.neurons import EulerDecay
from tests.refused import refused

pytestmark = pytest.mark.unoptimised

CHIPS = {
    "xylo": snn.chips.xylo.XyloAudio2(),
    "spinnaker": snn.chips.spinnaker.SpiNNaker1(),
    "brainscales": snn.chips.brainscales.BrainScaleS2(),
    "one chip": snn.chips.brainscales.BrainScaleS2(chip=4),
}
STEPS, N_IN, KEY = 80, 12, jax.random.key(0)
RASTER = (np.random.default_rng(0).random((STEPS, N_IN)) < 0.15).astype(np.float32)


def network(reset, mean=0.06, sd=0.1):
    cell = snn.CubaLIF(tau=16.0, tau_syn=4.0, decay=EulerDecay(), reset_mechanism=reset)
    dense = dict(topology=snn.AllToAll(), via=snn.Dense(), delay=1.0)
    links = {
        "a": snn.Connection("in", "hid", **dense, weight=snn.Normal(mean, sd)),
        "b": snn.Connection("hid", "out", **dense, weight=snn.Normal(0.03, 0.06)),
    }
    populations = {"in": snn.SpikeSource(N_IN), "hid": snn.Population(cell, 14), "out": snn.Population(cell, 3)}
    return snn.network(dt=1.0, key=jax.random.key(1), populations=populations, projections=links)


@functools.cache
def program(chip):
    return snn.lower(network(_reset(chip)), CHIPS[chip]).program


def _reset(chip):
    return snn.resets.Subtract() if chip == "xylo" else snn.resets.ToValue()


def run(model, record=None):
    record = {"s": snn.Raster("hid"), "o": snn.Raster("out"), "v": snn.Trace("out.v")} if record is None else record
    drive = snn.Replay(RASTER, into="in")
    done = snn.simulate(model, drive, steps=STEPS, key=KEY, record=record, throw=False, progress=snn.progress.Quiet())
    return {name: np.asarray(done[name].dense() if name in "so" else done[name], np.float64) for name in record}


def moved(relaxed, by=1.7):
    """Weights off the whole numbers, by more than rounding."""
    rng = np.random.default_rng(2)
    for name, link in relaxed.synapses.items():
        noise = jnp.asarray(rng.normal(0.0, by, link.weight.shape), jnp.float32)
        relaxed = snn.set(relaxed, f"{name}.weight", link.weight + jnp.where(link.weight != 0, noise, 0.0))
    return relaxed


@pytest.mark.parametrize("chip", [*CHIPS])
def test_forward_is_the_program_that_it_rounds_to(chip):
    relaxed = moved(snn.lowering.relax(program(chip)), 0.02 * 65535 if chip == "spinnaker" else 1.7)
    ours, theirs = run(relaxed), run(relaxed.program)
    for name, x in theirs.items():
        assert np.array_equal(ours[name], x.astype(np.float32)), name
    before = run(program(chip))
    assert ours["s"].sum() > 40 and np.sum(before["v"] != theirs["v"]) > 50  # control: it did move
    snn.lowering.verify(relaxed.program, CHIPS[chip])


@pytest.mark.parametrize("chip", ["xylo", "spinnaker", "one chip"])
def test_gradients_are_those_of_the_membrane_without_rounding(chip):
    """Of a membrane that does not fire, by finite differences over many roundings of the program itself."""
    flat = snn.surrogates.Scaled(snn.surrogates.FastSigmoid(5.0), 0.0)  # or a reset that does not happen counts
    program = snn.lower(network(_reset(chip), mean=0.01, sd=0.01), CHIPS[chip]).program
    relaxed = snn.lowering.relax(program, surrogate=flat)
    name = next(name for name, link in relaxed.synapses.items() if link.group.pre == "in")
    weight = relaxed[name].weight
    index = np.flatnonzero(np.asarray(weight).reshape(-1))[:: max(1, weight.size // 40)][:40]
    at = jnp.zeros(weight.size).at[index].set(1.0).reshape(weight.shape)

    def last(shift):
        model = eqx.tree_at(lambda r: r[name].weight, relaxed, weight + shift * at)
        drive = snn.Replay(RASTER[:12], into="in")
        done = snn.simulate(model, drive, steps=12, key=KEY, record=snn.Last("hid.v"), throw=False)
        return jnp.sum(done.record)

    step = 0.05 * float(jnp.max(jnp.abs(weight)))
    slope = jax.jit(jax.grad(last))(0.0)
    value = jax.jit(last)
    by_differences = (value(step) - value(-step)) / (2 * step)
    assert abs(slope) > 0
    np.testing.assert_allclose(slope, by_differences, rtol=0.2 if chip == "xylo" else 0.1)  # which loses 1 at least


@pytest.mark.parametrize("chip", ["one chip", "xylo", "spinnaker"])
def test_training_through_a_chip_recovers_what_it_lost(chip):
    """Two patterns: weights of a wrong network are trained on the chip, and the program has the very same answers."""
    rng = np.random.default_rng(0)
    rates = np.where(rng.random((2, N_IN)) < 0.5, 0.05, 0.4)
    labels = jnp.arange(16) % 2
    x = jnp.asarray(rng.random((16, 30, N_IN)) < rates[np.asarray(labels)][:, None], jnp.float32)
    relaxed = snn.lowering.relax(program(chip))
    fit = snn.fit(
        relaxed,
        snn.BPTT(wrt="*.weight"),
        snn.CrossEntropy(snn.Count("out"), scale=0.5),
        snn.Replay(x, into="in"),
        labels,
        optimiser=optax.chain(optax.scale_by_adam(), optax.scale_by_param_block_rms(), optax.scale(-0.05)),
        epochs=12,
        batch=16,
        key=jax.random.key(3),
        progress=snn.progress.Quiet(),
    )

    def counts(model):
        one = lambda x: (
            snn.simulate(
                model, snn.Replay(x, into="in"), steps=30, key=KEY, record=snn.Count("out"), throw=False
            ).record
        )
        return np.asarray(jax.jit(jax.vmap(one))(x))

    loss = np.asarray(fit.history["loss"])
    assert loss[-1] < 0.7 * loss[0], loss
    assert np.array_equal(counts(fit.net), counts(fit.net.program))


def test_what_cannot_be_relaxed_is_named():
    cell = snn.chips.truenorth.LinearLeakIF(v_th=2.0)
    link = snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=1.0, delay=1.0)
    populations = {"in": snn.SpikeSource(3), "E": snn.Population(cell, 3)}
    net = snn.network(dt=1.0, key=KEY, populations=populations, projections={"w": link})
    with refused("which cannot be relaxed; expected InputCells, AnalogCells", "XyloSynapses"):
        snn.lowering.relax(snn.lower(net, snn.chips.truenorth.TrueNorth()).program)
    cells = {"in": snn.lowering.InputCounts(2), "E": snn.chips.xylo.XyloCells(2, 3, 2, 500, alias=[1, -1])}
    made = snn.chips.xylo.xylo_program(cells, {"w": snn.chips.xylo.XyloSynapses("in", "E", np.ones((2, 2)), most=15)})
    with refused("'E': XyloCells with aliases cannot be relaxed"):
        snn.lowering.relax(made)
