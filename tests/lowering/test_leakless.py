"""Membranes without a leak, and populations without weights, on every chip: as the model is, or refused by name.

A decay of 0 has no ratio to correct, and a scale needs something to be the scale of; neither may become another model.
"""

import dataclasses
import functools
import json
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.lowering.passes.scales import BalanceScales, UpToVoltage
from tests.chips.refusals import KEY, SENDERS, N, network
from tests.refused import refused

chips = snn.chips
TARGETS = {
    "loihi": chips.loihi.Loihi1(),
    "spinnaker": chips.spinnaker.SpiNNaker1(),
    "truenorth": chips.truenorth.TrueNorth(),
    "xylo": chips.xylo.XyloAudio2(),
}
STEPS = 200
STILL = dict(tau=np.inf, gain=snn.gains.PerStep())
SUBTRACT = dict(reset_mechanism=snn.resets.Subtract())
RASTER = (np.random.default_rng(2).random((STEPS, SENDERS)) < 0.15).astype(np.float32)
WEIGHT = np.random.default_rng(1).integers(-3, 8, (SENDERS, N)) / 8  # 4 bits, 0 among them, and negative ones


def fed(cell, weight=WEIGHT):
    """Inputs to one population, by one projection, or none at all; steps of 1 ms."""
    given = weight if weight is None or np.ndim(weight) == 0 else jnp.asarray(weight, jnp.float32)
    dense = lambda: snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=given, delay=1.0)
    return network(cells={"E": cell}, links={} if weight is None else {"S": dense()}, dt=1.0)


def spikes(model, lag=0):
    run = snn.simulate(
        model, snn.Replay(jnp.asarray(RASTER), into="in"), steps=STEPS, key=KEY, record=snn.Raster("E"),
        progress=snn.simulation.Quiet(),
    )  # fmt: skip
    return np.asarray(run.record.dense()).astype(int)[lag:]


def ended(program, wanted):
    """The spikes of a program, as late as its group is, and those that are wanted of as many steps."""
    lag = dict(program.lags).get("E", 0)
    mine = spikes(program, lag)
    return mine, wanted[: len(mine)]


def summed(v_th, tau=np.inf):
    """By NumPy: `v` is the sum of what arrives, a step after it was sent; a spike above `v_th`, which no sum equals."""
    v, out = np.zeros(N), np.zeros((STEPS, N), int)
    for t in range(STEPS):
        arrived = RASTER[t - 1] @ WEIGHT if t else 0.0
        v = v * np.exp(-1.0 / np.asarray(tau)) + arrived
        out[t] = v > v_th
        v = np.where(out[t] == 1, 0.0, v)
    return out


def test_membranes_without_leak_on_loihi():
    """Spike for spike, next to membranes that leak; the decay is 0, and weights are as large as they were."""
    tau = np.array([np.inf, 8.0, np.inf, 20.0, np.inf])
    cell = snn.LIF(tau=jnp.asarray(tau), v_th=1.6, gain=snn.gains.PerStep(), bias=0.0)
    found = snn.lower(fed(cell), TARGETS["loihi"])
    cells, lost = found.program.cells["E"], found.report.data["cells"]["E"]
    assert np.array_equal(np.asarray(cells.decay_v) == 0, np.isinf(tau))
    assert 0 < lost["decay_v, largest relative error"] < 0.01
    mine, wanted = ended(found.program, summed(1.6, tau))
    endless = np.isinf(tau)
    assert wanted[:, endless].sum() > 50
    np.testing.assert_array_equal(mine[:, endless], wanted[:, endless])
    leaks = snn.lower(fed(snn.LIF(tau=60.0, v_th=1.6)), TARGETS["loihi"]).program  # control
    assert np.any(ended(leaks, wanted)[0][:, endless] != wanted[:, endless])
    back = np.asarray(found.graph.edges["S"].values["weight"].real) / float(found.program.scale["E"])
    of = found.graph.edges["S"].receiver
    np.testing.assert_allclose(back[endless[of]], WEIGHT.reshape(-1)[endless[of]], atol=0.01)


def test_cells_with_a_current_of_their_own_without_leak_on_loihi():
    """`CubaLIF(tau=inf)` with either decay, and `LIF(tau=inf)` behind a current: spike for spike as the model."""
    current = {"in": snn.Exponential(4.0)}
    for cell in (
        snn.CubaLIF(tau_syn=3.0, tau=np.inf, v_th=4.1),
        snn.CubaLIF(tau_syn=3.0, tau=np.inf, v_th=4.1, decay=snn.neurons.EulerDecay()),
        snn.Population(snn.LIF(**STILL, v_th=4.1), N, ports=current),
        snn.Population(snn.LIF(tau=np.inf, v_th=4.1, gain=snn.gains.Capacitance(2.0)), N, ports=current),
    ):
        found = snn.lower(fed(cell), TARGETS["loihi"], calibrate=snn.Replay(jnp.asarray(RASTER), into="in"))
        assert not np.any(np.asarray(found.program.cells["E"].decay_v))
        agreement = found.report.data["agreement"]["E"]
        assert agreement["rate of the model Hz"] > 20 and agreement["coincidence"] > 0.98, (cell, agreement)


def test_membranes_without_leak_on_truenorth():
    program = snn.lower(fed(snn.LIF(**STILL, v_th=1.0625)), TARGETS["truenorth"]).program
    assert not np.any(np.asarray(program.cells["E"].leak))
    mine, wanted = ended(program, summed(1.0625))
    assert wanted.sum() > 50
    np.testing.assert_array_equal(mine, wanted)
    assert np.any(mine != ended(program, summed(1.0625, 60.0))[1])  # control


WITHOUT_LEAK = {
    "LIF": lambda: snn.LIF(**STILL),
    "LIF, some": lambda: snn.LIF(tau=jnp.asarray([5.0, np.inf, 5.0, 5.0, 5.0])),
    "LIF that subtracts": lambda: snn.Population(snn.LIF(**STILL, **SUBTRACT), N, ports={"in": snn.Exponential(2.0)}),
    "LI": lambda: snn.LI(tau=np.inf),
    "CubaLIF": lambda: snn.CubaLIF(tau=np.inf),
    "CubaLIF that subtracts": lambda: snn.CubaLIF(tau=np.inf, **SUBTRACT),
    "current": lambda: snn.CubaLIF(tau_syn=np.inf),
    "current that subtracts": lambda: snn.CubaLIF(tau_syn=np.inf, **SUBTRACT),
    "port": lambda: snn.Population(snn.LIF(), N, ports={"in": snn.Exponential(np.inf)}),
    "port that subtracts": lambda: snn.Population(snn.LIF(**SUBTRACT), N, ports={"in": snn.Exponential(np.inf)}),
    "threshold": lambda: snn.LIF(**STILL, v_th=np.inf),
    "threshold that subtracts": lambda: snn.Population(
        snn.LIF(v_th=np.inf, **SUBTRACT), N, ports={"in": snn.Exponential(2.0)}
    ),
}
HELD = {"loihi": {"LIF", "LIF, some", "CubaLIF"}, "truenorth": {"LIF"}, "spinnaker": set(), "xylo": set()}
SAID = {  # the words that name the number; other cases are refused for what the chip does not have anyway
    ("loihi", "LI"): "LI.tau is inf",
    ("loihi", "current"): "CubaLIF.tau_syn is inf",
    ("loihi", "port"): "Exponential.tau is inf",
    ("loihi", "threshold"): "has an infinite threshold",
    ("truenorth", "threshold"): "its threshold is infinite",
    ("truenorth", "LIF, some"): "leaks exponentially",
    **{("spinnaker", name): "LIF.tau is inf" for name in ("LIF",)},
    ("spinnaker", "LIF, some"): "LIF.tau is 5.0 .. inf",
    ("spinnaker", "LI"): "LI.tau is inf",
    ("spinnaker", "CubaLIF"): "CubaLIF.tau is inf",
    ("spinnaker", "current"): "CubaLIF.tau_syn is inf",
    ("spinnaker", "port"): "Exponential.tau is inf",
    ("xylo", "LIF that subtracts"): "its tau is inf steps",
    ("xylo", "CubaLIF that subtracts"): "its tau is inf steps",
    ("xylo", "current that subtracts"): "is inf steps",
    ("xylo", "port that subtracts"): "is inf steps",
    ("xylo", "threshold that subtracts"): "LIF.v_th is inf",
}


@pytest.mark.parametrize("chip", TARGETS)
def test_what_is_without_leak_is_held_or_refused_by_name(chip):
    for name, make in WITHOUT_LEAK.items():
        try:
            program = snn.lower(fed(make()), TARGETS[chip]).program
        except ValueError as error:
            assert name not in HELD[chip], (name, error)
            assert str(error).startswith("Population 'E'") and "\n" not in str(error)
            assert SAID.get((chip, name), "") in str(error), (name, error)
        else:
            assert name in HELD[chip], name
            assert all(np.all(np.isfinite(np.asarray(x))) for x in jax.tree.leaves(program)), name


def cell_for(chip, bias):
    """A cell of the chip that fires by its bias alone."""
    if chip == "xylo":
        return snn.Population(snn.LIF(tau=16.0, v_th=1.0, bias=bias, **SUBTRACT), N, ports={"in": snn.Exponential(4.0)})
    if chip == "spinnaker":
        return snn.Population(snn.LIF(tau=16.0, v_th=1.0, bias=bias), N, ports={"in": snn.Exponential(4.0)})
    return snn.LIF(**STILL, v_th=1.03, bias=bias / 16)


@functools.cache
def unfed(chip, bias, weight):
    net = fed(cell_for(chip, bias), weight)
    return net, snn.lower(net, TARGETS[chip])


@pytest.mark.parametrize("weight", [0.0, None], ids=["weights of 0", "no weights"])
@pytest.mark.parametrize("chip", TARGETS)
def test_populations_that_no_weight_reaches_are_their_models(chip, weight):
    """Firing by a bias, as often as the model; and every number of the report is one."""
    net, found = unfed(chip, 1.6, weight)
    mine, wanted = ended(found.program, spikes(net))
    assert wanted.sum() > 20
    assert mine.sum() == pytest.approx(wanted.sum(), rel=0.1)
    numbers = json.loads(found.report.to_json()) if hasattr(found.report, "to_json") else found.report.data
    bad = [x for x in jax.tree.leaves(numbers) if isinstance(x, float | np.ndarray) and not np.all(np.isfinite(x))]
    assert not bad, numbers


def test_read_outs_that_nothing_reaches():
    """No threshold, no weight: nothing is to be scaled. An initial voltage is; and SpiNNaker's unit is a millivolt."""
    for weight in (0.0, None):
        with refused("Population 'E' has no threshold and receives no weight other than 0", "connect it"):
            snn.lower(fed(snn.LI(), weight), TARGETS["loihi"])
        assert float(snn.lower(fed(snn.LI(), weight), TARGETS["spinnaker"]).program.scale["E"]) == 2**15
    start = np.linspace(-3.0, 7.0, N)
    decays = snn.Population(snn.LI(tau=10.0), N, init={"v": jnp.asarray(start)})
    program = snn.lower(fed(decays, None), TARGETS["loihi"]).program
    np.testing.assert_allclose(np.asarray(program.cells["E"].v_start) / float(program.scale["E"]), start, rtol=1e-5)


def test_room_for_a_voltage_that_nothing_bounds_is_refused():
    target = TARGETS["loihi"]
    passes = [
        dataclasses.replace(each, room=UpToVoltage()) if isinstance(each, BalanceScales) else each
        for each in target.passes()
    ]
    with refused("Population 'E' has no leak", "UpToVoltage()", "use UpToCurrent()"):
        snn.lower(fed(snn.LIF(**STILL)), target, passes=passes)
    assert snn.lower(fed(snn.LIF(tau=20.0)), target, passes=passes).program.cells["E"].n == N  # control


def test_traced_numbers_are_lowered_as_concrete_ones_or_give_a_status():
    """A decay is 0 inside `jit` too; what would be refused has a status there."""
    target = TARGETS["loihi"]
    one = snn.network(
        dt=1.0, key=KEY,
        populations={"in": snn.SpikeSource(SENDERS), "E": snn.Population(snn.LIF(**STILL, v_th=1.6), N),
                     "out": snn.Population(snn.LI(), 2)},
        projections={"S": snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=0.5, delay=1.0),
                     "O": snn.Connection("in", "out", snn.AllToAll(), via=snn.Dense(), weight=0.5, delay=1.0)},
    )  # fmt: skip

    @eqx.filter_jit
    def inside(tau, w):
        where = lambda net: (net.populations["E"].neuron.tau, net.projections["O"].weight)
        program = snn.lower(eqx.tree_at(where, one, (tau, w)), target).program
        run = snn.simulate(program, snn.drives.Silence(), steps=2, key=KEY, throw=False)
        return program.cells["E"].decay_v, run.status

    decay, status = inside(jnp.asarray(np.inf, jnp.float32), jnp.asarray(0.5))
    assert int(decay) == 0 and int(status) == 0
    decay, status = inside(jnp.asarray(20.0), jnp.asarray(0.5))
    assert int(decay) == round(4096 * -math.expm1(-1 / 20)) and int(status) == 0
    assert int(inside(jnp.asarray(20.0), jnp.asarray(0.0))[1]) != 0
