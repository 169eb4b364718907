"""The demonstration of short-term plasticity: the published tables, the closed form at every point, a picture."""

import jax
import numpy as np
import pytest

import jaxsnn as snn
from experiments import stp_demo


@pytest.fixture(scope="module")
def swept():
    """Two rates, two values of `U`: the first point is the published train."""
    space = {**stp_demo.SPACE, "rate": snn.Axis(50.0, values=(50.0, 20.0)), "U": snn.Axis(0.67, values=(0.3, 0.67))}
    return snn.sweep(stp_demo.experiment, snn.product(space), key=jax.random.key(0), progress=snn.progress.Quiet())


def test_tables_and_closed_form(swept):
    """In single precision, to 2e-6; a depressing synapse is no facilitating one, and 20 Hz are not 50."""
    at = swept.sent.sel(rate=50.0, U=0.67).values
    for i, (_, table) in enumerate(stp_demo.PUBLISHED.values()):
        np.testing.assert_allclose(at[:, i], table, rtol=0, atol=2e-6)
        assert np.abs(at[:, 1 - i] - table).max() > 0.1
        assert np.abs(swept.sent.sel(rate=20.0, U=0.67).values[:, i] - table).max() > 0.01
    for rate in (50.0, 20.0):
        for U in (0.3, 0.67):
            expected = stp_demo.from_spike_to_spike(U, 450.0, 0.0, stp_demo.spike_times(rate))
            np.testing.assert_allclose(swept.sent.sel(rate=rate, U=U).values[:, 2], expected, rtol=0, atol=2e-6)


def test_it_says_so_and_draws_it(swept, tmp_path):
    said = stp_demo.summary(swept)
    assert "published" in said and "0.392905" in said and "all points and synapses" in said
    one = swept.isel(rate=0, U=1, drop=True).assign_attrs(rate=50.0, U=0.67)
    for name, ds in (("swept", swept), ("one", one)):
        stp_demo.plot(ds, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
