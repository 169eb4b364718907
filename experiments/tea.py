"""Digits on TrueNorth: connections with trained probabilities ("Tea"), drawn for 1 to 8 copies, and trinary weights.

8x8 pixels, each a bit, 64 inputs; 128 units without memory; 200 outputs, 20 of which vote for a class. One image is one
tick. A chip draws each connection once, with its probability; copies are chips of other draws, whose votes are added.
What is counted here in floats is what the placed program does, spike for spike (tests/chips/truenorth).

    jaxsnn run experiments/tea.py
    jaxsnn sweep experiments/tea.py --axis lr=0.005:0.04:4

Needs scikit-learn (`pip install jaxsnn[data]`), which brings the data with it.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from digits import digits

import jaxsnn as snn
from jaxsnn.chips import truenorth

COPIES = (1, 2, 4, 8)
SPACE = {
    "fold": snn.Axis(0.0, values=(0, 1, 2, 3, 4)),
    "seed": snn.Seeds(2),
    "lr": snn.Axis(2e-2),
    "hidden": snn.Static(128),
    "outputs": snn.Static(200),
    "epochs": snn.Static(30),
    "batch": snn.Static(48),
}
REPEATS = ("fold", "seed")
VOTES = truenorth.Votes("out", classes=10)
LEARNT = {truenorth.TeaLinear: "*.probability", truenorth.TrinaryLinear: "*.hidden"}


def bits(images):
    """A bit a pixel, for one step."""
    return (images >= 0.5).astype(jnp.float32)[..., None, :]


def classifier(kind, hidden, outputs, key):
    """Two layers of units without memory; same-step edges, as in deep-learning libraries."""
    first, second = jax.random.split(key)
    unit = lambda n: snn.Population(truenorth.ThresholdUnit(bias=jnp.zeros(n), span=6.0), n)
    layer = lambda pre, post, *sizes, key: snn.Connection(pre, post, via=snn.Layer(kind(*sizes, key=key)))
    return snn.network(
        dt=1.0,
        key=key,
        populations={"in": snn.SpikeSource(64), "hid": unit(hidden), "out": unit(outputs)},
        projections={
            "in-hid": layer("in", "hid", 64, hidden, key=first),
            "hid-out": layer("hid", "out", hidden, outputs, key=second),
        },
    )


def trained(kind, point, x, y, key):
    """The network after training, in which connections are there or not, by their probability."""
    return snn.fit(
        classifier(kind, point["hidden"], point["outputs"], key),
        snn.BPTT(wrt=(LEARNT[kind], "*.neuron.bias")),
        snn.CrossEntropy(VOTES, scale=100.0 / point["outputs"]),
        snn.Replay(bits(x), into="in"),
        y,
        optimiser=optax.adam(point["lr"]),
        epochs=point["epochs"],
        batch=point["batch"],
        key=key,
    )


def votes(net, x, key=None):
    """The votes for each class, by image. `key`: of the connections that a chip draws."""
    net = truenorth.deployed(net, key)
    start = jax.random.key(0)  # nothing is drawn
    one = lambda image: snn.simulate(net, snn.Replay(image, into="in"), steps=1, key=start, record={"votes": VOTES})
    return jax.vmap(lambda image: one(image)["votes"])(bits(x))


def experiment(point, key):
    """Train on four fifths, test on the rest."""
    x, y, train, test = (jnp.asarray(part) for part in digits())
    fold = point["fold"].astype(jnp.int32)
    train, test = train[fold], test[fold]
    right = lambda votes: jnp.mean(jnp.where(jnp.argmax(votes, axis=1) == y[test], 1.0, 0.0), where=test >= 0)
    tea = trained(truenorth.TeaLinear, point, x[train], y[train], key)
    trinary = trained(truenorth.TrinaryLinear, point, x[train], y[train], key)
    keys = jax.random.split(key, max(COPIES))
    drawn = jax.lax.map(lambda key: votes(tea.net, x[test], key), keys)
    groups = {k: drawn.reshape(-1, k, *drawn.shape[1:]).sum(axis=1) for k in COPIES}
    return {
        "tea": right(votes(tea.net, x[test])),
        "copies": jnp.stack([jnp.mean(jax.vmap(right)(groups[k])) for k in COPIES]),
        "trinary": right(votes(trinary.net, x[test])),
        "status": tea.status | trinary.status,
    }


def summary(ds):
    """Means over folds and seeds."""
    percent = lambda x: f"{100 * float(np.mean(x)):.2f} %"
    copies = np.asarray(ds.copies).reshape(-1, len(COPIES)).mean(axis=0)
    return "\n".join(
        [
            f"connections that are there or not: {percent(ds.tea)}; trinary weights: {percent(ds.trinary)}",
            "drawn, copies " + ", ".join(f"{k}: {percent(x)}" for k, x in zip(COPIES, copies, strict=True)),
            f"accuracy: {percent(ds.tea)}",
        ]
    )


def plot(ds, path):
    """Accuracy by the number of copies: every training, their mean, and what is not drawn."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    ax = figure.subplots()
    copies = 100 * np.asarray(ds.copies).reshape(-1, len(COPIES))
    ax.plot(COPIES, copies.T, color="0.75", linewidth=0.8)
    ax.plot(COPIES, copies.mean(axis=0), "o-", color="C0", label="drawn, mean")
    for name, colour, label in (("tea", "C1", "connections above one half"), ("trinary", "C2", "trinary weights")):
        ax.axhline(100 * float(np.mean(ds[name])), color=colour, label=label)
    ax.set(xscale="log", xlabel="copies", ylabel="test accuracy (%)")
    ax.set_xticks(COPIES, [str(k) for k in COPIES])
    ax.minorticks_off()
    ax.legend(frameon=False)
    figure.savefig(path, dpi=150)
