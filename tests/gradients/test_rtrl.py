"""RTRL goes forwards in time, BPTT backwards: the same gradient."""

import jax
import pytest

import jaxsnn as snn
from tests.gradients.online import RASTER, TARGET, bptt, disagreement, grads, lif, single

PART = dict(raster=RASTER[:2, :30], target=TARGET[:2, :30])


@pytest.mark.usefixtures("x64")
def test_equals_bptt():
    """Weights and a time constant; in blocks; and one step less is something else."""
    wrt = ("*.weight", "hid.neuron.tau")
    net = single(lif())
    value, gradient = grads(snn.RTRL(wrt=wrt, together=50), net, **PART)
    at, oracle = grads(snn.BPTT(wrt=wrt, checkpoint=snn.checkpointing.KeepAll()), net, **PART)
    assert abs(value - at) < 1e-12 * abs(at)
    assert disagreement(gradient, oracle) < 1e-10
    assert len(jax.tree.leaves(gradient)) == 4
    shorter = grads(bptt(), net, raster=RASTER[:2, :29], target=TARGET[:2, :29])[1]
    assert abs(gradient["hh"].weight - shorter["hh"].weight).max() > 1e-3
