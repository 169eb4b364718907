"""Equal delays make Brunel's network oscillate; delays spread around the same mean do not, at nearly the same rate."""

import jax
import numpy as np

import jaxsnn as snn
from experiments import heterogeneity


def test_spread_delays_end_the_oscillation():
    """The period with equal delays is about four of them (Brunel 2000, section 4.3: 180 Hz at 1.5 ms)."""
    space = {
        **heterogeneity.SPACE,
        "delay_spread": snn.Axis(0.0, values=(0.0, 1.0)),
        "weight_spread": snn.Axis(0.0),
        "window": snn.Static(300.0),
        "seed": snn.Seeds(2),
    }
    ds = snn.sweep(heterogeneity.experiment, snn.product(space), key=jax.random.key(0), progress=snn.progress.Quiet())
    assert not ds.status.any()
    equal, spread = ds.isel(delay_spread=0), ds.isel(delay_spread=1)
    assert np.all(equal.synchrony > 1.4 * spread.synchrony)
    np.testing.assert_allclose(equal.rate_hz, spread.rate_hz, rtol=0.1)
    assert np.all((equal.peak_hz > 140) & (equal.peak_hz < 220))


def test_unequal_numbers_have_the_mean_that_is_asked_for():
    for spread in (0.0, 0.5, 1.0):
        x = np.asarray(heterogeneity.unequal(2.0, spread).sample(jax.random.key(1), (200_000,)))
        np.testing.assert_allclose([x.mean(), x.std()], [2.0, 2.0 * spread], rtol=0.03, atol=1e-6)
