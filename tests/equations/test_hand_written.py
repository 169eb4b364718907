"""Equations of the library's own neurons are those neurons, values and gradients."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.laws.registry import adaptive, feed, lif, neuron_step, recovering

HELD = "t_ref + 0.1*ms"  # Brian2 counts the step of the spike
LIF = snn.equations.neuron(
    """dv/dt = (v_rest - v + bias + i)/tau : volt (unless refractory)
    tau : second
    t_ref : second
    v_rest : volt
    v_th : volt
    v_reset : volt
    bias : volt""",
    threshold="v >= v_th", reset="v = v_reset", refractory=HELD, method="exact",
)  # fmt: skip
ADEX = """dv/dt = (g_l*delta_t*exp((seen - v_t)/delta_t) - g_l*(seen - e_l) + bias + i - w)/c : volt (unless refractory)
    dw/dt = (a*(seen - e_l) - w)/tau_w : amp
    seen = clip(v, -1*volt, v_peak) : volt"""
IZHIKEVICH = """dv/dt = quadratic*v*v + linear*v + constant - u + bias + i : volt (unless refractory)
    du/dt = a*(b*v - u) : volt/second
    """
SQUID = """dv/dt = (g_na*m**3*h*(e_na - v) + g_k*n**4*(e_k - v) + g_l*(e_l - v) + bias + i)/c : volt
    dm/dt = (1 - m)/exprel(-(v + 40*mV)/(10*mV))/ms - 4*exp(-(v + 65*mV)/(18*mV))*m/ms : 1
    dh/dt = 0.07*exp(-(v + 65*mV)/(20*mV))*(1 - h)/ms - h/(1 + exp(-(v + 35*mV)/(10*mV)))/ms : 1
    dn/dt = 0.1*(1 - n)/exprel(-(v + 55*mV)/(10*mV))/ms - 0.125*exp(-(v + 65*mV)/(80*mV))*n/ms : 1"""


def like(kind, own, start):
    """The same numbers, by name."""
    return kind(**{name: getattr(own, name) for name in kind.model.parameters}, **start)


def by(equations, own, method, start, **effects):
    """A class whose parameters, which need no unit here, are those of a neuron of the library."""
    names = {name for name in own.__dataclass_fields__ if eqx.is_array(getattr(own, name))}
    used = " ".join([equations, *map(str, effects.values())])
    kind = snn.equations.neuron(
        equations, method=method, **effects, **{name: 1.0 for name in names if name in _words(used)}
    )
    return like(kind, own, start(own))


def _words(text):
    return "".join(c if c.isalnum() or c == "_" else " " for c in text).split()


def adex(own, method):
    effects = {"threshold": "v >= v_peak", "reset": "v = v_reset; w += b", "refractory": HELD}
    return by(ADEX, own, method, lambda own: {"v": own.e_l}, **effects)


def izhikevich(own, method):
    start = lambda own: {"v": own.v0, "u": own.b * own.v0}
    return by(IZHIKEVICH, own, method, start, threshold="v >= v_peak", reset="v = c; u += d", refractory=HELD)


def squid(own, method):
    """Without its threshold, which the library looks for on the way up."""
    return by(SQUID, own, method, lambda own: {name: getattr(own.init((), jnp.float64), name) for name in "vmhn"})


def hodgkin_huxley():
    return snn.HodgkinHuxley(c=1.0, g_na=120.0, g_k=36.0, g_l=0.3, bias=20.0)


EULER = snn.integrators.Euler()
PAIRS = {  # a neuron of the library, the same by equations, and whether arrivals come late
    "LIF": (lambda: lif(1.0), lambda own: like(LIF, own, {"v": own.v_rest}), False),
    "AdEx": (lambda: adaptive(1.0), lambda own: adex(own, "exponential_euler"), True),
    "Izhikevich": (lambda: recovering(1.0, integrator=EULER), lambda own: izhikevich(own, "euler"), True),
    "Hodgkin and Huxley": (hodgkin_huxley, lambda own: squid(own, "exponential_euler"), True),
}


def walked(own, x, make, late):
    """The membranes and spikes of all steps."""
    neuron = make(own)

    def body(s, x):
        s, spike = neuron_step(neuron, s, x, late=late)
        return s, (s.v, spike)

    return jax.lax.scan(body, neuron.init(x.a.shape[1:], x.a.dtype), x)[1]


def loss(own, x, make, late):
    """A sum of all membranes and spikes, with weights of their own."""
    v, spikes = walked(own, x, make, late)
    weights = jnp.cos(jnp.arange(v.size, dtype=v.dtype)).reshape(v.shape)
    return jnp.sum(weights * v) + jnp.sum(jnp.sin(weights) * spikes), (v, spikes)


@pytest.mark.parametrize("name", PAIRS)
def test_values_and_gradients(name, x64):
    """Values of all; gradients of two, by the numbers of the hand-written one, from which both are made."""
    make, by_equations, late = PAIRS[name]
    own, x = make(), jax.tree.map(jnp.asarray, feed("float64"))
    if name in ("LIF", "AdEx"):
        both = eqx.filter_jit(eqx.filter_value_and_grad(loss, has_aux=True))
        (_, (v, spikes)), slopes = both(own, x, by_equations, late)
        (_, (v0, spikes0)), slopes0 = both(own, x, lambda own: own, late)
        for parameter in by_equations(own).model.parameters:
            got, want = getattr(slopes, parameter), getattr(slopes0, parameter)
            np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-9, err_msg=parameter)
            assert np.any(want) or parameter == "t_ref"
    else:
        run = eqx.filter_jit(walked)
        (v, spikes), (v0, spikes0) = run(own, x, by_equations, late), run(own, x, lambda own: own, late)
    np.testing.assert_allclose(v, v0, rtol=1e-9, atol=1e-9 * np.abs(v0).max())
    if by_equations(own).model.threshold is not None:
        np.testing.assert_array_equal(spikes, spikes0)
        assert spikes0.sum() > 5
