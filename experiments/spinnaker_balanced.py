"""A balanced network on SpiNNaker, with steps of 1 and of 0.1 ms: rates and irregularity against floats and NEST.

1 000 neurons (800 excitatory) with exponential currents, in-degrees of 80 and 20, and as many inputs of 400 Poisson
sources: asynchronous and irregular. The same graph and the same input run in floats and as the whole numbers of the
machine; NEST's network has the same statistics (tests/oracles/nest_spinnaker_balanced.py). At 0.1 ms the decay of the
membrane is coarse, as it has 15 bits, and the machine would have to run slower than real time.

    python experiments/spinnaker_balanced.py [--plot PICTURE]
    jaxsnn lower experiments/spinnaker_balanced.py --target spinnaker-7.4 --out balanced.npz
"""

import argparse
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.chips import spinnaker

SIZES, SOURCES = {"E": 800, "I": 200}, 400
IN_DEGREE, WEIGHT, DELAY = {"E": 80, "I": 20, "in": 80}, {"E": 2.0, "I": -12.0, "in": 2.0}, 2.0  # weight mV, delay ms
DECAY = "membrane's decay, largest relative error"
RATE, WARM_UP, WINDOW = 25.0, 200.0, 2000.0  # Hz of a source, ms, ms
STEPS = (1.0, 0.1)  # ms
NEST = Path(__file__).parents[1] / "tests" / "golden" / "spinnaker" / "nest_balanced.json"


def balanced(dt, key):
    """The network; a spike adds to a current that decays with 5 ms, in mV of the membrane that it would hold up."""
    cell = snn.LIF(tau=20.0, v_rest=-65.0, v_reset=-65.0, v_th=-50.0, t_ref=2.0)
    population = lambda n: snn.Population(cell, n, ports={"syn": snn.Exponential(5.0)})

    def link(pre, post):
        delay = 1.0 if pre == "in" else DELAY
        return snn.Connection(pre, post, snn.FixedInDegree(IN_DEGREE[pre]), weight=WEIGHT[pre], delay=delay)

    return snn.network(
        dt=dt,
        key=key,
        populations={"in": snn.SpikeSource(SOURCES), **{name: population(n) for name, n in SIZES.items()}},
        projections={f"{pre}-{post}": link(pre, post) for pre in IN_DEGREE for post in SIZES},
    )


def model(key, dt=1.0):
    """What `jaxsnn lower` lowers: the network, and its input for a while."""
    return balanced(dt, key), snn.lowering.Calibration(snn.Poisson(RATE, into="in"), steps=round(WARM_UP / dt), key=key)


def statistics(what, keys, window=WINDOW):
    """Rate and irregularity of both populations after the warm-up, `(inputs,)` each."""
    record = {p: {"isi": snn.ISI(p, start=WARM_UP), "count": snn.Count(p, start=WARM_UP)} for p in SIZES}

    def one(what, key):
        run = snn.simulate(
            what,
            snn.Poisson(RATE, into="in"),
            t=WARM_UP + window,
            key=key,
            record=record,
            progress=snn.progress.Quiet(),
        )
        found = {}
        for p in SIZES:
            isi = run[p]["isi"]
            found[f"{p} rate (Hz)"] = jnp.mean(run[p]["count"]) / (window * 1e-3)
            found[f"{p} CV"] = jnp.nanmean(jnp.where(isi.count >= 4, isi.cv, jnp.nan))
        return found

    found = jax.jit(lambda what, keys: jax.lax.map(lambda key: one(what, key), keys))(what, keys)
    return jax.tree.map(np.asarray, found)


def compared(dt, inputs=4, window=WINDOW):
    """Means over inputs of the float network, of the program, and over networks of NEST's; and the machine's losses."""
    net, calibration = model(jax.random.key(0), dt)
    lowered = snn.lower(net, spinnaker.SpiNNaker1(), calibrate=calibration)
    keys = jax.random.split(jax.random.key(1), inputs)
    mean = lambda found: {name: float(x.mean()) for name, x in found.items()}
    assert lowered.report is not None  # nothing is traced here
    floats, program = (mean(statistics(each, keys, window)) for each in (net, lowered.program))
    return {"floats": floats, "SpiNNaker": program}, lowered.report.data


def plot(path, *, shown=500.0):
    """Spikes of the same inputs in floats and as the machine's whole numbers, at both steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 5.0), layout="constrained")
    for dt, axes in zip(STEPS, figure.subplots(2, 2, sharex=True, sharey=True).T):
        net, calibration = model(jax.random.key(0), dt)
        program = snn.lower(net, spinnaker.SpiNNaker1(), calibrate=calibration).program
        for (name, what), ax in zip({"floats": net, "SpiNNaker": program}.items(), axes):
            record = {p: snn.Raster(p) for p in SIZES}
            run = snn.simulate(what, calibration.drive, t=shown, key=jax.random.key(1), record=record)
            snn.plot.raster({p: run[p] for p in SIZES}, ax=ax).set(title=f"{name}, steps of {dt:g} ms")
            ax.label_outer()
    figure.savefig(path, dpi=120)


def main():
    """The table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--plot", help="where the picture goes")
    given = parser.parse_args()
    nest = json.loads(NEST.read_text())["dt ms"]
    for dt in STEPS:
        found, report = compared(dt)
        theirs = nest[f"{dt:g}"]
        cells = report["cells"]["E"]
        print(f"dt = {dt:g} ms; membrane's decay off by {cells[DECAY]:.2%}")
        print(f"{'':12}{'floats':>10}{'SpiNNaker':>12}{'NEST (sd)':>20}")
        for name, value in found["floats"].items():
            their = theirs[name]
            print(f"{name:12}{value:10.3f}{found['SpiNNaker'][name]:12.3f}{their['mean']:12.3f} ({their['sd']:.3f})")
    if given.plot:
        plot(given.plot)


if __name__ == "__main__":
    main()
