"""Inputs cost what they hold: rates over time without a table, events as a list, many drives as one loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxsnn as snn
from jaxsnn.simulation.drives.varying import counts
from tests.elsewhere import as_accelerators
from tests.refused import refused

KEY = jax.random.key(5)
N = 200


def net(n=N):
    return snn.network(dt=0.1, key=jax.random.key(0), populations={"A": snn.SpikeSource(n)})


def size(tree):
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(tree))


def prepared(drive, first=0, n=N):
    """What a drive is in a run, by shape."""
    return jax.eval_shape(lambda drive: drive.prepare(net(n), first), drive)


# --- rates over time --------------------------------------------------------------------------------------------------

MEANS = np.array([1e-5, 1e-3, 0.02, 0.3, 1.0, 2.5, 7.9, 20.0, 45.0, 79.0])


@pytest.fixture
def on_accelerators(monkeypatch):
    """What accelerators compile: every turn of the loop, unrolled."""
    as_accelerators(monkeypatch)


def draw(mean, word):
    mean, word = np.broadcast_arrays(np.asarray(mean, np.float32), word)
    return np.asarray(jax.jit(lambda mean, word: counts(mean, word, 80.0))(mean, word))


def test_counts_are_poissons_law():
    """The count of a word is SciPy's quantile, to 2e-6 in probability; there is none where there is no rate."""
    word = np.linspace(0, 2**32 - 1, 20001).astype(np.uint32)
    means, u = np.append(MEANS, 0.0)[:, None], (word + 0.5) / 2.0**32
    found = draw(means, word)

    def off(law):
        return ((u < stats.poisson.sf(found, law) - 2e-6) | (u > stats.poisson.sf(found - 1, law) + 2e-6)).mean(1)

    assert not np.any(off(means)) and not np.any(found[-1])
    assert np.all(off(1.02 * means)[3:-1] > 1e-3)  # control


def test_the_tails_of_counts_on_every_device(on_accelerators):
    """The smallest words are the largest counts, near and beyond single precision's own rounding; and nowhere else."""
    word = np.array([0, 1, 10, 1000, 10**6, 2**29, 2**31], np.uint32)
    means = MEANS[:, None]
    found = draw(means, word)
    wanted = stats.poisson.isf((word + 0.5) / 2.0**32, means)
    assert np.all(found <= wanted + 1) and np.all(found >= 0.8 * wanted - 1) and np.all(np.diff(found) <= 0)
    assert np.array_equal(found[:, 4:], wanted[:, 4:])


def test_one_number_is_drawn_on_every_device(request):
    """The loop of a CPU, which stops early, and the whole one."""
    word = np.random.default_rng(0).integers(0, 2**32, 2000, dtype=np.uint32)
    mean = np.random.default_rng(1).exponential(2.0, 2000)
    early = draw(mean, word)
    request.getfixturevalue("on_accelerators")
    assert np.array_equal(draw(mean, word), early) and early.max() > 8


RATES = np.array([0.0, 1000.0, 200.0, 0.0, 4000.0])  # Hz, for 10 ms each


def expected(t):
    return jnp.asarray(RATES)[jnp.minimum(t // 10.0, 4.0).astype(jnp.int32)]


def observed(drive, **more):
    record = {"rate": snn.PopulationRate("A", bin=10.0), "count": snn.Count("A")}
    what = dict(steps=500, key=KEY, record=record, progress=snn.progress.Quiet()) | more
    return snn.simulate(net(), drive, **what)


def test_a_rate_over_time_is_that_rate():
    """Bins for all, bins for each and a function draw the same trains; rates within 4.5 standard errors."""
    found = [observed(drive) for drive in (snn.Poisson(RATES, into="A", bin=10.0), snn.Poisson(expected, into="A"))]
    each = RATES[:, None] * (np.arange(N) % 2)
    found.append(observed(snn.Poisson(each, into="A", bin=10.0)))
    spikes = RATES * N * 0.01
    assert np.all(np.abs(np.asarray(found[0]["rate"]) * N * 0.01 - spikes) <= 4.5 * np.sqrt(spikes))
    assert np.array_equal(found[0]["count"], found[1]["count"])
    assert np.array_equal(found[2]["count"], np.asarray(found[0]["count"]) * (np.arange(N) % 2))
    assert not np.array_equal(found[0]["count"], observed(snn.Poisson(RATES[::-1], into="A", bin=10.0))["count"])


def test_another_rate_over_time_compiles_nothing():
    traced = []
    run = jax.jit(lambda rates: (traced.append(1), observed(snn.Poisson(rates, into="A", bin=10.0)).status)[1])
    assert int(run(RATES)) == 0 and int(run(2 * RATES)) == 0 and len(traced) == 1
    assert int(run(-RATES)) == snn.Status.RATE_RANGE and int(run(1e6 * RATES)) == snn.Status.RATE_RANGE


def test_a_function_that_gives_no_rate_is_no_silence():
    with pytest.raises(snn.SimulationError, match="NOT_FINITE"):
        observed(snn.Poisson(lambda t: -t, into="A"), record=snn.Last("A.v"))


def test_rates_over_time_cost_what_they_hold():
    rates = jnp.ones((1000, N), jnp.float32)
    assert size(prepared(snn.Poisson(rates, into="A", bin=1.0))) < 1.01 * size(rates)
    assert size(prepared(snn.Poisson(rates[0], into="A"))) > 50 * size(rates[0])  # control: a table for each row


# --- events -----------------------------------------------------------------------------------------------------------


def test_events_are_kept_as_a_list():
    """100 s of 1 000 inputs: 8 bytes an event, not 4 an input and step."""
    rng = np.random.default_rng(0)
    step, neuron = rng.integers(0, 10**6, 5000), rng.integers(0, 1000, 5000)
    drive = snn.Replay.events(step, neuron, steps=10**6, n=1000, into="A")
    assert size(drive) < 10 * 5000 and size(prepared(drive, n=1000)) < 11 * 5000 and drive.steps == 10**6


def test_events_are_their_raster():
    """In any order, several at once, with a weight a neuron; and lists of about one length are one shape."""
    assert not np.any(snn.Replay.events([], [], steps=10, n=3, into="A").raster)
    step, neuron = np.array([9, 3, 3, 0, 3]), np.array([1, 0, 2, 1, 0])
    drive = snn.Replay.events(step, neuron, steps=10, n=3, into="A", weight=[1.0, 2.0, 3.0])
    wanted = np.zeros((10, 3))
    np.add.at(wanted, (step, neuron), 1.0)
    assert np.array_equal(drive.raster, wanted)
    trace = dict(steps=12, key=KEY, record=snn.Trace("A.v"), progress=snn.progress.Quiet())
    dense = snn.Replay(wanted, into="A", weight=drive.weight)
    played = [snn.simulate(net(3), given, **trace).record for given in (drive, dense)]
    assert np.array_equal(*played) and np.array_equal(played[0][:10], wanted * [1.0, 2.0, 3.0])
    other = snn.Replay.events([1, 2], [0, 1], steps=10, n=3, into="A", weight=[1.0, 2.0, 3.0])
    assert jax.tree.map(jnp.shape, other) == jax.tree.map(jnp.shape, drive)

    @jax.jit
    def traced(step, neuron):  # not in order, and nobody knows how many come at once
        drive = snn.Replay.events(step, neuron, steps=10, n=3, into="A", weight=jnp.array([1.0, 2.0, 3.0]))
        run = snn.simulate(net(3), drive, **trace)
        return run.record, run.status

    v, status = traced(step, neuron)
    assert np.array_equal(v, played[0]) and int(status) == 0
    assert int(traced(step, neuron + 1)[1]) == snn.Status.PARAMETER_RANGE


def test_a_batch_of_lists_for_estimators():
    """Examples of events are the same batch as their rasters."""
    net = snn.network(
        dt=1.0,
        key=jax.random.key(0),
        populations={"A": snn.SpikeSource(3), "out": snn.Population(snn.LI(), 2)},
        projections={"w": snn.Connection("A", "out", snn.AllToAll(), via=snn.Dense(), weight=1.0)},
    )
    times, neurons = np.array([[0.0, 3.0, 3.0], [5.0, 1.0, np.inf]]), np.array([[0, 1, 2], [2, 0, 0]])
    raster = np.zeros((2, 8, 3))
    for i, t, k in [(0, 0, 0), (0, 3, 1), (0, 3, 2), (1, 5, 2), (1, 1, 0)]:
        raster[i, t, k] = 1.0
    loss, targets = snn.CrossEntropy(snn.probes.Sum("out.v")), jnp.array([0, 1])
    found = [
        snn.evaluate({"loss": loss}, net, drive, targets, key=KEY)["loss"]
        for drive in (snn.SpikeGenerator(neurons, times, into="A", steps=8), snn.Replay(raster, into="A"))
    ]
    assert found[0] == found[1] != 0
    with refused("SpikeGenerator.indices has shape (2, 8): a batch of examples", "`simulate` runs one"):
        snn.simulate(net, snn.SpikeGenerator(neurons, times, into="A"), steps=8, key=KEY)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: snn.Replay.events([0.5], [0], steps=5, n=3, into="A"), ("step 0.5", "expected whole steps", "in ms")),
        (lambda: snn.Replay.events([np.nan], [0], steps=5, n=3, into="A"), ("step nan",)),
        (lambda: snn.Replay.events([-1], [0], steps=5, n=3, into="A"), ("outside steps 0 ..",)),
        (lambda: snn.Replay.events([7], [0], steps=5, n=3, into="A"), ("outside steps 0 .. 4 or neurons 0 .. 2",)),
        (lambda: snn.Replay.events([1], [3], steps=5, n=3, into="A"), ("outside steps 0 .. 4 or neurons 0 .. 2",)),
        (lambda: snn.Replay.events([1, 2], [0], steps=5, n=3, into="A"), ("shape (1,)", "shape (2,)", "equal length")),
        (lambda: snn.Replay.events([1], [0], steps=5.0, n=3, into="A"), ("steps = 5.0", "positive whole number")),
        (lambda: snn.Replay.events([1], [0], steps=5, n=4, into="A"), ("n = 4, expected 3 for 'A.in'",)),
        (lambda: snn.SpikeGenerator([0.0], [1.0], into="A"), ("indices is of type float64", "whole numbers")),
        (lambda: snn.SpikeGenerator([-1], [1.0], into="A"), ("indices has a negative one",)),
        (lambda: snn.SpikeGenerator([2**33], [1.0], into="A"), ("indices holds 8589934592",)),
        (lambda: snn.drives.Silence() + 3, ("Got a drive + 3 (int), expected another drive",)),
        (lambda: 3 + snn.drives.Silence(), ("Got 3 (int) + a drive, expected another drive",)),
        (lambda: snn.SpikeGenerator([5], [1.0], into="A"), ("one beyond the 3 neurons of 'A.in'",)),
        (lambda: snn.SpikeGenerator([2], [1.0], into="A[0:2]"), ("one beyond the 2 neurons of 'A.in[0:2]'",)),
        (lambda: snn.SpikeGenerator([0], [-1.0], into="A"), ("Got -1 ms for a time",)),
        (lambda: snn.SpikeGenerator([0], [1.0], into="A").raster, ("numbers of steps and of neurons", "Replay.events")),
        (lambda: snn.Poisson([[1.0, 2.0]], into="A", bin=1.0), ("Poisson.rate has shape (2,)", "(3,) for 'A.in'")),
        (lambda: snn.Poisson(lambda t: t, into="A", bin=1.0), ("Poisson.rate is a function",)),
        (lambda: snn.Poisson([np.inf], into="A", bin=1.0), ("Poisson.rate holds inf",)),
        (lambda: snn.Poisson(1.0, np.nan, into="A"), ("Poisson.weight holds nan",)),
        (lambda: snn.Poisson(1.0, into=()), ("into = ()", "one name or several")),
        (lambda: snn.Poisson(1.0, into=3), ("Got into = 3 (int)",)),
        (lambda: snn.Poisson(1.0, into=("A[0:2]", "A[1]")), ("names neuron 1 of 'A.in' twice",)),
        (lambda: snn.Poisson(1.0, into="A", index=[0.5]), ("index", "expected an index")),
        (lambda: snn.Poisson(1.0, into="A", most=-1), ("Poisson.most is -1",)),
        (lambda: snn.Replay(np.full((2, 3), np.nan), into="A"), ("Replay.raster holds nan",)),
        (lambda: snn.Replay(np.ones((2, 3), complex), into="A"), ("Replay.raster is of type complex128",)),
        (lambda: snn.Replay(np.ones((0, 3)), into="A"), ("Replay.raster is of shape (0, 3)",)),
        (lambda: snn.Replay(np.ones((2, 3)), into=("A", "A")), ("Replay.into is ('A', 'A')", "one name")),
        (lambda: snn.Modulator(3, 1.0), ("Modulator.name is 3",)),
        (lambda: snn.Modulator("r", [np.nan]), ("Modulator.values holds nan",)),
        (lambda: snn.StepCurrent(np.nan, into="A"), ("StepCurrent.amplitude holds nan",)),
        (lambda: snn.TimedArray([np.inf], into="A"), ("TimedArray.values holds inf",)),
    ],
)
def test_inputs_that_are_none(make, message):
    with refused(*message):
        snn.simulate(net(3), make(), steps=5, key=KEY)


# --- selections -------------------------------------------------------------------------------------------------------


def test_some_neurons_get_the_trains_they_get_among_all():
    """By a mask or in brackets: the same trains, and nothing for the others; numbers are for those that are fed."""
    whole = np.asarray(observed(snn.Poisson(1000.0, into="A"))["count"])
    mask = np.arange(N) % 50 == 3
    for drive in (snn.Poisson(1000.0, into="A", index=mask), snn.Poisson([1000.0] * 4, into="A[3:154:50]")):
        assert np.array_equal(observed(drive)["count"], np.where(mask, whole, 0.0))


# --- many drives ------------------------------------------------------------------------------------------------------


def equations(jaxpr):
    """How many there are, those of inner programs among them."""
    inner = (getattr(part, "jaxpr", part) for e in jaxpr.eqns for part in jax.tree.leaves([*e.params.values()]))
    return len(jaxpr.eqns) + sum(equations(part) for part in inner if hasattr(part, "eqns"))


def several(count, how=lambda i: dict(start=float(i), stop=i + 1.0)):
    return sum(snn.Poisson(100.0 * i, 0.5, into="A", **how(i)) for i in range(count))


def test_a_sum_of_many_is_one_loop():
    """What is traced does not grow with their number; one after the other they are the same numbers."""

    silent = snn.simulation.Signals({}, {})

    @jax.jit
    def fed(drive):
        ready = drive.prepare(net(), 0)
        return ready.step(drive.init(key=KEY), jnp.int32(35), silent, key=KEY)[1].arrivals["A.in"]

    @jax.jit
    def one_by_one(drives):
        keys = [KEY] + [jax.random.fold_in(KEY, i) for i in range(1, len(drives))]
        parts = [d.prepare(net(), 0).step((), jnp.int32(35), silent, key=k)[1] for d, k in zip(drives, keys)]
        return sum((part.arrivals["A.in"] for part in parts[1:]), parts[0].arrivals["A.in"])

    program = lambda count: equations(jax.make_jaxpr(fed)(several(count)).jaxpr)
    assert program(24) - program(12) <= 12 * 12  # their numbers are stacked; their tables are one
    always = several(10, lambda i: dict(start=0.0, stop=99.0))
    assert np.array_equal(fed(always), one_by_one(always.drives)) and np.any(fed(always))
    assert not np.array_equal(fed(always), fed(several(10)))  # control: windows
