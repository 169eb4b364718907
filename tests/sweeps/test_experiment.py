"""An experiment file is one noun: every one here keeps to it, and a wrong or missing part is one sentence."""

import importlib.util
from pathlib import Path

import pytest

import jaxsnn as snn
from jaxsnn.cli import load
from jaxsnn.sweeps.code import code_of
from jaxsnn.sweeps.experiment import Experiment, parts_of
from tests.refused import refused

FILES = [
    path
    for path in sorted((Path(__file__).parents[2] / "experiments").glob("*.py"))
    if "\nSPACE" in path.read_text() and "\ndef experiment" in path.read_text()
]
FILE = """
import jaxsnn as snn
SPACE = {"a": snn.Axis(1.0), "seed": snn.Seeds(2)}
def experiment(point, key):
    return {"x": point["a"]}
"""


def made(tmp_path, text):
    path = tmp_path / "own.py"
    path.write_text(text)
    return parts_of(load(path), path)


def test_there_are_experiments():
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_experiment_keeps_to_the_protocol(path):
    """Its parts are what they should be, its space makes a grid, and its code has a hash that is always the same."""
    if path.stem in ("digits", "lower_digits", "sequential_digits", "hybrid_digits", "diehl_cook", "twenty_patterns"):
        pytest.importorskip("sklearn")
    module = load(path)
    found = parts_of(module, path)
    assert callable(found.experiment) and snn.product(found.SPACE).size >= 1
    assert code_of(found.experiment) == code_of(parts_of(module, path).experiment)
    assert "SPACE" in (module.__doc__ or "") or module.__doc__


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILE.replace("SPACE =", "SPCAE ="), ("has no SPACE (is 'SPCAE' meant?)", "a dict of Axis")),
        (FILE.replace("def experiment", "def expriment"), ("has no experiment (is 'expriment' meant?)",)),
        (FILE + "def sumary(ds): return ''\n", ("has 'sumary', which nothing uses; is summary meant",)),
        (FILE + "Repeats = ('seed',)\n", ("has 'Repeats'", "is REPEATS meant")),
        (FILE + "REPEATS = ('fold',)\n", ("REPEATS = ('fold',)", "names in SPACE")),
        (FILE + "REPEATS = 2\n", ("REPEATS = 2", "a tuple")),
        (FILE + "REPEATS = 'seed'\n", ("REPEATS = 'seed'", "a tuple")),
        (FILE + "plot = 3\n", ("plot = 3", "a function (dataset, path)")),
        (FILE + "DIMS = 3\n", ("DIMS = 3", "a dict")),
        (FILE.replace('{"a"', '[{"a"').replace("Seeds(2)}", "Seeds(2)}]"), ("SPACE that is a list",)),
    ],
)
def test_a_part_that_is_wrong_is_one_sentence(tmp_path, text, message):
    with refused("own.py", *message):
        made(tmp_path, text)


def test_a_class_stands_for_a_file(tmp_path):
    text = """
import jaxsnn as snn
class Own(snn.sweeps.Experiment):
    SPACE = {"a": snn.Axis(1.0), "seed": snn.Seeds(2)}
    REPEATS = ("seed",)
    def experiment(self, point, key):
        return {"x": point["a"]}
    def summary(self, ds):
        return f"{float(ds.x.mean()):.1f}"
"""
    found = made(tmp_path, text)
    ds = snn.sweep(found.experiment, snn.product(found.SPACE), key=0, progress=snn.progress.Quiet())
    assert found.REPEATS == ("seed",) and found.summary(ds) == "1.0" and found.plot is None
    with refused("has several experiments, Own, Other"):
        made(tmp_path, text + "class Other(Own):\n    pass\n")
    assert made(tmp_path, FILE + "def plots(ds): pass\nplots(3)\n").plot is None  # it is used, so it is no misspelling


def test_the_skeleton_keeps_to_it(tmp_path):
    spec = importlib.util.find_spec("jaxsnn.skeleton")
    text = Path(spec.origin).with_name("skeleton.txt").read_text()
    assert isinstance(made(tmp_path, text), Experiment)
