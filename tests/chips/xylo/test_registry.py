"""Every model, port, release, rule, modifier, module and order through `lower` to Xylo: as the model, or refused."""

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

TARGET = snn.chips.xylo.XyloAudio2()
ORDERS = (snn.NestOrder(), snn.BrianOrder())
LIFS = {"LIF", "LIF above", "LIF resistance", "LIF capacitance", "LIF per step"}
SAME = {"LIF subtract", "LIF nothing", "LIF keeps", "LIF integrates"}  # as these, without a refractory period
CUBAS = {"CubaLIF old euler", "CubaLIF decaying"}
AT_ONCE = {"CubaLIF new", "CubaLIF new per step", "CubaLIF integrates"}  # their current acts in the step of its arrival
THRESHOLD = {snn.CubaLIF: 0.5}  # times the gain: what the input of these tests reaches


def taken(net):
    return refusals.taken(net, TARGET)


def fitted(cell):
    """The same with the reset of the chip, without a refractory period, and with a threshold that its input reaches."""
    if not isinstance(cell, snn.LIF | snn.CubaLIF):
        return cell
    tau, same = jnp.asarray(16 * DT), {"tau_syn": 4 * DT} if isinstance(cell, snn.CubaLIF) else {}
    gain = cell.gain.per_step(tau, DT) / -jnp.expm1(-DT / tau)
    chip = dict(reset_mechanism=snn.resets.Subtract(), t_ref=0.0, v_rest=0.0, v_reset=0.0, bias=0.0)
    return dataclasses.replace(cell, tau=tau, v_th=gain * THRESHOLD.get(type(cell), 1.0), **chip, **same)


def population(cell):
    current = isinstance(cell, snn.LIF)
    return snn.Population(cell, N, ports={"in": snn.Exponential(4 * DT) if current else snn.Delta()})


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_every_neuron_is_lowered_or_refused_by_name(order):
    cells = {name: make(1.0) for name, make in NEURONS.items()}
    why = {
        name: taken(network(cells={"E": population(fitted(cell))}, order=order, links={}))
        for name, cell in cells.items()
        if name != "Parrot"
    }
    late = isinstance(order, snn.BrianOrder)
    lowered = {name for name, said in why.items() if said is None}
    assert lowered == LIFS | SAME | CUBAS | (set() if late else AT_ONCE)
    assert all(said.startswith("Population 'E': ") for said in why.values() if said)
    for name in LIFS | CUBAS:  # control: with the reset that they have, which is to a value
        assert "reset_mechanism is ToValue" in taken(network(cells={"E": population(cells[name])}, order=order))


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_what_is_lowered_fires_as_the_model_does(order):
    names = sorted(LIFS | CUBAS | (set() if isinstance(order, snn.BrianOrder) else AT_ONCE))
    net = network(cells={f"g{i}": population(fitted(NEURONS[name](1.0))) for i, name in enumerate(names)}, order=order)
    raster = jnp.asarray(np.random.default_rng(2).random((400, SENDERS)) < 0.08, jnp.float32)
    program, _, report = snn.lower(net, TARGET, calibrate=snn.Replay(raster, into="in"))
    snn.lowering.verify(program, TARGET)
    for i, name in enumerate(names):
        one = report.data["agreement"][f"g{i}"]
        assert one["rate of the model Hz"] > 20, (name, one)
        assert one["rate Hz"] == pytest.approx(one["rate of the model Hz"], rel=0.1), (name, one)
        assert one["coincidence"] > 0.75, (name, one)


def test_every_port_is_lowered_or_refused_by_name():
    has = ("Exponential", "Exponential frozen", "Exponential at tau_m")
    refuses_ports(TARGET, fitted(snn.LIF()), has, "its ports are no exponential currents; use LIF with Exponential")


def test_every_release_and_module_is_refused_by_name():
    refuses_releases_and_modules(TARGET, population(fitted(snn.LIF())))


def test_every_rule_and_modifier_is_refused_by_name():
    refuses_rules(TARGET, population(fitted(snn.LIF())))


def test_what_changes_its_kind_is_refused():
    chip = lambda cell: network(cells={"E": population(cell)})
    fit = fitted(snn.LIF())
    same = {field.name: getattr(fit, field.name) for field in dataclasses.fields(fit)}
    assert taken(chip(Named(**same))) is None
    assert "Slower is no neuron of Xylo" in taken(chip(Slower(**same)))
    assert "Halfway" in taken(chip(dataclasses.replace(fit, reset_mechanism=Halfway())))
    assert "Below" in taken(chip(dataclasses.replace(fit, comparator=Below())))
    refuses_orders(TARGET, population(fit))
