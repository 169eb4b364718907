"""Competition by spike timing (Song, Miller and Abbott 2000): additive STDP drives the weights of a neuron apart.

1 000 excitatory Poisson inputs onto one leaky integrate-and-fire neuron, additive pair STDP between hard bounds, where
depression is slightly the stronger. Weights that start uniform become bimodal, and the neuron irregular and slow: it is
balanced at threshold. Parameters, order of events and timing are those of Brian2's example `STDP.py`.

    jaxsnn run experiments/song2000.py                            # 100 s, beside Brian2's statistics
    jaxsnn sweep experiments/song2000.py                          # 64 networks with other a_plus and a_minus / a_plus
    jaxsnn sweep experiments/song2000.py --axis rate=10:40:4      # the output hardly depends on the input's rate

`tau dv/dt = v_rest - v + g (e_exc - v)`, `dg/dt = -g / tau_exc`; weights in units of the leak, bounded by `g_max`.

Reference: Song, Miller and Abbott, Nat. Neurosci. 3:919 (2000).
"""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

SPACE = {
    "a_plus": snn.Axis(0.01, lo=0.0025, hi=0.02, n=8),  # in units of g_max
    "ratio": snn.Axis(1.05, lo=0.95, hi=1.3, n=8),  # a_minus / a_plus
    "rate": snn.Axis(15.0, unit="Hz"),  # of every input
    "seconds": snn.Static(100),
    "inputs": snn.Static(1000),
    "seed": snn.Seeds(1),
}

DT, G_MAX = 0.1, 0.01  # ms, in units of the leak
LAST, BINS = 20, 20  # s of the end that are measured; bins of weight
STATISTICS = {
    "rate_hz": "rate (Hz)",
    "cv": "CV",
    "low": "w < 0.1 g_max",
    "high": "w > 0.9 g_max",
    "mean": "mean w / g_max",
}
BRIAN2 = Path(__file__).parents[1] / "tests" / "golden" / "song2000" / "statistics.json"


def neuron_and_inputs(*, a_plus=0.01, ratio=1.05, inputs=1000, weight=None, key):
    """The network. `a_plus`: in units of `g_max`; `ratio`: of `a_minus` to `a_plus`; `weight`: at the start."""
    cell = snn.LIF(tau=10.0, v_rest=-74.0, v_th=-54.0, v_reset=-60.0, comparator=snn.thresholds.Greater())
    a = a_plus * G_MAX
    stdp = snn.PairSTDP(a_plus=a, a_minus=ratio * a, tau_plus=20.0, tau_minus=20.0)
    return snn.network(
        dt=DT,
        key=key,
        order=snn.BrianOrder(),
        populations={
            "in": snn.SpikeSource(inputs),
            "out": snn.Population(cell, 1, ports={"exc": snn.Conductance(5.0, e_rev=0.0)}),
        },
        projections={
            "learnt": snn.Connection(
                "in",
                "out",
                snn.AllToAll(),
                via=snn.Dense(),
                weight=snn.Uniform(0.0, G_MAX) if weight is None else weight,
                delay=0.0,
                rule=snn.chain(stdp, snn.Bound(0.0, G_MAX)),
            )
        },
    )


def experiment(point, key):
    """Rate over time, weights over time and at the end, and the irregularity of the last 20 s (or the last fifth)."""
    seconds = point["seconds"]
    last = min(LAST, -(-seconds // 5))
    net = neuron_and_inputs(a_plus=point["a_plus"], ratio=point["ratio"], inputs=point["inputs"], key=key)
    run = snn.simulate(
        net,
        snn.Poisson(point["rate"], into="in", most=0.1),
        t=1e3 * seconds,
        key=key,
        record={
            "rate": snn.PopulationRate("out", bin=1e3),
            "isi": snn.ISI("out", start=1e3 * (seconds - last)),
            "weights": snn.Snapshots("learnt.weight", every=1e3),
        },
    )
    share = run["weights"][..., 0] / G_MAX
    place = jnp.clip((share * BINS).astype(jnp.int32), 0, BINS - 1)
    end = share[-1]
    return {
        "rate_hz": jnp.mean(run["rate"][-last:]),
        "cv": run["isi"].cv[0],
        "low": jnp.mean(end < 0.1),
        "high": jnp.mean(end > 0.9),
        "mean": jnp.mean(end),
        "rate_over_time_hz": run["rate"],
        "histogram": jax.vmap(lambda i: jnp.zeros(BINS).at[i].add(1.0))(place) / point["inputs"],
        "weight": end * G_MAX,
        "status": run.status,
    }


def brian2():
    """The statistics of Brian2's own example, `{name: {"mean", "sd", "per_seed"}}`, and its histogram of weights."""
    return json.loads(BRIAN2.read_text())


def summary(ds):
    """Every point (over its seeds), and Brian2's numbers below those that it was run with."""
    lines = [f"{'a_plus':>8}{'ratio':>8}{'input Hz':>10}" + "".join(f"{x:>18}" for x in STATISTICS.values())]
    dims = [d for d in ds.dims if d in ("a_plus", "ratio", "rate")]
    for place in np.ndindex(*(ds.sizes[d] for d in dims)):
        point = ds.isel(dict(zip(dims, place)))
        at = [float(point.coords[x] if x in point.coords else ds.attrs[x]) for x in ("a_plus", "ratio", "rate")]
        values = "".join(
            _with_sd(point[x].mean(), point[x].std(ddof=1) if point[x].size > 1 else 0) for x in STATISTICS
        )
        lines.append(f"{at[0]:8.4f}{at[1]:8.3f}{at[2]:10.1f}" + values)
        if (*np.round(at, 6), ds.attrs["seconds"], ds.attrs["inputs"]) == (0.01, 1.05, 15.0, 100, 1000):
            peer = brian2()
            values = "".join(_with_sd(peer[x]["mean"], peer[x]["sd"]) for x in STATISTICS)
            lines.append(f"{'  Brian2, ' + str(peer['copies']) + ' copies':26}" + values)
    return "\n".join(lines)


def _with_sd(mean, sd):
    return f"{float(mean):.3f} +- {float(sd):.3f}".rjust(18) if float(sd) > 0 else f"{float(mean):.3f}".rjust(18)


def plot(ds, path):
    """One network: its rate, its weights over time and at the end. A sweep: what it comes to, over both axes."""
    from matplotlib.figure import Figure

    if {"a_plus", "ratio"} <= set(ds.dims):
        figure = Figure(figsize=(13.0, 4.0), layout="constrained")
        flat = ds.isel({d: 0 for d in ("rate", "seed") if d in ds.dims})
        panels = {"rate_hz": "rate (Hz)", "mean": "mean weight / g_max", "cv": "CV of intervals"}
        for ax, (name, label) in zip(figure.subplots(1, 3), panels.items()):
            values = flat[name].where(flat.rate_hz > 0).transpose("ratio", "a_plus")
            labels = ("a_plus / g_max", "a_minus / a_plus", label)
            snn.plot.heatmap(values, ds.a_plus, ds.ratio, labels=labels, log=name == "rate_hz", ax=ax)
        figure.savefig(path, dpi=120)
        return
    point = ds.isel({d: 0 for d in ds.dims if d in SPACE})
    figure = Figure(figsize=(13.0, 3.6), layout="constrained")
    rate, weights, end = figure.subplots(1, 3)
    time = np.arange(1, len(point.rate_over_time_hz) + 1)
    rate.plot(time, point.rate_over_time_hz, color="black", linewidth=1.0)
    rate.set(xlabel="time (s)", ylabel="rate (Hz)", ylim=(0, None), xlim=(0, time[-1]))
    shown = weights.pcolormesh(
        np.arange(len(time) + 1),
        np.linspace(0.0, 1.0, BINS + 1),
        100.0 * point.histogram.values.T,
        cmap="magma",
        vmin=0,
    )
    weights.set(xlabel="time (s)", ylabel="weight / g_max")
    figure.colorbar(shown, ax=weights, label="% of synapses")
    end.hist(point.weight / G_MAX, bins=10, range=(0.0, 1.0), color="0.75", label="jaxsnn")
    end.set(xlabel="weight / g_max", ylabel="synapses", xlim=(0, 1))
    if BRIAN2.is_file() and int(ds.attrs["seconds"]) == 100:
        end.stairs(brian2()["histogram"], np.linspace(0.0, 1.0, 11), color="tab:red", linewidth=1.5, label="Brian2")
        end.legend(frameon=False)
    figure.savefig(path, dpi=120)
