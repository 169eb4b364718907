"""What a sweep is given or returns is kept exactly, on disk too, or refused before anything runs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import jaxsnn as snn
from jaxsnn.sweeps import run as machinery
from jaxsnn.sweeps.compiled import Program
from tests.compiles import counts
from tests.refused import refused

KEY = jax.random.key(4)
AXIS = {"a": snn.Axis(1.0, values=[1.0, 2.0])}


def sweep(experiment, grid, **how):
    return snn.sweep(experiment, grid, key=KEY, progress=snn.progress.Quiet(), **how)


class Choice:
    """Something whose `repr` has an address."""


@pytest.mark.parametrize(
    ("values", "labels", "kind"),
    [
        ([4, 4.7], [4.0, 4.7], "f"),
        ([2**24 + 1, 2**53 + 1], [2**24 + 1, 2**53 + 1], "i"),
        ([2**70, 1], ["1180591620717411303424", "1"], "U"),
        ([2**53 + 1, 0.5], ["9007199254740993", "0.5"], "U"),
        ([True, False], [True, False], "b"),
        ([True, 2], ["True", "2"], "U"),
        ([np.float32(0.1), np.int8(3)], [float(np.float32(0.1)), 3.0], "f"),
        ([float("nan"), 1.0], ["nan", "1.0"], "U"),
        ([float("inf"), -1.0], [float("inf"), -1.0], "f"),
        (["µ/ä", "日本", ""], ["µ/ä", "日本", ""], "U"),
        ([(1, 2), None], ["(1, 2)", "None"], "U"),
        ([snn.NestOrder, max, snn.NestOrder()], ["NestOrder", "max", "NestOrder()"], "U"),
        (np.arange(2), [0, 1], "i"),
    ],
)
def test_choices_are_labelled_as_they_are(tmp_path, values, labels, kind):
    """Also in a file; each finds its own result."""
    given = [*(values.tolist() if isinstance(values, np.ndarray) else values)]
    grid = snn.product({"x": snn.Static(given[0], values=values, unit="u")})
    seen = []

    def experiment(point, key):
        seen.append(point["x"])
        return {"i": jnp.int32(next(i for i, v in enumerate(given) if v is point["x"] or v == point["x"]))}

    ds = sweep(experiment, grid)
    assert sweep(experiment, grid, out=tmp_path / "there").equals(ds)
    back = xarray.open_zarr(tmp_path / "there" / "result.zarr").load()
    for data in (ds, back):
        assert data.x.values.tolist() == labels and data.x.dtype.kind == kind and data.x.attrs["units"] == "u"
        assert data.i.values.tolist() == [*range(len(given))]
    assert len(seen) == 2 * len(given) and all(type(a) is type(b) for a, b in zip(seen, 2 * given))


def test_results_of_every_type_survive_a_file(tmp_path):
    forms = {
        "bool": jnp.array([True, False]),
        "int": jnp.array([2**31 - 1, -(2**31)]),
        "small": jnp.array([127, -128], jnp.int8),
        "word": jnp.array([2**32 - 1, 0], jnp.uint32),
        "half": jnp.array([0.1, jnp.nan], jnp.float16),
        "complex": jnp.array([1 + 2j, jnp.nan], jnp.complex64),
        "empty": jnp.zeros((0, 3)),
        "odd numbers": jnp.array([jnp.inf, -0.0, jnp.nan, 1e-45]),
        "zahl-µ": np.arange(3),  # int64 whose values fit
    }
    space = AXIS | {"fixed": snn.Axis(3, unit="ms"), "of": snn.Static((1, "é"), unit="nA")}
    ds = sweep(lambda point, key: forms, snn.product(space))
    sweep(lambda point, key: forms, snn.product(space), out=tmp_path / "there")
    back = xarray.open_zarr(tmp_path / "there" / "result.zarr").load()
    for name, value in forms.items():
        for data in (ds, back):
            expected = np.asarray(jnp.asarray(value))
            assert data[name].dtype == expected.dtype and data[name].shape[1:] == expected.shape
            assert np.array_equal(data[name][1], expected, equal_nan=expected.dtype.kind in "fc")
    assert back.attrs["units"] == '{"fixed": "ms", "of": "nA"}' and back.attrs["fixed"] == 3
    assert back.attrs["of"] == "(1, 'é')" and "failure" not in back


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: snn.Seeds(values=[0.5, 0.7]), ("Seeds(values=0.5)", "a whole number from 0")),
        (lambda: snn.Seeds(values=[-1]), ("Seeds(values=-1)",)),
        (lambda: snn.Seeds(n=2, first=2**31 - 1), ("Seeds(first=2147483647)", "at most 2147483646")),
        (lambda: snn.Seeds(True), ("Seeds(True)",)),
        (lambda: snn.Seeds(10**9), ("Seeds(1000000000)", "at most 100000000")),
        (lambda: snn.Axis("5"), ("Axis(default) = '5'", "expected a number")),
        (lambda: snn.Axis(float("nan")), ("Axis(default) = nan",)),
        (lambda: snn.Axis(1.0, values=[1.0, None]), ("Axis(values) = None", "Static(...)")),
        (lambda: snn.Axis(1.0, values=[True]), ("Axis(values) = True",)),
        (lambda: snn.Axis(1.0, values=[2j]), ("Axis(values) = 2j",)),
        (lambda: snn.Axis(2**53 + 1), ("Axis(default) = 9007199254740993", "a float holds")),
        (lambda: snn.Axis(10**400), ("a float holds",)),
        (lambda: snn.Axis(1.0, values="12"), ("Axis(values='12')", "a list of values")),
        (lambda: snn.Axis(1.0, values=[1.0], lo=0.0, hi=1.0, n=2), ("values or a range",)),
        (lambda: snn.Axis(1.0, lo=0.0, hi=float("inf"), n=2), ("Axis(hi) = inf", "a finite number")),
        (lambda: snn.Axis(1.0, lo=0.0, hi=1.0, n=2.5), ("Axis(n=2.5)", "a positive number of values")),
        (lambda: snn.Axis(1.0, unit=3), ("Axis(unit=3)",)),
        (lambda: snn.Static("a", values="ab"), ("Static(values='ab')", "a list of values")),
        (lambda: snn.Static(1, values={1, 2}), ("Static(values={1, 2})",)),
        (lambda: snn.product({"a": snn.Axis(2**24 + 1)}), ("16777217", "float32", "Whole")),
        (lambda: snn.product({"a": snn.Axis(1e39)}), ("1e+39", "float32 holds as", "inf")),
        (lambda: snn.product({"a": snn.Axis(1e-60)}), ("1e-60", "0.0")),
        (lambda: snn.product({"a": snn.Axis(1.0, values=[1.0, 1 + 1e-9])}), ("closer to each other",)),
        (lambda: snn.product({"a": snn.Axis(1.0, values=[1.0, 1])}), ("'a'", "1.0 twice")),
        (lambda: snn.product({"a": snn.Seeds(values=[3, 3])}), ("'a'", "3 twice")),
        (lambda: snn.product({"a": snn.Static(1, values=[1, "1"])}), ("two values with the label '1'", "strings")),
        (lambda: snn.product({"a": snn.Static(1, values=[None, "None"])}), ("label 'None'",)),
        (lambda: snn.product({"a": snn.Static(1, values=[Choice(), Choice()])}), ("label", "Choice")),
        (lambda: snn.product({"a": snn.Static(1, values=[1, 1])}), ("1 twice",)),
        (lambda: snn.product({"a": snn.Static("a\0", values=["a\0"])}), ("cannot be stored as text",)),
        (lambda: snn.product({"a": snn.Static("\ud800", values=["\ud800"])}), ("cannot be stored as text",)),
        (lambda: snn.product({"a/b": snn.Axis(1.0)}), ("'a/b'", "slashes")),
        (lambda: snn.product({".a": snn.Axis(1.0)}), ("'.a'", "dot")),
        (lambda: snn.product({"": snn.Axis(1.0)}), ("''",)),
        (lambda: snn.product({3: snn.Axis(1.0)}), ("the name 3", "a string")),
        (lambda: snn.product({"status": snn.Axis(1.0)}), ("'status'", "choose another")),
        (lambda: snn.product({"points": snn.Axis(1.0)}), ("'points'", "choose another")),
        (lambda: snn.zipped({"point": snn.Axis(1.0)}), ("'point'", "listed")),
        (lambda: snn.product([1]), ("SPACE = [1]", "a dict of Axis")),
        (
            lambda: snn.product(dict.fromkeys("abcde", snn.Axis(1.0, lo=0.0, hi=1.0, n=1000))),
            ("1000 x 1000 x 1000 x 1000 x 1000 points", "at most 100000000"),
        ),
        (lambda: sweep(lambda p, k: {"a": k}, AXIS), ("a grid that is a dict", "product(SPACE)")),
        (lambda: sweep(AXIS, snn.product(AXIS)), ("experiment = {'a'", "a function (point, key)")),
        (lambda: sweep(lambda p: {}, snn.product(AXIS)), ("other arguments than (point, key)",)),
        (lambda: sweep(lambda p, k: {}, snn.product(AXIS), batch=True), ("batch = True",)),
        (lambda: sweep(lambda p, k: {}, snn.product(AXIS), threads=1.5), ("threads = 1.5",)),
        (lambda: sweep(lambda p, k: {}, snn.product(AXIS), throw=None), ("throw = None", "True or False")),
    ],
)
def test_what_could_not_be_kept_is_refused(attempt, message):
    with refused(*message):
        attempt()


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda p, k: {"a": p["a"]}, ("'a'", "an axis has")),
        (lambda p, k: {"x/y": p["a"]}, ("'x/y'", "slashes")),
        (lambda p, k: {1: p["a"]}, ("the name 1",)),
        (lambda p, k: {"failure": p["a"]}, ("'failure'",)),
        (lambda p, k: {"x": k}, ("'x'", "a key", "key_data")),
        (lambda p, k: {"x": p["a"].astype(jnp.bfloat16)}, ("'x' of type bfloat16", "float32")),
        (lambda p, k: {"x": np.array("text")}, ("'x' of type <U4", "return numbers")),
        (lambda p, k: {"x": np.array([0.1])}, ("'x' of type float64", "round to float32")),
        (lambda p, k: {"x": np.array([2**40])}, ("'x' of type int64", "round to int32")),
        (lambda p, k: {"x": [p["a"]]}, ("'x': list", "a dict of arrays")),
        (lambda p, k: {"x": {"y": p["a"]}}, ("'x': dict",)),
        (lambda p, k: {"x": None}, ("'x': NoneType",)),
        (lambda p, k: {"status": p["a"]}, ("'status' of shape ()", "float32", "one integer")),
        (lambda p, k: {"status": jnp.zeros(2, jnp.uint32)}, ("'status' of shape (2,)", "bitwise_or.reduce")),
        (lambda p, k: {"x": jnp.zeros(2), "x_dim0": p["a"]}, ("'x_dim0'", "a dimension of a result")),
        (lambda p, k: {"x": p["b"]}, ("point['b']", "SPACE has a, n")),
        (
            lambda p, k: {"x": jnp.ones(3) if p["a"] > 1 else p["a"]},
            ("a traced number", "test_kept.py, line", "Static"),
        ),
        (
            lambda p, k: {"x": jnp.float32(p["n"]) if p["n"] == 1 else jnp.int32(4)},
            ("of type int32", "float32", "type"),
        ),
    ],
)
def test_results_that_could_not_be_kept_are_refused_before_anything_runs(monkeypatch, result, message):
    monkeypatch.setattr(machinery, "compiled", lambda *_: pytest.fail("something ran"))
    with refused(*message):
        sweep(result, snn.product(AXIS | {"n": snn.Static(1, values=[1, 2])}))


def test_unequal_seeds_are_unequal_runs():
    """The largest, too; a value that comes twice, where axes are zipped, is one choice."""
    seeds = [0, 2**24, 2**24 + 1, 2**31 - 1]
    space = {"s": snn.Seeds(values=seeds), "n": snn.Static("a", values=["a", "b", "a", "b"])}
    traced = []

    def experiment(point, key):
        traced.append(point["n"])
        return {"seed": point["s"], "x": jax.random.bits(key)}

    ds = sweep(experiment, snn.zipped(space))
    assert ds.seed.values.tolist() == seeds == ds.s.values.tolist() and len({*ds.x.values.tolist()}) == 4
    assert traced == ["a", "b"] and ds.n.values.tolist() == ["a", "b", "a", "b"]


def test_a_second_sweep_compiles_nothing():
    """Programs are found by what they compute: another constant, or another argument that is used, is another one."""
    space = AXIS | {"b": snn.Axis(7.0)}
    table = np.arange(10_000, dtype=np.float32)

    def values(experiment):
        return sweep(experiment, snn.product(space)).x.values.tolist()

    def times(table):
        return lambda point, key: {"x": jnp.sum(table) * 0 + table[5000] * point["a"]}

    assert values(times(table)) == [5000.0, 10000.0]
    before = counts["programs"]
    assert values(times(table)) == [5000.0, 10000.0] and counts["programs"] == before
    other = table.copy()
    other[5000] = 1.0
    assert values(times(other)) == [1.0, 2.0] and counts["programs"] > before
    assert values(lambda point, key: {"x": point["a"]}) == [1.0, 2.0]
    assert values(lambda point, key: {"x": point["b"]}) == [7.0, 7.0]


def test_one_call_that_fails_leaves_the_others(monkeypatch):
    def fails(traced, layout, key):
        def go(call):
            if 3 in call.rows:
                raise RuntimeError("RESOURCE_EXHAUSTED: out of memory\nand more")
            return [call.axes["a"]], np.zeros(len(call.rows), np.uint32)

        return Program(go, 0, True)

    monkeypatch.setattr(machinery, "compiled", fails)
    grid = snn.product({"a": snn.Axis(1.0, lo=0.0, hi=9.0, n=10)})
    with pytest.raises(
        snn.SimulationError, match=r"at 1 of 10 points reports: NOT_RUN.*a=3.0.*RESOURCE_EXHAUSTED"
    ) as caught:
        sweep(lambda point, key: {"x": point["a"]}, grid, batch=1)
    ds = caught.value.dataset
    assert (
        ds.attrs["finished"] == 9
        and np.isnan(ds.x[3])
        and np.array_equal(ds.x[ds.status == 0], [0, 1, 2, 4, 5, 6, 7, 8, 9])
    )
    assert ds.failure[3] == "memory: RuntimeError: RESOURCE_EXHAUSTED: out of memory" and ds.failure[2] == ""
    halved = sweep(lambda point, key: {"x": point["a"]}, grid, batch=10, throw=False)  # down to the one that fails
    assert halved.equals(ds)


def test_more_than_the_memory_is_refused(monkeypatch):
    grid = snn.product({"a": snn.Axis(1.0, lo=0.0, hi=9.0, n=100_000)})
    with refused("100000 points", "'x'", "of memory"):
        sweep(lambda point, key: {"x": point["a"] * jnp.zeros(10**9)}, grid)
