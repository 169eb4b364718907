"""The page of a sweep that runs: written as more is done, until all is, or nobody is at work on it any more."""

import json
import subprocess
import sys

import numpy as np
import pytest

from jaxsnn import Status
from jaxsnn.show.writing import watched
from jaxsnn.sweeps.store import LocalFolder, Workers, at_work
from tests.show.reading import content, grid


def test_live(tmp_path, monkeypatch):
    """The page of a sweep that runs reads itself again, and is written when more is done."""
    ds, pages = grid(g=4), []
    path = tmp_path / "x.html"
    rounds = iter([1, 1, 3, 4])

    def run(done):
        ds["status"][:] = np.where(np.arange(4) < done, 0, Status.NOT_RUN).astype(np.uint32)
        ds.to_zarr(tmp_path / "result.zarr", mode="w", zarr_format=2, consolidated=True)

    def sleep(seconds):
        data = content(path)
        pages.append((len(data["pending"]), data["refresh"], path.stat().st_mtime_ns))
        run(next(rounds))

    monkeypatch.setattr("jaxsnn.show.writing.time.sleep", sleep)
    workers = Workers(LocalFolder(tmp_path), "plan")
    run(0)
    assert watched(tmp_path, path, every=2.5) == 0
    workers.leave()
    assert [(waiting, refresh) for waiting, refresh, _ in pages] == [(4, 2.5), (3, 2.5), (3, 2.5), (1, 2.5)]
    assert pages[1][2] == pages[2][2]  # nothing new: not written again


def test_live_ends_with_what_is_done(tmp_path, monkeypatch):
    ds = grid(g=4)
    ds["status"][2:] = np.uint32(Status.NOT_RUN)
    ds.to_zarr(tmp_path / "result.zarr", zarr_format=2, consolidated=True)

    def stop(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("jaxsnn.show.writing.time.sleep", stop)
    with pytest.raises(KeyboardInterrupt):
        watched(tmp_path, tmp_path / "x.html")
    data = content(tmp_path / "x.html")
    assert data["refresh"] is None and data["pending"].tolist() == [2, 3]


def test_live_ends_where_nobody_is_at_work(tmp_path, monkeypatch):
    """Three rounds after the last one has left: one that begins just now is not missed."""
    ds, slept = grid(g=4), []
    ds["status"][2:] = np.uint32(Status.NOT_RUN)
    ds.to_zarr(tmp_path / "result.zarr", zarr_format=2, consolidated=True)
    workers = Workers(LocalFolder(tmp_path), "plan")

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 5:
            workers.leave()

    monkeypatch.setattr("jaxsnn.show.writing.time.sleep", sleep)
    assert watched(tmp_path, tmp_path / "x.html", every=2.0) == 2
    assert slept == [2.0] * 8


def test_who_is_at_work(tmp_path):
    """A process that lives, and any of another machine; one that was killed is not."""
    folder = LocalFolder(tmp_path)
    assert not at_work(folder)
    code = "import sys, jaxsnn.sweeps.store as s; s.Workers(s.folder_at(sys.argv[1]), 'p'); print(flush=True); input()"
    there = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], **there) as process:
        assert process.stdout.readline() == b"\n"
        assert at_work(folder)
        process.kill()
    (file,) = (tmp_path / "workers").iterdir()
    told = json.loads(file.read_text())
    assert not at_work(folder) or not told["process"]["machine"]  # where a system does not tell processes apart
    told["process"]["machine"] = "another"
    file.write_text(json.dumps(told))
    assert at_work(folder)
