"""Brunel's (2000) balanced network of delta synapses: the phase diagram over inhibition `g` and external drive `eta`.

N = 2 500 leaky integrate-and-fire neurons (2 000 excitatory) with the full in-degree of the paper (1 000 and 250), each
with an independent Poisson input of rate `eta * 10 kHz` (`eta = 1` brings the mean to threshold). Where `g > 4`
inhibition dominates; synchronous regular, fast and slow oscillating and asynchronous irregular states meet.

    jaxsnn sweep experiments/brunel.py                                     # the diagram
    jaxsnn run experiments/brunel.py --set g=5 --set eta=2                 # one point
    jaxsnn run experiments/brunel.py --set n=12500                         # at the size of the paper, 15.6 M synapses
    jaxsnn sweep experiments/brunel.py --axis g=3:8:51 --axis seed=0,1,2   # another grid

Reference: Brunel, J. Comput. Neurosci. 8:183 (2000), model A, table 1 and figure 2B.
"""

import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.analysis.mean_field import brunel_rate
from jaxsnn.analysis.statistics import spectrum_peak

SPACE = {
    "g": snn.Axis(5.0, lo=3.0, hi=8.0, n=21),
    "eta": snn.Axis(
        2.0, values=(0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2.0, 2.25, 2.5, 2.75, 3.0, 3.33, 3.67, 4.0)
    ),
    "warm_up": snn.Static(200.0, unit="ms"),
    "window": snn.Static(1000.0, unit="ms"),
    "n": snn.Static(2500),
    "seed": snn.Seeds(1),
}

REGIMES = {  # the four states of the paper's figure 8, as (g, eta)
    "SR (synchronous regular)": (3.0, 2.0),
    "SI fast (synchronous irregular)": (6.0, 4.0),
    "AI (asynchronous irregular)": (5.0, 2.0),
    "SI slow (synchronous irregular)": (4.5, 0.9),
}

J, TAU, V_TH, V_RESET, T_REF, DELAY = 0.1, 20.0, 20.0, 10.0, 2.0, 1.5  # mV, ms, mV, mV, ms, ms
DT, BIN = 0.1, 0.5  # ms


def balanced(*, g, n, key):
    """The network: every neuron receives from 1 000 excitatory and 250 inhibitory ones, drawn with replacement."""

    def population(size):
        cell = snn.LIF(tau=TAU, v_th=V_TH, v_reset=V_RESET, t_ref=T_REF)
        return snn.Population(cell, size, init={"v": snn.Uniform(0.0, V_TH)})

    # where half of all pairs are connected, a matrix of counts beats lists of edges; at the paper's size a tenth is
    via = snn.Dense() if n <= 5000 else snn.Sparse()

    def link(pre, post, k, weight):
        return snn.Connection(pre, post, snn.FixedInDegree(k), via=via, weight=weight, delay=DELAY)

    return snn.network(
        dt=DT,
        key=key,
        populations={"E": population(n * 4 // 5), "I": population(n // 5)},
        projections={
            "EE": link("E", "E", 1000, J),
            "EI": link("E", "I", 1000, J),
            "IE": link("I", "E", 250, -g * J),
            "II": link("I", "I", 250, -g * J),
        },
    )


def experiment(point, key):
    """Rate, irregularity and rhythm of one point, after the warm-up."""
    net = balanced(g=point["g"], n=point["n"], key=key)
    threshold_rate = 1e3 * V_TH / (J * TAU)  # Hz, summed over the 1 000 external synapses
    drive = snn.Poisson(point["eta"] * threshold_rate, J, into=("E", "I"), most=10.0)
    start = point["warm_up"]
    run = snn.simulate(
        net,
        drive,
        t=start + point["window"],
        key=key,
        record={p: {"rate": snn.PopulationRate(p, bin=BIN), "isi": snn.ISI(p, start=start)} for p in ("E", "I")},
    )
    share = {"E": 0.8, "I": 0.2}
    rate = jnp.stack([share[p] * run[p]["rate"] for p in share]).sum(0)[round(start / BIN) :]
    regular = jnp.concatenate([run[p]["isi"].cv for p in share])
    enough = jnp.concatenate([run[p]["isi"].count for p in share]) >= 4  # as the golden data count: 5 spikes
    return {
        "rate_hz": jnp.mean(rate),
        "cv": jnp.nanmean(jnp.where(enough, regular, jnp.nan)),  # NaN where hardly anybody fires
        "peak_hz": spectrum_peak(rate, BIN),
        "synchrony": jnp.std(rate) / jnp.maximum(jnp.mean(rate), 1e-9),
        "psth_hz": rate,
        "status": run.status,
    }


def _nearest(ds, g, eta):
    at = {name: value for name, value in (("g", g), ("eta", eta)) if name in ds.dims}
    point = ds.sel(at, method="nearest")
    return point.mean("seed") if "seed" in point.dims else point


def summary(ds):
    """The four regimes: measured against theory, at the points of the grid that are nearest to them."""
    lines = [f"{'regime':34}{'g':>6}{'eta':>6}{'rate Hz':>10}{'theory':>9}{'ratio':>7}{'CV':>7}{'peak Hz':>9}"]
    chosen = REGIMES if {"g", "eta"} & set(ds.dims) else {"this point": (ds.attrs["g"], ds.attrs["eta"])}
    for name, (g, eta) in chosen.items():
        point = _nearest(ds, g, eta)
        g, eta = (float(point.coords[x]) if x in point.coords else float(ds.attrs[x]) for x in ("g", "eta"))
        rate, theory = float(point.rate_hz), float(brunel_rate(g, eta))
        lines.append(
            f"{name:34}{g:6.2f}{eta:6.2f}{rate:10.2f}{theory:9.2f}{rate / theory:7.2f}"
            f"{float(point.cv):7.2f}{float(point.peak_hz):9.1f}"
        )
    lines.append(
        "theory: self-consistent rate in the diffusion limit (Siegert): knows no oscillations, not valid for SR"
    )
    return "\n".join(lines)


def plot(ds, path):
    """The phase diagram, and the population rate over time in the four regimes."""
    from matplotlib.figure import Figure

    if not {"g", "eta"} <= set(ds.dims):
        figure = Figure(figsize=(7.0, 2.5), layout="constrained")
        _rhythm(figure.subplots(), ds.isel({name: 0 for name in SPACE if name in ds.dims}), "")
        figure.savefig(path, dpi=150)
        return
    figure = Figure(figsize=(13.0, 7.5), layout="constrained")
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.3, 1.0)).ravel()
    flat = ds.mean("seed") if "seed" in ds.dims else ds
    flat = flat.where(flat.rate_hz > 0.5)  # below, a handful of spikes decides
    panels = (("rate_hz", "rate (Hz)", True), ("cv", "CV of intervals", False), ("synchrony", "synchrony", True))
    for ax, (name, label, log) in zip(above.subplots(1, 3), panels, strict=True):
        snn.plot.heatmap(flat[name].transpose("eta", "g"), ds.g, ds.eta, labels=("g", "eta", label), log=log, ax=ax)
        ax.set_facecolor("0.85")  # silent
        for regime, (g, eta) in REGIMES.items():
            ax.plot(g, eta, "o", color="black", markeredgecolor="white")
            label, below_it = regime.partition(" (")[0], eta == max(e for _, e in REGIMES.values())
            at = (6, -12) if below_it else (6, 5)
            ax.annotate(label, (g, eta), at, textcoords="offset points", color="white", weight="bold")
    for ax, (regime, (g, eta)) in zip(below.subplots(1, 4), REGIMES.items(), strict=True):
        _rhythm(ax, _nearest(ds, g, eta), regime)
    figure.savefig(path, dpi=120)


def _rhythm(ax, point, title):
    """The last 100 ms of the population's rate."""
    last = np.asarray(point.psth_hz)[-round(100.0 / BIN) :]
    ax.fill_between(np.arange(len(last)) * BIN, last, color="black", linewidth=0)
    ax.set(title=title, xlabel="time (ms)", ylabel="rate (Hz)", ylim=(0, None), xlim=(0, 100))
    ax.title.set_fontsize(9)
