"""Records of some neurons, and the times that records know: absolute, in ms, one for one spike."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from tests.refused import refused
from tests.simulation.test_probes import DT, FIRED, STEPS, run
from tests.simulation.test_probes import record as everything

# --- which neurons ----------------------------------------------------------------------------------------------------

SOME = [30, 2, 7]


@functools.cache
def of_some():
    """The same run, of three neurons only."""
    probes = {
        "raster": snn.Raster,
        "events": lambda name, **k: snn.Spikes(name, 1000, **k),
        "count": snn.Count,
        "hz": snn.FiringRate,
        "first": snn.FirstSpike,
        "isi": snn.ISI,
        "rate": lambda name, **k: snn.PopulationRate(name, 7 * DT, **k),
    }
    paths = {
        "trace": snn.Trace,
        "snapshots": lambda path, **k: snn.Snapshots(path, every=7 * DT, **k),
        "last": snn.Last,
        "mean": snn.Mean,
        "sum": snn.probes.Sum,
        "max": snn.probes.Max,
    }
    for kinds, by_name, by_index in ((probes, "E[30,2,7]", "E"), (paths, "E[30,2,7].v", "E.v")):
        for kind in kinds.values():
            for index in (SOME, tuple(SOME), np.array(SOME)):
                assert jax.tree.structure(kind(by_index, index=index)) == jax.tree.structure(kind(by_name))
            assert jax.tree.structure(kind(by_index)) != jax.tree.structure(kind(by_name))
    record = {name: probe("E", index=SOME) for name, probe in probes.items()}
    record |= {name: probe("E[30,2,7].v") for name, probe in paths.items()}
    return run(record).record


def test_some_neurons_the_same_way_in_every_probe():
    found = of_some()
    fired = FIRED[:, SOME]
    right = {
        "count": fired.sum(0),
        "hz": fired.mean(0) / (DT * 1e-3),
        "first": (fired.argmax(0) + 1) * DT,
        "rate": fired[:98].reshape(14, 7, 3).mean((1, 2)) / (DT * 1e-3),
        "trace": fired,
        "snapshots": fired[6::7],
        "last": fired[-1],
        "mean": fired.mean(0),
        "sum": fired.sum(0),
        "max": fired.max(0),
    }
    for name, expected in right.items():
        np.testing.assert_allclose(found[f"{name}"], expected, rtol=1e-6, err_msg=name)
        assert not np.allclose(expected, np.roll(expected, 1, axis=-1)) or name in ("last", "max")  # order matters
    assert np.array_equal(found["isi"].count, fired.sum(0) - 1)


def test_a_record_of_some_neurons_knows_their_numbers():
    found = of_some()
    raster, events = found["raster"], found["events"]
    step, column = np.nonzero(FIRED[:, SOME])
    assert np.array_equal(np.asarray(raster), FIRED[:, SOME]) and raster.shape == (STEPS, 3)
    in_column = lambda record: sorted(zip(*(x.tolist() for x in record.events())))
    assert in_column(raster) == in_column(events) == sorted(zip(step.tolist(), np.array(SOME)[column].tolist()))
    for record in (raster, events):
        for neuron, train in zip(SOME, record.trains(), strict=True):
            assert np.array_equal(train, (np.flatnonzero(FIRED[:, neuron]) + 1) * DT)


# --- times ------------------------------------------------------------------------------------------------------------


def test_records_of_spikes_give_times_and_trains():
    step, neuron = np.nonzero(FIRED)
    for spikes in (everything()["raster"], everything()["events"][0]):
        assert np.array_equal(spikes.times(), (step + 1) * DT)
        assert np.array_equal(spikes.events(), [step, neuron])
        assert [len(train) for train in spikes.trains()] == FIRED.sum(0).tolist()
        assert np.array_equal(spikes.trains()[2], [23.0, 30.5]) and spikes.trains()[0].size == 0
    raster = everything()["raster"]
    assert np.asarray(raster).dtype == bool and np.array_equal(np.asarray(raster, float), FIRED)
    with refused("PackedRaster holds a batch of runs", "take one"):
        jax.tree.map(lambda x: jnp.stack([x, x]), raster).times()
    with refused("not known while tracing", "outside jit"):
        jax.jit(lambda raster: raster.times())(raster)


def test_one_time_for_one_spike_also_in_a_continued_run():
    net = snn.network(dt=0.1, key=0, populations={"E": snn.Population(snn.LIF(bias=30.0), 1)})
    probes = {
        "raster": snn.Raster("E"),
        "list": snn.Spikes("E", 50),
        "first": snn.FirstSpike("E"),
        "late": snn.Count("E", start=110.0),
        "later": snn.Count("E", start=109.9),
        "v": snn.Trace("E.v", every=0.5),
        "w": {"snapshots": snn.Snapshots("E.v", every=0.5)},
        "rate": snn.PopulationRate("E", bin=10.0),
    }
    go = lambda state: snn.simulate(net, t=100.0, key=0, record=probes, state=state, progress=snn.progress.Quiet())
    one = snn.simulate(net, t=100.0, key=0, progress=snn.progress.Quiet())
    two = go(one.state)
    stamped = two["raster"].times()
    assert stamped[0] == 110.0 and np.array_equal(two["list"].times(), stamped)  # 1099 steps were whole before
    assert two["raster"].events()[0][0] == two["list"].step[0] == 1099 and two["first"][0] == np.float32(110.0)
    assert two["late"][0] == len(stamped) - 1 and two["later"][0] == len(stamped)
    assert np.array_equal(two.times("raster"), stamped) and np.array_equal(two["list"].trains()[0], stamped)
    np.testing.assert_allclose(two.times("v"), 100.5 + 0.5 * np.arange(200), rtol=1e-12)
    np.testing.assert_allclose(two.times("w", "snapshots"), two.times("v"), rtol=0)
    assert np.array_equal(two["v"], two["w"]["snapshots"]) and len(two["v"]) == 200
    np.testing.assert_allclose(two.times("rate"), 110.0 + 10.0 * np.arange(10), rtol=1e-12)
    traced = jax.jit(lambda state: go(state).times("v"))(one.state)
    np.testing.assert_allclose(traced, two.times("v"), rtol=1e-6)
    with refused("run['late'] is", "has no times"):
        two.times("late")
    with refused("run['w'] holds several records"):
        two.times("w")
