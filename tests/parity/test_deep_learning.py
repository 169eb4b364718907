"""Deep-learning libraries: surrogate derivatives to rounding, LIF trains spike for spike under the matching choices."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

pytestmark = pytest.mark.usefixtures("x64")
GOLDEN = Path(__file__).parents[1] / "golden"

SURROGATES = {  # by library and its own slope: ours
    "snntorch fast_sigmoid 25": lambda: snn.surrogates.FastSigmoid(25.0),
    "snntorch atan 2": lambda: snn.surrogates.ATan(2.0),
    "snntorch sigmoid 25": lambda: snn.surrogates.Sigmoid(25.0),
    "snntorch straight_through": lambda: snn.surrogates.StraightThrough(),
    "spikingjelly Sigmoid 4": lambda: snn.surrogates.Sigmoid(4.0),
    "spikingjelly ATan 2": lambda: snn.surrogates.ATan(2.0),
    "spikingjelly PiecewiseQuadratic 1": lambda: snn.surrogates.PiecewiseQuadratic(1.0),
    "spikingjelly Erf 2": lambda: snn.surrogates.Erf(2.0),
    "spikingjelly SoftSign 2": lambda: snn.surrogates.Scaled(snn.surrogates.FastSigmoid(2.0), 1.0),
    "spikingjelly Rect 1": lambda: snn.surrogates.Boxcar(1.0),
    "spikingjelly PiecewiseExp 1": lambda: snn.surrogates.Slayer(1.0),
    "norse super 100": lambda: snn.surrogates.FastSigmoid(1.0),  # Norse 1.1 does not use its alpha
    "norse tanh 1": lambda: snn.surrogates.Tanh(1.0),
    "norse triangle 0.3": lambda: snn.surrogates.Triangle(0.3, 1.0),
}


@pytest.fixture(scope="module")
def slopes():
    return np.load(GOLDEN / "torch_surrogates.npz")


@pytest.mark.parametrize("name", SURROGATES)
def test_surrogates(slopes, name):
    """Their automatic derivative, of ours; a slope of another steepness is another number (control)."""
    u = slopes["u"]
    ours = jax.vmap(jax.grad(lambda u: SURROGATES[name]()(u > 0, u)))(jnp.asarray(u))
    np.testing.assert_allclose(ours, slopes[name], rtol=1e-6, atol=1e-12)
    assert not np.allclose(snn.surrogates.ATan(3.0).slope(u), slopes[name], rtol=1e-2)


TAU = -1.0 / np.log(0.9)  # dt = 1 ms
BASE = dict(tau=TAU, v_th=1.0)
AFTER = dict(reset_time=snn.resets.NextStep())
LIFS = {  # by library: ours
    "snntorch subtract delayed": dict(
        **BASE, **AFTER, reset_mechanism=snn.resets.Subtract(), comparator=snn.thresholds.Greater()
    ),
    "snntorch subtract": dict(**BASE, reset_mechanism=snn.resets.Subtract(), comparator=snn.thresholds.Greater()),
    "snntorch zero delayed": dict(
        **BASE, comparator=snn.thresholds.Greater()
    ),  # late, but before the leak: only seen late
    "snntorch zero": dict(**BASE, comparator=snn.thresholds.Greater()),
    "spikingjelly hard": BASE,
    "spikingjelly hard, input decays": BASE,  # of input ten times as strong
    "spikingjelly hard to -0.5, input decays": dict(**BASE, v_rest=-0.5, v_reset=-0.5),
    "spikingjelly soft": dict(**BASE, reset_mechanism=snn.resets.Subtract()),
    "norse box": dict(**BASE, comparator=snn.thresholds.Greater()),
    "spyx": dict(**BASE, **AFTER, reset_mechanism=snn.resets.Subtract(), comparator=snn.thresholds.Greater()),
}
CONTROLS = {  # one choice changed
    "another reset": dict(reset_mechanism=snn.resets.NoReset()),
    "another leak": dict(tau=TAU * 1.01),
    "a refractory step": dict(t_ref=1.0),
}


@pytest.fixture(scope="module")
def trains():
    golden = dict(np.load(GOLDEN / "torch_lif.npz"))
    golden["spyx"] = np.load(GOLDEN / "spyx_lif.npz")["lif"]
    return golden


def mismatches(golden, name, **changed):
    """Spikes that only one of the two has."""
    x = golden["x"] / 1024
    net = snn.network(
        dt=1.0, key=jax.random.key(0), populations={"P": snn.Population(snn.LIF(**(LIFS[name] | changed)), x.shape[1])}
    )
    drive = snn.Replay(jnp.asarray(x), into="P")
    ours = snn.simulate(net, drive, steps=len(x), key=jax.random.key(1), record=snn.Raster("P")).record.dense()
    theirs = np.unpackbits(golden[name], axis=1)[:, : x.shape[1]].astype(bool)
    if name == "spyx":  # it compares before it adds the input: its spike of step k + 1 is ours of step k
        ours, theirs = ours[:-1], theirs[1:]
    assert theirs.sum() > 900
    return int(np.sum(np.asarray(ours) != theirs))


@pytest.mark.parametrize("name", LIFS)
def test_spike_for_spike(trains, name):
    assert mismatches(trains, name) == 0


@pytest.mark.parametrize("control", CONTROLS)
def test_one_choice_changed_is_seen(trains, control):
    assert mismatches(trains, "snntorch subtract", **CONTROLS[control]) > 20


def test_the_time_of_a_reset_is_seen(trains):
    """snnTorch's default resets one step late; the other choice is another train."""
    late, same = "snntorch subtract delayed", "snntorch subtract"
    assert mismatches(trains, late, reset_time=snn.resets.SameStep()) > 20
    assert mismatches(trains, same, reset_time=snn.resets.NextStep()) > 20
