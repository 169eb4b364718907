"""`jaxsnn show` and `jaxsnn new`."""

import shutil

import pytest

from jaxsnn.cli import main
from tests.show.reading import content, grid

FILE = """
'''What <it> does,
in a sentence.

More.'''
import jaxsnn as snn

SPACE, REPEATS = {"g": snn.Axis(1.0), "fold": snn.Static(0, values=(0, 1))}, ("fold",)

def experiment(point, key):
    return {}

def summary(ds):
    return f"{int(ds.rate.size)} rates"

def plot(ds, path):
    path.write_bytes(b"PNG" + str(sorted(ds.sizes)).encode())
"""


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """A result in results/tiny, and the file that made it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.py").write_text(FILE)
    ds = grid(g=3, fold=2).assign_attrs(experiment="tiny.py")
    ds.to_zarr(tmp_path / "results" / "tiny" / "result.zarr", zarr_format=2, consolidated=True)
    return tmp_path


def test_show(sweep, capsys):
    assert main(["show", "results/tiny"]) == 0
    assert "page: results/tiny/tiny.html (0.1 MB)" in capsys.readouterr().out
    data = content(sweep / "results" / "tiny" / "tiny.html")
    assert len(data["pictures"]) == 3 and data["parameters"][1]["repeats"] and data["summary"] == "6 rates"
    assert '<p id="caption">What &lt;it&gt; does, in a sentence.</p>' in (sweep / "results/tiny/tiny.html").read_text()
    assert main(["show", "results/tiny", "--pictures", "0", "--out", "x.html"]) == 0
    assert content(sweep / "x.html")["pictures"] == []


def test_show_a_picture(sweep, capsys):
    assert main(["show", "results/tiny", "--png"]) == 0
    assert "picture: results/tiny/tiny-overview.png" in capsys.readouterr().out
    assert (sweep / "results" / "tiny" / "tiny-overview.png").exists()


def test_show_a_sweep_that_is_done_live(sweep, capsys):
    assert main(["show", "results/tiny", "--live"]) == 0
    assert content(sweep / "results" / "tiny" / "tiny.html")["refresh"] is None


def test_show_waits_for_a_sweep(sweep, capsys, monkeypatch):
    shutil.move("results/tiny", "elsewhere")
    monkeypatch.setattr("jaxsnn.show.command.time.sleep", lambda seconds: shutil.move("elsewhere", "results/tiny"))
    assert main(["show", "results/tiny", "--live", "1"]) == 0
    assert "waiting for a sweep in results/tiny" in capsys.readouterr().out


def test_an_experiment_that_does_not_load_is_no_obstacle(sweep, capsys):
    (sweep / "tiny.py").write_text("import nothing_of_that_name")
    assert main(["show", "results/tiny"]) == 0
    assert "without what the experiment makes of it: tiny.py: ModuleNotFoundError" in capsys.readouterr().out
    (sweep / "tiny.py").write_text(FILE.replace("SPACE", "SPICE"))
    assert main(["show", "results/tiny"]) == 0
    assert "tiny.py: ValueError: tiny.py has no SPACE" in capsys.readouterr().out
    (sweep / "tiny.py").unlink()
    assert main(["show", "results/tiny"]) == 0


def test_a_sweep_that_cannot_be_shown_is_a_sweep_all_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.py").write_text(
        "import jaxsnn as snn\nSPACE = {'g': snn.Axis(1.0, values=(1.0, 2.0))}\n"
        "def experiment(point, key):\n    return {'x': point['g']}\n"
    )
    (tmp_path / "results" / "tiny" / "tiny.html").mkdir(parents=True)  # in the way
    assert main(["sweep", "tiny.py"]) == 0
    assert "jaxsnn: there is no page: IsADirectoryError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["show", "results/tinny"], "Got 'results/tinny', which is not there; expected the folder of a sweep"),
        (["show", "tiny.py", "--live"], "Got 'tiny.py', which is a file; expected the folder of a sweep"),
        (["show", "results/tiny", "--live", "0"], "Got --live 0, expected seconds above 0."),
        (["new", "3d"], "Got the name '3d', expected letters, digits and underscores"),
        (["new", "class"], "Got the name 'class', expected letters"),
        (["new", "tiny"], "Got the name 'tiny', but tiny.py is there already"),
    ],
)
def test_refusals(sweep, capsys, given, said):
    assert main(given) == 2
    assert f"jaxsnn: {said}" in (err := capsys.readouterr().err) and err.count("\n") == 1


def test_a_new_experiment_works(tmp_path, monkeypatch, capsys):
    """It is written, runs, sweeps, draws, and its page shows what it found."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "experiments/my_rhythm"]) == 0
    file = tmp_path / "experiments" / "my_rhythm.py"
    assert f"try it: jaxsnn run {file.relative_to(tmp_path)}" in capsys.readouterr().out
    text = file.read_text()
    assert max(map(len, text.splitlines())) <= 120
    assert text.startswith('"""My rhythm: ') and "jaxsnn sweep experiments/my_rhythm.py" in text and "FILE" not in text
    few = ["--axis", "g=4,6", "--axis", "rate=3000,5000", "--axis", "seed=0,1"]
    assert main(["sweep", str(file), "--set", "n=200", *few, "--out", "result"]) == 0
    assert "picture: result/my_rhythm.png" in (out := capsys.readouterr().out) and "CV of intervals" in out
    assert "page: result/my_rhythm.html" in out
    data = content(tmp_path / "result" / "my_rhythm.html")
    assert "CV of intervals" in data["summary"] and [p["point"] for p in data["pictures"]] == [None]
    assert data["command"].startswith(f"jaxsnn run {file} --set g={{g}}")
    assert main(["show", "result"]) == 0
    data = content(tmp_path / "result" / "my_rhythm.html")
    assert len(data["pictures"]) == 5
    assert {"rate_hz", "cv"} <= {v["name"] for v in data["variables"]} and data["dims"] == {
        "g": 2,
        "rate": 2,
        "seed": 2,
    }
    rate = next(v for v in data["variables"] if v["name"] == "rate_hz")["values"].reshape(2, 2, 2)
    assert (rate > 1).all() and (rate[:, 1] > rate[:, 0]).all()  # more input, more spikes
