"""What comes in: trains that are independent and Poisson, windows exact to the step, recordings, environments, sums."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.simulation.drives import trains
from tests.refused import refused

DT = 0.1
KEY = jax.random.key(5)


def network(**populations):
    return snn.network(dt=DT, key=jax.random.key(0), populations=populations)


def relays(n):
    return snn.Population(snn.Parrot(), n)


def currents(n):
    """Neurons without memory: `v` is the current of the step."""
    return snn.Population(snn.LI(tau=1e-4, gain=snn.gains.PerStep()), n)


def traces(net, drive, steps, **changes):
    record = {name: snn.Trace(f"{name}.v") for name in net.populations}
    what = dict(steps=steps, key=KEY, record=record, progress=snn.progress.Quiet()) | changes
    return {name: np.asarray(v) for name, v in snn.simulate(net, drive, **what).record.items()}


# --- Poisson ----------------------------------------------------------------------------------------------------------

STEPS, N = 2000, 8
MEANS = np.array([0.0, 0.02, 0.1, 0.5, 1.0, 2.0, 3.0, 3.5])  # per step


@functools.cache
def counts():
    """Two drives into two populations, told apart by their weights: shape (steps, 32)."""
    rate = MEANS / (DT * 1e-3)
    both = snn.Poisson(rate, 1.0, into=("A", "B")) + snn.Poisson(rate, 1000.0, into=("B", "A"))
    seen = traces(network(A=relays(N), B=relays(N)), both, STEPS)
    parts = [part for name in "AB" for part in (seen[name] % 1000, seen[name] // 1000)]
    return np.concatenate(parts, axis=1)


def test_poisson_mean_and_variance():
    """Within 4.5 standard errors; the variance of a sample variance is (mu + 2 mu^2) / T."""
    mean = np.tile(MEANS, 4)
    assert np.all(np.abs(counts().mean(0) - mean) <= 4.5 * np.sqrt(mean / STEPS))
    assert np.all(np.abs(counts().var(0) - mean) <= 4.5 * np.sqrt((mean + 2 * mean**2) / STEPS))


def largest_correlation(trains):
    off = np.corrcoef(trains.T) - np.eye(trains.shape[1])
    return np.abs(off).max()


def test_poisson_trains_are_independent():
    """Of neurons, populations, drives and steps: no correlation beyond 4.5 standard errors."""
    some = counts()[:, counts().any(0)]
    limit = 4.5 / np.sqrt(STEPS)
    assert some.shape[1] == 28
    assert largest_correlation(some) < limit
    assert largest_correlation(np.concatenate([some[1:], some[:-1]], axis=1)) < limit
    shared = some[:, :1] + some  # negative control: a source that all of them hear
    assert largest_correlation(shared) > limit


# --- when -------------------------------------------------------------------------------------------------------------


def test_windows_are_exact_to_the_step():
    """A drive acts in the steps that begin at `start` or later and before `stop`, at any time and for every kind."""
    net = network(A=relays(1), B=currents(1), C=currents(1))

    def active(start, stop, first):
        window = dict(start=start, stop=stop)
        drive = snn.Poisson(1e6, 1.0, into="A", most=100, **window)  # 100 a step: never none
        drive = drive + snn.StepCurrent(2.0, into="B", **window) + snn.NoiseCurrent(1.0, 5.0, into="C", **window)
        state = snn.simulate(net, drive, steps=1, key=KEY, progress=snn.progress.Quiet()).state
        state = snn.simulation.RunState(
            jnp.int32(first), state.model, state.drive, state.spikes
        )  # as if it had run until then
        return {name: np.flatnonzero(v[:, 0]) + first for name, v in traces(net, drive, 30, state=state).items()}

    for start, stop, first, expected in [
        (1.0, 1.5, 0, range(10, 15)),
        (0.7, np.inf, 0, range(7, 30)),
        (1e6, 1e6 + 1.0, 10**7 - 3, range(10**7, 10**7 + 10)),  # where single precision has whole steps only
    ]:
        for steps in active(start, stop, first).values():
            assert [*steps] == [*expected]


def test_a_current_acts_in_the_step_it_begins_in():
    """Design section 4: on from 1 ms at dt 0.1 ms, it moves the state at t_11, which is sample 10; and exactly so."""
    tau, current = 10.0, np.array([0.5, 2.0])
    net = network(A=snn.Population(snn.LI(tau=tau), 2))
    v = traces(net, snn.StepCurrent(current, into="A", start=1.0, stop=3.0), 50)["A"]
    k = np.arange(1, 51) * DT
    on, off = -np.expm1(-np.clip(k - 1.0, 0, 2.0) / tau), np.exp(-np.clip(k - 3.0, 0, None) / tau)
    assert np.all(v[:10] == 0) and np.all(v[10] > 0)
    assert np.allclose(v, current * (on * off)[:, None], rtol=1e-5)


# --- the others -------------------------------------------------------------------------------------------------------


def test_noise_is_white_held_and_its_own():
    """Mean, spread, held for `every` steps, independent of other neurons and of a second drive."""
    drive = snn.NoiseCurrent(2.0, 1.0, into="A", every=0.3) + snn.NoiseCurrent(2.0, 1.0, into="A", every=0.3)
    v = traces(network(A=currents(20)), drive, 3000)["A"]
    held = v.reshape(1000, 3, 20)
    assert np.all(held == held[:, :1])
    draws, variance = held[:, 0], 2 * 2.0**2  # of a sum of two: four times that of one if they were the same
    assert np.allclose(draws.mean(0), 2.0, atol=4.5 * np.sqrt(variance / 1000))
    assert np.allclose(draws.var(0), variance, rtol=4.5 * np.sqrt(2 / 1000))
    assert largest_correlation(draws) < 4.5 / np.sqrt(1000)


def test_a_replay_of_events_adds_up_and_ends():
    step, neuron = [0, 3, 3, 3, 9], [1, 0, 2, 0, 1]
    drive = snn.Replay.events(step, neuron, steps=10, n=3, into="A", weight=jnp.array([1.0, 2.0, 3.0]))
    expected = np.zeros((14, 3))
    np.add.at(expected, (step, neuron), np.array([1.0, 2.0, 3.0])[neuron])
    assert np.array_equal(traces(network(A=relays(3)), drive, 14)["A"], expected)


def test_a_sum_is_flat_and_the_first_drive_is_what_it_was_alone():
    a, b, c = (
        snn.Poisson(5000.0, into="A", most=1),
        snn.Poisson(5000.0, into="B", most=1),
        snn.StepCurrent(1.0, into="A"),
    )
    assert jax.tree.structure((a + b) + c) == jax.tree.structure(a + (b + c))
    net = network(A=relays(5), B=relays(5))
    assert np.array_equal(traces(net, a + b, 40)["A"], traces(net, a, 40)["A"])


def test_many_trains_are_those_they_are_one_by_one(monkeypatch):
    """In a loop over blocks of neurons, of which some end within a population: the same numbers, bit for bit."""
    sizes = {"A": 300, "B": 5, "C": 128, "D": 129}
    rates = (900.0, 15_000.0, 300.0, 60.0)
    into = (("A", "B"), "C", "D", "B")
    drive = sum(
        (
            snn.Poisson(rate, weight, into=into, start=0.1 * i, stop=3.0)
            for i, (rate, weight, into) in enumerate(zip(rates, (1.0, 0.5, np.linspace(1, 2, 129), -1.0), into))
        ),
        snn.Poisson(2000.0, into="A[0:3]"),  # of some neurons: left alone
    )
    net = network(**{name: relays(n) for name, n in sizes.items()})
    together = traces(net, drive, 40)
    monkeypatch.setattr(trains, "FEWEST", 100)
    alone = traces(net, drive, 40)
    for name in sizes:
        assert np.array_equal(together[name], alone[name])
        assert np.any(together[name] != np.roll(together[name], 1, axis=1))  # not all neurons alike
    assert snn.simulate(net, drive, steps=1, key=jax.random.key(0)).problems == []
    # a mean beyond the table is told of where it is one of many, too
    traced = jax.jit(lambda rate: snn.simulate(net, drive + snn.Poisson(rate, into="C"), steps=1, key=KEY).status)
    assert not traced(10.0) and traced(2e6)


# --- environments -----------------------------------------------------------------------------------------------------


class Echo(snn.drives.AbstractDrive):
    """An environment: counts what it sees, sends one more than it saw a step ago, and rewards silence."""

    size: int = 5

    def init(self, *, key):
        return jnp.float32(0.0)

    def step(self, d, t, signals, *, key):
        seen = jnp.sum(signals.spikes["A"])
        heard = jnp.array([1.0, 0.0]) * ((seen + 1.0) % self.size)
        return d + seen, snn.simulation.Inputs(
            arrivals={"A.in": heard}, modulators={"reward": (seen == 0).astype(jnp.float32)}
        )


def test_an_environment_closes_the_loop():
    """It sees the spikes of the step before (none in the first) and keeps a state, also across a split."""
    net = network(A=relays(2))
    v = traces(net, Echo(), 12)["A"]
    assert np.array_equal(v[:, 0], np.arange(1, 13) % 5) and not v[:, 1].any()
    run = functools.partial(snn.simulate, net, Echo(), key=KEY, progress=snn.progress.Quiet(), record=snn.Trace("A.v"))
    first = run(steps=4)
    second = run(steps=8, state=first.state)
    assert np.array_equal(np.concatenate([first.record, second.record]), v)
    assert float(second.state.drive) == v[:-1].sum()


class Learner(snn.simulation.AbstractModel, snn.simulation.AbstractStepper):
    """No network at all, but something with a state that listens to a modulator."""

    dt: float = 1.0

    def init(self, *, key):
        return {"x": jnp.zeros(1)}

    def prepare(self, plan=None):
        return self

    def step(self, state, inputs, t, *, key):
        state = {"x": state["x"] + inputs.modulators["reward"]}
        return state, snn.simulation.Signals({"A": state["x"]}, self.view(state))

    def view(self, state):
        return {"A": state}

    @property
    def sizes(self):
        return {"A": 1}

    def port(self, path):
        return "A.in", 1


class Reward(snn.drives.AbstractDrive):
    """Always the same."""

    amount: jax.Array = snn.param()

    def step(self, d, t, signals, *, key):
        return d, snn.simulation.Inputs(modulators={"reward": self.amount})


def test_any_dynamics_runs_and_modulators_add_up():
    run = snn.simulate(Learner(), Reward(0.25) + Reward(0.5), steps=4, key=KEY, record=snn.Trace("A.x"))
    assert np.array_equal(run.record[:, 0], [0.75, 1.5, 2.25, 3.0])


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drive", "message"),
    [
        (lambda: snn.Poisson(-1.0, into="A"), ("Poisson.rate is -1.0 Hz", "expected at least 0")),
        (lambda: snn.Poisson(np.nan, into="A"), ("Poisson.rate holds nan", "expected finite numbers")),
        (lambda: snn.Poisson([1.0, 2.0], into="A"), ("Poisson.rate has shape (2,)", "expected () or (3,) for 'A.in'")),
        (lambda: snn.Poisson(1.0, into="X"), ("Got 'X'", "no population 'X'; there are A")),
        (lambda: snn.Poisson(1.0, into="A.exc"), ("Got 'A.exc'", "'A' has no port 'exc'; it has in")),
        (lambda: snn.StepCurrent(1.0, into="X"), ("current into 'X'", "expected a population: A")),
        (
            lambda: snn.StepCurrent([1.0, 2.0], into="A"),
            ("StepCurrent.amplitude has shape (2,)", "expected () or (3,) for 'A'"),
        ),
        (lambda: snn.NoiseCurrent(-1.0, into="A"), ("NoiseCurrent.sd is -1.0 current", "expected at least 0")),
        (
            lambda: snn.NoiseCurrent(1.0, into="A", every=0),
            ("NoiseCurrent.every = 0", "expected a positive number of ms"),
        ),
        (lambda: snn.Replay(jnp.zeros((3, 7)), into="A"), ("Replay.raster has shape (3, 7)", "(steps, 3)", "swap")),
        (lambda: snn.Replay(jnp.zeros(3), into="A"), ("Replay.raster is of shape (3,)", "expected", "(steps, n)")),
        (lambda: snn.Replay.events([7], [0], steps=5, n=3, into="A"), ("outside steps 0 .. 4 or neurons 0 .. 2",)),
    ],
)
def test_what_cannot_be_fed_is_refused(drive, message):
    with refused(*message):
        traces(network(A=relays(3)), drive(), 5)
