"""Inhibitory plasticity balances a network (Vogels et al. 2011): excitatory cells are drawn to a rate of 3 Hz.

8 000 excitatory and 2 000 inhibitory leaky integrate-and-fire neurons with conductances; 2 % of pairs are connected.
Nothing inhibits the excitatory cells at the start: they fire fast and together. Then inhibitory synapses onto them
learn: a pair of spikes strengthens, a presynaptic spike alone weakens. Inhibition cancels excitation cell by cell, and
the network becomes asynchronous and irregular. Parameters and order of events are those of Zenke's network in Brian2.

    jaxsnn run experiments/vogels2011.py
    jaxsnn sweep experiments/vogels2011.py                          # target rates of 1 to 10 Hz
    jaxsnn run experiments/vogels2011.py --set eta=0                # the control: nothing is learnt
    jaxsnn run experiments/vogels2011.py --set eta=0.1 --set learning=20    # nearer to the target

The last stretch is slow: after the 10 s of Brian2's example excitatory cells fire at 8.6 Hz (Brian2: 8.4), after 40 s
at 5.5 Hz; with ten times the learning rate at 4.2 Hz after 20 s.

`dw = eta (y - 2 rate tau)` at a spike of the inhibitory cell, `dw = eta x` at one of the excitatory cell: drift stops
where the excitatory cell fires at `rate`.

Reference: Vogels, Sprekeler, Zenke, Clopath and Gerstner, Science 334:1569 (2011).
"""

import json
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

SPACE = {
    "rate": snn.Axis(3.0, values=(1.0, 2.0, 3.0, 5.0, 10.0), unit="Hz"),  # the target
    "eta": snn.Axis(0.01, unit="nS"),
    "learning": snn.Static(9.0, unit="s"),  # after 1 s without, and before 1 s that is measured
    "n": snn.Static(10_000),
    "seed": snn.Seeds(1),
}

DT, TAU_STDP = 0.1, 20.0  # ms
W_EXC, W_INH, W_MAX = 0.3, 3.0, 100.0  # nS
WINDOW = 1000.0  # ms, of the end of either phase, that are measured
MEASURED = {"rate_hz": "E rate (Hz)", "cv": "CV", "fano": "var/mean of count"}
BRIAN2 = Path(__file__).parents[1] / "tests" / "golden" / "brian2_vogels2011.json"
W_SHOWN, BINS = 12.0, 60  # nS and bins of the histogram of weights
SHOWN, WORDS = 300.0, 16  # ms and groups of 32 neurons of the rasters


def network(*, rate=3.0, eta=0.01, n=10_000, key):
    """The network, whose connections are as many a neuron in a smaller one, and its inhibitory synapses plastic."""
    cell = snn.LIF(
        tau=20.0,
        v_rest=-60.0,
        v_th=-50.0,
        v_reset=-60.0,
        t_ref=4.9,  # Brian2's `refractory=5*ms`
        bias=200.0,
        gain=snn.gains.Capacitance(200.0),
        comparator=snn.thresholds.Greater(),
    )
    ports = {"exc": snn.Conductance(5.0, e_rev=0.0), "inh": snn.Conductance(10.0, e_rev=-80.0)}
    sizes = {"E": n * 4 // 5, "I": n // 5}
    populations = {p: snn.Population(cell, size, ports=ports) for p, size in sizes.items()}
    topology = snn.FixedProb(min(1.0, 0.02 * 10_000 / n))
    balance = snn.VogelsSprekeler(eta=eta, rate=rate, tau=TAU_STDP)
    link = lambda pre, post, weight, rule=None: snn.Connection(pre, post, topology, weight=weight, delay=0.0, rule=rule)
    projections = {
        "EE": link("E", "E.exc", W_EXC),
        "EI": link("E", "I.exc", W_EXC),
        "II": link("I", "I.inh", W_INH),
        "IE": link(
            "I", "E.inh", 0.0, rule=snn.chain(balance, snn.Bound(0.0, W_MAX), sends=snn.plasticity.WeightAfterUpdate())
        ),
    }
    return snn.network(dt=DT, key=key, populations=populations, projections=projections, order=snn.BrianOrder())


def experiment(point, key):
    """A second without plasticity, the time of learning, and a second that is measured again."""
    net = network(rate=point["rate"], eta=point["eta"], n=point["n"], key=key)
    still = eqx.tree_at(lambda net: net["IE"].plastic.rule.rules[0].eta, net, jnp.zeros_like(point["eta"]))
    rates = {p: snn.PopulationRate(p) for p in ("E", "I")}
    every = {"rate": rates, "isi": snn.ISI("E"), "spikes": {p: snn.Raster(p) for p in rates}}
    before = snn.simulate(still, t=WINDOW, key=key, record=every)
    learning = snn.simulate(net, t=1e3 * point["learning"], key=key, state=before.state, record={"rate": rates})
    after = snn.simulate(net, t=WINDOW, key=key, state=learning.state, record=every)
    runs = (before, learning, after)
    out = {f"{name}_before": x for name, x in measured(before).items()}
    out |= {f"{name}_after": x for name, x in measured(after).items()}
    out |= {f"rate_{p.lower()}_hz": jnp.concatenate([run["rate"][p] for run in runs]) for p in rates}
    graph, weight = net["IE"].graph, net.learned(after.state)["IE"].weight
    real = (graph.pre < graph.n_pre).astype(weight.dtype)  # inside a program lists of edges have some room at their end
    out["weight"] = jnp.sum(real * weight) / jnp.sum(real)
    place = jnp.clip((weight / W_SHOWN * BINS).astype(jnp.int32), 0, BINS - 1)
    out["histogram"] = jnp.zeros(BINS).at[place].add(real) / jnp.sum(real)
    return out | {"status": before.status | learning.status | after.status}


def measured(run):
    """Of excitatory cells: rate, CV of intervals, and how much the population's count varies (1: independent cells)."""
    rate = run["rate"]["E"]
    cells = run["isi"]
    count = rate * 1e-3 * cells.count.size  # in bins of 1 ms
    return {
        "rate_hz": jnp.mean(rate),
        "cv": jnp.nanmean(jnp.where(cells.count >= 3, cells.cv, jnp.nan)),
        "fano": jnp.var(count) / jnp.mean(count),
        "cell_rate_hz": cells.count.astype(rate.dtype),
        "spikes": jnp.concatenate([run["spikes"][p].words[-round(SHOWN / DT) :, :WORDS] for p in ("E", "I")], axis=1),
    }


def brian2():
    """Rates of both populations in every second of Brian2's example, over seeds, `(seeds, seconds)`."""
    golden = json.loads(BRIAN2.read_text())
    return {name: np.asarray(golden[name]) for name in ("rate_e_hz", "rate_i_hz")}


def summary(ds):
    """Before and after, at every point; and rates second by second beside Brian2's, where they are of its example."""
    lines = [f"{'target Hz':>10}{'eta nS':>8}" + "".join(f"{x:>22}" for x in MEASURED.values()) + f"{'weight nS':>12}"]
    dims = [d for d in ds.dims if d in ("rate", "eta")]
    for place in np.ndindex(*(ds.sizes[d] for d in dims)):
        point = ds.isel(dict(zip(dims, place)))
        rate, eta = (float(point[x] if x in point.coords else ds.attrs[x]) for x in ("rate", "eta"))
        change = (
            f"{float(point[x + '_before'].mean()):.2f} -> {float(point[x + '_after'].mean()):.2f}" for x in MEASURED
        )
        lines.append(
            f"{rate:10.1f}{eta:8.3f}" + "".join(f"{x:>22}" for x in change) + f"{float(point.weight.mean()):12.2f}"
        )
        if (round(rate, 6), round(eta, 6), ds.attrs["n"]) == (3.0, 0.01, 10_000):
            for name, peer in brian2().items():
                ours = point[name].values.reshape(-1, point[name].shape[-1]).mean(axis=0)
                seconds = ours[: len(ours) // 1000 * 1000].reshape(-1, 1000).mean(axis=1)[: peer.shape[1]]
                for label, values in (("jaxsnn", seconds), ("Brian2", peer.mean(axis=0))):
                    lines.append(f"  {name} by second, {label}: " + " ".join(f"{x:.1f}" for x in values))
    return "\n".join(lines)


def plot(ds, path):
    """Rates over time, rasters before and after, and what was learnt: rates of the cells, and weights."""
    from matplotlib.figure import Figure

    at = {d: 0 for d in ("eta", "seed") if d in ds.dims}
    point = ds.isel(at | ({"rate": int(np.argmin(np.abs(ds.rate.values - 3.0)))} if "rate" in ds.dims else {}))
    target = float(point.coords["rate"] if "rate" in point.coords else ds.attrs["rate"])
    figure = Figure(figsize=(13.0, 7.0), layout="constrained")
    (rate, cells, weights), (before, after, _) = axes = figure.subplots(2, 3)
    time = np.arange(1, len(point.rate_e_hz) // 100 + 1) * 0.1
    for name, color in (("rate_i_hz", "tab:red"), ("rate_e_hz", "black")):
        smooth = point[name].values[: 100 * len(time)].reshape(-1, 100).mean(axis=1)
        rate.semilogy(time, smooth, color=color, label=f"{name[5].upper()}, in 100 ms")
    rate.axhline(target, color="tab:blue", linestyle="--", linewidth=1.0, label="target")
    rate.axvline(WINDOW * 1e-3, color="0.7", linewidth=1.0)
    rate.set(xlabel="time (s)", ylabel="rate (Hz)")
    rate.legend(frameon=False)
    most = max(20.0, 4.0 * target)
    cells.hist(point.cell_rate_hz_after, bins=np.arange(0.0, most + 1.0), color="black")
    cells.axvline(target, color="tab:blue", linestyle="--")
    cells.set(xlabel="rate of an E cell in the last second (Hz)", ylabel="cells", xlim=(0, most))
    weights.stairs(point.histogram, np.linspace(0.0, W_SHOWN, BINS + 1), fill=True, color="0.6")
    weights.set(xlabel="inhibitory weight (nS)", ylabel="share of synapses", xlim=(0, W_SHOWN))
    for ax, name in ((before, "before"), (after, "after")):
        words = point[f"spikes_{name}"].values
        snn.plot.raster(words, n=32 * words.shape[1], dt=DT, ax=ax)
        ax.axhline(32 * min(WORDS, len(point.cell_rate_hz_after) // 32) - 0.5, color="tab:red", linewidth=0.8)
        ax.set(title=f"{name}: below excitatory, above inhibitory")
    axes[1, 2].remove()
    figure.savefig(path, dpi=120)
