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
    "snntorch fast_sigmoid 25": lambda: snn.FastSigmoid(25.0),
    "snntorch atan 2": lambda: snn.ATan(2.0),
    "snntorch sigmoid 25": lambda: snn.Sigmoid(25.0),
    "snntorch straight_through": lambda: snn.StraightThrough(),
    "spikingjelly Sigmoid 4": lambda: snn.Sigmoid(4.0),
    "spikingjelly ATan 2": lambda: snn.ATan(2.0),
    "spikingjelly PiecewiseQuadratic 1": lambda: snn.PiecewiseQuadratic(1.0),
    "spikingjelly Erf 2": lambda: snn.Erf(2.0),
    "spikingjelly SoftSign 2": lambda: snn.Peak(snn.FastSigmoid(2.0), 1.0),
    "spikingjelly Rect 1": lambda: snn.Boxcar(1.0),
    "spikingjelly PiecewiseExp 1": lambda: snn.Slayer(1.0),
    "norse super 100": lambda: snn.FastSigmoid(1.0),  # Norse 1.1 does not use its alpha
    "norse tanh 1": lambda: snn.Tanh(1.0),
    "norse triangle 0.3": lambda: snn.Triangle(0.3, 1.0),
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
    assert not np.allclose(snn.ATan(3.0).slope(u), slopes[name], rtol=1e-2)


TAU = -1.0 / np.log(0.9)  # dt = 1 ms
BASE = dict(tau=TAU, v_th=1.0)
AFTER = dict(reset_time=snn.NextStep())
LIFS = {  # by library: ours
    "snntorch subtract delayed": dict(**BASE, **AFTER, reset_kind=snn.Subtract(), comparator=snn.Above()),
    "snntorch subtract": dict(**BASE, reset_kind=snn.Subtract(), comparator=snn.Above()),
    "snntorch zero delayed": dict(**BASE, comparator=snn.Above()),  # late, but before the leak: only seen late
    "snntorch zero": dict(**BASE, comparator=snn.Above()),
    "spikingjelly hard": BASE,
    "spikingjelly hard, input decays": BASE,  # of input ten times as strong
    "spikingjelly hard to -0.5, input decays": dict(**BASE, v_rest=-0.5, v_reset=-0.5),
    "spikingjelly soft": dict(**BASE, reset_kind=snn.Subtract()),
    "norse box": dict(**BASE, comparator=snn.Above()),
    "spyx": dict(**BASE, **AFTER, reset_kind=snn.Subtract(), comparator=snn.Above()),
}
CONTROLS = {  # one choice changed
    "another reset": dict(reset_kind=snn.Nothing()),
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
    assert mismatches(trains, late, reset_time=snn.SameStep()) > 20
    assert mismatches(trains, same, reset_time=snn.NextStep()) > 20
