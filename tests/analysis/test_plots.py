"""Plots draw what they are given, and importing the room does not import matplotlib."""

import subprocess
import sys
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
import xarray as xr

from jaxsnn.analysis import plots

matplotlib.use("Agg")


def test_import_leaves_matplotlib_out():
    check = "import sys, jaxsnn.analysis; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_raster_dots_are_at_the_stamps():
    spikes = np.zeros((10, 40), bool)
    spikes[3, 35] = spikes[9, 0] = True
    packed = np.zeros((10, 2), np.uint32)
    packed[3, 1], packed[9, 0] = 1 << 3, 1
    recorded = SimpleNamespace(words=packed, n=40, dt=0.5)  # the fields of a PackedRaster
    for ax in (
        plots.raster(spikes, dt=0.5, t0=100.0),
        plots.raster(packed, n=40, dt=0.5, t0=100.0),
        plots.raster(recorded, t0=100.0),
    ):
        x, y = ax.lines[0].get_data()
        assert np.asarray(x).tolist() == [102.0, 105.0] and np.asarray(y).tolist() == [35, 0]
        assert ax.get_ylim() == (-0.5, 39.5)


def test_trace_samples_are_at_their_times():
    ax = plots.trace(np.ones((5, 2)), every=1.0, label="v (mV)")
    assert len(ax.lines) == 2
    np.testing.assert_allclose(ax.lines[1].get_xdata(), [1.0, 2.0, 3.0, 4.0, 5.0])
    assert ax.get_ylabel() == "v (mV)"


def test_heatmap_keeps_rows_on_the_vertical_axis():
    ax = plots.heatmap([[1.0, 2.0, 3.0], [4.0, 5.0, np.nan]], [1, 2, 3], [10, 20], labels=("g", "eta", "Hz"))
    mesh = ax.collections[0]
    assert mesh.get_array().shape == (2, 3) and mesh.get_array().mask.sum() == 1
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("g", "eta")
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        plots.heatmap(np.ones((3, 2)), [1, 2, 3], [10, 20])


def test_phase_diagram_averages_the_rest_and_writes(tmp_path):
    import matplotlib.pyplot as plt

    rate = xr.DataArray(
        np.arange(24.0).reshape(4, 2, 3),
        dims=("seed", "eta", "g"),
        coords={"g": ("g", [3.0, 4.0, 5.0], {"units": "nS"}), "eta": [1.0, 2.0]},
        attrs={"units": "Hz"},
    )
    ds = xr.Dataset({"rate": rate, "silent": rate * 0.0})
    figure = plots.phase_diagram(ds, "g", "eta", ["rate", "silent"], marks={"AI": (5.0, 2.0)}, log=["rate", "silent"])
    panel, bar = figure.axes[0], figure.axes[2]
    np.testing.assert_allclose(panel.collections[0].get_array(), rate.values.mean(axis=0))
    assert bar.get_ylabel() == "rate (Hz)" and [t.get_text() for t in panel.texts] == ["AI"]
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("g (nS)", "eta")
    assert plt.gcf() is figure  # what `plt.savefig` and `plt.show` take
    figure.savefig(tmp_path / "diagram.png", dpi=40)
    assert (tmp_path / "diagram.png").stat().st_size > 1000
    with pytest.raises(ValueError, match="'zeta'"):
        plots.phase_diagram(ds, "g", "zeta", ["rate"])
