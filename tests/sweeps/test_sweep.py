"""Thousands of points as one program: each is the same run alone, graphs are built once a seed, and nothing is lost."""

import functools
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.sweeps import run as machinery
from jaxsnn.sweeps.compiled import Program, lower
from jaxsnn.sweeps.sweeping import prepare
from tests.simulation.hlo import constants, elements

KEY = jax.random.key(4)
N, DEGREE = 23, 7
SPACE = {"tau": snn.Axis(10.0, values=[6.0, 10.0, 14.0]), "seed": snn.Seeds(2)}


def experiment(point, key):
    """A noisy random network: graph, noise and input are the seed's, the time constant is the point's."""
    cell = snn.Population(snn.LIF(tau=point["tau"], v_th=10.0, t_ref=1.0, noise=1.0), N)
    link = snn.Connection("E", "E", snn.FixedInDegree(DEGREE), weight=2.0, delay=0.5)
    net = snn.network(dt=0.1, key=key, populations={"E": cell}, projections={"EE": link})
    drive = snn.Poisson(7000.0, 1.5, into="E", most=1.0)
    run = snn.simulate(net, drive, steps=60, key=key, record={"v": snn.Trace("E.v"), "count": snn.Count("E")}, chunk=60)
    return {**run.record, "status": run.status}


def sweep(space, grid=snn.product, **changes):
    return snn.sweep(experiment, grid(space), key=KEY, progress=snn.progress.Quiet(), **changes)


@functools.cache
def swept():
    """Two points a call, two calls at a time."""
    ds = sweep(SPACE, batch=2, threads=2)
    assert ds["count"].sum() > 50
    return ds


def same(a, b):
    return all(np.asarray(a[name]).tobytes() == np.asarray(b[name]).tobytes() for name in ("v", "count"))


def test_a_point_is_the_same_run_alone():
    """Bit for bit: the experiment called by hand, with the key of the seed."""
    alone = jax.jit(experiment)
    for tau, seed in ((6.0, 0), (14.0, 1)):
        run = alone({"tau": jnp.float32(tau), "seed": jnp.int32(seed)}, jax.random.fold_in(KEY, seed))
        assert same(swept().sel(tau=tau, seed=seed), run)
    assert not same(swept().sel(tau=14.0, seed=0), run) and not same(swept().sel(tau=10.0, seed=1), run)


def test_a_point_does_not_depend_on_its_grid_batch_or_threads():
    """Other neighbours, another place, other batches, several seeds a call, one thread."""
    space = {"seed": snn.Seeds(values=(1, 7, 0)), "tau": snn.Axis(10.0, values=[14.0, 3.0, 6.0])}
    other = sweep(space, grid=snn.zipped, batch=3, threads=1)
    assert same(other.isel(point=0), swept().sel(tau=14.0, seed=1))
    assert same(other.isel(point=2), swept().sel(tau=6.0, seed=0))


def test_a_graph_is_built_once_a_seed():
    """Graph-sized sorts stand in the loop over seeds, and none in the loop over their points."""
    plan = prepare(experiment, snn.product(SPACE), KEY)
    (job,) = plan.jobs
    text = lower(job.traced, plan.resources.layout(job, 3), KEY).compile().as_text()
    assert constants(text, N * DEGREE) == []  # nothing swept or drawn is a constant
    sorts = [line for line in text.splitlines() if " sort(" in line]
    assert max(elements(line.strip()) for line in sorts) == N * DEGREE
    depth = [line.count("while/body") for line in sorts if "op_name" in line]
    assert depth and {*depth} == {1}
    assert max(line.count("while/body") for line in text.splitlines()) > 2  # negative control: steps of points


def test_a_bad_status_names_the_points_and_keeps_the_results():
    def sometimes(point, key):
        return {"x": 1.0 / point["a"], "status": jnp.where(point["a"] > 1.5, jnp.uint32(1), jnp.uint32(0))}

    grid = snn.product({"a": snn.Axis(1.0, values=[1.0, 2.0, 4.0])})
    with pytest.raises(snn.SimulationError, match="at 2 of 3 points reports: NOT_FINITE") as caught:
        snn.sweep(sometimes, grid, key=KEY, progress=snn.progress.Quiet())
    assert caught.value.status is snn.Status.NOT_FINITE
    data = snn.sweep(sometimes, grid, key=KEY, progress=snn.progress.Quiet(), throw=False)
    assert len(data.attrs["problems"]) == 1
    for ds in (caught.value.dataset, data):
        assert np.array_equal(ds.x, [1.0, 0.5, 0.25]) and np.array_equal(ds.status, [0, 1, 1])


def test_an_interrupted_sweep_stops(monkeypatch):
    """What has not begun is cancelled at once, also while somebody still looks at the traceback."""
    done = []

    class Impatient(snn.progress.Quiet):
        def task(self, label, total):
            import contextlib

            def advance(count):
                raise KeyboardInterrupt

            return contextlib.nullcontext(advance)

    def slow(call):
        time.sleep(0.01)
        done.append(1)
        return [call.axes["a"]], np.zeros(1, np.uint32)

    monkeypatch.setattr(machinery, "compiled", lambda *_: Program(slow, 0, True))
    grid = snn.product({"a": snn.Axis(1.0, lo=0.0, hi=1.0, n=300)})
    with pytest.raises(snn.sweeps.SweepInterrupted) as caught:
        snn.sweep(lambda point, key: {"x": point["a"]}, grid, key=KEY, batch=1, threads=2, progress=Impatient())
    time.sleep(0.05)  # what runs is left alone
    finished = len(done)
    time.sleep(0.1)
    assert finished == len(done) < 50
    ds = caught.value.dataset
    assert isinstance(caught.value, KeyboardInterrupt) and 0 < ds.attrs["finished"] <= finished
    assert (
        np.array_equal(ds.x[ds.status == 0], ds.a[ds.status == 0].astype("f4"))
        and np.sum(ds.failure == "interrupted") > 250
    )


def test_progress_counts_points_on_a_terminal(capsys, monkeypatch):
    grid = snn.product({"a": snn.Axis(1.0, lo=0.0, hi=1.0, n=7)})
    counted = lambda: snn.sweep(
        lambda p, key: {"x": p["a"]}, grid, key=KEY, batch=2, progress=snn.progress.Bar(patience=0.0)
    )
    counted()
    assert capsys.readouterr() == ("", "")  # no terminal, no bar
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    counted()
    shown = capsys.readouterr()
    assert "sweep" in shown.err and "7/7" in shown.err and shown.out == ""
