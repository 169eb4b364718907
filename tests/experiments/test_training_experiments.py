"""The experiments that train, in small: what they are to find is found, far better than at the start."""

from pathlib import Path

import jax
import numpy as np

import jaxsnn as snn
from jaxsnn.cli import load

FOLDER = Path(__file__).parents[2] / "experiments"


def swept(module, **fixed):
    space = {name: axis.at(axis.default if hasattr(axis, "default") else 0) for name, axis in module.SPACE.items()}
    space |= {name: space[name].at(value) for name, value in fixed.items()}
    return snn.sweep(module.experiment, snn.product(space), key=jax.random.key(0), progress=snn.progress.Quiet())


def test_fit_neuron():
    """Three starts of a LIF: all is found within 2 % of its bounds' distance."""
    module = load(FOLDER / "fit_neuron.py")
    ds = swept(module, model="LIF", starts=3, steps=2000, iterations=20)
    assert np.all(np.nanmax(ds.off.values, axis=1) < 0.02)
    assert np.all(np.nanmax(ds.started_off.values, axis=1) > 0.1)
    assert "within 5 %" in module.summary(ds).splitlines()[0]


def test_nothing_is_compared_close_to_a_spike_of_adex():
    """From 3 ms before to 4 ms after it, both included; of the other models everything is."""
    module = load(FOLDER / "fit_neuron.py")
    spikes = np.zeros(200, np.float32)
    spikes[100] = 1.0
    near = lambda name: np.flatnonzero(module.near_spikes(module.MODELS[name], spikes))
    np.testing.assert_array_equal(near("AdEx"), np.arange(70, 141))
    assert near("LIF").size == near("HodgkinHuxley").size == 0


def test_spike_pattern():
    module = load(FOLDER / "spike_pattern.py")
    ds = swept(module, inputs=100, hidden=40, outputs=3, epochs=150, lr=5e-3)
    assert ds.distance[-1] < 0.5 * ds.distance[0]
    target, before, after = ds.rasters.values
    assert np.all((target.sum(axis=0) >= 3) & (target.sum(axis=0) <= 5))
    assert np.any(before != after)
    assert "coincidence within 2 ms" in module.summary(ds)


def test_hybrid_digits():
    """It is built, not run: what it compiles is covered by `tests/gradients/test_hybrid.py`."""
    module = load(FOLDER / "hybrid_digits.py")
    net = module.classifier(0.2, jax.random.key(0))
    assert net.sizes == {"first": 512, "second": 256, "third": 64}
