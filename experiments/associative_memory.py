"""Recall from a part: patterns stored in the recurrent weights of a spiking network are completed from half of one.

1 000 leaky integrate-and-fire neurons close to threshold, every pair connected, with noise of their own. Sparse random
patterns are stored in two ways: `written`, as the covariance of the patterns, or `learned`, by a Hebbian rule that
changes weights while one pattern after the other is shown, and is then switched off. A cue to half of a pattern makes
all of its neurons fire, and no others, to the end of the run; the cue itself lasts a tenth of a second.

    jaxsnn run experiments/associative_memory.py                                 # recall
    jaxsnn run experiments/associative_memory.py --set storage=learned
    jaxsnn run experiments/associative_memory.py --set cue=0                     # control: nothing is recalled
    jaxsnn run experiments/associative_memory.py --set strength=0                # control: the cue is forgotten
    jaxsnn sweep experiments/associative_memory.py                               # both ways and both controls

`tau dv/dt = mu - v + I + noise`, `dI/dt = -I / tau_s`, `I <- I + w` at a spike, all in mV;
`w_ij = J_0 / (N f (1-f)) sum_p (x_i^p - f)(x_j^p - f) - g / N` where patterns are written.

References: Hopfield, PNAS 79:2554 (1982); Tsodyks and Feigelman, Europhys. Lett. 6:101 (1988), for sparse patterns;
Brunel, Network 11:261 (2000), for persistent activity of integrate-and-fire neurons. The parameters are our own.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import jaxsnn as snn

SPACE = {
    "storage": snn.Static("written", ("written", "learned")),
    "cue": snn.Axis(8.0, values=(8.0, 0.0), unit="mV"),
    "strength": snn.Axis(1.0, values=(1.0, 0.0)),  # of what is stored: of J_0, or of the rate of learning
    "patterns": snn.Static(5),
    "n": snn.Static(1000),
    "seed": snn.Seeds(3),
}

F, DT = 0.1, 0.5  # which share of the neurons is in a pattern; ms
J_0, INHIBITION = 30.0, 60.0  # mV: of stored patterns, and of everybody onto everybody
CUE_ON, CUE_OFF, LATE, END = 200.0, 300.0, 800.0, 1300.0  # ms; what counts is the activity from LATE on
SHOWN, PAUSE, DRIVE, SILENCE = 800.0, 100.0, 10.0, 30.0  # ms, ms, mV, mV: how patterns are shown while they are learnt


class Covariance(snn.plasticity.AbstractRule):
    """`dw = eta (y - theta)` at a pre spike, `dw = eta (x - theta)` at a post spike: who fires together connects.

    With rates in place of the traces `x` and `y`, `dw/dt = 2 eta tau (r_i r_j - theta / (2 tau) (r_i + r_j))`: but for
    neurons that are silent both, the covariance of sparse patterns, where `theta` is small against `tau r`.
    """

    eta: Array = snn.param(0.003, unit="mV")
    theta: Array = snn.param(0.18, unit="1")
    tau: Array = snn.param(20.0, unit="ms", gt=0.0)

    def pre_traces(self):
        return {"x": snn.plasticity.SpikeTrace(self.tau)}

    def post_traces(self):
        return {"y": snn.plasticity.SpikeTrace(self.tau)}

    def on_pre(self, w, s):
        return self.eta * (s.post.y - self.theta)

    def on_post(self, w, s):
        return self.eta * (s.pre.x - self.theta)


def sparse_patterns(number, n, *, key):
    """Random patterns of zeros and ones, `(number, n)`, each with `F n` ones."""
    first = (jnp.arange(n) < round(F * n)).astype(jnp.zeros(()).dtype)
    return jax.vmap(lambda key: jax.random.permutation(key, first))(jax.random.split(key, number))


def network(weight, *, n, rule=None, key):
    """Neurons that fire at a few Hz by themselves, all connected with `weight` `(pre, post)`, and inhibited by all."""
    cell = snn.LIF(tau=20.0, v_th=20.0, v_reset=10.0, t_ref=2.0, bias=17.0, noise=2.0)
    cells = snn.Population(cell, n, ports={"in": snn.Exponential(10.0)}, init={"v": snn.Uniform(0.0, 20.0)})
    link = lambda weight, rule=None: snn.Connection(
        "E", "E", snn.AllToAll(), via=snn.Dense(), weight=weight, delay=DT, rule=rule
    )
    projections = {"EE": link(weight, rule), "inhibition": link(-INHIBITION / n)}
    return snn.network(dt=DT, key=key, populations={"E": cells}, projections=projections)


def written(patterns, strength, *, key):
    """The network with the covariance of the patterns as its weights, without any of a neuron onto itself."""
    n = patterns.shape[1]
    weight = strength * J_0 / (n * F * (1.0 - F)) * jnp.matmul((patterns - F).T, patterns - F)
    return network(jnp.where(jnp.eye(n, dtype=bool), 0.0, weight), n=n, key=key)


def learned(patterns, strength, *, key):
    """The network after it was shown one pattern after the other, and its status. From then on it learns no more.

    A pattern drives its neurons and holds the others down; between two of them everybody is held down, so that none
    goes on by itself.
    """
    number, n = patterns.shape
    most = J_0 * (1.0 - F) / (n * F)  # the weight that one pattern, written, gives two of its neurons
    rule = snn.chain(Covariance(eta=strength * Covariance().eta), snn.Bound(-most, most))
    net = network(jnp.zeros((n, n)), n=n, rule=rule, key=key)
    drive = snn.drives.Silence()
    for p in range(number):
        on, off = p * (SHOWN + PAUSE), p * (SHOWN + PAUSE) + SHOWN
        drive += snn.StepCurrent(DRIVE * (2.0 * patterns[p] - 1.0), into="E", start=on, stop=off)
        drive += snn.StepCurrent(-SILENCE, into="E", start=off, stop=off + PAUSE)
    run = snn.simulate(net, drive, t=number * (SHOWN + PAUSE), key=key)
    return net.learned(run.state).frozen(), run.status


def experiment(point, key):
    """Half of the first pattern is cued for 100 ms: rates half a second later, and how like the pattern they are."""
    patterns = sparse_patterns(point["patterns"], point["n"], key=jax.random.fold_in(key, 1))
    if point["storage"] == "learned":
        net, status = learned(patterns, point["strength"], key=key)
    else:
        net, status = written(patterns, point["strength"], key=key), jnp.uint32(0)
    first = patterns[0]
    cued = jnp.where(jnp.cumsum(first) <= jnp.sum(first) / 2.0, first, 0.0)
    run = snn.simulate(
        net,
        snn.StepCurrent(point["cue"] * cued, into="E", start=CUE_ON, stop=CUE_OFF),
        t=END,
        key=jax.random.fold_in(key, 2),
        record={"late": snn.Count("E", LATE), "spikes": snn.Raster("E")},
    )
    rate = run["late"] * (1e3 / (END - LATE))
    mean = lambda who: jnp.sum(rate * who) / jnp.sum(who)
    return {
        "correlation": _correlation(patterns, rate),
        "uncued_hz": mean(first - cued),
        "background_hz": mean(1.0 - first),
        "order": jnp.argsort(-2.0 * first - cued),  # the cued half, the other half, the others
        "spikes": run["spikes"].words,
        "status": status | run.status,
    }


def _correlation(patterns, rate):
    """Of the rates with every pattern."""
    x, y = patterns - jnp.mean(patterns, axis=1, keepdims=True), rate - jnp.mean(rate)
    return jnp.matmul(x, y) / jnp.maximum(jnp.linalg.norm(x, axis=1) * jnp.linalg.norm(y), 1e-12)


def summary(ds):
    """Every way and control, the worst of all seeds: how like the cued pattern activity is, and how like the others."""
    lines = [
        f"{'storage':10}{'cue mV':>8}{'strength':>10}{'corr, cued':>12}{'others':>9}{'uncued Hz':>11}{'others Hz':>11}"
    ]
    dims = [d for d in ds.dims if d in ("storage", "cue", "strength")]
    for place in np.ndindex(*(ds.sizes[d] for d in dims)):
        point = ds.isel(dict(zip(dims, place)))
        at = {x: point[x].item() if x in point.coords else ds.attrs[x] for x in ("storage", "cue", "strength")}
        corr = point.correlation.values.reshape(-1, ds.attrs["patterns"])
        lines.append(
            f"{at['storage']:10}{at['cue']:8.1f}{at['strength']:10.2f}{corr[:, 0].min():12.3f}"
            f"{np.abs(corr[:, 1:]).max():9.3f}"
            f"{float(point.uncued_hz.mean()):11.1f}{float(point.background_hz.mean()):11.2f}"
        )
    return "\n".join(lines)


def plot(ds, path):
    """Spikes around the cue, from below: the cued half of the pattern, its other half, and 200 of the other neurons."""
    from matplotlib.figure import Figure

    first = ds.isel({d: 0 for d in ("seed",) if d in ds.dims})
    first = first if "storage" in first.dims else first.expand_dims(storage=[ds.attrs["storage"]])
    cases = [{}] + [{x: 0.0} for x in ("cue", "strength") if x in ds.dims]
    figure = Figure(figsize=(4.6 * len(cases), 2.8 * first.sizes["storage"]), layout="constrained")
    axes = figure.subplots(first.sizes["storage"], len(cases), squeeze=False)
    titles = {"cue": ", no cue", "strength": ", nothing stored"}
    for row, storage in zip(axes, first.storage.values):
        for ax, case in zip(row, cases):
            full = {x: float(first[x].max()) for x in ("cue", "strength") if x in first.dims}
            point = first.sel({"storage": storage, **full, **case})
            spikes = snn.probes.PackedRaster(point.spikes.values, int(ds.attrs["n"]), DT).dense()
            snn.plot.raster(np.asarray(spikes)[:, point.order.values[:300]], dt=DT, ax=ax)
            ax.axvspan(CUE_ON, CUE_OFF, color="tab:orange", alpha=0.25, linewidth=0)
            for line in (49.5, 99.5):
                ax.axhline(line, color="tab:red", linewidth=0.8)
            ax.set(title=f"{storage}{''.join(titles[x] for x in case)}")
            ax.label_outer()
    figure.savefig(path, dpi=120)
