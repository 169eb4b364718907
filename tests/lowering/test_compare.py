"""One table over targets: what each row says is what the lowering of that target says."""

import functools
import json
import re

import jax
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.cli import main
from jaxsnn.lowering.table import cells, scaled
from jaxsnn.neurons import EulerDecay
from tests.refused import refused

KEY = jax.random.key(0)
TARGETS = {
    "loihi": snn.chips.loihi.Loihi1(),
    "loihi2": snn.chips.loihi.Loihi2(),
    "analog": snn.chips.brainscales.BrainScaleS2(),
    "xylo": snn.chips.xylo.XyloAudio2(),
    "ticks": snn.chips.truenorth.TrueNorth(),
}
RASTER = (np.random.default_rng(0).random((100, 6)) < 0.2).astype(np.float32)
DRIVE = snn.Replay(RASTER, into="in")


def network():
    cell = snn.CubaLIF(tau=16.0, tau_syn=4.0, decay=EulerDecay())
    link = snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=snn.Normal(0.1, 0.1), delay=1.0)
    populations = {"in": snn.SpikeSource(6), "E": snn.Population(cell, 8)}
    return snn.network(dt=1.0, key=KEY, populations=populations, projections={"w": link})


def rate(model):
    run = snn.simulate(model, DRIVE, steps=100, key=KEY, record={"n": snn.Count("E")}, progress=snn.progress.Quiet())
    return run["n"].sum()


@functools.cache
def compared():
    return snn.compare_targets(network(), TARGETS, calibrate=DRIVE, score=rate)


def test_a_row_says_what_the_lowering_of_its_target_says():
    found, net = compared(), network()
    rows = found.data["targets"]
    assert [*rows] == [*TARGETS] and {name for name, row in rows.items() if row["fits"]} == {
        "loihi",
        "loihi2",
        "analog",
    }
    for name in ("loihi", "analog"):
        report, row = found.lowered[name].report.data, rows[name]
        assert row["agreement"] == report["agreement"] and row["limit"] == report["chip"]["binding limit"]
        assert (row["cores"], row["memory bits"]) == (report["chip"]["cores"], report["chip"]["memory bits"])
        asked, got = np.asarray(row["sample"]["w"])
        np.testing.assert_allclose(
            np.sort(asked), np.sort(np.asarray(net.projections["w"].weight).reshape(-1)), rtol=1e-5
        )
        error = np.sqrt(np.mean((got - asked) ** 2)) / np.sqrt(np.mean(asked**2))
        assert row["weights"]["largest relative rms error"] == pytest.approx(error, rel=1e-3)
        assert row["weights"]["weights rounded"] == pytest.approx(np.sum(got != asked), abs=2)
        assert row["score"] == float(rate(found.lowered[name].program))
    assert found.data["score of the model"] == float(rate(net))
    energy = rows["loihi"]["energy"]
    report = found.lowered["loihi"].report.data["energy"]
    assert energy["us an inference"] == report["us an inference"] and "Davies" in energy["source"]
    assert energy["nJ an inference, all"] == report["nJ an inference"] + 100 * report["static nJ a step"]
    assert not rows["loihi2"]["energy"]["available"]


def test_what_a_target_refuses_is_in_its_own_words():
    rows, net = compared().data["targets"], network()
    for name in ("xylo", "ticks"):
        with pytest.raises(ValueError) as caught:
            snn.lower(net, TARGETS[name])
        assert rows[name]["why"] == str(caught.value) and "\n" not in rows[name]["why"]
    coarse = snn.compare_targets(net, {"two": TARGETS["analog"]}, precision=snn.lowering.Precision(weight=2))
    row = coarse.data["targets"]["two"]
    assert (
        row["weights"]["largest relative rms error"]
        > 0.1
        > compared().data["targets"]["analog"]["weights"]["largest relative rms error"]
    )
    assert row["energy"] == {"available": False, "why": "no calibration run"}
    decay = snn.compare_targets(net, {"two": TARGETS["analog"]}, precision=snn.lowering.Precision(decay=4))
    assert "choice of bits for weights only" in decay.data["targets"]["two"]["why"]


def test_it_is_text_json_and_a_page(tmp_path):
    found = compared()
    said = str(found)
    for part in ("target", "no figure", "score of the float model", "use Subtract()"):
        assert part in said, part
    for name in ("table.html", "table.json", "table.txt"):
        found.save(tmp_path / name)
    page = (tmp_path / "table.html").read_text()
    assert "Neurons of E: 8, in: 6; dt" in page and "name=viewport" in page and "overflow-x: auto" in page  # a phone's
    assert page == found.html and page.count("<svg") == 1 and "http" not in page.split("</svg>")[1]
    for part in (
        "5 targets: 3 take it",
        "xylo: does not take it",
        "What became of the weights",
        "Davies",
        "at most 0.2 W",
    ):
        assert part in page, part
    assert json.loads((tmp_path / "table.json").read_text()) == found.data
    assert (tmp_path / "table.txt").read_text() == f"{said}\n"
    with refused("table.pdf", ".html, .json, .txt"):
        found.save("table.pdf")
    none = snn.compare_targets(network(), {"xylo": TARGETS["xylo"]})
    assert "1 targets: 0 take it" in none.html and cells("xylo", none.data["targets"]["xylo"])["fits"] == "no"
    assert (scaled(12.0, "nJ", "uJ"), scaled(12000.0, "nJ", "uJ"), scaled(1.2e7, "nJ", "uJ")) == (
        "12 nJ",
        "12 uJ",
        "1.2e+04 uJ",
    )


def test_the_command_writes_a_table_and_a_program_for_each_that_fits(tmp_path, monkeypatch, capsys):
    few = {name: type(TARGETS[name]) for name in ("loihi", "xylo")}
    monkeypatch.setattr("jaxsnn.lowering.compare.registered", lambda: few)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(
        "from tests.lowering.test_compare import DRIVE, network\ndef model(key): return network(), DRIVE\n"
    )
    assert main(["lower", "net.py", "--target", "all", "--out", "programs", "--report", "table.html"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"loihi +yes", said) and re.search(r"xylo +no", said) and "programs: 1 in programs" in said
    program = snn.lowering.load_program(tmp_path / "programs" / "loihi.npz")
    assert program.sizes == {"E": 8, "in": 6} and (tmp_path / "table.html").exists()
    assert main(["lower", "net.py", "--target", "all", "--out", "one.npz"]) == 2
    assert "expected a folder" in capsys.readouterr().err


def test_bad_input_is_refused():
    with refused("Got int, expected a network"):
        snn.compare_targets(3)
    with refused("expected targets by name"):
        snn.compare_targets(network(), [TARGETS["loihi"]])
    with refused("Got no targets to compare", "loihi1"):
        snn.compare_targets(network(), {})
    with refused("calibrate = int"):
        snn.compare_targets(network(), TARGETS, calibrate=3)
