"""Every probe against NumPy on the spikes themselves: a relay fires exactly when a recording says so."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.models import Forward
from jaxsnn.simulation.run import _in_one_program
from tests.refused import refused
from tests.simulation.hlo import elements

STEPS, N, DT = 100, 37, 0.5
FIRED = np.random.default_rng(0).random((STEPS, N)) < 0.15
FIRED[:, 0] = False  # one that never fires, one that fires once, one that fires twice
FIRED[:, 1] = np.arange(STEPS) == 50
FIRED[:, 2] = np.isin(np.arange(STEPS), (45, 60))
DRIVE = snn.Replay(jnp.asarray(FIRED), into="E")
LATE = 40  # the first step of probes that begin later


def relays():
    E = snn.Population(snn.Parrot(), N)
    L = snn.Population(snn.LI(tau=10.0), 2, ports={"a": snn.Delta(), "b": snn.Exponential(5.0)}, init={"b.i": 1.0})
    return snn.network(dt=DT, key=jax.random.key(0), populations={"E": E, "L": L})


def run(record, **changes):
    what = dict(steps=STEPS, key=jax.random.key(0), record=record, chunk=30, progress=snn.progress.Quiet()) | changes
    return snn.simulate(relays(), DRIVE, **what)


@functools.cache
def record():
    """One run for a nested record: chunks of 28 steps, a multiple of the periods 7 and 4, and a remainder."""
    return run(
        {
            "raster": snn.Raster("E"),
            "events": [snn.Spikes("E", capacity=1000)],
            "trace": (
                snn.Trace("E.v"),
                snn.Trace("E.v", every=7 * DT),
                snn.Trace("E.v", index=slice(30, None, 3)),
                snn.Trace("E.v", every=4 * DT, index=[5, -1]),
                snn.Trace("L.b.i", index=1),
            ),
            "count": {"all": snn.Count("E"), "late": snn.Count("E", start=LATE * DT)},
            "rate": snn.PopulationRate("E", bin=7 * DT),
            "isi": {"all": snn.ISI("E"), "late": snn.ISI("E", start=LATE * DT)},
            "last": (snn.Last("L.v"), snn.Last("E.v")),
        }
    ).record


def test_raster():
    raster = record()["raster"]
    assert np.array_equal(raster.dense(), FIRED)
    assert raster.words.shape == (STEPS, 2)  # 37 bits
    assert np.array_equal(np.transpose(raster.events()), np.argwhere(FIRED))


def test_events():
    (events,) = record()["events"]
    expected = np.argwhere(FIRED)
    assert int(events.count) == len(expected)
    assert np.array_equal(np.stack([events.step, events.neuron], 1)[: len(expected)], expected)
    assert np.all(np.asarray(events.step)[len(expected) :] == -1)


def test_traces():
    whole, thinned, sliced, listed, port = map(np.asarray, record()["trace"])
    assert np.array_equal(whole, FIRED)
    assert np.array_equal(thinned, FIRED[6::7])  # sample j is the state at t = 7 (j + 1) dt
    assert np.array_equal(sliced, FIRED[:, 30::3])
    assert np.array_equal(listed, FIRED[3::4][:, [5, -1]])
    assert port.shape == (STEPS, 1)
    assert np.allclose(port[:, 0], np.exp(-DT / 5.0) ** np.arange(1, STEPS + 1), rtol=1e-5)


def test_counts_and_last():
    assert np.array_equal(record()["count"]["all"], FIRED.sum(0))
    assert np.array_equal(record()["count"]["late"], FIRED[LATE:].sum(0))
    v, relay = record()["last"]
    assert v.shape == (2,) and np.array_equal(relay, FIRED[-1])


def test_rate():
    whole = STEPS // 7 * 7  # the two steps that fill no bin are left out
    hertz = FIRED[:whole].reshape(-1, 7, N).mean((1, 2)) / (DT * 1e-3)
    assert np.allclose(record()["rate"], hertz, rtol=1e-6)


@pytest.mark.parametrize(("which", "first"), [("all", 0), ("late", LATE)])
def test_intervals(which, first):
    intervals = record()["isi"][which]
    for neuron in range(N):
        expected = np.diff(np.flatnonzero(FIRED[first:, neuron])) * DT
        assert int(intervals.count[neuron]) == len(expected)
        mean = expected.mean() if len(expected) else np.nan
        cv = expected.std() / expected.mean() if len(expected) > 1 else np.nan
        assert np.allclose(intervals.mean[neuron], mean, rtol=1e-6, equal_nan=True)
        assert np.allclose(intervals.cv[neuron], cv, rtol=1e-5, equal_nan=True)


def test_too_many_events_keep_the_first_and_say_so():
    capacity = 50
    assert FIRED[:28].sum() > capacity  # the first chunk is too much already
    few = run(snn.Spikes("E", capacity=capacity), throw=False)
    expected = np.argwhere(FIRED)[:capacity]
    assert np.array_equal(np.stack([few.record.step, few.record.neuron], 1), expected) and few.record.count == capacity
    assert few.status == snn.Status.EVENT_CAPACITY and "`capacity`; raise it" in few.problems[0]
    with pytest.raises(snn.SimulationError, match=r"EVENT_CAPACITY.*raise it") as caught:
        run(snn.Spikes("E", capacity=capacity))
    assert caught.value.status is snn.Status.EVENT_CAPACITY


def test_a_probe_of_your_own():
    """`step` is all it takes."""

    class Loudest(snn.probes.AbstractProbe):
        def step(self, carry, signals, t):
            return carry, jnp.argmax(signals.spikes["E"])

    assert np.array_equal(run(Loudest()).record, FIRED.argmax(1))


def test_recording_nothing_costs_nothing():
    """No buffer of the compiled program has room for every neuron in every step, unless a probe asks for it."""

    def buffers(record):
        def one_chunk(key):
            given = relays(), snn.StepCurrent(1.0, into="E"), record, None, key
            return _in_one_program(given, STEPS, STEPS, snn.checkpointing.KeepAll(), Forward())

        text = jax.jit(one_chunk).lower(jax.random.key(0)).compile().as_text()
        return [line for line in text.splitlines() if elements(line.strip()) == STEPS * N]

    assert not buffers((snn.Count("E"), snn.ISI("E"), snn.Last("E.v")))
    assert buffers((snn.Trace("E.v"),))  # negative control


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (snn.Raster("X"), ("probe of 'X'", "expected a population: E, L")),
        (snn.Trace("E.w"), ("path 'E.w'", "E has no 'w'; it has in, v, waiting")),
        (snn.Trace("L.b"), ("path 'L.b'", "which is no variable; expected one below it: 'L.b.i'")),
        (snn.Trace("E.v", index=37), ("Trace.index of 'E.v' with index 37", "expected one within 0 .. 36")),
        (
            snn.PopulationRate("E", bin=0.7),
            ("PopulationRate.bin = 0.7 ms", "no whole number of steps of dt = 0.5 ms", "use that"),
        ),
        ({"v": 3.0}, ("record holds 3.0", "expected a pytree of probes such as Count('E')")),
        ({"v": "E.u"}, ("path 'E.u'", "E has no 'u'")),
    ],
)
def test_what_cannot_be_recorded_is_refused(record, message):
    with refused(*message):
        run(record)


def test_bad_probes_are_refused():
    with refused("Spikes.capacity is 0", "expected a positive number"):
        snn.Spikes("E", capacity=0)
    with refused("Trace.every is 0", "expected a positive number of ms"):
        snn.Trace("E.v", every=0)
