"""Where times enter: on the grid or refused, absolute or from where the run starts, exact to the end of the clock."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn._time import LAST, off_grid, on_grid, run_steps, step_of, steps
from tests.refused import refused
from tests.simulation.toys import differ

KEY = jax.random.key(5)
RASTER = (np.random.default_rng(0).random((30, 3)) < 0.4).astype(np.float32)


@functools.cache
def net():
    """Sources whose spikes are what arrives, and neurons whose `v` is the current of the step; a step is 0.1 ms."""
    current = snn.Population(snn.LI(tau=1e-4, gain=snn.gains.PerStep()), 3)
    return snn.network(dt=0.1, key=jax.random.key(0), populations={"A": snn.SpikeSource(3), "B": current})


def run(drive, steps=30, **more):
    record = {"A": snn.Raster("A"), "B": snn.Trace("B.v")}
    return snn.simulate(net(), drive, **dict(steps=steps, key=KEY, record=record, progress=snn.progress.Quiet()) | more)


def arrived(run):
    return np.asarray(run["A"].dense()).astype(np.float32)


def at_step(run, t):
    """The end of a run as if it had been reached at step `t`."""
    return eqx.tree_at(lambda state: state.t, run.state, jnp.int32(t))


# --- milliseconds to steps --------------------------------------------------------------------------------------------


def test_multiples_of_a_step_are_that_step():
    k = np.arange(3001)
    assert np.array_equal(steps(np.round(k * 0.1, 1), 0.1), k)
    assert np.any((np.round(k * 0.1, 1) / 0.1).astype(int) != k)  # control: truncation
    assert int(steps(214748364.7, 0.1)) == LAST


@pytest.mark.parametrize(
    ("ms", "message"),
    [
        (0.55, ("start = 0.55 ms", "no whole number of steps of dt = 0.1 ms", "the nearest is 0.6 ms")),
        (np.nan, ("start = nan ms", "expected a finite number")),
        (3e8, ("start = 3e+08 ms", "which is 3000000000 steps of dt = 0.1 ms", f"more than {LAST}")),
        (1e300, ("start = 1e+300 ms", "more than")),
    ],
)
def test_what_is_no_step_is_refused(ms, message):
    with refused(*message):
        steps(ms, 0.1, name="start")


def test_traced_times_are_rounded_and_the_wrong_ones_found():
    """On the grid, off it, before 0, no number, infinite, and so late that single precision knows no step."""

    @jax.jit
    def seen(ms):
        drive = snn.StepCurrent(1.0, into="B", start=ms)
        return step_of(drive.start, 0.1), off_grid({"drives": [drive]}, 0.1)

    for ms, step, bad in [(0.3, 3, False), (0.0, 0, False), (0.25, None, True), (-1.0, None, True), (3e6, None, True)]:
        found, wrong = seen(ms)
        assert bool(wrong) == bad and (step is None or int(found) == step)
    assert bool(seen(np.nan)[1]) and bool(seen(np.inf)[1])


def test_known_times_are_exact_where_single_precision_is_not():
    late = 214748364.3  # single precision knows every 16 ms there
    drive = on_grid(snn.StepCurrent(1.0, into="B", start=late - 0.2, stop=late), 0.1)
    assert int(drive.start) == LAST - 6 and int(drive.stop) == LAST - 4
    assert int(on_grid(snn.StepCurrent(1.0, into="B"), 0.1).stop) == LAST
    assert abs(float(np.float32(late)) / 0.1 - (LAST - 4)) > 1  # control


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: snn.StepCurrent(1.0, into="B", start=0.55, stop=0.85),
            ("StepCurrent.start = 0.55 ms", "no whole number"),
        ),
        (lambda: snn.StepCurrent(1.0, into="B", stop=0.04), ("StepCurrent.stop = 0.04 ms", "no whole number of steps")),
        (
            lambda: snn.StepCurrent(1.0, into="B", start=10.0, stop=5.0),
            ("StepCurrent starts at 10 ms and stops at 5 ms",),
        ),
        (lambda: snn.StepCurrent(1.0, into="B", start=np.nan), ("Got nan ms for a time", "expected 0 ms or later")),
        (lambda: snn.StepCurrent(1.0, into="B", start=-1.0), ("Got -1 ms for a time",)),
        (lambda: snn.StepCurrent(1.0, into="B", start=np.inf), ("Got inf ms for a time", "finite")),
        (lambda: snn.StepCurrent(1.0, into="B", start="5"), ("Got '5' (str) for a time",)),
        (lambda: snn.StepCurrent(1.0, into="B", start=True), ("Got True (bool) for a time",)),
        (
            lambda: snn.StepCurrent(1.0, into="B", start=[1.0, 2.0]),
            ("StepCurrent.start has shape (2,)", "one number of ms"),
        ),
        (lambda: snn.StepCurrent(1.0, into="B", stop=1e9), ("StepCurrent.stop = 1e+09 ms", "10000000000 steps")),
        (lambda: snn.Poisson(1.0, into="A", start=0.05), ("Poisson.start = 0.05 ms",)),
        (lambda: snn.Poisson([1.0], into="A", bin=0.25), ("Poisson.bin = 0.25 ms", "no whole number")),
        (lambda: snn.Poisson([1.0], into="A", bin=-1.0), ("Poisson.bin = -1.0", "positive number of ms")),
        (lambda: snn.NoiseCurrent(1.0, into="B", stop=0.33), ("NoiseCurrent.stop = 0.33 ms",)),
        (lambda: snn.NoiseCurrent(1.0, into="B", every=0.15), ("NoiseCurrent.every = 0.15 ms",)),
        (lambda: snn.TimedArray([1.0], into="B", bin=0.15), ("TimedArray.bin = 0.15 ms",)),
        (lambda: snn.TimedArray([1.0], into="B", start=0.07), ("TimedArray.start = 0.07 ms",)),
        (lambda: snn.Replay(RASTER, into="A", start=0.01), ("Replay.start = 0.01 ms",)),
        (lambda: snn.Modulator("r", [1.0], start=np.nan), ("Got nan ms for a time",)),
        (lambda: snn.SpikeGenerator([0], [0.25], into="A"), ("SpikeGenerator.times = 0.25 ms",)),
        (lambda: snn.drives.Silence() + snn.StepCurrent(1.0, into="B", start=0.05), ("StepCurrent.start = 0.05 ms",)),
    ],
)
def test_times_of_drives_are_one_error(make, message):
    with refused(*message):
        run(make())


# --- where a run starts -----------------------------------------------------------------------------------------------


def test_a_new_input_arrives_in_a_continued_run():
    """Rows count from where the run starts; `start=` is absolute, so that two halves with it are one run."""
    drive, absolute = snn.Replay(RASTER, into="A"), snn.Replay(RASTER, into="A", start=0.0)
    first = run(drive)
    again = run(drive, state=first.state)
    assert np.array_equal(arrived(first), RASTER) and np.array_equal(arrived(again), RASTER)
    halves = [run(absolute, 15)]
    halves.append(run(absolute, 15, state=halves[0].state))
    assert np.array_equal(np.concatenate([arrived(half) for half in halves]), RASTER)
    assert differ(arrived(run(drive, 15, state=halves[0].state)), RASTER[15:])  # control


def test_every_input_of_rows_counts_alike():
    """Waveforms, modulators, lists of events and rates: from where the run starts, or from `start`."""
    values = np.arange(1.0, 31.0)[:, None] * np.ones(3)
    state = at_step(run(snn.drives.Silence(), 1), 1000)

    def waveform(start):
        return snn.TimedArray(values, into="B", start=start)

    assert np.array_equal(run(waveform(None), state=state)["B"], values)
    assert np.array_equal(run(waveform(100.5), state=state)["B"][5:], values[:25])
    assert np.array_equal(run(waveform(99.0), state=state)["B"][:20], values[10:])
    held = run(snn.TimedArray(values[:3], into="B", bin=0.5), state=state)["B"]
    assert np.array_equal(held[:, 0], [1.0] * 5 + [2.0] * 5 + [3.0] * 5 + [0.0] * 15)
    step, neuron = np.nonzero(RASTER)
    events = snn.SpikeGenerator(neuron, step * 0.1, into="A")
    assert np.array_equal(arrived(run(events, state=state)), RASTER)
    later = snn.SpikeGenerator(neuron, step * 0.1, into="A", start=100.7)
    assert np.array_equal(arrived(run(later, state=state))[7:], RASTER[:23])


@pytest.mark.parametrize(
    "make",
    [
        lambda: snn.Replay(RASTER, into="A", start=0.0),
        lambda: snn.TimedArray([1.0, 2.0], into="B", start=0.0, bin=1.5),
        lambda: snn.Modulator("r", [1.0, 2.0], start=1.0),
        lambda: snn.Poisson([1.0, 2.0], into="A", bin=1.0, start=1.0),
        lambda: snn.SpikeGenerator([0, 1], [0.5, 2.9], into="A", start=0.0),
    ],
)
def test_an_input_of_the_past_is_refused(make):
    first = run(snn.drives.Silence(), 30)
    with refused("and the run starts at 3 ms", "start it later, or leave `start` out"):
        run(make() + snn.drives.Silence(), state=first.state)


def test_an_input_of_the_past_is_a_status_while_tracing():
    state = run(snn.drives.Silence(), 1).state

    @jax.jit
    def status(t):
        late = eqx.tree_at(lambda state: state.t, state, t)
        return run(snn.Replay(RASTER, into="A", start=0.0), state=late).status

    assert [int(status(t)) for t in (0, 29, 30)] == [0, 0, snn.Status.INPUT_PAST]


def test_traced_windows_are_a_status():
    @jax.jit
    def status(start, stop):
        return run(snn.StepCurrent(1.0, into="B", start=start, stop=stop)).status

    assert [int(status(*window)) for window in ((0.1, 0.5), (0.1, np.inf), (0.3, 0.3))] == [0, 0, 0]
    for window in ((0.15, 0.5), (0.5, 0.1), (np.nan, 1.0), (-1.0, 1.0), (0.1, 0.52)):
        assert int(status(*window)) == snn.Status.TIME_RANGE


# --- the end of the clock ---------------------------------------------------------------------------------------------


def test_a_run_ends_before_the_clock_does():
    first = run(snn.drives.Silence(), 1)
    begin = LAST - 30
    wave = snn.StepCurrent(1.0, into="B", start=(begin + 3) / 10, stop=(begin + 5) / 10)
    last = run(wave, state=at_step(first, begin))
    assert int(last.state.t) == LAST and np.array_equal(np.flatnonzero(last["B"][:, 0]), [3, 4])
    with refused(f"A run of 30 steps from step {begin + 1}", f"beyond {LAST} steps", "59.65 h at dt = 0.1 ms"):
        run(snn.drives.Silence(), state=at_step(first, begin + 1))

    @jax.jit
    def status(t):
        return run(snn.drives.Silence(), state=eqx.tree_at(lambda state: state.t, first.state, t)).status

    assert [int(status(jnp.int32(t))) for t in (0, begin, begin + 1)] == [0, 0, snn.Status.CLOCK_END]


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (dict(t="5"), ("Got t = '5'", "expected a number of ms")),
        (dict(t=True), ("Got t = True",)),
        (dict(t=np.nan), ("Got t = nan ms", "expected a finite number")),
        (dict(t=3e8), ("3000000000 steps of dt = 0.1 ms", f"more than {LAST}")),
        (dict(steps=2**31), ("A run of 2147483648 steps from step 0", "where the clock ends")),
        (dict(steps=True), ("Got a run of True steps",)),
        (dict(steps=5.0), ("Got a run of 5.0 steps",)),
    ],
)
def test_lengths_that_are_none(length, message):
    with refused(*message):
        run_steps(**{"t": None, "steps": None} | length, dt=0.1)
    assert run_steps(None, np.int64(7), 0.1) == 7 and run_steps(np.float32(0.7), None, 0.1) == 7


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (dict(drive=[snn.drives.Silence()]), ("Got drive = [Silence()] (list)", "several add up with +")),
        (dict(drive=snn.Count("A")), ("Got drive = Count(", "expected one drive")),
        (dict(model=3), ("Got model = 3 (int)", "a network(...)")),
        (dict(chunk=2.5), ("Got chunk = 2.5", "positive number of steps")),
        (dict(chunk=True), ("Got chunk = True",)),
        (dict(checkpoint=5), ("Got checkpoint = 5 (int)", "KeepAll()")),
        (dict(progress=False), ("Got progress = False (bool)", "Bar() or Quiet()")),
        (dict(throw="no"), ("Got throw = 'no' (str)", "True or False")),
    ],
)
def test_arguments_of_another_kind_are_one_error(wrong, message):
    given = dict(model=net(), drive=snn.drives.Silence()) | wrong
    with refused(*message):
        snn.simulate(given.pop("model"), given.pop("drive"), steps=5, key=KEY, **given)


def test_estimators_check_the_times_of_inputs_and_losses():
    """Before anything is compiled: examples start at 0."""
    loss, raster = snn.CrossEntropy(snn.Count("A", start=0.55)), RASTER[None]
    good, target = snn.CrossEntropy(snn.Count("A")), jnp.array([0])
    late = snn.Replay(raster, into="A", start=0.05)
    for estimate in (
        lambda loss, inputs: snn.BPTT(wrt="*").value_and_grad(loss, net(), inputs, target, key=KEY),
        lambda loss, inputs: snn.evaluate({"loss": loss}, net(), inputs, target, key=KEY),
    ):
        with refused("Count.start = 0.55 ms"):
            estimate(loss, snn.Replay(raster, into="A"))
        with refused("Replay.start = 0.05 ms"):
            estimate(good, late)
