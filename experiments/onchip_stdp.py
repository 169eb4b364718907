"""STDP on the chip: integrate-and-fire cells learn which of their inputs fire together, in floats and in integers.

Half of 100 Poisson inputs have events in common; additive STDP with a little more depression than potentiation lets
them take over (Song, Miller and Abbott 2000). The network runs twice on the same spikes: as floats, and as the program
that `lower` makes of it, whose synapses are 8-bit mantissas under the learning engine's rule.

    jaxsnn run experiments/onchip_stdp.py
    jaxsnn sweep experiments/onchip_stdp.py --axis common=0:0.6:7
"""

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

SPACE = {
    "common": snn.Axis(0.4, unit="1"),  # how often an input of the first half follows a common event
    "seconds": snn.Static(20),
    "seed": snn.Seeds(1),
}
N, CELLS, DT, RATE = 100, 8, 1.0, 20.0  # inputs, cells, ms, Hz of an input
TAU, V_TH = 20.0, 15.0  # ms, mV
FULL = 255  # mantissas of the largest weight, 1 mV: lower gives a Bound all of them
RULE = snn.PairSTDP(a_plus=0.005, a_minus=0.0056, tau_plus=20.0, tau_minus=20.0)


def inputs(key, steps, common):
    """Spikes of the inputs, all at the same rate; those of the first half partly copy one train of events."""
    events, copied, own = jax.random.split(key, 3)
    p = RATE * DT * 1e-3
    train = jax.random.bernoulli(events, p, (steps, 1))
    first = jnp.arange(N)[None] < N // 2
    copies = jax.random.bernoulli(copied, common, (steps, N)) & first
    return jnp.where(copies, train, jax.random.bernoulli(own, p, (steps, N))).astype(jnp.float32)


def floats(rule, weight, key):
    """The float network."""
    cell = snn.LIF(tau=TAU, v_th=V_TH, comparator=snn.thresholds.Greater())
    link = snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=1.0, delay=DT, rule=rule)
    populations = {"in": snn.SpikeSource(N), "E": snn.Population(cell, CELLS, ports={"in": snn.Delta()})}
    net = snn.network(dt=DT, key=key, populations=populations, projections={"S": link})
    return snn.set(net, "S.weight", weight)


def experiment(point, key):
    """Both, on the same inputs and from the same weights."""
    data, start, run = jax.random.split(key, 3)
    steps = int(point["seconds"] * 1000 / DT)
    drive = snn.Replay(inputs(data, steps, point["common"]), into="in")
    weight = jax.random.uniform(start, (N, CELLS), minval=0.3, maxval=0.7)
    rule = snn.chain(
        RULE,
        snn.Bound(0.0, 1.0),
        sends=snn.plasticity.WeightBeforeUpdate(),
        coincident_pairs=snn.plasticity.CoincidentIgnored(),
    )
    record = {"rate": snn.Count("E"), "w": snn.Trace("S.weight", every=steps // 20 * DT)}
    net = floats(rule, weight, start)
    soft = snn.simulate(net, drive, steps=steps, key=run, record=record)
    record = {"rate": snn.Count("E"), "w": snn.Trace("S.w", every=steps // 20 * DT)}
    program = snn.lower(net, snn.chips.loihi.Loihi1()).program
    hard = snn.simulate(program, drive, steps=steps, key=run, record=record)
    return {
        "float_w": soft["w"],
        "chip_w": hard["w"].astype(jnp.float32) / FULL,
        "float_hz": soft["rate"] / point["seconds"],
        "chip_hz": hard["rate"] / point["seconds"],
        "status": soft.status | hard.status,
    }


def halves(w):
    """Mean weights of the inputs with common events and of the others, over time."""
    w = np.asarray(w).reshape(-1, *np.shape(w)[-3:])[-1]
    return w[:, : N // 2].mean((1, 2)), w[:, N // 2 :].mean((1, 2))


def summary(ds):
    """The two halves at the end, and how alike the weights are."""
    lines = []
    for name in ("float", "chip"):
        together, alone = (half[-1] for half in halves(ds[f"{name}_w"].values))
        rate = float(ds[f"{name}_hz"].mean())
        lines.append(f"{name:5}: {together:.3f} with common events, {alone:.3f} without, {rate:.1f} Hz")
    a, b = (
        np.asarray(ds[f"{name}_w"]).reshape(-1, *ds.float_w.shape[-3:])[-1, -1].ravel() for name in ("float", "chip")
    )
    lines.append(f"correlation of all weights {np.corrcoef(a, b)[0, 1]:.3f}, mean difference {np.mean(b - a):+.4f}")
    return "\n".join(lines)


def plot(ds, path):
    """Weights of the halves over time, and every weight on the chip against its float."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, style in (("float", "-"), ("chip", "--")):
        for half, colour, label in zip(halves(ds[f"{name}_w"].values), ("C0", "C1"), ("common events", "independent")):
            left.plot(np.linspace(0, 1, len(half)), half, style, color=colour, label=f"{label}, {name}")
    left.set(xlabel="time (of the run)", ylabel="mean weight (mV)", ylim=(0.0, 1.0))
    left.legend(frameon=False)
    a, b = (np.asarray(ds[f"{name}_w"]).reshape(-1, *ds.float_w.shape[-3:])[-1, -1] for name in ("float", "chip"))
    for rows, colour in ((slice(0, N // 2), "C0"), (slice(N // 2, N), "C1")):
        right.plot(a[rows].ravel(), b[rows].ravel(), ".", color=colour, markersize=3.0)
    right.plot([0, 1], [0, 1], color="black", linewidth=0.8)
    right.set(xlabel="float weight (mV)", ylabel="on the chip (mV)", aspect="equal")
    figure.savefig(path, dpi=150)
