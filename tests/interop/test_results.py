"""Runs as Neo blocks, tables, groups and NWB: what the run itself says, and what PyNN's own recorder makes of the same
network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
import jaxsnn.interop.pynn as sim
from jaxsnn.data import read_nwb
from jaxsnn.interop import to_neo, to_pandas

RECORD = {
    "spikes": snn.Raster("cells[1:3]"),
    "more": {"v": snn.Trace("cells.v", every=0.5), "all": snn.Spikes("cells", capacity=64)},
    "count": snn.Count("cells"),
}
UNITS = {"more.v": "mV"}


@pytest.fixture(scope="module")
def both():
    """A run of a network of PyNN's, in its second part, and PyNN's own block."""
    sim.setup(timestep=0.125)
    cells = sim.Population(3, sim.IF_curr_exp(i_offset=[0.0, 1.5, 3.0]), label="cells")
    cells.record(["spikes", "v"], sampling_interval=0.5)
    net, drive, _ = sim.network()
    given = {"key": 0, "record": RECORD, "progress": snn.progress.Quiet()}
    first = snn.simulate(net, drive, t=20.0, **given)
    sim.run(40.0)
    return snn.simulate(net, drive, t=20.0, state=first, **given), cells.get_data().segments[0]


def test_a_block_is_what_pynn_records(both):
    run, theirs = both
    (segment,) = to_neo(run, units=UNITS).segments
    trains = {(x.annotations["record"], x.annotations["neuron"]): x for x in segment.spiketrains}
    assert [*trains] == [("more.all", 0), ("more.all", 1), ("more.all", 2), ("spikes", 1), ("spikes", 2)]
    for (_, neuron), train in trains.items():
        want = theirs.spiketrains[neuron].magnitude
        assert np.allclose(train.magnitude, want[want > 20.0], atol=1e-9)
        assert (float(train.t_start), float(train.t_stop), train.units.dimensionality.string) == (20.0, 40.0, "ms")
    assert len(trains["spikes", 2]) > 1 and len(trains["more.all", 0]) == 0
    (signal,) = segment.analogsignals  # a count has no times
    assert signal.name == "more.v" and signal.units.dimensionality.string == "mV"
    own = theirs.analogsignals[0]
    assert np.allclose(signal.times.magnitude, own.times.magnitude[41:])
    assert np.allclose(signal.magnitude, own.magnitude[41:], atol=1e-4)


def test_tables_are_what_the_run_says(both):
    run, _ = both
    tables = to_pandas(run)
    assert {*tables} == {"spikes", "more.v", "more.all"}  # a count has no times
    assert np.array_equal(tables["spikes"]["time"], run["spikes"].times())
    assert {*tables["spikes"]["neuron"]} == {1, 2}
    assert np.array_equal(tables["more.v"].index, run.times("more", "v")) and tables["more.v"].index.name == "time"
    assert np.array_equal(tables["more.v"], run["more"]["v"])


def test_what_a_run_knows_of_its_units(both):
    run, _ = both
    assert (run.units("more", "v"), run.units("spikes"), run.units("count")) == ("mV", "ms", "")
    assert to_neo(run).segments[0].analogsignals[0].units.dimensionality.string == "mV"
    with pytest.raises(ValueError, match=r"run\['more'\] holds several records: name one of them, run.units"):
        run.units("more")


def test_a_dataset_is_what_the_run_says(both):
    run, _ = both
    found = run.to_xarray()
    assert found["more_v"].attrs == {"units": "mV"} and found["more_v"].dims == ("more_v_time", "more_v_neuron")
    assert np.array_equal(found["more_v"], run["more"]["v"])
    assert np.array_equal(found["more_v_time"], run.times("more", "v"))
    assert np.array_equal(found["spikes_time"], run["spikes"].times()) and {*found["spikes_neuron"].values} == {1, 2}
    assert found.attrs == {"t_start": 20.0, "t_stop": 40.0} and found["spikes_neuron"].attrs == {"population": "cells"}


def test_nwb_is_read_back_equal(both, tmp_path):
    pynwb = pytest.importorskip("pynwb")
    run, _ = both
    with pynwb.NWBHDF5IO(tmp_path / "run.nwb", "w") as io:
        io.write(run.to_nwb(identifier="run"))
    own = read_nwb(tmp_path / "run.nwb", names="neuron")  # by h5py
    assert own.n == 5 and sorted(own.names) == [0, 1, 1, 2, 2]
    with pynwb.NWBHDF5IO(tmp_path / "run.nwb", "r") as io:
        file = io.read()
        units, series = file.units, file.acquisition["more.v"]
        for i, train in enumerate(own.trains()):
            record = run["spikes"] if units["record"][i] == "spikes" else run["more"]["all"]
            want = record.trains()[[*record.ids].index(units["neuron"][i])]
            assert np.allclose(train, want, rtol=1e-15) and len(train) == len(want)
            assert np.allclose(units.get_unit_spike_times(i) * 1e3, want, rtol=1e-15)
        assert {*units["population"]} == {"cells"} and np.allclose(units["obs_intervals"][0], [[0.02, 0.04]])
        assert series.unit == "mV" and np.array_equal(series.data[:], run["more"]["v"])
        assert np.allclose(series.timestamps[:] * 1e3, run.times("more", "v"), rtol=1e-15)


def test_groups_of_pynapple(both):
    nap = pytest.importorskip("pynapple")
    run, _ = both
    found = run.to_pynapple()
    assert isinstance(found["spikes"], nap.TsGroup) and [*found["spikes"].keys()] == [1, 2]
    assert np.allclose(found["spikes"][2].times("ms"), run["spikes"].trains()[1])
    assert np.allclose(found["more.v"].times("ms"), run.times("more", "v"))
    assert np.array_equal(found["more.v"].values, run["more"]["v"])
    assert np.allclose(found["spikes"].rates, [len(x) / 0.02 for x in run["spikes"].trains()])
    assert isinstance(run["spikes"].to_pynapple(), nap.TsGroup)


def test_one_record_and_those_of_all_populations(both):
    run, _ = both
    segment = run["spikes"].to_neo().segments[0]
    assert [x.annotations["neuron"] for x in segment.spiketrains] == [1, 2]
    assert {x.annotations["record"] for x in segment.spiketrains} == {"cells"}
    assert float(segment.spiketrains[0].t_start) == 20.0 and float(segment.spiketrains[0].t_stop) == 40.0
    every = snn.probes.ByPopulation({"cells": run["spikes"], "others": run["more"]["all"]})
    assert np.array_equal(every.times("cells"), run["spikes"].times()) and len(every.trains("others")) == 3
    assert {*every.to_pandas()} == {"cells", "others"}
    with pytest.raises(KeyError, match="Got 'I', expected a population that was recorded: cells, others"):
        every.times("I")


def test_refused_by_name(both):
    run, _ = both
    with pytest.raises(ValueError, match="Got units of 'v', expected those of"):
        to_neo(run, units={"v": "mV"})
    for unit in ("mvv", "", 3):
        with pytest.raises(ValueError, match="expected a unit that Neo knows, such as 'mV' or 'nA'"):
            to_neo(run, units={"more.v": unit})
    with pytest.raises(ValueError, match="expected a run as simulate"):
        to_neo(3)
    with pytest.raises(ValueError, match="which holds no spikes; hand over the run"):
        to_pandas({"v": run["more"]["v"]})
    with pytest.raises(ValueError, match="Got a batch of runs, expected one"):
        to_pandas(jax.tree.map(lambda x: jnp.stack([x, x]) if hasattr(x, "dtype") else x, run))
