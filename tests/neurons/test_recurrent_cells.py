"""`CubaLIF`, `ALIF`, `Lapicque` and `ResonateAndFire` step for step as snnTorch, Norse and Lava.

Spikes are equal, the rest to rounding.
The files were made by `tests/oracles/recurrent_cells.py`.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

GOLDEN = Path(__file__).parents[1] / "golden"
DT, KEY = 1.0, jax.random.key(0)
pytestmark = pytest.mark.usefixtures("x64")


def golden(library, setting):
    """Inputs, and spikes, current and membrane after every step."""
    with np.load(GOLDEN / f"cells_{library}.npz") as file:
        return file["x"], np.moveaxis(file[setting], 1, 0)


def run(cell, x, *names, into=snn.Replay):
    """Spikes after every step of neurons that hear `x`, and state variables."""
    net = snn.network(dt=DT, key=KEY, populations={"P": snn.Population(cell, x.shape[1])})
    record = (snn.Raster("P"), *(snn.Trace(f"P.{name}") for name in names))
    out = snn.simulate(net, into(jnp.asarray(x), into="P"), steps=len(x), key=KEY, record=record).record
    return np.asarray(out[0].dense()), *map(np.asarray, out[1:])


def synaptic(**choices):
    """snnTorch's `Synaptic`: alpha 0.8, beta 0.9, threshold 1."""
    return snn.CubaLIF(
        tau_syn=-DT / np.log(0.8), tau=-DT / np.log(0.9), **{"reset_time": snn.resets.NextStep(), **choices}
    )


def norse(**choices):
    """Norse: tau_syn 5 ms, tau_mem 10 ms, reset to -0.1."""
    choices = {"decay": snn.neurons.EulerDecay(), "gain": snn.gains.Resistance(1.0), **choices}
    return snn.CubaLIF(tau_syn=5.0, tau=10.0, v_reset=-0.1, **choices)


def lava(**choices):
    """Lava's LIF in floating point: du 1/4, dv 1/8, bias 0.05, threshold 2."""
    return snn.CubaLIF(tau_syn=4.0, tau=8.0, bias=0.05, v_th=2.0, decay=snn.neurons.EulerDecay(), **choices)


OLD, SUBTRACT, SAME = snn.neurons.CurrentBeforeInput(), snn.resets.Subtract(), snn.resets.SameStep()
CASES = {  # library, setting, what is shown of the current, the cell, another choice, which must not do the same
    "synaptic, subtract": (
        "snntorch",
        "subtract",
        1.0,
        synaptic,
        dict(reset_mechanism=SUBTRACT),
        dict(reset_time=SAME),
    ),
    "synaptic, zero": ("snntorch", "zero", 1.0, synaptic, {}, dict(reset_mechanism=SUBTRACT)),
    "norse": (
        "norse",
        "feed_forward",
        0.8,
        norse,
        {},
        dict(decay=snn.neurons.ExactDecay()),
    ),  # decayed before it is shown
    "norse, lsnn": (
        "norse",
        "no_adaptation",
        1.0,
        norse,
        dict(recursion=OLD),
        dict(recursion=snn.neurons.CurrentAfterInput()),
    ),
    "lava": ("lava", "float", 1.0, lava, {}, dict(recursion=OLD)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_library_step_for_step(name):
    library, setting, shown, make, choices, other = CASES[name]
    x, (spikes, current, v, *_) = golden(library, setting)
    found = run(make(**choices), x, "i", "v")
    np.testing.assert_array_equal(found[0], spikes)
    np.testing.assert_allclose(shown * found[1], current, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found[2], v, rtol=0, atol=1e-12)
    assert np.count_nonzero(run(make(**{**choices, **other}), x)[0] != spikes) > 10


def test_a_decaying_current_is_a_port():
    """`DecayingCurrent` is `LIF` beside an `Exponential` port, NEST's `iaf_psc_exp`, at equal time constants too."""
    x = golden("norse", "feed_forward")[0]
    for tau_syn in (5.0, 8.0):
        numbers = dict(tau=8.0, v_th=1.0, t_ref=2.0, bias=0.1, gain=snn.gains.Capacitance(6.0))
        own = snn.CubaLIF(
            tau_syn=tau_syn,
            recursion=snn.neurons.DecayingCurrent(),
            comparator=snn.thresholds.GreaterEqual(),
            **numbers,
        )
        populations = {"P": snn.Population(snn.LIF(**numbers), x.shape[1], ports={"in": snn.Exponential(tau_syn)})}
        record = (snn.Raster("P"), snn.Trace("P.v"))
        net = snn.network(dt=DT, key=KEY, populations=populations)
        port = snn.simulate(net, snn.Replay(jnp.asarray(x), into="P"), steps=len(x), key=KEY, record=record).record
        spikes, v = run(own, x, "v")
        np.testing.assert_array_equal(spikes, port[0].dense())
        np.testing.assert_allclose(v, port[1], rtol=0, atol=1e-13)
        assert spikes.sum() > 50


@pytest.mark.parametrize("recursion", [snn.neurons.CurrentAfterInput(), snn.neurons.CurrentBeforeInput()])
def test_arrivals_after_the_threshold(recursion):
    """In Brian2's order what arrives in a step moves the membrane in the next: decayed once (new) or whole (old)."""
    x = np.zeros((3, 1))
    x[0] = 1.0
    cell = synaptic(recursion=recursion, v_th=9.0)
    net = snn.network(dt=DT, key=KEY, populations={"P": snn.Population(cell, 1)}, order=snn.BrianOrder())
    v = snn.simulate(net, snn.Replay(jnp.asarray(x), into="P"), steps=3, key=KEY, record=snn.Trace("P.v")).record
    first = 0.8 if isinstance(recursion, snn.neurons.CurrentAfterInput) else 1.0
    np.testing.assert_allclose(v[:, 0], [0.0, first, 0.9 * first + 0.8 * first], rtol=1e-12)


# --- adaptive threshold -----------------------------------------------------------------------------------------------


def adaptive(tau_a=40.0, **choices):
    """Norse's LSNN without memory in its current: Euler decays, as time constants of exact ones."""
    euler = lambda tau: -DT / np.log1p(-DT / tau)
    numbers = dict(v_th=1.0, v_reset=-0.1, beta=0.3, comparator=snn.thresholds.Greater())
    return snn.ALIF(tau=euler(10.0), tau_a=euler(tau_a), **numbers, **choices)


def late(x):
    """Inputs as its membrane sees them: a step later."""
    return np.concatenate([np.zeros_like(x[:1]), 4.0 * x[:-1]])


class Currents(snn.drives.AbstractDrive):
    """A current for every neuron and step."""

    x: jax.Array
    into: str

    def step(self, d, t, signals, *, key):
        return d, snn.simulation.Inputs(currents={self.into: self.x[t]})


def test_norses_adaptive_threshold():
    x, (spikes, _, v, b) = golden("norse", "adaptation")
    found = run(adaptive(), late(x), "v", "a", into=Currents)
    np.testing.assert_array_equal(found[0], spikes)
    np.testing.assert_allclose(found[1], v, rtol=0, atol=1e-12)
    np.testing.assert_allclose(1.0 + 0.3 * found[2], b, rtol=0, atol=1e-12)
    for other in (adaptive(44.0), adaptive(increment=snn.neurons.NormalisedIncrement())):
        assert np.count_nonzero(run(other, late(x), into=Currents)[0] != spikes) > 3


def test_normalised_is_a_larger_beta():
    """`1 - exp(-dt/tau_a)` a spike is another scale of `a`: the same spikes with `beta` divided by it."""
    x, scale = late(golden("norse", "adaptation")[0]), 1.0 / 40.0
    whole, normalised = adaptive(), adaptive(increment=snn.neurons.NormalisedIncrement())
    a = run(whole, x, "a", into=Currents)
    b = run(snn.set(normalised, "beta", 0.3 / scale), x, "a", into=Currents)
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_allclose(scale * a[1], b[1], rtol=1e-9)


def test_bellecs_recursion():
    """`v <- alpha v + w x - v_th z`, `a <- rho a + z`, `z = H(v - v_th - beta a)`, none for two steps after one."""
    rng = np.random.default_rng(3)
    x, alpha, rho, v_th, beta = rng.random((300, 4)), 0.9, 0.98, 0.6, 0.2
    choices = dict(gain=snn.gains.PerStep(), reset_mechanism=snn.resets.Subtract(), reset_time=snn.resets.NextStep())
    cell = snn.ALIF(
        tau=-DT / np.log(alpha),
        tau_a=-DT / np.log(rho),
        v_th=v_th,
        beta=beta,
        t_ref=2.0,
        refractory_input=snn.refractory.Ungated(),
        **choices,
    )
    v, a, z, r, out = np.zeros(4), np.zeros(4), np.zeros(4), np.zeros(4), []
    for row in 0.4 * x:
        v, a = alpha * v + row - v_th * z, rho * (a + 0 * z)
        z = ((v >= v_th + beta * a) & (r == 0)).astype(float)
        a, r = a + z, np.where(z > 0, 2, np.maximum(r - 1, 0))
        out.append((z, v))
    found = run(cell, 0.4 * x, "v")
    np.testing.assert_array_equal(found[0], [z for z, _ in out])
    np.testing.assert_allclose(found[1], [v for _, v in out], rtol=0, atol=1e-12)
    assert found[0].sum() > 50


# --- the textbook's neuron --------------------------------------------------------------------------------------------


def test_lapicque_is_snntorchs():
    """`V += (I - V/R)/C`, the reset of the step before subtracted. Control: the exact solution of the same equation."""
    x, (spikes, v) = golden("snntorch", "lapicque")
    choices = dict(
        comparator=snn.thresholds.Greater(), reset_mechanism=snn.resets.Subtract(), reset_time=snn.resets.NextStep()
    )
    found = run(snn.Lapicque(2.0, 5.0, **choices), 12.0 * x, "v", into=Currents)
    np.testing.assert_array_equal(found[0], spikes)
    np.testing.assert_allclose(found[1], v, rtol=0, atol=1e-12)
    exact = snn.LIF(tau=10.0, v_th=1.0, gain=snn.gains.Resistance(2.0), **choices)
    assert np.count_nonzero(run(exact, 12.0 * x, into=Currents)[0] != spikes) > 3


# --- resonators -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["rf", "rf_iz"])
def test_a_resonator_is_lavas(setting):
    """Control: the other one of the two. Lava's `RF_IZ` restarts at `i (vth - 0.00001)`, ours at `i vth`."""
    x, (spikes, real, imag) = golden("lava", setting)
    numbers = dict(period=9.7, alpha=0.08, vth=0.5)
    both = {"rf": snn.presets.lava.RF(**numbers), "rf_iz": snn.presets.lava.RF_IZ(**numbers)}
    other = both.pop("rf" if setting == "rf_iz" else "rf_iz")
    found = run(both[setting], x, "u", "v")
    np.testing.assert_array_equal(found[0], spikes)
    atol = 1e-12 if setting == "rf" else 2e-5
    np.testing.assert_allclose(found[1], real, rtol=0, atol=atol)
    np.testing.assert_allclose(found[2], imag, rtol=0, atol=atol)
    assert np.count_nonzero(run(other, x)[0] != spikes) > 20


def test_a_resonator_hears_what_comes_in_step():
    """Three pulses a period apart make it fire, half a period apart they do not (Izhikevich 2001).

    And it fires a quarter of a period after the last, when what came into `u` has turned into `v`.
    """
    cell = snn.neurons.ResonateAndFire(period=20.0, tau=40.0, v_th=0.4)
    pulses = np.zeros((80, 4))
    for i, apart in enumerate((20, 10, 30, 40)):
        pulses[[0, apart, 2 * apart] if apart < 40 else [0, apart], i] = 0.25
    spikes = run(cell, pulses)[0]
    assert np.argwhere(spikes).tolist() == [[44, 0]]


BAD = {
    "CubaLIF.decay": dict(recursion=snn.neurons.DecayingCurrent(), decay=snn.neurons.EulerDecay()),
    "CubaLIF.refractory_input": dict(refractory_input=snn.refractory.Buffer()),
    "CubaLIF.tau_syn": dict(tau_syn=0.0),
}


@pytest.mark.parametrize("field", BAD)
def test_choices_that_do_not_go_together(field):
    with pytest.raises(ValueError, match=field):
        snn.CubaLIF(**BAD[field])
