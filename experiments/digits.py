"""Handwritten digits, 8x8 pixels (scikit-learn's): 64 inputs, 128 LIF neurons, 10 leaky read-outs, learnt by BPTT.

A pixel is a constant current, the class the read-out with the largest mean membrane. `v <- exp(-dt/tau) v + W x + b`, a
spike at 1, which is subtracted. Five folds times five seeds, each with a multi-layer perceptron of as many parameters
trained alike, are one compiled program:

    jaxsnn run experiments/digits.py
    jaxsnn sweep experiments/digits.py --axis lr=0.0005:0.008:5

Needs scikit-learn (`pip install jaxsnn[data]`), which brings the data with it.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxsnn as snn
from jaxsnn.analysis import parameter_count, synaptic_operations

FOLDS = 5
SPACE = {
    "fold": snn.Axis(0.0, values=tuple(range(FOLDS))),
    "seed": snn.Seeds(5),
    "lr": snn.Axis(2e-3),
    "hidden": snn.Static(128),
    "steps": snn.Static(10),
    "epochs": snn.Static(60),
    "batch": snn.Static(32),
}
REPEATS = ("fold", "seed")
LEARNT = ("*.weight", "hid.neuron.bias", "out.neuron.v_rest")


@functools.cache
def digits():
    """Images in 0 .. 1, labels, and for every fold the examples to train on and to test with (-1: none)."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import StratifiedKFold

    x, y = load_digits(return_X_y=True)
    parts = [*StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(x, y)]
    fewest, most = min(len(train) for train, _ in parts), max(len(test) for _, test in parts)
    train = np.stack([train[:fewest] for train, _ in parts])  # at most one example less than there is
    test = np.stack([np.pad(test, (0, most - len(test)), constant_values=-1) for _, test in parts])
    return (x / 16).astype(np.float32), y.astype(np.int32), train, test


def classifier(hidden, key):
    """Same-step edges: the read-out sees the spikes of this step, as in deep-learning libraries."""
    cell = snn.LIF(
        tau=5.0,
        v_th=1.0,
        bias=jnp.zeros(hidden),
        gain=snn.gains.PerStep(),
        reset_mechanism=snn.resets.Subtract(detach=True),
        surrogate=snn.surrogates.FastSigmoid(5.0),
    )
    dense = functools.partial(snn.Connection, topology=snn.AllToAll(), via=snn.Dense())
    return snn.network(
        dt=1.0,
        key=key,
        populations={
            "in": snn.SpikeSource(64),
            "hid": snn.Population(cell, hidden),
            "out": snn.Population(snn.LI(tau=10.0, v_rest=jnp.zeros(10)), 10),
        },
        projections={
            "in-hid": dense("in", "hid", weight=snn.Normal(0.0, 0.25)),
            "hid-out": dense("hid", "out", weight=snn.Normal(0.0, hidden**-0.5)),
        },
    )


def schedule(point, examples):
    """Adam with weight decay, the learning rate falling along a cosine."""
    count = point["epochs"] * (examples // point["batch"])
    return optax.adamw(optax.cosine_decay_schedule(point["lr"], count), weight_decay=1e-3)


def perceptron(point, x, y, test, key):
    """The control: rectified linear units instead of spikes; the logits of `test`, and how many parameters it has."""
    net, optimiser = eqx.nn.MLP(64, 10, point["hidden"], 1, key=jax.random.fold_in(key, 0)), schedule(point, len(x))
    learnt, fixed = eqx.partition(net, eqx.is_inexact_array)

    def loss(learnt, rows):
        logits = jax.vmap(eqx.combine(learnt, fixed))(x[rows])
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, y[rows]))

    def step(carry, rows):
        learnt, state = carry
        updates, state = optimiser.update(jax.grad(loss)(learnt, rows), state, learnt)
        return (eqx.apply_updates(learnt, updates), state), None

    def epoch(carry, number):
        order = jax.random.permutation(jax.random.fold_in(key, number), len(x))
        size = point["batch"]
        return jax.lax.scan(step, carry, order[: len(x) // size * size].reshape(-1, size))

    epochs = 1 + jnp.arange(point["epochs"], dtype=jnp.uint32)
    with jax.numpy_dtype_promotion("standard"):  # optax mixes types
        (learnt, _), _ = jax.lax.scan(epoch, (learnt, optimiser.init(learnt)), epochs)
    return jax.vmap(eqx.combine(learnt, fixed))(test), parameter_count(learnt)


def experiment(point, key):
    """Train on four fifths, test on the rest."""
    x, y, train, test = (jnp.asarray(part) for part in digits())
    fold, code = point["fold"].astype(jnp.int32), snn.encoders.DirectCode(point["steps"])
    train, test = train[fold], test[fold]
    real, test_x, test_y = test >= 0, x[test], y[test]

    est = snn.BPTT(wrt=LEARNT, checkpoint=snn.checkpointing.KeepAll())
    fit = snn.fit(
        classifier(point["hidden"], key),
        est,
        snn.CrossEntropy(snn.Mean("out.v")),
        snn.Replay(code(x[train]), into="in"),
        y[train],
        optimiser=schedule(point, len(train)),
        epochs=point["epochs"],
        batch=point["batch"],
        key=key,
    )

    def infer(image):
        drive, record = snn.Replay(code(image), into="in"), {"v": snn.Mean("out.v"), "spikes": snn.Count("hid")}
        run = snn.simulate(fit.net, drive, steps=point["steps"], key=key, record=record)
        return run["v"], run["spikes"], run.status

    def average(amount):
        return jnp.mean(amount, where=real)

    def accuracy(logits):
        return average(jnp.where(jnp.argmax(logits, axis=1) == test_y, 1.0, 0.0))

    logits, spikes, statuses = jax.vmap(infer)(test_x)
    control, control_parameters = perceptron(point, x[train], y[train], test_x, key)
    pixels = point["steps"] * (test_x != 0).astype(spikes.dtype)
    return {
        "accuracy": accuracy(logits),
        "control": accuracy(control),
        "loss": fit.history["loss"],
        "spikes": average(jnp.sum(spikes, axis=1)),
        "accumulates": average(synaptic_operations(spikes, fit.net["hid-out"].weight)),
        "multiplies": average(synaptic_operations(pixels, fit.net["in-hid"].weight)),
        "sparsity": 1.0 - average(jnp.mean(spikes, axis=1)) / point["steps"],
        "parameters": jnp.asarray([parameter_count(est.parameters(fit.net)), control_parameters], jnp.int32),
        "status": fit.status | jnp.bitwise_or.reduce(statuses),
    }


def summary(ds):
    """Means over folds and seeds; the standard deviation is that of seeds, each averaged over the folds."""
    over_folds = ds.mean("fold") if "fold" in ds.dims else ds
    parameters = np.ravel(ds.parameters)[:2]
    lines = [
        f"{ds.accuracy.size} trainings: test accuracy {100 * float(ds.accuracy.mean()):.2f} %, sd of seeds "
        f"{100 * float(over_folds.accuracy.std()):.2f}; perceptron {100 * float(ds.control.mean()):.2f} %",
        f"parameters: {parameters[0]}; perceptron {parameters[1]}",
        f"an inference: {float(ds.spikes.mean()):.0f} spikes (sparsity {float(ds.sparsity.mean()):.3f}), "
        f"{float(ds.accumulates.mean()):.0f} accumulates, {float(ds.multiplies.mean()):.0f} multiply-accumulates "
        "of the analog input",
        f"accuracy: {100 * float(ds.accuracy.mean()):.2f} %",
    ]
    return "\n".join(lines)


def plot(ds, path):
    """Loss by epoch, one line a training."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    ax = figure.subplots()
    ax.plot(ds.loss.values.reshape(-1, ds.loss.shape[-1]).T, color="C0", alpha=0.3)
    ax.set(xlabel="epoch", ylabel="cross-entropy of training", yscale="log")
    figure.savefig(path, dpi=150)
