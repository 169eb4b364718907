"""Handwritten digits read row by row: a recurrent layer of adaptive neurons, learnt by BPTT and by e-prop.

Eight inputs show one row of eight pixels after the other, each for a few steps; the read-out is to tell the class in
the steps of the last row. Half of the hidden neurons adapt: `v <- exp(-dt/tau) v + W_in x + W_rec z(t-1)`, a spike at
`v_th + beta a`, where `a` remembers spikes for `tau_a`. While it learns, noise current into the hidden neurons keeps it
from learning the examples by heart. BPTT, e-prop with symmetric and e-prop with random feedback start from the same
network and see the same batches. Seed `s` tests on a fifth of the data, fifth `s` of five:

    jaxsnn run experiments/sequential_digits.py

Settings were chosen on seeds 100 and 101, by a fifth of the training examples (`--set held_out=validation`). Needs
scikit-learn (`pip install jaxsnn[data]`), which brings the data with it.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from digits import FOLDS, digits

import jaxsnn as snn

ROWS = 8
SPACE = {
    "seed": snn.Seeds(5),
    "lr": snn.Axis(1e-2),
    "noise": snn.Axis(0.3),  # current into the hidden neurons, drawn anew for every row
    "hold": snn.Static(3),  # steps a row is shown
    "hidden": snn.Static(100),
    "epochs": snn.Static(15),
    "batch": snn.Static(32),
    "held_out": snn.Static("test"),  # or "validation": a fifth of the training examples instead
}
REPEATS = ("seed",)
ESTIMATORS = {  # given the network and a key
    "BPTT": lambda net, key: snn.BPTT(checkpoint=snn.checkpointing.KeepAll()),
    "e-prop": lambda net, key: snn.EProp(),
    "e-prop, random feedback": lambda net, key: snn.EProp(
        feedback=snn.feedback.RandomFeedback.start(net, scale=0.1, key=key)
    ),
}


def classifier(hidden, key):
    """Half of the hidden neurons adapt; the read-out integrates over several rows."""
    cell = snn.ALIF(
        tau=5.0,
        v_th=1.0,
        beta=jnp.where(jnp.arange(hidden) % 2, 0.5, 0.0),
        tau_a=100.0,
        gain=snn.gains.PerStep(),
        reset_mechanism=snn.resets.Subtract(detach=True),
        surrogate=snn.surrogates.FastSigmoid(2.0),
    )
    dense = functools.partial(snn.Connection, topology=snn.AllToAll(), via=snn.Dense())
    return snn.network(
        dt=1.0,
        key=key,
        populations={
            "in": snn.SpikeSource(ROWS),
            "hid": snn.Population(cell, hidden),
            "out": snn.Population(snn.LI(tau=40.0), 10),
        },
        projections={
            "in-hid": dense("in", "hid", weight=snn.Normal(0.0, 0.5)),
            "hid-hid": dense("hid", "hid", weight=snn.Normal(0.0, 0.5 * hidden**-0.5), delay=1.0),
            "hid-out": dense("hid", "out", weight=snn.Normal(0.0, hidden**-0.5)),
        },
    )


def row_by_row(images, hold):
    """Images of 64 pixels as `(examples, 8 * hold, 8)`."""
    return jnp.repeat(images.reshape(-1, ROWS, ROWS), hold, axis=1)


def split(seed, held_out):
    """Which examples to learn from, and which to be scored on (-1: none)."""
    _, _, train, test = (jnp.asarray(part) for part in digits())
    train, test = train[seed % FOLDS], test[seed % FOLDS]
    if held_out == "test":
        return train, test
    mixed = jax.random.permutation(jax.random.key(seed), train)  # they are in the order of the data
    fifth = len(train) // FOLDS
    return mixed[fifth:], mixed[:fifth]


def experiment(point, key):
    """Train with each estimator, test on the rest."""
    x, y = (jnp.asarray(part) for part in digits()[:2])
    train, test = split(point["seed"], point["held_out"])
    real, hold = test >= 0, point["hold"]
    steps, last = ROWS * hold, (ROWS - 1) * hold  # the first step of the last row
    net = classifier(point["hidden"], key)
    drive = snn.Replay(row_by_row(x[train], hold), into="in") + snn.NoiseCurrent(point["noise"], into="hid", every=hold)
    falling = optax.cosine_decay_schedule(point["lr"], point["epochs"] * (len(train) // point["batch"]))
    accuracy, spikes, losses, status = [], [], [], jnp.uint32(0)
    for make in ESTIMATORS.values():
        fit = snn.fit(
            net,
            make(net, jax.random.fold_in(key, 1)),
            (1.0 / hold) * snn.losses.StepCrossEntropy("out.v", start=last),
            drive,
            y[train],
            optimiser=optax.adam(falling),
            epochs=point["epochs"],
            batch=point["batch"],
            key=key,
        )

        def infer(rows, fit=fit):
            record = {"v": snn.Mean("out.v", start=1.0 * last), "spikes": snn.Count("hid")}
            run = snn.simulate(fit.net, snn.Replay(rows, into="in"), steps=steps, key=key, record=record)
            return run["v"], jnp.sum(run["spikes"]), run.status

        logits, count, statuses = jax.vmap(infer)(row_by_row(x[test], hold))
        right = jnp.argmax(logits, axis=1) == y[test]
        accuracy.append(jnp.mean(right.astype(logits.dtype), where=real))
        spikes.append(jnp.mean(count, where=real))
        losses.append(fit.history["loss"])
        status |= fit.status | jnp.bitwise_or.reduce(statuses)
    found = {"accuracy": accuracy, "spikes": spikes, "loss": losses}
    return {name: jnp.stack(values) for name, values in found.items()} | {"status": status}


def summary(ds):
    """Test accuracy by estimator, over seeds."""
    accuracy, spikes = (np.asarray(x).reshape(-1, len(ESTIMATORS)) for x in (ds.accuracy, ds.spikes))
    lines = [
        f"{name}: test accuracy {100 * a.mean():.2f} +- {100 * a.std():.2f} % (worst seed {100 * a.min():.2f}), "
        f"{s.mean():.0f} spikes an image"
        for name, a, s in zip(ESTIMATORS, accuracy.T, spikes.T, strict=True)
    ]
    below = 100 * (accuracy[:, 0] - accuracy[:, 1])
    lines.append(f"e-prop below BPTT: {below.mean():.2f} points, by seed {', '.join(f'{x:.2f}' for x in below)}")
    return "\n".join([*lines, f"accuracy: {100 * accuracy[:, 1].mean():.2f} %"])


def plot(ds, path):
    """Loss by epoch, one colour an estimator."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    ax = figure.subplots()
    losses = np.asarray(ds.loss).reshape(-1, len(ESTIMATORS), ds.loss.shape[-1])
    for i, name in enumerate(ESTIMATORS):
        ax.plot(losses[:, i].T, color=f"C{i}", alpha=0.3)
        ax.plot(losses[:, i].mean(axis=0), color=f"C{i}", label=name)
    ax.set(xlabel="epoch", ylabel="cross-entropy of training", yscale="log")
    ax.legend()
    figure.savefig(path, dpi=150)
