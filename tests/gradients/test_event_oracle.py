"""The event-driven oracle is right: its adjoint equals its own central differences, and leaving a term out shows."""

import numpy as np
import pytest

from tests.oracles.event_driven import difference_along, example, example_loss, value_and_grad

TAU_M = 8.0


@pytest.mark.parametrize(
    ("tau_s", "t_ref", "end"), [(3.0, 0.0, 40.0), (3.0, 1.7, 40.0), (TAU_M, 1.7, 20.0), (12.0, 0.0, 15.0)]
)
def test_adjoint_equals_finite_differences(tau_s, t_ref, end):
    net, loss = example(tau_s=tau_s, t_ref=t_ref, end=end), example_loss()
    _, *gradients, spikes = value_and_grad(net, loss)
    assert len(spikes) >= 12
    rng = np.random.default_rng(0)
    for part, got in zip(("weight", "delay"), gradients):
        assert np.abs(got).max() > 1e-2
        for along in rng.normal(size=(8, *got.shape)) * net.exists:  # all synapses at once, each by a number of its own
            scale = np.linalg.norm(got) * np.linalg.norm(along)
            np.testing.assert_allclose(np.sum(got * along), difference_along(net, loss, part, along), atol=1e-7 * scale)


def test_a_forgotten_restart_is_seen():
    """Negative control."""
    net, loss = example(), example_loss()
    _, right, _, _ = value_and_grad(net, loss)
    _, wrong, _, _ = value_and_grad(net, loss, restarts=False)
    assert np.abs(right - wrong).max() > 1e-2 * np.abs(right).max()
