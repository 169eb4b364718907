"""The command line: run, sweep and info; results on disk that nothing overwrites; one line for every user error."""

import importlib.metadata
import json
import shlex

import numpy as np
import pytest
import xarray

import jaxsnn as snn
from jaxsnn.cli import main
from jaxsnn.sweeps.arguments import at, over
from tests.refused import refused

FILE = """
import jax.numpy as jnp
import jaxsnn as snn

SPACE = {"g": snn.Axis(2.0, lo=1.0, hi=3.0, n=3, unit="mV"), "eta": snn.Axis(0.5), "size": snn.Static(2),
         "fast": snn.Static(True), "seed": snn.Seeds(1)}

def experiment(point, key):
    return {"x": point["g"] * 10 + point["eta"], "row": point["g"] * jnp.ones(point["size"]), "seen": point["seed"],
            "status": jnp.where(point["g"] > 100, jnp.uint32(1), jnp.uint32(0)), "fast": jnp.array(point["fast"])}
"""
MORE = 'SPACE = {"w": snn.Static(2.5, unit="nA"), "n": snn.Static(1, unit="cells")} |'
EXTRA = """
def summary(ds):
    return f"the largest is {float(ds.x.max()):.1f}"

def plot(ds, path):
    path.write_text("a picture")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a tiny experiment, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.py").write_text(FILE)
    (tmp_path / "full.py").write_text(FILE + EXTRA)
    return tmp_path


def test_a_picture_whose_library_is_not_there_is_no_error(folder, capsys):
    """The result is stored and summed up; what is missing is named."""
    (folder / "bare.py").write_text(FILE + EXTRA.replace("path.write_text", "import none_such; path.write_text"))
    assert main(["run", "bare.py"]) == 0
    out = capsys.readouterr().out
    assert "no picture: none_such is not installed" in out and "the largest is 20.5" in out
    (folder / "wrong.py").write_text(
        FILE + EXTRA.replace("path.write_text", "import jaxsnn.none_such; path.write_text")
    )
    assert main(["run", "wrong.py"]) == 1  # control: ours that is missing is a bug


def load(folder):
    return xarray.open_zarr(folder / "result.zarr").load()  # as the line says that is printed; a warning is an error


def test_run(folder, capsys):
    """One point at the defaults, whatever the file varies, but for what is set; results are printed and stored."""
    assert (
        main(["run", "tiny.py", "--set", "eta=1.5", "--set", "fast=false", "--set", "seed=3", "--set", "size=4"]) == 0
    )
    out = capsys.readouterr().out
    assert "tiny.py: 1 point(s)" in out and "x: 21.5" in out and "result: results/tiny-run/result.zarr" in out
    ds = load(folder / "results" / "tiny-run")
    assert ds.x == 21.5 and np.array_equal(ds.row, [2.0] * 4) and ds.seen == 3 and not ds.fast
    assert ds.attrs["g"] == 2.0 and ds.attrs["eta"] == 1.5 and ds.attrs["seed"] == 3


def test_run_goes_through_what_one_result_is_made_of(folder, capsys):
    """REPEATS names the axes; the summary comes last; an axis that is set stays set."""
    (folder / "folds.py").write_text(FILE + EXTRA + 'REPEATS = ("g",)\n')
    assert main(["run", "folds.py"]) == 0
    out = capsys.readouterr().out
    assert "folds.py: 3 point(s), g x 3" in out and out.rstrip().endswith("the largest is 30.5")
    assert main(["run", "folds.py", "--set", "g=1"]) == 0
    assert "folds.py: 1 point(s)" in capsys.readouterr().out


def test_sweep_of_the_space_with_summary_and_plot(folder, capsys):
    assert main(["sweep", "full.py", "--out", "there", "--seed", "5"]) == 0
    out = capsys.readouterr().out
    assert "full.py: 3 point(s), g x 3" in out and "the largest is 30.5" in out and "picture: there/full.png" in out
    assert (folder / "there" / "full.png").read_text() == "a picture"
    ds = load(folder / "there")
    assert [*ds.g.values] == [1.0, 2.0, 3.0] and ds.g.attrs["units"] == "mV" and np.allclose(ds.x, ds.g * 10 + 0.5)
    assert ds.attrs["experiment"] == "full.py" and ds.attrs["base_seed"] == 5 and ds.attrs["points"] == 3
    assert json.loads(ds.attrs["versions"])["jax"] == importlib.metadata.version("jax")
    assert {"revision", "python", "device", "made", "wall_s", "compile_s"} <= ds.attrs.keys()


def test_axes_replace_those_of_the_file(folder, capsys):
    """`lo:hi:n` and `a,b,c`, as a product or together."""
    axes = ["--axis", "eta=0:1:2", "--axis", "seed=4,7"]
    assert main(["sweep", "tiny.py", *axes]) == 0
    ds = load(folder / "results" / "tiny")
    assert dict(ds.sizes) == {"eta": 2, "seed": 2, "row_dim0": 2} and np.allclose(ds.x.sel(seed=7), [20.0, 21.0])
    assert main(["sweep", "tiny.py", *axes, "--zip", "--out", "zip", "--batch", "1"]) == 0
    ds = load(folder / "zip")
    assert [*ds.eta.values] == [0.0, 1.0] and [*ds.seen.values] == [4, 7] and ds.x.dims == ("point",)


def test_random_points_with_seeds_of_their_own(folder):
    assert main(["sweep", "tiny.py", "--random", "3", "--own-seeds", "--set", "seed=5"]) == 0
    ds = load(folder / "results" / "tiny")
    assert ds.x.dims == ("point",) and [*ds.seen.values] == [*ds.seed.values] == [5, 6, 7]
    assert snn.as_training_set(ds, "x").parameters == ("g",)


def test_a_range_is_that_of_an_axis(folder):
    """The same numbers to the bit as in Python, with units, also of what does not vary; others if they were printed."""
    (folder / "more.py").write_text(FILE.replace("snn.Axis(0.5)", "snn.Axis(0.5, unit='Hz')").replace("SPACE =", MORE))
    axes = ["--axis", "g=0:1:100", "--axis", "eta=0.1:10:3:log", "--axis", "n=1,2", "--axis", "seed=3:5:3"]
    space = {"n": snn.Static(1)} | dict.fromkeys(("g", "eta"), snn.Axis(0.0))
    found = {name: over(space, name, text).points for name, _, text in (a.partition("=") for a in axes[1:6:2])}
    assert np.array_equal(found["g"], snn.Axis(0.0, lo=0.0, hi=1.0, n=100).points)
    assert not np.array_equal(found["g"], [float(f"{v:.12g}") for v in found["g"]])  # negative control
    assert np.array_equal(found["eta"], snn.Axis(1.0, lo=0.1, hi=10.0, n=3, log=True).points)
    axes[1] = "g=0:1:4"
    assert main(["sweep", "more.py", *axes, "--out", "there"]) == 0
    ds = load(folder / "there")
    assert np.array_equal(ds.g, np.linspace(0, 1, 4)) and np.array_equal(ds.seed, [3, 4, 5])
    assert (ds.n.attrs["units"], ds.eta.attrs["units"]) == ("cells", "Hz")
    assert json.loads(ds.attrs["units"]) == {"w": "nA"} and ds.attrs["w"] == 2.5


def test_what_the_file_varies_and_the_command_line_does_not_is_said(folder, capsys):
    (folder / "many.py").write_text(FILE.replace("snn.Seeds(1)", "snn.Seeds(8, first=3)"))
    assert main(["sweep", "many.py", "--axis", "eta=1,2"]) == 0
    assert "held at the default, as no --axis names it: g = 2.0 of 3 values, seed = 3 of 8" in capsys.readouterr().out
    assert main(["sweep", "many.py", "--axis", "eta=1,2", "--axis", "g=1,2", "--axis", "seed=3:10:8"]) == 0
    assert "held" not in capsys.readouterr().out


def test_values_keep_their_type(folder):
    space = {
        "tup": snn.Static((1, 2)),
        "none": snn.Static(None),
        "mixed": snn.Static(4, values=[4, 4.7]),
        "order": snn.Static("nest", values=["nest", "brian, too"]),
        "kind": snn.Static(snn.NestOrder(), values=[snn.NestOrder(), snn.BrianOrder()]),
        "size": snn.Static(3),
        "g": snn.Axis(1.0),
    }
    for name, text, value in (
        ("tup", "(3,4)", (3, 4)),
        ("none", "None", None),
        ("none", "2", 2),
        ("mixed", "4.7", 4.7),
        ("mixed", "5", 5),
        ("order", "brian, too", "brian, too"),
        ("kind", "BrianOrder()", snn.BrianOrder()),
        ("g", "3", 3),
    ):
        assert (found := at(space, name, text).default) == value and type(found) is type(value)
    assert over(space, "tup", "(1,2),(3,4)").values == ((1, 2), (3, 4))
    assert over(space, "size", "1:9:3").values == (1, 5, 9)
    for name, text, message in (
        ("tup", "12", ("tup=12", "a value of type tuple")),
        ("size", "4.7", ("size=4.7", "a value of type int")),
        ("kind", "Other()", ("kind=Other()", "one of NestOrder(), BrianOrder()")),
        ("size", "1:2:3", ("size=1:2:3", "whole numbers")),
        ("g", "nan", ("g=nan", "expected a number")),
        ("g", "1e400", ("g=1e400", "that a float holds")),
        ("g", "0:1e400:3", ("g=0:1e400:3", "finite")),
    ):
        with refused(*message):
            (over if ":" in text else at)(space, name, text)


def test_the_same_command_again_computes_nothing_and_a_larger_grid_what_is_missing(folder, capsys):
    for axis, stored in (("g=1:3:3", 0), ("g=1:3:3", 3), ("g=1:3:5", 3)):
        assert main(["sweep", "tiny.py", "--axis", axis]) == 0
        said = capsys.readouterr().out
        assert ("of them are stored" in said) is (stored > 0) and (not stored or f"{stored} of them are stored" in said)
    ds = load(folder / "results" / "tiny")
    assert np.array_equal(ds.g, np.linspace(1, 3, 5)) and np.array_equal(ds.x, ds.g * 10 + 0.5)


def test_nothing_of_another_sweep_is_overwritten(folder, capsys):
    """Another key, another code: refused with the difference; `--force` takes the next folder."""
    assert main(["run", "tiny.py", "--out", "mine"]) == 0
    assert main(["run", "tiny.py", "--out", "mine", "--seed", "1"]) == 2
    assert "mine holds the results of another sweep: the key: " in capsys.readouterr().err
    (folder / "tiny.py").write_text(FILE.replace("* 10", "* 11"))
    assert main(["run", "tiny.py", "--out", "mine"]) == 2
    assert "the code of the experiment is another" in capsys.readouterr().err
    assert main(["run", "tiny.py", "--out", "mine", "--force"]) == 0
    assert "result: mine-2/result.zarr" in capsys.readouterr().out
    assert load(folder / "mine").x == 20.5 and load(folder / "mine-2").x == 22.5


def test_a_dry_run_says_what_it_takes_and_leaves_nothing(folder, capsys):
    assert main(["sweep", "tiny.py", "--dry-run"]) == 0
    said = capsys.readouterr().out
    for part in (
        "points: 3 (g 3), 0 of them stored",
        "programs to compile: 1",
        "devices: 1 x cpu",
        "memory: ",
        "time: ",
    ):
        assert part in said
    assert not (folder / "results").exists()


def test_a_bad_status_is_stored_and_told(folder, capsys):
    assert main(["sweep", "tiny.py", "--axis", "g=1,200"]) == 3
    error, again = capsys.readouterr().err.splitlines()[-2:]
    assert "at 1 of 2 points reports: NOT_FINITE" in error and "(g=200.0): NOT_FINITE" in error
    assert again == "jaxsnn: again: jaxsnn run tiny.py --set g=200.0 --seed 0"
    assert main(shlex.split(again.removeprefix("jaxsnn: again: jaxsnn"))) == 3
    assert load(folder / "results" / "tiny-run").x == load(folder / "results" / "tiny").x[1]
    ds = load(folder / "results" / "tiny")
    assert np.allclose(ds.x, [10.5, 2000.5]) and len(ds.attrs["problems"]) == 1


def test_info(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert f"jax {importlib.metadata.version('jax')}" in out and "device: cpu" in out and "product is right" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "absent.py"], ("'absent.py'", "no file", "an experiment such as experiments/brunel.py")),
        (["run", "bare.py"], ("bare.py has no SPACE", "a dict of Axis, Whole, Flag, Static, Seeds")),
        (["sweep", "half.py"], ("half.py has no experiment", "a function (point, key) -> dict")),
        (["sweep", "broken.py"], ("invalid syntax", "broken.py, line 1")),
        (["sweep", "tiny.py", "--axis", "h=0:1:2"], ("'h'", "SPACE", "g, eta, size, fast, seed")),
        (["run", "tiny.py", "--set", "h=1"], ("'h'", "SPACE", "g, eta, size, fast, seed")),
        (["sweep", "tiny.py", "--axis", "g=0:1"], ("g=0:1", "lo:hi:n", "a,b,c")),
        (["sweep", "tiny.py", "--axis", "g=0:1:0"], ("g=0:1:0", "positive count")),
        (["sweep", "tiny.py", "--axis", "g=0:1:-2"], ("g=0:1:-2", "lo:hi:n", "a,b,c")),
        (["sweep", "tiny.py", "--axis", "g=1,many"], ("g=many", "a value of type float")),
        (["sweep", "tiny.py", "--axis", "g="], ("'g='", "NAME=VALUE")),
        (["run", "tiny.py", "--set", "seed=1.5"], ("seed=1.5", "a value of type int")),
        (["run", "tiny.py", "--set", "fast=perhaps"], ("fast=perhaps", "a value of type bool")),
        (["sweep", "tiny.py", "--axis", "g=1,2", "--axis", "eta=1,2,3", "--zip"], ("different lengths", "as many")),
        (["sweep", "tiny.py", "--own-seeds"], ("--own-seeds without --random or --sobol",)),
        (["sweep", "tiny.py", "--batch", "0"], ("batch = 0", "expected a positive number")),
        (["run", "tiny.py", "--set", "g=1", "--set", "g=2"], ("--set g=1 and --set g=2", "one of them")),
        (["sweep", "tiny.py", "--set", "g=1", "--axis", "g=2,3"], ("--axis g=2,3 and --set g=1", "one of them")),
        (["run", "tiny.py", "--seed", "4294967296"], ("--seed = 4294967296", "0 to 2^32 - 1")),
        (["run", "tiny.py", "--set", "seed=2147483648"], ("seed=2147483648", "at most 2147483647")),
        (["sweep", "tiny.py", "--axis", "g=1,1"], ("'g'", "1.0 twice", "every value of an axis once")),
        (["run", "five.py"], ("SPACE that is a int", "a dict of Axis")),
        (["run", "noname"], ("'noname'", "a Python file, whose name ends in .py")),
        (["run", "tiny.py", "--out", "tiny.py"], ("tiny.py is a file", "expected a folder")),
        (["run", "tiny.py", "--out", "tiny.py/below"], ("tiny.py is a file", "expected a folder")),
        (["run", "branch.py"], ("the value of a traced number (branch.py, line 9)", "Static")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_user_errors_are_one_line(folder, capsys, arguments, message):
    (folder / "bare.py").write_text("x = 1\n")
    (folder / "half.py").write_text(FILE.replace("def experiment", "def other"))
    (folder / "broken.py").write_text("this is no python\n")
    (folder / "five.py").write_text("SPACE = 5\nexperiment = print\n")
    (folder / "noname").write_text(FILE)
    (folder / "branch.py").write_text(FILE.replace("    return {", "    if point['g'] > 1: pass\n    return {"))
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("jaxsnn: ") and captured.err.count("\n") == 1
    at = 0
    for part in message:
        assert part in captured.err[at:], captured.err
        at = captured.err.index(part, at)
    assert not (folder / "results").exists()


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["fly"])
    assert caught.value.code == 2 and "invalid choice: 'fly'" in capsys.readouterr().err
