"""Chips of the family: each a key, all with the statistics that were asked for."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.lowering import InputCells
from jaxsnn.neurons import EulerDecay
from jaxsnn.neurons.recursions import CurrentBeforeInput
from tests.refused import refused

bss = snn.chips.brainscales
N, SENDERS = 400, 60
CELL = snn.CubaLIF(
    tau=10.0, tau_syn=8.0, decay=EulerDecay(), recursion=CurrentBeforeInput(), gain=snn.gains.Resistance()
)
SPREAD = bss.Spread(0.05, 0.04, 3.0, 2.0, 1.5, 0.1, 0.06, 1.0)


def program(n=N, first=0, cell=CELL, weight=30.0):
    signs = np.where(np.arange(SENDERS) % 3 == 0, -1.0, 1.0)[:, None]
    cells = {
        "in": InputCells(SENDERS),
        "E": bss.AnalogCells(n, snn.Population(cell, n), per_weight=0.01, circuits=bss.Circuits(first)),
    }
    return bss.brainscales_program(
        cells, {"w": bss.AnalogSynapses.of("in", "E", "in", weight * signs * np.ones((1, n)))}
    )


BASE = program()


def numbers(chip, spread=SPREAD, of=BASE):
    """What deviates, each in units of its spread."""
    found = bss.on_chip(of, chip, spread)
    cells, synapses = found.cells["E"], found.synapses["w"]
    neuron, lsb = cells.population.neuron, float(cells.lsb)
    return {
        "tau_m": (neuron.tau / 10.0 - 1.0) / spread.tau_m,
        "tau_syn": (neuron.tau_syn / 8.0 - 1.0) / spread.tau_syn,
        "threshold": (neuron.v_th - 1.0) / lsb / spread.threshold,
        "leak": neuron.v_rest / lsb / spread.leak,
        "reset": neuron.v_reset / lsb / spread.reset,
        "excitation": (cells.exc - 1.0) / spread.efficacy,
        "inhibition": (cells.inh - 1.0) / spread.efficacy,
        "cadc": cells.offset / spread.cadc,
        "synapse": (synapses.factor - 1.0) / spread.synapse,
    }


def test_every_spread_is_what_was_asked():
    """Means and standard deviations within four standard errors, and no two quantities of a circuit alike."""
    found = {name: np.asarray(x).reshape(-1) for name, x in numbers(jax.random.key(5)).items()}
    for name, x in found.items():
        error = 1.0 / np.sqrt(x.size)
        assert abs(x.mean()) < 4 * error, name
        assert abs(x.std() - 1.0) < 4 * error / np.sqrt(2), name
    each = np.stack([x for name, x in found.items() if name != "synapse"])
    assert np.abs(np.corrcoef(each) - np.eye(len(each))).max() < 4.5 / np.sqrt(N)
    doubled = dataclasses.replace(SPREAD, threshold=6.0)
    twice = bss.on_chip(BASE, 5, doubled).cells["E"].population.neuron.v_th
    once = bss.on_chip(BASE, 5, SPREAD).cells["E"].population.neuron.v_th
    np.testing.assert_allclose(twice - 1.0, 2.0 * (once - 1.0), rtol=1e-4, atol=1e-6)


def test_a_key_is_a_chip_whatever_runs_on_it():
    one, again, other = numbers(7), numbers(jax.random.key(7)), numbers(8)
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert all(np.abs(one[name] - other[name]).max() > 0.5 for name in one)
    shifted = numbers(7, of=program(100, first=50))  # the same circuits under another program
    for name, x in shifted.items():
        np.testing.assert_array_equal(x, one[name][..., 50:150], err_msg=name)
    excites, inhibits = np.asarray(one["synapse"])  # the row of the other sign has synapses of its own
    assert abs(np.corrcoef(excites.ravel(), inhibits.ravel())[0, 1]) < 4 / np.sqrt(excites.size)
    worth = np.asarray(bss.on_chip(BASE, 7, SPREAD).synapses["w"].worth)
    pattern = 1.0 + SPREAD.synapse * np.where(np.arange(SENDERS)[:, None] % 3 == 0, inhibits, excites)
    np.testing.assert_allclose(np.abs(worth) / 30.0, pattern, rtol=1e-5)


def test_chips_by_vmap_are_the_chips_one_by_one():
    """A thousand chips are one program; here five, and what each does."""
    small = program(8)
    x = snn.Replay((np.random.default_rng(0).random((60, SENDERS)) < 0.2).astype(np.float32), into="in")

    def spikes(chip):
        chip = bss.on_chip(small, chip, SPREAD, bss.Noise())
        record = {"n": snn.Count("E"), "v": snn.Trace("E.v")}
        run = snn.simulate(chip, x, steps=60, key=jax.random.key(1), record=record, progress=snn.progress.Quiet())
        return run["n"], run["v"]

    seeds = jnp.arange(5)
    counts, v = jax.jit(jax.vmap(spikes))(seeds)
    alone = jax.jit(spikes)
    for k in (0, 4):
        one = alone(seeds[k])
        assert np.array_equal(counts[k], one[0])
        np.testing.assert_allclose(v[k], one[1], rtol=1e-5, atol=1e-5)
    assert counts.sum() > 100 and len({tuple(each) for each in np.asarray(counts)}) > 1


def test_noise_is_what_was_asked_and_another_in_every_run():
    """Of a membrane without input, in LSB, after it has settled; 400 neurons, 40 times far apart."""
    steps = 41 * 40

    def resting(noise, key):
        cells = {"E": bss.AnalogCells(N, snn.Population(CELL, N, ports={}), noise=noise)}
        record = {"v": snn.Trace("E.v", every=40)}
        run = snn.simulate(
            bss.brainscales_program(cells, {}), steps=steps, key=key, record=record, progress=snn.progress.Quiet()
        )
        return np.asarray(run["v"])[1:] * 45.0

    v = resting(2.0, jax.random.key(0))
    assert abs(v.std() / 2.0 - 1.0) < 4 / np.sqrt(2 * v.size) + 0.01 and abs(v.mean()) < 0.1
    assert not np.array_equal(v, resting(2.0, jax.random.key(1)))
    cells = bss.on_chip(BASE, 0, SPREAD, bss.Noise(0.0, 3.0)).cells["E"]
    read = np.asarray(cells.cadc(jnp.full((500, N), 0.5), key=jax.random.key(2)))
    assert abs(read.std(axis=0).mean() / np.sqrt(9.0 + 1 / 12) - 1.0) < 0.02
    assert np.abs(read.mean(axis=0) - (80.0 + 22.5 + np.asarray(cells.offset))).max() < 4.5 * 3.0 / np.sqrt(500) + 0.05
    assert np.array_equal(cells.cadc(jnp.full(N, 99.0)), np.full(N, 255)) and cells.cadc(jnp.full(N, -99.0)).max() == 0


def test_sensors_accumulate_pairs_of_nearest_spikes():
    """Against every pair, one by one, in NumPy; the spikes themselves are those of the program without sensors."""
    rng = np.random.default_rng(3)
    x, steps = (rng.random((80, 5)) < 0.2).astype(np.float32), 80
    tau = rng.uniform(3.0, 9.0, (5, 4)).astype(np.float32)
    cells = {"in": InputCells(5), "E": bss.AnalogCells(4, snn.Population(CELL, 4), per_weight=0.01)}
    weight = rng.integers(20, 60, (5, 4))

    def run(sensors):
        link = bss.AnalogSynapses.of("in", "E", "in", weight, sensors=sensors)
        record = {"E": snn.Raster("E")} | ({"c": snn.Last("w.causal"), "a": snn.Last("w.acausal")} if sensors else {})
        made, drive = bss.brainscales_program(cells, {"w": link}), snn.Replay(x, into="in")
        return snn.simulate(made, drive, steps=steps, key=jax.random.key(0), record=record), made

    (done, made), (plain, _) = run(bss.Sensors(0.5, tau)), run(None)
    z = np.asarray(done["E"].dense())
    assert np.array_equal(z, np.asarray(plain["E"].dense())) and z.sum() > 20
    causal, acausal = np.zeros((5, 4)), np.zeros((5, 4))
    for i, j in np.ndindex(5, 4):
        arrivals, fires = np.flatnonzero(x[:, i]) + 1, np.flatnonzero(z[:, j])
        for t in fires:
            if (earlier := arrivals[arrivals <= t]).size:
                causal[i, j] += 0.5 * np.exp(-(t - earlier[-1]) / tau[i, j])
        for t in arrivals[arrivals < steps]:
            if (earlier := fires[fires < t]).size:
                acausal[i, j] += 0.5 * np.exp(-(t - earlier[-1]) / tau[i, j])
    np.testing.assert_allclose(done["c"], causal, rtol=1e-4)
    np.testing.assert_allclose(done["a"], acausal, rtol=1e-4)
    assert np.array_equal(bss.reading(jnp.asarray([0.4, 300.0, 7.6])), [0, 255, 8])
    spread = bss.on_chip(made, 1).synapses["w"].sensors
    assert spread.tau.shape == (5, 4) and np.abs(spread.tau / tau - 1.0).std() > 0.05
    with refused("with sensors have a delay"):
        dataclasses.replace(made.synapses["w"], max_delay=1)


def test_what_is_no_chip_is_refused():
    with refused("expected a Program"):
        bss.on_chip(CELL, 0)
    with refused("Got chip = -1"):
        bss.on_chip(BASE, -1)
    with pytest.raises(ValueError, match=r"Spread.tau_m is -0.1.*expected at least 0"):
        bss.Spread(tau_m=-0.1)
    with refused("the port 'out', which 'E' does not have; it has in"):
        one = bss.AnalogSynapses.of("in", "E", "out", np.ones((SENDERS, N)))
        bss.brainscales_program(dict(BASE.cells), {"w": one})
    with refused("have ports ['in']; expected none"):
        bss.AnalogCells(4, snn.Population(CELL, 4), ports={"in": 1.0})
