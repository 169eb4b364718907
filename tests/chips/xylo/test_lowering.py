"""Networks become programs of Xylo: which agree, what time constants and delays become, what is refused and why."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import xylo
from jaxsnn.lowering.graph import Facts
from jaxsnn.networks.order import BeforeThreshold
from jaxsnn.neurons import EulerDecay
from jaxsnn.synapses import Delta, Exponential

STEPS = 300
SUBTRACT = snn.resets.Subtract()
CUBA = snn.CubaLIF(tau=16.0, tau_syn=4.0, decay=EulerDecay(), reset_mechanism=SUBTRACT)
LIF = snn.LIF(tau=16.0, v_th=1.0, reset_mechanism=SUBTRACT)


def drive(rate=0.05, seed=0):
    return snn.Replay((np.random.default_rng(seed).random((STEPS, 16)) < rate).astype(np.float32), into="in")


def network(
    cell=CUBA, port=None, *, n=40, n_in=16, n_out=8, weight=(0.03, 0.05), delay=1.0, ports=("p",), loop=False, **more
):
    """Inputs, hidden neurons and outputs, all to all; half of the inputs into each of two ports, if there are two."""
    kinds = {name: Delta() if port is None else port for name in ports} if not isinstance(port, dict) else port
    dense = dict(topology=snn.AllToAll(), via=snn.Dense(), delay=delay)
    populations = {
        "in": snn.SpikeSource(n_in),
        "hid": snn.Population(cell, n, ports=kinds, **more),
        "out": snn.Population(cell, n_out, ports={"p": next(iter(kinds.values()))}),
    }
    projections = {
        f"in-{name}": snn.Connection("in", f"hid.{name}", **dense, weight=snn.Normal(*weight)) for name in kinds
    }
    projections |= {"hid-out": snn.Connection("hid", "out.p", **dense, weight=snn.Normal(weight[0] / 3, weight[1]))}
    if loop:
        projections |= {"loop": snn.Connection("hid", "hid.p", **dense, weight=snn.Normal(0.0, 0.01))}
    return snn.network(dt=1.0, key=jax.random.key(0), populations=populations, projections=projections)


def lowered(net, target=None, **kwargs):
    return snn.lower(net, xylo.XyloAudio2() if target is None else target, **kwargs)


def agreement(found, name):
    return found.report.data["agreement"][name]["coincidence"]


@functools.cache
def calibrated(scaling=xylo.PerNeuron):
    return lowered(network(loop=True), xylo.XyloAudio2(scaling=scaling()), calibrate=drive())


def test_a_network_with_powers_of_two_agrees():
    found = calibrated()
    program, data = found.program, found.report.data
    assert [program.cells[name].most for name in ("hid", "out")] == [31, 1]
    assert (int(program.cells["hid"].dash_v), int(program.cells["hid"].dash_i)) == (4, 2)
    assert data["cells"]["hid"]["tau, largest error"] == 0.0
    assert dict(program.lags) == {"hid": 0, "in": 0, "out": 0}
    assert agreement(found, "hid") > 0.9 and agreement(found, "out") > 0.7
    for name in ("hid", "out"):
        rates = data["agreement"][name]
        assert rates["rate Hz"] == pytest.approx(rates["rate of the model Hz"], rel=0.06)
    assert max(int(jnp.max(jnp.abs(group.weight))) for group in program.synapses.values()) == 127  # all bits are used
    snn.lowering.verify(program, xylo.XyloAudio2())


def test_scales_of_neurons_are_better_than_one_for_all():
    each, one = calibrated(), calibrated(xylo.Global)
    assert np.ptp(np.asarray(each.program.scale["hid"])) > 0 == np.ptp(np.asarray(one.program.scale["hid"]))
    error = lambda found: found.graph.counts["in-p"]["weights, mean error"]
    assert error(each) < error(one)
    coarse = lowered(network(loop=True), precision=snn.lowering.Precision(weight=3)).program
    assert int(jnp.max(jnp.abs(coarse.synapses["in to hid"].weight))) == 3


def test_time_constants_become_powers_of_two_and_spikes_weigh_the_same():
    """A spike adds to v over all steps what it adds in the model; outputs of a LIF are a step early on the chip."""
    found = lowered(network(LIF, Exponential(5.0), weight=(0.3, 0.7)), calibrate=drive())
    cells, edge = found.report.data["cells"]["hid"], found.program.synapses["in to hid"]
    assert cells["time constant of 'p', steps on the chip"] == 4.0
    assert cells["time constant of 'p', largest error"] == pytest.approx(0.2)
    assert edge.max_delay == 2 and dict(found.program.lags) == {"hid": 1, "in": 0, "out": 0}
    assert agreement(found, "hid") > 0.6
    rates = found.report.data["agreement"]["hid"]
    assert rates["rate Hz"] == pytest.approx(rates["rate of the model Hz"], rel=0.05)


def test_two_time_constants_take_both_synapses():
    two = {"p": Exponential(4.0), "slow": Exponential(16.0)}
    found = lowered(network(LIF, two, weight=(0.15, 0.3)), calibrate=drive())
    hid, out = (found.program.cells[name] for name in ("hid", "out"))
    assert (int(hid.dash_i), int(hid.dash_i2), out.dash_i2) == (2, 4, None)
    assert found.program.synapses["in to hid"].shape == (16, 80)
    assert agreement(found, "hid") > 0.7
    same = lowered(network(LIF, {"p": Exponential(4.0), "q": Exponential(3.6)}, weight=(0.15, 0.3)))
    group, *edges = same.program.synapses["in to hid"], *same.graph.edges  # which become one
    assert same.program.cells["hid"].dash_i2 is None and group.shape == (16, 40)
    assert edges == ["hid-out", "in-p + in-q"] and int(jnp.max(jnp.abs(group.weight))) == 127


FACTS = Facts(1.0, BeforeThreshold())
REFUSED = {
    "reset_mechanism is ToValue.*use Subtract": (snn.LIF(tau=16.0), {}),
    "t_ref is 2.*expected 0": (dataclasses.replace(LIF, t_ref=2.0), {}),
    "v_reset is -1.*expected 0": (dataclasses.replace(LIF, v_reset=-1.0), {}),
    "no exponential currents; use LIF with Exponential": (LIF, {"ports": {"p": Delta()}}),
    "LI is no neuron of Xylo; use LIF or CubaLIF": (snn.LI(tau=16.0), {}),
    "an initial v, and Xylo starts at rest": (LIF, {"init": {"v": 0.5}}),
    r"decays are shifts by up to 15; expected at most 2\^15": (dataclasses.replace(LIF, tau=60000.0), {}),
    "3 time constants": (LIF, {"ports": {k: Exponential(t) for k, t in {"p": 2.0, "q": 8.0, "r": 32.0}.items()}}),
}


@pytest.mark.parametrize("match", REFUSED)
def test_what_the_chip_does_not_have_is_refused_by_name(match):
    neuron, more = REFUSED[match]
    population = snn.Population(neuron, 4, **{"ports": {"p": Exponential(4.0)}, **more})
    with pytest.raises(ValueError, match=match):
        xylo.XyloAudio2().read(population, FACTS)


def test_delays_that_the_chip_does_not_have_are_refused():
    with pytest.raises(ValueError, match=r"every edge takes one.*in a cycle use one step, and CubaLIF"):
        lowered(network(LIF, Exponential(4.0), loop=True))
    with pytest.raises(ValueError, match="every edge takes one"):
        lowered(network(delay=2.0, loop=True))


PRODUCTS = {xylo.XyloAudio2: (1000, 8), xylo.XyloAudio3: (992, 32), xylo.XyloIMU: (496, 16), xylo.Xylo1: (1000, 8)}


@pytest.mark.parametrize(("kind", "sizes"), PRODUCTS.items(), ids=lambda x: getattr(x, "__name__", ""))
def test_products_have_their_limits(kind, sizes):
    hidden, outputs = sizes
    version = 1 if kind is xylo.Xylo1 else 2
    cells = lambda n, most: xylo.XyloCells(n, 4, 2, 100, most=most, version=version)
    program = lambda n, m: xylo.xylo_program(
        {"in": snn.lowering.InputCounts(16), "a": cells(n, 31), "b": cells(m, 1)}, {}
    )
    assert kind().unsupported(program(hidden, outputs)) is None
    assert kind().unsupported(xylo.xylo_program({"in": snn.lowering.InputCounts(17)}, {})).endswith("has 16")
    assert f"has {hidden}" in kind().unsupported(program(hidden + 1, outputs))
    assert f"has {outputs}" in kind().unsupported(program(hidden, outputs + 1))
    other = xylo.XyloCells(4, 4, 2, 100, version=3 - version)
    assert "version" in kind().unsupported(xylo.xylo_program({"a": other}, {}))


def test_limits_that_are_arguments():
    program = calibrated().program
    assert "56 synapses" in xylo.XyloAudio2(fan_in=40).unsupported(program)
    assert xylo.XyloAudio2(fan_in=63).unsupported(program) is None
    assert "weights" in xylo.XyloAudio2(weights=500).unsupported(program)
    with pytest.raises(ValueError, match="version 1; expected 0"):
        lowered(network(dataclasses.replace(CUBA, bias=0.1)), xylo.Xylo1())


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: xylo.XyloCells(4, 16, 2, 100), "dash_v is 16; expected whole numbers from 0 to 15"),
        (lambda: xylo.XyloCells(4, 2, 2, 0), "threshold is 0; expected whole numbers from 1"),
        (lambda: xylo.XyloCells(4, 2, 2, 9, alias=[-1, 4, 0, 0]), "aliases up to .*; expected neurons of the group"),
        (lambda: xylo.XyloCells(4, 2, 2, 9, most=1, dash_i2=3), "second synapse or aliases as outputs"),
        (lambda: xylo.XyloCells(4, 2, 2, 9, most=7), "most=7; expected"),
        (lambda: xylo.XyloSynapses("a", "b", [[128]]), "weight is 128; expected whole numbers from -128 to 127"),
    ],
)
def test_numbers_that_no_register_holds_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()
