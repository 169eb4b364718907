"""Every model, port, release, rule, modifier, module and order lowered to SpiNNaker: as the model, or refused."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.plasticity.base import AbstractModifier, AbstractRule
from tests.laws.registry import NEURONS, PORTS, RELEASES
from tests.lowering.test_registry import DT, SENDERS, Below, Declared, Halfway, Named, Own, Slower, below, network
from tests.refused import refused

TARGET = snn.chips.spinnaker.SpiNNaker1()
ORDERS = (snn.NestOrder(), snn.BrianOrder())
LIFS = {"LIF", "LIF above", "LIF next step", "LIF resistance", "LIF capacitance", "LIF per step", "LIF keeps"}
CUBAS = {"CubaLIF old euler", "CubaLIF decaying"}
AT_ONCE = {"CubaLIF new", "CubaLIF new per step"}  # their current acts in the step of its arrival
N = 5


def taken(net):
    """Why SpiNNaker does not take a network; None if it does."""
    try:
        snn.lowering.read(net, TARGET)
    except ValueError as error:
        assert "\n" not in str(error)
        return str(error)


def population(cell, n=N):
    current = not isinstance(cell, snn.CubaLIF)
    return snn.Population(cell, n, ports={"in": snn.Exponential(4 * DT) if current else snn.Delta()})


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_every_neuron_is_lowered_or_refused_by_name(order):
    why = {
        name: taken(network(cells={"E": population(make(1.0))}, order=order, links={}))
        for name, make in NEURONS.items()
        if name != "Parrot"
    }
    late = isinstance(order, snn.BrianOrder)
    assert {name for name, said in why.items() if said is None} == LIFS | CUBAS | {"LI"} | (set() if late else AT_ONCE)
    assert all(said.startswith("Population 'E': ") for said in why.values() if said)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_what_is_lowered_fires_as_the_model_does(order):
    """All in one network, jumps of `v` too where the order has them before the threshold."""
    early = isinstance(order, snn.NestOrder)
    names = sorted(LIFS | CUBAS | (AT_ONCE if early else set()))
    groups = {f"g{i}": population(NEURONS[name](1.0)) for i, name in enumerate(names)}
    if early:
        groups["jumps"] = snn.Population(NEURONS["LIF above"](1.0), N, ports={"in": snn.Delta()})
    raster = jnp.asarray(np.random.default_rng(2).random((400, SENDERS)) < 0.08, jnp.float32)
    net = network(cells=groups | {"LI": population(NEURONS["LI"](1.0))}, order=order)
    program, _, report = snn.lower(net, TARGET, calibrate=snn.Replay(raster, into="in"))
    snn.lowering.verify(program, TARGET)
    for name in groups:
        one = report.data["agreement"][name]
        about = name, names[int(name[1:])] if name != "jumps" else "", one
        assert one["rate of the model Hz"] > 20, about
        assert one["rate Hz"] == pytest.approx(one["rate of the model Hz"], rel=0.02), about
        assert one["coincidence"] > 0.93, about
    assert report.data["agreement"]["LI"]["rate Hz"] == 0


def test_every_port_is_lowered_or_refused_by_name():
    link = snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=0.5, delay=1.0)
    for name, port in PORTS.items():
        cell = snn.Population(snn.LIF(), N, ports={"in": port(1.0)})
        why = taken(network(cells={"E": cell}, links={"S": link}))
        if name in ("Delta", "Exponential", "Exponential frozen", "Exponential at tau_m"):
            assert why is None, why
        else:
            assert why is not None and "'E'" in why and type(port(1.0)).__name__ in why, name
            assert "use LIF with Exponential or Delta" in why, name


def test_every_release_and_module_is_refused_by_name():
    cells = {"E": population(snn.LIF())}
    for release in RELEASES.values():
        link = snn.Connection("in", "E", snn.AllToAll(), weight=0.5, delay=1.0, release=release(1.0))
        assert "'S' has a release" in taken(network(cells=cells, links={"S": link}))
    link = snn.Connection("in", "E", via=snn.Layer(eqx.nn.Linear(SENDERS, N, key=jax.random.key(1))))
    assert "'S' goes through a Layer" in taken(network(cells=cells, links={"S": link}))


def test_every_rule_and_modifier_is_refused_by_name():
    """`lower` makes no plastic rows yet."""
    pair, bound = snn.PairSTDP(), snn.Bound(0.0, 1.0)
    rules = [snn.chain(rule, bound) for rule in below(AbstractRule)]
    rules += [snn.chain(pair, part) for part in below(AbstractModifier)]
    assert len(rules) > 10
    for rule in rules:
        link = snn.Connection("in", "E", snn.AllToAll(), weight=0.5, delay=1.0, rule=rule)
        why = taken(network(cells={"E": population(snn.LIF())}, links={"S": link}))
        assert why is not None and "'S'" in why and "frozen()" in why, why


def test_what_changes_its_kind_is_refused():
    chip = lambda cell: network(cells={"E": population(cell)})
    fit = snn.LIF()
    assert taken(chip(Named())) is None
    assert "Slower is no neuron of SpiNNaker" in taken(chip(Slower()))
    assert "Halfway" in taken(chip(dataclasses.replace(fit, reset_mechanism=Halfway())))
    assert "Below" in taken(chip(dataclasses.replace(fit, comparator=Below())))
    with refused("Own", "does not declare where in a step arrivals act"):
        snn.lower(network(cells={"E": population(fit)}, order=Own()), TARGET)
    assert taken(network(cells={"E": population(fit)}, order=Declared())) is None
    with refused("'E'", "what arrives acts at once", "use NestOrder()"):
        jumps = {"E": snn.Population(fit, N, ports={"in": snn.Delta()})}
        snn.lower(network(cells=jumps, order=snn.BrianOrder()), TARGET)
