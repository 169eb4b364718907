"""Designs: at random, by a sequence, from a table, nested in each other, searched; and what an axis may be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import jaxsnn as snn
from jaxsnn import sweeps
from jaxsnn.sweeps.arguments import at, over
from tests.refused import refused

KEY = jax.random.key(3)
SPACE = {
    "g": snn.Axis(5.0, lo=3.0, hi=8.0, n=6, unit="mV"),
    "tau": snn.Axis(10.0, lo=1.0, hi=100.0, n=3, log=True),
    "w": snn.Axis(1.0, prior=snn.LogNormal(0.0, 1.0)),
    "bits": snn.Whole(4, lo=2, hi=8, n=4),
    "on": snn.Flag(False, values=[False, True]),
    "kind": snn.Static("a", values=["a", "bb"]),
    "fixed": snn.Axis(2.0),
    "seed": snn.Seeds(2),
}


def experiment(point, key):
    assert point["bits"].dtype == jnp.int32 and point["on"].dtype == bool and point["g"].dtype == jnp.float32
    number = point["g"] + jnp.where(point["on"], 100.0, 0.0) + 1000.0 * len(point["kind"])
    return {"number": number, "mask": jnp.left_shift(1, point["bits"]), "w": point["w"] * point["fixed"]}


def renamed(point, key):
    return {("weight" if name == "w" else name): x for name, x in experiment(point, key).items()}


def sweep(grid, run=renamed, **how):
    return snn.sweep(run, grid, key=KEY, progress=snn.progress.Quiet(), **how)


def agrees(ds):
    expected = ds.g + xarray.where(ds.on, 100.0, 0.0) + 1000.0 * ds.kind.str.len()
    return bool((abs(ds.number - expected) < 1e-3).all() and (ds["mask"] == 2**ds.bits).all())


@pytest.mark.parametrize("design", [sweeps.random, sweeps.sobol])
def test_points_drawn(design):
    space = SPACE if design is sweeps.random else SPACE | {"w": snn.Axis(1.0)}
    grid = design(space, 64)
    assert {name: len(values) for name, values in grid.dims.items()} == {"point": 64, "seed": 2}
    found = {name: values for name, (_, values) in grid.labels.items()}
    assert 3.0 <= found["g"].min() < 3.5 and 7.5 < found["g"].max() <= 8.0
    assert abs(np.median(np.log10(found["tau"])) - 1.0) < 0.35  # uniform in the logarithm
    assert {*found["bits"]} == {2, 4, 6, 8} and {*found["kind"]} == {"a", "bb"} and {*found["on"]} == {False, True}
    assert ("w" in found) is (design is sweeps.random)
    fewer = {name: values for name, (_, values) in design(space, 32).labels.items()}
    assert all(np.array_equal(fewer[name], values[:32]) for name, values in found.items())  # more points continue them
    other = {name: values for name, (_, values) in design(space, 64, seed=1).labels.items()}
    assert not any(np.array_equal(other[name], values) for name, values in found.items())


def test_a_random_design_runs_and_another_axis_changes_no_point():
    ds = sweep(sweeps.random(SPACE, 6))
    assert dict(ds.sizes) == {"point": 6, "seed": 2} and agrees(ds) and (abs(ds.weight - 2.0 * ds.w) < 1e-5).all()
    assert ds.g.attrs.pop("prior") == '{"law": "uniform", "lo": 3.0, "hi": 8.0}'
    assert ds.g.attrs == {"units": "mV", "kind": "Axis"} and ds.attrs["fixed"] == 2.0
    alone = sweeps.random({"g": SPACE["g"]}, 6)
    assert np.array_equal(alone.labels["g"][1], ds.g)


def test_a_table(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("g, bits,kind,on\n4.5,3,bb,true\n5,2,a,false\n\n4.5,3,bb,1\n")
    from_csv = sweep(sweeps.from_table(SPACE, path))
    columns = {"g": [4.5, 5.0, 4.5], "bits": [3, 2, 3], "kind": ["bb", "a", "bb"], "on": [True, False, True]}
    assert from_csv.equals(sweep(sweeps.from_table(SPACE, columns))) and agrees(from_csv)
    pandas = pytest.importorskip("pandas")
    assert from_csv.equals(sweep(sweeps.from_table(SPACE, pandas.DataFrame(columns))))
    for table, message in (
        ({"h": [1.0]}, ("a column 'h'", "SPACE has g, tau")),
        ({"g": [1.0], "bits": [1, 2]}, ("columns of [1, 2] rows",)),
        (3, ("a table that is a int", "DataFrame")),
        (tmp_path / "absent.csv", ("absent.csv cannot be read",)),
    ):
        with refused(*message):
            sweeps.from_table(SPACE, table)
    path.write_text("g,bits\n1.0\n")
    with refused("rows of different lengths"):
        sweeps.from_table(SPACE, path)


def test_designs_in_each_other():
    """A product of what is zipped, drawn or listed with other axes; and a product that is zipped."""
    g, bits = {"g": SPACE["g"]}, {"bits": snn.Whole(4, lo=2, hi=7)}
    kinds = {"kind": SPACE["kind"], "seed": SPACE["seed"], "on": snn.Flag(False), "w": snn.Axis(1.0)}
    rest = kinds | {"fixed": snn.Axis(2.0)}
    ds = sweep(snn.product(snn.zipped(g, bits), rest))
    assert dict(ds.sizes) == {"point": 6, "kind": 2, "seed": 2} and agrees(ds) and np.array_equal(ds.bits, range(2, 8))
    flat = snn.zipped(snn.product({"g": snn.Axis(5.0, values=[3.0, 4.0]), "bits": snn.Whole(4, values=[2, 7])}))
    assert flat.labels["g"][1].tolist() == [3.0, 3.0, 4.0, 4.0] and flat.labels["bits"][1].tolist() == [2, 7, 2, 7]
    two = snn.product(snn.zipped(g), snn.zipped(bits))
    assert [*two.dims] == ["point", "point2"] and two.shape == (6, 6)
    with refused("Got 'g' in two spaces"):
        snn.product(g, {"g": snn.Axis(1.0)})


def test_a_range_of_the_command_line_is_that_of_python():
    space = {"bits": snn.Whole(4), "on": snn.Flag(False)}
    assert over(space, "bits", "2:8:4").points.tolist() == snn.Whole(4, lo=2, hi=8, n=4).points.tolist() == [2, 4, 6, 8]
    assert over(space, "bits", "1,5").points.tolist() == [1, 5] and at(space, "on", "true").default is True
    assert over(space, "on", "false,true").points.tolist() == [False, True]
    for name, text, message in (
        ("bits", "1.5", "type int"),
        ("on", "maybe", "type bool"),
        ("bits", "1:2:3", "whole numbers"),
    ):
        with refused(f"{name}={text}", message):
            (over if ":" in text else at)(space, name, text)


def test_paths_into_a_model():
    net = snn.network(dt=0.1, key=0, populations={"E": snn.Population(snn.LIF(tau=10.0, v_th=10.0), 3)})

    def experiment(point, key):
        model = point.into(net)
        return {"tau": snn.get(model, "E.neuron.tau")}

    grid = lambda path: snn.product({path: snn.Axis(10.0, values=[5.0, 20.0], unit="ms")})
    ds = sweep(grid("E.neuron.tau"), experiment)
    assert ds.tau.values.tolist() == [5.0, 20.0] and ds["E.neuron.tau"].attrs["units"] == "ms"
    for path, message in (
        ("E.neuron.tua", ("path 'E.neuron.tua'", "E.neuron has no 'tua'")),
        ("E.n", ("path 'E.n'",)),
        ("E.neuron", ("path 'E.neuron', which is LIF, no numeric leaf",)),
    ):
        with refused(*message):
            sweep(grid(path), experiment)
    with refused("SPACE has 'E.neuron.tau', a path into a model", "point.into(net)"):
        sweep(grid("E.neuron.tau"), lambda point, key: {"x": jnp.zeros(())})


def test_named_dimensions_are_kept(tmp_path):
    time = np.arange(4) * 0.5

    def experiment(point, key):
        rate = xarray.DataArray(
            point["a"] * jnp.arange(4.0), {"time": ("time", time, {"units": "ms"})}, ["time"], attrs={"units": "Hz"}
        )
        return {"rate": rate, "map": point["a"] * jnp.ones((4, 2)), "n": jnp.int32(3)}

    grid = snn.product({"a": snn.Axis(1.0, values=[1.0, 2.0])})
    for ds in (
        sweep(grid, experiment, dims={"map": ("time", "side")}),
        sweep(grid, experiment, dims={"map": ("time", "side")}, out=tmp_path / "out"),
        snn.open_sweep(tmp_path / "out"),
    ):
        assert ds["rate"].dims == ("a", "time") and ds["map"].dims == ("a", "time", "side")
        assert ds["rate"].attrs["units"] == "Hz" and ds.time.attrs["units"] == "ms" and np.array_equal(ds.time, time)
        assert float(ds["rate"].sel(a=2.0, time=1.5)) == 6.0
    for dims, message in (
        ({"map": ("time",)}, ("dimensions ('time',) for 'map'", "expected 2 names")),
        ({"map": ("a", "side")}, ("'a' is an axis or a result",)),
        ({"map": ("side", "time")}, ("'rate' has 4 entries along 'time', and another result 2",)),
        ({"mop": ("x",)}, ("dims of 'mop'", "returns map, n, rate")),
    ):
        with refused(*message):
            sweep(grid, experiment, dims=dims)


def test_results_whose_length_depends_on_a_choice():
    grid = snn.product({"n": snn.Static(2, values=[2, 3]), "a": snn.Axis(1.0, values=[1.0, 2.0])})
    run = lambda point, key: {"x": point["a"] * jnp.ones(point["n"]), "k": jnp.arange(point["n"])}
    with refused("'k' of shape (3,)", "ragged='pad'", "ragged='tree'"):
        sweep(grid, run)
    ds = sweep(grid, run, ragged="pad")
    assert np.array_equal(ds.x.sel(n=2), [[1, 1, np.nan], [2, 2, np.nan]], equal_nan=True)
    assert np.array_equal(ds.k.sel(n=2), [[0, 1, 0]] * 2) and np.array_equal(ds.k.sel(n=3), [[0, 1, 2]] * 2)
    tree = sweep(grid, run, ragged="tree")
    assert [*tree.children] == ["n=2", "n=3"] and tree["n=2"].x.shape == (2, 2) and tree["n=3"].x.shape == (2, 3)
    assert np.array_equal(tree["n=3"].x.sel(a=2.0), [2.0] * 3) and tree["n=3"].attrs["n"] == 3
    with refused("ragged = 'cut'"):
        sweep(grid, run, ragged="cut")


def test_a_plan_says_what_would_be_done_and_runs_nothing(tmp_path):
    plan = sweep(snn.product(SPACE), plan_only=True, out=tmp_path / "out")
    said = str(plan)
    for part in ("points: 576 (g 6 x tau 3 x bits 4 x on 2 x kind 2 x seed 2), 0 of them", "programs to compile: 2"):
        assert part in said
    assert plan.missing == 576 and not (tmp_path / "out").exists() and plan.measured["call"] > 0


def test_a_search():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {
        "x": snn.Axis(0.0, lo=-3.0, hi=3.0, n=2),
        "k": snn.Whole(1, lo=0, hi=4),
        "m": snn.Static("a", values=["a", "b"]),
        "seed": snn.Seeds(2),
    }

    def experiment(point, key):
        loss = (
            (point["x"] - 1.0) ** 2 + jnp.abs(point["k"] - 3).astype(jnp.float32) + (0.0 if point["m"] == "b" else 1.0)
        )
        return {"loss": jnp.where(point["x"] < -2.5, jnp.nan, loss)}

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
    how = {"study": study, "key": 1, "rounds": 6, "batch": 16, "progress": snn.progress.Quiet()}
    ds = sweeps.search(experiment, space, lambda ds: ds.loss.mean("seed", skipna=False), **how)
    assert dict(ds.sizes) == {"point": 96, "seed": 2} and ds.attrs["points"] == 192
    assert study.best_params["k"] == 3 and study.best_params["m"] == "b" and study.best_value < 0.3
    assert study.best_value == float(ds.loss.mean("seed").min())
    states = [trial.state.name for trial in study.trials]
    assert states.count("FAIL") == int(np.isnan(ds.loss).any("seed").sum()) and len(states) == 96
    with refused("The objective returned shape (32,)"):
        sweeps.search(experiment, space, lambda ds: ds.loss.values.ravel(), **how)


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: snn.Whole(1.5), ("Whole(default=1.5)", "a whole number")),
        (lambda: snn.Whole(True), ("Whole(default=True)",)),
        (lambda: snn.Whole(2**31), ("Whole(default=2147483648)", "at most 2147483647")),
        (lambda: snn.Whole(1, lo=0, hi=5, n=3), ("Whole(lo=0, hi=5, n=3)", "not all whole numbers")),
        (lambda: snn.Whole(1, lo=0), ("Whole(lo=0, hi=None, n=None)", "all three or none")),
        (lambda: snn.Whole(1, values=[1.5]), ("Whole(values=1.5)",)),
        (lambda: snn.Flag(1), ("Flag(default) = 1", "True or False")),
        (lambda: snn.Flag(True, values=[0]), ("Flag(values) = 0",)),
        (lambda: snn.Axis(1.0, values=[float("nan")]), ("Axis(values) = nan",)),
        (lambda: snn.Axis(1.0, lo=0.0, hi=1.0, n=2, log=True), ("logarithmic Axis from 0.0",)),
        (lambda: snn.Axis(1.0, prior=3), ("Axis(prior=3)", "a distribution")),
        (lambda: snn.Static(1, capacity=1), ("Static(capacity=1)",)),
        (lambda: snn.Static(1, values=[1, 2], capacity=True), ("capacity=True) with values",)),
        (lambda: sweeps.random({"g": snn.Axis(1.0)}, 3), ("nothing to draw",)),
        (lambda: sweeps.random(SPACE, 0), ("n=0", "number of points")),
        (lambda: sweeps.sobol(SPACE, 4), ("SPACE['w'] has a prior", "random")),
        (lambda: sweeps.refine(SPACE, lambda ds: ds), ("refine(dict)", "product(SPACE)")),
        (lambda: sweeps.refine(snn.product({"k": snn.Whole(1, lo=0, hi=3)}), len), ("without an Axis",)),
        (lambda: sweep(snn.product({}), lambda p, k: {"x": "text"}), ("'x': str", "a dict of arrays")),
        (
            lambda: sweep(snn.product({"a": SPACE["g"]}), lambda p, k: {"x": jnp.nonzero(jnp.arange(3.0) > p["a"])[0]}),
            ("needs the value of a traced number", "a shape", "Static"),
        ),
        (lambda: sweep(snn.product({"g": snn.Axis(1.0, values=[])})), ("SPACE has 'g' with no values",)),
    ],
)
def test_bad_input_is_one_sentence(attempt, message):
    with refused(*message):
        attempt()
