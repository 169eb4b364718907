"""What of a dataset is shown, and as what."""

import numpy as np
import pytest
import xarray

from jaxsnn import Status
from jaxsnn.show.view import view
from tests.show.reading import grid, listed


def test_a_grid():
    ds = grid(g=4, eta=3, seed=2)
    shown = view(ds)
    assert shown.dims == {"g": 4, "eta": 3, "seed": 2} and shown.size == 24
    assert [p.name for p in shown.parameters] == ["g", "eta", "seed"]
    assert [p.repeats for p in shown.parameters] == [False, False, True]
    rate, cv, psth = shown.variables
    assert (rate.name, rate.unit, cv.unit) == ("rate", "Hz", "")
    assert np.array_equal(rate.values.reshape(4, 3, 2), ds.rate)
    assert psth.note == "mean of 50 values"
    assert np.allclose(psth.values.reshape(4, 3, 2), ds.psth.mean("time"), atol=1e-6)
    (series,) = shown.series
    assert (series.along, series.along_unit, series.every) == ("time", "ms", 1)
    assert np.array_equal(series.values.reshape(4, 3, 2, 50), ds.psth)


def test_what_has_fewer_dimensions_is_repeated_and_any_order_will_do():
    ds = grid(g=4, eta=3)
    ds["of_g"] = ("g", np.arange(4.0))
    turned = ds.transpose("time", "eta", "g")
    turned["status"] = ds.status
    values = {v.name: v.values.reshape(4, 3) for v in view(turned).variables}
    assert np.array_equal(values["rate"], ds.rate)
    assert np.array_equal(values["of_g"], np.repeat(np.arange(4.0)[:, None], 3, 1))


def test_listed_points():
    """The parameters are the coordinates along `point`, not the number of the point; a listed seed is one of them."""
    ds = listed(100).assign_coords(seed=("point", np.arange(100)))
    assert [(p.name, p.log, p.repeats) for p in view(ds).parameters] == [
        ("g", False, False),
        ("tau", True, False),
        ("seed", False, False),
    ]


def test_the_sweep_says_what_is_logarithmic_and_what_is_repeated():
    ds = grid(g=4, fold=3, trial=2)
    ds.g.attrs["log"] = 1
    ds.trial.attrs["kind"] = "Seeds"
    shown = view(ds, repeats=("fold",)).parameters
    assert [(p.log, p.repeats) for p in shown] == [(True, False), (False, True), (False, True)]


@pytest.mark.parametrize("points", [1, 5])
def test_choices_are_names(points):
    ds = grid(g=points).assign_coords(g=[f"rule {i}" for i in range(points)])
    (p,) = view(ds).parameters
    assert p.form == "text" and p.values.tolist() == ds.g.values.tolist()
    (p,) = view(grid(g=2).assign_coords(g=[True, False])).parameters
    assert p.form == "bool" and p.values.tolist() == ["true", "false"]


def test_a_single_run():
    ds = grid(g=1).isel(g=0, drop=True)
    assert view(ds).dims == {} and view(ds).size == 1 and view(ds).parameters == []


def test_a_long_course_is_averaged():
    """A thousand values become two hundred, each the mean of five; NaN are left out, and a stretch of NaN is none."""
    values = np.arange(2000.0).reshape(2, 1000)
    values[0, :5], values[1, 7] = np.nan, np.nan
    ds = xarray.Dataset({"v": (("g", "time"), values), "status": ("g", np.zeros(2, np.uint32))}, {"g": [1, 2]})
    shown = view(ds)
    (series,) = shown.series
    assert series.every == 5 and series.along == "place along time" and series.places[:2].tolist() == [2.0, 7.0]
    expected = values.reshape(2, 200, 5)
    assert np.isnan(series.values[0, 0]) and np.array_equal(series.values[:, 2:], expected[:, 2:].mean(2))
    assert series.values[1, 1] == np.nanmean(expected[1, 1])
    assert np.allclose(shown.variables[0].values, np.nanmean(values, 1))


def test_what_has_two_dimensions_more_is_a_mean():
    ds = grid(g=3)
    ds["spikes"] = (("g", "time", "neuron"), np.ones((3, 50, 7)))
    shown = view(ds)
    assert shown.kept == ["spikes (50 × 7 values a point)"] and len(shown.series) == 1
    ds["v"] = (("g", "time", "one"), np.ones((3, 50, 1)))  # of one neuron: a curve
    assert [s.name for s in view(ds).series] == ["psth", "v"]


def test_troubles():
    ds = grid(g=6)
    ds["count"] = ("g", np.arange(6))
    lost, late = int(Status.NOT_RUN), int(Status.NOT_FINITE | Status.STIFF)
    ds["status"] = ("g", np.array([0, 1, late, lost, lost, lost], np.uint32))
    ds["failure"] = ("g", np.array(["", "", "", "trace: ValueError: no", "memory: 3 GiB", ""]))
    shown = view(ds)
    found = {t.kind: (t.message, t.points.tolist(), t.lost) for t in shown.troubles}
    assert found["NOT_FINITE"][1:] == ([1, 2], False) and found["NOT_FINITE"][0].startswith("a state became NaN")
    assert found["STIFF"][1] == [2]
    assert found["trace"] == ("ValueError: no", [3], True) and found["memory"] == ("3 GiB", [4], True)
    assert shown.pending.tolist() == [False] * 5 + [True]
    values = {v.name: v.values for v in shown.variables}
    assert np.isnan(values["count"]).tolist() == [False] * 3 + [True] * 3  # a 0 where there is no result is none
    assert np.isnan(shown.series[0].values[3:]).all()


def test_many_messages_are_gathered():
    ds = grid(g=300)
    ds["status"] = ("g", np.full(300, int(Status.NOT_RUN), np.uint32))
    ds["failure"] = ("g", np.array([f"error: number {i}" for i in range(300)]))
    shown = view(ds.drop_vars("psth"))
    assert len(shown.troubles) == 101 and sum(len(t.points) for t in shown.troubles) == 300
    assert "200 further messages" in max(shown.troubles, key=lambda t: len(t.points)).message


def test_refusals():
    with pytest.raises(ValueError, match="without variables, expected the result of a sweep"):
        view(xarray.Dataset())
    with pytest.raises(
        ValueError, match=r"Got a dataset with \['status'\], expected at least one result that is a num"
    ):
        view(xarray.Dataset({"status": ("g", np.zeros(3, np.uint32))}))
    with pytest.raises(ValueError, match="Got 0 points, expected 1 to 2000000"):
        view(grid(g=2).isel(g=[]))
    wide = xarray.Dataset({"x": (("a", "b"), np.broadcast_to(np.float32(0), (10_000, 10_000)))})
    with pytest.raises(ValueError, match=r"Got 100000000 points.*show a part"):
        view(wide)
