"""Several processes on one store, some of them killed: the same result, and no work twice but what was in flight."""

import collections
import os
import random
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxsnn as snn
from tests.sweeps import work_of_processes as work

ROOT = Path(__file__).parents[2]
POINTS = 200
KEPT = {"manifest.json", "points.npz", "result.json", "result.zarr", "shards"}


def start(folder, *arguments, pause=0.0):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", work.LOG: str(folder / "ran")}
    environment[work.PAUSE] = str(pause)
    if kept := jax.config.jax_compilation_cache_dir:  # none outside of pytest
        environment |= {"JAX_COMPILATION_CACHE_DIR": str(kept)}
    environment |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    command = [sys.executable, "-m", "tests.sweeps.work_of_processes", str(folder / "out"), *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(processes):
    for process in processes:
        out, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
        assert out.split()[-1] == str(POINTS)


def ran(folder):
    """How often each point ran, and in how many processes any did."""
    lines = [line.split() for line in (folder / "ran").read_text().splitlines() if line.count(" ") == 2]
    return collections.Counter((a, n) for a, n, _ in lines), len({pid for _, _, pid in lines})


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return work.sweep(tmp_path_factory.mktemp("alone") / "out").load()


def same(folder, alone):
    found = snn.open_sweep(folder / "out").load()
    return all(found[name].values.tobytes() == alone[name].values.tobytes() for name in alone.data_vars)


def test_killed_at_any_instant(tmp_path, alone):
    """Two processes; one of them at a time is killed and started again, four times. More often, by hand:
    `python -m tests.sweeps.killing 20 2`."""
    chance = random.Random(2)
    running = [start(tmp_path, pause=0.05), start(tmp_path, pause=0.05)]
    for _ in range(4):
        before = sum(ran(tmp_path)[0].values()) if (tmp_path / "ran").exists() else 0
        while not (tmp_path / "ran").exists() or sum(ran(tmp_path)[0].values()) < min(before + 15, POINTS - 20):
            assert all(process.poll() is None for process in running)
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, 0.3))
        victim = running.pop(chance.randrange(2))
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        running.append(start(tmp_path, pause=0.05))
    finished(running)
    counted, processes = ran(tmp_path)
    assert same(tmp_path, alone) and len(counted) == POINTS and processes > 2
    assert sum(counted.values()) - POINTS < POINTS // 2  # what was in flight, or not stored yet, four times
    assert {path.name for path in (tmp_path / "out").iterdir()} <= KEPT and not [*(tmp_path / "out/shards").glob(".*")]


def test_processes_that_know_of_each_other(tmp_path, alone):
    """`jax.distributed`: each begins with its share of one plan."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    finished([start(tmp_path, address, number, 2, pause=0.01) for number in range(2)])
    counted, processes = ran(tmp_path)
    assert same(tmp_path, alone) and processes == 2 and sum(counted.values()) == POINTS == len(counted)


def test_an_executor(tmp_path, alone):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        work.sweep(tmp_path / "out", executor=pool)
    assert same(tmp_path, alone)


def test_dask_with_a_worker_that_is_killed(tmp_path, alone):
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        victim = next(iter(client.run(os.getpid).values()))

        class Killing(snn.progress.Quiet):
            def task(self, label, total):
                import contextlib

                def advance(count):
                    if victim not in killed:
                        killed.append(victim)
                        os.kill(victim, signal.SIGKILL)

                return contextlib.nullcontext(advance)

        killed = []
        work.sweep(tmp_path / "out", executor=client.get_executor(), progress=Killing())
    assert killed and same(tmp_path, alone)


def test_it_is_seen_when_results_differ(alone):
    """Negative control."""
    other = alone.copy(deep=True)
    other.walk.values[3, 0] = np.nextafter(other.walk.values[3, 0], 9.0)
    assert any(other[name].values.tobytes() != alone[name].values.tobytes() for name in alone.data_vars)
