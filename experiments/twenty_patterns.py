"""The twenty firing patterns of Izhikevich (2004), figure 1: one model, twenty sets of four numbers.

`dv/dt = 0.04 v^2 + 5 v + 140 - u + I`, `du/dt = a (b v - u)`, a spike above 30 mV: `v <- c`, `u <- u + d`. The
published figure is that of one program: `v` by Euler at the step of each pattern, then `u` with the new `v`. All twenty
counts and times are gated, in double precision. Other schemes and finer steps show how much of the figure is the
model's and how much the step's:

    jaxsnn run experiments/twenty_patterns.py
    jaxsnn run experiments/twenty_patterns.py --set scheme=rk4 --set finer=10

Patterns G and L have another parabola (`4.1 v + 108`), R a recovery that does not decay (`du/dt = a b (v + 65)`).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

SPACE = {
    "scheme": snn.Static("2004", ("2004", "2003", "euler", "rk4")),
    "finer": snn.Static(1),  # parts of a published step
}
SCHEMES = {
    "2004": snn.integrators.SemiImplicitEuler(1),
    "2003": snn.integrators.SemiImplicitEuler(2),
    "euler": snn.integrators.Euler(),
    "rk4": snn.integrators.RK4(),
}


class Pattern(NamedTuple):
    """Parameters, where it starts, its step and length in ms, and its current, a function of the time in ms."""

    name: str
    abcd: tuple[float, float, float, float]
    v0: float
    dt: float
    t: float
    current: Any


def after(start, level):
    return lambda t: np.where(t > start, level, 0.0)


def pulses(level, length, *starts, base=0.0):
    return lambda t: base + (level - base) * np.any([(t > s) & (t < s + length) for s in starts], axis=0)


def inhibited(t):
    return np.where((t < 50) | (t > 250), 80.0, 75.0)


PATTERNS = {
    "A": Pattern("tonic spiking", (0.02, 0.2, -65, 6), -70, 0.25, 100, after(10, 14.0)),
    "B": Pattern("phasic spiking", (0.02, 0.25, -65, 6), -64, 0.25, 200, after(20, 0.5)),
    "C": Pattern("tonic bursting", (0.02, 0.2, -50, 2), -70, 0.25, 220, after(22, 15.0)),
    "D": Pattern("phasic bursting", (0.02, 0.25, -55, 0.05), -64, 0.2, 200, after(20, 0.6)),
    "E": Pattern("mixed mode", (0.02, 0.2, -55, 4), -70, 0.25, 160, after(16, 10.0)),
    "F": Pattern("spike frequency adaptation", (0.01, 0.2, -65, 8), -70, 0.25, 85, after(8.5, 30.0)),
    "G": Pattern("class 1 excitable", (0.02, -0.1, -55, 6), -60, 0.25, 300, lambda t: np.maximum(0.075 * (t - 30), 0)),
    "H": Pattern(
        "class 2 excitable", (0.2, 0.26, -65, 0), -64, 0.25, 300, lambda t: np.maximum(0.015 * (t - 30), 0) - 0.5
    ),
    "I": Pattern("spike latency", (0.02, 0.2, -65, 6), -70, 0.2, 100, pulses(7.04, 3, 10)),
    "J": Pattern("subthreshold oscillations", (0.05, 0.26, -60, 0), -62, 0.25, 200, pulses(2.0, 5, 20)),
    "K": Pattern("resonator", (0.1, 0.26, -60, -1), -62, 0.25, 400, pulses(0.65, 4, 40, 60, 280, 320)),
    "L": Pattern("integrator", (0.02, -0.1, -55, 6), -60, 0.25, 100, pulses(9.0, 2, 100 / 11, 100 / 11 + 5, 70, 80)),
    "M": Pattern("rebound spike", (0.03, 0.25, -60, 4), -64, 0.2, 200, pulses(-15.0, 5, 20)),
    "N": Pattern("rebound burst", (0.03, 0.25, -52, 0), -64, 0.2, 200, pulses(-15.0, 5, 20)),
    "O": Pattern(
        "threshold variability",
        (0.03, 0.25, -60, 4),
        -64,
        0.25,
        100,
        lambda t: pulses(1.0, 5, 10, 80)(t) + pulses(-6.0, 5, 70)(t),
    ),
    "P": Pattern("bistability", (0.1, 0.26, -60, 0), -61, 0.25, 300, pulses(1.24, 5, 37.5, 216, base=0.24)),
    "Q": Pattern("depolarizing after-potential", (1.0, 0.2, -60, -21), -70, 0.1, 50, pulses(20.0, 2, 9)),
    "R": Pattern(
        "accommodation",
        (0.02, 1.0, -55, 4),
        -65,
        0.5,
        400,
        lambda t: np.where(t < 200, t / 25, np.where((t >= 300) & (t < 312.5), (t - 300) / 12.5 * 4, 0.0)),
    ),
    "S": Pattern("inhibition-induced spiking", (-0.02, -1.0, -60, 8), -63.8, 0.5, 350, inhibited),
    "T": Pattern("inhibition-induced bursting", (-0.026, -1.0, -45, -2), -63.8, 0.5, 350, inhibited),
}
PUBLISHED = {  # spikes of the program, and the times of the first and the last, ms
    "A": (5, 13.0, 86.75),
    "B": (1, 43.75, 43.75),
    "C": (28, 25.0, 204.5),
    "D": (6, 39.0, 67.2),
    "E": (6, 20.0, 131.5),
    "F": (6, 10.25, 71.5),
    "G": (10, 84.5, 290.5),
    "H": (14, 105.75, 293.0),
    "I": (1, 26.6, 26.6),
    "J": (1, 26.5, 26.5),
    "K": (1, 338.0, 338.0),
    "L": (1, 20.0, 20.0),
    "M": (1, 68.0, 68.0),
    "N": (7, 68.0, 92.2),
    "O": (1, 93.25, 93.25),
    "P": (5, 45.25, 208.0),
    "Q": (1, 11.3, 11.3),
    "R": (1, 311.5, 311.5),
    "S": (3, 94.5, 236.0),
    "T": (12, 86.5, 204.0),
}


class Cell(snn.Izhikevich):
    """`du/dt = a (b (v - v_u) - leak u)`, which is Izhikevich's for `v_u = 0`, `leak = 1`."""

    v_u: snn.Param = snn.param(0.0, unit="mV")
    leak: snn.Param = snn.param(1.0, unit="1")

    def flow(self, s, current):
        dv, _ = super().flow(s, current)
        return dv, self.a * (self.b * (s.v - self.v_u) - self.leak * s.u)


def network(names, scheme, dt):
    """Patterns with the same step, one neuron each."""
    chosen = [PATTERNS[name] for name in names]
    a, b, c, d = np.array([p.abcd for p in chosen]).T
    other, loose = np.isin(names, ["G", "L"]), np.isin(names, ["R"])
    v0 = np.array([p.v0 for p in chosen])
    cell = Cell(
        a=a,
        b=b,
        c=c,
        d=d,
        v0=v0,
        linear=np.where(other, 4.1, 5.0),
        constant=np.where(other, 108.0, 140.0),
        v_u=np.where(loose, -65.0, 0.0),
        leak=np.where(loose, 0.0, 1.0),
        integrator=SCHEMES[scheme],
        comparator=snn.thresholds.Greater(),
    )
    u0 = np.where(loose, -16.0, b * v0)
    cells = snn.Population(cell, len(names), init={"u": u0})
    return snn.network(dt=dt, populations={"cells": cells}, key=jax.random.key(0))


def experiment(point, key):
    """Membranes and spikes of every pattern, `v_A`, `spikes_A` and so on; row `k` is the time `k dt` of the program."""
    out, status = {}, 0
    for published in sorted({p.dt for p in PATTERNS.values()}):
        names = [name for name, p in PATTERNS.items() if p.dt == published]
        dt = published / point["finer"]
        steps = {name: round(PATTERNS[name].t / dt) + 1 for name in names}
        longest = max(steps.values())
        t = np.round(np.arange(longest) * dt, 9)
        currents = jnp.asarray(np.stack([PATTERNS[name].current(t) for name in names], axis=1))
        net = network(names, point["scheme"], dt)
        record = {"v": snn.Trace("cells.v"), "spikes": snn.Raster("cells")}
        run = snn.simulate(net, snn.TimedArray(currents, into="cells"), steps=longest, key=key, record=record)
        spikes, status = run["spikes"].dense(), status | run.status
        for i, name in enumerate(names):
            out[f"v_{name}"], out[f"spikes_{name}"] = run["v"][: steps[name], i], spikes[: steps[name], i]
    return {**out, "status": status}


def times(ds, name):
    """Spike times of a pattern, ms."""
    return np.flatnonzero(ds[f"spikes_{name}"].values) * PATTERNS[name].dt / ds.attrs["finer"]


def summary(ds):
    """Counts, first and last times, beside those of the published program."""
    lines = [f"{'':32}{'spikes':>8}{'first':>9}{'last':>9}   published"]
    for name, p in PATTERNS.items():
        found, (count, first, last) = times(ds, name), PUBLISHED[name]
        mine = (f"{found[0]:9.2f}", f"{found[-1]:9.2f}") if len(found) else ("        -", "        -")
        lines.append(f"{name} {p.name:30}{len(found):8}{mine[0]}{mine[1]}   {count}, {first} .. {last}")
    return "\n".join(lines)


def plot(ds, path):
    """Membrane above, current below, as the published figure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 12.0), layout="constrained")
    for ax, (name, p) in zip(figure.subplots(5, 4).flat, PATTERNS.items()):
        v = ds[f"v_{name}"].values.copy()
        v[ds[f"spikes_{name}"].values] = 30.0  # the peak, which the reset hides
        t = np.arange(len(v)) * p.dt / ds.attrs["finer"]
        current = p.current(t)
        ax.plot(t, v, linewidth=0.8)
        ax.plot(t, -95.0 + 12.0 * (current - current.min()) / max(np.ptp(current), 1e-9), color="black", linewidth=0.8)
        ax.set(title=f"{name}  {p.name}", ylim=(-105, 35), xlim=(0, p.t))
        ax.title.set_fontsize(9)
    figure.supxlabel("time (ms)")
    figure.supylabel("v (mV)")
    figure.savefig(path, dpi=120)
