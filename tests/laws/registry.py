"""Every model, and how it is walked through time: the laws of the other files hold for each entry.

An entry is a function of one number `u`, by which its parameters are multiplied: 1 for the model as it is, anything
else for another one of its kind. Entries are functions, not models, since the precision of a number is its test's.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import jaxsnn as snn

DT = 0.1
N, STEPS = 6, 120


class QIF(snn.neurons.AbstractNeuron):
    """Quadratic integrate-and-fire: `tau dv/dt = v^2 + I`, forward Euler; from `v_peak` it restarts at `v_reset`."""

    tau: Array = snn.param(2.0, unit="ms")
    v_peak: Array = snn.param(10.0)
    v_reset: Array = snn.param(-10.0)

    def advance(self, s, current, dt, *, noise=None):
        slope = s.v if current.b is None else s.v + current.b
        return s._replace(v=s.v + dt / self.tau * (slope * s.v + current.a))

    def spike(self, s):
        return snn.surrogates.FastSigmoid()(s.v >= self.v_peak, s.v - self.v_peak, self.v_peak - self.v_reset)

    def reset(self, s, spike, dt):
        return s._replace(v=jnp.where(spike > 0, self.v_reset, s.v))


def lif(u, **choices):
    """A LIF that fires under the inputs below, holds for three steps, and whose numbers all matter."""
    numbers = dict(tau=5.0, v_rest=0.25, v_th=1.5, v_reset=-0.5, t_ref=0.3, bias=0.5)
    return snn.LIF(**{name: value * u for name, value in numbers.items()}, **choices)


def cuba(u, **choices):
    """A two-state cell that fires, holds for three steps, and whose numbers all matter."""
    numbers = dict(tau_syn=2.0, tau=5.0, v_rest=0.25, v_th=1.5, v_reset=-0.5, t_ref=0.3, bias=0.5)
    choices = {"gain": snn.gains.Resistance(1.25 * u), **choices}
    return snn.CubaLIF(**{name: value * u for name, value in numbers.items()}, **choices)


CUBA = {
    "new": dict(),
    "new per step": dict(gain=snn.gains.PerStep(), decay=snn.neurons.EulerDecay()),
    "old euler": dict(recursion=snn.neurons.CurrentBeforeInput(), decay=snn.neurons.EulerDecay()),
    "decaying": dict(recursion=snn.neurons.DecayingCurrent()),
    "next step": dict(reset_mechanism=snn.resets.Subtract(), reset_time=snn.resets.NextStep()),
    "integrates": dict(refractory_input=snn.refractory.Ungated()),
}


def alif(u, **choices):
    """An adaptive LIF: its threshold rises by a half with every spike."""
    numbers = dict(tau=5.0, v_rest=0.25, v_th=1.0, v_reset=-0.5, t_ref=0.3, bias=0.5, beta=0.5, tau_a=4.0)
    return snn.ALIF(**{name: value * u for name, value in numbers.items()}, **choices)


def exponential(u, **choices):
    """An exponential upstroke from rest at 0 to a peak at 5, held for three steps after it."""
    numbers = dict(c=1.0, g_l=0.4, e_l=0.25, v_t=1.0, delta_t=0.5, v_peak=5.0, v_reset=-0.5, t_ref=0.3, bias=0.5)
    return snn.EIF(**{name: value * u for name, value in numbers.items()}, **choices)


def adaptive(u, **choices):
    """The same with an adaptation current."""
    numbers = dict(c=1.0, g_l=0.4, e_l=0.25, v_t=1.0, delta_t=0.5, v_peak=5.0, v_reset=-0.5, t_ref=0.3, bias=0.5)
    more = dict(a=0.1, tau_w=4.0, b=0.3)
    return snn.AdEx(**{name: value * u for name, value in {**numbers, **more}.items()}, **choices)


def quadratic(u, **choices):
    numbers = dict(tau=2.0, k=0.5, v_rest=0.25, v_c=1.0, r=1.25, v_peak=6.0, v_reset=-0.5, t_ref=0.3, bias=0.5)
    return snn.QIF(**{name: value * u for name, value in numbers.items()}, **choices)


def recovering(u, **choices):
    """An Izhikevich cell driven hard enough to fire within 12 ms."""
    return snn.Izhikevich(a=0.1 * u, d=2.0 * u, bias=60.0 * u, **choices)


def conducting(u, **choices):
    numbers = dict(c=2.0, g_l=0.4, e_l=0.25, v_th=1.5, v_reset=-0.5, t_ref=0.3, bias=0.5)
    return snn.CobaLIF(**{name: value * u for name, value in numbers.items()}, **choices)


def squid(u, **choices):
    """A square centimetre of the squid axon, in uF, mS and uA."""
    return snn.HodgkinHuxley(c=u, g_na=120.0 * u, g_k=36.0 * u, g_l=0.3 * u, bias=20.0 * u, **choices)


def pyramidal(u, **choices):
    return snn.TraubMiles(c=u, g_na=100.0 * u, g_k=30.0 * u, g_l=0.05 * u, bias=6.0 * u, v_t=-63.0 * u, **choices)


def resonates(u, firing):
    """A turn of 3 ms that lasts about as long, at a threshold that some of its turns reach."""
    return snn.neurons.ResonateAndFire(period=3.0 * u, tau=4.0 * u, v_th=0.75 * u, firing=firing)


RESONATOR = dict(
    threshold="v >= v_th", reset="v = v_reset; w += b", refractory="t_ref + 0.1*ms", method="exact",
    equations="""
    dv/dt = (v_rest - v - w + bias + i)/tau : 1 (unless refractory)
    dw/dt = (a*(v - v_rest) - w)/tau_w : 1
    tau : second
    tau_w : second
    t_ref : second
    """,
)  # fmt: skip
RESONATES = dict(tau=5.0, v_rest=0.25, v_th=1.5, v_reset=-0.5, t_ref=0.3, bias=0.5, a=2.0, tau_w=4.0, b=0.3)


def by_equations(u):
    """Two variables that drive each other, of which a spike holds one: a class made of text."""
    numbers = {name: value * u for name, value in RESONATES.items()}
    defaults = {name: x for name, x in RESONATES.items() if name not in ("tau", "tau_w", "t_ref")}
    kind = snn.equations.neuron(**RESONATOR, **defaults)
    return kind(**numbers, v=numbers["v_rest"])


def escape(u, hazard):
    numbers = dict(tau=5.0, v_rest=0.25, v_th=1.5, v_reset=-0.5, t_ref=0.3, bias=0.5)
    return snn.EscapeLIF(**{name: value * u for name, value in numbers.items()}, hazard=hazard)


INTEGRATED = [
    ("EIF", exponential, "Euler", snn.integrators.Euler),
    ("EIF", exponential, "RK2", snn.integrators.RK2),
    ("AdEx", adaptive, "RK4", snn.integrators.RK4),
    ("AdEx", adaptive, "RKF45", lambda: snn.integrators.RKF45(1e-4, relative=1e-4, first=0.02)),
    ("QIF", quadratic, "ExponentialEuler", snn.integrators.ExponentialEuler),
    ("Izhikevich", recovering, "published", snn.integrators.SemiImplicitEuler),
    ("Izhikevich", recovering, "Euler", snn.integrators.Euler),
    ("CobaLIF", conducting, "RKF45", lambda: snn.integrators.RKF45(1e-5)),
    ("HodgkinHuxley", squid, "ExponentialEuler", snn.integrators.ExponentialEuler),
]


NEURONS = {
    "LIF": lambda u: lif(u),
    "LIF above": lambda u: lif(u, comparator=snn.thresholds.Greater()),
    "LIF subtract": lambda u: lif(u, reset_mechanism=snn.resets.Subtract()),
    "LIF nothing": lambda u: lif(u, reset_mechanism=snn.resets.NoReset()),
    "LIF next step": lambda u: lif(u, reset_time=snn.resets.NextStep()),
    "LIF subtract next step": lambda u: lif(u, reset_mechanism=snn.resets.Subtract(), reset_time=snn.resets.NextStep()),
    "LIF keeps": lambda u: lif(u, refractory_input=snn.refractory.Buffer()),
    "LIF integrates": lambda u: lif(u, refractory_input=snn.refractory.Ungated()),
    "LIF resistance": lambda u: lif(u, gain=snn.gains.Resistance(1.25 * u)),
    "LIF capacitance": lambda u: lif(u, gain=snn.gains.Capacitance(3.0 * u)),
    "LIF per step": lambda u: lif(u, gain=snn.gains.PerStep()),
    "LIF noise": lambda u: lif(u, noise=0.5 * u),
    "LI": lambda u: snn.LI(tau=5.0 * u, v_rest=0.25 * u, gain=snn.gains.Resistance(1.25 * u)),
    "Parrot": lambda u: snn.Parrot(),
    "QIF": lambda u: QIF(tau=2.0 * u),
    **{f"CubaLIF {name}": lambda u, c=choices: cuba(u, **c) for name, choices in CUBA.items()},
    "ALIF": lambda u: alif(u),
    "ALIF normalised next step": lambda u: alif(
        u,
        increment=snn.neurons.NormalisedIncrement(),
        reset_mechanism=snn.resets.Subtract(),
        reset_time=snn.resets.NextStep(),
    ),
    **{f"{name} {how}": lambda u, f=f, i=i: f(u, integrator=i()) for name, f, how, i in INTEGRATED},
    "HodgkinHuxley peak": lambda u: squid(u, detector=snn.neurons.PeakDetector()),
    "TraubMiles": lambda u: pyramidal(u),
    "EscapeLIF exponential": lambda u: escape(u, snn.neurons.ExponentialHazard(0.5 / u, 0.5 * u)),
    "EscapeLIF sigmoid": lambda u: escape(u, snn.neurons.SigmoidHazard(5.0 / u, 0.5 * u)),
    "Equations": by_equations,
    "ResonateAndFire": lambda u: resonates(u, snn.neurons.AtThreshold()),
    "ResonateAndFire phase": lambda u: resonates(u, snn.neurons.AtPhaseZero()),
    "Lapicque": lambda u: snn.Lapicque(2.5 * u, 0.5 * u, v_th=1.5 * u, v_reset=-0.5 * u, t_ref=0.3 * u),
}

PORTS = {
    "Delta": lambda u: snn.Delta(),
    "Exponential": lambda u: snn.Exponential(2.0 * u),
    "Exponential frozen": lambda u: snn.Exponential(2.0 * u, hold=snn.synapses.ZeroOrderHold()),
    "Exponential at tau_m": lambda u: snn.Exponential(5.0 * u),
    "Alpha": lambda u: snn.Alpha(2.0 * u),
    "Alpha frozen": lambda u: snn.Alpha(2.0 * u, hold=snn.synapses.ZeroOrderHold()),
    "Alpha at tau_m": lambda u: snn.Alpha(5.0 * u),
    "DualExponential": lambda u: snn.DualExponential(0.5 * u, 2.0 * u),
    "DualExponential to area": lambda u: snn.DualExponential(0.5 * u, 2.0 * u, size=snn.synapses.UnitArea()),
    "DualExponential bare": lambda u: snn.DualExponential(0.5 * u, 2.0 * u, size=snn.synapses.Unnormalised()),
    "DualExponential frozen": lambda u: snn.DualExponential(0.5 * u, 2.0 * u, hold=snn.synapses.ZeroOrderHold()),
    "DualExponential at tau_m": lambda u: snn.DualExponential(5.0 * u, 5.0 * u),
    "Conductance": lambda u: snn.Conductance(2.0 * u, 3.0 * u),
    "DualConductance": lambda u: snn.DualConductance(0.5 * u, 2.0 * u, 3.0 * u),
    "NMDA": lambda u: snn.NMDA(snn.Conductance(2.0 * u, 3.0 * u), mg=2.0 * u),
    "NMDA that rises": lambda u: snn.NMDA(snn.DualConductance(0.5 * u, 2.0 * u, 3.0 * u), slope=0.5 * u, half=0.5 * u),
    "UnlessRefractory": lambda u: snn.UnlessRefractory(snn.Exponential(2.0 * u)),
}

RELEASES = {
    "TsodyksMarkram": lambda u: snn.TsodyksMarkram(0.25 * u, 5.0 * u, 2.0 * u),
    "TsodyksMarkram without facilitation": lambda u: snn.TsodyksMarkram(0.25 * u, 5.0 * u, 0.0 * u),
    "TsodyksUzielMarkram": lambda u: snn.TsodyksUzielMarkram(0.25 * u, 0.5 * u, 5.0 * u, 2.0 * u),
    "TsodyksUzielMarkram at equal times": lambda u: snn.TsodyksUzielMarkram(0.25 * u, 5.0 * u, 5.0 * u, 0.0 * u),
    "SaturatingRelease": lambda u: snn.connectivity.SaturatingRelease(0.5 * u, 2.0 * u, 10.0 * u),
    "Bernoulli": lambda u: snn.connectivity.Bernoulli(0.25 * u),
    "Binomial": lambda u: snn.connectivity.Binomial(0.25 * u, 3),
}

DRIVES = {
    "Silence": lambda u: snn.drives.Silence(),
    "Poisson": lambda u: snn.Poisson(5000.0 * u, 0.5 * u, into=("P", "Q"), start=1.0 * u, most=1.0),
    "Replay": lambda u: snn.Replay(jnp.asarray(np.arange(STEPS * N).reshape(STEPS, N) % 5), into="P", weight=0.5 * u),
    "StepCurrent": lambda u: snn.StepCurrent(0.5 * u, into="P", stop=5.0 * u),
    "TimedArray": lambda u: snn.TimedArray(u * np.cos(np.arange(STEPS)), into=("P", "Q")),
    "TimedArray each": lambda u: snn.TimedArray(u * np.cos(np.arange(STEPS * N)).reshape(STEPS, N), into="P"),
    "NoiseCurrent": lambda u: snn.NoiseCurrent(0.5 * u, 0.1 * u, into=("P", "Q"), every=0.2),
    "Sum": lambda u: (
        snn.Poisson(5000.0 * u, into="P", most=1.0) + snn.StepCurrent(0.5 * u, into="Q") + snn.NoiseCurrent(u, into="P")
    ),
}


class Feed(NamedTuple):
    """What a neuron is fed in every step, shape `(steps, n)`: a current `a + b v`, jumps of `v`, normal numbers."""

    a: Any
    b: Any
    jump: Any
    noise: Any


def feed(dtype, seed=0):
    """Currents that make it fire now and then, rare jumps, and a slope that pulls."""
    rng = np.random.default_rng(seed)
    jump = np.where(rng.random((STEPS, N)) < 0.2, rng.normal(0.5, 1.0, (STEPS, N)), 0.0)
    a, b, noise = rng.normal(1.2, 1.0, (STEPS, N)), -rng.random((STEPS, N)), rng.normal(size=(STEPS, N))
    return Feed(*(x.astype(dtype) for x in (a, b, jump, noise)))


def neuron_step(neuron, s, x, *, late=False, slope=False):
    """One step of a neuron in NEST's order, or in Brian2's (`late`: arrivals after the threshold)."""
    noise = abs(x.noise) % 1 if isinstance(neuron, snn.EscapeLIF) else x.noise  # uniform where that is wanted
    s = neuron.advance(s, snn.synapses.Current(x.a, x.b if slope else None), DT, noise=noise if neuron.noisy else None)
    if late:
        spike = neuron.spike(s)
        s = neuron.add_jump(s, x.jump, DT, fired=spike > 0)
    else:
        s = neuron.add_jump(s, x.jump, DT)
        spike = neuron.spike(s)
    return neuron.reset(s, spike, DT), spike


def walk(neuron, x, **order):
    """All steps: `v` after every step and the spikes, shape `(steps, n)`."""

    def body(s, x):
        s, spike = neuron_step(neuron, s, x, **order)
        return s, (s.v, spike)

    start = neuron.init((N,), x.a.dtype)
    return jax.lax.scan(body, start, jax.tree.map(jnp.asarray, x))[1]


def trains(dtype, seed=1):
    """Trains of single spikes, some in neighbouring steps and a few of them graded; the first sender never fires."""
    rng = np.random.default_rng(seed)
    train = np.where(rng.random((STEPS, N)) < 0.2, rng.choice([1.0, 1.0, 1.0, 2.0, 0.5], (STEPS, N)), 0.0)
    train[:, 0] = 0.0
    return train.astype(dtype)


def port_step(port, s, arrivals, v, tau_m):
    """One step of a port: its state, the current `a` and slope `b` it gave (None: none), and the jump it caused."""
    s, current = port.advance(s, v, DT, tau_m)
    s, jump = port.receive(s, arrivals)
    a, b = (None, None) if current is None else (current.a, current.b)
    return s, (a, b, jump)
