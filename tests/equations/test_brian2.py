"""Neurons by equations are those of Brian2: every variable and every spike, in float64.

The golden data and what each case is are in `tests/oracles/brian2_equations.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.oracles.brian2_equations import CASES, DT, GOLDEN, SEED, STEPS, TRACED, N, drive, spikes


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(GOLDEN))


def made(case, **changed):
    """The class and its neurons."""
    given = {"threshold": case.threshold, "reset": case.reset, "refractory": case.refractory, "method": case.method}
    kind = snn.equations.neuron(case.equations, **{**given, **changed}, **case.values)
    start = {name: f"{number}*{unit}" for name, (number, unit) in case.start.items()}
    zeros = {name: 0.0 for name in ("spikes",) if name in kind.model.assigned}
    return kind(I=drive(case), **start, **zeros)


def numbers(case):
    """The random numbers of every step, as NumPy gives them to Brian2; None if there are none."""
    state = np.random.RandomState(SEED)
    if "xi" in case.equations:
        return jnp.asarray(state.randn(STEPS, N))
    return jnp.asarray(state.rand(STEPS, N)) if "rand()" in (case.threshold or "") else None


def walked(neuron, case, noise, late=True):
    """All steps in Brian2's order: the state after each, and the spikes."""
    step, who = spikes()
    variable, number, unit = case.jump
    size = number * snn.equations.dimensions.unit(unit)[0]
    arrivals = np.zeros((STEPS, N))
    np.add.at(arrivals, (step, who), size)
    neuron = neuron.prepared(DT)

    def body(s, x):
        arrived, noise = x
        s = neuron.advance(s, snn.synapses.Current(jnp.zeros(N)), DT, noise=noise)
        s = s if late else neuron.add_to(s, variable, arrived, DT)
        fired = neuron.spike(s)
        s = neuron.add_to(s, variable, arrived, DT, fired=fired > 0) if late else s
        s = neuron.reset(s, fired, DT)
        return s, (s, fired)

    return jax.jit(lambda: jax.lax.scan(body, neuron.init((N,), jnp.float64), (jnp.asarray(arrivals), noise))[1])()


def differences(kind, states, fired, golden, name):
    """The spikes that differ, and the largest difference of a variable in units of its range."""
    at, who = np.nonzero(np.asarray(fired))
    mine = {*zip(at.tolist(), who.tolist())}
    theirs = {*zip(*(golden.get(f"{name}.spike_{x}", np.zeros(0, int)).tolist() for x in ("step", "neuron")))}
    worst = 0.0
    for variable in states._fields:
        if (want := golden.get(f"{name}.{variable}")) is not None:
            got = np.asarray(getattr(states, variable))[:TRACED] * kind.model.dimensions[variable].scale  # in SI units
            worst = max(worst, np.abs(got - want).max() / np.ptp(want))
    return len(mine ^ theirs), worst


@pytest.mark.parametrize("name", CASES)
def test_every_variable_and_every_spike(name, golden, x64):
    case = CASES[name]
    cells = made(case)
    wrong, worst = differences(type(cells), *walked(cells, case, numbers(case)), golden, name)
    assert wrong == 0 and worst < 1e-9
