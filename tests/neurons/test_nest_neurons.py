"""Single neurons of NEST 3.10 under constant currents: the same spikes and the same membranes, in float64.

The file was made by `tests/oracles/nest_neurons.py`.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

KEY = jax.random.key(0)
pytestmark = pytest.mark.usefixtures("x64")


@pytest.fixture(scope="module")
def golden():
    with np.load(Path(__file__).parents[1] / "golden" / "neurons_nest.npz") as file:
        return {name: file[name] for name in file.files}


def run(cell, steps, dt=0.1, init=None):
    """Steps in which one neuron fires, stamped as NEST does, and its membrane."""
    cells = cell if isinstance(cell, snn.Population) else snn.Population(cell, 1, init=init or {})
    net = snn.network(dt=dt, key=KEY, populations={"P": cells})
    out = snn.simulate(net, steps=steps, key=KEY, record=(snn.Raster("P"), snn.Trace("P.v"))).record
    return np.asarray(out[0].events()[0]) + 1, np.asarray(out[1])[:, 0]


def adex(current, t_ref, **integrator):
    integrator = integrator or {"integrator": snn.integrators.RKF45(1e-6, relative=1e-6, first=0.01)}
    return snn.AdEx(bias=current, t_ref=t_ref, **integrator)


def traub(**choices):
    """NEST's gates start at rest for `v - v_t = e_l`."""
    cell = snn.TraubMiles(bias=200.0, detector=snn.neurons.PeakDetector(), **choices)
    start = snn.set(cell, "v0", -123.0).init((), float)
    return cell, {gate: getattr(start, gate) for gate in "mhn"}


CASES = {  # cell, and its initial values
    "iaf_cond_exp": lambda: (snn.CobaLIF(bias=500.0, integrator=snn.integrators.RKF45()), {}),
    "aeif_cond_exp": lambda: (adex(700.0, 2.0), {}),
    "aeif_cond_exp t_ref 0": lambda: (adex(900.0, 0.0), {}),
    "hh_psc_alpha": lambda: (snn.presets.nest.hh_psc_alpha(1, I_e=650.0), {}),
    "hh_cond_exp_traub": lambda: traub(integrator=snn.integrators.RKF45()),
}


@pytest.mark.parametrize("name", CASES)
def test_every_spike(name, golden):
    """A second of one neuron. Where the file has it at 0.01 ms, that is the test of the next function."""
    cell, init = CASES[name]()
    times, v = run(cell, 10_000, init=init)
    np.testing.assert_array_equal(times, golden[f"{name}.times"])
    np.testing.assert_allclose(v[:1000], golden[f"{name}.v"], rtol=0, atol=1e-8)


def test_adex_at_a_finer_step(golden):
    times, v = run(adex(700.0, 2.0), 30_000, dt=0.01)
    expected = golden["aeif_cond_exp 0.01.times"]
    np.testing.assert_array_equal(times, expected[expected <= 30_000])
    np.testing.assert_allclose(v[:1000], golden["aeif_cond_exp 0.01.v"], rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "cell", "most"),
    [
        ("aeif_cond_exp", lambda: (adex(700.0, 2.0, integrator=snn.integrators.RK4()), {}), 20),
        ("hh_psc_alpha", lambda: (snn.HodgkinHuxley(bias=650.0, detector=snn.neurons.PeakDetector()), {}), None),
        ("hh_cond_exp_traub", lambda: traub(), None),
    ],
)
def test_other_integrators_are_close_or_not(name, cell, most, golden):
    """At 0.1 ms: RK4 moves AdEx's spikes by at most 2 ms in a second, exponential Euler misses whole spikes of HH."""
    cell, init = cell()
    times, _ = run(cell, 10_000, init=init)
    expected = golden[f"{name}.times"]
    if most is None:
        assert 0 < len(expected) - len(times) < 0.15 * len(expected)
    else:
        assert len(times) == len(expected) and 0 < np.abs(times - expected).max() <= most


# --- Izhikevich -------------------------------------------------------------------------------------------------------

TYPES = {
    "RS": {},
    "IB": dict(c=-55.0, d=4.0),
    "CH": dict(c=-50.0, d=2.0),
    "FS": dict(a=0.1, d=2.0),
    "LTS": dict(b=0.25, d=2.0),
}
SCHEMES = {"consistent": (0.1, snn.integrators.Euler()), "published": (1.0, snn.integrators.SemiImplicitEuler(2))}


def in_numpy(scheme, dt, a=0.02, b=0.2, c=-65.0, d=8.0, steps=1000):
    """Both schemes, one rounded operation after the other as NEST has them."""
    v, u, out = -65.0, b * -65.0, []
    for k in range(steps):
        if scheme == "consistent":
            v, u = v + dt * (0.04 * v * v + 5.0 * v + 140.0 - u + 0.0 + 10.0), u + dt * a * (b * v - u)
        else:
            for _ in range(2):
                v = v + dt * 0.5 * (0.04 * v * v + 5.0 * v + 140.0 - u + 0.0 + 10.0 + 0.0)
            u = u + dt * a * (b * v - u)
        if v >= 30.0:
            v, u = c, u + d
            out.append(k + 1)
    return np.array(out)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", TYPES)
def test_izhikevich(kind, scheme, golden):
    """Every step from NEST's own state ends in NEST's next state, spikes included; the first six spikes of a free run.

    A free run is chaotic: a last bit grows about a thousandfold a spike. The loop in NumPy shows that roundings are all
    that is left: it gives every spike of NEST.
    """
    dt, integrator = SCHEMES[scheme]
    cell = snn.Izhikevich(bias=10.0, integrator=integrator, **TYPES[kind])
    times, v, u = (golden[f"izhikevich {kind} {scheme}.{x}"] for x in ("times", "v", "u"))

    s = cell.init((len(v) - 1,), float)._replace(v=jnp.asarray(v[:-1]), u=jnp.asarray(u[:-1]))
    s = cell.advance(s, snn.synapses.Current(jnp.zeros(len(v) - 1)), dt)
    fired = cell.spike(s)
    s = cell.reset(s, fired, dt)
    np.testing.assert_allclose(s.v, v[1:], rtol=0, atol=1e-11)
    np.testing.assert_allclose(s.u, u[1:], rtol=0, atol=1e-12)
    inside = times[(times > 1) & (times <= len(v))]
    np.testing.assert_array_equal(np.flatnonzero(fired) + 2, inside)

    np.testing.assert_array_equal(run(cell, 10_000 if dt < 1 else 1000, dt)[0][:6], times[:6])
    np.testing.assert_array_equal(in_numpy(scheme, dt, steps=10_000 if dt < 1 else 1000, **TYPES[kind]), times)
    if kind == "RS":  # control: the other scheme at the same step
        (other,) = (x for name, (_, x) in SCHEMES.items() if name != scheme)
        assert run(snn.Izhikevich(bias=10.0, integrator=other), 1000, dt)[0][:6].tolist() != times[:6].tolist()
