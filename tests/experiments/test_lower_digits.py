"""Digits on a chip in small: the experiment traces as one program; lowering while tracing keeps what the floats say."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.cli import load

folder = Path(__file__).parents[2] / "experiments"
precision = load(folder / "precision_sweep.py")
lower_digits = precision.lowering


def test_the_whole_experiment_is_one_program():
    """Training, lowering, training through the integers and all four tests, traced but not compiled."""
    point = {name: getattr(axis, "default", 0.0) for name, axis in lower_digits.SPACE.items()}
    point |= {
        "hidden": 8,
        "epochs": 1,
        "more": 1,
        "steps": 4,
        "fold": jnp.float32(0.0),
        "weight_bits": jnp.float32(8.0),
    }
    out = jax.eval_shape(lambda key: lower_digits.experiment(point, key), jax.random.key(0))
    assert out["accuracy"].shape == (4,) and out["loss"].shape == (2,) and out["px-hid.weight"].shape == (64, 8)


def test_precision_decides_how_much_of_the_float_model_is_kept(monkeypatch):
    """Labels are what the float network says, which was not trained: 8 bits say the same, 2 bits and coarse do not."""
    x, _, _, _ = lower_digits.digits()
    key, hidden, steps = jax.random.key(0), precision.HIDDEN, precision.STEPS
    net = lower_digits.classifier(hidden, key)
    drive = lambda image: lower_digits.images(image, steps)
    answer = lambda image: snn.simulate(
        net, drive(image), steps=steps, key=key, record=lower_digits.LOGITS, throw=False
    )
    y = np.argmax(jax.jit(jax.vmap(lambda image: answer(image).record))(x[8:72]), axis=1)
    monkeypatch.setattr(precision, "trained", lambda epochs: (net, x[:8], x[8:72], y))
    axes = {"weight_bits": (2, 8), "decay_bits": (3, 12), "threshold_bits": (6, 17)}
    space = {name: snn.Axis(0.0, values=values) for name, values in axes.items()}
    space |= {"images": snn.Static(64), "epochs": snn.Static(1)}
    ds = snn.sweep(precision.experiment, snn.zipped(space), key=key, progress=snn.progress.Quiet())
    rough, fine = np.asarray(ds.accuracy)
    assert fine > 0.9 and rough < fine - 0.1, (rough, fine)
    assert ds.weight_KB[0] == 2 / 8 * ds.weight_KB[1] and np.all(ds.nJ > 0)
