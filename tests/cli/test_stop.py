"""Nothing of a sweep is lost: a signal, an exception, a disk that is full, a reader that goes away, two at once."""

import errno
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray

import jaxsnn as snn
from jaxsnn import cli
from jaxsnn.sweeps import command, store

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


def load(folder):
    return xarray.open_zarr(folder / "result.zarr").load()


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
    assert cli.main(["sweep", "many.py"]) == 128 + number and signal.getsignal(number) is before
    said = capsys.readouterr()
    assert "points are finished" in said.err and "summed up" not in said.out
    ds = load(folder / "results" / "many")
    ran = ds.status.values == 0
    assert 0 < ran.sum() == ds.attrs["finished"] < 80
    assert np.array_equal(ds.x.values[ran], (ds.a * ds.n).values[ran].astype("f4")) and np.all(
        np.isnan(ds.x.values[~ran])
    )
    assert set(ds.failure.values[~ran]) == {"interrupted"} and set(ds.failure.values[ran]) == {""}


def test_an_exception_of_one_value_leaves_the_others(folder, capsys):
    assert cli.main(["sweep", "many.py", "--axis", "n=1,2", "--axis", "a=1,4"]) == 3
    assert "(a=1.0, n=2): KeyError: 'two is no choice'" in capsys.readouterr().err.splitlines()[-1]
    ds = load(folder / "results" / "many")
    assert np.array_equal(ds.x.sel(n=1), [1.0, 4.0]) and np.all(np.isnan(ds.x.sel(n=2)))
    assert cli.main(["run", "many.py", "--set", "n=2"]) == 1  # nothing ran
    assert capsys.readouterr().err == "jaxsnn: KeyError: 'two is no choice' (--traceback shows where)\n"


def test_an_error_after_the_sweep_is_one_line_and_not_a_refusal(folder, capsys):
    assert cli.main(["run", "many.py", "--set", "a=-1"]) == 1
    said = capsys.readouterr()
    assert "no picture of this" in said.err.splitlines()[-1] and load(folder / "results" / "many").x == -1.0
    with pytest.raises(RuntimeError, match="no picture"):
        cli.main(["--traceback", "run", "many.py", "--set", "a=-1"])


def test_a_full_disk_leaves_nothing_that_opens_and_the_result_elsewhere(folder, capsys, monkeypatch):
    monkeypatch.setattr(command.tempfile, "gettempdir", lambda: str(folder / "elsewhere"))
    flush, flushed = store._flush, []

    def full(path):
        flushed.append(path)
        if len(flushed) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(path)

    monkeypatch.setattr(store, "_flush", full)
    assert cli.main(["run", "many.py", "--out", "there/result"]) == 1
    assert "No space left" in capsys.readouterr().err and not (folder / "there" / "result").exists()
    assert load(folder / "elsewhere" / "jaxsnn-result").x == 1.0


def test_room_for_the_result_is_asked_before_anything_runs(folder, capsys, monkeypatch):
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: Disk(free=1000))
    assert cli.main(["run", "many.py"]) == 2
    assert "0 MiB are free" in capsys.readouterr().err and not (folder / "results").exists()


class Disk:
    def __init__(self, free):
        self.free = free


def test_results_saved_at_the_same_moment_do_not_mix(tmp_path):
    sets = [xarray.Dataset({"x": ("i", np.full(50, k)), "y": ("i", np.full(50, k))}) for k in range(8)]
    threads = [threading.Thread(target=store.save, args=(ds, tmp_path / "out")) for ds in sets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [load(path) for path in tmp_path.iterdir()]
    assert sorted(int(ds.x[0]) for ds in found) == [*range(8)]
    assert all(np.all(ds.x == ds.x[0]) and np.all(ds.y == ds.x[0]) for ds in found)
    assert not [*tmp_path.rglob(".writing*")]


def test_a_reader_that_goes_away_and_programs_that_are_kept(folder):
    """In processes: stdout closed from the start; and the second one finds what the first compiled, without a word."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JAX", "TF_"))}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[2]), "JAXSNN_COMPILE_CACHE": str(folder / "kept")}
    environment |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    for name in ("first", "second"):
        reader, writer = os.pipe()
        os.close(reader)
        start = [sys.executable, "-m", "jaxsnn.cli", "run", "many.py", "--out", name]
        done = subprocess.run(start, stdout=writer, stderr=subprocess.PIPE, env=environment, text=True)
        os.close(writer)
        assert (done.returncode, done.stderr.replace("sweep: compiling ...\n", "")) == (0, "")
        assert load(folder / name).x == 1.0
        kept = {path.name for path in (folder / "kept").rglob("*point*-cache")}
        assert len(kept) == 1
