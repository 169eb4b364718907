"""Ports by quadrature of their currents, and releases from spike to spike."""

import math

import numpy as np
from scipy.linalg import expm
from scipy.special import gamma, gammainc

from tests.laws.registry import DT, STEPS

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


# --- releases ---------------------------------------------------------------------------------------------------------


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
