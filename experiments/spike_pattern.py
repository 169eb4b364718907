"""A network learns to fire a given pattern: which neuron spikes when, from one input that is always the same.

200 trains of random spikes, the same in every trial, reach 10 output neurons through 100 hidden ones. The target is a
pattern of 10 trains, drawn at random, each with 3 to 5 spikes. What is made small is the van Rossum distance to it,
by backpropagation through SuperSpike's surrogate (fast sigmoid):

    jaxsnn run experiments/spike_pattern.py                      # 5 seeds: other inputs, targets and initial weights
    jaxsnn sweep experiments/spike_pattern.py --axis lr=0.0005:0.004:4

Membranes: `tau dv/dt = -v + I`, `tau_s dI/dt = -I`, a spike at 1, after which `v` starts again at 0.

References: Zenke and Ganguli, Neural Computation 30:1514 (2018); van Rossum, Neural Computation 13:751 (2001).
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxsnn as snn

SPACE = {
    "lr": snn.Axis(2e-3),
    "tau": snn.Axis(10.0, unit="ms"),  # of the distance
    "seed": snn.Seeds(5),
    "inputs": snn.Static(200),
    "hidden": snn.Static(100),
    "outputs": snn.Static(10),
    "epochs": snn.Static(1000),
}
REPEATS = ("seed",)
DT, T = 1.0, 200.0  # ms
STEPS = round(T / DT)
APART, WITHIN = 15, 2  # steps: the least between spikes of the target; by how much a spike may be off


def network(point, key):
    cell = snn.LIF(
        tau=10.0,
        v_th=1.0,
        gain=snn.gains.PerStep(),
        reset_mechanism=snn.resets.ToValue(detach=True),
        surrogate=snn.surrogates.FastSigmoid(10.0),
    )
    ports = {"in": snn.Exponential(5.0)}
    dense = functools.partial(snn.Connection, topology=snn.AllToAll(), via=snn.Dense())
    return snn.network(
        dt=DT,
        key=key,
        populations={
            "in": snn.SpikeSource(point["inputs"]),
            "hid": snn.Population(cell, point["hidden"], ports),
            "out": snn.Population(cell, point["outputs"], ports),
        },
        projections={
            "in-hid": dense("in", "hid", weight=snn.Normal(0.005, 0.03)),
            "hid-out": dense("hid", "out", weight=snn.Normal(0.0, 0.03)),
        },
    )


def pattern(n, key):
    """Spikes at random, at least 15 steps apart in a train: 3 to 5 of them, `(steps, n)`."""
    at, room = jax.random.split(key)
    count = 5
    slots = (STEPS - 2 * APART) // count  # one spike in each of 5 slots, some of which stay empty
    first = 2 * APART + slots * jnp.arange(count, dtype=jnp.int32)
    step = first[None] + jax.random.randint(at, (n, count), 0, slots - APART)
    kept = (jnp.arange(count) < 3)[None] | jax.random.bernoulli(room, 0.5, (n, count))
    neuron = jnp.broadcast_to(jnp.arange(n, dtype=jnp.int32)[:, None], step.shape)
    return jnp.zeros((STEPS, n)).at[step.reshape(-1), neuron.reshape(-1)].max(kept.reshape(-1).astype(jnp.float32))


def experiment(point, key):
    """Train from one example, and compare before and after."""
    keys = jax.random.split(key, 4)
    x = jax.random.bernoulli(keys[0], 0.02 * DT, (STEPS, point["inputs"])).astype(jnp.float32)
    target, net = pattern(point["outputs"], keys[1]), network(point, keys[2])
    loss = snn.VanRossum("out", tau=point["tau"])
    fit = snn.fit(
        net,
        snn.BPTT(),
        loss,
        snn.Replay(x[None], into="in"),
        target[None],
        optimiser=optax.chain(
            optax.clip_by_global_norm(1.0),
            optax.adam(optax.cosine_decay_schedule(point["lr"], point["epochs"])),
        ),
        epochs=point["epochs"],
        batch=1,
        key=keys[3],
    )

    def fired(net):
        record = {name: snn.Raster(name) for name in ("out", "hid")}
        run = snn.simulate(net, snn.Replay(x, into="in"), steps=STEPS, key=key, record=record)
        return run["out"].dense().astype(jnp.float32), jnp.mean(run["hid"].dense().astype(jnp.float32)), run.status

    (before, _, _), (after, hidden, status) = fired(net), fired(fit.net)
    coincidence = lambda raster: snn.lowering.spike_agreement(target, raster, within=WITHIN).coincidence
    return {
        "distance": fit.history["loss"],
        "coincidence": jnp.stack([coincidence(before), coincidence(after)]),
        "rasters": jnp.stack([target, before, after]).astype(jnp.int8),
        "hidden_rate": hidden * 1e3 / DT,
        "status": fit.status | status,
    }


def summary(ds):
    """Before and after, each seed and all."""
    distance = ds.distance.values.reshape(-1, ds.distance.shape[-1])
    both = ds.coincidence.values.reshape(-1, 2)
    rasters = ds.rasters.values.reshape(-1, *ds.rasters.shape[-3:])
    lines = [
        f"{int(raster[0].sum())} spikes to learn, {int(raster[2].sum())} fired: van Rossum distance {d[0]:.3f} -> "
        f"{d[-1]:.4f} a neuron, coincidence within {WITHIN * DT:g} ms {c[0]:.3f} -> {c[1]:.3f}"
        for raster, d, c in zip(rasters, distance, both)
    ]
    first, last = distance[:, 0].mean(), distance[:, -1].mean()
    lines.append(
        f"mean of {len(lines)}: distance {first:.3f} -> {last:.4f}, coincidence {both[:, 0].mean():.3f} -> "
        f"{both[:, 1].mean():.3f} (least {both[:, 1].min():.3f})"
    )
    return "\n".join(lines)


def plot(ds, path):
    """The first seed's target under what is fired before and after; distances by epoch."""
    from matplotlib.figure import Figure

    target, before, after = ds.rasters.values.reshape(-1, *ds.rasters.shape[-3:])[0]
    figure = Figure(figsize=(10.0, 3.5), layout="constrained")
    axes = figure.subplots(1, 3)
    for ax, fired, title in zip(axes, (before, after), ("before", "after")):
        for raster, style in ((target, dict(color="0.75", s=60)), (fired, dict(color="C0", s=12))):
            step, neuron = np.nonzero(raster)
            ax.scatter((step + 1) * DT, neuron, **style)
        ax.set(title=f"{title} (grey: target)", xlabel="t (ms)", ylabel="neuron", xlim=(0, T))
    axes[2].semilogy(ds.distance.values.reshape(-1, ds.distance.shape[-1]).T, color="C0", alpha=0.6, lw=0.8)
    axes[2].set(xlabel="epoch", ylabel="van Rossum distance")
    figure.savefig(path, dpi=150)
