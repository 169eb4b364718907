"""Neurons and matrix mode against the group's own software model, as `tests/oracles/hxtorch_core.py` froze it."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn._linear import Current
from jaxsnn.neurons import EulerDecay
from jaxsnn.neurons.recursions import CurrentAfterInput, CurrentBeforeInput
from tests.refused import refused

bss = snn.chips.brainscales
HERE = Path(__file__).parents[2] / "golden" / "brainscales"
KINDS = ("lif", "lif_refractory", "eif", "adex", "li")


def read(name):
    with np.load(HERE / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


STEPS = read("steps")


def neuron(kind, **changes):
    """The golden neurons; times in ms, thousandths of which are the chip's."""
    g = {key: jnp.asarray(x) for key, x in STEPS.items() if x.shape == (16,)}
    ms = {"tau_syn": g["tau_syn"] * 1e6, "c": g["c_mem"] * 1e6}
    refractory = 0.0 if kind == "lif" else g["refractory"].astype(jnp.float32) - 0.5
    threshold = g["threshold"] if kind != "li" else jnp.full(16, 1e9)
    more = dict(delta=g["exp_slope"], v_t=g["exp_threshold"]) if kind in ("eif", "adex") else {}
    if kind == "adex":
        a, b = g["subthreshold_adaptation_strength"], g["spike_triggered_adaptation_increment"]
        more |= dict(tau_w=g["tau_adap"] * 1e6, a=a, b=b)
    fields = dict(g_l=g["g_l"], v_rest=g["leak"], v_reset=g["reset"], v_th=threshold, t_ref=refractory)
    return bss.CubaAdEx(**{**ms, **fields, **more, **changes})


def run(cell):
    """Membranes and spikes of every step, which the golden input drives."""

    def step(s, x):
        s = cell.add_jump(cell.advance(s, Current(jnp.zeros(16)), 1.0), x, 1.0)
        z = cell.spike(s)
        s = cell.reset(s, z, 1.0)
        return s, (s, z)

    _, (s, z) = jax.lax.scan(step, cell.init((16,), jnp.float32), jnp.asarray(STEPS["x"]))
    return s, z


@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_those_of_the_groups_model(kind):
    s, z = run(neuron(kind))
    assert np.array_equal(z, STEPS[f"{kind}_z"]) or kind == "li"
    close = 2e-5 if kind in ("eif", "adex") else 2e-6  # an upstroke multiplies what float32 rounds
    np.testing.assert_allclose(s.v, STEPS[f"{kind}_v"], atol=close, rtol=close)
    np.testing.assert_allclose(s.i, STEPS["i"], atol=2e-6, rtol=2e-6)
    if kind == "adex":
        np.testing.assert_allclose(s.w, STEPS["adex_w"], atol=2e-6, rtol=2e-6)
    assert kind == "li" or STEPS[f"{kind}_z"].sum() > 150


def test_cuba_lif_is_the_same_where_it_has_the_terms():
    """Of the library's own neuron, with `g_l = 1`; and not with another recursion, comparator or refractory period."""
    ours = neuron("lif_refractory", g_l=1.0)
    same = {name: getattr(ours, name) for name in ("tau_syn", "v_rest", "v_reset", "v_th", "t_ref")}
    choices = dict(recursion=CurrentBeforeInput(), decay=EulerDecay(), gain=snn.gains.Resistance())
    lif = snn.CubaLIF(tau=ours.c, **same, **choices)
    (a, za), (b, zb) = run(ours), run(lif)
    assert np.array_equal(za, zb) and za.sum() > 150
    np.testing.assert_allclose(a.v, b.v, atol=2e-6, rtol=2e-6)
    other = run(dataclasses.replace(lif, recursion=CurrentAfterInput()))[1]
    assert np.sum(np.asarray(other) != STEPS["lif_refractory_z"]) > 50


@pytest.mark.parametrize("change", ["t_ref", "tau_syn", "b", "delta"])
def test_another_number_is_seen(change):
    """Negative control."""
    cell = neuron("adex")
    shift = {"t_ref": 1.0}.get(change, 0.0)
    other = dataclasses.replace(cell, **{change: getattr(cell, change) * (1.02 if not shift else 1.0) + shift})
    assert np.abs(run(other)[0].v - STEPS["adex_v"]).max() > 1e-3


# --- matrix mode ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mock():
    return read("mock")


@pytest.mark.parametrize("k", range(4))
def test_products_are_those_of_the_mock(mock, k):
    x, w, sends = mock[f"mac{k}_x"], mock[f"mac{k}_w"], int(mock[f"mac{k}_sends"])
    found = bss.mac(x, w, sends=sends)
    assert np.array_equal(found, mock[f"mac{k}_y"])
    if w.shape[0] > 128:  # control: digitised once instead of once a block
        whole = jnp.round(x) @ jnp.round(w) * (sends * 0.002)
        assert np.sum(np.asarray(jnp.clip(jnp.floor(whole), -128, 127)) != mock[f"mac{k}_y"]) > 50


def test_what_the_digital_part_does(mock):
    a, b = mock["a"], mock["b"]
    assert np.array_equal(bss.relu(a), mock["relu"]) and np.array_equal(bss.add(a, b), mock["add"])
    for k in range(5):
        assert np.array_equal(bss.converting_relu(a, k), mock[f"converting{k}"])
    assert not np.array_equal(bss.converting_relu(a, 1), mock["converting2"])


def test_noise_has_the_statistics_of_the_mock(mock):
    """Three blocks: half an LSB each is floored away, and deviations add; 4 standard errors of 16 000 numbers each."""
    x, w = jnp.full((4000, 300), 10.0), jnp.full((300, 4), 4.0)
    found = np.asarray(bss.mac(x, w, noise=2.0, key=jax.random.key(0)))
    error = 2.0 * np.sqrt(3.0) / np.sqrt(found.size)
    assert abs(found.mean() - mock["noisy_mean"]) < 4 * np.sqrt(2) * error
    assert abs(found.std() / mock["noisy_std"] - 1.0) < 4 / np.sqrt(found.size)
    assert abs(found.mean() - (300 * 40 * 0.002 - 1.5)) < 4 * error + 0.05
    assert abs(found.std() / np.sqrt(3 * (4.0 + 1 / 12)) - 1.0) < 0.05
    assert abs(np.asarray(bss.mac(x, w, noise=3.0, key=jax.random.key(0))).std() / mock["noisy_std"] - 1.0) > 0.3


def test_gradients_are_those_of_the_product_without_rounding():
    rng = np.random.default_rng(0)
    x, w = jnp.asarray(rng.uniform(0, 31, 200), jnp.float32), jnp.asarray(rng.uniform(-20, 20, (200, 3)), jnp.float32)
    gx, gw = jax.grad(lambda x, w: jnp.sum(bss.mac(x, w, sends=2)), (0, 1))(x, w)
    np.testing.assert_allclose(gx, 0.004 * w.sum(axis=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gw, 0.004 * jnp.broadcast_to(x[:, None], w.shape), rtol=1e-5)
    layer = bss.MatrixMode(200, 3, key=jax.random.key(0))
    assert layer(x).shape == (3,) and not np.array_equal(layer(x), layer(x, key=jax.random.key(1)))
    assert np.array_equal(layer(x), bss.mac(x, layer.weight))


def test_numbers_that_the_chip_does_not_have_are_refused():
    with refused("Got inputs beyond 0 to 31", "5 bits"):
        bss.mac(jnp.full(4, 32.0), jnp.ones((4, 1)))
    with refused("Got weights beyond -63 to 63", "6 bits"):
        bss.mac(jnp.ones(4), jnp.full((4, 1), -64.0))
    with refused("noise without a key"):
        bss.mac(jnp.ones(4), jnp.ones((4, 1)), noise=1.0)
