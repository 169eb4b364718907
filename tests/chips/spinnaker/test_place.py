"""Cores, chips, memory, energy: what the report of a program for SpiNNaker says, against numbers by hand."""

import jax
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips.spinnaker.place import slots
from tests.refused import refused


def network(delay):
    populations = {
        "in": snn.SpikeSource(10),
        "E": snn.Population(snn.LIF(tau=20.0, v_th=1.0), 300, ports={"in": snn.Exponential(5.0)}),
    }
    link = snn.Connection("in", "E", snn.AllToAll(), weight=0.5, delay=delay, max_delay=delay)
    return snn.network(dt=1.0, key=jax.random.key(0), populations=populations, projections={"S": link})


def test_slots_are_those_of_the_host():
    """As the host software of the release allocates them."""
    given = (14, 256), (30, 256), (144, 256), (144, 64)
    assert [slots(longest, cells) for longest, cells in given] == [16, 32, 32, 128]


def test_a_report_has_cores_memory_and_energy():
    drive = snn.Replay(np.ones((50, 10), np.float32), into="in")
    found = snn.lower(network(2.0), snn.chips.spinnaker.SpiNNaker1(time_scale_factor=2.0), calibrate=drive)
    chip, energy = found.report.data["chip"], found.report.data["energy"]
    assert (chip["cores"], chip["chips"], chip["boards"], chip["cores that delay spikes"]) == (3, 1, 1, 0)
    assert [(one["group"], one["first"], one["cells"]) for one in chip["placement"]] == [
        ("E", 0, 256),
        ("E", 256, 44),
        ("in", 0, 10),
    ]
    assert [one["ring_entries"] for one in chip["placement"]] == [4 * 2 * 256, 4 * 2 * 64, 0]
    assert chip["bytes of rows"] == 4 * 3000 + 12 * 10 * 2
    spikes = 10 + found.report.data["agreement"]["E"]["rate Hz"] * 300 * 1e-3
    assert energy["packets a step"] == pytest.approx(spikes, rel=1e-5)
    assert energy["nJ a step"] == pytest.approx(2e-3 * 3 * 0.034 * 1e9 + spikes, rel=1e-5)
    assert energy["static nJ a step"] == pytest.approx(2e-3 * 0.35 * 1e9)
    assert "released host software" in str(found.report) and "3 core(s)" in found.report.html


def test_long_delays_take_cores_of_their_own():
    delaying = lambda delay: snn.lower(network(delay), snn.chips.spinnaker.SpiNNaker1()).report.data["chip"][
        "cores that delay spikes"
    ]
    assert (delaying(31.0), delaying(32.0), delaying(100.0)) == (0, 1, 1)  # a step more on the machine
    with refused("time_scale_factor is 0.5; expected at least 1"):
        snn.chips.spinnaker.SpiNNaker1(time_scale_factor=0.5)
