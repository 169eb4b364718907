"""Evidence that has to be remembered: cues left and right of a path, and a turn at its end, to the side with more cues.

Seven cues of 100 ms, 50 ms apart, each make ten of the inputs fire at 40 Hz, those of their side. Then nothing happens
for a second, and then ten other inputs fire for 150 ms, in which the read-out is to tell the side. Ten more fire at
10 Hz all the time. A recurrent layer, half of LIF neurons and half of adaptive ones, whose threshold remembers a spike
for two seconds, learns it by BPTT, by e-prop with symmetric and by e-prop with random feedback:

    jaxsnn run experiments/evidence_accumulation.py

Times and rates are those of the paper; smaller are the step (5 ms for 1) and the layer (40 neurons for 100).

Reference: Bellec et al., Nature Communications 11:3625 (2020), figure 4.
"""

import functools
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

import jaxsnn as snn

SPACE = {
    "seed": snn.Seeds(5),
    "lr": snn.Axis(5e-3),
    "hidden": snn.Static(40),
    "cues": snn.Static(7),
    "epochs": snn.Static(20),
    "batch": snn.Static(32),
}
REPEATS = ("seed",)
ESTIMATORS = {  # given the network and a key
    "BPTT": lambda net, key: snn.BPTT(checkpoint=snn.checkpointing.KeepAll()),
    "e-prop": lambda net, key: snn.EProp(),
    "e-prop, random feedback": lambda net, key: snn.EProp(
        feedback=snn.feedback.RandomFeedback.start(net, scale=1.0, key=key)
    ),
}
DT, CUE, PAUSE, WAIT, TURN = 5.0, 20, 10, 200, 30  # ms; steps
GROUP, CUE_HZ, NOISE_HZ = 10, 40.0, 10.0
LEARN, EXAM = 320, 200  # mazes; of an epoch, and at the end


class Maze(snn.drives.AbstractDrive):
    """Spikes of the inputs along one path, drawn anew in every run: left, right, turn now, noise.

    **Arguments:** `cues`: the side of each, 0 or 1, `(cues,)`.
    """

    cues: Array
    n: int = eqx.field(static=True)

    axes: ClassVar = {"cues": 1}

    @property
    def closed_loop(self):
        return False

    @property
    def steps(self):
        return self.n * (CUE + PAUSE) + WAIT + TURN

    def step(self, d, t, signals, *, key):
        number, since = t // (CUE + PAUSE), t % (CUE + PAUSE)
        side = self.cues.at[number].get(mode="fill", fill_value=-1)
        shown = (number < self.n) & (since < CUE)
        on = jnp.stack([shown & (side == 0), shown & (side == 1), t >= self.steps - TURN])
        rate = jnp.concatenate([jnp.where(on, CUE_HZ, 0.0), jnp.full(1, NOISE_HZ)])
        spikes = jax.random.bernoulli(jax.random.fold_in(key, t), jnp.repeat(rate, GROUP) * DT * 1e-3)
        return d, snn.simulation.Inputs(arrivals={"in.in": spikes.astype(rate.dtype)})


def mazes(key, n, cues):
    """Paths, and the sides with more cues. Most cues of a path are on one side: three tenths or seven of them."""
    which, each = jax.random.split(key)
    p = jnp.where(jax.random.bernoulli(which, shape=(n, 1)), 0.7, 0.3)
    side = jax.random.bernoulli(each, p, (n, cues)).astype(jnp.int32)
    return Maze(side, cues), (2 * jnp.sum(side, axis=1) > cues).astype(jnp.int32)


def network(hidden, key):
    """Bellec's recursion; every second neuron adapts."""
    cell = snn.ALIF(
        tau=20.0,
        v_th=0.6,
        t_ref=DT,
        beta=jnp.where(jnp.arange(hidden) % 2, 0.03, 0.0),
        tau_a=2000.0,
        gain=snn.gains.PerStep(),
        reset_mechanism=snn.resets.Subtract(detach=True),
        reset_time=snn.resets.NextStep(),
        refractory_input=snn.refractory.Ungated(),
        surrogate=snn.surrogates.Triangle(0.3),
    )
    dense = functools.partial(snn.Connection, topology=snn.AllToAll(), via=snn.Dense())
    return snn.network(
        dt=DT,
        key=key,
        populations={
            "in": snn.SpikeSource(4 * GROUP),
            "hid": snn.Population(cell, hidden),
            "out": snn.Population(snn.LI(tau=20.0), 2),
        },
        projections={
            "in-hid": dense("in", "hid", weight=snn.Normal(0.0, (4 * GROUP) ** -0.5)),
            "hid-hid": dense("hid", "hid", weight=snn.Normal(0.0, hidden**-0.5), delay=DT),
            "hid-out": dense("hid", "out", weight=snn.Normal(0.0, hidden**-0.5)),
        },
    )


def experiment(point, key):
    """Learn with each estimator, then walk 200 new paths."""
    net = network(point["hidden"], jax.random.fold_in(key, 0))
    (walk, side), (new, new_side) = (
        mazes(jax.random.fold_in(key, i), n, point["cues"]) for i, n in ((1, LEARN), (2, EXAM))
    )
    start = walk.steps - TURN
    accuracy, losses, rates, status = [], [], [], jnp.uint32(0)
    for make in ESTIMATORS.values():
        fit = snn.fit(
            net,
            make(net, jax.random.fold_in(key, 3)),
            (1.0 / TURN) * snn.losses.StepCrossEntropy("out.v", start=start * DT),
            walk,
            side,
            optimiser=optax.adam(point["lr"]),
            epochs=point["epochs"],
            batch=point["batch"],
            key=jax.random.fold_in(key, 4),
        )

        def turns(cues, key, fit=fit):
            record = {"v": snn.Mean("out.v", start=start * DT), "hz": snn.FiringRate("hid")}
            run = snn.simulate(fit.net, Maze(cues, new.n), steps=new.steps, key=key, record=record)
            return jnp.argmax(run["v"]), jnp.mean(run["hz"]), run.status

        keys = jax.random.split(jax.random.fold_in(key, 5), EXAM)
        turned, hz, statuses = jax.vmap(turns)(new.cues, keys)
        accuracy.append(jnp.mean((turned == new_side).astype(hz.dtype)))
        losses.append(fit.history["loss"])
        rates.append(jnp.mean(hz))
        status |= fit.status | jnp.bitwise_or.reduce(statuses)
    return {"accuracy": jnp.stack(accuracy), "loss": jnp.stack(losses), "hz": jnp.stack(rates), "status": status}


def summary(ds):
    """Accuracy on new paths by estimator, over seeds."""
    accuracy, hz = (np.asarray(x).reshape(-1, len(ESTIMATORS)) for x in (ds.accuracy, ds.hz))
    return "\n".join(
        f"{name}: {100 * a.mean():.1f} +- {100 * a.std():.1f} % of {EXAM} new paths (worst seed {100 * a.min():.1f}), "
        f"{r.mean():.1f} Hz"
        for name, a, r in zip(ESTIMATORS, accuracy.T, hz.T, strict=True)
    )


def plot(ds, path):
    """Loss by epoch, one colour an estimator."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    ax = figure.subplots()
    losses = np.asarray(ds.loss).reshape(-1, len(ESTIMATORS), ds.loss.shape[-1])
    for i, name in enumerate(ESTIMATORS):
        ax.plot(losses[:, i].T, color=f"C{i}", alpha=0.3)
        ax.plot(losses[:, i].mean(axis=0), color=f"C{i}", label=name)
    ax.set(xlabel="epoch", ylabel="cross-entropy of training")
    ax.legend()
    figure.savefig(path, dpi=150)
