"""What unequal synapses do to a synchronous network: weights, delays and the graph all differ from point to point.

Brunel's (2000) network in its fast synchronous irregular state (`g = 6`, `eta = 4`), with 1 250 neurons, each of which
receives from 500 excitatory and 125 inhibitory ones. With equal delays the population oscillates with a period of a
few delays, though each neuron fires irregularly and not in every cycle. Delays drawn around the same mean end the
oscillation and leave the rate; weights drawn around the same mean weaken it less. Every point is a network of its own:
other weights, other delays and, for each seed, another graph, in one compiled program.

    jaxsnn sweep experiments/heterogeneity.py                                      # spread of delays x of weights
    jaxsnn run experiments/heterogeneity.py --set delay_spread=0                   # one point
    jaxsnn sweep experiments/heterogeneity.py --axis delay=1:4:13 --axis seed=0,1  # period against mean delay

`synchrony` is the standard deviation of the population's rate in bins of 0.5 ms over what independent Poisson neurons
of the same rate would have: 1 where neurons are independent.

Reference: Brunel, J. Comput. Neurosci. 8:183 (2000), section 4.3, where distributed delays damp the fast oscillation.
"""

import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.analysis.statistics import spectrum_peak

SPACE = {
    "delay_spread": snn.Axis(0.0, lo=0.0, hi=1.0, n=9),
    "weight_spread": snn.Axis(0.0, values=(0.0, 0.5, 1.0)),
    "delay": snn.Axis(1.5, unit="ms"),
    "g": snn.Axis(6.0),
    "eta": snn.Axis(4.0),
    "warm_up": snn.Static(200.0, unit="ms"),
    "window": snn.Static(500.0, unit="ms"),
    "seed": snn.Seeds(3),
}

SIZES = {"E": 1000, "I": 250}
IN_DEGREE = {"E": 500, "I": 125}
J, TAU, V_TH, V_RESET, T_REF = 0.2, 20.0, 20.0, 10.0, 2.0  # mV, ms, mV, mV, ms
DT, BIN = 0.1, 0.5  # ms
LONGEST = 8.0  # ms: what delays may reach at any point


def unequal(mean, spread):
    """Lognormal numbers with this mean, whose standard deviation is `spread` times as large."""
    variance = jnp.log1p(spread**2)
    return snn.LogNormal(jnp.log(jnp.abs(mean)) - 0.5 * variance, jnp.sqrt(variance))


def network(*, g, delay, delay_spread, weight_spread, key):
    """The network; weights from `I` are negative."""

    def population(size):
        cell = snn.LIF(tau=TAU, v_th=V_TH, v_reset=V_RESET, t_ref=T_REF)
        return snn.Population(cell, size, init={"v": snn.Uniform(0.0, V_TH)})

    def link(pre, post):
        weights = unequal(J if pre == "E" else g * J, weight_spread)
        sign = 1.0 if pre == "E" else -1.0
        return snn.Connection(
            pre,
            post,
            snn.FixedInDegree(IN_DEGREE[pre]),
            weight=lambda key, shape: sign * weights.sample(key, shape),
            delay=snn.Uniform(delay * (1.0 - delay_spread) + DT, delay * (1.0 + delay_spread) + DT),
            max_delay=LONGEST,
        )

    return snn.network(
        dt=DT,
        key=key,
        populations={name: population(size) for name, size in SIZES.items()},
        projections={f"{pre}{post}": link(pre, post) for pre in SIZES for post in SIZES},
    )


def experiment(point, key):
    """Rate, synchrony and rhythm of one point, after the warm-up."""
    net = network(**{name: point[name] for name in ("g", "delay", "delay_spread", "weight_spread")}, key=key)
    threshold_rate = 1e3 * V_TH / (J * TAU)  # Hz, summed over the external synapses, of which each neuron has its own
    drive = snn.Poisson(point["eta"] * threshold_rate, J, into=("E", "I"), most=10.0)
    start = point["warm_up"]
    probes = {p: {"rate": snn.PopulationRate(p, bin=BIN), "isi": snn.ISI(p, start=start)} for p in SIZES}
    run = snn.simulate(net, drive, t=start + point["window"], key=key, record=probes)
    total = sum(SIZES.values())
    rate = jnp.stack([n / total * run[p]["rate"] for p, n in SIZES.items()]).sum(axis=0)[round(start / BIN) :]
    mean = jnp.mean(rate)
    independent = jnp.sqrt(mean * 1e3 / (BIN * total))  # of Poisson neurons: sqrt(spikes in a bin), as a rate
    enough = jnp.concatenate([run[p]["isi"].count for p in SIZES]) >= 4
    cv = jnp.concatenate([run[p]["isi"].cv for p in SIZES])
    return {
        "rate_hz": mean,
        "cv": jnp.nanmean(jnp.where(enough, cv, jnp.nan)),
        "synchrony": jnp.std(rate) / jnp.maximum(independent, 1e-9),
        "peak_hz": spectrum_peak(rate, BIN),
        "psth_hz": rate,
        "status": run.status,
    }


def summary(ds):
    """Rate, synchrony and rhythm where delays are equal and where they are spread most."""
    if "delay_spread" not in ds.dims:
        return f"rate {float(ds.rate_hz.mean()):.1f} Hz, synchrony {float(ds.synchrony.mean()):.1f}"
    mean = ds.mean("seed") if "seed" in ds.dims else ds
    mean = mean.isel({name: 0 for name in mean.dims if name in SPACE and name != "delay_spread"})
    line = "delays {:6}: rate {:5.1f} Hz, CV {:4.2f}, synchrony {:4.1f}, peak at {:3.0f} Hz".format
    values = lambda at: [float(mean[name][at]) for name in ("rate_hz", "cv", "synchrony", "peak_hz")]
    return "\n".join([line("equal", *values(0)), line("spread", *values(-1))])


def plot(ds, path):
    """Synchrony against the spread of delays, a line for each spread of weights; and the rhythm at both ends."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 3.6), layout="constrained")
    left, *right = figure.subplots(1, 3)
    for name in ("delay_spread", "weight_spread", "seed"):  # those that do not vary
        ds = ds if name in ds.dims else ds.expand_dims({name: [ds.attrs.get(name, 0)]})
    for weight in ds.weight_spread.values:
        of = ds.synchrony.sel(weight_spread=weight)
        left.errorbar(ds.delay_spread, of.mean("seed"), of.std("seed"), label=f"{weight:g}", capsize=2)
    left.axhline(1.0, color="black", linewidth=0.8, linestyle=":")
    left.set(xlabel="spread of delays / mean", ylabel="synchrony (1: independent)", ylim=(0, None))
    left.legend(title="spread of weights", frameon=False)
    for ax, at, title in zip(right, (0, -1), ("delays least spread", "delays most spread")):
        last = np.asarray(ds.psth_hz.isel(delay_spread=at, weight_spread=0, seed=0))[-round(100.0 / BIN) :]
        ax.fill_between(np.arange(len(last)) * BIN, last, color="black", linewidth=0)
        ax.set(title=title, xlabel="time (ms)", ylabel="rate (Hz)", xlim=(0, 100), ylim=(0, None))
    figure.savefig(path, dpi=130)
