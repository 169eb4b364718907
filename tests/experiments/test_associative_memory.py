"""A cue to half of a pattern recalls all of it, whether patterns were written or learned; the two controls do not."""

import jax
import numpy as np
import pytest

import jaxsnn as snn
from experiments import associative_memory

KEY = jax.random.key(1982)


@pytest.fixture(scope="module", params=["written", "learned"])
def recalled(request):
    """With the cue; without it; with it, and nothing stored."""
    space = {
        **associative_memory.SPACE,
        "storage": snn.Static(request.param),
        "cue": snn.Axis(8.0, values=(8.0, 0.0, 8.0)),
        "strength": snn.Axis(1.0, values=(1.0, 1.0, 0.0)),
        "seed": snn.Seeds(values=(0, 0, 0)),
    }
    return snn.sweep(associative_memory.experiment, snn.zipped(space), key=KEY, progress=snn.progress.Quiet())


def test_a_part_recalls_the_whole_and_nothing_else(recalled):
    correlation = recalled.correlation.values[0]
    assert correlation[0] > 0.95
    assert np.abs(correlation[1:]).max() < 0.2
    assert float(recalled.uncued_hz[0]) > 30.0 > 1.0 > float(recalled.background_hz[0])


@pytest.mark.parametrize("control", [1, 2], ids=["no cue", "nothing stored"])
def test_controls_recall_nothing(recalled, control):
    assert np.abs(recalled.correlation.values[control]).max() < 0.5
    assert float(recalled.uncued_hz[control]) < 10.0
