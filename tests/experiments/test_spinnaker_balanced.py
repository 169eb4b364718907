"""A balanced network on SpiNNaker has the rates and the irregularity of NEST's, at 1 ms."""

import dataclasses
import json
from typing import Any

import jax
import pytest
import spinnaker_balanced as balanced

import jaxsnn as snn

NEST = json.loads(balanced.NEST.read_text())["dt ms"]["1"]


def measured(program):
    found = balanced.statistics(program, jax.random.split(jax.random.key(1), 2), window=1000.0)
    return {name: float(x.mean()) for name, x in found.items()}


def test_it_is_as_nest():
    """Within 8 %, three standard errors of a rate: the inputs of two seconds differ by a percent, it by 2.7."""
    net, _ = balanced.model(jax.random.key(0))
    program: Any = snn.lower(net, snn.chips.spinnaker.SpiNNaker1()).program
    found = measured(program)
    for name, theirs in NEST.items():
        assert found[name] == pytest.approx(theirs["mean"], rel=0.08), name
    stronger = {
        name: dataclasses.replace(group, weight=group.weight * 11 // 10) if group.inhibitory else group
        for name, group in program.synapses.items()
    }
    wrong = measured(dataclasses.replace(program, synapses=stronger))  # control
    assert wrong["E rate (Hz)"] < 0.9 * NEST["E rate (Hz)"]["mean"]
