"""Izhikevich (2003): a thousand cells, all to all, noise in; alpha and gamma rhythms and about 7.5 spikes a second.

800 excitatory cells between regular spiking and chattering, 200 inhibitory ones between fast spiking and low-threshold
spiking; weights uniform in (0, 0.5) and (-1, 0), a normal current of 5 or 2 in every step of 1 ms. A step is that of
the published program: two half steps of `v`, then `u`. A spike is a current through the whole next step.

    jaxsnn run experiments/izhikevich2003.py
    jaxsnn sweep experiments/izhikevich2003.py --axis seed=0,1,2,3,4,5,6,7,8,9
    jaxsnn sweep experiments/izhikevich2003.py --axis inhibition=0.5:1.5:11

Ten runs of the program in NumPy gave 7.50 +- 0.15 Hz (E 7.58, I 7.20).
"""

import jax.numpy as jnp
import jax.random as jr
import numpy as np

import jaxsnn as snn

T, DT, N_E, N_I = 1000.0, 1.0, 800, 200
SPACE = {
    "excitation": snn.Axis(1.0),  # times the weights
    "inhibition": snn.Axis(1.0),
    "noise": snn.Axis(1.0),
    "seed": snn.Seeds(10),
}
REFERENCE = {"rate_hz": (7.50, 0.15), "rate_e_hz": (7.58, 0.15), "rate_i_hz": (7.20, 0.26)}  # mean and sd over 10 seeds


def network(point, key):
    """Cells, each with numbers of its own, and four matrices of weights."""
    key_e, key_i, key_net = jr.split(key, 3)
    e, i = jr.uniform(key_e, (N_E,)), jr.uniform(key_i, (N_I,))
    cells = {
        "E": snn.Izhikevich(a=0.02, b=0.2, c=-65.0 + 15.0 * e**2, d=8.0 - 6.0 * e**2),
        "I": snn.Izhikevich(a=0.02 + 0.08 * i, b=0.25 - 0.05 * i, c=-65.0, d=2.0),
    }
    one_step = snn.Exponential(1e-3, hold=snn.synapses.ZeroOrderHold())  # whole in the next step, nothing after it
    weight = {"E": point["excitation"], "I": point["inhibition"]}
    spread = {"E": snn.Uniform(0.0, 0.5), "I": snn.Uniform(-1.0, 0.0)}
    return snn.network(
        dt=DT,
        populations={
            name: snn.Population(cells[name], n, ports={"in": one_step}) for name, n in (("E", N_E), ("I", N_I))
        },
        projections={
            pre + post: snn.Connection(
                pre,
                post,
                snn.AllToAll(),
                via=snn.Dense(),
                weight=lambda key, shape, pre=pre: weight[pre] * spread[pre].sample(key, shape),
                delay=0.0,
            )
            for pre in "EI"
            for post in "EI"
        },
        order=snn.BrianOrder(),  # a spike of this step arrives in this step, after the threshold
        key=key_net,
    )


def experiment(point, key):
    """Rates over the second, spikes of all, and the spectrum of their number."""
    net = network(point, key)
    drive = snn.NoiseCurrent(5.0 * point["noise"], into="E") + snn.NoiseCurrent(2.0 * point["noise"], into="I")
    record = {name: snn.Raster(name) for name in "EI"} | {f"count_{name}": snn.Count(name) for name in "EI"}
    run = snn.simulate(net, drive, t=T, key=key, record=record)
    e, i = jnp.sum(run["count_E"]), jnp.sum(run["count_I"])
    return {
        "rate_hz": (e + i) / (N_E + N_I) * 1e3 / T,
        "rate_e_hz": e / N_E * 1e3 / T,
        "rate_i_hz": i / N_I * 1e3 / T,
        "spikes_e": run["E"].words,
        "spikes_i": run["I"].words,
        "status": run.status,
    }


def spectrum(point):
    """Power of the number of spikes a step, smoothed to 3 Hz, and the frequencies."""
    counts = np.sum([np.bitwise_count(point[f"spikes_{name}"].values).sum(-1) for name in "ei"], axis=0, dtype=float)
    power = np.abs(np.fft.rfft(counts - counts.mean())) ** 2
    return np.fft.rfftfreq(len(counts), DT * 1e-3), np.convolve(power, np.ones(3) / 3, "same")


def summary(ds):
    """Rates over the seeds at the first point of every other axis, beside those of the program in NumPy."""
    first = ds.isel({d: 0 for d in SPACE if d in ds.dims and d != "seed"})
    lines = []
    for name, (mean, sd) in REFERENCE.items():
        values = np.ravel(first[name].values)
        spread = f" +- {values.std(ddof=1):.2f}" if values.size > 1 else ""
        lines.append(
            f"{name:10} {values.mean():.2f}{spread} over {values.size} seed(s); reference {mean:.2f} +- {sd:.2f}"
        )
    return "\n".join(lines)


def plot(ds, path):
    """Spikes of all, and the mean spectrum over the seeds."""
    from matplotlib.figure import Figure

    first = ds.isel({d: 0 for d in SPACE if d in ds.dims and d != "seed"})
    seeds = [first.isel(seed=i) for i in range(first.sizes["seed"])] if "seed" in first.dims else [first]
    figure = Figure(figsize=(9.0, 8.0), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 1))
    words = np.concatenate([seeds[0].spikes_e.values, seeds[0].spikes_i.values], axis=1)
    snn.plot.raster(words, n=N_E + 32 * -(-N_I // 32), dt=DT, ax=above).set(title="below: 800 excitatory cells")
    above.axhline(N_E - 0.5, color="tab:red", linewidth=0.8)
    frequency = spectrum(seeds[0])[0]
    below.plot(frequency, np.mean([spectrum(seed)[1] for seed in seeds], axis=0))
    below.set(xlim=(2, 80), xlabel="frequency (Hz)", ylabel="power")
    figure.savefig(path, dpi=110)
