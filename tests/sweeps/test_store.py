"""What is stored is there at any instant, is computed once, and is never mistaken for something else."""

import json
import os
import queue
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import jaxsnn as snn
from jaxsnn.sweeps import identity, store
from jaxsnn.sweeps.store import folder as folders
from jaxsnn.sweeps.store import writer
from tests.compiles import counts
from tests.refused import refused

KEY = jax.random.key(5)
SPACE = {"a": snn.Axis(1.0, lo=0.0, hi=4.0, n=5), "tau": snn.Axis(2.0), "seed": snn.Seeds(2)}
seen = queue.SimpleQueue()  # which has no contents that would count as code of the experiment


def experiment(point, key):
    """Says what it computes, point by point."""
    jax.debug.callback(lambda a, tau, seed: seen.put((float(a), float(tau), int(seed))), *point.values())
    return {"x": point["a"] * point["tau"] + jax.random.normal(key), "row": point["a"] * jnp.arange(3.0)}


computed = []


def sweep(space, out=None, grid=snn.product, **how):
    computed.clear()
    try:
        return snn.sweep(experiment, grid(space), key=KEY, out=out, progress=snn.progress.Quiet(), **how)
    finally:
        jax.effects_barrier()
        while not seen.empty():
            computed.append(seen.get())


@pytest.fixture
def out(tmp_path):
    sweep(SPACE, tmp_path / "out")
    assert len(computed) == 10
    return tmp_path / "out"


def shards(out):
    return sorted((out / "shards").iterdir())


def test_a_larger_grid_computes_what_is_missing(out):
    """More values, another seed, another axis, another order, a table: each point once, and nothing compiled."""
    before = counts["programs"]
    larger = SPACE | {"a": snn.Axis(1.0, lo=0.0, hi=4.0, n=9), "seed": snn.Seeds(3)}
    ds = sweep(larger, out)
    assert len(computed) == 27 - 10 and ds.equals(sweep(larger)) and ds.equals(snn.open_sweep(out))
    assert counts["programs"] == before
    ds = sweep({"seed": snn.Seeds(3), "tau": snn.Axis(2.0, values=[2.0, 3.0]), "a": larger["a"]}, out)
    assert len(computed) == 27 and {tau for _, tau, _ in computed} == {3.0} and dict(ds.sizes)["tau"] == 2
    table = snn.sweeps.from_table(SPACE, {"a": [0.5, 7.0, 7.0], "seed": [2, 0, 0]})
    sweep(SPACE, out, grid=lambda _: table)
    assert computed == [(7.0, 2.0, 0)]


def test_a_refinement_reuses_everything(out):
    where = lambda ds: ds.row.sel(row_dim0=1).mean("seed") > 2.3
    design = lambda space: snn.sweeps.refine(snn.product(space), where, levels=3)
    found = sweep(SPACE, out, grid=design)
    assert len(computed) == 2 * 3 and np.array_equal(np.unique(found.a[found.level > 0]), [2.25, 2.375, 2.5])
    assert found.drop_vars("level").equals(snn.open_sweep(out))
    with refused("refine(where=...) returned float32 over ('point', 'seed')", "a boolean for each point"):
        sweep(SPACE, grid=lambda space: snn.sweeps.refine(snn.product(space), lambda ds: ds.x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: (experiment, SPACE, 6), "the key: "),
        (lambda: (lambda point, key: {"x": point["a"]}, SPACE, KEY), "the code of the experiment is another"),
        (lambda: (experiment, SPACE | {"tau": snn.Axis(2.0, unit="s")}, KEY), "tau is Axis there and Axis in s here"),
        (lambda: (experiment, SPACE | {"b": snn.Flag(True)}, KEY), "b is missing there and Flag here"),
    ],
)
def test_another_sweep_is_refused_with_the_difference(out, change, message):
    function, space, key = change()
    with refused("out holds the results of another sweep: ", message, "--force"):
        snn.sweep(function, snn.product(space), key=key, out=out)


def test_code_is_what_is_computed():
    """Constants and functions that it uses, not comments, layout or names of files."""

    def of(text, **names):
        scope = {"__name__": "a cell", **names}
        exec(compile(text, "<cell>", "exec"), scope)
        return identity.code_of(scope["f"])

    one = of("C = 3\ndef g(x): return x + C\ndef f(x): return g(x)")
    assert one == of("C = 3\ndef g(x): return x + C\n\n\ndef f(x):\n    # the same\n    return g(x)")
    assert one != of("C = 4\ndef g(x): return x + C\ndef f(x): return g(x)")
    assert one != of("C = 3\ndef g(x): return x - C\ndef f(x): return g(x)")
    assert one != of("C = 3\ndef g(x): return x + C\ndef f(x): return g(x.real)")
    assert of("def f(x): return x.real") != of("def f(x): return x.imag")
    inner = "def f(x):\n    def g(y): return y.real\n    return g(x)"
    assert of(inner) == of(inner) != of(inner.replace("real", "imag"))
    assert of("def f(x): return x.t", t=1) == of("def f(x): return x.t", t=2)  # an attribute is no global
    drawn = lambda: np.random.RandomState(0).normal  # whose text has an address in capital letters
    assert of("def f(x): return n(x)", n=drawn()) == of("def f(x): return n(x)", n=drawn())
    table = np.arange(5)
    closed = lambda table: identity.code_of((lambda table: lambda p, k: {"x": table})(table))
    assert closed(table) == closed(table.copy()) != closed(table + 1)
    assert closed(snn.LIF(tau=10.0)) == closed(snn.LIF(tau=10.0)) != closed(snn.LIF(tau=11.0))


@pytest.mark.parametrize("damage", ["truncated", "a bit", "no shard"])
def test_a_damaged_shard_is_set_aside_and_its_points_run_again(out, damage):
    good, path = snn.open_sweep(out).load(), shards(out)[0]
    data = bytearray(path.read_bytes())
    data[data.index(b"value0.npy") + 150] ^= 1
    path.write_bytes({"truncated": bytes(data[: len(data) // 2]), "a bit": bytes(data), "no shard": b"?"}[damage])
    (out / "result.json").unlink()
    assert sweep(SPACE, out).equals(good) and len(computed) > 0
    assert [p.name for p in (out / "damaged").iterdir()] == [path.name]
    assert sweep(SPACE, out).equals(good) and computed == []


def test_damaged_papers(out):
    """Points that were asked for are written anew; without a manifest nobody knows what the shards are."""
    (out / "points.npz").write_bytes(b"half")
    with refused("points.npz is damaged", "command of the sweep again"):
        snn.open_sweep(out)
    assert sweep(SPACE, out).equals(snn.open_sweep(out)) and computed == []
    (out / "manifest.json").write_text('{"format": 1, "finger')
    with refused("manifest.json is damaged", "1 shards", "another folder"):
        sweep(SPACE, out)


def test_it_opens_at_any_time(out):
    good = snn.open_sweep(out).load()
    for zarr_format in (2, 3):  # a copy is of any format, whatever that of the store is
        good.to_zarr(out.parent / f"copy-{zarr_format}.zarr", zarr_format=zarr_format, consolidated=False)
        assert xarray.open_zarr(out.parent / f"copy-{zarr_format}.zarr", consolidated=False).equals(good)
    (out / "result.json").unlink()  # as while a result is written
    assert snn.open_sweep(out).equals(good)
    for path in shards(out):
        path.unlink()
    (out / "result.json").write_text("?")
    nothing = snn.open_sweep(out)
    assert np.all(nothing.status == 2**31) and nothing.attrs["finished"] == 0 and "failure" not in nothing
    with refused("has no sweep in it"):
        snn.open_sweep(out / "shards")


def test_the_result_on_disk_is_written_in_slabs(out, monkeypatch):
    from jaxsnn.sweeps import gather

    good = snn.open_sweep(out).load()
    for most in (1, 40, 100):
        monkeypatch.setattr(gather, "_SLAB", most)
        (out / "result.json").unlink()
        assert sweep(SPACE, out).equals(good)
        assert xarray.open_zarr(out / "result.zarr").load().equals(good)
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]


def test_many_small_shards_become_few(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "MANY", 3)
    monkeypatch.setattr(writer, "PATIENCE", 0.0)
    space = SPACE | {"a": snn.Axis(1.0, lo=0.0, hi=4.0, n=40), "seed": snn.Seeds(1)}
    ds = sweep(space, tmp_path / "out", batch=1, threads=1)
    assert len(shards(tmp_path / "out")) < 20 and ds.equals(sweep(space))
    (tmp_path / "out" / "result.json").unlink()
    assert snn.open_sweep(tmp_path / "out").equals(ds) and sweep(space, tmp_path / "out").equals(ds) and computed == []


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(folders.os, "link", denied)
    with pytest.raises(PermissionError):
        sweep(SPACE, tmp_path / "out")
    assert computed == []


def test_failing_points_are_data_and_run_again_by_themselves(tmp_path, monkeypatch):
    """A choice that cannot be traced, a call that raises, a status, NaN; more room for those that had too little."""
    monkeypatch.setenv("FAILING", "yes")

    def sometimes(a):
        if "FAILING" in os.environ and a == 3.0:
            raise RuntimeError("no such luck")
        return np.float32(a)

    def experiment(point, key):
        if point["kind"] == "bad" and "FAILING" in os.environ:
            raise KeyError("bad")
        a = jax.pure_callback(sometimes, jax.ShapeDtypeStruct((), jnp.float32), point["a"])
        full = (point["a"] > 4.0) & (point["room"] < 10)
        return {"x": jnp.log(a), "status": jnp.where(full, jnp.uint32(2), jnp.uint32(0))}

    space = {
        "a": snn.Axis(1.0, values=[-1.0, 1.0, 2.0, 3.0, 5.0]),
        "kind": snn.Static("good", values=["good", "bad"]),
        "room": snn.Static(5, capacity=True),
    }
    run = lambda space, **how: snn.sweep(
        experiment, snn.product(space), key=KEY, out=tmp_path / "o", progress=snn.progress.Quiet(), throw=False, **how
    )
    ds = run(space)
    why = ds.failure.sel(kind="good").values.tolist()
    assert [text[:28] for text in why] == ["", "", "", why[3][:28], ""] and why[3].startswith("error: ")
    assert "no such luck" in why[3] and set(ds.failure.sel(kind="bad").values) == {"trace: KeyError: 'bad'"}
    good = ds.sel(kind="good")
    assert good.status.values.tolist() == [0, 0, 0, 2**31, 2] and json.loads(ds.attrs["nan"]) == {"x": 1}
    assert np.array_equal(good.x.isel(a=[1, 2, 4]), np.log(np.float32([1.0, 2.0, 5.0])))
    assert run(space).equals(ds)  # failed points are not run again by themselves
    monkeypatch.delenv("FAILING")
    again = run(space | {"room": snn.Static(50, capacity=True)}, only_failed=True)
    assert not again.status.any() and "failure" not in again
    assert np.array_equal(again.x.sel(kind="good"), again.x.sel(kind="bad"), equal_nan=True)


def test_a_worker_is_dead_when_its_process_is_gone_or_its_counter_stands_still(tmp_path):
    """No clock is compared with another: one that jumps changes nothing."""
    place = store.folder_at(tmp_path)
    mine = store.Workers(place, "plan", lease=0.05)
    other = store.Workers(place, "plan", beat=60.0)
    assert mine.alive(other.name) and [*mine.others()] == [other.name]
    path = tmp_path / "workers" / f"{other.name}.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"process": told["process"] | {"pid": 2**22 + 1}}))
    assert not mine.alive(other.name)  # its process is gone
    elsewhere = told | {"process": told["process"] | {"machine": "another"}}
    for count in (1, 2, 1):  # each time it moves, the lease begins anew
        path.write_text(json.dumps(elsewhere | {"count": count}))
        os.utime(path, (0, 2**33))  # a clock that jumped
        assert mine.alive(other.name)
    time.sleep(0.06)
    assert not mine.alive(other.name)
    other.leave()
    assert not mine.alive(other.name) and not path.exists()
    mine.leave()


def test_a_part_is_claimed_once_and_taken_over_from_the_dead(tmp_path):
    place = store.folder_at(tmp_path)
    workers = [store.Workers(place, "plan") for _ in range(2)]
    one, two = (store.Claims(place, worker) for worker in workers)
    assert one.take(3) and one.take(3) and not two.take(3) and two.take(4) and not one.take(4)
    workers[0].leave()
    assert two.take(3) and not store.Claims(place, workers[0]).take(4)
    workers[1].leave()


def test_other_points_at_the_same_time_are_refused(out):
    busy = store.Workers(store.folder_at(out), "other points")
    with refused(f"Process {os.getpid()} on ", "is sweeping other points into", "another folder"):
        sweep(SPACE | {"a": snn.Axis(1.0, values=[9.0])}, out)
    busy.leave()


def test_a_store_of_fsspec():
    pytest.importorskip("fsspec")
    ds = sweep(SPACE, "memory://sweeps/one")
    assert len(computed) == 10 and ds.equals(sweep(SPACE, "memory://sweeps/one")) and computed == []
    assert ds.equals(snn.open_sweep("memory://sweeps/one"))
    place = store.folder_at("memory://sweeps/one")
    assert place.create("x", b"1") and not place.create("x", b"2") and place.read("x") == b"1"
