"""Spike for spike against NEST 3.10 and Brian2 2.9, in float64: design section 4, measured.

Every control changes one thing. What it must then give is known as well: each golden file holds how many spikes differ
when the NumPy loop that reproduced the simulator (`tests/oracles/golden.py`) has the same thing changed.
"""

import numpy as np
import pytest

from tests.parity import golden

pytestmark = pytest.mark.usefixtures("x64")
OTHER = {"nest": "brian2", "brian2": "nest", ">=": ">", ">": ">="}


def mismatches(case, **change):
    return len(golden.run(case, **change)[0] ^ case.spikes)


def earliest(case):
    """The shortest delay in the file's own order."""
    return {"nest": 1, "brian2": 0}[case.params["order"]]


@pytest.mark.parametrize("name", golden.NAMES)
def test_every_spike(name):
    """500 ms of 400 neurons: the same set of (step, neuron), the same voltages; other numbers give other spikes."""
    case = golden.load(name)
    p, expected = case.params, case.params["controls"]
    spikes, v = golden.run(case)
    assert len(spikes) > 2000 and spikes == case.spikes
    after = case.arrays["trace_step"] > 0  # a trace begins after the first step
    at = case.arrays["trace_step"][after] - 1
    np.testing.assert_allclose(v[at], case.arrays["trace_v"][after], rtol=0, atol=1e-9)

    assert mismatches(case, R=p["R"] + 1) == expected["R+1"] > 1000
    assert p["R"] == 0 or mismatches(case, R=p["R"] - 1) > 1000
    assert mismatches(case, delay_shift=1) == expected["d+1"] > 1000
    if p["order"] == "brian2":
        assert mismatches(case, delay_floor=1) == expected["d=0 read as 1"] > 1000


@pytest.mark.parametrize("name", ["nest_delta", "nest_delta_ref0", "brian2_delta", "brian2_delta_ref0"])
def test_order_decides_where_v_jumps(name):
    """Jumps of `v` before the threshold or after it: another order is another trajectory, however it is stamped."""
    case = golden.load(name)
    other, _ = golden.run(case, order=OTHER[case.params["order"]], delay_floor=1)
    stamped = (len({(k + shift, i) for k, i in other} ^ case.spikes) for shift in (-1, 0, 1))
    assert min(stamped) == case.params["controls"]["other order"] > 1000


@pytest.mark.parametrize("name", ["nest_exp", "nest_exp_ref0p5", "nest_alpha"])
def test_order_is_free_where_v_does_not_jump(name):
    """An arrival that only touches a current moves `v` one step later in both orders."""
    assert mismatches(golden.load(name), order="brian2") == 0


@pytest.mark.parametrize("name", ["brian2_exp", "brian2_conductance"])
def test_order_of_ports_is_only_the_delay_zero(name):
    """What remains of Brian2's order with current ports is that 0 is a delay: NEST's has to read it as 1."""
    case = golden.load(name)
    assert mismatches(case, order="nest", delay_floor=1) == case.params["controls"]["other order"] > 1000


@pytest.mark.parametrize("name", ["nest_delta_lattice", "brian2_delta_lattice", "nest_delta", "brian2_delta"])
def test_comparator_decides_ties(name):
    """`>=` or `>`: on a lattice of weights thousands of ties follow it; without ties it is free."""
    case = golden.load(name)
    wrong = mismatches(case, comparator=OTHER[case.params["comparator"]])
    assert wrong == case.params["controls"]["other comparator"]
    assert (wrong > 1000) == (case.params["ties"] > 0) == ("lattice" in name)


@pytest.mark.parametrize(
    "name, change",
    [
        ("nest_delta", {"v_held": False}),
        ("nest_delta", {"jump_held": "discount"}),
        ("nest_delta_refractory_input", {"jump_held": "drop"}),
        ("nest_delta_refractory_input", {"v_held": False}),
        ("brian2_delta", {"v_held": False}),
        ("brian2_delta_subtract", {"v_held": False}),
        ("brian2_delta_free", {"v_held": True, "jump_held": "drop"}),
        ("brian2_delta_subtract_free", {"v_held": True, "jump_held": "drop"}),
        ("brian2_exp_deaf", {"port_held": False}),
        ("brian2_exp", {"port_held": True}),
    ],
)
def test_what_is_heard_while_refractory_decides(name, change):
    """Arrivals that are not gated as the simulator gates them (the membrane's, or the port's) are other spikes."""
    assert mismatches(golden.load(name), **change) > 1000


def test_what_the_drop_of_kept_jumps_costs_is_known():
    """Two wrong gates are also changes of the NumPy loop: the library errs by exactly as many spikes as it does."""
    for name, key, change in (
        ("nest_delta_refractory_input", "jumps dropped while held", {"jump_held": "drop"}),
        ("brian2_exp_deaf", "ports not held", {"port_held": False}),
    ):
        case = golden.load(name)
        assert mismatches(case, **change) == case.params["controls"][key]
