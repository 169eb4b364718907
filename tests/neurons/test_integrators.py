"""Order of convergence of every integrator against DOP853 at tight tolerance: alone, and beside ports that decay.

Errors fall as `dt^p`; `p` is the slope of their logarithms over three halvings of the step.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jaxsnn as snn

pytestmark = pytest.mark.usefixtures("x64")
G0, I0, TAU_G, TAU_I, E_REV = 12.0, 150.0, 5.0, 3.0, 0.0
STEPS = np.array([20, 40, 80, 160])


class Held(snn.integrators.RK4):
    """RK4 of the neuron alone: a port gives one current for the whole step."""

    joint = False


INTEGRATORS = {  # and order
    "Euler": (lambda: snn.integrators.Euler(), 1),
    "ExponentialEuler": (lambda: snn.integrators.ExponentialEuler(), 1),
    "RK2": (lambda: snn.integrators.RK2(), 2),
    "RK4": (lambda: snn.integrators.RK4(), 4),
    "RKF45": (lambda: snn.integrators.RKF45(1e9), 5),  # any error is small enough: one step of the pair
}
MODELS = {  # below threshold, and for how many ms
    "AdEx": (lambda integrator: snn.AdEx(bias=300.0, tau_w=20.0, integrator=integrator), 16.0),
    "HodgkinHuxley": (lambda integrator: snn.HodgkinHuxley(bias=300.0, integrator=integrator), 2.0),
}
PORTS = {"conductance": lambda: snn.Conductance(TAU_G, E_REV), "current": lambda: snn.Exponential(TAU_I)}


def exponents(model, integrator, ports=()):
    """The slopes between successive halvings, from the error of `v` at the end."""
    make, T = MODELS[model]
    cell, begin = make(integrator), {"conductance": ("g", G0), "current": ("i", I0)}
    population = snn.Population(
        cell,
        1,
        ports={name: PORTS[name]() for name in ports} or {"in": snn.Delta()},
        init={f"{name}.{begin[name][0]}": begin[name][1] for name in ports},
    )

    @jax.jit
    def end(n):
        s = population.start(jax.random.key(0))
        go = lambda _, s: population.advance(s, None, T / n.astype(float), jnp.int32(0), stream=None)
        return jax.lax.fori_loop(0, n, go, s).neuron.v[0]

    right = exact(cell, ports, T)
    errors = [abs(float(end(jnp.int32(n))) - right) for n in STEPS]
    return np.log2(np.array(errors[:-1]) / errors[1:])


def exact(cell, ports, T):
    """`v` after T ms of the neuron's own equations under the given ports."""
    s = cell.init((), float)
    flow = jax.jit(lambda y, i: cell.flow(s._replace(**dict(zip(cell.variables, y))), i))

    def rhs(t, y):
        i = (G0 * np.exp(-t / TAU_G) * (E_REV - y[0]) if "conductance" in ports else 0.0) + (
            I0 * np.exp(-t / TAU_I) if "current" in ports else 0.0
        )
        return np.array(flow(list(y), i))

    y0 = [float(getattr(s, name)) for name in cell.variables]
    return solve_ivp(rhs, (0.0, T), y0, method="DOP853", rtol=1e-13, atol=1e-13).y[0, -1]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", INTEGRATORS)
def test_order_alone(name, model):
    make, order = INTEGRATORS[name]
    found = exponents(model, make())
    assert found[-1] == pytest.approx(order, abs=0.25 if order < 5 else 0.5)


@pytest.mark.parametrize("name", INTEGRATORS)
def test_order_beside_ports(name):
    """A conductance and a current: whoever looks at them within the step keeps its order."""
    make, order = INTEGRATORS[name]
    found = exponents("AdEx", make(), ("conductance", "current"))
    assert found[-1] == pytest.approx(order, abs=0.25 if order < 5 else 0.5)


def test_order_is_lost_where_ports_are_held():
    """RK4 with one current a step: 2 with the mean of a current, 1 with a conductance frozen at the start."""
    assert exponents("AdEx", Held(), ("current",))[-1] == pytest.approx(2.0, abs=0.1)
    assert exponents("AdEx", Held(), ("conductance",))[-1] == pytest.approx(1.0, abs=0.1)


def test_exponential_euler_is_exact_for_a_linear_membrane():
    cell = snn.CobaLIF(bias=200.0, integrator=snn.integrators.ExponentialEuler())
    s = cell.advance(cell.init((), float), snn.synapses.Current(jnp.zeros(())), 7.0)
    tau, end = 250.0 / 16.6667, -70.0 + 200.0 / 16.6667
    np.testing.assert_allclose(s.v, end + (-70.0 - end) * np.exp(-7.0 / tau), rtol=1e-14)


def test_rkf45_holds_its_tolerance():
    """A spike of the squid axon: an error below 1e-4 with a tolerance of 1e-6, and more steps for less tolerance."""

    @jax.jit
    def end(tolerance):
        cell = snn.HodgkinHuxley(bias=650.0, integrator=snn.integrators.RKF45(tolerance))
        go = lambda _, s: cell.advance(s, snn.synapses.Current(jnp.zeros(())), 0.5)
        return jax.lax.fori_loop(0, 8, go, cell.init((), float)).v

    right = exact(snn.HodgkinHuxley(bias=650.0), (), 4.0)
    errors = [abs(float(end(tolerance)) - right) for tolerance in (1e-2, 1e-4, 1e-6)]
    assert errors[0] > errors[1] > errors[2] and errors[2] < 1e-4


def test_rkf45_has_no_derivative():
    """And says what to use instead; the others have one."""

    @functools.partial(jax.jit, static_argnums=1)
    def v(bias, kind):
        cell = snn.AdEx(bias=bias, integrator=kind())
        go = lambda _, s: cell.advance(s, snn.synapses.Current(jnp.zeros(())), 0.5)
        return jax.lax.fori_loop(0, 20, go, cell.init((), float)).v

    with pytest.raises(ValueError, match=r"use integrator=RK4\(\)"):
        jax.grad(v)(300.0, snn.integrators.RKF45)
    for kind in (snn.integrators.RK4, snn.integrators.ExponentialEuler):
        slope = jax.grad(v)(300.0, kind)
        difference = (v(300.0 + 1e-3, kind) - v(300.0 - 1e-3, kind)) / 2e-3
        np.testing.assert_allclose(slope, difference, rtol=1e-6)
