"""Law (d): every neuron and port against a plain NumPy loop that shares nothing with the library but the equations."""

import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.laws.oracle_cells import alif, cuba, escape, lapicque, li, lif, relay, resonates, twelve_lines
from tests.laws.oracle_odes import (
    ADEX,
    EIF,
    IZHIKEVICH,
    LEAKY,
    PYRAMIDAL,
    SQUID,
    Fehlberg,
    cutoff,
    euler,
    halves,
    hodgkin_huxley,
    midpoint,
    qif,
    resonator,
    runge_kutta,
)
from tests.laws.oracle_ports import (
    alpha,
    conductance,
    delta,
    dual,
    dual_conductance,
    exponential,
    maass_markram,
    nmda,
    saturating,
    tsodyks_uziel_markram,
)
from tests.laws.registry import DT, NEURONS, PORTS, RELEASES, N, feed, port_step, trains, walk

pytestmark = pytest.mark.unoptimised

ORDERS = [(False, False), (True, False), (False, True)]  # (late arrivals, a current that depends on v)

NEURON_ORACLES = {
    "LIF": (lif, {}),
    "LIF above": (lif, dict(above=True)),
    "LIF subtract": (lif, dict(kind="subtract")),
    "LIF nothing": (lif, dict(kind="nothing")),
    "LIF next step": (lif, dict(later=True)),
    "LIF subtract next step": (lif, dict(kind="subtract", later=True)),
    "LIF keeps": (lif, dict(refractory_input="buffer")),
    "LIF integrates": (lif, dict(refractory_input="ungated")),
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
    "ResonateAndFire": (resonates, {}),
    "ResonateAndFire phase": (resonates, dict(phase=True)),
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


# --- ports ------------------------------------------------------------------------------------------------------------

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


# --- releases ---------------------------------------------------------------------------------------------------------

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
