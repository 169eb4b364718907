"""Programs with an emulator's core are that emulator, bit for bit: Lava, nengo-loihi and Brian2Loihi as they ran."""

import numpy as np
import pytest

from tests.chips.loihi.programs import run_together
from tests.oracles import loihi_cases

# nengo-loihi takes weights as they are: one sign mode stands for all
GROUPS = [("lava", s) for s in loihi_cases.SIGNS[:2]] + [("brian2loihi", s) for s in loihi_cases.SIGNS[:2]]
GROUPS += [("nengo", None)]


def chosen(name, signs):
    cases, results = loihi_cases.thaw(f"{name}_core")
    if signs is None:
        for case in cases:
            for link in case["links"].values():
                link["sign"] = "mixed"
        return cases, results
    kept = [i for i, case in enumerate(cases) if loihi_cases.signs_of(case) == signs]
    return [cases[i] for i in kept], [results[i] for i in kept]


def mismatches(mine, results):
    return {key: sum(int(np.sum(mine[key][i] != one[key])) for i, one in enumerate(results)) for key in ("u", "v", "s")}


@pytest.mark.parametrize(("name", "signs"), GROUPS, ids=str)
def test_a_program_is_the_emulator(name, signs):
    cases, results = chosen(name, signs)
    mine, status = run_together(cases, max_delay=3)
    assert len(cases) >= 25 and sum(one["s"].sum() for one in results) > 1000
    assert mismatches(mine, results) == {"u": 0, "v": 0, "s": 0}
    if name != "brian2loihi":  # which has no registers that could overflow
        assert 0 < np.mean(status != 0) < 1  # some go beyond what a register holds


def test_another_core_is_not_the_emulator():
    """Negative control: Lava's runs are not what another emulator makes of the same programs."""
    cases, results = chosen("lava", loihi_cases.SIGNS[0])
    mine, _ = run_together(cases[:8], max_delay=3, core="loihi1")
    assert all(count > 0 for count in mismatches(mine, results[:8]).values())
