"""The choices that tell simulators apart, each against a loop written out in NumPy, or against what its law implies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

DT = 0.1
KEY = jax.random.key(0)


def run(cell, jumps=None, *, steps=None, current=None, record=None, ports=None, dt=DT, order=None):
    """`v` and spikes, shape `(steps, n)`, of neurons that hear `jumps` in every step."""
    n = jumps.shape[1] if jumps is not None else np.size(current)
    population = snn.Population(cell, n, ports=ports) if ports else snn.Population(cell, n)
    net = snn.network(dt=dt, key=KEY, populations={"P": population}, order=order)
    drive = snn.drives.Silence() if jumps is None else snn.Replay(jnp.asarray(jumps), into="P")
    if current is not None:
        drive = drive + snn.StepCurrent(current, into="P")
    steps = len(jumps) if steps is None else steps
    out = snn.simulate(
        net, drive, steps=steps, key=KEY, record=(snn.Trace("P.v"), snn.Raster("P")), progress=snn.progress.Quiet()
    )
    return np.asarray(out.record[0]), np.asarray(out.record[1].dense())


# --- reset: kind x timing ---------------------------------------------------------------------------------------------

BETA, THETA, BACK = 0.9, 1.0, 0.2


def leaky_of_deep_learning(inputs, kind, next_step):
    """snnTorch's Leaky: `v <- beta v + I`, reset for the step before (`next_step`) or for this one; `s = v > theta`.

    subtract: `v -= (theta - back) s`. to value: `v = back` where `s`. Nothing is refractory.
    """

    def reset(v, s):
        return {"subtract": v - s * (THETA - BACK), "to value": np.where(s, BACK, v), "nothing": v}[kind]

    v, s, out_v, out_s = np.zeros(inputs.shape[1]), np.zeros(inputs.shape[1], bool), [], []
    for x in inputs:
        v = BETA * v + x
        if next_step:
            v = reset(v, s)
        s = v > THETA
        if not next_step:
            v = reset(v, s)
        out_v.append(v)
        out_s.append(s)
    return np.array(out_v), np.array(out_s)


INPUTS = np.random.default_rng(0).random((150, 6)) * 0.7
KINDS = {"subtract": snn.resets.Subtract, "to value": snn.resets.ToValue, "nothing": snn.resets.NoReset}


def leaky(kind, time):
    gain, above = snn.gains.PerStep(), snn.thresholds.Greater()
    return snn.LIF(
        tau=-DT / np.log(BETA),
        v_th=THETA,
        v_reset=BACK,
        gain=gain,
        comparator=above,
        reset_mechanism=kind,
        reset_time=time,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("next_step", [False, True])
def test_reset_kind_and_time(kind, next_step, x64):
    """Spikes and membranes of the recursion deep-learning libraries use; the other timing is another trajectory."""
    cell = leaky(KINDS[kind](), snn.resets.NextStep() if next_step else snn.resets.SameStep())
    v, spikes = run(cell, INPUTS)
    expected_v, expected = leaky_of_deep_learning(INPUTS, kind, next_step)
    np.testing.assert_array_equal(spikes, expected)
    np.testing.assert_allclose(v, expected_v, rtol=0, atol=1e-12)
    assert spikes.sum() > 100
    if kind != "nothing":
        assert np.any(leaky_of_deep_learning(INPUTS, kind, not next_step)[0] != expected_v)
        # the peak is what is seen of a reset that is still to come
        assert np.all((v > THETA)[spikes]) == next_step


def test_a_current_is_added_whole(x64):
    """`PerStep`: `v <- beta v + I` also for a current and a bias, which `Resistance` weighs by `1 - beta`."""
    current = np.array([0.03, 0.05])
    cell = dict(tau=-DT / np.log(BETA), v_th=9.0, bias=0.01)
    v, _ = run(snn.LIF(**cell, gain=snn.gains.PerStep()), current=current, steps=40)
    np.testing.assert_allclose(v[-1], (current + 0.01) * (1 - BETA**40) / (1 - BETA), rtol=1e-12)
    v, _ = run(snn.LIF(**cell), current=current, steps=40)
    np.testing.assert_allclose(v[-1], (current + 0.01) * (1 - BETA**40), rtol=1e-12)


def test_gains_are_one_membrane_in_three_units(x64):
    """`R I`, `I tau / C` and `I / (1 - beta)` are the same drive: the same spikes when the numbers are converted."""
    tau, current = 8.0, np.linspace(20.0, 60.0, 9)
    capacitance = run(snn.LIF(tau=tau, gain=snn.gains.Capacitance(4.0)), current=current, steps=300)
    resistance = run(snn.LIF(tau=tau, gain=snn.gains.Resistance(tau / 4.0)), current=current, steps=300)
    whole = run(
        snn.LIF(tau=tau, gain=snn.gains.PerStep()), current=current * tau / 4.0 * -np.expm1(-DT / tau), steps=300
    )
    for v, spikes in (resistance, whole):
        np.testing.assert_allclose(v, capacitance[0], rtol=0, atol=1e-10)
        np.testing.assert_array_equal(spikes, capacitance[1])
    assert capacitance[1].sum() > 20


# --- comparator: ties -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [snn.NestOrder(), snn.BrianOrder()], ids=["nest", "brian2"])
def test_exact_ties(order, dtype):
    """Jumps of 1/4 without leak reach a threshold of 2 exactly in the eighth step: `>=` fires, `>` a step later."""
    jumps = np.full((20, 1), 0.25)
    first = {}
    for comparator in (snn.thresholds.GreaterEqual(), snn.thresholds.Greater()):
        _, spikes = run(snn.LIF(tau=1e20, v_th=2.0, comparator=comparator), jumps, order=order)
        first[type(comparator)] = int(spikes[:, 0].argmax())
    late = 1 if isinstance(order, snn.BrianOrder) else 0  # Brian2's threshold is before the arrivals of its step
    assert first == {snn.thresholds.GreaterEqual: 7 + late, snn.thresholds.Greater: 8 + late}


# --- what is heard while refractory -----------------------------------------------------------------------------------


def after_a_spike(hearing, *, jump=3.0, hold=10, at=4):
    """A spike in step 0, a jump `at` steps later: `v` after every step, decaying from then on with tau."""
    jumps = np.zeros((30, 1))
    jumps[0], jumps[at] = 25.0, jump
    v, spikes = run(snn.LIF(tau=5.0, t_ref=hold * DT, v_reset=1.0, refractory_input=hearing), jumps)
    assert spikes[0, 0] and spikes.sum() == 1
    return v[:, 0]


def test_drops_keeps_integrates(x64):
    """Ten held steps, a jump of 3 mV in the fourth. Held at 1 mV, the first free step is number 11."""
    decay = np.exp(-DT / 5.0)
    steps = np.arange(30)
    dropped = np.where(steps <= 10, 1.0, decay ** (steps - 10.0))
    np.testing.assert_allclose(after_a_spike(snn.refractory.Clamp()), dropped, rtol=1e-12)

    kept = 3.0 * decay**7  # after step 4 seven of ten steps are left, counting the fourth, as NEST does
    expected = dropped + np.where(steps > 10, kept * decay ** (steps - 11.0), 0.0)
    np.testing.assert_allclose(after_a_spike(snn.refractory.Buffer()), expected, rtol=1e-12)

    expected = decay**steps + np.where(steps >= 4, 3.0 * decay ** (steps - 4.0), 0.0)
    np.testing.assert_allclose(after_a_spike(snn.refractory.Ungated()), expected, rtol=1e-12)


def test_refractory_steps():
    """`R = ceil(t_ref / dt)` held steps, so `R + 1` between spikes of a neuron that is always above threshold."""
    for t_ref, held in ((0.0, 0), (0.1, 1), (0.25, 3), (0.3, 3), (2.0, 20), (0.7, 7)):
        _, spikes = run(snn.LIF(t_ref=t_ref), np.full((70, 1), 25.0))
        assert set(np.diff(np.flatnonzero(spikes[:, 0]))) == {held + 1}, t_ref


def test_integrates_gates_only_the_threshold():
    """A neuron that hears while it is refractory fires in the first free step if what it heard is enough."""
    jumps = np.zeros((30, 1))
    jumps[0], jumps[5] = 25.0, 40.0
    for hearing, second in (
        (snn.refractory.Ungated(), 11),
        (snn.refractory.Clamp(), None),
        (snn.refractory.Buffer(), 11),
    ):
        _, spikes = run(snn.LIF(tau=20.0, t_ref=1.0, refractory_input=hearing), jumps)
        assert np.flatnonzero(spikes[:, 0]).tolist() == ([0] if second is None else [0, second])


# --- noise ------------------------------------------------------------------------------------------------------------


def test_noise_is_an_ornstein_uhlenbeck_process():
    """`LIF(noise=sd)`: mean, standard deviation `sd` and autocorrelation `exp(-t/tau)`, whatever the step.

    Neurons are independent, so the error of each statistic is its spread over neurons; 4 of these errors are allowed.
    The controls are a process of 10 % more noise, one of another mean and one of another time constant.
    """
    tau, sd, rest, n, steps = 5.0, 2.0, -3.0, 300, 1200
    for dt in (0.1, 1.0):
        lag = round(tau / dt)
        cell = snn.LIF(tau=tau, v_rest=rest, v_th=1e6, v_reset=0.0, noise=sd)
        v, _ = run(cell, current=np.zeros(n), steps=steps, dt=dt)
        v = v[5 * lag :].astype(float)

        def within(values, expected):
            values = np.asarray(values)
            return abs(values.mean() - expected) < 4.0 * values.std(ddof=1) / np.sqrt(n)

        mean, variance = v.mean(axis=0), np.mean((v - rest) ** 2, axis=0)
        correlation = np.mean((v[lag:] - rest) * (v[:-lag] - rest), axis=0) / sd**2
        assert within(mean, rest) and not within(mean, rest + 0.2)
        assert within(variance, sd**2) and not within(variance, (1.1 * sd) ** 2)
        assert within(correlation, np.exp(-1.0)) and not within(correlation, np.exp(-1.0 / 1.3))


def test_noise_draws_nothing_when_absent():
    """`noise=None` is the neuron without noise, `noise=0` gives its trajectory; neurons and steps differ otherwise."""
    quiet, zero, noisy = (
        run(snn.LIF(noise=noise), current=np.full(4, 30.0), steps=100)[0] for noise in (None, 0.0, 1.0)
    )
    np.testing.assert_array_equal(quiet, zero)
    assert len(np.unique(noisy[-1])) == 4 and np.all(np.diff(noisy, axis=0) != np.diff(quiet, axis=0))


# --- read-outs and relays ---------------------------------------------------------------------------------------------


def test_li_is_a_lif_that_never_fires():
    """The same membrane, bit for bit, and not one spike however far it goes."""
    jumps = np.random.default_rng(1).normal(5.0, 20.0, (80, 5))
    v, spikes = run(snn.LI(tau=7.0, v_rest=-2.0), jumps)
    np.testing.assert_array_equal(v, run(snn.LIF(tau=7.0, v_rest=-2.0, v_th=1e9), jumps)[0])
    assert not spikes.any() and v.max() > 20.0


def test_relay_passes_amplitudes():
    """Graded and negative amplitudes arrive at the receiver, times the weight, a delay later."""
    given = np.random.default_rng(2).integers(-3, 4, (20, 3)) / 2
    net = snn.network(
        dt=DT,
        key=KEY,
        populations={"in": snn.SpikeSource(3), "out": snn.Population(snn.Parrot(), 3)},
        projections={"on": snn.Connection("in", "out", snn.OneToOne(), weight=0.5, delay=0.4)},
    )
    record = {"v": snn.Trace("out.v"), "sum": snn.Count("in")}
    out = snn.simulate(net, snn.Replay(jnp.asarray(given), into="in"), steps=20, key=KEY, record=record)
    np.testing.assert_array_equal(out["v"][4:], 0.5 * given[:-4])
    np.testing.assert_array_equal(out["v"][:4], 0.0)
    np.testing.assert_array_equal(out["sum"], given.sum(axis=0))


# --- bad numbers ------------------------------------------------------------------------------------------------------

BAD = {
    "LIF.tau": (lambda: snn.LIF(tau=0.0), "is 0.0 ms", "more than 0"),
    "LIF.t_ref": (lambda: snn.LIF(t_ref=-1.0), "is -1.0 ms", "at least 0"),
    "LIF.v_reset": (lambda: snn.LIF(v_reset=30.0), "is 30.0 mV", "at most v_th = 20"),
    "LIF.noise": (lambda: snn.LIF(noise=-0.5), "is -0.5 mV", "at least 0"),
    "LI.tau": (lambda: snn.LI(tau=np.array([1.0, np.nan])), "nan", "no NaN"),
    "Exponential.tau": (lambda: snn.Exponential(-2.0), "is -2.0 ms", "more than 0"),
    "Alpha.tau": (lambda: snn.Alpha(0.0), "is 0.0 ms", "more than 0"),
    "Conductance.tau": (lambda: snn.Conductance(float("nan")), "is nan ms", "more than 0"),
    "Population.n": (lambda: snn.Population(snn.LIF(), 0), "is 0", "positive whole number"),
    "(3,)": (lambda: snn.Population(snn.LIF(tau=np.ones(3)), 4), "LIF", "expected () or (4,)"),
    "'fast'": (lambda: snn.LIF(tau="fast"), "str", "real number"),
}


@pytest.mark.parametrize("field", BAD)
def test_bad_numbers(field):
    """One error that names the field, what was given and what was expected; the same within `jit` for plain numbers."""
    make, given, expected = BAD[field]
    for build in (make, jax.jit(lambda: (make(), None)[1])):
        with pytest.raises(ValueError) as error:
            build()
        for part in (field, given, expected):
            assert part in str(error.value)
