"""What varies, and how results are labelled: axes, choices, seeds; products and zips; coordinates with units."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.refused import refused

SPACE = {
    "g": snn.Axis(5.0, lo=3.0, hi=8.0, n=3, unit="mV"),
    "eta": snn.Axis(2.0, values=[0.5, 4.0]),
    "tau": snn.Axis(20.0, unit="ms"),  # does not vary
    "kind": snn.Static("a", values=["a", "bb"]),
    "n": snn.Static(3),
    "seed": snn.Seeds(2, first=5),
}


def experiment(point, key):
    """Everything it was given, so that every result can be told from every other."""
    number = point["g"] + 100 * point["eta"] + 1000 * len(point["kind"]) + point["tau"] * 1e-3
    return {
        "number": number,
        "row": number + jnp.arange(float(point["n"])),
        "seed_seen": point["seed"],
        "key": jax.random.key_data(key),
    }


def sweep(grid, **changes):
    return snn.sweep(
        changes.pop("experiment", experiment), grid, key=jax.random.key(1), progress=snn.progress.Quiet(), **changes
    )


def test_product():
    ds = sweep(snn.product(SPACE), batch=2)
    assert dict(ds.sizes) == {"g": 3, "eta": 2, "kind": 2, "seed": 2, "row_dim0": 3, "key_dim0": 2}
    assert ds.number.dims == ("g", "eta", "kind", "seed") and ds.row.dims == (*ds.number.dims, "row_dim0")
    assert [*ds.g.values] == [3.0, 5.5, 8.0] and [*ds.seed.values] == [5, 6] and [*ds.kind.values] == ["a", "bb"]
    assert ds.g.attrs["units"] == "mV" and ds.attrs["tau"] == 20.0 and ds.attrs["n"] == 3 and ds.attrs["points"] == 24
    for g in ds.g.values:
        for eta in ds.eta.values:
            for kind in ds.kind.values:
                expected = g + 100 * eta + 1000 * len(str(kind)) + 0.02
                here = ds.sel(g=g, eta=eta, kind=kind)
                assert np.allclose(here.number, expected)
                assert np.allclose(here.row.sel(seed=6), expected + np.arange(3))
                assert [*here.seed_seen.values] == [5, 6]


def test_zipped():
    space = SPACE | {"eta": snn.Axis(2.0, values=[0.5, 4.0, 1.0]), "kind": snn.Static("a"), "seed": snn.Seeds(3)}
    ds = sweep(snn.zipped(space))
    assert dict(ds.sizes) == {"point": 3, "row_dim0": 3, "key_dim0": 2}
    assert [*ds.g.values] == [3.0, 5.5, 8.0] and ds.g.dims == ("point",) and ds.g.attrs["units"] == "mV"
    assert np.allclose(ds.number, ds.g + 100 * ds.eta + 1000.02) and [*ds.seed_seen.values] == [0, 1, 2]


def test_nothing_varies():
    space = {
        "g": snn.Axis(5.0),
        "eta": snn.Axis(1.0),
        "tau": snn.Axis(0.0),
        "kind": snn.Static("a"),
        "n": snn.Static(1),
    }
    for grid in (snn.product(space | {"seed": snn.Seeds()}), snn.zipped(space | {"seed": snn.Seeds()})):
        ds = sweep(grid)
        assert ds.number.values.item() == 1105.0 and ds.attrs["seed"] == 0


def test_a_key_is_that_of_the_seed_wherever_the_point_stands():
    """`fold_in(key, seed)`: not of the position, nor of whatever else varies."""
    here = sweep(snn.product(SPACE)).key.values
    there = sweep(snn.product({"seed": snn.Seeds(values=(9, 6, 5)), **{k: v for k, v in SPACE.items() if k != "seed"}}))
    for seed in (5, 6):
        expected = np.asarray(jax.random.key_data(jax.random.fold_in(jax.random.key(1), seed)))
        assert np.all(here[:, :, :, seed - 5] == expected) and np.all(there.key.sel(seed=seed) == expected)
    assert np.all(there.key.sel(seed=9) != here[0, 0, 0, 0])


def test_one_trace_for_all_points_and_one_more_for_every_static():
    traces = []

    def counted(point, key):
        traces.append(point["kind"])
        return {"x": point["g"]}

    sweep(snn.product(SPACE | {"kind": snn.Static("a")}), experiment=counted, batch=2, threads=2)
    assert traces == ["a"]
    sweep(snn.product(SPACE), experiment=counted, batch=5)
    assert traces == ["a", "a", "bb"]


def test_choices_can_be_anything():
    """None is a choice and not a seed; an object is labelled by what it looks like, so that it can be stored."""
    space = {"delay": snn.Static(None, values=[None, 2]), "order": snn.Static(snn.NestOrder()), "seed": snn.Seeds(2)}

    def chosen(point, key):
        return {"none": jnp.array(point["delay"] is None), "nest": jnp.array(isinstance(point["order"], snn.NestOrder))}

    assert [*sweep(snn.zipped(space), experiment=chosen).delay.values] == ["None", "2"]
    ds = sweep(snn.product(space), experiment=chosen)
    assert [*ds.delay.values] == ["None", "2"] and ds.attrs["order"] == "NestOrder()"
    assert np.all(ds.none.sel(delay="None")) and not np.any(ds.none.sel(delay="2")) and np.all(ds.nest)


def test_a_logarithmic_axis():
    assert np.allclose(snn.Axis(1.0, lo=0.01, hi=100.0, n=5, log=True).points, [0.01, 0.1, 1.0, 10.0, 100.0])


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: snn.Axis(1.0, lo=0.0, hi=1.0), ("Axis(lo=0.0, hi=1.0, n=None)", "all three or none")),
        (lambda: snn.Axis(1.0, lo=0.0, hi=1.0, n=0), ("Axis(n=0)", "positive number of values")),
        (lambda: snn.Axis(1.0, lo=0.0, hi=1.0, n=2, log=True), ("logarithmic Axis from 0.0", "both ends above 0")),
        (lambda: snn.Seeds(0), ("Seeds(0)", "positive number of seeds")),
        (lambda: snn.product({"g": snn.Axis(1.0, values=[])}), ("SPACE has 'g'", "no values", "at least one")),
        (
            lambda: snn.product({"g": 3.0}),
            ("SPACE has 'g': 3.0", "expected Axis(...), Whole(...), Flag(...), Static(...) or Seeds(...)"),
        ),
        (lambda: snn.product({"a": snn.Seeds(), "b": snn.Seeds()}), ("several Seeds", "at most one")),
        (
            lambda: snn.zipped({"a": snn.Axis(1, values=[1, 2]), "b": snn.Axis(1, values=[1, 2, 3])}),
            ("axes of different lengths to zip: {'a': 2, 'b': 3}", "as many values each"),
        ),
    ],
)
def test_bad_axes_are_refused(attempt, message):
    with refused(*message):
        attempt()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda point: point["g"], ("The experiment returned", "expected a dict of arrays")),
        (lambda point: {"x": point["g"], "rate": 3.0}, ("The experiment returned 'rate': float", "dict of arrays")),
        (lambda point: {"x" * len(point["kind"]): point["g"]}, ("returned ['xx']", "['x'] for other Static values")),
        (lambda point: {"x": jnp.zeros(len(point["kind"]))}, ("'x' of shape (2,)", "(1,) for other Static values")),
    ],
)
def test_bad_results_are_refused(result, message):
    with refused(*message):
        sweep(snn.product(SPACE), experiment=lambda point, key: result(point))
