"""Resonate-and-fire neurons as resonators of Loihi 2: as the model, as an oracle bit for bit, proved, or refused."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.lowering import rounded_network, spike_agreement
from tests.chips.refusals import KEY, taken
from tests.refused import refused

TARGET = snn.chips.loihi.Loihi2()
FIRINGS = {"phase": snn.neurons.AtPhaseZero(), "threshold": snn.neurons.AtThreshold()}
STEPS, SENDERS, N = 500, 12, 20
RASTER = (np.random.default_rng(0).random((STEPS, SENDERS)) < 0.15).astype(np.float32)


def cell(firing="phase", **numbers):
    periods = np.random.default_rng(1).uniform(6.0, 30.0, N)
    return snn.neurons.ResonateAndFire(
        **{"period": periods, "tau": 15.0, "v_th": 0.8, **numbers}, firing=FIRINGS[firing]
    )


def network(neuron=None, *, order=None, ports=None, init=None, **more):
    """Inputs of both signs and several delays, and resonators that reach each other and a LIF."""
    rng = np.random.default_rng(2)
    neuron = cell() if neuron is None else neuron
    weight = rng.integers(-48, 65, (SENDERS, N)) / 128
    resonators = snn.Population(neuron, N, ports={"in": snn.Delta()} if ports is None else ports, init=init or {})
    links = {
        "S": snn.Connection("in", "R", snn.AllToAll(), weight=weight, delay=snn.Uniform(1.0, 4.0)),
        "back": snn.Connection("R", "R", snn.FixedProb(0.2), weight=0.0625, delay=2.0),
        "T": snn.Connection("R", "L", snn.AllToAll(), via=snn.Dense(), weight=0.25, delay=1.0),
        **more,
    }
    populations = {"in": snn.SpikeSource(SENDERS), "R": resonators, "L": snn.Population(snn.LIF(tau=9.0, v_th=1.0), 4)}
    return snn.network(dt=1.0, key=KEY, populations=populations, projections=links, order=order)


def run(model, record, raster=RASTER):
    drive = snn.Replay(jnp.asarray(raster), into="in")
    what = dict(steps=len(raster), key=KEY, throw=False, progress=snn.progress.Quiet())
    return snn.simulate(model, drive, record=record, **what)


@functools.cache
def lowered(firing):
    return snn.lower(network(cell(firing)), TARGET, calibrate=snn.Replay(jnp.asarray(RASTER), into="in"))


# --- as the model -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("firing", FIRINGS)
def test_it_fires_as_the_model_does(firing):
    """Spikes of 20 cells of as many periods, recurrent, in the very step. Controls: the other kind, other numbers."""
    program, _, report = lowered(firing)
    kind = snn.chips.loihi.ResonatorCells if firing == "phase" else snn.chips.loihi.IzhikevichResonatorCells
    assert type(program.cells["R"]) is kind
    snn.lowering.verify(program, TARGET)
    assert report.data["agreement"]["R"]["rate of the model Hz"] > 20
    assert report.data["agreement"]["R"]["coincidence"] > 0.98  # within a step
    spikes = lambda model: np.asarray(run(model, snn.Raster("R")).record.dense())
    mine = spikes(program)
    assert spike_agreement(mine, spikes(network(cell(firing))), within=0).coincidence > 0.96
    other = cell("threshold" if firing == "phase" else "phase")
    for wrong in (other, cell(firing, period=1.1 * cell().period), cell(firing, tau=7.5)):
        assert spike_agreement(mine, spikes(network(wrong)), within=0).coincidence < 0.7


@pytest.mark.parametrize("firing", FIRINGS)
def test_every_register_of_every_step_is_the_oracles(firing):
    """Lava's two lines in NumPy int64, one step at a time, from the program's numbers; a bit less in a sine differs."""
    program = lowered(firing).program
    c = program.cells["R"]
    record = {"real": snn.Trace("R.real"), "imag": snn.Trace("R.imag"), "s": snn.Raster("R")}
    ours = run(program, record)
    sent = {"in": RASTER.astype(np.int64), "R": np.asarray(ours["s"].dense()).astype(np.int64)}
    arrives = np.zeros((STEPS + 64, 2 * N), np.int64)
    for name in ("S", "back"):
        group = program.synapses[name]
        start, delay = np.asarray(group.start), np.broadcast_to(np.asarray(group.delay), group.weight.shape)
        sender = np.repeat(np.arange(len(start) - 1), np.diff(start))
        for d in np.unique(delay):  # what comes by one delay in a step is summed, then shifted
            of, spikes = delay == d, sent[group.pre]
            for t in range(STEPS):
                total = np.zeros(2 * N, np.int64)
                np.add.at(total, np.asarray(group.receiver)[of], spikes[t, sender[of]] * np.asarray(group.weight)[of])
                arrives[t + 1 + d] += total << int(group.exponent)

    def walk(sin):
        times = lambda x, f: np.sign(x) * np.sign(f) * ((np.abs(x) * np.abs(f)) >> 15)
        real, imag, rows = np.zeros(N, np.int64), np.zeros(N, np.int64), []
        cos, threshold = np.asarray(c.cos, np.int64), int(c.threshold)
        for t in range(STEPS):
            a, b = arrives[t, :N] << 6, arrives[t, N:] << 6
            before = imag
            real, imag = times(real, cos) - times(imag, sin) + a, times(real, sin) + times(imag, cos) + b
            fires = (real >= threshold) & (imag >= 0) & (before < 0) if firing == "phase" else imag >= threshold
            if firing == "threshold":
                real, imag = np.where(fires, 0, real), np.where(fires, threshold - 1, imag)
            rows.append((real, imag, fires))
        return [np.array(x) for x in zip(*rows, strict=True)]

    sin = np.asarray(c.sin, np.int64)
    real, imag, fires = walk(sin)
    assert int(c.bits) == 15 and int(c.state_exponent) == 6 and int(ours.status) == 0
    np.testing.assert_array_equal(ours["s"].dense(), fires)
    np.testing.assert_array_equal(ours["real"], real)
    np.testing.assert_array_equal(ours["imag"], imag)
    assert np.abs(real).max() > 2**21 and fires.sum() > 100
    assert np.mean(walk(sin - 1)[0] != real) > 0.9


# --- what is rounded, proved and reported -----------------------------------------------------------------------------


def test_registers_hold_what_resonates():
    """Without calibration all is proved; the worst input comes near the bound, which no input exceeds.

    Control: what arrives in a step alone, which a leaky cell's register would have to hold, is exceeded many times.
    """
    made = snn.lower(network(), TARGET)
    bound = snn.lowering.bounds(made.program)["R"]
    assert all(one.proved for one in bound.values())
    weight = np.asarray(network().projections["S"].weight).reshape(SENDERS, N)
    periods = np.asarray(cell().period)
    loudest = int(np.argmax(np.abs(weight).sum(axis=0)))  # driven in step with its turns: up, then down
    phase = np.cos(2.0 * np.pi * np.arange(STEPS) / periods[loudest])
    raster = np.where(phase[:, None] > 0, weight[:, loudest] > 0, weight[:, loudest] < 0).astype(np.float32)
    out = run(made.program, {"real": snn.Trace("R.real"), "imag": snn.Trace("R.imag")}, raster)
    most = max(np.abs(np.asarray(out[name])).max() for name in ("real", "imag"))
    assert int(out.status) == 0
    assert 0.2 * bound["real"].high < most < bound["real"].high
    assert most > 3 * 64 * bound["input"].high
    cells = made.program.cells["R"]
    again = eqx.tree_at(lambda c: c.state_exponent, cells, jnp.int32(7))  # twice as loud: no longer proved, and told
    louder = eqx.tree_at(lambda p: p.cells["R"], made.program, again)
    assert not snn.lowering.bounds(louder)["R"]["real"].proved


def test_the_bound_of_hand_written_resonators_holds():
    """Whatever their numbers: all senders at once, in either sign, for as long as a turn takes; and resets count."""
    rng = np.random.default_rng(5)
    kinds = snn.chips.loihi.ResonatorCells, snn.chips.loihi.IzhikevichResonatorCells
    for kind, bits in (*zip(kinds, (6, 15), strict=True), (kinds[1], 12)):
        turn = snn.chips.loihi.resonator_coefficients(rng.uniform(3.0, 20.0, 4), rng.uniform(0.02, 0.3, 4), bits)
        cells = kind(4, **turn, threshold=40_000, state_exponent=3)
        link = snn.chips.loihi.Synapses("in", "R", 2 * rng.integers(-60, 61, (5, 8)), exponent=1)
        program = snn.chips.loihi.program({"in": snn.lowering.InputCells(5), "R": cells}, {"S": link})
        bound = snn.lowering.bounds(program)["R"]
        raster = (rng.random((200, 5)) < rng.choice([0.0, 1.0], (200, 1))).astype(np.float32)
        out = run(program, {"real": snn.Trace("R.real"), "imag": snn.Trace("R.imag")}, raster)
        for name in ("real", "imag"):
            x = np.asarray(out[name])
            assert bound[name].low <= x.min() and x.max() <= bound[name].high
    still = snn.chips.loihi.ResonatorCells(2, sin=0, cos=4096)  # which keeps all that comes
    program = snn.chips.loihi.program({"R": still}, {})
    assert snn.lowering.bounds(program)["R"]["real"].high == np.inf


def test_bits_of_a_turn():
    """A sweep over bits is one program; the fewer, the less it agrees; what no register has is in the status."""
    net, record = network(), snn.Raster("R")
    theirs = run(net, record).record.dense()

    @jax.jit
    def agrees(bits):
        program = snn.lower(net, TARGET, precision=snn.lowering.Precision(decay=bits)).program
        out = run(program, record)
        return spike_agreement(out.record.dense(), theirs).coincidence, out.status

    found = [agrees(jnp.int32(bits))[0] for bits in (4, 8, 12)]
    assert found[0] < 0.8 < 0.95 < found[2] and found[0] < found[1] <= found[2] + 0.01
    assert int(agrees(jnp.int32(17))[1]) != 0
    with refused("turns by less in a step than 4 bits"):
        snn.lower(network(cell(period=200.0)), TARGET, precision=snn.lowering.Precision(decay=4))


def test_losses_are_told():
    data = lowered("phase").report.data
    told = data["cells"]["R"]
    assert 0 < told["period, largest relative error"] < 1e-3 and 0 < told["decay, largest relative error"] < 1e-2
    coarse = snn.lower(network(), TARGET, precision=snn.lowering.Precision(decay=8)).report.data["cells"]["R"]
    assert coarse["period, largest relative error"] > 10 * told["period, largest relative error"]
    fastest = snn.lower(network(cell(period=2.0)), TARGET).report.data["cells"]["R"]  # half a turn a step
    assert fastest["period, largest relative error"] < 1e-3
    assert "R: 20 cells" in str(lowered("phase").report) and "imag: " in str(lowered("phase").report)
    assert data["chip"]["cores"] == 2


def test_a_slow_decay_is_still_one():
    """Nearest numbers of a size of 1 or more would grow for ever; those cut toward zero do not."""
    slow = cell(period=np.linspace(4.0, 40.0, N), tau=300_000.0)
    c = snn.lower(network(slow), TARGET).program.cells["R"]
    size = np.asarray(c.sin, np.int64) ** 2 + np.asarray(c.cos, np.int64) ** 2
    assert np.all(size < 4**15)
    angle = 2.0 * np.pi / np.linspace(4.0, 40.0, N)
    near = [np.round(2.0**15 * np.exp(-1 / 300_000.0) * f(angle)).astype(np.int64) for f in (np.sin, np.cos)]
    assert np.any(near[0] ** 2 + near[1] ** 2 >= 4**15)  # control


def test_room_on_a_core_counts_both_inlets():
    """Inputs reach a resonator through two accumulators, so that half as many fit where delays are long."""
    small = snn.chips.loihi.Loihi2(accumulators=160)
    alike = lambda neuron: snn.lower(network(neuron), small).graph.placement.cores
    count = lambda cores: sum(core.group == "R" for core in cores)
    assert count(alike(cell())) == 2 * count(alike(snn.LIF(tau=9.0, v_th=1.0)))


# --- a network again, a file, and training ----------------------------------------------------------------------------


@pytest.mark.parametrize("firing", FIRINGS)
def test_what_is_stored_as_a_network(firing):
    made = lowered(firing)
    rounded = rounded_network(made.graph, TARGET)
    neuron = rounded.populations["R"].neuron
    np.testing.assert_allclose(neuron.period, cell().period, rtol=1e-3)
    np.testing.assert_allclose(neuron.tau, 15.0, rtol=1e-2)
    assert type(neuron.firing) is type(FIRINGS[firing])
    program = made.program
    mine, theirs = (np.asarray(run(model, snn.Raster("R")).record.dense()) for model in (program, rounded))
    assert spike_agreement(mine, theirs).coincidence > 0.995  # closer than the model, whose numbers are not rounded
    model = np.asarray(run(network(cell(firing)), snn.Raster("R")).record.dense())
    assert spike_agreement(mine, model).coincidence < spike_agreement(mine, theirs).coincidence


def test_a_file_has_them(tmp_path):
    program = lowered("threshold").program
    snn.lowering.save_program(program, tmp_path / "r.npz")
    same = snn.lowering.load_program(tmp_path / "r.npz")
    assert eqx.tree_equal(program, same)
    with refused("'R' is IzhikevichResonatorCells", "Loihi1 does not have"):
        snn.lowering.verify(same, snn.chips.loihi.Loihi1())


@pytest.mark.parametrize("firing", FIRINGS)
def test_trained_through_the_integers(firing):
    """Forward it is the program, moved off whole numbers too; a derivative is that of the program by differences."""
    program = lowered(firing).program
    relaxed = snn.lowering.relax(program)
    rng = np.random.default_rng(3)
    for path, by in (("R.sin", 20.0), ("R.cos", 20.0), ("R.threshold", 1e4), ("S.weight", 1.5)):
        x = snn.get(relaxed, path)
        relaxed = snn.set(relaxed, path, x + jnp.asarray(rng.normal(0.0, by, x.shape), x.dtype))
    record = {"real": snn.Trace("R.real"), "imag": snn.Trace("R.imag"), "s": snn.Raster("R")}
    ours, theirs, before = (run(model, record) for model in (relaxed, relaxed.program, program))
    for name in ("real", "imag"):
        np.testing.assert_array_equal(ours[name], np.asarray(theirs[name], np.float32))
    np.testing.assert_array_equal(ours["s"].dense(), theirs["s"].dense())
    assert np.mean(np.asarray(before["real"]) != np.asarray(theirs["real"])) > 0.5  # control: it did move

    flat = snn.surrogates.Scaled(snn.surrogates.FastSigmoid(5.0), 0.0)
    quiet = eqx.tree_at(lambda p: p.cells["R"].threshold, program, jnp.int32(2**23 - 1))
    silent = snn.lowering.relax(quiet, surrogate=flat)

    def last(shift):
        model = eqx.tree_at(lambda r: r["R"].sin, silent, silent["R"].sin + shift)
        return jnp.sum(run(model, snn.Last("R.imag"), RASTER[:40]).record)

    slope = jax.jit(jax.grad(last))(0.0)
    value = jax.jit(last)
    np.testing.assert_allclose(slope, (value(64.0) - value(-64.0)) / 128.0, rtol=0.02)
    assert abs(slope) > 0

    def spikes(weight):
        model = eqx.tree_at(lambda r: r["S"].weight, relaxed, weight)
        return jnp.sum(run(model, snn.Count("R"), RASTER[:80]).record)

    slopes = np.asarray(jax.jit(jax.grad(spikes))(relaxed["S"].weight))
    assert np.all(np.isfinite(slopes)) and np.mean(slopes != 0) > 0.5


# --- what is refused --------------------------------------------------------------------------------------------------


class Sideways(snn.neurons.AtThreshold):
    """Fires by the other part."""

    def meets(self, s, v_th):
        return jnp.ones(jnp.shape(s.u), bool), s.u - v_th


def test_what_a_resonator_cannot_be_is_refused_by_name():
    rule = snn.chain(snn.PairSTDP(), snn.Bound(0.0, 1.0))
    learns = snn.Connection("in", "R", snn.AllToAll(), weight=0.5, delay=1.0, rule=rule)
    said = {
        "ResonateAndFire becomes ResonatorCells, which Loihi1 does not have; use Loihi2(), or a LIF": (
            taken(network(), snn.chips.loihi.Loihi1())
        ),
        "arrivals act after the threshold; use NestOrder": taken(network(order=snn.BrianOrder()), TARGET),
        "port 'in' is Exponential, and inputs of a resonator of the chip are jumps; use Delta": taken(
            network(ports={"in": snn.Exponential(2.0)}), TARGET
        ),
        "initial value of 'v', and resonators of the chip start at 0": taken(network(init={"v": 0.1}), TARGET),
        "ResonateAndFire.tau is inf ms": taken(network(cell(tau=np.inf)), TARGET),
        "ResonateAndFire.firing is Sideways": taken(
            network(snn.neurons.ResonateAndFire(10.0, 15.0, 0.8, Sideways())), TARGET
        ),
    }
    for words, why in said.items():
        assert why is not None and words in why and "'R'" in why, (words, why)
    with refused("'learns' learns into resonators", "net.frozen()"):
        snn.lower(network(learns=learns), TARGET)
    kept = snn.lower(network(learns=learns).frozen(), TARGET)  # control
    assert kept.program.synapses["learns"].shape == (SENDERS, 2 * N)
