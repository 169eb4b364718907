"""Digits on analog chips in small: training through chips traces, and what is tested is what was trained."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.chips import brainscales
from jaxsnn.cli import load

chips = load(Path(__file__).parents[2] / "experiments" / "chips_digits.py")
POINT = {"steps": 5, "batch": 4, "more": 2}


def test_images_are_a_spike_a_pixel():
    x = jnp.asarray([[0.0, 0.1, 0.5, 1.0]])
    spikes = np.asarray(chips.images(x, 20))[0]
    assert spikes.sum(axis=0).tolist() == [0, 0, 1, 1] and spikes[:, 3].argmax() < spikes[:, 2].argmax()


def test_training_with_another_chip_in_every_step_is_one_program():
    """Traced, not compiled: weights come back in their shapes, and nothing else of the model changes."""
    x, y, _, _ = chips.digits()
    net = chips.classifier(6, jax.random.key(0))
    relaxed = snn.lowering.relax(snn.lower(net, brainscales.BrainScaleS2()).program)
    spread, noise = chips.scaled(jnp.float32(2.0))
    assert float(spread.tau_m) == 2 * float(brainscales.Spread().tau_m) and float(noise.readout) == 2.0

    def train(key):
        rate = chips.optax.adam(1e-3)
        made = chips.through_chips(relaxed, jnp.asarray(x[:8]), jnp.asarray(y[:8]), POINT, key, spread, noise, rate)
        return [link.weight for link in made.synapses.values()]

    found = jax.eval_shape(train, jax.random.key(1))
    assert sorted(each.shape for each in found) == [(6, 10), (64, 6)]
