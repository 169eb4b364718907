"""Handwritten digits on a chip: train, lower to Loihi's whole numbers, emulate every test image, and compare.

The network has what the chip has. A pixel is the bias of an integrate-and-fire cell, so that images become spikes on
the chip; a spike takes a step to arrive; cells reset to 0; the class is the largest of ten membranes, read once, at the
end. It is trained in floats by BPTT, lowered (scales from training images), and trained for some epochs more through
the integers (`relax`); the floats are trained as long, for comparison. Five folds, every image tested once:

    jaxsnn run experiments/lower_digits.py
    jaxsnn sweep experiments/lower_digits.py --axis weight_bits=2,3,4,5,6,8
    jaxsnn lower experiments/lower_digits.py --out digits.npz --report digits.html
"""

import functools
import time
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from digits import FOLDS, digits

import jaxsnn as snn

TARGET = snn.chips.loihi.Loihi1()
SPACE = {
    "fold": snn.Axis(0.0, values=tuple(range(FOLDS))),
    "seed": snn.Seeds(5),
    "weight_bits": snn.Axis(8.0),
    "hidden": snn.Static(128),
    "steps": snn.Static(16),
    "epochs": snn.Static(15),
    "more": snn.Static(5),  # epochs through the integers, and as many in floats
    "batch": snn.Static(32),
}
REPEATS = ("fold", "seed")
LEARNT = ("px-hid.weight", "hid-out.weight", "hid.neuron.bias", "out.neuron.v_rest")
ON_CHIP = ("px-hid.weight", "hid-out.weight", "hid.bias", "out.bias")
LOGITS = snn.Last("out.v")
KINDS = ("float", "float, trained on", "chip", "chip, trained through")
CALIBRATION = 64  # training images
SLOW = -1.0 / np.log1p(-1 / 64)  # ms: a leak that six bits hold exactly


def classifier(hidden, key):
    """What the chip has: cells that reset to 0, and edges of a step."""
    cell = snn.LIF(
        tau=5.0, v_th=1.0, bias=jnp.zeros(hidden), gain=snn.gains.PerStep(), surrogate=snn.surrogates.FastSigmoid(5.0)
    )
    dense = functools.partial(snn.Connection, topology=snn.AllToAll(), via=snn.Dense(), delay=1.0)
    return snn.network(
        dt=1.0,
        key=key,
        populations={
            "px": snn.Population(snn.LIF(tau=SLOW, v_th=2.0), 64),  # a white pixel fires in every second step
            "hid": snn.Population(cell, hidden),
            "out": snn.Population(snn.LI(tau=20.0, v_rest=jnp.zeros(10)), 10),
        },
        projections={
            "px-hid": dense("px", "hid", weight=snn.Normal(0.0, 0.25)),
            "hid-out": dense("hid", "out", weight=snn.Normal(0.0, hidden**-0.5)),
        },
    )


def images(x, steps):
    """A constant input to the cells of the pixels: on the chip their biases."""
    return snn.Replay(snn.encoders.DirectCode(steps)(x), into="px")


def calibration(x, steps, key):
    """Some images, one after the other."""
    return snn.lowering.Calibration(
        snn.Replay(jnp.repeat(x, steps, axis=0), into="px"), steps=len(x) * steps, key=key, inference=steps
    )


class Inferred(NamedTuple):
    """Of every image: ten membranes at the end, and who fired when."""

    logits: jax.Array
    hidden: jax.Array
    status: jax.Array


def infer(model, x, steps, key):
    """Every image, each from the start of the model."""

    def one(image):
        record = {"v": LOGITS, "hid": snn.Raster("hid")}
        run = snn.simulate(model, images(image, steps), steps=steps, key=key, record=record, throw=False)
        return Inferred(run["v"].astype(jnp.float32), run["hid"].dense(), run.status)

    found = jax.vmap(one)(x)
    return found._replace(status=jnp.bitwise_or.reduce(found.status))


def infer_both(a, b, x, steps, key):
    """The same of two models of one kind, compiled once."""
    (a, rest), (b, _) = (eqx.partition(model, eqx.is_array) for model in (a, b))
    both = jax.tree.map(lambda x, y: jnp.stack([x, y]), a, b)
    found = jax.lax.map(lambda model: infer(eqx.combine(model, rest), x, steps, key), both)
    return found._replace(status=jnp.bitwise_or.reduce(found.status))


def fit(model, wrt, x, y, optimiser, epochs, point, key, scale: Any = 1.0):
    """BPTT over whole images, through floats or through integers."""
    loss = snn.CrossEntropy(LOGITS, scale=scale)
    return snn.fit(
        model,
        snn.BPTT(wrt=wrt, checkpoint=snn.checkpointing.KeepAll()),
        loss,
        images(x, point["steps"]),
        y,
        optimiser=optimiser,
        epochs=epochs,
        batch=point["batch"],
        key=key,
        progress=snn.progress.Quiet(),
    )


def in_floats(point, x, y, key):
    """The trained classifier."""
    rate = optax.cosine_decay_schedule(2e-3, point["epochs"] * (len(x) // point["batch"]))
    adam = optax.adamw(rate, weight_decay=1e-3)
    return fit(classifier(point["hidden"], key), LEARNT, x, y, adam, point["epochs"], point, key)


def experiment(point, key):
    """Train in floats, lower, train through the integers; test all four."""
    x, y, train, test = (jnp.asarray(part) for part in digits())
    fold, steps = point["fold"].astype(jnp.int32), point["steps"]
    train, test = train[fold], test[fold]
    real, test_x, test_y = test >= 0, x[test], y[test]
    x, y = x[train], y[train]

    trained = in_floats(point, x, y, key)
    relative = optax.chain(  # the same whatever the unit of an array is
        optax.scale_by_adam(),
        optax.scale_by_param_block_rms(),
        optax.scale_by_learning_rate(optax.cosine_decay_schedule(1.5e-2, point["more"] * (len(x) // point["batch"]))),
    )
    more = relative, point["more"], point, key
    longer = fit(trained.net, LEARNT, x, y, *more)
    precision = snn.lowering.Precision(weight=point["weight_bits"].astype(jnp.int32))
    seen = calibration(x[:CALIBRATION], steps, key)
    program = snn.lower(trained.net, TARGET, calibrate=seen, precision=precision).program
    through = fit(snn.lowering.relax(program), ON_CHIP, x, y, *more, scale=1.0 / program.scale["out"])

    average = lambda amount: jnp.mean(amount, where=real)
    floats, chips = (
        infer_both(*two, test_x, steps, key) for two in ((trained.net, longer.net), (program, through.net.program))
    )
    right = jnp.argmax(jnp.concatenate([floats.logits, chips.logits]), axis=-1) == test_y[None]
    agree = snn.lowering.spike_agreement(*(found.hidden[0] & real[:, None, None] for found in (chips, floats)))
    return {
        "accuracy": jax.vmap(average)(right.astype(jnp.float32)),
        "loss": jnp.concatenate([trained.history["loss"], through.history["loss"]]),
        "rates": jnp.stack(agree.rates) * 1e3,
        "coincidence": agree.coincidence,
        "same": average((agree.first < 0).astype(jnp.float32)),
        "first": average(jnp.where(agree.first < 0, steps, agree.first).astype(jnp.float32)),
        "status": trained.status | longer.status | through.status | floats.status | chips.status,
    } | {name: snn.get(trained.net, name) for name in LEARNT}


def model(key):
    """What `jaxsnn lower` lowers: the first fold, trained."""
    x, y, train, _ = digits()
    point = {name: axis.default for name, axis in SPACE.items() if isinstance(axis, snn.Static)}
    x, y = jnp.asarray(x[train[0]]), jnp.asarray(y[train[0]])
    return in_floats(point, x, y, key).net, calibration(x[:CALIBRATION], point["steps"], key)


def first_program(ds):
    """The first training of a result, lowered by itself; images, labels, and which it is tested with."""
    key, first = jax.random.key(0), lambda name: ds[name].isel({d: 0 for d in ds[name].dims if d in ds.coords}).values
    net = classifier(ds.attrs["hidden"], key)
    for name in LEARNT:
        net = snn.set(net, name, first(name))
    x, y, train, test = digits()
    fold = int(np.ravel(ds.coords["fold"].values)[0]) if "fold" in ds.coords else int(ds.attrs["fold"])
    bits = (
        int(np.ravel(ds.coords["weight_bits"].values)[0])
        if "weight_bits" in ds.coords
        else int(ds.attrs["weight_bits"])
    )
    steps, test = ds.attrs["steps"], test[fold][test[fold] >= 0]
    seen = calibration(jnp.asarray(x[train[fold][:CALIBRATION]]), steps, key)
    return (
        snn.lower(net, TARGET, calibrate=seen, precision=snn.lowering.Precision(weight=jnp.int32(bits))),
        jnp.asarray(x),
        y,
        test,
    )


def summary(ds):
    """All trainings; then the first of them as a program: how long its test set takes, and what of the chip it uses."""
    parts = [ds] if "weight_bits" not in ds.dims else [ds.sel(weight_bits=bits) for bits in ds.weight_bits.values]
    lines = [line for part in parts for line in _compared(part)]
    rates, mean = np.asarray(ds.rates).reshape(-1, 2).mean(0), lambda name: float(ds[name].mean())
    lines.append(
        f"hidden spikes: {rates[0]:.1f} Hz on the chip, {rates[1]:.1f} in floats; {100 * mean('coincidence'):.1f} % "
        f"coincide; {100 * mean('same'):.0f} % of images all alike, others differ first in step {_first(ds):.1f}"
    )
    lowered, x, y, test = first_program(ds)
    program = lowered.program
    arrays, rest = eqx.partition(program, eqx.is_array)
    emulate = jax.jit(
        lambda arrays, x: infer(eqx.combine(arrays, rest), x, ds.attrs["steps"], jax.random.key(0)).logits
    )
    begin = time.perf_counter()
    compiled = emulate.lower(arrays, x).compile()
    ready = time.perf_counter()
    logits = np.asarray(compiled(arrays, x))
    done = time.perf_counter()
    lines.append(
        f"emulating all {len(x)} images: {done - ready:.2f} s, and {ready - begin:.1f} s to compile; "
        f"{100 * np.mean(logits.argmax(1)[test] == y[test]):.2f} % right of the {len(test)} tested with"
    )
    return "\n".join([*lines, str(lowered.report)])


def _compared(ds):
    """The four accuracies of trainings with the same bits."""
    accuracy = 100 * np.asarray(ds.accuracy).reshape(-1, len(KINDS))
    bits = float(ds.coords["weight_bits"]) if "weight_bits" in ds.coords else ds.attrs["weight_bits"]
    lines = [
        f"{len(accuracy)} training(s), weights of {bits:g} bits, {ds.attrs['more']} epochs more in the second and "
        "fourth row"
    ]
    for kind, values, lost in zip(KINDS, accuracy.T, (accuracy - accuracy[:, :1]).T):
        lines.append(f"  {kind:22}: {values.mean():6.2f} %, {lost.mean():+.2f} points of float (sd {lost.std():.2f})")
    apart = accuracy[:, 3] - accuracy[:, 1]
    lines.append(
        f"  through the integers against floats trained as long: {apart.mean():+.2f} points, "
        f"standard error {apart.std() / np.sqrt(len(apart)):.2f}"
    )
    return lines


def _first(ds):
    """The mean first step that differs, of images where any does."""
    same = np.asarray(ds.same)
    return float(np.mean((np.asarray(ds["first"]) - same * ds.attrs["steps"]) / np.maximum(1 - same, 1e-9)))


def plot(ds, path):
    """Accuracy of all four, over weight bits if these vary; what was lost; and beside it the report as HTML."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    values = 100 * np.asarray(ds.accuracy)
    if "weight_bits" in ds.dims:
        bits = ds.weight_bits.values
        values = 100 * ds.accuracy.transpose("weight_bits", ...).values
        left.plot(bits, values.reshape(len(bits), -1, len(KINDS)).mean(1), "o-", label=KINDS)
        left.set(xlabel="weight bits", ylabel="test accuracy (%)")
        left.legend(frameon=False, fontsize="small")
    else:
        values = values.reshape(-1, len(KINDS))
        for i in range(len(KINDS)):
            left.plot(np.full(len(values), i), values[:, i], "o", color=f"C{i}", alpha=0.5)
            left.plot([i - 0.3, i + 0.3], [values[:, i].mean()] * 2, color=f"C{i}")
        left.set_xticks(range(len(KINDS)), [kind.replace(", ", ",\n") for kind in KINDS])
        left.set(ylabel="test accuracy (%), trainings and mean")
    loss = np.asarray(ds.loss).reshape(-1, ds.loss.shape[-1])
    right.plot(1 + np.arange(loss.shape[1]), loss.T, color="C0", alpha=0.5)
    right.axvline(ds.attrs["epochs"] + 0.5, color="0.6", linestyle="--", linewidth=0.8)
    right.set(xlabel="epoch; through the integers behind the line", ylabel="cross-entropy of training", yscale="log")
    figure.savefig(path, dpi=150)
    report = first_program(ds)[0].report
    assert report is not None  # as it was lowered by itself
    report.save(path.with_suffix(".html"))
