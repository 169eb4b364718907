"""Integrate-and-fire neurons by plain NumPy: one at a time, one step at a time.

Each yields `v` and whether it fired for neuron `i` of the registry's, under the inputs `x`.
"""

import cmath
import math

from tests.laws.oracle_ports import effective
from tests.laws.registry import DT, STEPS


def leaky(v, current, slope, tau, rest, r):
    """`tau dv/dt = -(v - rest) + r (current + slope v)` solved over a step."""
    rate = (1.0 - r * slope) / tau
    target = (rest + r * current) / (rate * tau)
    return target + (v - target) * math.exp(-rate * DT)


def lif(
    i,
    x,
    late,
    sloped,
    *,
    gain="resistance",
    r=1.0,
    above=False,
    kind="value",
    later=False,
    refractory_input="clamp",
    sd=0.0,
):
    """Neuron `i` of the registry's LIF, with its choices; yields `v` and whether it fired, step by step."""
    tau, rest, threshold, reset_to, hold, bias = 5.0, 0.25, 1.5, -0.5, 3, 0.5
    v, counter, kept, pending = rest, 0, 0.0, False
    r = {"resistance": r, "capacitance": tau / r, "per step": 1.0 / (1.0 - math.exp(-DT / tau))}[gain]

    def after_reset(v):
        return {"value": reset_to, "subtract": v - (threshold - reset_to), "nothing": v}[kind]

    def hear(v, kept, deaf):
        jump = x.jump[k, i]
        if refractory_input == "ungated":
            return v + jump, kept
        if not deaf:
            return v + jump + kept, 0.0
        return v, kept + jump * math.exp(-counter * DT / tau) if refractory_input == "buffer" else kept

    for k in range(STEPS):
        held = counter > 0
        moved = leaky(v, bias + x.a[k, i], x.b[k, i] if sloped else 0.0, tau, rest, r)
        moved += sd * math.sqrt(1.0 - math.exp(-2.0 * DT / tau)) * x.noise[k, i]
        if refractory_input == "ungated" or not held:
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


def resonates(i, x, late, sloped, *, phase=False):
    """`dz/dt = g z + I` with complex `g`, solved over a step."""
    g, threshold = complex(-1.0 / 4.0, 2.0 * math.pi / 3.0), 0.75
    turn, z = cmath.exp(g * DT), 0.0j
    for k in range(STEPS):
        before, current = z.imag, x.a[k, i] + (x.b[k, i] * z.imag if sloped else 0.0)
        z = turn * (z + current / g) - current / g
        heard = z + x.jump[k, i]
        seen = z if late else heard
        fired = seen.real >= threshold and seen.imag >= 0 > before if phase else seen.imag >= threshold
        z = complex(0.0, threshold) if fired and not phase else heard
        yield z.imag, fired
