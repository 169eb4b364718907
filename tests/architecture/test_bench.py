"""Results of the bench are kept by commit and compared."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from experiments.bench import __main__ as bench
from experiments.bench import everything, records, tables


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


def test_tables_of_pages_are_made_from_the_kept_file():
    """Each block is what its file makes; a number edited by hand is seen."""
    pages = [page.read_text() for page in tables.PAGES]
    assert sum(page.count("<!-- bench: ") for page in pages) == len(tables.BLOCKS)
    seen = []
    for page in pages:
        assert tables.stale(page) == []
        for found in tables.BLOCK.finditer(page):
            at = next(i for i in range(found.start(4), found.end(4)) if page[i].isdigit())
            edited = page[:at] + str((int(page[at]) + 1) % 10) + page[at + 1 :]
            assert tables.stale(edited) == [found[2]]
            seen.append(found[2])
    assert seen == [*tables.BLOCKS]


def test_ratios_of_a_table_are_medians_over_rounds(tmp_path):
    """Of the ratio in each round, not the ratio of two medians; of lines about the same the last counts."""

    def line(subject, *rounds):
        about = {"workload": "cuba", "subject": subject, "version": "1.0", "compile_s": 1.0}
        return about | {"us_per_step": sorted(rounds)[1], "rounds": {"us_per_step": rounds}}

    lines = [line("jaxsnn", 9, 9, 9), line("jaxsnn", 2, 4, 10), line("by-c", 1, 1, 5), line("brian2", 6, 8, 10)]
    (tmp_path / "made.json").write_text(json.dumps(lines))
    page = "A.\n\n<!-- bench: others old.json -->\n\n-\n\n<!-- /bench -->\n\nB.\n"
    made = tables.written(page, tmp_path / "made.json")
    assert made.startswith("A.\n\n<!-- bench: others made.json -->\n\n| workload |") and made.endswith("-->\n\nB.\n")
    cells = [cell.strip() for cell in made.split("\n")[6].split("|")[1:-1]]
    assert cells[1:] == ["1", "4", "Brian2 1.0", "8", "6", "2", "2.2 (XLA: 1)", "1, 1, 1"]
    assert tables.written(made, tmp_path / "made.json") == made and tables.stale(made, tmp_path) == []


def test_a_subject_has_the_variables_of_its_name():
    says = "import json, os; input(); print(json.dumps({'flags': os.environ.get('XLA_FLAGS')}), flush=True)"
    for name, flags in bench.VARIABLES.items():
        subject = bench.Subject(name, [sys.executable, "-c", says], alone=False, variables=flags)
        subject.run()
        assert subject.lines == [{"flags": "--xla_force_host_platform_device_count=2"}] and subject.end() == 0


def test_one_round_is_called_a_rehearsal():
    assert tables.rounds([{"runs": 3}, {"runs": 2}, {}]) == "Medians of 2 or 3 rounds."
    assert "rehearsal" in tables.rounds([{"runs": 1}, {"runs": 1}])
    assert tables.rounds([{"runs": 3}, {"runs": 1, "workload": "a"}]) == "Medians of 3 rounds. **One round of `a`.**"


def test_numbers_of_tables():
    shown = [tables.number(x) for x in (0.1234, 3.456, 99.96, 480.4, 4000, 8845.0, 1_000_000)]
    assert shown == ["0.123", "3.46", "100", "480", "4 000", "8 840", "1 000 000"]


def test_all_runs_what_the_tables_show():
    """Every workload and bar of the tables; each peer has a script for what it is asked."""
    peers = Path(tables.__file__).parent / "peers"
    asked = {(w, p) for part in everything.PARTS for w in bench.TOGETHER.get(part.workload, [part.workload])
             for p in part.peers or [None]}  # fmt: skip
    assert {workload for workload, _ in asked} == {*tables.WORKLOADS, *bench.TOGETHER["cores"]}
    assert {*tables.BARS} <= asked
    for workload, peer in asked - {*bench.UNABLE}:
        assert peer is None or (peers / f"{peer}_{bench.WORKLOADS[workload][0]}").exists()
