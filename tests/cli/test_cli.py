"""The command line: run, sweep and info; results on disk that nothing overwrites; one line for every user error."""

import importlib.metadata
import json

import numpy as np
import pytest
import xarray

from jaxsnn.cli import main

FILE = """
import jax.numpy as jnp
import jaxsnn as snn

SPACE = {"g": snn.Axis(2.0, lo=1.0, hi=3.0, n=3, unit="mV"), "eta": snn.Axis(0.5), "size": snn.Static(2),
         "fast": snn.Static(True), "seed": snn.Seeds(1)}

def experiment(point, key):
    return {"x": point["g"] * 10 + point["eta"], "row": point["g"] * jnp.ones(point["size"]), "seen": point["seed"],
            "status": jnp.where(point["g"] > 100, jnp.uint32(1), jnp.uint32(0)), "fast": jnp.array(point["fast"])}
"""
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


def load(folder):
    return xarray.open_zarr(folder / "result.zarr", consolidated=False).load()


def test_run(folder, capsys):
    """One point at the defaults, whatever the file varies, but for what is set; results are printed and stored."""
    assert (
        main(["run", "tiny.py", "--set", "eta=1.5", "--set", "fast=false", "--set", "seed=3", "--set", "size=4"]) == 0
    )
    out = capsys.readouterr().out
    assert "tiny.py: 1 point(s)" in out and "x: 21.5" in out and "result: results/tiny/result.zarr" in out
    ds = load(folder / "results" / "tiny")
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


def test_nothing_is_overwritten(folder, capsys):
    for expected in ("mine", "mine-2", "mine-3"):
        assert main(["run", "tiny.py", "--out", "mine", "--set", f"g={len(expected)}"]) == 0
        assert f"result: {expected}/result.zarr" in capsys.readouterr().out
    assert [float(load(folder / name).attrs["g"]) for name in ("mine", "mine-2", "mine-3")] == [4.0, 6.0, 6.0]


def test_a_bad_status_is_stored_and_told(folder, capsys):
    assert main(["sweep", "tiny.py", "--axis", "g=1,200"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "at 1 of 2 points reports: NOT_FINITE" in error
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
        (["run", "bare.py"], ("bare.py has no SPACE", "a dict of Axis, Static, Seeds")),
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
        (["sweep", "tiny.py", "--batch", "0"], ("batch = 0", "expected a positive number")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_user_errors_are_one_line(folder, capsys, arguments, message):
    (folder / "bare.py").write_text("x = 1\n")
    (folder / "half.py").write_text(FILE.replace("def experiment", "def other"))
    (folder / "broken.py").write_text("this is no python\n")
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
