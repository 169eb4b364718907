"""Programs of SpiNNaker are the compiled code of the release, bit for bit: every state, constant and spike."""

import numpy as np
import pytest

from tests.chips.spinnaker import golden
from tests.oracles import spinnaker_core as oracle


@pytest.mark.parametrize(("kind", "k"), golden.CASES, ids=str)
def test_a_program_is_the_compiled_code(kind, k):
    states, status, _ = golden.ran(kind, k)
    theirs = golden.case(kind, k)[1]["out"]
    assert golden.recorded(kind, k, states).shape == theirs.shape
    assert np.sum(golden.recorded(kind, k, states) != theirs, axis=0).tolist() == [0] * theirs.shape[1]
    assert status == 0


@pytest.mark.parametrize(("kind", "k"), [case for case in golden.CASES if case[0] in ("cur", "cond")], ids=str)
def test_constants_are_those_that_the_chip_computes(kind, k):
    one = golden.ran(kind, k)[2]
    mine = [one.resistance, one.kept, one.held, *one.shapes[0], *one.shapes[1]]
    assert [int(x) % 2**32 for x in mine] == golden.case(kind, k)[1]["state"].tolist()


def test_golden_runs_fire_and_have_all_there_is():
    outs = [golden.case(*case)[1] for case in golden.CASES]
    assert {int(found["sub"]) for found in outs} == {1, 2, 5}
    assert {golden.case(*case)[0]["dt"] for case in golden.CASES} == {3277, 16384, 32768}
    assert sum(int(found["out"][:, -1].sum()) for found in outs) > 500
    assert max(int(found["rb"].max()) for found in outs) > 65000


@pytest.mark.parametrize(("kind", "k"), [("cur", 1), ("cond", 6), ("delta", 3), ("izh", 0)], ids=str)
def test_the_oracle_is_the_compiled_code_and_rounding_is_not(kind, k):
    """Negative control: products that round to the nearest give other numbers."""
    params, found = golden.case(kind, k)
    inputs = params, found["shift"].tolist(), int(found["sub"]), found["rb"].astype(int), found["offset"]
    assert np.sum(oracle.run(kind, *inputs) != found["out"]) == 0
    assert np.sum(oracle.run(kind, *inputs, product=oracle.to_nearest) != found["out"]) > 40


def test_another_order_of_three_factors_is_not_the_compiled_code():
    """Negative control of the order in which the compiler multiplies: `h` by `a` first; the source has it last."""
    params, found = golden.case("izh", 0)
    ts, v, u = params["dt"] // int(found["sub"]), *found["out"][:, :2].T.tolist()
    inner = [oracle.times(params["b"], x) - y for x, y in zip(v, u, strict=True)]
    source = [oracle.times(oracle.times(ts, x), params["a"]) for x in inner]
    compiled = [oracle.times(oracle.times(ts, params["a"]), x) for x in inner]
    assert np.mean(np.array(source) != compiled) > 0.05
