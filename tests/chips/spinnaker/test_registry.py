"""Every model, port, release, rule, modifier, module and order lowered to SpiNNaker: as the model, or refused."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.chips import refusals
from tests.chips.refusals import (
    DT,
    SENDERS,
    Below,
    Halfway,
    N,
    Named,
    Slower,
    network,
    refuses_orders,
    refuses_ports,
    refuses_releases_and_modules,
    refuses_rules,
)  # fmt: skip
from tests.laws.registry import NEURONS
from tests.refused import refused

TARGET = snn.chips.spinnaker.SpiNNaker1()
ORDERS = (snn.NestOrder(), snn.BrianOrder())
LIFS = {"LIF", "LIF above", "LIF next step", "LIF resistance", "LIF capacitance", "LIF per step", "LIF keeps"}
CUBAS = {"CubaLIF old euler", "CubaLIF decaying"}
AT_ONCE = {"CubaLIF new", "CubaLIF new per step"}  # their current acts in the step of its arrival


def taken(net):
    return refusals.taken(net, TARGET)


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
    has = ("Delta", "Exponential", "Exponential frozen", "Exponential at tau_m")
    said = "its ports are {}, and SpiNNaker has exponential currents or jumps of v; use LIF with Exponential or Delta"
    refuses_ports(TARGET, snn.LIF(), has, said)


def test_every_release_and_module_is_refused_by_name():
    refuses_releases_and_modules(TARGET, population(snn.LIF()))


def test_every_rule_and_modifier_is_lowered_or_refused_by_name():
    has = {("PairSTDP", "Bound"), ("PairSTDP", "SoftBound")}
    refuses_rules(TARGET, population(snn.LIF()), has, "cannot be lowered onto SpiNNaker's rule of pairs")


def test_what_changes_its_kind_is_refused():
    chip = lambda cell: network(cells={"E": population(cell)})
    fit = snn.LIF()
    assert taken(chip(Named())) is None
    assert "Slower is no neuron of SpiNNaker" in taken(chip(Slower()))
    assert "Halfway" in taken(chip(dataclasses.replace(fit, reset_mechanism=Halfway())))
    assert "Below" in taken(chip(dataclasses.replace(fit, comparator=Below())))
    refuses_orders(TARGET, population(fit))
    with refused("'E'", "what arrives acts at once", "use NestOrder()"):
        jumps = {"E": snn.Population(fit, N, ports={"in": snn.Delta()})}
        snn.lower(network(cells=jumps, order=snn.BrianOrder()), TARGET)
