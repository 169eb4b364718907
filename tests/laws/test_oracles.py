"""Law (d): every neuron and port against a plain NumPy loop that shares nothing with the library but the equations."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from tests.laws.registry import DT, NEURONS, PORTS, RELEASES, STEPS, N, feed, port_step, trains, walk

ORDERS = [(False, False), (True, False), (False, True)]  # (late arrivals, a current that depends on v)


# --- neurons: one at a time, one step at a time -----------------------------------------------------------------------


def leaky(v, current, slope, tau, rest, r):
    """`tau dv/dt = -(v - rest) + r (current + slope v)` solved over a step."""
    rate = (1.0 - r * slope) / tau
    target = (rest + r * current) / (rate * tau)
    return target + (v - target) * math.exp(-rate * DT)


def lif(i, x, late, sloped, *, gain="resistance", r=1.0, above=False, kind="value", later=False, hears="drops", sd=0.0):
    """Neuron `i` of the registry's LIF, with its choices; yields `v` and whether it fired, step by step."""
    tau, rest, threshold, reset_to, hold, bias = 5.0, 0.25, 1.5, -0.5, 3, 0.5
    v, counter, kept, pending = rest, 0, 0.0, False
    r = {"resistance": r, "capacitance": tau / r, "per step": 1.0 / (1.0 - math.exp(-DT / tau))}[gain]

    def after_reset(v):
        return {"value": reset_to, "subtract": v - (threshold - reset_to), "nothing": v}[kind]

    def hear(v, kept, deaf):
        jump = x.jump[k, i]
        if hears == "integrates":
            return v + jump, kept
        if not deaf:
            return v + jump + kept, 0.0
        return v, kept + jump * math.exp(-counter * DT / tau) if hears == "keeps" else kept

    for k in range(STEPS):
        held = counter > 0
        moved = leaky(v, bias + x.a[k, i], x.b[k, i] if sloped else 0.0, tau, rest, r)
        moved += sd * math.sqrt(1.0 - math.exp(-2.0 * DT / tau)) * x.noise[k, i]
        if hears == "integrates" or not held:
            v = moved
        if not late:
            v, kept = hear(v, kept, held)
        compared = after_reset(v) if pending else v
        fired = not held and (compared > threshold if above else compared >= threshold)
        if late:
            v, kept = hear(v, kept, held or fired)
        if pending:
            v = after_reset(v)
        if fired and not later:
            v = after_reset(v)
        pending = fired and later
        counter = hold if fired else max(counter - 1, 0)
        yield v, fired


def li(i, x, late, sloped):
    v = 0.25
    for k in range(STEPS):
        v = leaky(v, x.a[k, i], x.b[k, i] if sloped else 0.0, 5.0, 0.25, 1.25) + x.jump[k, i]
        yield v, False


def relay(i, x, late, sloped):
    for k in range(STEPS):
        sent = x.jump[k - late, i] if k >= late else 0.0  # what arrives after the threshold is sent a step later
        yield sent, sent


def qif(i, x, late, sloped):
    v = 0.0
    for k in range(STEPS):
        v += DT / 2.0 * (v * v + x.a[k, i] + (x.b[k, i] * v if sloped else 0.0))
        fired = v + (0.0 if late else x.jump[k, i]) >= 10.0
        v = -10.0 if fired else v + x.jump[k, i]
        yield v, fired


def cuba(i, x, late, sloped, *, recursion="new", euler=False, whole=False, later=False, integrates=False):
    """Two states: the current `j` and the membrane; conductances are taken at the start of the step."""
    tau_syn, tau, rest, threshold, reset_to, hold, bias = 2.0, 5.0, 0.25, 1.5, -0.5, 3, 0.5
    decays = (1 - DT / tau_syn, 1 - DT / tau) if euler else (math.exp(-DT / tau_syn), math.exp(-DT / tau))
    gain = 1.0 if whole else 1.25 * (1.0 - decays[1])
    v, j, counter, pending = rest, 0.0, 0, False
    back = lambda v: v - (threshold - reset_to) if later else reset_to
    for k in range(STEPS):
        held, old = counter > 0, j
        moves = integrates or not held
        j = decays[0] * j
        if recursion == "decaying":
            seen = effective(lambda u, old=old: old * math.exp(-u / tau_syn), tau)
        else:
            seen = j if recursion == "new" else old
        if moves:
            slope = x.b[k, i] * v if sloped else 0.0
            v = rest + decays[1] * (v - rest) + gain * (seen + bias + x.a[k, i] + slope)
        if recursion == "new" and not late and moves:
            v += gain * x.jump[k, i]
        j += x.jump[k, i]
        if pending:
            v = back(v)
        fired = not held and v > threshold
        v = back(v) if fired and not later else v
        pending = fired and later
        counter = hold if fired else max(counter - 1, 0)
        yield v, fired


def alif(i, x, late, sloped, *, normalised=False, later=False):
    tau, rest, threshold, reset_to, hold, bias, beta, tau_a = 5.0, 0.25, 1.0, -0.5, 3, 0.5, 0.5, 4.0
    v, a, counter, pending = rest, 0.0, 0, False
    back = lambda v: v - (threshold - reset_to) if later else reset_to
    for k in range(STEPS):
        held, a = counter > 0, a * math.exp(-DT / tau_a)
        v = v if held else leaky(v, bias + x.a[k, i], x.b[k, i] if sloped else 0.0, tau, rest, 1.0)
        v += 0.0 if late or held else x.jump[k, i]
        fired = not held and (back(v) if pending else v) >= threshold + beta * a
        v += x.jump[k, i] if late and not (held or fired) else 0.0
        v = back(v) if pending else v
        v = back(v) if fired and not later else v
        a += ((1.0 - math.exp(-DT / tau_a)) if normalised else 1.0) * fired
        pending = fired and later
        counter = hold if fired else max(counter - 1, 0)
        yield v, fired


def lapicque(i, x, late, sloped):
    v, counter = 0.0, 0
    for k in range(STEPS):
        held = counter > 0
        if not held:
            v += DT * (x.a[k, i] + (x.b[k, i] * v if sloped else 0.0) - v / 2.5) / 0.5
        fired = not held and v + (0.0 if late else x.jump[k, i]) >= 1.5
        v += 0.0 if held else x.jump[k, i]
        v, counter = (-0.5, 3) if fired else (v, max(counter - 1, 0))
        yield v, fired


NEURON_ORACLES = {
    "LIF": (lif, {}),
    "LIF above": (lif, dict(above=True)),
    "LIF subtract": (lif, dict(kind="subtract")),
    "LIF nothing": (lif, dict(kind="nothing")),
    "LIF next step": (lif, dict(later=True)),
    "LIF subtract next step": (lif, dict(kind="subtract", later=True)),
    "LIF keeps": (lif, dict(hears="keeps")),
    "LIF integrates": (lif, dict(hears="integrates")),
    "LIF resistance": (lif, dict(r=1.25)),
    "LIF capacitance": (lif, dict(gain="capacitance", r=3.0)),
    "LIF per step": (lif, dict(gain="per step")),
    "LIF noise": (lif, dict(sd=0.5)),
    "LI": (li, {}),
    "Relay": (relay, {}),
    "QIF": (qif, {}),
    "CubaLIF new": (cuba, {}),
    "CubaLIF new per step": (cuba, dict(whole=True, euler=True)),
    "CubaLIF old euler": (cuba, dict(recursion="old", euler=True)),
    "CubaLIF decaying": (cuba, dict(recursion="decaying")),
    "CubaLIF next step": (cuba, dict(later=True)),
    "CubaLIF integrates": (cuba, dict(integrates=True)),
    "ALIF": (alif, {}),
    "ALIF normalised next step": (alif, dict(normalised=True, later=True)),
    "Lapicque": (lapicque, {}),
}


def trajectory(name, x, late, sloped):
    oracle, choices = NEURON_ORACLES[name]
    runs = [list(oracle(i, x, late, sloped, **choices)) for i in range(N)]
    return np.array([[v for v, _ in run] for run in runs]).T, np.array([[s for _, s in run] for run in runs], float).T


@pytest.mark.parametrize("name", NEURONS)
def test_neuron(name, x64):
    """Same spikes and, to rounding, the same membranes, in both orders and beside a conductance; wrong numbers show."""
    x = feed("float64")
    walks = eqx.filter_jit(lambda neuron: [walk(neuron, x, late=late, slope=sloped) for late, sloped in ORDERS])
    found, off = walks(NEURONS[name](1.0)), walks(NEURONS[name](1.0 + 1e-6))
    for (late, sloped), (v, spikes), (wrong, _) in zip(ORDERS, found, off):
        expected_v, expected_spikes = trajectory(name, x, late, sloped)
        np.testing.assert_array_equal(spikes, expected_spikes)
        np.testing.assert_allclose(v, expected_v, rtol=0, atol=1e-11)
        assert name == "LI" or np.count_nonzero(spikes) > 5
        if name != "Relay":
            assert np.abs(wrong - expected_v).max() > 1e-8


def test_choices_differ():
    """Control: no two neurons of the registry do the same, but `>` and `>=`, which need a tie (`tests/neurons`)."""
    x = feed("float64")
    runs = {name: trajectory(name, x, False, False)[0] for name in NEURON_ORACLES if name not in ("LIF above",)}
    for a in runs:
        for b in runs:
            assert a == b or np.abs(runs[a] - runs[b]).max() > 1e-3, (a, b)


# --- ports: currents by quadrature ------------------------------------------------------------------------------------


def effective(current, tau_m):
    """The constant current that moves a linear membrane as `current(u)`, `0 <= u <= dt`: 40-point Gauss-Legendre."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    u, w = DT / 2 * (nodes + 1), DT / 2 * weights
    w = w if tau_m is None else w * np.exp(-(DT - u) / tau_m)
    return sum(weight * current(at) for weight, at in zip(w, u)) / w.sum()


def exponential(i, arrivals, v, tau_m, tau=2.0, frozen=False):
    s = 0.0
    for k in range(STEPS):
        yield s if frozen else effective(lambda u, s=s: s * math.exp(-u / tau), tau_m), None, None
        s = s * math.exp(-DT / tau) + arrivals[k, i]


def alpha(i, arrivals, v, tau_m, tau=2.0, frozen=False):
    s, y = 0.0, 0.0
    for k in range(STEPS):
        yield s if frozen else effective(lambda u, s=s, y=y: (s + u * y) * math.exp(-u / tau), tau_m), None, None
        s, y = (s + DT * y) * math.exp(-DT / tau), y * math.exp(-DT / tau) + arrivals[k, i] * math.e / tau


def conductance(i, arrivals, v, tau_m):
    g = 0.0
    for k in range(STEPS):
        yield 3.0 * g, -g, None
        g = g * math.exp(-DT / 2.0) + arrivals[k, i]


def dual_course(u, s, y, rise, decay):
    """What is left of `s` after `u` ms, and what the slope `y` has added."""
    k = 1 / rise - 1 / decay
    added = u * math.exp(-u / decay) if k == 0 else (math.exp(-u / decay) - math.exp(-u / rise)) / k
    return s * math.exp(-u / decay) + y * added


def peak(rise, decay):
    """The slope that makes the peak 1: by where the derivative vanishes."""
    if rise == decay:
        return math.e / rise
    when = math.log(decay / rise) / (1 / rise - 1 / decay)
    return 1.0 / dual_course(when, 0.0, 1.0, rise, decay)


def dual(i, arrivals, v, tau_m, rise=0.5, decay=2.0, frozen=False, jump=None):
    s, y, jump = 0.0, 0.0, peak(rise, decay) if jump is None else jump
    for k in range(STEPS):
        yield s if frozen else effective(lambda u, s=s, y=y: dual_course(u, s, y, rise, decay), tau_m), None, None
        s, y = dual_course(DT, s, y, rise, decay), y * math.exp(-DT / rise) + arrivals[k, i] * jump


def dual_conductance(i, arrivals, v, tau_m):
    for g, _, _ in dual(i, arrivals, v, tau_m, frozen=True):
        yield 3.0 * g, -g, None


def nmda(i, arrivals, v, tau_m, course=conductance, mg=2.0, slope=0.062, half=3.57):
    """The tangent of the blocked current at `v`: its slope by a complex step."""
    for k, (_, b, _) in enumerate(course(i, arrivals, v, tau_m)):
        at = complex(v[k, i], 1e-30)
        current = -b * (3.0 - at) / (1.0 + mg * np.exp(-slope * at) / half)
        tangent = current.imag / 1e-30
        yield current.real - tangent * v[k, i], tangent, None


def delta(i, arrivals, v, tau_m):
    for k in range(STEPS):
        yield None, None, arrivals[k, i]


PORT_ORACLES = {
    "Delta": (delta, {}),
    "Exponential": (exponential, {}),
    "Exponential frozen": (exponential, dict(frozen=True)),
    "Exponential at tau_m": (exponential, dict(tau=5.0)),
    "Alpha": (alpha, {}),
    "Alpha frozen": (alpha, dict(frozen=True)),
    "Alpha at tau_m": (alpha, dict(tau=5.0)),
    "DualExponential": (dual, {}),
    "DualExponential to area": (dual, dict(jump=1.0)),
    "DualExponential bare": (dual, dict(jump=1.5)),
    "DualExponential frozen": (dual, dict(frozen=True)),
    "DualExponential at tau_m": (dual, dict(rise=5.0, decay=5.0)),
    "Conductance": (conductance, {}),
    "DualConductance": (dual_conductance, {}),
    "NMDA": (nmda, {}),
    "NMDA that rises": (nmda, dict(course=dual_conductance, mg=1.0, slope=0.5, half=0.5)),
    "UnlessRefractory": (exponential, {}),  # what holds it is the population's business: see parity
}


def currents(port, arrivals, v, tau_m):
    def body(s, x):
        return port_step(port, s, *x, tau_m)

    return jax.lax.scan(body, port.init((N,), arrivals.dtype), (arrivals, v))[1]


@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize("tau_m", [5.0, None])
def test_port(name, tau_m, x64):
    """Currents, slopes and jumps of 120 steps, beside a linear membrane and a nonlinear one (the mean current)."""
    x = feed("float64")
    given = None if tau_m is None else jnp.asarray(tau_m)
    found = eqx.filter_jit(currents)(PORTS[name](1.0), jnp.asarray(x.jump), jnp.asarray(x.noise), given)
    oracle, choices = PORT_ORACLES[name]
    runs = [list(oracle(i, x.jump, x.noise, tau_m, **choices)) for i in range(N)]
    for part, values in enumerate(found):
        expected = [[step[part] for step in run] for run in runs]
        if values is None:
            assert all(value is None for run in expected for value in run)
        else:
            np.testing.assert_allclose(values, np.array(expected).T, rtol=0, atol=1e-12)
            if PORTS[name](1.0).__class__.__name__ != "Delta":  # control: a time constant one part in a million off
                wrong = eqx.filter_jit(currents)(
                    PORTS[name](1.0 + 1e-6), jnp.asarray(x.jump), jnp.asarray(x.noise), given
                )
                assert np.abs(wrong[part] - np.array(expected).T).max() > 1e-9


# --- releases: from spike to spike ------------------------------------------------------------------------------------


def maass_markram(train, fac=2.0):
    """A state only at spikes, `h` after the last one."""
    x, u, last, out = 1.0, 0.25, None, np.zeros(STEPS)
    for k in np.flatnonzero(train):
        if last is not None:
            h = (k - last) * DT
            x = 1.0 + (x - x * u - 1.0) * math.exp(-h / 5.0)
            u = 0.25 + (u * 0.75 * math.exp(-h / fac) if fac else 0.0)
        out[k], last = train[k] * u * x, k
    return out


def tsodyks_uziel_markram(train, psc=0.5, fac=2.0):
    """Three states that are moved by the matrix exponential of their rates."""
    flow = np.array([[-1 / psc, 0.0], [1 / psc, -1 / 5.0]])
    shares, u, last, out = np.zeros(2), 0.0, 0, np.zeros(STEPS)
    for k in np.flatnonzero(train):
        h = (k - last) * DT
        shares = expm(flow * h) @ shares
        u = u * math.exp(-h / fac) if fac else 0.0
        u += 0.25 * (1.0 - u)
        sent = u * (1.0 - shares.sum())
        shares[0] += sent
        out[k], last = train[k] * sent, k
    return out


RELEASE_ORACLES = {
    "TsodyksMarkram": maass_markram,
    "TsodyksMarkram without facilitation": lambda train: maass_markram(train, fac=0.0),
    "TsodyksUzielMarkram": tsodyks_uziel_markram,
    "TsodyksUzielMarkram at equal times": lambda train: tsodyks_uziel_markram(train, psc=5.0, fac=0.0),
    "Bernoulli": lambda train: train,  # what draws is the synapse, where it is delivered: see tests/connect
    "Binomial": lambda train: train,
}


@pytest.mark.parametrize("name", RELEASES)
def test_release(name, x64):
    """All that is sent in 120 steps; control: every number one part in a million off."""
    train = trains("float64")

    @eqx.filter_jit
    def sent(release):
        start = release.init((N,), train.dtype)
        return jax.lax.scan(lambda s, spike: release.step(s, spike, DT), start, jnp.asarray(train))[1]

    expected = np.stack([RELEASE_ORACLES[name](train[:, i]) for i in range(N)], axis=1)
    np.testing.assert_allclose(sent(RELEASES[name](1.0)), expected, rtol=0, atol=1e-13)
    if name not in ("Bernoulli", "Binomial"):
        assert np.abs(sent(RELEASES[name](1.0 + 1e-6)) - expected).max() > 1e-8
