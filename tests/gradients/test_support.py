"""Every neuron, port, release, rule, order, connectivity and module through every estimator: right, or refused by name.

`BPTT` and `RTRL` differentiate `simulate` itself. What `EProp` and `EventProp` do not refuse is compared: e-prop with
BPTT where there is no path that it cuts, EventProp with the same circuit in other words.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.gradients.eligibility import without_reset
from tests.gradients.cut import Cut
from tests.laws.registry import NEURONS, PORTS, RELEASES
from tests.plasticity.rules import LAZY, RULES

KEY = jax.random.key(0)
STEPS, N_IN = 40, 3
DENSE = dict(topology=snn.AllToAll(), via=snn.Dense())
RASTER = np.random.default_rng(0).random((2, STEPS, N_IN)) < 0.3
LOSS = snn.losses.TraceError("out.v")
TARGET = jnp.asarray(np.random.default_rng(1).normal(size=(2, STEPS, 1)))
ESTIMATORS = (snn.BPTT(), snn.RTRL(), snn.EProp(), snn.EventProp())


def feedforward(cells, *, order=None, modules=None, into=None, **links):
    """Inputs to every population of spiking cells, each of which reaches one read-out in the same step."""
    link = lambda **more: {**DENSE, "weight": snn.Uniform(0.2, 1.0), **more}
    names = [name for name, p in cells.items() if not isinstance(p.neuron, snn.LI | snn.Parrot)]
    silent = [name for name, p in cells.items() if isinstance(p.neuron, snn.LI)]
    delay = None if order is None else 0.1
    return snn.network(
        dt=0.1,
        key=KEY,
        order=order,
        modules=modules,
        populations={
            "in": snn.SpikeSource(N_IN),
            "out": snn.Population(snn.LI(5.0), 1, {"in": snn.Exponential(3.0)}),
            **cells,
        },
        projections={
            **{f"in-{name}": snn.Connection("in", name, **link(delay=0.2, **links)) for name in (*names, *silent)},
            **{f"{name}-out": snn.Connection(name, "out", **link(delay=delay)) for name in names},
        },
    )


def cell(neuron=None, port=None, n=2):
    neuron = snn.LIF(tau=5.0, v_th=1.0, t_ref=0.3) if neuron is None else neuron
    return snn.Population(neuron, n, ports={"in": snn.Exponential(2.0) if port is None else port})


def says(est, net, drive=None):
    return est.unsupported(LOSS, net, snn.Replay(jnp.asarray(RASTER), into="in") if drive is None else drive)


ADAPTIVE = {
    name for name, make in NEURONS.items() if getattr(getattr(make(1.0), "integrator", None), "adaptive", False)
}
BY_ADJOINT = {"LI", "LIF", "LIF above", "LIF keeps", "LIF resistance", "LIF capacitance", "LIF per step"}


def test_every_neuron_is_handled_or_named():
    for name, make in NEURONS.items():
        if name == "Parrot":
            continue
        net = feedforward({"hid": cell(make(1.0))})
        *others, event = (says(est, net) for est in ESTIMATORS)
        for why in others:
            assert (why is not None and "hid.neuron" in why and "RK4()" in why) == (name in ADAPTIVE), (name, why)
        assert (event is None) == (name in BY_ADJOINT), (name, event)
        assert event is None or "hid.neuron" in event, event


def test_every_port_is_handled_or_named():
    exponential = {name for name in PORTS if name.startswith("Exponential")}
    for name, make in PORTS.items():
        answers = [says(est, feedforward({"hid": cell(port=make(1.0))})) for est in ESTIMATORS]
        assert answers[:3] == [None] * 3, (name, answers)
        assert (answers[3] is None) == (name in exponential), (name, answers[3])


def test_what_changes_on_the_way_is_named():
    """Releases, rules and layers: e-prop and EventProp would follow the weights that were there at the start."""
    changes = {
        **{name: dict(release=make(1.0)) for name, make in RELEASES.items()},
        **{name: dict(rule=snn.chain(*make(1.0))) for name, make in (RULES | LAZY).items()},
    }
    for name, change in changes.items():
        net = feedforward({"hid": cell()}, **change)
        *exact, online, event = (says(est, net) for est in ESTIMATORS)
        assert exact == [None, None], (name, exact)
        assert online == event and "'in-hid'" in online and "BPTT" in online, (name, online)
        kept = eqx.tree_at(lambda n: n.projections["in-hid"].release, net.frozen(), None, is_leaf=lambda x: x is None)
        assert [says(est, kept) for est in ESTIMATORS] == [None] * 4  # control: without what changes
    layer = dict(topology=None, weight=1.0, via=snn.Layer(eqx.nn.Linear(N_IN, 2, key=KEY)))
    net = feedforward({"hid": cell()}, **layer)
    assert all("'in-hid' goes through a Layer" in says(est, net) for est in ESTIMATORS[2:])


class Mine(snn.NestOrder):
    """An order of one's own, with steps of its own."""

    def step(self, net, state, inputs, t, key):
        return super().step(net, state, inputs, t, key)


class Echo(snn.drives.AbstractDrive):
    def step(self, d, t, signals, *, key):
        return d, snn.simulation.Inputs(arrivals={"in.in": signals.spikes["in"]})


class Faster(snn.LIF):
    """A LIF with another equation."""

    def advance(self, s, current, dt, *, noise=None):
        return super().advance(s, current, 2.0 * dt, noise=noise)


class Renamed(snn.LIF):
    """A LIF with another name."""


class Quicker(snn.Exponential):
    def receive(self, s, arrivals):
        return super().receive(s, 2.0 * arrivals)


def test_orders_drives_and_subclasses():
    plain = feedforward({"hid": cell()})
    assert [says(est, plain) for est in ESTIMATORS] == [None] * 4
    for order in (Mine(), Cut()):
        other = eqx.tree_at(
            lambda n: n.order, plain, order, is_leaf=lambda x: isinstance(x, snn.networks.AbstractOrder)
        )
        assert type(order).__name__ in says(snn.EProp(), other) and says(snn.BPTT(), other) is None
    assert "BrianOrder" in says(snn.EProp(), feedforward({"hid": cell()}, order=snn.BrianOrder()))
    assert all("Echo may react" in says(est, plain, Echo()) for est in ESTIMATORS[2:])
    assert says(snn.BPTT(), plain, Echo()) is None
    assert "hid.neuron is Faster" in says(snn.EventProp(), feedforward({"hid": cell(Faster())}))
    assert says(snn.EventProp(), feedforward({"hid": cell(Renamed())})) is None
    assert "hid.in is Quicker" in says(snn.EventProp(), feedforward({"hid": cell(port=Quicker(2.0))}))
    program = snn.chips.loihi.program(
        {"in": snn.lowering.InputCells(N_IN), "out": snn.chips.loihi.CubaCells(1)},
        {"in-out": snn.chips.loihi.Synapses("in", "out", np.full((N_IN, 1), 2))},
    )
    assert all("a Program computes with integers" in est.unsupported(LOSS, program) for est in ESTIMATORS)
    with pytest.raises(ValueError, match=r"BPTT: a Program computes with integers.*relax"):
        snn.BPTT("*").value_and_grad(LOSS, program, snn.Replay(jnp.asarray(RASTER), into="in"), TARGET, key=0)


def one_each(registry):
    """One entry of each class, by the class's name."""
    made = [make(1.0) for make in registry.values()]
    return {type(part).__name__: lambda part=part: part for part in reversed(made)}


@pytest.mark.usefixtures("x64")
def test_e_prop_is_right_for_every_neuron_and_port():
    """One of each class, side by side in one network without paths that e-prop cuts: BPTT's gradient, by weight."""
    cells = {f"n {name}": cell(make(1.0), snn.Delta()) for name, make in NEURONS.items() if name not in ADAPTIVE}
    kinds = {type(p.neuron): name for name, p in reversed(cells.items()) if name != "n Parrot"}
    more = ("n LIF subtract next step", "n LIF keeps", "n LIF noise")
    cells = {name: p for name, p in cells.items() if name in (*kinds.values(), *more)}
    cells |= {f"p {kind}": cell(port=make()) for kind, make in one_each(PORTS).items()}
    net = feedforward(cells)
    without = eqx.tree_at(lambda n: n.populations, net, {k: without_reset(p) for k, p in net.populations.items()})
    drive = snn.Replay(jnp.asarray(RASTER), into="in") + snn.StepCurrent(1.2, into=tuple(cells))
    given = (LOSS, drive, TARGET)
    value, online = snn.EProp().value_and_grad(given[0], net, *given[1:], key=KEY)
    exact = snn.BPTT(checkpoint=snn.checkpointing.KeepAll()).value_and_grad(given[0], without, *given[1:], key=KEY)
    np.testing.assert_allclose(value, exact[0], rtol=1e-9)
    for name, p in online.projections.items():
        wanted = exact[1][name].weight
        scale = float(jnp.max(jnp.abs(wanted)))
        np.testing.assert_allclose(p.weight, wanted, rtol=1e-8, atol=1e-9 * scale, err_msg=name)
        assert scale > 0 or name == "in-n LI", name


@pytest.mark.usefixtures("x64")
def test_eventprop_is_the_same_for_the_same_circuit():
    """One LIF with exponential currents, said in nine ways side by side: gains, comparator, graphs, a joint weight."""
    rng = np.random.default_rng(2)
    tau, weight = 6.0, rng.uniform(1.0, 3.0, (N_IN, 2))
    lif = snn.LIF(tau=tau, v_th=1.0, t_ref=0.3)
    step = float(-np.expm1(-0.02 / tau))
    frozen = step / (2.0 / (tau - 2.0) * (np.exp(-0.02 / tau) - np.exp(-0.02 / 2.0)))  # what both move `v` by in a step
    ways = {
        "plain": (lif, snn.Exponential(2.0), DENSE, 1.0),
        "sparse": (lif, snn.Exponential(2.0), dict(topology=snn.AllToAll()), 1.0),
        "above": (dataclasses.replace(lif, comparator=snn.thresholds.Greater()), snn.Exponential(2.0), DENSE, 1.0),
        "keeps": (dataclasses.replace(lif, refractory_input=snn.refractory.Buffer()), snn.Exponential(2.0), DENSE, 1.0),
        "resistance": (dataclasses.replace(lif, gain=snn.gains.Resistance(2.0)), snn.Exponential(2.0), DENSE, 2.0),
        "capacitance": (
            dataclasses.replace(lif, gain=snn.gains.Capacitance(3.0)),
            snn.Exponential(2.0),
            DENSE,
            tau / 3.0,
        ),
        "per step": (dataclasses.replace(lif, gain=snn.gains.PerStep()), snn.Exponential(2.0), DENSE, 1.0 / step),
        "shifted": (snn.LIF(tau=tau, v_rest=-1, v_th=0.0, v_reset=-1, t_ref=0.3), snn.Exponential(2.0), DENSE, 1.0),
        "frozen": (lif, snn.Exponential(2.0, hold=snn.synapses.ZeroOrderHold()), DENSE, frozen),
    }
    net = snn.network(
        dt=0.02,
        key=KEY,
        populations={"in": snn.SpikeSource(N_IN), "out": snn.Population(snn.LI(5.0), 1, {"in": snn.Exponential(3.0)})}
        | {name: cell(neuron, port) for name, (neuron, port, *_) in ways.items()},
        projections={
            f"in-{name}": snn.Connection("in", name, **via, weight=weight / gain, delay=0.2)
            for name, (_, _, via, gain) in ways.items()
        }
        | {f"{name}-out": snn.Connection(name, "out", **DENSE, weight=0.7) for name in ways},
    )
    drive = snn.Replay(jnp.asarray(rng.random((1, 400, N_IN)) < 0.01), into="in")
    value, gradient = snn.EventProp().value_and_grad(Area(), net, drive, None, key=KEY)
    plain = np.asarray(gradient["in-plain"].weight)
    assert value > 0 and np.any(plain != 0)
    for name, (*_, gain) in ways.items():
        found = np.asarray(gradient[f"in-{name}"].weight).reshape(plain.shape) / gain
        np.testing.assert_allclose(found, plain, rtol=1e-6, atol=1e-6 * np.abs(plain).max(), err_msg=name)


class Area(snn.losses.AbstractSummedLoss):
    """The sum of a read-out's square."""

    def now(self, signals, target_t, t):
        return jnp.sum(jnp.square(signals.state["out"]["v"]))
