"""A hybrid network on handwritten digits: layers of Equinox before, between and behind spiking ones, learnt together.

An image becomes currents by a convolution with a norm, once a trial. Three layers of LIF neurons follow, joined by a
convolution with pooling and by a linear layer with dropout (one mask a trial). A linear map of the last layer's spike
counts names the digit. One of five folds is tested on, the others are trained on:

    jaxsnn run experiments/hybrid_digits.py
    jaxsnn sweep experiments/hybrid_digits.py --axis lr=0.001:0.008:4
    jaxsnn sweep experiments/hybrid_digits.py --axis fold=0,1,2,3,4

Needs scikit-learn (`pip install jaxsnn[data]`), which brings the data with it.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from digits import digits, schedule

import jaxsnn as snn
from jaxsnn.analysis import parameter_count

SPACE = {
    "fold": snn.Axis(0.0),
    "seed": snn.Seeds(3),
    "lr": snn.Axis(4e-3),
    "dropout": snn.Axis(0.2),
    "steps": snn.Static(8),
    "epochs": snn.Static(6),
    "batch": snn.Static(32),
}
REPEATS = ("seed",)
HIDDEN = 64


def classifier(dropout, key):
    """8 x 8 pixels -> 8 channels of 8 x 8 neurons -> 16 of 4 x 4 -> 64 -> counts -> 10 classes."""
    keys = jax.random.split(jax.random.fold_in(key, 0), 4)
    stem = eqx.nn.Sequential(
        [eqx.nn.Conv2d(1, 8, 3, padding=1, key=keys[0]), eqx.nn.GroupNorm(2, 8), eqx.nn.Lambda(jnp.ravel)]
    )
    conv = snn.Layer(
        eqx.nn.Sequential([eqx.nn.Conv2d(8, 16, 3, padding=1, key=keys[1]), eqx.nn.AvgPool2d(2, 2)]), (8, 8, 8)
    )
    between = math.prod(conv.out)
    dense = snn.Layer(eqx.nn.Sequential([eqx.nn.Dropout(dropout), eqx.nn.Linear(between, HIDDEN, key=keys[2])]))
    cell = snn.LIF(
        tau=5.0,
        v_th=1.0,
        gain=snn.gains.PerStep(),
        reset_mechanism=snn.resets.Subtract(detach=True),
        surrogate=snn.surrogates.FastSigmoid(5.0),
    )
    return snn.network(
        dt=1.0,
        key=key,
        populations={
            "first": snn.Population(cell, 8 * 8 * 8),
            "second": snn.Population(cell, between),
            "third": snn.Population(cell, HIDDEN),
        },
        projections={
            "conv": snn.Connection("first", "second", via=conv),
            "dense": snn.Connection("second", "third", via=dense),
        },
        modules={"stem": stem, "head": eqx.nn.Linear(HIDDEN, 10, key=keys[3])},
    )


def experiment(point, key):
    """Train on four fifths, test on the rest."""
    x, y, train, test = (jnp.asarray(part) for part in digits())
    fold, x = point["fold"].astype(jnp.int32), x.reshape(-1, 1, 8, 8)
    train, test = train[fold], test[fold]
    real, test_x, test_y = test >= 0, x[test], y[test]

    est = snn.BPTT(wrt=("stem.*", "conv.*", "dense.*", "head.*"), checkpoint=snn.checkpointing.KeepAll())
    logits = snn.simulation.Decoded(snn.Count("third"), by="head")
    fit = snn.fit(
        classifier(point["dropout"], key),
        est,
        snn.CrossEntropy(logits),
        snn.simulation.Encoded(x[train], by="stem", into="first", steps=point["steps"]),
        y[train],
        optimiser=schedule(point, len(train)),
        epochs=point["epochs"],
        batch=point["batch"],
        key=key,
    )
    net = eqx.nn.inference_mode(fit.net)

    def infer(image):
        drive = snn.simulation.Encoded(image, by="stem", into="first")
        record = {"logits": logits, **{name: snn.Count(name) for name in net.populations}}
        run = snn.simulate(net, drive, steps=point["steps"], key=key, record=record)
        spikes = {name: jnp.mean(run[name]) / point["steps"] for name in net.populations}
        return jnp.argmax(run["logits"]), spikes, run.status

    found, spikes, statuses = jax.vmap(infer)(test_x)
    right = jnp.where(found == test_y, 1.0, 0.0)
    return {
        "accuracy": jnp.mean(right, where=real),
        "loss": fit.history["loss"],
        "activity": jnp.stack([jnp.mean(spikes[name], where=real) for name in net.populations]),
        "parameters": jnp.int32(parameter_count(est.parameters(fit.net))),
        "status": fit.status | jnp.bitwise_or.reduce(statuses),
    }


def summary(ds):
    """Means over what varies."""
    rates = ds.activity.values.reshape(-1, 3).mean(axis=0)
    return "\n".join(
        [
            f"{ds.accuracy.size} training(s) of {int(ds.parameters.max())} parameters, test accuracy from "
            f"{100 * float(ds.accuracy.min()):.2f} to {100 * float(ds.accuracy.max()):.2f} %",
            f"spikes a neuron and step, by layer: {', '.join(f'{rate:.3f}' for rate in rates)}",
            f"accuracy: {100 * float(ds.accuracy.mean()):.2f} %",
        ]
    )


def plot(ds, path):
    """Loss by epoch, one line a training."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    ax = figure.subplots()
    ax.plot(ds.loss.values.reshape(-1, ds.loss.shape[-1]).T, color="C0", alpha=0.5)
    ax.set(xlabel="epoch", ylabel="cross-entropy of training", yscale="log")
    figure.savefig(path, dpi=150)
