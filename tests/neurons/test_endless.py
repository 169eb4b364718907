"""Infinite time constants and thresholds: every number of a neuron or port that may be infinite gives the limit.

A membrane without a leak (`tau = inf`) integrates, a current without a decay stays, an infinite threshold is never
reached. Where a gain multiplies 0 by infinity or divides infinities, the limit is a number all the same.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jaxsnn as snn
from jaxsnn._types import parameters
from tests.laws.registry import DT, NEURONS, PORTS, N, feed, port_step, trains, walk
from tests.refused import refused

STEPS = 12
FAR = 1e20  # a number of float64 at which every model is at its limit to within rounding
TOO_FAR = {"Equations", "QIF", "Parrot"}  # models of the user's own, whose numbers may be anything; a relay has none


def endless(model):
    """The numbers of a model that may be infinite upwards."""
    upwards = lambda limits: not limits["finite"] and limits["le"] is None and limits["lt"] is None
    return [name for name, _, limits in parameters(model) if upwards(limits)]


def cases(model):
    """Each of them infinite, then each of them far away, the others as they are."""
    names = endless(model)
    one = np.stack([np.broadcast_to(np.asarray(getattr(model, name), float), ()) for name in names])
    rows = np.where(np.eye(len(names), dtype=bool)[None], np.array([np.inf, FAR])[:, None, None], one)
    return names, rows.reshape(-1, len(names))


def both(model, outputs):
    """`{name: (outputs at infinity, outputs far away)}`, in one program."""
    names, rows = cases(model)
    of = lambda row: outputs(dataclasses.replace(model, **dict(zip(names, row, strict=True))))
    found = jax.tree.map(np.asarray, jax.jit(jax.vmap(of))(jnp.asarray(rows)))
    half = lambda k, i: jax.tree.map(lambda x: x[i + k * len(names)], found)
    return {name: (half(0, i), half(1, i)) for i, name in enumerate(names)}


def compared(found, about):
    for name, (ours, limit) in found.items():
        for x, y in zip(jax.tree.leaves(ours), jax.tree.leaves(limit), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9, err_msg=f"{about}.{name}")


WITH = [name for name, make in NEURONS.items() if name not in TOO_FAR and "RKF" not in name and endless(make(1.0))]


@pytest.mark.parametrize("name", WITH)
def test_infinite_numbers_of_neurons_are_limits(x64, name):
    """Under currents with a slope and without one, which has a derivative with respect to the current too."""
    x = jax.tree.map(lambda a: a[:STEPS], feed(np.float64))

    def outputs(neuron):
        run = lambda a: walk(neuron, x._replace(a=x.a + a))
        return walk(neuron, x, slope=True), *jax.jvp(run, (jnp.zeros(()),), (jnp.ones(()),))

    found = both(NEURONS[name](1.0), outputs)
    for field in {"v_th", "v_peak"} & found.keys():  # what never fires has no surrogate derivative, but far away it has
        ours, limit = found[field]
        assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(ours))
        assert not np.any(ours[1][1])
        found[field] = ours[:2], limit[:2]
    compared(found, name)


def test_infinite_numbers_of_ports_are_limits(x64):
    train = jnp.asarray(trains(np.float64)[:STEPS])

    def outputs(port):
        def body(s, x):
            return port_step(port, s, x, jnp.full(N, 0.3), jnp.asarray(5.0))

        return jax.lax.scan(body, port.init((N,), np.float64), train)

    some = {name: make(1.0) for name, make in PORTS.items() if endless(make(1.0)) and "area" not in name}
    assert len(some) >= 8
    for name, port in some.items():
        compared(both(port, outputs), name)
    with refused("DualExponential.tau_decay is inf", "UnitArea()", "UnitPeak()"):
        snn.DualExponential(tau_decay=np.inf, size=snn.synapses.UnitArea())
    with refused("DualConductance.tau_decay is inf", "UnitArea()", "UnitPeak()"):
        snn.DualConductance(tau_decay=np.inf, size=snn.synapses.UnitArea())


def test_time_constants_of_membranes_without_leak_are_limits_for_exact_ports(x64):
    """`tau_m = inf` of the membrane that a port gives its current to: its mean over the step."""
    train = jnp.asarray(trains(np.float64)[:STEPS])
    for name in ("Exponential", "Alpha", "DualExponential"):
        port = PORTS[name](1.0)

        def run(tau_m, port=port):
            body = lambda s, x: port_step(port, s, x, jnp.zeros(N), tau_m)
            return jax.lax.scan(body, port.init((N,), np.float64), train)[1][0]

        ours, limit = jax.jit(jax.vmap(run))(jnp.asarray([np.inf, FAR]))
        np.testing.assert_allclose(ours, limit, rtol=1e-9, atol=1e-9)


GAINS = {  # dv/dt of a unit of current, 1/ms
    "Capacitance": (lambda: snn.gains.Capacitance(4.0), 1 / 4.0),
    "PerStep": (lambda: snn.gains.PerStep(), 1 / DT),
    "Resistance": (lambda: snn.gains.Resistance(3.0), 0.0),
}


def ours(neuron, a, b):
    """`v` after every step, as a neuron of the library integrates it."""
    step = lambda s, x: (s := neuron.advance(s, snn.synapses.Current(*x), DT), s.v)
    s = neuron.init((), np.float64)
    out = []
    for x in zip(a, b, strict=True):
        s, v = step(s, tuple(None if y is None else jnp.asarray(y) for y in x))
        out.append(float(v))
    return np.array(out)


@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize("of", [snn.LIF, snn.LI])
def test_membranes_without_leak_against_scipy(x64, gain, of):
    """`dv/dt = rate (a + b v)` with `a` and `b` constant over each step, by SciPy's integrator."""
    made, rate = GAINS[gain]
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.3, 1.0, 6), -rng.random(6)
    neuron = of(tau=jnp.inf, gain=made(), **({"v_th": jnp.inf} if of is snn.LIF else {}))

    def integrated(slope):
        v, out = 0.0, []
        for k in range(len(a)):
            f = lambda t, v, k=k: rate * (a[k] + slope * b[k] * v)
            v = solve_ivp(f, (0.0, DT), [v], rtol=1e-11, atol=1e-12).y[0, -1]
            out.append(v)
        return np.array(out)

    np.testing.assert_allclose(ours(neuron, a, [None] * len(a)), integrated(0.0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours(neuron, a, b), integrated(1.0), rtol=1e-8, atol=1e-8)
    if rate:  # control: with a leak of 20 ms
        leaks = dataclasses.replace(neuron, tau=20.0)
        assert np.abs(ours(leaks, a, b) - integrated(1.0)).max() > 1e-4


def test_a_cell_with_a_current_of_its_own_that_does_not_leak(x64):
    """`CubaLIF(tau=inf)`: `v` is the sum of its currents, each times `dt / C`."""
    for decay in (snn.neurons.ExactDecay(), snn.neurons.EulerDecay()):
        neuron = snn.CubaLIF(
            tau_syn=2.0, tau=jnp.inf, v_th=jnp.inf, gain=snn.gains.Capacitance(4.0), decay=decay,
            reset_mechanism=snn.resets.Subtract(),
        )  # fmt: skip
        s, i, v = neuron.init((), np.float64), 0.0, 0.0
        for jump in (1.0, 0.0, 2.0, 0.0):
            s = neuron.add_jump(neuron.advance(s, snn.synapses.Current(jnp.zeros(())), DT), jnp.asarray(jump), DT)
            s = neuron.reset(s, neuron.spike(s), DT)
            i = i * (np.exp(-DT / 2.0) if isinstance(decay, snn.neurons.ExactDecay) else 1 - DT / 2.0) + jump
            v += DT / 4.0 * i
        np.testing.assert_allclose([float(s.i), float(s.v)], [i, v], rtol=1e-12)
