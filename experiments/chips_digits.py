"""Digits on analog chips: what 6 bits, a fixed pattern and noise cost, and what training through them brings back.

8x8 pixels, each one spike, the sooner the brighter; 100 neurons of BrainScaleS-2 in its own steps, 10 leaky read-outs.
Trained in floats by BPTT, lowered to 6 bits, and put onto chips, which keys are. Then trained for some epochs more, the
same for all: in floats, through one chip, and through another chip in every step. Spread and noise are those of the
defaults, which are guesses: `--axis spread=0:3:7` multiplies them.

    jaxsnn run experiments/chips_digits.py
    jaxsnn sweep experiments/chips_digits.py --axis spread=0:3:7

Needs scikit-learn (`pip install jaxsnn[data]`), which brings the data with it.
"""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from digits import digits

import jaxsnn as snn
from jaxsnn.chips import brainscales
from jaxsnn.neurons import EulerDecay
from jaxsnn.neurons.recursions import CurrentBeforeInput

SPACE = {
    "fold": snn.Axis(0.0, values=(0, 1, 2, 3, 4)),
    "seed": snn.Seeds(2),
    "spread": snn.Axis(1.0),
    "bits": snn.Axis(6.0),
    "hidden": snn.Static(100),
    "steps": snn.Static(20),
    "epochs": snn.Static(20),
    "more": snn.Static(6),  # epochs after lowering
    "chips": snn.Static(8),  # on which is tested
    "batch": snn.Static(48),
}
REPEATS = ("fold", "seed")
KINDS = (
    "float",
    "6 bits",
    "6 bits, spread",
    "6 bits, spread, noise",
    "float, trained on, on chips",
    "trained through one chip, on it",
    "trained through one chip, on others",
    "trained through many chips, on others",
)
LOGITS = snn.Mean("out.v")
CALIBRATION = 32  # training images
SCALE = 5.0  # of read-outs, as logits


def classifier(hidden, key):
    """The group's neuron, and read-outs that do not fire."""
    choices: dict[str, Any] = dict(recursion=CurrentBeforeInput(), decay=EulerDecay(), gain=snn.gains.Resistance())
    cell = snn.CubaLIF(tau=10.0, tau_syn=5.0, **choices, surrogate=snn.surrogates.FastSigmoid(5.0))
    dense = functools.partial(snn.Connection, topology=snn.AllToAll(), via=snn.Dense(), delay=1.0)
    return snn.network(
        dt=1.0,
        key=key,
        populations={
            "in": snn.SpikeSource(64),
            "hid": snn.Population(cell, hidden),
            "out": snn.Population(snn.LI(tau=10.0), 10, ports={"p": snn.Exponential(5.0)}),
        },
        projections={
            "in-hid": dense("in", "hid", weight=snn.Normal(0.1, 0.4)),
            "hid-out": dense("hid", "out", weight=snn.Normal(0.0, 0.3)),
        },
    )


def images(x, steps):
    """A spike a pixel, the sooner the brighter; none of a dark one."""
    return snn.encoders.LatencyCode(steps, threshold=0.2)(x)


def accuracy(model, x, y, real, steps, key):
    """The share of images whose class is the largest mean membrane."""

    def one(image, key):
        run = snn.simulate(model, snn.Replay(image, into="in"), steps=steps, key=key, record=LOGITS, throw=False)
        return jnp.argmax(run.record)

    said = jax.vmap(one)(images(x, steps), jax.random.split(key, len(x)))
    return jnp.mean((said == y).astype(jnp.float32), where=real)


def fit(model, x, y, epochs, point, key, rate):
    """BPTT on weights."""
    return snn.fit(
        model,
        snn.BPTT(wrt="*.weight", checkpoint=snn.checkpointing.KeepAll()),
        snn.CrossEntropy(LOGITS, scale=SCALE),
        snn.Replay(images(x, point["steps"]), into="in"),
        y,
        optimiser=rate,
        epochs=epochs,
        batch=point["batch"],
        key=key,
        progress=snn.progress.Quiet(),
    )


def scaled(spread):
    """The default spread and noise, so many times."""
    times = lambda part: jax.tree.map(lambda x: x * spread, part)
    return times(brainscales.Spread()), times(brainscales.Noise())


def through_chips(relaxed, x, y, point, key, spread, noise, rate):
    """Trained with another chip in every step, by one optimiser."""
    learnt = lambda model: [link.weight for link in model.synapses.values()]
    put = lambda weights: eqx.tree_at(learnt, relaxed, weights)
    bptt = snn.BPTT(wrt="*.weight", checkpoint=snn.checkpointing.KeepAll())
    loss, trains = snn.CrossEntropy(LOGITS, scale=SCALE), images(x, point["steps"])
    key, order = jax.random.split(key)
    orders = jax.vmap(lambda key: jax.random.permutation(key, len(x)))(jax.random.split(order, point["more"]))
    rows = orders[:, : len(x) // point["batch"] * point["batch"]].reshape(-1, point["batch"])

    def step(carry, at):
        weights, state, number = carry
        chip, run = jax.random.split(jax.random.fold_in(key, number))
        on = brainscales.on_chip(put(weights), chip, spread, noise)
        _, slope, status = bptt.value_grad_status(loss, on, snn.Replay(trains[at], into="in"), y[at], key=run)
        with jax.numpy_dtype_promotion("standard"):  # optax mixes types
            updates, state = rate.update(learnt(slope), state, weights)
        return (optax.apply_updates(weights, updates), state, number + 1), status

    start = learnt(relaxed), rate.init(learnt(relaxed)), jnp.uint32(0)
    (weights, _, _), _ = jax.lax.scan(step, start, rows)
    return put(weights)


def experiment(point, key):
    """All kinds, of one training."""
    x, y, train, test = (jnp.asarray(part) for part in digits())
    fold, steps = point["fold"].astype(jnp.int32), point["steps"]
    train, test = train[fold], test[fold]
    real, test_x, test_y = test >= 0, x[test], y[test]
    x, y = x[train], y[train]
    keys = dict(zip(("train", "more", "one", "many", "run"), jax.random.split(key, 5), strict=True))

    count = point["epochs"] * (len(x) // point["batch"])
    adam = optax.adam(optax.cosine_decay_schedule(5e-3, count))
    relative = optax.chain(optax.scale_by_adam(), optax.scale_by_param_block_rms(), optax.scale_by_learning_rate(5e-3))
    trained = fit(classifier(point["hidden"], key), x, y, point["epochs"], point, keys["train"], adam)
    longer = fit(trained.net, x, y, point["more"], point, keys["more"], relative)

    some = images(x[:CALIBRATION], steps).reshape(-1, 64)
    precision = snn.lowering.Precision(weight=point["bits"].astype(jnp.int32))
    lower = lambda net: (
        snn.lower(net, brainscales.BrainScaleS2(), calibrate=snn.Replay(some, into="in"), precision=precision).program
    )
    program, later = lower(trained.net), lower(longer.net)
    spread, noise = scaled(point["spread"])
    relaxed = snn.lowering.relax(program)
    one = fit(
        brainscales.on_chip(relaxed, keys["one"], spread, noise), x, y, point["more"], point, keys["more"], relative
    )
    many = through_chips(relaxed, x, y, point, keys["many"], spread, noise, relative)
    bare = eqx.tree_at(
        lambda r: [s.weight for s in r.synapses.values()], relaxed, [s.weight for s in one.net.synapses.values()]
    )

    def score(model):
        return accuracy(model, test_x, test_y, real, steps, keys["run"])

    def on_chips(program, noise):
        chips = 1000 + jnp.arange(point["chips"])  # none that was trained on
        return jax.lax.map(lambda chip: score(brainscales.on_chip(program, chip, spread, noise)), chips)

    chips = [on_chips(program, None), on_chips(program, noise), on_chips(later, noise)]
    chips += [on_chips(bare.program, noise), on_chips(many.program, noise)]
    means = [jnp.mean(each) for each in chips]
    return {
        "accuracy": jnp.stack(
            [score(trained.net), score(program), *means[:3], score(one.net.program), means[3], means[4]]
        ),
        "over_chips": jnp.stack([jnp.std(each) for each in chips]),
        "loss": trained.history["loss"],
        "status": trained.status | longer.status | one.status,
    }


def summary(ds):
    """Means over folds and seeds, and how chips differ."""
    values = 100 * np.asarray(ds.accuracy).reshape(-1, len(KINDS))
    apart = 100 * np.asarray(ds.over_chips).reshape(-1, 5).mean(axis=0)
    lines = [f"{len(values)} training(s), each on {ds.attrs['chips']} chips"]
    for kind, x in zip(KINDS, values.T, strict=True):
        lines.append(f"  {kind:38}: {x.mean():6.2f} % (sd {x.std():.2f})")
    names = ("spread", "noise too", "trained on", "through one, on others", "through many")
    lines.append("  sd over chips: " + ", ".join(f"{n} {x:.2f}" for n, x in zip(names, apart, strict=True)))
    return "\n".join(lines)


def over_spread(ax, ds, kinds):
    """A line a kind of accuracy: its mean, and the standard deviation over what else was swept."""
    values = 100 * ds.accuracy.transpose("spread", ...).values
    values = values.reshape(len(ds.spread), -1, len(kinds))
    for kind, x in zip(kinds, values.transpose(2, 0, 1), strict=True):
        ax.errorbar(ds.spread, x.mean(axis=1), x.std(axis=1), fmt="o-", capsize=3, label=kind)
    ax.set(xlabel="times the default spread and noise", ylabel="test accuracy, %")
    ax.legend(frameon=False, fontsize="small")


def plot(ds, path):
    """The eight accuracies, over the spread if it varies."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(8.0, 4.0), layout="constrained")
    ax = made.subplots()
    if "spread" in ds.dims:
        over_spread(ax, ds, KINDS)
    else:
        values = 100 * np.asarray(ds.accuracy).reshape(-1, len(KINDS))
        ax.barh(KINDS, values.mean(axis=0), color=["0.6", "C0", "C0", "C0", "C1", "C2", "C2", "C2"])
        ax.set(xlabel="test accuracy, %", xlim=(max(0.0, values.mean(axis=0).min() - 5.0), 100.0))
        ax.invert_yaxis()
    made.savefig(path)
