"""How much precision a classifier needs on a chip: bits of weights, decays and thresholds, all in one compiled sweep.

One trained network of `lower_digits` (first fold) is lowered anew at every point, calibrated on training images and
emulated on all images of the fold's test set; energy is that of published figures per event (`jaxsnn.lowering.energy`).
The bits are traced numbers, so hundreds of programs are one compile:

    jaxsnn sweep experiments/precision_sweep.py
    jaxsnn sweep experiments/precision_sweep.py --axis weight_bits=2,3,4,5,6,7,8
"""

import functools

import jax
import jax.numpy as jnp
import lower_digits as lowering
import numpy as np
from digits import digits

import jaxsnn as snn
from jaxsnn.chips.loihi.energy import CELL, SPIKE, SYNAPSE

SPACE = {
    "weight_bits": snn.Axis(8.0, values=(2, 3, 4, 5, 6, 7, 8)),
    "decay_bits": snn.Axis(12.0, values=(3, 4, 5, 6, 8, 12)),
    "threshold_bits": snn.Axis(17.0, values=(6, 7, 8, 10, 17)),  # of 17; scales leave the highest ones empty
    "images": snn.Static(360),
    "epochs": snn.Static(lowering.SPACE["epochs"].default),
}
STEPS, HIDDEN = lowering.SPACE["steps"].default, lowering.SPACE["hidden"].default


@functools.cache
def trained(epochs):
    """The network, trained before anything is traced; images to calibrate and to test with, and labels."""
    x, y, train, test = digits()
    test = test[0][test[0] >= 0]
    point = {"hidden": HIDDEN, "steps": STEPS, "epochs": epochs, "batch": lowering.SPACE["batch"].default}
    with jax.ensure_compile_time_eval():
        net = lowering.in_floats(point, jnp.asarray(x[train[0]]), jnp.asarray(y[train[0]]), jax.random.key(0)).net
    return net, x[train[0][: lowering.CALIBRATION]], x[test], y[test]


def precision(point):
    """The bits of this point."""
    return snn.lowering.Precision(
        *(point[f"{name}_bits"].astype(jnp.int32) for name in ("weight", "decay", "threshold"))
    )


def experiment(point, key):
    """Accuracy, energy and memory of one precision."""
    net, seen, x, y = trained(point["epochs"])
    x, y = jnp.asarray(x[: point["images"]]), jnp.asarray(y[: point["images"]])
    calibration = lowering.calibration(jnp.asarray(seen), STEPS, key)
    program = snn.lower(net, lowering.TARGET, calibrate=calibration, precision=precision(point)).program

    def one(image):
        record = {"v": lowering.LOGITS, "px": snn.Count("px"), "hid": snn.Count("hid")}
        run = snn.simulate(program, lowering.images(image, STEPS), steps=STEPS, key=key, record=record, throw=False)
        return run["v"], jnp.sum(run["px"]), jnp.sum(run["hid"]), run.status

    logits, px, hid, status = jax.vmap(one)(x)
    events, spikes = jnp.mean(px * HIDDEN + hid * 10), jnp.mean(px + hid)
    cells = STEPS * sum(program.sizes.values())
    links = [link for link in program.synapses.values() if isinstance(link, snn.chips.loihi.Synapses)]
    bits = sum(link.bits.astype(jnp.float32) * link.weight.size for link in links)
    return {
        "accuracy": jnp.mean((jnp.argmax(logits, axis=1) == y).astype(jnp.float32)),
        "nJ": (events * SYNAPSE.pj + cells * CELL.pj + spikes * SPIKE.pj) / 1e3,
        "synaptic_events": events,
        "weight_KB": bits / 8192.0,
        "hidden_spikes": jnp.mean(hid),
        "status": jnp.bitwise_or.reduce(status),
    }


def _at_most(ds, name):
    """A result over one axis, the others at the most there is."""
    others = {d: -1 for d in ds.accuracy.dims if d != name}
    return ds.isel(others)


def summary(ds):
    """Accuracy along every axis with the others as precise as can be, and the cheapest within a point of the best."""
    lines = [f"{ds.accuracy.size} programs in one compile; best {100 * float(ds.accuracy.max()):.2f} %"]
    for name in ds.accuracy.dims:
        line = _at_most(ds, name)
        cells = (
            f"{v:g}: {100 * a:.1f} % {e:.0f} nJ"
            for v, a, e in zip(line[name].values, line.accuracy.values, line.nJ.values)
        )
        lines.append(f"  {name}: " + ", ".join(cells))
    good = ds.accuracy.values >= float(ds.accuracy.max()) - 0.01
    bits = sum(np.meshgrid(*(ds[d].values for d in ds.accuracy.dims), indexing="ij"))
    at = np.unravel_index(np.argmin(np.where(good, bits, np.inf)), good.shape)
    which = ", ".join(f"{d} {ds[d].values[i]:g}" for d, i in zip(ds.accuracy.dims, at))
    lines.append(f"fewest bits within a point of the best: {which} ({100 * ds.accuracy.values[at]:.2f} %)")
    return "\n".join(lines)


def plot(ds, path):
    """Accuracy along every axis; over the two with most values; and against energy."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 3.6), layout="constrained")
    along, over, energy = figure.subplots(1, 3)
    for name in ds.accuracy.dims:
        line = _at_most(ds, name)
        along.plot(line[name].values, 100 * line.accuracy.values, "o-", label=name.replace("_", " "))
    along.set(xlabel="bits, the others at most", ylabel="test accuracy (%)")
    along.legend(frameon=False)
    if {"weight_bits", "decay_bits"} <= set(ds.accuracy.dims):
        grid = ds.accuracy.isel({d: -1 for d in ds.accuracy.dims if d not in ("weight_bits", "decay_bits")})
        grid = grid.transpose("decay_bits", "weight_bits")
        shown = over.imshow(100 * grid.values, origin="lower", aspect="auto", vmin=10, vmax=100)
        over.set_xticks(range(grid.shape[1]), [f"{v:g}" for v in grid.weight_bits.values])
        over.set_yticks(range(grid.shape[0]), [f"{v:g}" for v in grid.decay_bits.values])
        over.set(xlabel="weight bits", ylabel="decay bits", title="test accuracy (%)")
        figure.colorbar(shown, ax=over)
    else:
        over.set_axis_off()
    points = energy.scatter(ds.nJ.values.ravel(), 100 * ds.accuracy.values.ravel(), c=ds.weight_KB.values.ravel(), s=12)
    figure.colorbar(points, ax=energy, label="weights (KB)")
    energy.set(xlabel="nJ an inference (estimate)", ylabel="test accuracy (%)")
    figure.savefig(path, dpi=150)
