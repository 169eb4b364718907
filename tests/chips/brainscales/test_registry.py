"""Every model, port, release, rule, module and order on BrainScaleS-2: the model bit for bit, or refused by name."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.laws.registry import NEURONS, PORTS, RELEASES
from tests.lowering.test_registry import DT, SENDERS, Below, Declared, Halfway, Named, Own, Slower, network
from tests.refused import refused

bss = snn.chips.brainscales
IDEAL = bss.BrainScaleS2(weight_bits=None, range=False)
ORDERS = (snn.NestOrder(), snn.BrianOrder())
LIFS = {"LIF", "LIF above", "LIF resistance", "LIF capacitance", "LIF per step", "LI"}
CUBAS = {"CubaLIF new", "CubaLIF new per step", "CubaLIF old euler", "CubaLIF decaying"}
N = 5


def taken(net):
    """Why BrainScaleS-2 does not take a network; None if it does."""
    try:
        snn.lowering.read(net, IDEAL)
    except ValueError as error:
        assert "\n" not in str(error)
        return str(error)


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
    link = snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=0.5, delay=1.0)
    for name, port in PORTS.items():
        cell = snn.Population(snn.LIF(), N, ports={"in": port(1.0)})
        why = taken(network(cells={"E": cell}, links={"S": link}))
        if name in ("Exponential", "Exponential frozen", "Exponential at tau_m"):
            assert why is None, why
        else:
            assert why is not None and "'E'" in why and "synapses of BrainScaleS-2 are exponential currents" in why, (
                name
            )


def test_every_release_module_and_rule_is_refused_by_name():
    cells = {"E": population(snn.LIF())}
    for release in RELEASES.values():
        link = snn.Connection("in", "E", snn.AllToAll(), weight=0.5, delay=1.0, release=release(1.0))
        assert "'S' has a release" in taken(network(cells=cells, links={"S": link}))
    link = snn.Connection("in", "E", via=snn.Layer(eqx.nn.Linear(SENDERS, N, key=jax.random.key(1))))
    assert "'S' goes through a Layer" in taken(network(cells=cells, links={"S": link}))
    rules = [snn.chain(rule) for rule in (snn.PairSTDP(), snn.TripletSTDP(), snn.Oja())]
    for rule in rules:
        link = snn.Connection("in", "E", snn.AllToAll(), weight=0.5, delay=1.0, rule=rule)
        why = taken(network(cells=cells, links={"S": link}))
        assert why is not None and "'S'" in why and "frozen()" in why, why


def test_what_changes_its_kind_is_refused():
    chip = lambda cell: network(cells={"E": population(cell)})
    fit = snn.LIF()
    same = {field.name: getattr(fit, field.name) for field in dataclasses.fields(fit)}
    assert taken(chip(Named(**same))) is None
    assert "Slower is no neuron of BrainScaleS-2" in taken(chip(Slower(**same)))
    assert "Halfway" in taken(chip(dataclasses.replace(fit, reset_mechanism=Halfway())))
    assert "Below" in taken(chip(dataclasses.replace(fit, comparator=Below())))
    with refused("Own", "does not declare where in a step arrivals act"):
        snn.lower(network(cells={"E": population(fit)}, order=Own()), IDEAL)
    assert taken(network(cells={"E": population(fit)}, order=Declared())) is None
