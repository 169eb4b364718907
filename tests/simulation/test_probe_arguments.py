"""What is no name, neuron, time or size is refused when a probe is made, or by `simulate` before anything runs."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn._status import explain, raise_if
from tests.refused import refused

NET = snn.network(dt=0.1, key=0, populations={"E": snn.Population(snn.LIF(bias=300.0), 4)})
STARTED = (snn.Count, snn.FiringRate, snn.ISI)
FOLDED = (snn.Mean, snn.probes.Sum, snn.probes.Max)
SPIKING = (
    snn.Raster,
    snn.Count,
    snn.FiringRate,
    snn.FirstSpike,
    snn.ISI,
    snn.PopulationRate,
    lambda p, **k: snn.Spikes(p, 9, **k),
)
NO_TIME = [-1.0, np.nan, np.inf, "5", True, None, 1j]
NO_NAME = [3, None, "", b"E", ["E"], "E[", "E[1.5]", "E[]"]
NO_NEURON = [1.7, True, "1", {1}, [0.5], [[0]], None.__class__]

WRONG = [
    *((probe, {"start": bad}, "time") for probe in STARTED for bad in NO_TIME),
    *((lambda _, p=probe, **k: p("E.v", **k), {"start": bad}, "time") for probe in FOLDED for bad in NO_TIME),
    *((probe, {"start": [1.0, 2.0]}, "one time for all") for probe in STARTED),
    *((lambda _, p=p, b=b: p(b), {}, "expected") for p in (*SPIKING, snn.Trace, snn.Last, *FOLDED) for b in NO_NAME),
    *((probe, {"index": bad}, "expected") for probe in SPIKING for bad in NO_NEURON),
    *((lambda _, **k: snn.Trace("E.v", **k), {"every": bad}, "number of ms") for bad in (*NO_TIME[:-2], 0, 0.0, [1.0])),
    *((lambda _, **k: snn.Snapshots("E.v", **k), {"every": bad}, "number of ms") for bad in (*NO_TIME[:-2], 0, 1j)),
    *((snn.PopulationRate, {"bin": bad}, "number of ms") for bad in (*NO_TIME, 0)),
    *((snn.Spikes, {"capacity": bad}, "positive number of events") for bad in (0, -1, 1.5, True, "9", None, 2**31)),
]
TOO_LATE = [
    *((probe("E", start=10.0), ".start is 10 ms", "the run ends at 10 ms") for probe in STARTED),
    *((probe("E.v", start=1e6), ".start is 1000000 ms", "the run ends at 10 ms") for probe in FOLDED),
    (snn.Trace("E.v", every=20.0), "Trace.every is 20 ms", "the run takes 10 ms"),
    (snn.Snapshots("E.v", every=20.0), "Snapshots.every is 20 ms", "the run takes 10 ms"),
    (snn.PopulationRate("E", bin=20.0), "PopulationRate.bin is 20 ms", "the run takes 10 ms"),
]
OFF = [
    snn.Count("E", start=0.25),
    snn.Mean("E.v", 0.25),
    snn.Trace("E.v", every=0.25),
    snn.PopulationRate("E", bin=0.25),
]


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_nonsense_is_refused_when_it_is_given(case):
    probe, given, named = WRONG[case]
    with refused(named):
        probe("E", **given)


def run(probe, state=None):
    return snn.simulate(NET, t=10.0, key=0, record={"a": probe}, state=state, progress=snn.progress.Quiet())


@pytest.mark.parametrize("case", range(len(TOO_LATE)))
def test_a_probe_that_would_record_nothing_is_refused(case):
    probe, *named = TOO_LATE[case]
    with refused(*named):
        run(probe)


@pytest.mark.parametrize("probe", OFF, ids=lambda probe: type(probe).__name__)
def test_times_off_the_grid_are_refused(probe):
    with refused("0.25 ms", "no whole number of steps", "0.1 ms"):
        run(probe)


def test_what_decodes_nothing_is_refused():
    with refused("Decoded.probe is 'E'", "expected a probe that folds"):
        snn.simulation.Decoded("E", by="head")
    with refused("Decoded.by is 3", "expected the name of a module"):
        snn.simulation.Decoded(snn.Count("E"), by=3)
    head = snn.network(dt=0.1, key=0, populations=dict(NET.populations), modules={"head": eqx.nn.Identity()})
    with refused("Decoded reads Raster", "no array", "such as Count"):
        snn.simulate(head, t=1.0, key=0, record=snn.simulation.Decoded(snn.Raster("E"), by="head"))


def test_less_than_a_step_is_refused():
    with refused("Trace.every is 1e-05 ms", "at least one step"):
        run(snn.Trace("E.v", every=1e-5))


@pytest.mark.parametrize("probe", [snn.Raster, snn.FirstSpike, lambda p, **k: snn.Trace("E.v", **k)])
@pytest.mark.parametrize("index", [4, -5, [0, 4], slice(2, 5), np.ones(3, bool), [], slice(4, 4), [1, 1]], ids=repr)
def test_neurons_that_are_not_there_are_refused(probe, index):
    with refused(".index of 'E"):
        run(probe("E", index=index))


def test_a_traced_start_past_the_run_is_a_status_bit_and_a_mean_of_nothing_is_no_number():
    """And one that is no time. What starts in time is clean, also in a continued run, whose clock goes on."""
    state = run(snn.Count("E")).state

    def recorded(start, state=None):
        probes = {"mean": snn.Mean("E.v", start), "hz": snn.FiringRate("E", start), "count": snn.Count("E", start)}
        found = snn.simulate(NET, t=10.0, key=0, record=probes, state=state)
        return found.record, found.status

    jitted = jax.jit(recorded)
    for start in (5.0, 10.0, np.nan, np.inf):
        record, status = jitted(jnp.float32(start))
        missed = start != 5.0
        assert bool(status & snn.Status.NOTHING_RECORDED) == missed and bool(status) == missed
        assert [bool(np.all(np.isnan(record[name]))) for name in ("mean", "hz")] == [missed, missed]
        assert bool(np.all(record["count"] == 0)) == missed
    assert jitted(jnp.float32(-1.0))[1] == snn.Status.TIME_RANGE
    assert jitted(jnp.float32(10.0), state)[1] == 0 and jitted(jnp.float32(20.0), state)[1] != 0
    assert run(snn.Mean("E.v", 10.0), state).problems == []  # absolute: the second run is 10 .. 20 ms
    with refused(".start is 20 ms", "the run ends at 20 ms"):
        run(snn.Mean("E.v", 20.0), state)


def test_what_is_no_status_is_refused_and_unknown_bits_are_not_clean():
    unknown = next(1 << i for i in range(32) if 1 << i not in {int(known) for known in snn.Status})
    sentence = f"unknown status bits {unknown:#x}"
    assert explain(np.uint32(unknown)) == [f"{sentence}: written by another version of jaxsnn"]
    assert len(explain(unknown | snn.Status.NOT_FINITE)) == 2 and explain(np.zeros((3, 2), np.uint32)) == []
    with pytest.raises(snn.SimulationError, match=sentence):
        raise_if([0, unknown])
    for bad in (-1, 2**32, np.nan, 1.0, True, None, "1", [0, np.nan]):
        with refused("Got a status", "expected bits"):
            explain(bad)
