"""Law (i): a program is the NumPy int64 oracle, bit for bit, for every core and far beyond what registers hold."""

import numpy as np
import pytest

from tests.chips.loihi.programs import run_together
from tests.oracles import loihi_cases, loihi_core

A_GROUP = 40  # configurations a core and pair of sign modes: 160 in all
GROUPS = [("loihi1", signs) for signs in loihi_cases.SIGNS[:2]]
GROUPS += [("lava", ("exc", "mixed")), ("nengo", ("inh", "exc"))]


def oracle(case):
    return loihi_core.run(case, loihi_cases.STEPS)["E"]


def mismatches(mine, theirs):
    return {key: int(np.sum(mine[key] != theirs[key])) for key in ("u", "v", "s")}


@pytest.mark.parametrize(("core", "signs"), GROUPS, ids=str)
def test_programs_are_the_oracle_bit_for_bit(core, signs):
    seeds = range(A_GROUP)
    cases = [loihi_cases.case(core, seed, signs) for seed in seeds]
    mine, status = run_together(cases, max_delay=3)
    spikes = checked = 0
    for i, case in enumerate(cases):
        theirs = oracle(case)
        if max(np.abs(theirs[key]).max() for key in ("u", "v")) >= 2**31:  # without limits, beyond our 32 bits
            assert status[i] != 0
            continue
        assert mismatches({key: x[i] for key, x in mine.items()}, theirs) == {"u": 0, "v": 0, "s": 0}, (
            f"seed {seeds[i]}"
        )
        spikes += theirs["s"].sum()
        checked += 1
    assert spikes > 1000 and checked > A_GROUP * 0.9
    if core != "brian2loihi":  # which has no registers that could overflow
        assert 0 < np.mean(status != 0) < 1  # some do, and say so


def changed(case, what):
    """A case with one thing changed by one."""
    cells, links = case["cells"]["E"], case["links"]
    if what in cells:
        new = (
            cells[what] + 1
            if what in ("refractory", "threshold", "bias")
            else np.where(cells[what] > 9, cells[what] - 1, 9)
        )
        return {**case, "cells": {"E": {**cells, what: new}}}
    return {**case, "links": {**links, "in": {**links["in"], what: links["in"][what] + 1}}}


@pytest.mark.parametrize("what", ["decay_u", "decay_v", "threshold", "bias", "refractory", "delay", "weight", "core"])
def test_a_small_change_is_seen(what):
    """Negative controls: the comparison above would have failed."""
    found = 0
    for seed in (1, 2, 4, 5):
        case = loihi_cases.case("loihi1", seed, ("mixed", "mixed"))
        case["links"]["in"]["exponent"], case["links"]["in"]["bits"] = -3 if what == "core" else 0, 8
        other = {**case, "core": "lava"} if what == "core" else changed(case, what)
        found += sum(mismatches(oracle(other), oracle(case)).values())
    assert found > 0
