"""Every model, port, release, rule, modifier, module and order lowered to TrueNorth: as the model, or refused."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.chips import refusals
from tests.chips.refusals import (
    Halfway,
    N,
    network,
    refuses_orders,
    refuses_ports,
    refuses_releases_and_modules,
    refuses_rules,
)  # fmt: skip
from tests.chips.truenorth.networks import tn
from tests.laws.registry import NEURONS

TARGET = tn.TrueNorth()
FITS = {
    "linear": tn.LinearLeakIF(leak=-0.1),
    "unit": tn.ThresholdUnit(bias=-1.0),
    "LIF without leak": snn.LIF(tau=jnp.inf, gain=snn.gains.PerStep()),
}


def taken(net):
    return refusals.taken(net, TARGET)


@pytest.mark.parametrize("order", [snn.NestOrder(), snn.BrianOrder()], ids=lambda order: type(order).__name__)
def test_every_neuron_is_lowered_or_refused_by_name(order):
    """An exponential leak is refused with the nearest that can be had."""
    made = {name: make(1.0) for name, make in NEURONS.items() if name != "Parrot"} | FITS
    why = {name: taken(network(cells={"E": cell}, order=order, links={})) for name, cell in made.items()}
    late = isinstance(order, snn.BrianOrder)
    assert {name for name, said in why.items() if said is None} == (set() if late else {*FITS})
    for name, said in why.items():
        if said is not None:
            nearest = ("NestOrder()",) if name in FITS else ("LinearLeakIF, ThresholdUnit",)
            assert said.startswith("Population 'E': ") and (late or all(part in said for part in nearest)), said
            assert late or not isinstance(made[name], snn.LIF) or "leaks exponentially" in said


def test_every_port_is_lowered_or_refused_by_name():
    refuses_ports(TARGET, FITS["linear"], ("Delta",), "{}, and TrueNorth has no synaptic current; use Delta")


def test_every_release_and_module_is_refused_by_name():
    refuses_releases_and_modules(TARGET, FITS["linear"])


def test_every_rule_and_modifier_is_refused_by_name():
    refuses_rules(TARGET, FITS["linear"])


class Slower(tn.LinearLeakIF):
    """Another leak."""

    def compared(self, s):
        return super().compared(s) / 2


def test_what_changes_its_kind_is_refused():
    chip = lambda cell, **more: network(cells={"E": cell}, **more)
    lif, linear = FITS["LIF without leak"], FITS["linear"]
    cases = {
        "Slower is no neuron of TrueNorth": Slower(),
        "Halfway": dataclasses.replace(linear, reset_mechanism=Halfway()),
        "refractory period": dataclasses.replace(lif, t_ref=2.0),
        "noise": dataclasses.replace(lif, noise=1.0),
        "gain Resistance": dataclasses.replace(lif, gain=snn.gains.Resistance()),
        "comparator Greater": dataclasses.replace(lif, comparator=snn.thresholds.Greater()),
        "reset time NextStep": dataclasses.replace(lif, reset_time=snn.resets.NextStep()),
        "floor is above its reset": tn.LinearLeakIF(v_reset=-2.0, floor=1.0),
        "threshold is below 0": tn.LinearLeakIF(v_th=-1.0, v_reset=-2.0, reversal=True),
        "ringing is False": tn.LinearLeakIF(leak=-0.1, reversal=True, ringing=False),
        "takes off whole": tn.LinearLeakIF(
            v_reset=-1.0, reversal=True, floor=3.0, reset_mechanism=snn.resets.Subtract()
        ),
    }
    for said, cell in cases.items():
        why = taken(chip(cell))
        assert why is not None and said in why, (said, why)
    refuses_orders(TARGET, linear)
    drawn = snn.Population(linear, N, init={"v": snn.Uniform(0.0, 1.0)})
    assert "draws its initial 'v' anew" in taken(chip(drawn))
    assert "leave `init` out" in taken(chip(snn.Population(FITS["unit"], N, init={"v": np.zeros(N)})))


def test_leaks_that_end_at_zero_are_lowered_to_rules_that_have_it():
    target = tn.TrueNorth(rules=tn.Published(ringing=False))
    net = network(cells={"E": tn.LinearLeakIF(leak=-0.1, reversal=True, ringing=False)}, dt=1.0)
    assert snn.lower(net, target).program.cells["E"].rules == tn.Published(ringing=False)
