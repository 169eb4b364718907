"""Every model, port, release, rule, module and order on BrainScaleS-2: the model bit for bit, or refused by name."""

import dataclasses

import jax
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

bss = snn.chips.brainscales
IDEAL = bss.BrainScaleS2(weight_bits=None, range=False)
ORDERS = (snn.NestOrder(), snn.BrianOrder())
LIFS = {"LIF", "LIF above", "LIF resistance", "LIF capacitance", "LIF per step", "LI"}
CUBAS = {"CubaLIF new", "CubaLIF new per step", "CubaLIF old euler", "CubaLIF decaying"}


def taken(net):
    return refusals.taken(net, IDEAL)


def population(cell):
    own = isinstance(cell, snn.CubaLIF)
    return snn.Population(cell, N, ports={"in": snn.Delta() if own else snn.Exponential(4 * DT)})


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_every_neuron_is_lowered_or_refused_by_name(order):
    why = {}
    for name, make in NEURONS.items():
        if name != "Parrot":
            why[name] = taken(network(cells={"E": population(make(1.0))}, order=order, links={}))
    lowered = {name for name, said in why.items() if said is None}
    assert lowered == LIFS | CUBAS | {name for name in NEURONS if name.startswith("AdEx")}
    assert all(said.startswith("Population 'E': ") for said in why.values() if said)


def test_what_is_lowered_is_the_model_bit_for_bit():
    names = sorted(LIFS | CUBAS)
    net = network(
        cells={f"g{i}": population(NEURONS[name](1.0)) for i, name in enumerate(names)}, order=snn.BrianOrder()
    )
    raster = jnp.asarray(np.random.default_rng(2).random((300, SENDERS)) < 0.08, jnp.float32)
    target = dataclasses.replace(IDEAL, speed=1e3 * DT)  # the registry's times are tenths
    program = snn.lower(net, target).program
    record = {f"g{i}": snn.Trace(f"g{i}.v") for i in range(len(names))}
    what = dict(steps=300, key=jax.random.key(0), record=record, progress=snn.progress.Quiet())
    model, ours = (snn.simulate(each, snn.Replay(raster, into="in"), **what) for each in (net, program))
    for i, name in enumerate(names):
        assert np.ptp(model[f"g{i}"]) > 0.1 and np.array_equal(model[f"g{i}"], ours[f"g{i}"]), name


def test_every_port_is_lowered_or_refused_by_name():
    has = ("Exponential", "Exponential frozen", "Exponential at tau_m")
    refuses_ports(IDEAL, snn.LIF(), has, "synapses of BrainScaleS-2 are exponential currents")


def test_every_release_module_and_rule_is_refused_by_name():
    refuses_releases_and_modules(IDEAL, population(snn.LIF()))
    refuses_rules(IDEAL, population(snn.LIF()))


def test_what_changes_its_kind_is_refused():
    chip = lambda cell: network(cells={"E": population(cell)})
    fit = snn.LIF()
    same = {field.name: getattr(fit, field.name) for field in dataclasses.fields(fit)}
    assert taken(chip(Named(**same))) is None
    assert "Slower is no neuron of BrainScaleS-2" in taken(chip(Slower(**same)))
    assert "Halfway" in taken(chip(dataclasses.replace(fit, reset_mechanism=Halfway())))
    assert "Below" in taken(chip(dataclasses.replace(fit, comparator=Below())))
    refuses_orders(IDEAL, population(fit))
