"""A first network: ten leaky integrate-and-fire neurons, sparsely connected, left alone and then driven.

`tau dv/dt = -(v - v_rest)`, a spike above -50 mV, reset to -65 mV, 5 ms of refractoriness; one pair in five is
connected, and a spike moves the receiver by 1 mV at once. Rest is 10 mV below threshold, so **without a drive this
network never spikes**; here each neuron then gets a Poisson train of 1 mV jumps, which makes all of them fire.

    jaxsnn run experiments/quickstart.py
    jaxsnn sweep experiments/quickstart.py --axis rate=0:3000:31

It is the group that Brian2 users begin with, and its lines are theirs: the equations, `threshold`, `reset`,
`refractory` and `method` are those of a `NeuronGroup`, and the order of events is Brian2's. In Brian2:

    cells = NeuronGroup(10, EQUATIONS, threshold="v > v_th", reset="v = v_reset", refractory=5*ms, method="exact")
    synapses = Synapses(cells, cells, on_pre="v_post += 1*mV")
    synapses.connect(p=0.2)
"""

import numpy as np

import jaxsnn as snn

SPACE = {"rate": snn.Axis(1000.0, unit="Hz")}  # of the input to each neuron

EQUATIONS = """
dv/dt = -(v - v_rest)/tau : volt (unless refractory)
"""


def experiment(point, key):
    """500 ms without drive, and 500 ms with it."""
    Cell = snn.equations.neuron(
        EQUATIONS, threshold="v > v_th", reset="v = v_reset", refractory="5*ms", method="exact",
        tau="10*ms", v_rest="-60*mV", v_th="-50*mV", v_reset="-65*mV",
    )  # fmt: skip
    net = snn.network(
        dt=0.1,
        populations={"cells": snn.Population(Cell(), 10, init={"v": snn.Uniform(-65.0, -50.0)})},
        projections={"all": snn.Connection("cells", "cells", snn.FixedProb(0.2), weight=1.0, delay=0.0)},
        order=snn.BrianOrder(),
        key=key,
    )
    probes = {"spikes": snn.Raster("cells"), "v": snn.Trace("cells.v")}
    alone = snn.simulate(net, t=500.0, key=key, record=probes)
    driven = snn.simulate(net, snn.Poisson(point["rate"], 1.0, into="cells"), t=500.0, key=key, record=probes)
    return {
        "spikes_alone": alone["spikes"].dense(),
        "spikes_driven": driven["spikes"].dense(),
        "v_alone": alone["v"],
        "v_driven": driven["v"],
        "status": alone.status | driven.status,
    }


def summary(ds):
    """How often a neuron fires, with and without input."""
    lines = [f"without drive: {int(ds.spikes_alone.sum())} spikes; rest is below threshold, so it never fires"]
    driven = ds.spikes_driven.values.reshape(-1, *ds.spikes_driven.shape[-2:])  # points, steps, neurons
    for rate, spikes in zip(np.ravel(ds.rate), driven):
        lines.append(f"with {rate:.0f} Hz of input: {spikes.mean() / 0.1e-3:.1f} Hz per neuron")
    return "\n".join(lines)


def plot(ds, path):
    """Spikes of all and membrane potential of one, side by side; of a sweep, its last point."""
    from matplotlib.figure import Figure

    point = ds.isel({name: -1 for name in SPACE if name in ds.dims})
    figure = Figure(figsize=(10.0, 4.5), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True, sharey="row")
    for (above, below), name, title in zip(panels.T, ("alone", "driven"), ("without drive", "with Poisson input")):
        snn.plot.raster(point[f"spikes_{name}"], dt=0.1, ax=above).lines[0].set_markersize(8.0)
        snn.plot.trace(point[f"v_{name}"][:, 2], label="v of neuron 2 (mV)", ax=below)
        above.set(title=title, yticks=(0, 9), xlabel="")
        below.axhline(-50.0, color="black", linestyle=":", linewidth=1.0)
        below.label_outer()
        above.label_outer()
    figure.savefig(path, dpi=150)
