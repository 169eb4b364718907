"""Neurons by differential equations: a right-hand side, an integrator and a rule for spikes, all scalar."""

import math

import numpy as np
from scipy.linalg import expm

from tests.laws.registry import DT, STEPS


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
