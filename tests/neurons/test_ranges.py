"""Every number of every neuron, port, release and rule has its range: refused when built, a status bit where traced."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn._types import Checked, out_of_bounds
from tests.laws.registry import NEURONS, PORTS, RELEASES
from tests.refused import refused


def parts(model):
    """A model and the modules inside it, such as its gain."""
    yield model
    for field in dataclasses.fields(model):
        part = getattr(model, field.name)
        if dataclasses.is_dataclass(part):
            yield from parts(part)


def kinds():
    """One of each class that has numbers, by name; inputs check theirs themselves (tests/simulation/test_costs.py)."""
    models = [make(1.0) for table in (NEURONS, PORTS, RELEASES) for make in table.values()]
    models += [snn.AdEx(), snn.EIF(), snn.PairSTDP(), snn.Clopath(), snn.TripletSTDP()]
    found = {type(part).__name__: part for model in models for part in parts(model)}
    return {name: part for name, part in found.items() if isinstance(part, Checked) and list(numbers(part))}


def numbers(part):
    return [field for field in dataclasses.fields(part) if "unit" in field.metadata]


KINDS = kinds()
WRONG = {  # by bound: what is just outside of it
    "gt": lambda bound: bound,
    "ge": lambda bound: bound - 0.1,
    "lt": lambda bound: bound,
    "le": lambda bound: bound + 0.1,
    "finite": lambda bound: np.inf if bound else None,
}


def with_number(part, name, value):
    """Built anew with another number."""
    given = {f.name: getattr(part, f.name) for f in dataclasses.fields(part) if f.init}
    return type(part)(**{**given, name: value})


@pytest.mark.parametrize("kind", KINDS)
def test_true_is_no_number(kind):
    part = KINDS[kind]
    for field in numbers(part):
        for value in (True, [True, False], np.ones(2, bool)):
            with refused("for a number; expected a real number"):
                with_number(part, field.name, value)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_nan_or_out_of_its_bounds(kind):
    part, tried = KINDS[kind], 0
    for field in numbers(part):
        wrong = [make(field.metadata[name]) for name, make in WRONG.items() if field.metadata[name] is not None]
        for value in [np.nan, *(x for x in wrong if x is not None)]:
            with refused(f"{kind}.{field.name} is {np.float32(value)}", "expected"):
                with_number(part, field.name, value)
            tried += 1
    assert tried >= len(numbers(part)) > 0


RELATIONS = {
    "LIF": (lambda x: snn.LIF(v_reset=x, v_th=20.0), 20.1, 20.0),
    "LIF beyond": (lambda x: snn.LIF(v_reset=x, v_th=20.0, comparator=snn.thresholds.Greater()), 20.1, 20.0),
    "CubaLIF": (lambda x: snn.CubaLIF(v_reset=x), 1.1, 0.9),
    "ALIF": (lambda x: snn.ALIF(v_reset=x, reset_mechanism=snn.resets.Subtract()), 20.1, 0.0),
    "Lapicque": (lambda x: snn.Lapicque(v_reset=x), 1.1, 0.0),
    "CobaLIF": (lambda x: snn.CobaLIF(v_reset=x), -55.0, -56.0),
    "AdEx": (lambda x: snn.AdEx(v_reset=x), 0.0, -60.0),
    "AdEx overflow": (lambda x: snn.AdEx(delta_t=x), 0.5, 2.0),
    "QIF": (lambda x: snn.QIF(v_reset=x), 10.0, -10.0),
    "Izhikevich": (lambda x: snn.Izhikevich(c=x), 30.0, -65.0),
    "DualConductance": (lambda x: snn.DualConductance(x, 5.0, size=snn.synapses.Unnormalised()), 5.0, 1.0),
    "SaturatingRelease": (lambda x: snn.connectivity.SaturatingRelease(tau_rise=x), 100.0, 2.0),
    "Saturating series": (lambda x: snn.connectivity.SaturatingRelease(alpha=x), 5.0, 0.5),
}


def test_relations_between_numbers():
    """Each is an error when built, and found in traced numbers; its neighbour is neither."""

    @jax.jit
    def found(wrong, right):
        return {
            name: (out_of_bounds(RELATIONS[name][0](wrong[name])), out_of_bounds(RELATIONS[name][0](right[name])))
            for name in RELATIONS
        }

    for make, wrong, right in RELATIONS.values():
        with refused("expected"):
            make(wrong)
        make(right)
    bits = found(
        {n: wrong for n, (_, wrong, _) in RELATIONS.items()}, {n: right for n, (_, _, right) in RELATIONS.items()}
    )
    assert {name: (bool(a), bool(b)) for name, (a, b) in bits.items()} == dict.fromkeys(RELATIONS, (True, False))


def test_resets_that_do_nothing_ask_nothing():
    snn.LIF(v_reset=30.0, reset_mechanism=snn.resets.NoReset())


def test_initial_values():
    """Gates and conductances have ranges too: given, drawn from what is known, and traced."""
    conductance = {"in": snn.Conductance(5.0)}
    for cell, value in (
        (lambda x: snn.Population(snn.HodgkinHuxley(), 2, init={"m": x}), 1.2),
        (lambda x: snn.Population(snn.LIF(), 2, ports=conductance, init={"in.g": x}), -0.1),
        (lambda x: snn.Population(snn.LIF(), 2, ports={"in": snn.NMDA()}, init={"in.g": x}), snn.Uniform(-1.0, 1.0)),
    ):
        with refused("Population.init[", "expected 0 to"):
            cell(value)
        cell(0.5)

    @jax.jit
    @jax.vmap
    def status(g):
        population = snn.Population(snn.LIF(), 2, ports=conductance, init={"in.g": g})
        net = snn.network(dt=0.1, key=jax.random.key(0), populations={"E": population})
        return snn.simulate(net, steps=1, key=jax.random.key(0)).status

    assert status(jnp.array([0.1, -0.1])).tolist() == [0, snn.Status.PARAMETER_RANGE]
