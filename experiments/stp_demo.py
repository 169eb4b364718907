"""Short-term plasticity: what a synapse makes of ten spikes and, after a pause, of one more.

Three synapses receive the same train: a depressing and a facilitating one, whose amplitudes are published, and one with
the numbers that you choose. A spike takes the share `u` of what is available of the resources, `x`: it sends `u x`.

    jaxsnn run experiments/stp_demo.py                                       # the tables, and what the membranes see
    jaxsnn run experiments/stp_demo.py --set U=0.2 --set tau_fac=500
    jaxsnn sweep experiments/stp_demo.py                                     # over the rate of the train
    jaxsnn sweep experiments/stp_demo.py --axis U=0.05:0.9:18 --axis tau_rec=50:1000:20

`du/dt = -u / tau_fac`, `dx/dt = (1 - x) / tau_rec`; a spike does `u <- u + U (1 - u)`, sends `u x`, `x <- x - u x`.

References: Tsodyks and Markram, PNAS 94:719 (1997); Markram, Wang and Tsodyks, PNAS 95:5323 (1998).
"""

import math

import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

SPACE = {
    "U": snn.Axis(0.67, unit="1"),  # the default is the depressing synapse of NEST's example
    "tau_rec": snn.Axis(450.0, unit="ms"),
    "tau_fac": snn.Axis(0.0, unit="ms"),
    "rate": snn.Axis(50.0, lo=10.0, hi=100.0, n=19, unit="Hz"),
}

SYNAPSES = ("depressing", "facilitating", "chosen")
PUBLISHED = {  # U, tau_rec, tau_fac; and what ten spikes at 50 Hz are worth, and one 620 ms after them
    "depressing": (
        (0.5, 800.0, 0.0),
        (0.5, 0.256173, 0.137269, 0.079285, 0.051009, 0.03722, 0.030495, 0.027216, 0.025617, 0.024837, 0.275369),
    ),
    "facilitating": (
        (0.1, 100.0, 1000.0),
        (0.1, 0.172808, 0.210568, 0.219857, 0.213077, 0.201093, 0.190181, 0.182502, 0.177903, 0.175463, 0.392905),
    ),
}
FIRST, SPIKES, PAUSE = 100.0, 10, 620.0  # ms
DT, T = 0.1, 1700.0  # ms
SLOWEST = (SPIKES - 1) * 1e3 / (T - FIRST - PAUSE)  # Hz; slower trains do not end in time


def spike_times(rate):
    """ms, on the grid."""
    times = FIRST + 1e3 / rate * np.arange(SPIKES)
    times = np.append(times, times[-1] + PAUSE)
    return np.rint(times / DT) * DT


def experiment(point, key):
    """The amplitudes, `u` and `x`, and the membranes, each for three synapses side by side."""
    numbers = [jnp.stack([jnp.float32(a), jnp.float32(b), mine]) for a, b, mine in _columns(point)]
    release = snn.TsodyksMarkram(*numbers)
    net = snn.network(
        dt=DT,
        key=key,
        populations={
            "spikes": snn.SpikeSource(3),
            "sent": snn.SpikeSource(3),  # relays what arrives: the amplitudes themselves
            "cells": snn.Population(snn.LI(tau=20.0), 3, ports={"in": snn.Exponential(3.0)}),
        },
        projections={
            "watched": snn.Connection("spikes", "sent", snn.OneToOne(), release=release),
            "synapses": snn.Connection("spikes", "cells", snn.OneToOne(), weight=10.0, delay=1.0, release=release),
        },
    )
    between = jnp.arange(SPIKES, dtype=jnp.float32) * (1e3 / point["rate"])
    times = FIRST + jnp.append(between, between[-1] + PAUSE)
    steps = jnp.round(times / DT).astype(jnp.int32)[:, None] - 1  # the step at whose end it is that time
    everybody = jnp.arange(3, dtype=jnp.int32)[None]
    events = (x.reshape(-1) for x in jnp.broadcast_arrays(steps, everybody))
    drive = snn.Replay.events(*events, steps=round(T / DT), n=3, into="spikes")
    record = {"sent": snn.Trace("sent.v")} | {
        name: snn.Trace(path, every=5 * DT)
        for name, path in (("u", "synapses.release.u"), ("x", "synapses.release.x"), ("v", "cells.v"))
    }
    run = snn.simulate(net, drive, t=T, key=key, record=record)
    return {"sent": run["sent"][steps[:, 0]], "u": run["u"], "x": run["x"], "v": run["v"], "status": run.status}


def _columns(point):
    """`U`, then `tau_rec`, then `tau_fac`, of the two that are published and of the chosen one."""
    (depressing, _), (facilitating, _) = PUBLISHED.values()
    return zip(depressing, facilitating, (jnp.float32(point[name]) for name in ("U", "tau_rec", "tau_fac")))


def from_spike_to_spike(U, tau_rec, tau_fac, times):
    """The closed form of Maass and Markram: what each spike is worth."""
    x, u, out = 1.0, U, [U]
    for h in np.diff(times):
        x = 1.0 + (x - x * u - 1.0) * math.exp(-h / tau_rec)
        u = U + (u * (1.0 - U) * math.exp(-h / tau_fac) if tau_fac else 0.0)
        out.append(u * x)
    return np.array(out)


def _points(ds):
    """Every point: its numbers, and its amplitudes, shape (spikes, synapses)."""
    dims = [name for name in SPACE if name in ds.dims]
    flat = ds.sent.stack(point=dims).transpose("point", ...) if dims else ds.sent.expand_dims("point")
    for sent in flat:
        yield {name: float(sent.coords[name] if name in dims else ds.attrs[name]) for name in SPACE}, sent.values


def summary(ds):
    """The published tables beside what was measured, and all points against the closed form."""
    worst, lines = 0.0, []
    for point, sent in _points(ds):
        if point["rate"] < SLOWEST:
            continue
        chosen = (point["U"], point["tau_rec"], point["tau_fac"])
        for i, numbers in enumerate((PUBLISHED["depressing"][0], PUBLISHED["facilitating"][0], chosen)):
            worst = max(worst, np.abs(sent[:, i] - from_spike_to_spike(*numbers, spike_times(point["rate"]))).max())
        if point["rate"] == 50.0 and not lines:
            lines.append("spike        " + "".join(f"{k:>10}" for k in [*range(1, SPIKES + 1), "recovery"]))
            for i, (name, (_, table)) in enumerate(PUBLISHED.items()):
                lines.append(f"{name:13}" + "".join(f"{a:10.6f}" for a in sent[:, i]))
                lines.append("  published  " + "".join(f"{a:10.6f}" for a in table))
                lines.append(f"  largest difference: {np.abs(sent[:, i] - table).max():.1e}")
            if not {"U", "tau_rec", "tau_fac"} & set(ds.dims):
                lines.append("chosen       " + "".join(f"{a:10.6f}" for a in sent[:, 2]))
    lines.append(f"largest difference from the closed form, all points and synapses: {worst:.1e}")
    if any(point["rate"] < SLOWEST for point, _ in _points(ds)):
        lines.append(f"trains below {SLOWEST:.1f} Hz do not end within {T:.0f} ms and are left out")
    return "\n".join(lines)


def plot(ds, path):
    """One point: amplitudes, `u` and `x`, membranes. A sweep: the first, tenth and recovered spike over its axis."""
    from matplotlib.figure import Figure

    axes = [name for name in SPACE if name in ds.dims]
    figure = Figure(figsize=(11.0, 7.0 if not axes else 4.0), layout="constrained")
    if not axes:
        _one(figure, ds)
    else:
        _swept(figure, ds, axes)
    figure.savefig(path, dpi=120)


def _one(figure, ds):
    times, t = spike_times(float(ds.attrs["rate"])), 5 * DT * np.arange(1, ds.u.shape[0] + 1)
    panels = figure.subplots(3, 3, sharex=True, sharey="row")
    for i, (name, (amplitude, state, membrane)) in enumerate(zip(SYNAPSES, panels.T)):
        amplitude.vlines(times, 0.0, ds.sent.values[:, i], color="black")
        if name in PUBLISHED and float(ds.attrs["rate"]) == 50.0:
            amplitude.plot(times, PUBLISHED[name][1], "o", color="tab:red", fillstyle="none", label="published")
            amplitude.legend(frameon=False)
        numbers = PUBLISHED[name][0] if name in PUBLISHED else [float(ds.attrs[x]) for x in ("U", "tau_rec", "tau_fac")]
        amplitude.set_title("{}: U {:g}, tau_rec {:g} ms, tau_fac {:g} ms".format(name, *numbers), fontsize=9)
        state.plot(t, ds.x.values[:, i], color="tab:blue", label="x, available")
        state.plot(t, ds.u.values[:, i], color="tab:orange", label="u, used by a spike")
        membrane.plot(t, ds.v.values[:, i], color="black", linewidth=1.0)
        membrane.set_xlabel("time (ms)")
    for ax, label in zip(panels[:, 0], ("amplitude sent, u x", "resources", "membrane (mV)")):
        ax.set_ylabel(label)
    panels[0, 0].set(ylim=(0.0, 1.05 * float(ds.sent.max())), xlim=(0.0, times[-1] + 300.0))
    panels[1, 0].legend(frameon=False, fontsize=8)


def _swept(figure, ds, axes):
    along = axes[-1]
    middle = ds.isel({name: ds.sizes[name] // 2 for name in axes[:-1]})
    sent = middle.sent.transpose(along, ...).values  # (points, spikes, synapses)
    for i, (name, ax) in enumerate(zip(SYNAPSES, figure.subplots(1, 3, sharex=True))):
        for spike, label in ((0, "first"), (SPIKES - 1, "tenth"), (SPIKES, f"{PAUSE:.0f} ms later")):
            ax.plot(ds[along], sent[:, spike, i], ".-", label=label)
        ax.set(title=name, xlabel=f"{along} ({SPACE[along].unit})".removesuffix(" (1)"), ylim=(0.0, None))
    figure.axes[-1].legend(frameon=False, fontsize=8, loc="center right")
    figure.axes[0].set_ylabel("amplitude sent, u x")
