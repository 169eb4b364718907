"""What a neuron is made of, from its voltage: parameters of LIF, AdEx and Hodgkin-Huxley, found down the gradient.

A neuron receives a fluctuating current; its voltage is measured in every step, with noise, and its spikes are known.
Copies of the model that start with random parameters receive the same current, are held to what was measured by a
coupling, `k (v* - v)`, and (LIF, AdEx) are made to fire where the neuron did: across spikes that makes the error
smooth, and where the parameters are right it is nothing. Close to a spike of AdEx nothing is compared. All copies are
neurons of one population, so that one run and one derivative, forwards in time, serve every start; each goes its own
damped Gauss-Newton way (Levenberg-Marquardt).
A threshold, of which such an error has no derivative, is the highest voltage without a spike. The best start, by its
own error, is then run freely on a current that it has not seen.

    jaxsnn run experiments/fit_neuron.py                                             # all three models
    jaxsnn sweep experiments/fit_neuron.py --set model=LIF --axis noise=0,0.5,1,2    # the noise of the measurement, mV

Reference for the coupling: Abarbanel, Creveling, Farsian and Kostuk, SIAM J. Appl. Dyn. Syst. 8:1341 (2009).
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxsnn as snn

SPACE = {
    "model": snn.Static("LIF", values=("LIF", "AdEx", "HodgkinHuxley")),
    "noise": snn.Axis(0.2, unit="mV"),  # of the measurement
    "seed": snn.Seeds(1),
    "starts": snn.Static(32),
    "iterations": snn.Static(80),
    "steps": snn.Static(8000),
}
REPEATS = ("model",)


class Model(NamedTuple):
    """The neuron that is measured, what of it is unknown and within which bounds, and the experiment on it."""

    neuron: snn.neurons.AbstractNeuron
    unknown: dict[str, tuple[float, float]]
    mean: float  # of the current, pA
    sd: float
    coupling: float  # pA/mV
    kick: float  # mV: makes all copies fire with the neuron
    dt: float  # ms
    threshold: str | None = None  # read off in the end: the highest voltage without a spike
    skipped: tuple[float, float] = (0.0, 0.0)  # ms before and after a spike that are not compared


MODELS = {
    "LIF": Model(
        snn.LIF(
            tau=18.0,
            v_rest=-68.0,
            v_th=-52.0,
            v_reset=-63.0,
            t_ref=2.0,
            gain=snn.gains.Resistance(0.12),
            surrogate=snn.surrogates.Scaled(snn.surrogates.FastSigmoid(11.0), 0.55),
        ),
        {
            "tau": (5.0, 40.0),
            "gain.r": (0.03, 0.3),
            "v_rest": (-80.0, -60.0),
            "v_th": (-60.0, -40.0),
            "v_reset": (-78.0, -55.0),
        },
        mean=180.0,
        sd=80.0,
        coupling=20.0,
        kick=100.0,
        threshold="v_th",
        dt=0.1,
    ),
    "AdEx": Model(
        snn.AdEx(
            v_peak=-20.0,
            t_ref=2.0,
            integrator=snn.integrators.RK4(),
            reset_mechanism=snn.resets.ToValue(detach=True),
            surrogate=snn.surrogates.Scaled(
                snn.surrogates.FastSigmoid(40.0), 40.0
            ),  # 1/mV: the peak is 40 mV above the reset
        ),
        {
            "c": (100.0, 500.0),
            "g_l": (10.0, 60.0),
            "e_l": (-80.0, -60.0),
            "v_t": (-60.0, -42.0),
            "delta_t": (1.0, 4.0),
            "v_reset": (-75.0, -52.0),
            "a": (0.0, 15.0),
            "b": (10.0, 200.0),
            "tau_w": (40.0, 300.0),
        },
        mean=800.0,
        sd=400.0,
        coupling=120.0,
        kick=100.0,
        dt=0.1,
        skipped=(3.0, 4.0),
    ),
    "HodgkinHuxley": Model(
        snn.HodgkinHuxley(),
        {
            "c": (50.0, 200.0),
            "g_na": (4000.0, 24000.0),
            "g_k": (1000.0, 8000.0),
            "g_l": (5.0, 100.0),
            "e_na": (30.0, 70.0),
            "e_k": (-95.0, -65.0),
            "e_l": (-70.0, -40.0),
        },
        mean=500.0,
        sd=500.0,
        coupling=200.0,
        kick=0.0,
        dt=0.05,
    ),
}
MOST = max(len(model.unknown) for model in MODELS.values())
FIRST, WITHIN = 20.0, 2.0  # ms that do not count; by how much spikes may differ
NEVER = 0.0  # mV, a threshold that is not reached
FAR = 5.0  # mV; larger differences count in proportion, not squared
CORRELATION = 3.0  # ms, of the current


class Coupled(snn.drives.AbstractDrive):
    """The current, `k (v* - v)` that pulls every membrane to what was measured, and a kick where a spike was."""

    current: jax.Array
    measured: jax.Array
    spikes: jax.Array
    k: snn.Param = snn.param(unit="pA/mV")
    kick: snn.Param = snn.param(unit="mV")

    def step(self, d, t, signals, *, key):
        pull = self.k * (self.measured[jnp.maximum(t - 1, 0)] - signals.state["cell"]["v"])
        kick = jnp.full_like(pull, self.kick * self.spikes[t])
        return d, snn.simulation.Inputs(currents={"cell": self.current[t] + pull}, arrivals={"cell.in": kick})


def network(model, neuron, n):
    return snn.network(dt=model.dt, key=jax.random.key(0), populations={"cell": snn.Population(neuron, n)})


def with_numbers(model, numbers):
    """The neuron with other numbers, `(starts, unknown)`: one start a neuron."""
    neuron = model.neuron
    for name, column in zip(model.unknown, numbers.T):
        neuron = eqx.tree_at(lambda cell, name=name: snn.get(cell, name), neuron, column)
    return neuron


def fluctuating(model, steps, key):
    """An Ornstein-Uhlenbeck current, pA."""
    decay = np.exp(-model.dt / CORRELATION)
    kick = jnp.sqrt(1.0 - decay**2) * jax.random.normal(key, (steps,))
    step = lambda x, kick: (decay * x + kick,) * 2
    return model.mean + model.sd * jax.lax.scan(step, jnp.zeros(()), kick)[1]


def recorded(model, neuron, drive, n, steps):
    """Voltages and spikes, `(steps, n)` each."""
    record = {"v": snn.Trace("cell.v"), "spikes": snn.Raster("cell")}
    run = snn.simulate(network(model, neuron, n), drive, steps=steps, key=jax.random.key(0), record=record)
    return run["v"], run["spikes"].dense(), run.status


def coincidence(model, a, b):
    """Gamma of Kistler et al. (1997): 1 where all spikes have one of the other train within 2 ms, 0 at chance."""
    reach = round(WITHIN / model.dt)
    wide = jax.lax.reduce_window(b, -jnp.inf, jax.lax.max, (2 * reach + 1, 1), (1, 1), "SAME")
    n_a, n_b = jnp.sum(a, axis=0), jnp.sum(b, axis=0)
    chance = (2 * reach + 1) * n_b / len(b)
    return (jnp.sum(a * wide, axis=0) - chance * n_a) / (0.5 * jnp.maximum(n_a + n_b, 1.0) * (1.0 - chance))


def near_spikes(model, spikes):
    """The steps that are not compared: an upstroke of AdEx moves by a step where a parameter hardly moves."""
    before, after = (round(ms / model.dt) for ms in model.skipped)
    if before == after == 0:
        return jnp.zeros(len(spikes), bool)
    padded = jnp.pad(jnp.where(spikes > 0, 1.0, 0.0), (after, before))
    return jax.lax.reduce_window(padded, 0.0, jax.lax.max, (before + after + 1,), (1,), "VALID") > 0


def experiment(point, key):
    """Measure; descend from every start; and predict."""
    model, steps, starts = MODELS[point["model"]], point["steps"], point["starts"]
    keys = jax.random.split(key, 4)
    current, unseen = (fluctuating(model, steps, k) for k in keys[:2])
    v, spikes, status = recorded(model, model.neuron, snn.TimedArray(current, into="cell"), 1, steps)
    measured = v[:, 0] + point["noise"] * jax.random.normal(keys[2], (steps,))
    truth = jnp.stack([snn.get(model.neuron, name) for name in model.unknown])
    lo, hi = (jnp.asarray(bound, jnp.float32)[None] for bound in zip(*model.unknown.values()))
    first = round(FIRST / model.dt)
    near = near_spikes(model, spikes[:, 0])

    def numbers(u):
        return lo + (hi - lo) * jax.nn.sigmoid(u)

    def residuals(u):
        drive = Coupled(current, measured, spikes[:, 0].astype(v.dtype), model.coupling, model.kick)
        net = network(model, with_numbers(model, numbers(u)), starts)
        if model.threshold is not None:  # what is made to fire does not fire by itself
            net = snn.set(net, f"cell.neuron.{model.threshold}", NEVER)
        run = snn.simulate(net, drive, steps=steps, key=jax.random.key(0), record=snn.Trace("cell.v"))
        return jnp.where(near[first:, None], 0.0, run.record[first:] - measured[first:, None])

    def errors(r):
        each = jnp.mean(optax.huber_loss(r, delta=FAR), axis=0)
        return jnp.where(jnp.isfinite(each), each, jnp.inf)

    unit = jnp.eye(len(truth))[:, None]

    descends = jnp.asarray([1.0 if name != model.threshold else 0.0 for name in model.unknown])

    def descend(carry, _):
        """Levenberg and Marquardt: every start along its own damped Gauss-Newton direction, if that is downhill."""
        u, damping = carry
        r, along = jax.linearize(residuals, u)
        slopes = jax.vmap(along)(jnp.broadcast_to(unit, (len(truth), *u.shape)))  # (unknown, steps, starts)
        slopes = jnp.where(jnp.isfinite(slopes), slopes, 0.0) * descends[:, None, None]
        weight = jnp.minimum(1.0, FAR / jnp.maximum(jnp.abs(r), 1e-6))
        hessian = jnp.einsum("pts,ts,qts->spq", slopes, weight, slopes)
        slope = jnp.einsum("pts,ts,ts->sp", slopes, weight, r)
        ridge = damping[:, None] * jnp.diagonal(hessian, axis1=1, axis2=2) + 1e-3
        step = jnp.linalg.solve(hessian + jax.vmap(jnp.diag)(ridge), slope[:, :, None])[:, :, 0]
        tried = jnp.clip(u - jnp.clip(jnp.where(jnp.isfinite(step), step, 0.0), -1.0, 1.0), -6.0, 6.0)
        before, after = errors(r), errors(residuals(tried))
        better = after < 1.05 * before  # a spike that moves by a step is a step of the error, too
        damping = jnp.clip(jnp.where(better, damping / 3.0, damping * 2.0), 1e-6, 1e4)
        return (jnp.where(better[:, None], tried, u), damping), before

    share = jax.random.uniform(keys[3], (starts, len(truth)), minval=0.05, maxval=0.95)
    u = jnp.log(share) - jnp.log1p(-share)
    (u, _), history = jax.lax.scan(descend, (u, jnp.full(starts, 1.0)), None, length=point["iterations"])
    r = residuals(u)
    each = errors(r)
    best = jnp.argmin(each)

    found = numbers(u)
    if model.threshold is not None:
        highest = jnp.max(r + measured[first:, None], axis=0)
        found = found.at[:, [*model.unknown].index(model.threshold)].set(highest)
    drive = snn.TimedArray(unseen, into="cell")
    there, fired_there, more = recorded(model, model.neuron, drive, 1, steps)
    here, fired_here, _ = recorded(model, with_numbers(model, found), drive, starts, steps)
    off = jnp.abs(found - truth[None]) / (hi - lo)
    pad = lambda x: jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, MOST - len(truth))], constant_values=jnp.nan)
    return {
        "history": history,
        "error": each,
        "best": best,
        "found": pad(found),
        "truth": pad(truth),
        "off": pad(off),  # in units of the bounds
        "started_off": pad(jnp.abs(numbers(jnp.log(share) - jnp.log1p(-share)) - truth[None]) / (hi - lo)),
        "gamma": coincidence(model, fired_there.astype(here.dtype), fired_here.astype(here.dtype)),
        "spikes": jnp.stack([jnp.sum(spikes), jnp.sum(fired_there)]),
        "v": jnp.stack([there[:, 0], here[:, best]]),
        "status": status | more,
    }


def points(ds):
    """Every point of the result, with its model."""
    for index in np.ndindex(ds.error.shape[:-1]):
        chosen = dict(zip(ds.error.dims, index))
        one = ds.isel(chosen)
        yield str(one.model.values) if "model" in one.coords else ds.attrs.get("model", "LIF"), one


def summary(ds):
    """Parameters of the best start, and how many starts found all of them."""
    lines = []
    for name, one in points(ds):
        best, count = int(one.best), len(MODELS[name].unknown)
        worst = np.nanmax(one.off.values, axis=-1)
        lucky = int(np.sum(np.nanmax(one.started_off.values, axis=-1) < 0.05))
        lines += [
            f"{name}: {int(np.sum(worst < 0.05))} of {len(worst)} starts have all within 5 % of the bounds' distance "
            f"(before: {lucky}); median over starts and parameters {100 * np.nanmedian(one.off.values):.2f} %",
            f"    the best on an unseen current, {int(one.spikes[1])} spikes: coincidence {float(one.gamma[best]):.3f}",
        ]
        for parameter, found, truth in zip(MODELS[name].unknown, one.found.values[best], one.truth.values[:count]):
            lines.append(f"    {parameter:8s} {found:10.3f}, truth {truth:10.3f} ({100 * (found / truth - 1):+.2f} %)")
    return "\n".join(lines)


def plot(ds, path):
    """An unseen current: the neuron and the best model, without coupling; and how the errors fell."""
    from matplotlib.figure import Figure

    every = list(points(ds))
    figure = Figure(figsize=(10.0, 2.6 * len(every)), layout="constrained")
    axes = figure.subplots(len(every), 2, width_ratios=(3, 1), squeeze=False)
    for (left, right), (name, one) in zip(axes, every):
        t = MODELS[name].dt * np.arange(1, one.v.shape[-1] + 1)
        left.plot(t, one.v.values[0], color="0.7", lw=3, label="neuron")
        left.plot(t, one.v.values[1], color="C0", lw=1, label="best start")
        left.set(title=name, ylabel="v (mV)", xlabel="t (ms)")
        right.semilogy(one.history.values, color="C0", alpha=0.3, lw=0.7)
        right.set(xlabel="iteration", ylabel="error of each start")
    axes[0, 0].legend(loc="upper right")
    figure.savefig(path, dpi=150)
