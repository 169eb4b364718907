"""A classifier that was trained in floating point does on the chip what it does in the model."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxsnn as snn
from jaxsnn.chips import xylo
from jaxsnn.neurons import EulerDecay

STEPS = 40
CELL = snn.CubaLIF(tau=8.0, tau_syn=4.0, decay=EulerDecay(), reset_mechanism=snn.resets.Subtract(detach=True))


def examples(seed, n=192):
    """Spikes of 16 pixels of four classes of noisy images."""
    rng, prototypes = np.random.default_rng(seed), np.random.default_rng(7).random((4, 16))
    labels = rng.integers(0, 4, n)
    images = np.clip(prototypes[labels] + 0.1 * rng.normal(size=(n, 16)), 0.0, 1.0)
    return (rng.random((n, STEPS, 16)) < 0.4 * images[:, None]).astype(np.float32), labels


def classes(model, x, late=0):
    """Which output fires most."""

    def one(spikes):
        padded = jnp.concatenate([spikes, jnp.zeros((4, 16))])
        what = dict(steps=STEPS + 4, key=jax.random.key(0), progress=snn.simulation.Quiet(), throw=False)
        return snn.simulate(model, snn.Replay(padded, into="in"), record={"n": snn.Count("out")}, **what)["n"]

    return np.asarray(jax.jit(jax.vmap(one))(jnp.asarray(x))).argmax(axis=1)


def test_a_trained_classifier_keeps_its_accuracy():
    (x, labels), (x_new, labels_new) = examples(0), examples(1)
    dense = dict(topology=snn.AllToAll(), via=snn.Dense(), delay=1.0)
    net = snn.network(
        dt=1.0,
        key=jax.random.key(0),
        populations={"in": snn.SpikeSource(16), "hid": snn.Population(CELL, 32), "out": snn.Population(CELL, 4)},
        projections={
            "in-hid": snn.Connection("in", "hid", **dense, weight=snn.Normal(0.05, 0.15)),
            "hid-out": snn.Connection("hid", "out", **dense, weight=snn.Normal(0.03, 0.15)),
        },
    )
    trained = snn.fit(
        net,
        snn.BPTT(wrt="*.weight"),
        snn.CrossEntropy(snn.Count("out"), scale=0.5),
        snn.Replay(jnp.asarray(x), into="in"),
        jnp.asarray(labels),
        optimiser=optax.adam(1e-2),
        epochs=25,
        batch=32,
        key=jax.random.key(1),
    ).net
    calibration = snn.Replay(jnp.asarray(x[:8].reshape(-1, 16)), into="in")
    found = snn.lower(trained, xylo.XyloAudio2(), calibrate=calibration)
    ideal, chip = classes(trained, x_new), classes(found.program, x_new)
    print("accuracy", np.mean(ideal == labels_new), np.mean(chip == labels_new), "same class", np.mean(ideal == chip))
    print(found.report)
    agreement = found.report.data["agreement"]
    assert np.mean(ideal == labels_new) > 0.8
    assert np.mean(chip == labels_new) > np.mean(ideal == labels_new) - 0.03
    assert np.mean(ideal == chip) > 0.9
    assert agreement["hid"]["coincidence"] > 0.9 and agreement["out"]["coincidence"] > 0.8
