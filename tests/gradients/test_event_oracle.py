"""The event-driven oracle is right: its adjoint equals its own central differences, and leaving a term out shows."""

import numpy as np
import pytest

from tests.oracles.event_driven import example, example_loss, finite_differences, value_and_grad

TAU_M = 8.0


@pytest.mark.parametrize(
    ("tau_s", "t_ref", "end"), [(3.0, 0.0, 40.0), (3.0, 1.7, 40.0), (TAU_M, 1.7, 20.0), (12.0, 0.0, 15.0)]
)
def test_adjoint_equals_finite_differences(tau_s, t_ref, end):
    net, loss = example(tau_s=tau_s, t_ref=t_ref, end=end), example_loss()
    _, *gradients, spikes = value_and_grad(net, loss)
    assert len(spikes) >= 12
    for part, got in zip(("weight", "delay"), gradients):
        want = finite_differences(net, loss, part)
        scale = np.abs(want).max()
        assert scale > 1e-2
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6 * scale, err_msg=part)


def test_a_forgotten_restart_is_seen():
    """Negative control."""
    net, loss = example(), example_loss()
    _, right, _, _ = value_and_grad(net, loss)
    _, wrong, _, _ = value_and_grad(net, loss, restarts=False)
    assert np.abs(right - wrong).max() > 1e-2 * np.abs(right).max()
