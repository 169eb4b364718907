"""Eight firing patterns of the adaptive exponential neuron (Naud et al. 2008): tonic to irregular, by parameters alone.

`C dv/dt = -g_l (v - e_l) + g_l d exp((v - v_t)/d) - w + I`, `tau_w dw/dt = a (v - e_l) - w`; above 0 mV a spike:
`v <- v_r`, `w <- w + b`. Forward Euler from rest under a constant current, as Brian2's example of the paper.

    jaxsnn run experiments/adex_patterns.py
    jaxsnn run experiments/adex_patterns.py --set dt=0.01
    jaxsnn run experiments/adex_patterns.py --set integrator=rk4

The eight neurons are one population. Irregular spiking is chaotic: its times differ with the step, its count hardly.
"""

import jax
import numpy as np

import jaxsnn as snn

T = 600.0  # ms
SPACE = {
    "integrator": snn.Static("euler", ("euler", "rk2", "rk4")),
    "dt": snn.Static(0.1, unit="ms"),
}
INTEGRATORS = {"euler": snn.integrators.Euler(), "rk2": snn.integrators.RK2(), "rk4": snn.integrators.RK4()}
NUMBERS = ("c", "g_l", "e_l", "v_t", "delta_t", "a", "tau_w", "b", "v_reset", "bias")
PATTERNS = {  # pF, nS, mV, mV, mV, nS, ms, pA, mV, pA
    "tonic": (200, 10, -70, -50, 2, 2, 30, 0, -58, 500),
    "adaptation": (200, 12, -70, -50, 2, 2, 300, 60, -58, 500),
    "initial burst": (130, 18, -58, -50, 2, 4, 150, 120, -50, 400),
    "regular bursting": (200, 10, -58, -50, 2, 2, 120, 100, -46, 210),
    "delayed accelerating": (200, 12, -70, -50, 2, -10, 300, 0, -58, 300),
    "delayed regular bursting": (100, 10, -65, -50, 2, -10, 90, 30, -47, 110),
    "transient": (100, 10, -65, -50, 2, 10, 90, 100, -47, 180),
    "irregular": (100, 12, -60, -50, 2, -11, 130, 30, -48, 160),
}
REFERENCE = {  # forward Euler in NumPy: spikes with steps of 0.1 and 0.01 ms, and the first times with 0.1 ms
    "tonic": (60, 62, (14.4, 23.7, 33.1)),
    "adaptation": (12, 12, (15.1, 26.7, 41.4, 61.4)),
    "initial burst": (12, 12, (5.7, 9.5, 17.2, 72.2)),
    "regular bursting": (11, 11, (16.4, 19.7, 25.3, 157.2)),
    "delayed accelerating": (45, 46, (33.8, 54.7)),
    "delayed regular bursting": (32, 32, (57.5, 61.1)),
    "transient": (1, 1, (30.4,)),
    "irregular": (33, 32, ()),
}


def experiment(point, key):
    """Membranes and adaptation currents, shape `(steps, 8)`, and the spikes."""
    numbers = np.array(list(PATTERNS.values()), float).T
    cell = snn.AdEx(
        **dict(zip(NUMBERS, numbers)),
        integrator=INTEGRATORS[point["integrator"]],
        comparator=snn.thresholds.Greater(),
        surrogate=snn.surrogates.FastSigmoid(),
    )
    net = snn.network(dt=point["dt"], populations={"cells": snn.Population(cell, len(PATTERNS))}, key=jax.random.key(0))
    record = {"v": snn.Trace("cells.v"), "w": snn.Trace("cells.w"), "spikes": snn.Raster("cells")}
    run = snn.simulate(net, t=T, key=key, record=record)
    return {"v": run["v"], "w": run["w"], "spikes": run["spikes"].dense(), "status": run.status}


def times(ds):
    """Spike times of every pattern, ms, stamped as Brian2 does: the start of the step."""
    dt = ds.attrs["dt"]
    return {name: np.flatnonzero(spikes) * dt for name, spikes in zip(PATTERNS, ds.spikes.values.T)}


def summary(ds):
    """Counts and first times, beside those of the reference."""
    lines = [
        f"{'':26}{'spikes':>7}  first times (ms)                   reference: 0.1 / 0.01 ms, first times at 0.1 ms"
    ]
    for name, found in times(ds).items():
        coarse, fine, first = REFERENCE[name]
        mine = " ".join(f"{t:.1f}" for t in found[:4])
        lines.append(f"{name:26}{len(found):7}  {mine:35}{coarse} / {fine}  {' '.join(map(str, first))}")
    return "\n".join(lines)


def plot(ds, path):
    """`v` over time on the left, the trajectory in the plane of `v` and `w` on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 14.0), layout="constrained")
    t = (np.arange(ds.v.shape[0]) + 1) * ds.attrs["dt"]
    for (left, right), (i, name) in zip(figure.subplots(8, 2, width_ratios=(4, 1)), enumerate(PATTERNS)):
        v = np.where(ds.spikes.values[:, i], 20.0, ds.v.values[:, i])  # the peak, which the reset hides
        left.plot(t, v, linewidth=0.8)
        left.set(title=name, xlim=(0, T), ylim=(-85, 25), ylabel="v (mV)")
        right.plot(ds.v.values[:, i], ds.w.values[:, i], linewidth=0.5)
        right.set(xlim=(-80, 0), ylabel="w (pA)")
    left.set(xlabel="time (ms)")
    right.set(xlabel="v (mV)")
    figure.savefig(path, dpi=100)
