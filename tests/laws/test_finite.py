"""Law (e), far from threshold and far from rest: a derivative is finite wherever the value is, in single precision.

Every registered neuron, port, release, rule and surrogate takes a step from extreme states, with all of its numbers
given one for each case; derivatives with respect to state, input and numbers, forwards and in reverse. One program.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.laws.registry import DT, NEURONS, PORTS, RELEASES, neuron_step, port_step
from tests.laws.test_gradients import SURROGATES

EXTREMES = np.array(
    [-1e6, -3e3, -1e3, -300.0, -120.0, -40.0, -1e-30, 0.0, 1e-30, 0.5, 1.0, 20.0, 50.0, 300.0, 1e3, 3e3, 1e6]
)
N = len(EXTREMES)
FAR = jnp.asarray(EXTREMES, jnp.float32)


def each(tree):
    """All real numbers with one for each case."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (N,)) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree)


def real(tree):
    leaves, structure = jax.tree.flatten(tree)
    at = [i for i, x in enumerate(leaves) if jnp.issubdtype(x.dtype, jnp.floating)]

    def whole(numbers):
        out = list(leaves)
        for i, x in zip(at, numbers, strict=True):
            out[i] = x
        return jax.tree.unflatten(structure, out)

    return [leaves[i] for i in at], whole


def broken(step, given):
    """Cases whose outputs are finite, and a derivative is not: forwards, and in reverse, one boolean a case."""
    numbers, whole = real(given)
    outputs = lambda numbers: real(step(*whole(numbers)))[0]
    values, tangents = jax.jvp(outputs, (numbers,), ([jnp.ones_like(x) for x in numbers],))
    fine = functools.reduce(jnp.logical_and, [jnp.isfinite(x) for x in values])
    _, back = jax.vjp(outputs, numbers)
    (gradients,) = back([jnp.ones_like(x) for x in values])
    wrong = lambda xs: fine & ~functools.reduce(jnp.logical_and, [jnp.isfinite(x) for x in xs])
    return jnp.stack([wrong(tangents), wrong(gradients)]), jnp.sum(fine)


def neurons():
    seen = set()
    for name, make in NEURONS.items():
        neuron = make(1.0)
        kind = type(neuron), type(getattr(neuron, "integrator", None))
        if kind in seen:  # choices of a class do not change its equations
            continue
        seen.add(kind)
        if getattr(getattr(neuron, "integrator", None), "adaptive", False):
            continue
        start = neuron.init((N,), jnp.float32)._replace(v=FAR)

        def step(neuron, s, a, b, jump):
            x = lambda **k: type("Feed", (), dict(a=a, b=b, jump=jump, noise=0.3 * jnp.ones(N)))
            return neuron_step(neuron, s, x(), slope=True)

        yield name, step, (each(neuron), start, jnp.full(N, 50.0), jnp.full(N, -0.1), jnp.zeros(N))


def ports():
    for name, make in PORTS.items():
        port = make(1.0)
        start = each(port.init((N,), jnp.float32))
        step = lambda port, s, x, v, tau: port_step(port, s, x, v, tau)
        yield f"port {name}", step, (each(port), start, jnp.full(N, 1e4), FAR, jnp.full(N, 5.0))


def releases():
    for name, make in RELEASES.items():
        release = make(1.0)
        step = lambda release, s, spike: release.step(s, spike, DT)
        for spike in (0.0, 1.0):
            yield (
                f"{name} of {spike:g}",
                step,
                (each(release), each(release.init((N,), jnp.float32)), jnp.full(N, spike)),
            )


def surrogates():
    for name, (make, *_) in SURROGATES.items():
        for span in (1e-3, 0.0):
            step = lambda surrogate, x, span: (surrogate.slope(x), surrogate(x > 0, x, span))
            yield f"{name} over {span:g}", step, (each(make()), FAR, jnp.full(N, span))


def dependences():
    for name, make in {
        "Guetig": lambda: snn.plasticity.Guetig(1.0, 0.4, 0.7),
        "PowerLaw": lambda: snn.plasticity.PowerLaw(0.7, 0.4),
    }.items():
        yield name, lambda rule, w: (rule.plus(w), rule.minus(w)), (each(make()), FAR)


class Overflowing(snn.surrogates.AbstractSurrogate):
    """The control: of finite value, with a derivative of 0 times infinity."""

    def slope(self, x):
        return 1.0 / (1.0 + jnp.exp(jnp.abs(x)))


CASES = {
    name: (step, given) for kind in (neurons, ports, releases, dependences, surrogates) for name, step, given in kind()
}
CASES["control"] = (lambda x: Overflowing().slope(x), (FAR,))


@functools.cache
def found():
    steps = {name: step for name, (step, _) in CASES.items()}
    program = jax.jit(lambda given: {name: broken(step, given[name]) for name, step in steps.items()})
    return jax.device_get(program({name: given for name, (_, given) in CASES.items()}))


@pytest.mark.parametrize("name", CASES)
def test_a_derivative_is_finite_where_the_value_is(name):
    wrong, fine = found()[name]
    if name == "control":
        assert np.any(wrong)
    else:
        assert fine >= N // 3, "most of these states have finite values"
        assert not np.any(wrong), {way: EXTREMES[bad].tolist() for way, bad in zip(("forwards", "reverse"), wrong)}
