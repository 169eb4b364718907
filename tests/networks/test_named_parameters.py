"""An error about a parameter names it, whatever has it."""

import numpy as np
import pytest

import jaxsnn as snn
from tests.refused import refused

PORTS = {"exc": snn.Exponential(5.0), "inh": snn.Conductance(e_rev=np.full(4, -80.0))}

MATRIX = snn.gains.Resistance(np.ones((5, 1)))


@pytest.mark.parametrize(
    "make, parts",
    [
        (lambda: snn.LIF(v_reset="-65 mV"), ("v_reset: Got '-65 mV' (str)", "expected a real number")),
        (lambda: snn.LIF(tau=None), ("tau: Got None",)),
        (lambda: snn.Exponential([5.0, "5"]), ("tau: Got", "expected")),
        (lambda: snn.PairSTDP(a_plus=True), ("a_plus: Got True (bool)",)),
        (lambda: snn.Population(snn.LIF(v_th=np.ones(4)), 5), ("neuron.v_th has shape (4,); expected () or (5,)",)),
        (lambda: snn.Population(snn.LIF(), 5, PORTS), ("inh.e_rev has shape (4,)", "one number a neuron")),
        (lambda: snn.Population(snn.LIF(gain=MATRIX), 5), ("neuron.gain.r has shape (5, 1)",)),
    ],
)  # fmt: skip
def test_the_parameter_is_named(make, parts):
    with refused(*parts):
        make()


def test_one_that_may_be_left_out_and_one_a_neuron_are_taken():
    assert snn.LIF(noise=None).noise is None
    assert snn.Population(snn.LIF(v_th=np.ones(4)), 4, PORTS).ports["inh"].e_rev.shape == (4,)
