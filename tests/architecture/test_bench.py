"""Results of the bench are kept by commit and compared."""

import importlib.util
import json
from pathlib import Path

import pytest

from experiments.bench import records


def test_the_last_line_of_a_commit_counts(tmp_path):
    for seconds in (3.0, 2.0):
        records.keep({"workload": "first-use", "subject": "jaxsnn", "import_s": seconds}, tmp_path)
    (path,) = tmp_path.glob("*.json")
    assert path.stem == records.commit() and len(json.loads(path.read_text())) == 2
    found = records.read(records.commit(), tmp_path)
    assert found["first-use", "jaxsnn"]["import_s"] == 2.0
    with pytest.raises(SystemExit, match="expected a file of results or a commit"):
        records.read("nothing", tmp_path)


def test_numbers_side_by_side():
    old = {("cuba", "jaxsnn"): {"us_per_step": 8.0, "agrees": True}, ("song", "jaxsnn"): {"us_per_step": 1.0}}
    new = {("cuba", "jaxsnn"): {"us_per_step": 6.0, "agrees": True}}
    (row,) = records.compared(old, new)
    assert row.split() == ["cuba", "jaxsnn", "us_per_step", "8", "6", "0.750"]


def test_first_use_is_the_network_of_the_readme():
    """The numbers of the network that the bench builds are those that the README prints."""
    bench = Path(importlib.util.find_spec("experiments.bench.first_use").origin).read_text()
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for text in (
        "snn.FixedInDegree(in_degree), weight=weight, delay=snn.Uniform(0.5, 3.0)",
        "rate=3_000.0, weight=0.5",
    ):
        assert text in bench and text in readme
