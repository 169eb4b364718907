"""Which inhibition `g` and drive `eta` make a balanced network fire as it does: a posterior, learned from a sweep.

Brunel's (2000) network with 1 000 neurons, each of which receives from 400 excitatory and 100 inhibitory ones. A random
design draws `g` and `eta` from their ranges; every point is a network of its own, which runs for half a second and is
described by ten numbers: mean rate, irregularity, and the power of the population's rate in eight bands. A mixture of
Gaussians whose parameters are a function of these numbers (`posterior.py`) learns `p(g, eta | rate, CV, spectrum)` for
all observations at once. A sixth of the points is held out: there, the ranks of true values among draws of the
posterior must be uniform, and must not be if the posterior is narrowed or shifted.

    jaxsnn sweep experiments/infer_balanced.py --random 3000 --own-seeds   # two minutes on two cores
    jaxsnn run experiments/infer_balanced.py --set g=5 --set eta=2         # one point, and its ten numbers

References: Brunel, J. Comput. Neurosci. 8:183 (2000), model A. Greenberg, Nonnenmacher and Macke, ICML (2019), learned
posteriors. Talts et al., arXiv:1804.06788 (2018), calibration.
"""

import functools
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import posterior
import scipy.stats
import xarray
from scipy.special import ndtr, ndtri

import jaxsnn as snn

SPACE = {
    "g": snn.Axis(5.0, lo=4.0, hi=8.0, n=5),
    "eta": snn.Axis(2.0, lo=1.2, hi=4.0, n=5),
    "seed": snn.Seeds(1),
}

SIZES, IN_DEGREE = {"E": 800, "I": 200}, {"E": 400, "I": 100}
J, TAU, V_TH, V_RESET, T_REF, DELAY = 0.25, 20.0, 20.0, 10.0, 2.0, 1.5  # mV, ms, mV, mV, ms, ms
DT, BIN, WARM_UP, WINDOW = 0.1, 0.5, 100.0, 400.0  # ms
BANDS = np.asarray([5.0, 15.0, 30.0, 60.0, 100.0, 150.0, 220.0, 330.0, 500.0])  # Hz, their borders
CENTRES = np.sqrt(BANDS[:-1] * BANDS[1:]).round()
OUTPUTS = ("rate_hz", "cv", "log_power")
DRAWS = 99  # of the posterior, among which a true value ranks


def balanced(*, g, key):
    """The network; `g` may be traced."""

    def population(size):
        cell = snn.LIF(tau=TAU, v_th=V_TH, v_reset=V_RESET, t_ref=T_REF)
        return snn.Population(cell, size, init={"v": snn.Uniform(0.0, V_TH)})

    def link(pre, post):
        weight = J if pre == "E" else -g * J
        topology = snn.FixedInDegree(IN_DEGREE[pre])
        return snn.Connection(pre, post, topology, via=snn.Dense(), weight=weight, delay=DELAY)

    return snn.network(
        dt=DT,
        key=key,
        populations={name: population(size) for name, size in SIZES.items()},
        projections={f"{pre}{post}": link(pre, post) for pre in SIZES for post in SIZES},
    )


def log_power(rate):
    """Decimal logarithm of the mean periodogram of a rate in each band."""
    hz = np.fft.rfftfreq(len(rate), BIN / 1e3)
    power = jnp.abs(jnp.fft.rfft(rate - jnp.mean(rate))) ** 2 / len(rate)
    inside = (hz >= BANDS[:-1, None]) & (hz < BANDS[1:, None])
    mean = (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32) @ power
    return xarray.DataArray(jnp.log10(mean + 1e-3), {"band_hz": CENTRES}, ("band_hz",))


def experiment(point, key):
    """Ten numbers that describe the network's activity after the warm-up; all are finite, also where it is silent."""
    net = balanced(g=point["g"], key=key)
    threshold_rate = 1e3 * V_TH / (J * TAU)  # Hz, of the external spikes that bring the mean to threshold
    drive = snn.Poisson(point["eta"] * threshold_rate, J, into=("E", "I"), most=8.0)
    probes = {p: {"rate": snn.PopulationRate(p, bin=BIN), "isi": snn.ISI(p, start=WARM_UP)} for p in SIZES}
    run = snn.simulate(net, drive, t=WARM_UP + WINDOW, key=key, record=probes)
    total = sum(SIZES.values())
    rate = jnp.stack([n / total * run[p]["rate"] for p, n in SIZES.items()]).sum(axis=0)[round(WARM_UP / BIN) :]
    cv = jnp.concatenate([run[p]["isi"].cv for p in SIZES])
    enough = jnp.concatenate([run[p]["isi"].count for p in SIZES]) >= 4
    return {
        "rate_hz": jnp.mean(rate),
        "cv": jnp.nan_to_num(jnp.nanmean(jnp.where(enough, cv, jnp.nan))),  # 0 where hardly anybody fires
        "log_power": log_power(rate),
        "status": run.status,
    }


class Inference(NamedTuple):
    """What was learned from a sweep: pairs, how many of them the estimator saw, and draws for those that it did not."""

    data: snn.sweeps.TrainingSet
    learned: int
    posterior: posterior.Posterior
    draws: np.ndarray  # (pairs, DRAWS, parameters), in the unit box

    @property
    def unseen(self):
        """Parameters in the unit box, and outputs, of pairs that nothing was learned from."""
        return self.data.unit[self.learned :], self.data.x[self.learned :]

    def changed(self, width=1.0, by=0.0):
        """Draws of a posterior that is wrong: narrower, or moved by so many of its standard deviations."""
        z = ndtri(self.draws)
        centre, sd = z.mean(axis=1, keepdims=True), z.std(axis=1, keepdims=True)
        return ndtr(centre + width * (z - centre) + by * sd)


def inferred(ds):
    """The posterior that a sweep over a random design teaches, from five sixths of its points."""
    data = snn.as_training_set(ds)
    learned = len(data.x) * 5 // 6
    return Inference(data, learned, *_learned(data.unit.tobytes(), data.x.tobytes(), len(data.x), learned))


@functools.lru_cache(maxsize=1)  # the picture and the summary are of one sweep
def _learned(u, x, points, learned):
    u, x = (np.frombuffer(part, np.float32).reshape(points, -1) for part in (u, x))
    learn, draw = jax.random.split(jax.random.key(0))
    found = posterior.learn(u[:learned], x[:learned], learn)
    return found, np.asarray(found.sample(x[learned:], DRAWS, draw), float)


def is_drawn(ds):
    """Whether `g` and `eta` were drawn, so that there is something to infer."""
    return all(name in ds.coords and "prior" in ds[name].attrs and ds[name].size > 1 for name in ("g", "eta"))


def summary(ds):
    """What is known of `g` and `eta` from an observation, and whether the posterior is calibrated."""
    if not is_drawn(ds):
        told = [f"{name}: {np.array2string(np.asarray(ds[name]), precision=2, threshold=16)}" for name in OUTPUTS]
        return "\n".join([*told, "to infer g and eta: jaxsnn sweep FILE --random 3000 --own-seeds"])
    found = inferred(ds)
    gain = float(np.mean(found.posterior.log_prob(*found.unseen)))
    unseen = len(found.draws)
    lines = [
        repr(found.data),
        f"log density of the true values above the prior's, {unseen} pairs not learned from: {gain:.2f} nats",
    ]
    errors = found.data.from_unit(found.draws).mean(axis=1) - found.data.theta[found.learned :]
    for name, error, prior in zip(found.data.parameters, errors.T, found.data.priors):
        rms = np.sqrt(np.mean(error**2))
        lines.append(f"{name}: error of the posterior's mean {rms:.3f}, of the prior's {prior.std():.3f}")
    lines.append("calibration, p of ranks as uneven as theirs (chi-square, Kolmogorov-Smirnov):")
    for what, p in calibration(found).items():
        lines.append(f"{what:>19}: " + "; ".join(f"{name} {of['chi2']:.2g}, {of['ks']:.2g}" for name, of in p.items()))
    return "\n".join(lines)


def calibration(found):
    """How probable ranks as uneven are, for each parameter: of the posterior, and of two that have to be rejected."""
    draws = {
        "as learned": found.draws,
        "0.7 times as wide": found.changed(width=0.7),
        "moved by 0.3 sd": found.changed(by=0.3),
    }
    ranks = {what: posterior.ranks(of, found.unseen[0]).T for what, of in draws.items()}
    return {
        what: {name: posterior.uniformity(r, DRAWS) for name, r in zip(found.data.parameters, of)}
        for what, of in ranks.items()
    }


def plot(ds, path):
    """Posteriors of nine networks with the true values, and how true values rank among draws; or the bands' power."""
    from matplotlib.figure import Figure

    if not is_drawn(ds):
        figure = Figure(figsize=(5.0, 3.0), layout="constrained")
        axes = figure.subplots()
        axes.semilogx(CENTRES, np.asarray(ds.log_power).reshape(-1, len(CENTRES))[:10].T, "o-")
        axes.set(xlabel="frequency (Hz)", ylabel="log10 of the rate's power")
        figure.savefig(path, dpi=130)
        return
    found = inferred(ds)
    figure = Figure(figsize=(12.0, 6.0), layout="constrained")
    axes = figure.subplot_mosaic([["map", "eta"], ["map", "g"]], width_ratios=(3, 2))
    for n, at in enumerate(itertools.product((0.15, 0.5, 0.85), repeat=2)):
        _posterior(axes["map"], found, at, f"C{n}")
    lo, hi = found.data.bounds
    title = "posteriors of nine networks (50 % and 90 % of the mass), and the truth"
    axes["map"].set(xlabel="g", ylabel="eta", title=title, xlim=(lo[1], hi[1]), ylim=(lo[0], hi[0]))
    for i, name in enumerate(found.data.parameters):
        _ranks(axes[name], found, i)
    figure.savefig(path, dpi=130)


def _posterior(axes, found, at, color, n=200):
    """The density over (g, eta) for the unseen pair whose (eta, g) are nearest to `at` in the unit box."""
    from matplotlib import colors

    u, x = found.unseen
    which = np.argmin(((u - at) ** 2).sum(axis=1))
    side = ((np.arange(n) + 0.5) / n).astype(np.float32)
    cells = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(found.posterior.log_prob(cells, np.broadcast_to(x[which], (len(cells), x.shape[1]))))
    highest = np.sort(density)[::-1]
    inner, outer = highest[np.searchsorted(np.cumsum(highest) / highest.sum(), (0.5, 0.9))]
    eta, g = found.data.from_unit(np.stack([side, side], axis=-1)).T
    rgba = [(*colors.to_rgb(color), alpha) for alpha in (0.3, 0.7)]
    axes.contourf(g, eta, density.reshape(n, n), levels=(outer, inner, np.inf), colors=rgba)
    eta, g = found.data.theta[found.learned + which]
    axes.plot(g, eta, "x", color="black", markeredgewidth=1.5)


def _ranks(axes, found, i, bins=20):
    """The histogram of ranks, with what chance allows (99 %), and that of a posterior which is too narrow."""
    u = found.unseen[0]
    low, high = scipy.stats.binom.ppf([0.005, 0.995], len(u), 1 / bins)
    axes.axhspan(low, high, color="0.9", label="uniform, 99 %")
    for label, draws, style in (
        ("as learned", found.draws, {"color": "C0", "alpha": 0.6}),
        ("0.7 times as wide", found.changed(width=0.7), {"histtype": "step", "color": "C3"}),
    ):
        ranks = posterior.ranks(draws, u)[:, i]
        axes.hist(ranks, bins, range=(-0.5, DRAWS + 0.5), label=label, **style)
    axes.set(xlabel=f"rank of the true {found.data.parameters[i]} among {DRAWS} draws", ylabel="pairs")
    axes.legend(frameon=False, fontsize=8)
