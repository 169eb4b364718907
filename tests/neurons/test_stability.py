"""Every integrator of a nonlinear neuron is stable, or says that it is not: beside fine steps, over steps and input.

Whatever is not reported has to be near the fine steps, and inhibition alone never fires a cell.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.refused import refused

KEY, T = jax.random.key(0), 60.0
INTEGRATORS = {
    "Euler": snn.integrators.Euler,
    "SemiImplicitEuler": snn.integrators.SemiImplicitEuler,
    "RK2": snn.integrators.RK2,
    "RK4": snn.integrators.RK4,
    "ExponentialEuler": snn.integrators.ExponentialEuler,
}
CELLS = {"AdEx": snn.AdEx, "Izhikevich": snn.Izhikevich, "CobaLIF": snn.CobaLIF}
CURRENTS = {"AdEx": (0.0, 1000.0), "Izhikevich": (0.0, 20.0), "CobaLIF": (0.0, 1000.0)}
CONDUCTANCES = {"AdEx": (0.0, 800.0), "Izhikevich": (0.0, 5.0), "CobaLIF": (0.0, 800.0)}
STEPS = np.array([0.1, 0.5, 1.0])


def points(name):
    """Every current beside no conductance and a strong inhibitory one."""
    return jnp.array([(i, g) for i in CURRENTS[name] for g in CONDUCTANCES[name]])


def counted(cell, at, dt):
    """Spikes of every point in T ms, and whether the run would be reported."""
    population = snn.Population(cell, len(at), ports={"i": snn.Conductance(1e9, e_rev=-80.0)}, init={"i.g": at[:, 1]})

    def go(_, carry):
        s, count = carry
        s = population.advance(s, at[:, 0], dt, jnp.int32(0), stream=None)
        spikes = cell.spike(s.neuron)
        return population.reset(s, spikes, dt), count + spikes

    start = population.start(KEY), jnp.zeros(len(at))
    s, count = jax.lax.fori_loop(0, jnp.round(T / dt).astype(int), go, start)
    each = jax.vmap(cell.status)(s.neuron)
    return count, (each > 0) | ~jnp.isfinite(s.neuron.v)


@functools.cache
def outcomes(name):
    """One program a kind of cell: of fine steps, and by integrator those of every length."""

    @jax.jit
    def program(at, fine, steps):
        cells = {how: CELLS[name](integrator=make()) for how, make in INTEGRATORS.items()}
        return counted(cells["RK4"], at, fine)[0], {
            how: jax.lax.map(lambda dt, cell=cell: counted(cell, at, dt), steps) for how, cell in cells.items()
        }

    return jax.tree.map(np.asarray, program(points(name), 0.01, jnp.asarray(STEPS)))


@pytest.mark.parametrize("name", CELLS)
def test_right_or_reported(name):
    right, found = outcomes(name)
    assert right[2] > 3 and right[1] == right[3] == 0  # a current alone fires it; the inhibition is stronger
    for how, (counts, reported) in found.items():
        near = np.abs(counts - right) <= np.maximum(2, 0.3 * right)
        assert np.all(near | reported), how
        assert np.all((counts[:, [1, 3]] == 0) | reported[:, [1, 3]]), how


@pytest.mark.parametrize("name", CELLS)
def test_the_stable_one_is_never_reported(name):
    counts, reported = outcomes(name)[1]["ExponentialEuler"]
    assert not reported.any() and np.all(counts[:, [1, 3]] == 0)


def test_unstable_ones_are():
    """Control: spikes by inhibition alone, which are the same without a report, and do not go unnoticed in a run."""
    counts, reported = outcomes("CobaLIF")[1]["RK4"]
    assert counts[2, 1] > 5 and reported[2, 1] and not reported[0].any()
    cell = snn.Population(
        snn.CobaLIF(integrator=snn.integrators.RK4()), 4, ports={"i": snn.Conductance(10.0, e_rev=-80.0)}
    )
    net = snn.network(dt=1.0, key=KEY, populations={"E": cell})
    drive = snn.Poisson(8000.0, weight=10.0, into="E")
    with pytest.raises(snn.SimulationError, match=r"STIFF: .* take ExponentialEuler\(\) or a shorter dt"):
        snn.simulate(net, drive, steps=50, key=KEY)
    calm = snn.set(net, "E.neuron.c", 2500.0)  # a slower membrane: the same program is clean
    assert snn.simulate(calm, drive, steps=50, key=KEY).status == 0


def test_defaults():
    """The published programs for Izhikevich's neuron; for all others what is stable at any step."""
    kinds = (snn.EIF, snn.AdEx, snn.QIF, snn.CobaLIF, snn.HodgkinHuxley, snn.TraubMiles)
    assert all(isinstance(kind().integrator, snn.integrators.ExponentialEuler) for kind in kinds)
    assert isinstance(snn.Izhikevich().integrator, snn.integrators.SemiImplicitEuler)


def build(cell, dt, port=None):
    ports = {"in": snn.Delta() if port is None else port}
    return snn.network(dt=dt, key=KEY, populations={"E": snn.Population(cell, 2, ports=ports)})


REFUSED = {
    "leak": (
        lambda: build(snn.CobaLIF(g_l=2000.0, integrator=snn.integrators.RK4()), 1.0),
        ("decays at 8 / ms", "RK4() is stable"),
    ),
    "port": (
        lambda: build(snn.CobaLIF(integrator=snn.integrators.RK2()), 0.5, snn.Conductance(0.2)),
        ("Population 'E'", "decays at 5 / ms", "stable up to dt = 0.4 ms", "got dt = 0.5 ms", "ExponentialEuler()"),
    ),
    "gates": (
        lambda: build(snn.HodgkinHuxley(), 0.25),
        ("HodgkinHuxley has upstrokes", "dt = 0.1 ms", "got dt = 0.25"),
    ),
    "Lapicque": (lambda: build(snn.Lapicque(1.0, 1.0), 1.5), ("resistance * capacitance", "at least dt = 1.5 ms")),
    "EulerDecay": (
        lambda: build(snn.CubaLIF(tau_syn=0.5, decay=snn.neurons.EulerDecay()), 1.0),
        ("CubaLIF.tau_syn is 0.5 ms", "at least dt = 1 ms", "ExactDecay()"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_where_it_is_known(case):
    make, message = REFUSED[case]
    with refused(*message):
        make()


def test_or_a_status_bit():
    """The same numbers, traced; and none for those that do well."""

    @jax.jit
    @jax.vmap
    def status(tau):
        cell = snn.CubaLIF(tau_syn=tau, decay=snn.neurons.EulerDecay())
        port = {"in": snn.Conductance(tau)}
        populations = {
            "L": snn.Population(cell, 1),
            "C": snn.Population(snn.CobaLIF(integrator=snn.integrators.RK2()), 1, ports=port),
        }
        net = snn.network(dt=0.5, key=KEY, populations=populations)
        return snn.simulate(net, steps=2, key=KEY).status

    assert status(jnp.array([0.2, 5.0])).tolist() == [snn.Status.PARAMETER_RANGE, 0]


def test_an_upstroke_stays_finite():
    """`AdEx` as steep as is allowed, in steps of 1 ms and single precision; growth without a bound would not."""
    cell = snn.AdEx(v_t=-60.0, v_peak=10.0, delta_t=1.0)
    v = jnp.linspace(-60.0, 9.9, 50)
    s = cell.advance(cell.init(v.shape, v.dtype)._replace(v=v), snn.synapses.Current(jnp.zeros_like(v)), 1.0)
    assert bool(jnp.all(jnp.isfinite(cell.reset(s, cell.spike(s), 1.0).v)))
    assert not jnp.isfinite(jnp.expm1(cell.g_l / cell.c * jnp.exp(69.9)))
