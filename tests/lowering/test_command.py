"""`jaxsnn lower` and `jaxsnn emulate`: from a file to a program to spikes."""

import subprocess
import sys

import numpy as np

import jaxsnn as snn
from jaxsnn.chips import loihi
from jaxsnn.chips.loihi.cells import CubaCells
from jaxsnn.cli import main
from jaxsnn.lowering.cells import InputCells
from jaxsnn.lowering.target import target_named
from tests.refused import refused

FILE = """
import jaxsnn as snn

def model(key):
    cell = snn.Population(snn.CubaLIF(tau_syn=5.0, tau=10.0, v_th=1.0), 3)
    link = snn.Connection("in", "out", snn.AllToAll(), via=snn.Dense(), weight=snn.Uniform(0.2, 0.4))
    net = snn.network(dt=1.0, key=key, populations={"in": snn.SpikeSource(4), "out": cell}, projections={"w": link})
    return net, snn.lowering.Calibration(snn.Poisson(300.0, into="in"), steps=50, key=key, inference=10)
"""


def test_a_model_is_lowered_and_emulated(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.py").write_text(FILE)
    (tmp_path / "empty.py").write_text("")
    assert main(["lower", "tiny.py", "--out", "tiny.npz", "--report", "tiny.html"]) == 0
    assert "binding limit: cells, 3 of 1024" in (said := capsys.readouterr().out) and "program: tiny.npz" in said
    assert "us an inference of 10 steps" in said and "report: tiny.html" in said
    page = (tmp_path / "tiny.html").read_text()
    assert page.count("<svg") == 1 and "http" not in page.split("</svg>")[1]  # all of it is inside
    for part in ("binding limit: cells of &#x27;out&#x27;", "rate of the model Hz", "nJ an inference", "Davies"):
        assert part in page, part
    assert main(["lower", "tiny.py", "--target", "loihi1", "--out", "tiny.npz", "--report", "tiny.json"]) == 0
    capsys.readouterr()
    report = snn.lowering.Report((tmp_path / "tiny.json").read_text())
    assert report.html == page and report.data["energy"]["us an inference"] == 10 * report.data["energy"]["us a step"]
    with refused("tiny.pdf", ".html, .json, .txt"):
        report.save("tiny.pdf")
    raster = np.random.default_rng(0).random((50, 4)) < 0.3
    np.savez("spikes.npz", **{"in": raster})
    assert main(["emulate", "tiny.npz", "--input", "spikes.npz", "--out", "out.npz"]) == 0
    said = capsys.readouterr().out
    with np.load("out.npz") as out:
        assert np.array_equal(out["in"], raster) and out["out"].shape == (50, 3)
        assert f"out: {out['out'].sum()} spikes of 3" in said and out["out"].sum() > 10
    assert main(["lower", "empty.py", "--out", "no.npz"]) == 2
    assert "has no model; expected a function model(key)" in capsys.readouterr().err
    assert main(["emulate", "tiny.npz", "--input", "tiny.py"]) == 2
    assert "not an .npz file of rasters" in capsys.readouterr().err


def test_a_program_that_learns_is_emulated_from_its_file(tmp_path, monkeypatch, capsys):
    """Every weight grows by its sender's trace whenever its cell fires."""
    monkeypatch.chdir(tmp_path)
    rule = snn.chips.loihi.LoihiRule(
        "2^-2*y0*x1", x1=snn.chips.loihi.LoihiTrace(16.0, 10.0), rounding=snn.chips.loihi.NearestRounding()
    )
    link = snn.chips.loihi.LearningSynapses("in", "out", np.full((4, 3), 100), rule=rule)
    cells = {"in": InputCells(4), "out": CubaCells(3, decay_v=400, threshold=150)}
    snn.lowering.save_program(loihi.program(cells, {"S": link}), "learns.npz")
    raster = np.zeros((30, 4), bool)
    raster[::3, :2] = True
    np.savez("spikes.npz", **{"in": raster})
    assert main(["emulate", "learns.npz", "--input", "spikes.npz", "--out", "out.npz"]) == 0
    said = capsys.readouterr().out
    assert "S: in -> out, synapses that learn, 4 x 3" in said and "dw = 2^-2*y0*x1" in said
    assert "S: 6 of 12 weights changed" in said and "spikes and weights: out.npz" in said
    with np.load("out.npz") as out:
        assert np.all(out["S.w"][:2] > 100) and np.all(out["S.w"][2:] == 100)


def test_amplitudes_are_written_as_numbers(tmp_path, monkeypatch):
    """Of cells whose message has them; of others, whether they fired."""
    monkeypatch.chdir(tmp_path)
    cells = {"in": InputCells(2, message_bits=8), "rectified": snn.chips.loihi.GradedReluCells(2, threshold=0)}
    link = snn.chips.loihi.Synapses("in", "rectified", np.eye(2, dtype=int) * 6)
    snn.lowering.save_program(loihi.program(cells, {"S": link}, snn.chips.loihi.LavaCore()), "graded.npz")
    raster = np.array([[3, -5], [0, 7], [0, 0]])
    np.savez("numbers.npz", **{"in": raster})
    assert main(["emulate", "graded.npz", "--input", "numbers.npz", "--out", "out.npz"]) == 0
    with np.load("out.npz") as out:
        np.testing.assert_array_equal(out["rectified"][1:], 6 * np.maximum(raster, 0)[:-1])
        assert out["in"].dtype == bool


def test_a_program_whose_parts_do_not_fit_is_refused():
    cells = {
        "in": InputCells(4),
        "E": CubaCells(3),
        "R": snn.chips.loihi.ResonatorCells(2, **snn.chips.loihi.resonator_coefficients(10.0, 0.1)),
    }
    link = lambda post, *shape: snn.chips.loihi.Synapses("in", post, np.zeros(shape, int))
    loihi.program(cells, {"S": link("E", 4, 3), "T": link("R", 4, 4)})
    with refused("Synapses 'S' have 4 senders and 2 receivers", "(4, 3) from 'in' to 'E'"):
        loihi.program(cells, {"S": link("E", 4, 2)})
    with refused("2 receivers", "(4, 4) from 'in' to 'R'"):  # two inlets
        loihi.program(cells, {"S": link("R", 4, 2)})
    with refused("go to or from 'F'", "E, R, in"):
        loihi.program(cells, {"S": link("F", 4, 3)})
    with refused("both named E"):
        loihi.program(cells, {"E": link("E", 4, 3)})


def test_targets_are_found_by_their_names(tmp_path, capsys):
    known = snn.lowering.targets()
    assert known["loihi1"] is snn.chips.loihi.Loihi1 and known["loihi2"] is snn.chips.loihi.Loihi2
    with refused("There is a target 'loihi1' already, Loihi1"):
        snn.lowering.register_target("loihi1")(snn.chips.loihi.Loihi2)
    with refused("Got the target 'abacus'", "loihi1, loihi2"):
        target_named("abacus")
    (tmp_path / "tiny.py").write_text(FILE)
    assert main(["lower", str(tmp_path / "tiny.py"), "--target", "abacus", "--out", "no.npz"]) == 2
    assert "Got the target 'abacus'" in capsys.readouterr().err


def test_chips_are_imported_when_a_name_is_looked_up():
    """Not with the core, which knows of none."""
    source = """
import sys
from jaxsnn.lowering.target import targets
chips = lambda: [name for name in sys.modules if name.startswith("jaxsnn.chips")]
assert chips() == []
assert "loihi1" in targets() and chips()
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
