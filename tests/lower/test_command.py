"""`jaxsnn lower` and `jaxsnn emulate`: from a file to a program to spikes."""

import numpy as np

from jaxsnn.cli import main

FILE = """
import jaxsnn as snn

def model(key):
    cell = snn.Population(snn.CubaLIF(tau_syn=5.0, tau=10.0, v_th=1.0), 3)
    link = snn.Link("in", "out", snn.AllToAll(), via=snn.Dense(), weight=snn.Uniform(0.2, 0.4))
    return snn.network(dt=1.0, key=key, populations={"in": snn.Source(4), "out": cell}, projections={"w": link})
"""


def test_a_model_is_lowered_and_emulated(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.py").write_text(FILE)
    (tmp_path / "empty.py").write_text("")
    assert main(["lower", "tiny.py", "--out", "tiny.npz"]) == 0
    assert "binding limit: cells, 3 of 1024" in (said := capsys.readouterr().out) and "program: tiny.npz" in said
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
    assert "no .npz file of rasters" in capsys.readouterr().err
