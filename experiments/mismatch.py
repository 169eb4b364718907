"""Chips that differ: the same classifier on many BrainScaleS-2s, as they are, calibrated, and trained in the loop.

The digits and the network of `chips_digits.py`, trained in floats and lowered to 6 bits once. A point of the sweep is a
chip, whose key is a number of the axis `chip`: with its fixed pattern and noise the program is run as it is, after its
circuits were calibrated by gradient against the program's own spikes on training images, after training through the
chip, and after both. What depends on the seed alone, the training in floats, is computed once for all chips; all of
them are one compiled program. Spread and noise are those of the defaults, which are guesses.

    jaxsnn run experiments/mismatch.py                            # 16 chips
    jaxsnn sweep experiments/mismatch.py --axis spread=0.5:3:6    # times the default spread and noise

Needs scikit-learn (`pip install jaxsnn[data]`), which brings the data with it.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from chips_digits import CALIBRATION, accuracy, classifier, fit, images, over_spread, scaled
from digits import digits

import jaxsnn as snn
from jaxsnn.chips import brainscales

SPACE = {
    "chip": snn.Whole(0, lo=0, hi=15),
    "seed": snn.Seeds(1),
    "spread": snn.Axis(1.0),
    "hidden": snn.Static(60),
    "steps": snn.Static(20),
    "epochs": snn.Static(20),
    "more": snn.Static(4),  # epochs in the loop
    "starts": snn.Static(2),  # of the calibration
    "batch": snn.Static(48),
}
REPEATS = ("chip",)
KINDS = ("no chip, 6 bits", "a chip as it is", "calibrated", "trained in the loop", "calibrated, and in the loop")


def agreement(program, other, drive, steps, key):
    """The share of the hidden neurons' spikes that both have, in the same step."""
    record = snn.Raster("hid")
    a, b = (
        snn.simulate(each, drive, steps=steps, key=key, record=record, throw=False).record.dense()
        for each in (program, other)
    )
    return 2.0 * jnp.mean(a & b) / (jnp.mean(a) + jnp.mean(b))


def experiment(point, key):
    """One chip, whose program is that of all."""
    x, y, train, test = (jnp.asarray(part) for part in digits())
    real, test_x, test_y = test[0] >= 0, x[test[0]], y[test[0]]
    x, y = x[train[0]], y[train[0]]
    steps, keys = point["steps"], dict(zip(("train", "loop", "run"), jax.random.split(key, 3), strict=True))

    count = point["epochs"] * (len(x) // point["batch"])
    adam = optax.adam(optax.cosine_decay_schedule(5e-3, count))
    trained = fit(classifier(point["hidden"], key), x, y, point["epochs"], point, keys["train"], adam)
    drive = lambda some: snn.Replay(images(some, steps).reshape(-1, 64), into="in")
    seen, unseen = drive(x[:CALIBRATION]), drive(test_x[:CALIBRATION])
    program = snn.lower(trained.net, brainscales.BrainScaleS2(), calibrate=seen).program

    spread, noise = scaled(point["spread"])
    found = brainscales.calibrate(program, point["chip"], seen, spread, noise, starts=point["starts"])
    on = lambda model: brainscales.on_chip(model, point["chip"], spread, noise)
    relative = optax.chain(optax.scale_by_adam(), optax.scale_by_param_block_rms(), optax.scale_by_learning_rate(5e-3))
    loop = lambda model: fit(on(snn.lowering.relax(model)), x, y, point["more"], point, keys["loop"], relative)
    looped = [loop(program), loop(found.program)]
    models = [program, on(program), on(found.program), *(each.net.program for each in looped)]
    error = lambda each: jnp.mean(jnp.concatenate([*each.values()]))
    return {
        "accuracy": jnp.stack([accuracy(each, test_x, test_y, real, steps, keys["run"]) for each in models]),
        "agreement": jnp.stack(
            [agreement(program, each, unseen, CALIBRATION * steps, keys["run"]) for each in models[1:3]]
        ),
        "reading_error": jnp.stack([error(found.before), error(found.error)]),  # LSB
        "status": trained.status | looped[0].status | looped[1].status,
    }


def summary(ds):
    """Means over chips, how chips differ, and the worst of them."""
    values = 100 * np.asarray(ds.accuracy).reshape(-1, len(KINDS))
    lines = [f"{len(values)} chip(s), test accuracy: mean, sd over chips, the worst"]
    for kind, x in zip(KINDS, values.T, strict=True):
        lines.append(f"  {kind:28}: {x.mean():6.2f} %, {x.std():5.2f}, {x.min():6.2f}")
    same = 100 * np.asarray(ds.agreement).reshape(-1, 2).mean(axis=0)
    lsb = np.asarray(ds.reading_error).reshape(-1, 2).mean(axis=0)
    lines.append(
        f"  spikes of hidden neurons that coincide, unseen images: {same[0]:.1f} %, calibrated {same[1]:.1f} %"
    )
    lines.append(f"  readings off by {lsb[0]:.2f} LSB rms, calibrated {lsb[1]:.2f}")
    return "\n".join(lines)


def plot(ds, path):
    """A line a chip, or over the spread the mean and what chips are apart."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(8.0, 4.0), layout="constrained")
    ax = made.subplots()
    if "spread" in ds.dims:
        over_spread(ax, ds, KINDS)
    else:
        values = 100 * np.asarray(ds.accuracy).reshape(-1, len(KINDS))
        ax.plot(range(len(KINDS)), values.T, color="0.75", lw=1.0)
        ax.plot(range(len(KINDS)), values.mean(axis=0), "o-", color="C0", label="mean")
        ax.set(ylabel="test accuracy, %", title=f"{len(values)} chips, a line each")
        ax.set_xticks(range(len(KINDS)), [kind.replace(", ", ",\n") for kind in KINDS])
        ax.legend(frameon=False)
    made.savefig(path, dpi=130)
