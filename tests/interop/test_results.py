"""Runs as Neo blocks and tables: what the run itself says, and what PyNN's own recorder makes of the same network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
import jaxsnn.interop.pynn as sim
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


def test_refused_by_name(both):
    run, _ = both
    with pytest.raises(ValueError, match="Got units of 'v', expected those of"):
        to_neo(run, units={"v": "mV"})
    with pytest.raises(ValueError, match="expected a run as simulate"):
        to_neo(run.record)
    with pytest.raises(ValueError, match="Got a batch of runs, expected one"):
        to_pandas(jax.tree.map(lambda x: jnp.stack([x, x]) if hasattr(x, "dtype") else x, run))
