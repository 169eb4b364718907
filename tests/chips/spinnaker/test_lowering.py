"""Networks become programs of SpiNNaker: units, synapse types, shifts, precision, delays; what is refused and why."""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import spinnaker
from jaxsnn.chips.spinnaker.shifts import Arriving, expected_upper_bound, largest_sum, shift_for
from jaxsnn.lowering.graph import Facts
from jaxsnn.networks.order import BeforeThreshold
from tests.refused import refused

STEPS = 400
LIF = snn.LIF(tau=20.0, v_th=1.0, t_ref=2.0)
TARGET = spinnaker.SpiNNaker1()
BOTH = {"e": snn.Exponential(3.0), "i": snn.Exponential(8.0)}


def network(cell=LIF, ports=None, weight=(0.35, 0.15), delay=2.0, links=None, dt=1.0):
    """Sources to one population."""
    dense = dict(topology=snn.AllToAll(), via=snn.Dense(), delay=delay)
    links = {"S": ("in", "E", weight)} if links is None else links
    made = lambda pre, post, w: snn.Connection(pre, post, **dense, weight=snn.Normal(*w) if isinstance(w, tuple) else w)
    populations = {
        "in": snn.SpikeSource(20),
        "E": snn.Population(cell, 30, ports={"in": snn.Exponential(5.0)} if ports is None else ports),
    }
    projections = {key: made(*link) for key, link in links.items()}
    return snn.network(dt=dt, key=jax.random.key(0), populations=populations, projections=projections)


def drive(rate=0.08):
    return snn.Replay((np.random.default_rng(0).random((STEPS, 20)) < rate).astype(np.float32), into="in")


@functools.cache
def calibrated():
    return snn.lower(network(), TARGET, calibrate=drive())


def test_a_network_fires_as_its_model_and_its_voltages_are_close():
    net, found = network(), calibrated()
    agreement = found.report.data["agreement"]["E"]
    assert agreement["rate of the model Hz"] > 3 and agreement["coincidence"] > 0.98
    record = {"v": snn.Trace("E.v"), "fired": snn.Raster("E")}
    run = lambda model: snn.simulate(model, drive(), steps=STEPS, key=jax.random.key(1), record=record)
    ours, theirs = run(found.program), run(net)
    v = np.asarray(ours["v"]) / float(found.program.scale["E"])
    same = np.cumsum((np.asarray(ours["fired"].dense()) != np.asarray(theirs["fired"].dense())).any(axis=1)) == 0
    assert same.sum() > 100
    assert np.abs(v - np.asarray(theirs["v"]))[same].max() < 2e-3  # of a threshold of 1, 16 mV
    assert np.abs(v[1:] - np.asarray(theirs["v"])[:-1])[same[1:]].max() > 0.02  # control: a step late


def test_units():
    """A threshold of 1 becomes 16 mV and R 1 MOhm; millivolts of a model stay."""
    cells = calibrated().program.cells["E"]
    known = cells.derived()
    assert (int(cells.v_th), int(known.resistance), int(known.held)) == (16 << 15, 1 << 15, 2)
    assert float(calibrated().program.scale["E"]) == 16 * 2**15
    cell = snn.LIF(tau=20.0, v_rest=-65.0, v_reset=-70.0, v_th=-50.0, gain=snn.gains.Resistance(40.0))
    found = snn.lower(network(cell, weight=(0.05, 0.01)), TARGET)
    cells, edge = found.program.cells["E"], found.graph.edges["S"]
    assert [int(x) / 2**15 for x in (cells.v_rest, cells.v_reset, cells.v_th)] == [-65.0, -70.0, -50.0]
    assert float(edge.values["weight"].real.mean()) == pytest.approx(40 * 0.05, rel=0.1)
    above = dataclasses.replace(cell, comparator=snn.thresholds.Greater())
    assert int(snn.lower(network(above), TARGET).program.cells["E"].v_th) == (-50 << 15) + 1


def test_signs_become_types():
    """Weights of both signs at one port are two groups; two ports may differ in time constant if each has one sign."""
    program = calibrated().program
    assert {name: group.inhibitory for name, group in program.synapses.items()} == {
        "S (excitatory)": False,
        "S (inhibitory)": True,
    }
    assert sum(group.weight.size for group in program.synapses.values()) == 600
    split = network(ports=BOTH, links={"S": ("in", "E.e", 0.2), "T": ("in", "E.i", -0.1)})
    cells = snn.lower(split, TARGET).program.cells["E"]
    assert (int(cells.tau_exc), int(cells.tau_inh)) == (3 << 15, 8 << 15)
    with refused("'E' has excitatory weights at 'e', 'i'", "time constants differ", "same tau"):
        snn.lower(network(ports=BOTH, links={"S": ("in", "E.e", 0.2), "T": ("in", "E.i", 0.1)}), TARGET)


GOLDEN = {
    (0.5, 0.0, 10.0, 1000, 5.0): 12.905694150420949,
    (0.5, 0.1, 10.0, 1000, 5.0): 13.061143451055214,
    (0.0878, 0.00878, 30.0, 4000, 5.0): 15.368938692994043,
    (2.0, 0.0, 30.0, 20, 5.0): 8.945966692414833,
}


def test_the_estimate_of_the_host():
    """Numbers that the host software of the release gave; and the three cases of delays, of large single weights."""
    for given, expected in GOLDEN.items():
        assert expected_upper_bound(*given, 1.0) == pytest.approx(expected, rel=1e-14)
    assert [int(shift_for(bound)) for bound in (40.6, 8.4987, 10.24, 4.0, 0.3, 0.0)] == [6, 4, 4, 3, 0, 0]
    one = Arriving(1000, 0.5, 0.0, 0.5, 10.0, False)
    assert largest_sum([one], 5.0, 1.0) == 500.0
    assert largest_sum([one._replace(varied=True)], 5.0, 1.0) == pytest.approx(12.905694150420949, rel=1e-14)
    assert largest_sum([one._replace(varied=True, largest=40.6)], 5.0, 1.0) == 40.6
    assert largest_sum([Arriving(100, 0.01, 0.0, 0.01, 30.0, False)], 5.0, 1.0, boost=1024.0) == pytest.approx(10.24)
    traced = jax.jit(lambda w: shift_for(largest_sum([Arriving(1000, w, 0.01 * w, w, 10.0, True)], 5.0, 1.0)))
    host = int(shift_for(largest_sum([Arriving(1000, 0.5, 0.005, 0.5, 10.0, True)], 5.0, 1.0)))
    assert int(traced(jnp.asarray(0.5))) == host


def test_shifts_of_a_program_are_those_of_the_host_or_of_a_run():
    plain, seen = snn.lower(network(), TARGET), calibrated()
    w = np.asarray(snn.lowering.read(network(), TARGET).edges["S"]["weight"])
    gain = float(snn.lowering.read(network(), TARGET).cells["E"]["gain in"]) * 16
    positive = w > 0
    n = np.bincount(np.asarray(snn.lowering.read(network(), TARGET).edges["S"].receiver)[positive]).max()
    assert int(plain.program.cells["E"].shift_exc) == int(shift_for(n * gain * float(w.max())))
    assert int(seen.program.cells["E"].shift_exc) < int(plain.program.cells["E"].shift_exc)
    run = snn.simulate(seen.program, drive(), steps=STEPS, key=jax.random.key(0), record=snn.Trace("E.saturated"))
    assert int(np.asarray(run.record).max()) == 0
    larger = dataclasses.replace(
        group := seen.program.synapses["S (excitatory)"], weight=np.minimum(3 * group.weight, 65535)
    )  # control
    model = dataclasses.replace(seen.program, synapses=seen.program.synapses | {"S (excitatory)": larger})
    run = snn.simulate(model, drive(), steps=STEPS, key=jax.random.key(0), record=snn.Trace("E.saturated"), throw=False)
    assert int(np.asarray(run.record).max()) > 0


def test_fewer_bits_lose_more():
    errors = []
    for bits in (8, 12, 16):
        found = snn.lower(network(), TARGET, precision=snn.lowering.Precision(weight=bits))
        group = found.program.synapses["S (excitatory)"]
        assert np.all(np.asarray(group.weight) % 2 ** (16 - bits) == 0)
        errors.append(found.report.data["links"]["S (excitatory)"]["weights, relative rms error"])
    assert errors[0] > 8 * errors[1] > 64 * errors[2] > 0
    with refused("bits for weights only"):
        snn.lower(network(), TARGET, precision=snn.lowering.Precision(decay=8))


def test_lowering_of_traced_weights_is_that_of_concrete_ones():
    net = network(weight=0.1)

    @eqx.filter_jit
    def inside(w):
        one = eqx.tree_at(lambda net: net.projections["S"].weight, net, w)
        return snn.lower(one, TARGET).program

    w = net.projections["S"].weight
    mine, theirs = inside(w), snn.lower(net, TARGET).program
    assert int(mine.cells["E"].shift_exc) == int(theirs.cells["E"].shift_exc)
    np.testing.assert_array_equal(mine.synapses["S (excitatory)"].weight, theirs.synapses["S"].weight)
    assert not np.any(mine.synapses["S (inhibitory)"].weight)


def test_same_step_edges_hold_what_is_late():
    """Jumps that arrive in their step make receivers run late; they are held at their start until then."""
    jumps = {"in": snn.Delta()}
    cell = dataclasses.replace(LIF, bias=1.2)
    net = network(cell, jumps, delay=None, weight=0.3)
    found = snn.lower(net, TARGET, calibrate=drive())
    assert dict(found.program.lags)["E"] == 1 and int(found.program.cells["E"].refractory_init) == 1
    assert found.report.data["agreement"]["E"]["coincidence"] > 0.98


REFUSED = {
    "reset_mechanism is Subtract.*use ToValue": (dataclasses.replace(LIF, reset_mechanism=snn.resets.Subtract()), {}),
    "LIF has noise.*use noise=None": (dataclasses.replace(LIF, noise=1.0), {}),
    "refractory_input is Ungated.*use Clamp": (
        dataclasses.replace(LIF, refractory_input=snn.refractory.Ungated()),
        {},
    ),
    "QIF is no neuron of SpiNNaker.*use LIF": (snn.QIF(), {}),
    "ports are Delta, Exponential.*all ports of one kind": (LIF, {"ports": {"p": snn.Delta(), "q": snn.Exponential()}}),
    "initial value of 'p.i'": (LIF, {"init": {"p.i": 0.5}}),
    "draws its initial 'v' anew": (LIF, {"init": {"v": snn.Uniform(0.0, 1.0)}}),
}


@pytest.mark.parametrize("match", REFUSED)
def test_what_the_code_does_not_have_is_refused_by_name(match):
    neuron, more = REFUSED[match]
    population = snn.Population(neuron, 4, **{"ports": {"p": snn.Exponential(4.0)}, **more})
    with pytest.raises(ValueError, match=match):
        TARGET.read(population, Facts(1.0, BeforeThreshold()))


def test_a_threshold_without_end_is_never_reached():
    cell = dataclasses.replace(LIF, v_th=np.inf, v_reset=0.0, comparator=snn.thresholds.Greater())
    assert int(snn.lower(network(cell), TARGET).program.cells["E"].v_th) == 2**31 - 1


def test_limits_are_refused_by_name():
    with refused("'E' has a bias of 65536 mV or ms or more", "a unit of v is 16 mV", "use a smaller one"):
        snn.lower(network(dataclasses.replace(LIF, bias=5000.0)), TARGET)
    with refused("'E' has a time constant (tau) of more than 2^15 steps", "use at most 32768 ms"):
        snn.lower(network(dataclasses.replace(LIF, tau=40000.0)), TARGET)
    with refused("(tau_exc)", "use at most 3276.8 ms"):
        snn.lower(network(ports={"in": snn.Exponential(4000.0)}, dt=0.1), TARGET)
    with refused("'S' has a delay of 200 ms, 200 steps", "the longest on SpiNNaker1 is 143"):
        snn.lower(network(delay=200.0), TARGET)
    assert "takes up to 3 steps; the longest on SpiNNaker1 is 2" in spinnaker.SpiNNaker1(delay=2).unsupported(
        calibrated().program
    )
    other = snn.lowering.Program({"E": snn.chips.loihi.CubaCells(3)}, {})
    assert "'E' is CubaCells, which SpiNNaker1 does not have; it has InputCounts" in TARGET.unsupported(other)
    with refused(
        "Got 'E.in', but no drive feeds CurrExpCells 'E'; expected what is fed: in"
    ):  # the host feeds sources only
        snn.simulate(calibrated().program, snn.Replay(np.ones((3, 30)), into="E.in"), steps=3, key=jax.random.key(0))
