"""Programs of Xylo are the maker's simulator, bit for bit: every state and every spike."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from tests.chips.xylo import golden
from tests.oracles import xylo_core as oracle

NONE = dict.fromkeys(golden.NAMES, 0)


def mismatches(mine, theirs):
    return {key: int(np.sum(mine[key] != theirs[key])) for key in golden.NAMES}


@pytest.mark.parametrize(("seed", "variant"), golden.CASES, ids=str)
def test_a_program_is_the_chip(seed, variant):
    _, x, states = golden.case(seed, variant)
    mine, status = golden.run_together(int(variant[1]))[seed, variant]
    assert mismatches(mine, states) == NONE
    assert (status != 0) == (x.max() > 15)  # the host fed more than the chip takes, and the run says so


def test_golden_runs_saturate_and_reach_limits():
    runs = [golden.case(*case) for case in golden.CASES]
    assert sum(np.sum(np.abs(states["i"]) > 32000) for *_, states in runs) > 1000
    assert sum(np.sum(states["s"] == 31) for *_, states in runs) > 100
    assert sum(np.sum(x > 15) for _, x, _ in runs) > 100
    assert sum(np.sum(net["alias"] >= 0) for net, *_ in runs) > 40


def test_the_oracle_is_the_chip():
    net, x, states = golden.case(1, "v21")
    assert mismatches(oracle.run(net, x, version=2), states) == NONE


@pytest.mark.parametrize(
    "wrong",
    [
        {"decay_first": False},
        {"most": oracle.MOST | {"hidden": 30}},
        {"most": oracle.MOST | {"in": 14}},
        {"order": np.arange(32)[::-1]},
        {"version": 1},
    ],
    ids=["decay after", "limit 30", "limit 14", "other order", "version 1"],
)
def test_another_arithmetic_is_not_the_chip(wrong):
    """Negative controls: the golden runs tell these apart."""
    net, x, states = golden.case(1, "v21")
    mine = oracle.run(net, x, **{"version": 2, **wrong})
    assert all(count > 0 for count in mismatches(mine, states).values())


def test_a_program_alone_and_in_another_order():
    """Negative control of the code: other senders first, and saturation ends elsewhere. Alone it is as in a batch."""
    net, x, states = golden.case(1, "v21")
    program, x = golden.program(net, 2), jnp.asarray(x, float)
    assert program.cells["E"].senders == (("in", 8), ("E", 24))
    cells = dataclasses.replace(program.cells["E"], senders=program.cells["E"].senders[::-1])
    reordered = dataclasses.replace(program, cells=program.cells | {"E": cells})
    assert mismatches(golden.run(program, x)[0], states) == NONE
    assert all(mismatches(golden.run(reordered, x)[0], states)[key] > 0 for key in ("s", "v", "i"))


@pytest.mark.parametrize("size", [40, 1])
def test_spikes_are_added_at_once_where_intervals_prove_it(size):
    """And the run is the oracle's, which adds them one at a time; large weights are the negative control."""
    net, x, _ = golden.case(1, "v21")
    net |= {key: net[key] // size for key in ("w_in", "w_rec", "w_out", "vth", "vth_out")}
    net |= {key: np.minimum(net[key], 2) for key in ("dash_syn", "dash_syn_out", "shift")}
    program = golden.program(net, 2)
    prepared = [program.cells[name].prepare(program.into(name)) for name in ("E", "out")]
    assert [bool(cells.proved) for cells in prepared] == [size == 40] * 2
    theirs = oracle.run(net, x, version=2)
    assert mismatches(golden.run(program, jnp.asarray(x, float))[0], theirs) == NONE
