"""Law (d): every neuron and port against a plain NumPy loop that shares nothing with the library but the equations."""

import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm
from scipy.special import gamma, gammainc

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


def twelve_lines(i, x, late, sloped):
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


def escape(i, x, late, sloped, *, hazard):
    tau, rest, threshold, reset_to, hold, bias = 5.0, 0.25, 1.5, -0.5, 3, 0.5
    v, counter = rest, 0
    for k in range(STEPS):
        held = counter > 0
        v = v if held else leaky(v, bias + x.a[k, i], x.b[k, i] if sloped else 0.0, tau, rest, 1.0)
        heard = v if held else v + x.jump[k, i]
        v = v if late else heard
        fired = not held and abs(x.noise[k, i]) % 1 < 1.0 - math.exp(-DT * hazard(v - threshold))
        v = reset_to if fired else heard
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


# --- differential equations: a right-hand side, an integrator and a rule for spikes, all scalar -----------------------


def euler(f, y, h=DT):
    return [a + h * k for a, k in zip(y, f(y))]


def midpoint(f, y):
    return [a + DT * k for a, k in zip(y, f(euler(f, y, DT / 2)))]


def runge_kutta(f, y):
    k1 = f(y)
    k2 = f([a + DT / 2 * k for a, k in zip(y, k1)])
    k3 = f([a + DT / 2 * k for a, k in zip(y, k2)])
    k4 = f([a + DT * k for a, k in zip(y, k3)])
    return [a + DT / 6 * (p + 2 * q + 2 * r + s) for a, p, q, r, s in zip(y, k1, k2, k3, k4)]


def halves(f, y):
    v = y[0]
    for _ in range(2):
        v += DT / 2 * f([v, *y[1:]])[0]
    return [v, *(a + DT * k for a, k in zip(y[1:], f([v, *y[1:]])[1:]))]


FEHLBERG = [
    [1 / 4],
    [3 / 32, 9 / 32],
    [1932 / 2197, -7200 / 2197, 7296 / 2197],
    [439 / 216, -8, 3680 / 513, -845 / 4104],
    [-8 / 27, 2, -3544 / 2565, 1859 / 4104, -11 / 40],
]
FOURTH = [25 / 216, 0, 1408 / 2565, 2197 / 4104, -1 / 5, 0]
FIFTH = [16 / 135, 0, 6656 / 12825, 28561 / 56430, -9 / 50, 2 / 55]


class Fehlberg:
    """GSL's step control; `after` is applied after every accepted step."""

    def __init__(self, absolute, relative=0.0, h=math.inf):
        self.absolute, self.relative, self.h, self.after = absolute, relative, h, lambda y: y

    def __call__(self, f, y):
        t = 0.0
        while t < DT:
            h = min(self.h, DT - t)
            k = [f(y)]
            for row in FEHLBERG:
                k.append(f([a + h * sum(c * s[j] for c, s in zip(row, k)) for j, a in enumerate(y)]))
            new = [a + h * sum(c * s[j] for c, s in zip(FIFTH, k)) for j, a in enumerate(y)]
            error = [h * sum((p - q) * s[j] for p, q, s in zip(FIFTH, FOURTH, k)) for j in range(len(y))]
            scale = [self.absolute + self.relative * abs(h * s) for s in f(new)]
            worst = max(1e-300, *(abs(e) / d for e, d in zip(error, scale)))
            if worst > 1.1:
                self.h = h * max(0.2, 0.9 * worst ** (-1 / 5))
                continue
            t = DT if self.h >= DT - t else t + h
            self.h = h * (min(5.0, max(1.0, 0.9 * worst ** (-1 / 6))) if worst < 0.5 else 1.0)
            y = self.after(new)
        return y


def cutoff(i, x, late, sloped, *, y, flow, integrate, peak, restart, hold=3, bound=True, within=False):
    """Fires where `v` reaches `peak`; `restart(y)` is what a spike does; `v` is held for `hold` steps after one.

    `within`: the spike is found, and the rest of the step is held, after the step of the integrator that made it.
    """
    integrate, counter = integrate(), 0
    for k in range(STEPS):
        held, inside = counter > 0, []

        def f(y, k=k, held=held, inside=inside):
            v = min(y[0], peak) if bound else y[0]
            current = x.a[k, i] + (x.b[k, i] * v if sloped else 0.0)
            dv, *rest = flow([v, *y[1:]], current)
            return [0.0 if held or inside else dv, *rest]

        def after(y, held=held, inside=inside):
            if held or inside or y[0] < peak:
                return y
            inside.append(True)
            return restart(y)

        if within:
            integrate.after = after
        y = integrate(f, y)
        heard = [y[0] + x.jump[k, i], *y[1:]]
        y = y if late or held else heard
        fired = not held and (bool(inside) or y[0] >= peak)
        if fired and not (inside and y[0] < peak):
            y = restart(y)
        elif late and not (held or fired):
            y = heard
        counter = hold if fired else max(counter - 1, 0)
        yield y[0], fired


def eif(v, current, w=0.0):
    return 0.4 * 0.5 * math.exp((v - 1.0) / 0.5) - 0.4 * (v - 0.25) + 0.5 + current - w


def resonator(i, x, late, sloped):
    """Two linear equations solved over a step by the matrix exponential; the refractory membrane stands still."""
    v, w, counter = 0.25, 0.0, 0
    for k in range(STEPS):
        held = counter > 0
        b = x.b[k, i] if sloped else 0.0
        dv = [(b - 1.0) / 5.0, -1.0 / 5.0, (0.25 + 0.5 + x.a[k, i]) / 5.0]
        dw = [2.0 / 4.0, -1.0 / 4.0, -2.0 * 0.25 / 4.0]
        v, w, _ = expm(DT * np.array([[0.0] * 3 if held else dv, dw, [0.0] * 3])) @ [v, w, 1.0]
        heard = v + x.jump[k, i]
        fired = not held and (v if late else heard) >= 1.5
        v = -0.5 if fired else v if held else heard
        w += 0.3 if fired else 0.0
        counter = 3 if fired else max(counter - 1, 0)
        yield v, fired


EIF = dict(y=[0.25], flow=lambda y, i: [eif(y[0], i)], peak=5.0, restart=lambda y: [-0.5])
ADEX = dict(
    y=[0.25, 0.0],
    flow=lambda y, i: [eif(y[0], i, y[1]), (0.1 * (y[0] - 0.25) - y[1]) / 4.0],
    peak=5.0,
    restart=lambda y: [-0.5, y[1] + 0.3],
)
IZHIKEVICH = dict(
    y=[-65.0, -13.0],
    flow=lambda y, i: [0.04 * y[0] ** 2 + 5 * y[0] + 140 - y[1] + 60.0 + i, 0.1 * (0.2 * y[0] - y[1])],
    peak=30.0,
    restart=lambda y: [-65.0, y[1] + 2.0],
    hold=0,
    bound=False,
)


def qif(i, x, late, sloped):
    """With exponential Euler, whose slope has that of the current."""
    v, counter = 0.25, 0
    for k in range(STEPS):
        held, b = counter > 0, x.b[k, i] if sloped else 0.0
        if not held:
            rate = (0.5 * (v - 0.25) * (v - 1.0) + 1.25 * (0.5 + x.a[k, i] + b * v)) / 2.0
            slope = (0.5 * (2 * v - 1.25) + 1.25 * b) / 2.0
            v += rate * math.expm1(DT * slope) / slope
        fired = not held and v + (0.0 if late else x.jump[k, i]) >= 6.0
        v = -0.5 if fired else v if held else v + x.jump[k, i]
        counter = 3 if fired else max(counter - 1, 0)
        yield v, fired


def quotient(x, y):
    """`x / (1 - exp(-y))`, as the rate functions are printed: 0/0 at 0, where nothing ever is."""
    return x / (1.0 - math.exp(-y))


def squid(v):
    return [
        (0.1 * quotient(v + 40, (v + 40) / 10), 4 * math.exp(-(v + 65) / 18)),
        (0.07 * math.exp(-(v + 65) / 20), 1 / (1 + math.exp(-(v + 35) / 10))),
        (0.01 * quotient(v + 55, (v + 55) / 10), 0.125 * math.exp(-(v + 65) / 80)),
    ]


def pyramidal(v):
    x = v + 63.0
    return [
        (0.32 * (13 - x) / (math.exp((13 - x) / 4) - 1), 0.28 * (x - 40) / (math.exp((x - 40) / 5) - 1)),
        (0.128 * math.exp((17 - x) / 18), 4 / (1 + math.exp((40 - x) / 5))),
        (0.032 * (15 - x) / (math.exp((15 - x) / 5) - 1), 0.5 * math.exp((10 - x) / 40)),
    ]


def hodgkin_huxley(i, x, late, sloped, *, rates, g, e, bias, v0, v_th, peak=False):
    """Exponential Euler of membrane and gates; a spike where `v_th` is crossed upwards, or just after the peak."""
    v, gates, counter = v0, [a / (a + b) for a, b in rates(v0)], 0
    for k in range(STEPS):
        m, h, n = gates
        open_ = [g[0] * m**3 * h, g[1] * n**4, g[2]]
        b = x.b[k, i] if sloped else 0.0
        slope = b - sum(open_)
        rate = sum(o * (r - v) for o, r in zip(open_, e)) + bias + x.a[k, i] + b * v
        before = v
        gates = [a / (a + c) + (s - a / (a + c)) * math.exp(-DT * (a + c)) for s, (a, c) in zip(gates, rates(v))]
        v += rate * math.expm1(DT * slope) / slope
        v += 0.0 if late else x.jump[k, i]
        fired = counter == 0 and v >= v_th and (v < before if peak else before < v_th)
        v += x.jump[k, i] if late else 0.0
        counter = 20 if fired else max(counter - 1, 0)
        yield v, fired


SQUID = dict(rates=squid, g=(120.0, 36.0, 0.3), e=(50.0, -77.0, -54.402), bias=20.0, v0=-65.0, v_th=0.0)
PYRAMIDAL = dict(rates=pyramidal, g=(100.0, 30.0, 0.05), e=(50.0, -90.0, -60.0), bias=6.0, v0=-60.0, v_th=-33.0)
LEAKY = dict(y=[0.25], flow=lambda y, i: [(0.5 + i - 0.4 * (y[0] - 0.25)) / 2.0], peak=1.5, restart=lambda y: [-0.5])

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
    "Parrot": (relay, {}),
    "QIF": (twelve_lines, {}),
    "CubaLIF new": (cuba, {}),
    "CubaLIF new per step": (cuba, dict(whole=True, euler=True)),
    "CubaLIF old euler": (cuba, dict(recursion="old", euler=True)),
    "CubaLIF decaying": (cuba, dict(recursion="decaying")),
    "CubaLIF next step": (cuba, dict(later=True)),
    "CubaLIF integrates": (cuba, dict(integrates=True)),
    "ALIF": (alif, {}),
    "ALIF normalised next step": (alif, dict(normalised=True, later=True)),
    "Equations": (resonator, {}),
    "Lapicque": (lapicque, {}),
    "EscapeLIF exponential": (escape, dict(hazard=lambda u: 0.5 * math.exp(u / 0.5))),
    "EscapeLIF sigmoid": (escape, dict(hazard=lambda u: 5.0 / (1.0 + math.exp(-u / 0.5)))),
    "EIF Euler": (cutoff, dict(EIF, integrate=lambda: euler)),
    "EIF RK2": (cutoff, dict(EIF, integrate=lambda: midpoint)),
    "AdEx RK4": (cutoff, dict(ADEX, integrate=lambda: runge_kutta)),
    "AdEx RKF45": (cutoff, dict(ADEX, integrate=lambda: Fehlberg(1e-4, 1e-4, 0.02), within=True)),
    "QIF ExponentialEuler": (qif, {}),
    "Izhikevich published": (cutoff, dict(IZHIKEVICH, integrate=lambda: halves)),
    "Izhikevich Euler": (cutoff, dict(IZHIKEVICH, integrate=lambda: euler)),
    "CobaLIF RKF45": (cutoff, dict(LEAKY, integrate=lambda: Fehlberg(1e-5))),
    "HodgkinHuxley ExponentialEuler": (hodgkin_huxley, SQUID),
    "HodgkinHuxley peak": (hodgkin_huxley, dict(SQUID, peak=True)),
    "TraubMiles": (hodgkin_huxley, PYRAMIDAL),
}


@functools.cache
def trajectory(name, late, sloped):
    oracle, choices = NEURON_ORACLES[name]
    x = feed("float64")
    runs = [list(oracle(i, x, late, sloped, **choices)) for i in range(N)]
    return np.array([[v for v, _ in run] for run in runs]).T, np.array([[s for _, s in run] for run in runs], float).T


@pytest.mark.parametrize("name", NEURONS)
def test_neuron(name, x64):
    """Same spikes and, to rounding, the same membranes, in both orders and beside a conductance; wrong numbers show."""
    x = feed("float64")
    walks = eqx.filter_jit(lambda neuron: [walk(neuron, x, late=late, slope=sloped) for late, sloped in ORDERS])
    found, off = walks(NEURONS[name](1.0)), walks(NEURONS[name](1.0 + 1e-6))
    for (late, sloped), (v, spikes), (wrong, _) in zip(ORDERS, found, off):
        expected_v, expected_spikes = trajectory(name, late, sloped)
        np.testing.assert_array_equal(spikes, expected_spikes)
        atol = 1e-10 if "RKF45" in name else 1e-11  # its steps follow an error that is itself mostly rounding
        np.testing.assert_allclose(v, expected_v, rtol=0, atol=atol)
        assert name == "LI" or np.count_nonzero(spikes) > 5
        if name != "Parrot":
            assert np.abs(wrong - expected_v).max() > 1e-8


def test_choices_differ():
    """Control: no two neurons of the registry do the same, but `>` and `>=`, which need a tie (`tests/neurons`)."""
    runs = {name: np.stack(trajectory(name, False, False)) for name in NEURON_ORACLES if name != "LIF above"}
    for a in runs:
        for b in runs:
            assert a == b or np.abs(runs[a] - runs[b]).max() > 1e-3, (a, b)


# --- ports: currents by quadrature ------------------------------------------------------------------------------------


NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)


def effective(current, tau_m):
    """The constant current that moves a linear membrane as `current(u)`, `0 <= u <= dt`: 40-point Gauss-Legendre."""
    u, w = DT / 2 * (NODES + 1), DT / 2 * WEIGHTS
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


def saturating(train):
    """With the incomplete gamma function of SciPy."""
    a, s, last, out = 0.8, 0.0, 0, np.zeros(STEPS)
    k0, k1 = gamma(a) * gammainc(a, 1.0), math.exp(-1.0) - 1.0
    for k in np.flatnonzero(train):
        s *= math.exp(-(k - last) * DT / 10.0)
        added = k0 + k1 * s
        s, out[k], last = s + added, train[k] * added, k
    return out


RELEASE_ORACLES = {
    "TsodyksMarkram": maass_markram,
    "TsodyksMarkram without facilitation": lambda train: maass_markram(train, fac=0.0),
    "TsodyksUzielMarkram": tsodyks_uziel_markram,
    "TsodyksUzielMarkram at equal times": lambda train: tsodyks_uziel_markram(train, psc=5.0, fac=0.0),
    "SaturatingRelease": saturating,
    "Bernoulli": lambda train: train,  # what draws is the synapse, where it is delivered: see tests/connectivity
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
