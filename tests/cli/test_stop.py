"""Nothing of a sweep is lost: a signal, an exception, a disk that is full, a reader that goes away, two at once."""

import errno
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn import cli
from jaxsnn.sweeps import command, room, store
from jaxsnn.sweeps.store import writer

FILE = """
import jaxsnn as snn

SPACE = {"a": snn.Axis(1.0, lo=0.0, hi=3.0, n=40), "n": snn.Static(1, values=[1, 3])}

def experiment(point, key):
    if point["n"] == 2:
        raise KeyError("two is no choice")
    return {"x": point["a"] * point["n"]}

def summary(ds):
    if float(ds.x.sum()) < 0:
        raise RuntimeError("no picture of this")
    return "summed up"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "many.py").write_text(FILE)
    return tmp_path


load = snn.open_sweep


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_what_is_finished(folder, capsys, monkeypatch, number):
    class Killed(snn.progress.Bar):
        @contextmanager
        def task(self, label, total):
            done = []

            def advance(count):
                done.append(count)
                if len(done) == 3:
                    os.kill(os.getpid(), number)

            yield advance

    monkeypatch.setattr(command, "Bar", Killed)
    before = signal.getsignal(number)
    assert cli.main(["sweep", "many.py", "--batch", "1"]) == 128 + number and signal.getsignal(number) is before
    said = capsys.readouterr()
    assert "points are finished and stored" in said.err and "summed up" not in said.out
    ds = load(folder / "results" / "many")
    ran = ds.status.values == 0
    assert 0 < ran.sum() == ds.attrs["finished"] < 80
    assert np.array_equal(ds.x.values[ran], (ds.a * ds.n).values[ran].astype("f4")) and np.all(
        np.isnan(ds.x.values[~ran])
    )
    assert "failure" not in ds  # nothing failed
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert cli.main(["sweep", "many.py"]) == 0  # the same command continues
    said = capsys.readouterr().out
    assert f"{ran.sum()} of them are stored" in said and "summed up" in said
    ds = load(folder / "results" / "many")
    assert np.array_equal(ds.x, ds.a.astype("f4") * ds.n.astype("f4"))


def test_an_exception_of_one_value_leaves_the_others(folder, capsys):
    assert cli.main(["sweep", "many.py", "--axis", "n=1,2", "--axis", "a=1,4"]) == 3
    assert "(a=1.0, n=2): trace: KeyError: 'two is no choice'" in capsys.readouterr().err
    ds = load(folder / "results" / "many")
    assert np.array_equal(ds.x.sel(n=1), [1.0, 4.0]) and np.all(np.isnan(ds.x.sel(n=2)))
    assert cli.main(["run", "many.py", "--set", "n=2"]) == 1  # nothing ran
    assert capsys.readouterr().err == "jaxsnn: KeyError: 'two is no choice' (--traceback shows where)\n"


def test_an_error_after_the_sweep_is_one_line_and_not_a_refusal(folder, capsys):
    assert cli.main(["run", "many.py", "--set", "a=-1"]) == 1
    said = capsys.readouterr()
    assert "no picture of this" in said.err.splitlines()[-1] and load(folder / "results" / "many-run").x == -1.0
    with pytest.raises(RuntimeError, match="no picture"):
        cli.main(["--traceback", "run", "many.py", "--set", "a=-1"])


def test_a_full_disk_loses_nothing(folder, capsys, monkeypatch):
    """The third shard finds no room: one error, and what was stored before is there for the same command."""
    write, shards = store.LocalFolder.write, []

    def full(self, name, data, **how):
        shards.extend([name] if name.startswith("shards/") else [])
        if len(shards) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, name, data, **how)

    monkeypatch.setattr(store.LocalFolder, "write", full)
    monkeypatch.setattr(writer, "MOST", 1)
    assert cli.main(["sweep", "many.py", "--batch", "4"]) == 1
    assert "No space left on device: the results cannot be written any more" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    finished = load(folder / "results" / "many").attrs["finished"]
    assert 0 < finished < 80 and cli.main(["sweep", "many.py"]) == 0
    assert f"{finished} of them are stored" in capsys.readouterr().out
    assert "finished" not in load(folder / "results" / "many").attrs


def test_room_for_the_result_is_asked_before_anything_runs(folder, capsys, monkeypatch):
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: Disk(free=1000))
    assert cli.main(["run", "many.py"]) == 2
    assert "0 MiB are free" in capsys.readouterr().err and not (folder / "results").exists()


class Disk:
    def __init__(self, free):
        self.free = free


def test_a_reader_that_goes_away_and_programs_that_are_kept(folder):
    """In processes: stdout closed from the start; and those after the first find what it compiled, without a word."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JAX", "TF_"))}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[2]), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    environment |= {"JAXSNN_COMPILE_CACHE": str(folder / "kept")}
    for name in ("first", "second", "third"):
        if name == "third":  # the same folder, given to JAX itself
            environment |= {"JAX_COMPILATION_CACHE_DIR": str(next((folder / "kept").iterdir()))}
        reader, writer = os.pipe()
        os.close(reader)
        start = [sys.executable, "-m", "jaxsnn.cli", "run", "many.py", "--out", name]
        done = subprocess.run(start, stdout=writer, stderr=subprocess.PIPE, env=environment, text=True)
        os.close(writer)
        assert (done.returncode, done.stderr.replace("sweep: compiling ...\n", "")) == (0, "")
        assert load(folder / name).x == 1.0
        kept = {path.name for path in (folder / "kept").rglob("*call*-cache")}
        assert len(kept) == 1
