"""Neurons of one's own, from `variables` and `flow` alone, beside SciPy: the examples of the pages, in twelve lines."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy.integrate import solve_ivp

import jaxsnn as snn
from tests.refused import refused

KEY = jax.random.key(0)


class FitzHughNagumo(snn.neurons.AbstractODE):
    variables = ("v", "w")
    v0: Array = snn.param(-1.2)
    w0: Array = snn.param(-0.62)
    v_th: Array = snn.param(1.0)
    tau: Array = snn.param(12.5, unit="ms", gt=0.0)

    def flow(self, s, current):
        return s.v - s.v**3 / 3 - s.w + current, (s.v + 0.7 - 0.8 * s.w) / self.tau


class AdaptiveLIF(snn.neurons.AbstractODE):
    variables = ("v", "w")
    e_l: Array = snn.param(-70.0, unit="mV")
    v_th: Array = snn.param(-50.0, unit="mV")
    v_reset: Array = snn.param(-60.0, unit="mV")
    t_ref: Array = snn.param(2.0, unit="ms", ge=0.0)

    def flow(self, s, current):
        return (10.0 * (self.e_l - s.v) - s.w + current) / 200.0, (2.0 * (s.v - self.e_l) - s.w) / 100.0

    def jump(self, s, spike):
        return super().jump(s, spike)._replace(w=s.w + 60.0 * spike)


class Integrator(snn.neurons.AbstractODE):
    """No threshold: a read-out."""

    tau: Array = snn.param(10.0, unit="ms", gt=0.0)

    def flow(self, s, current):
        return ((current - s.v) / self.tau,)


@pytest.mark.parametrize("kind", [FitzHughNagumo, AdaptiveLIF])
def test_twelve_lines(kind):
    lines = [line for line in inspect.getsource(kind).splitlines() if line.strip()]
    assert len(lines) <= 12


# --- FitzHugh and Nagumo's oscillator ---------------------------------------------------------------------------------


@functools.cache
def oscillation():
    """200 ms at a current of 0.5, and where `v` comes up through 1."""
    up = lambda t, y: y[0] - 1.0
    up.direction = 1
    rhs = lambda t, y: [y[0] - y[0] ** 3 / 3 - y[1] + 0.5, (y[0] + 0.7 - 0.8 * y[1]) / 12.5]
    out = solve_ivp(rhs, (0.0, 200.0), [-1.2, -0.62], rtol=1e-10, atol=1e-10, events=up, dense_output=True)
    return out.sol, out.t_events[0]


@pytest.mark.parametrize(("how", "dt", "atol"), [("RK4", 0.1, 5e-5), ("ExponentialEuler", 0.005, 0.03)])
def test_an_oscillator(how, dt, atol, x64):
    cell = FitzHughNagumo(integrator=getattr(snn.integrators, how)())
    net = snn.network(dt=dt, key=KEY, populations={"F": snn.Population(cell, 1)})
    record = {"v": snn.Trace("F.v"), "w": snn.Trace("F.w"), "spikes": snn.Raster("F")}
    run = snn.simulate(net, snn.StepCurrent(0.5, into="F"), t=200.0, key=KEY, record=record)
    solution, times = oscillation()
    right = solution(dt * np.arange(1, 1 + round(200.0 / dt)))
    np.testing.assert_allclose(run["v"][:, 0], right[0], rtol=0, atol=atol)
    np.testing.assert_allclose(run["w"][:, 0], right[1], rtol=0, atol=atol)
    fired = (np.flatnonzero(run["spikes"].dense()[:, 0]) + 1) * dt
    assert len(times) == len(fired) > 4
    assert np.all(np.abs(fired - times) <= dt + 0.02)


# --- an adaptive cell beside two conductances -------------------------------------------------------------------------

DT, T, TAU_E, TAU_I = 0.05, 150.0, 5.0, 10.0
ARRIVALS = [
    (5.0, 25.0, 0.0),
    (20.0, 60.0, 0.0),
    (40.0, 40.0, 30.0),
    (60.0, 80.0, 0.0),
    (100.0, 100.0, 10.0),
]  # t, ge, gi


def piecewise():
    """Spike times and the membrane at the end: between arrivals and spikes by DOP853, which finds the threshold."""

    def rhs(t, y):
        v, w, e, i = y
        current = 100.0 + e * (0.0 - v) + i * (-80.0 - v)
        return [(10.0 * (-70.0 - v) - w + current) / 200.0, (2.0 * (v + 70.0) - w) / 100.0, -e / TAU_E, -i / TAU_I]

    def held(t, y):
        return [0.0, *rhs(t, y)[1:]]

    fire = lambda t, y: y[0] + 50.0
    fire.terminal, fire.direction = True, 1
    ends, y, t, until, spikes = [*(a[0] for a in ARRIVALS), T], [-70.0, 0.0, 0.0, 0.0], 0.0, 0.0, []
    for k, end in enumerate(ends):
        while t < end - 1e-9:
            stop = min(end, until) if t < until - 1e-9 else end
            out = solve_ivp(
                held if t < until - 1e-9 else rhs, (t, stop), y, method="DOP853", rtol=1e-10, atol=1e-10, events=fire
            )
            t, y = out.t[-1], list(out.y[:, -1])
            if out.status == 1:
                spikes.append(t)
                y, until = [-60.0, y[1] + 60.0, *y[2:]], t + 2.0
        if k < len(ARRIVALS):
            y[2], y[3] = y[2] + ARRIVALS[k][1], y[3] + ARRIVALS[k][2]
    return np.array(spikes), y


def test_adaptation_and_two_conductances(x64):
    """Below threshold to 1e-4 mV until the first spike; every spike within two steps of the exact one."""
    steps = round(T / DT)
    ports = {"exc": snn.Conductance(TAU_E, e_rev=0.0), "inh": snn.Conductance(TAU_I, e_rev=-80.0)}
    cell = AdaptiveLIF(integrator=snn.integrators.RK4())
    net = snn.network(dt=DT, key=KEY, populations={"A": snn.Population(cell, 1, ports=ports)})
    exc, inh = np.zeros((steps, 1)), np.zeros((steps, 1))
    for t, e, i in ARRIVALS:  # what arrives in step k acts from t_{k+1}
        exc[round(t / DT) - 1], inh[round(t / DT) - 1] = e, i
    drive = snn.Replay(exc, into="A.exc") + snn.Replay(inh, into="A.inh") + snn.StepCurrent(100.0, into="A")
    run = snn.simulate(
        net, drive, t=T, key=KEY, record={"v": snn.Trace("A.v"), "w": snn.Trace("A.w"), "s": snn.Raster("A")}
    )
    right, end = piecewise()
    fired = (np.flatnonzero(run["s"].dense()[:, 0]) + 1) * DT
    assert len(fired) == len(right) > 5
    assert np.all(np.abs(fired - right) < 0.5)
    np.testing.assert_allclose(run["v"][-1, 0], end[0], rtol=0, atol=0.1)
    np.testing.assert_allclose(run["w"][-1, 0], end[1], rtol=0, atol=1.0)


# --- what follows from the names --------------------------------------------------------------------------------------


def test_a_readout_never_fires():
    """Exact with the default integrator, which takes the derivative of `flow` by itself."""
    net = snn.network(dt=2.0, key=KEY, populations={"R": snn.Population(Integrator(), 3)})
    run = snn.simulate(
        net, snn.StepCurrent(1.0, into="R"), t=20.0, key=KEY, record={"v": snn.Trace("R.v"), "n": snn.Count("R")}
    )
    np.testing.assert_allclose(run["v"][:, 0], 1.0 - np.exp(-np.arange(2.0, 22.0, 2.0) / 10.0), rtol=1e-5)
    assert run["n"].sum() == 0


def test_refractoriness_and_what_is_kept():
    """Held where it is reset; the state has what is needed, by name, and no more."""
    assert FitzHughNagumo().init((2,), jnp.float32)._fields == ("v", "w", "before")
    assert AdaptiveLIF().init((2,), jnp.float32)._fields == ("v", "w", "r")
    assert Integrator(integrator=snn.integrators.RK4()).init((), jnp.float32)._fields == ("v", "stiff")
    assert AdaptiveLIF(integrator=snn.integrators.RKF45()).init((), jnp.float32)._fields == (
        "v",
        "w",
        "r",
        "step",
        "fired",
    )
    cell = AdaptiveLIF(v_reset=-55.0)
    s = cell.init((), jnp.float32)._replace(v=jnp.float32(-40.0))
    s = cell.reset(s, cell.spike(s), 1.0)
    assert (s.v, s.w, s.r) == (-55.0, 60.0, 2)
    assert cell.advance(s, snn.synapses.Current(jnp.float32(1e4)), 1.0).v == -55.0
    assert cell.add_jump(s, jnp.float32(50.0), 1.0).v == -55.0


def test_gradients_and_other_integrators():
    """One gradient through its spikes; `RKF45` finds a spike within a step."""

    def count(bias):
        net = snn.network(dt=0.5, key=KEY, populations={"A": snn.Population(AdaptiveLIF(), 1)})
        return snn.simulate(net, snn.StepCurrent(bias, into="A"), t=100.0, key=KEY, record=snn.Count("A")).record[0]

    value, slope = jax.value_and_grad(count)(400.0)
    assert value > 2 and jnp.isfinite(slope) and slope != 0


def test_refused():
    class Unnamed(Integrator):
        variables = ("x",)

    class Short(Integrator):
        variables = ("v", "w")

    with refused("Unnamed.variables is ('x',)", "'v', the membrane, first"):
        Unnamed()
    with refused("Integrator.integrator is 'rk4'", "expected Euler(...), ExponentialEuler(...), RK2(...), RK4(...)"):
        Integrator(integrator="rk4")
    with refused("AdaptiveLIF.v_reset is -40.0 mV", "less than v_th = -50.0 mV"):
        AdaptiveLIF(v_reset=-40.0)
    with refused("Short.flow gave 1 derivatives", "v, w"):
        cell = Short()
        cell.advance(cell.init((), jnp.float32), snn.synapses.Current(jnp.zeros(())), 0.1)
