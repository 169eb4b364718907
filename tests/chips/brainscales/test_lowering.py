"""Networks on BrainScaleS-2: the float model bit for bit where nothing is limited, what limits do, what is refused."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.lowering.graph import Facts
from jaxsnn.networks.order import BeforeThreshold
from jaxsnn.neurons import EulerDecay
from jaxsnn.neurons.recursions import CurrentBeforeInput, DecayingCurrent
from tests.refused import refused

bss = snn.chips.brainscales
STEPS, KEY = 200, jax.random.key(0)
IDEAL = bss.BrainScaleS2(weight_bits=None, range=False)
GROUP = snn.CubaLIF(
    tau=10.0, tau_syn=8.0, decay=EulerDecay(), recursion=CurrentBeforeInput(), gain=snn.gains.Resistance()
)
EXACT = dataclasses.replace(GROUP, recursion=DecayingCurrent(), decay=snn.neurons.ExactDecay())
TWO = {"exc": snn.Exponential(5.0), "inh": snn.Exponential(9.0)}
ADEX = dict(c=200.0, g_l=10.0, e_l=-70.0, v_t=-50.0, v_peak=-30.0, v_reset=-58.0, a=2.0, b=60.0, tau_w=30.0)
CELLS = {
    "group": snn.Population(GROUP, 12),
    "exact": snn.Population(EXACT, 12),
    "lif": snn.Population(snn.LIF(tau=12.0, v_th=1.0, t_ref=3.0), 12, ports=TWO),
    "adex": snn.Population(snn.AdEx(**ADEX), 12, ports={"p": snn.Exponential(5.0)}),
    "cuba": snn.Population(bss.CubaAdEx(delta=0.2, v_t=0.6, tau_w=40.0, a=0.1, b=0.1, t_ref=2.0), 12),
    "read": snn.Population(snn.LI(tau=15.0), 4, ports={"p": snn.Exponential(6.0)}),
}  # fmt: skip
GAIN = {"adex": 300.0}


def network(cells=CELLS, order=None, delay=1.0):
    """An input to every group, by two ports where there are two; and all to the read-out, one after the other."""
    dense = dict(topology=snn.AllToAll(), via=snn.Dense(), delay=delay)
    links = {}
    for name, cell in cells.items():
        if name == "read":
            links["group-read"] = snn.Connection("group", "read", **dense, weight=snn.Normal(0.0, 0.1))
            continue
        for k, port in enumerate(cell.ports):
            mean = GAIN.get(name, 0.35) * (1 if k == 0 else -0.2)
            both = len(cell.ports) > 1
            weight = snn.Uniform(*sorted((0.2 * mean, mean))) if both else snn.Normal(mean, 0.6 * abs(mean))
            links[f"in-{name}-{port}"] = snn.Connection("in", f"{name}.{port}", **dense, weight=weight)
    populations = {"in": snn.SpikeSource(10), **cells}
    return snn.network(dt=1.0, key=jax.random.key(2), populations=populations, projections=links, order=order)


def drive(rate=0.15):
    return snn.Replay((np.random.default_rng(0).random((STEPS, 10)) < rate).astype(np.float32), into="in")


def run(model, cells=CELLS):
    record = {f"{name} v": snn.Trace(f"{name}.v") for name in cells} | {name: snn.Raster(name) for name in cells}
    found = snn.simulate(model, drive(), steps=STEPS, key=KEY, record=record, progress=snn.progress.Quiet())
    return {n: np.asarray(found[n].dense()) if n in cells else np.asarray(found[n]) for n in record}


@functools.cache
def both(order):
    net = network(order=order())
    return net, run(net)


@pytest.mark.parametrize("order", [snn.NestOrder, snn.BrianOrder], ids=lambda order: order.__name__)
def test_without_limits_it_is_the_float_model_bit_for_bit(order):
    net, model = both(order)
    program = snn.lower(net, IDEAL).program
    assert set(dict(program.lags).values()) == {0}
    found = run(program)
    for name, x in model.items():
        assert np.array_equal(x, found[name]), name
    assert all(model[name].sum() > 40 for name in CELLS if name != "read")


@functools.cache
def small():
    """One group, and what the model does."""
    cells = {"group": CELLS["group"]}
    net = network(cells)
    return net, cells, run(net, cells)


def test_each_limit_changes_it():
    """Controls, one change each; but a chip without spread and noise is what all chips are deviations of."""
    net, cells, model = small()
    apart = lambda target: np.sum(run(snn.lower(net, target).program, cells)["group v"] != model["group v"])
    still = bss.Spread(*[0.0] * 9)
    assert apart(dataclasses.replace(IDEAL, chip=jax.random.key(1), spread=still, noise=None)) == 0
    for change in (
        dict(weight_bits=6),
        dict(current=20.0),
        dict(chip=jax.random.key(1), spread=still, noise=bss.Noise()),
        dict(chip=jax.random.key(1), spread=dataclasses.replace(still, tau_m=0.05), noise=None),
    ):
        assert apart(dataclasses.replace(IDEAL, **change)) > 200, change


def test_a_report_says_what_was_lost_and_where_it_is():
    net, _ = both(snn.NestOrder)
    program, _, report = snn.lower(net, bss.BrainScaleS2(current=60.0), calibrate=drive())
    snn.lowering.verify(program, bss.BrainScaleS2())
    link = program.synapses["in-group-in"]
    assert np.abs(link.weight).max() == 63 and np.array_equal(link.weight, np.round(link.weight))
    back = link.weight * program.cells["group"].per_weight
    asked = net.projections["in-group-in"].weight.reshape(back.shape)
    assert np.abs(back - asked).max() <= 0.5 * float(program.cells["group"].per_weight) * 1.001
    chip, cells = report.data["chip"], report.data["cells"]
    assert chip["circuits"] == 64 and chip["binding limit"]["room"] == 512
    assert cells["group"]["threshold, LSB"] == 125.0 and cells["group"]["leak, LSB"] == 80.0
    assert cells["lif"]["membranes or currents clipped, neurons times steps"] > 0
    assert report.data["links"]["in-group-in"]["bits"] == 6
    assert "at most 0.2 W" in str(report) and "calibration" not in str(report)
    places = [(row["core"], row["circuits"]) for row in chip["placement"]]
    assert sorted(places)[0][0] == 0 and sum(n for _, n in places) == 64
    v = run(program)["group v"]
    lsb = program.cells["group"].cadc(v)
    assert lsb.min() >= 0 and lsb.max() <= 125 and abs(int(lsb[0, 0]) - (80 + 45 * v[0, 0])) <= 0.5


def test_a_program_is_read_back_from_its_file(tmp_path):
    program = snn.lower(both(snn.NestOrder)[0], bss.BrainScaleS2(chip=3)).program
    snn.lowering.save_program(program, tmp_path / "p.npz")
    again = snn.lowering.load_program(tmp_path / "p.npz")
    same = jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), program, again)
    assert all(jax.tree.leaves(same)) and jax.tree.structure(program) == jax.tree.structure(again)
    assert "AdEx in circuits 0 .. 11, 1 each" in snn.lowering.summary(again)


def test_more_inputs_take_more_circuits():
    cell = {"group": snn.Population(GROUP, 100), "in2": snn.SpikeSource(300)}
    link = snn.Connection("in2", "group", snn.AllToAll(), via=snn.Dense(), weight=0.1, delay=1.0)
    net = snn.network(dt=1.0, key=KEY, populations=cell, projections={"w": link})
    program, _, report = snn.lower(net, IDEAL)
    assert program.cells["group"].circuits == bss.Circuits(0, 3) and report.data["chip"]["circuits"] == 300
    assert int(program.synapses["w"].place.max()) == 299
    with refused("takes 300 neuron circuits, 3 for each of the 100 neurons of 'group'", "has 256", "128 inputs"):
        snn.lower(net, dataclasses.replace(IDEAL, circuits=256))


LIF = snn.LIF(tau=10.0, v_th=1.0)
PORT = {"p": snn.Exponential(5.0)}
SUBTRACT = dataclasses.replace(GROUP, reset_mechanism=snn.resets.Subtract())
NOISY = dataclasses.replace(LIF, noise=1.0)
REFUSED = {
    "reset_mechanism is Subtract.*use ToValue": dict(neuron=SUBTRACT),
    "QIF is no neuron of BrainScaleS-2; use LIF or AdEx": dict(neuron=snn.QIF()),
    "its ports are Delta.*use Exponential, or CubaLIF": dict(neuron=LIF),
    "its ports are Alpha": dict(neuron=LIF, ports={"p": snn.Alpha(5.0)}),
    "it has 3 ports, and a circuit two": dict(neuron=LIF, ports={k: snn.Exponential(5.0) for k in "abc"}),
    "has noise, and a chip has its own": dict(neuron=NOISY, ports=PORT),
    "draws its initial 'v'": dict(neuron=GROUP, init={"v": snn.Uniform(0.0, 1.0)}),
}  # fmt: skip


@pytest.mark.parametrize("match", REFUSED)
def test_what_the_chip_does_not_have_is_refused_by_name(match):
    with pytest.raises(ValueError, match=match) as caught:
        IDEAL.read(snn.Population(n=4, **REFUSED[match]), Facts(1.0, BeforeThreshold()))
    assert "\n" not in str(caught.value)


def test_what_no_calibration_reaches_is_refused_by_name():
    net, rests = small()[0], jnp.linspace(0.0, 2.0, 12)
    for name, value, said in (
        ("tau", 80.0, "has a tau_m of 80 us on the chip; BrainScaleS-2 is calibrated for 0.5 to 60 us"),
        ("tau_syn", 40.0, "has a tau_syn in of 40 us on the chip; BrainScaleS-2 is calibrated for 0.3 to 30 us"),
        ("t_ref", 33.0, "has a refractory of 33 us on the chip; BrainScaleS-2 is calibrated for 0.04 to 32 us"),
        ("v_rest", rests, "has a leak of 161.8 LSB on the chip; BrainScaleS-2 is calibrated for 50 to 160 LSB"),
    ):
        with refused("Population 'group'", said):
            snn.lower(snn.set(net, f"group.neuron.{name}", jnp.asarray(value)), IDEAL)


def test_delays_signs_and_rules_are_refused():
    with refused("differ in steps, and on BrainScaleS2 every edge takes one"):
        cells = {"group": snn.Population(GROUP, 4)}
        dense = dict(topology=snn.AllToAll(), via=snn.Dense(), weight=0.1)
        links = {
            "a": snn.Connection("in", "group", **dense, delay=1.0),
            "b": snn.Connection("group", "group", **dense, delay=2.0),
        }
        snn.lower(
            snn.network(dt=1.0, key=KEY, populations={"in": snn.SpikeSource(4), **cells}, projections=links), IDEAL
        )
    cells = {"lif": snn.Population(LIF, 4, ports=TWO)}
    net = network(cells)
    mixed = snn.set(net, "in-lif-exc.weight", net.projections["in-lif-exc"].weight - 0.1)
    with refused("'lif' has ports of two time constants", "weights of 0 or more"):
        snn.lower(mixed, IDEAL)
    rule = dict(topology=snn.AllToAll(), via=snn.Dense(), weight=0.1, delay=1.0, rule=snn.chain(snn.PairSTDP()))
    learns = {"a": snn.Connection("in", "group", **rule)}
    populations = {"in": snn.SpikeSource(4), "group": snn.Population(GROUP, 4)}
    with refused("Projection 'a' learns, which BrainScaleS2 cannot", "frozen()"):
        snn.lower(snn.network(dt=1.0, key=KEY, populations=populations, projections=learns), IDEAL)
    for wrong, said in (
        (dict(weight_bits=7), "weight_bits is 7; expected 1 to 6"),
        (dict(spread=0.1, chip=1), "expected Spread(...)"),
        (dict(spread=bss.Spread()), "Got a spread without a chip"),
        (dict(chip="one"), "Got chip = 'one'"),
    ):
        with refused(said):
            bss.BrainScaleS2(**wrong)
    with refused("fractions", "whole numbers from -63 to 63, or exact=True"):
        bss.AnalogSynapses.of("a", "b", "in", np.full((2, 2), 0.5))
