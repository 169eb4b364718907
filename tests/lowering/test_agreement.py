"""Agreement of two rasters, on ones small enough to count by hand."""

import jax.numpy as jnp
import numpy as np

from jaxsnn.lowering import spike_agreement
from tests.refused import refused


def raster(*spikes, steps=10, n=2):
    made = np.zeros((steps, n), bool)
    for step, cell in spikes:
        made[step, cell] = True
    return made


def test_spikes_within_a_step_coincide():
    a, b = raster((1, 0), (5, 1), (9, 0)), raster((2, 0), (5, 1), (6, 0), (7, 0))
    found = spike_agreement(a, b)
    recall, precision = 2 / 3, 2 / 4  # (9, 0) has no partner; (6, 0) and (7, 0) have none: (5, 1) is another cell
    np.testing.assert_allclose(found.coincidence, 2 * recall * precision / (recall + precision), rtol=1e-6)
    np.testing.assert_allclose(found.rates, (3 / 20, 4 / 20), rtol=1e-6)
    assert int(found.first) == 1
    recall, precision = 3 / 3, 3 / 4  # within two steps (7, 0) is the partner of (9, 0)
    wider = spike_agreement(a, b, within=2).coincidence
    np.testing.assert_allclose(wider, 2 * recall * precision / (recall + precision), rtol=1e-6)
    assert int(spike_agreement(a, a).first) == -1 and float(spike_agreement(a, a).coincidence) == 1.0


def test_silence_agrees_and_runs_are_pooled():
    quiet, one = raster(), raster((3, 1))
    assert float(spike_agreement(quiet, quiet).coincidence) == 1.0
    assert float(spike_agreement(quiet, one).coincidence) == 0.0
    assert float(spike_agreement(jnp.asarray(one), jnp.asarray(one)).coincidence) == 1.0  # and so with arrays of JAX
    many = spike_agreement(np.stack([one, quiet, one]), np.stack([one, quiet, quiet]))
    assert many.first.tolist() == [-1, -1, 3]
    np.testing.assert_allclose(many.coincidence, 2 / 3, rtol=1e-6)  # all of b's, half of a's


def test_rasters_that_do_not_match_are_refused():
    with refused("(10, 2)", "(9, 2)", "the same"):
        spike_agreement(raster(), raster(steps=9))
