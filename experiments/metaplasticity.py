"""A rule that is itself learned: gradient descent finds how synapses should change so that a network remembers.

A network of spiking neurons without any connection is shown a few random patterns, twice each, and then half of one of
them. All it can do about the other half is what its plastic synapses have stored within this one episode. All synapses
obey one rule, a Taylor series in the traces of both neurons and the weight; its 18 numbers begin at zero and follow
the gradient of the error of recall, through all spikes (with surrogate derivatives) and all weights of the episode.

    jaxsnn run experiments/metaplasticity.py                              # minutes, much of it compiling
    jaxsnn sweep experiments/metaplasticity.py --axis seed=0,1,2
    jaxsnn run experiments/metaplasticity.py --set patterns=5

Miconi, Stanley and Clune (2018) complete patterns of 1 000 bits with rate neurons, and learn two numbers for every
synapse. Here neurons spike, bits are 40, and a rule of 18 numbers serves all synapses, so that it can be tried, without
more training, on twice as many bits. Pair STDP is there for comparison, with one amplitude that nobody tuned.

Reference: Miconi, Stanley and Clune, ICML (2018).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

import jaxsnn as snn

SPACE = {
    "bits": snn.Static(40),
    "patterns": snn.Static(3),
    "updates": snn.Static(200),
    "episodes": snn.Static(8),  # an update
    "rate": snn.Axis(0.04),  # of Adam
    "seed": snn.Seeds(3),
}
DT = 2.0  # ms
SHOWN, GAP, CUED, HEARD = 15, 5, 25, 5  # steps: of a pattern, after it, of the cue, of it before recall counts
PRESENTATIONS, FULL = 2, 3.0  # presentations; spikes of a neuron that say yes
UNIT = 0.02  # of the coefficients, so that steps of the optimiser are of order one
TESTED = 100  # episodes


class Taylor(snn.plasticity.AbstractRule):
    """`dw = sum_abc theta_abc x^a y^b w^c`, with coefficients of its own at a pre and at a post spike.

    **Arguments:** `pre`, `post`: coefficients, shape `(A, B, C)`, powers from 0 on. `log_tau_x`, `log_tau_y`: of the
    traces' time constants in ms, as logarithms so that no step of an optimiser makes them negative.
    """

    pre: Array
    post: Array
    log_tau_x: Array
    log_tau_y: Array

    @classmethod
    def nothing(cls, shape, *, tau):
        """The series of which all coefficients are 0, both time constants at `tau` ms."""
        zero, log_tau = jnp.zeros(shape), jnp.log(jnp.asarray(tau, jnp.zeros(()).dtype))
        return cls(zero, zero, log_tau, log_tau)

    def scaled(self, unit):
        """The series with all coefficients in this unit: optimisers want numbers of order one."""
        return eqx.tree_at(lambda rule: (rule.pre, rule.post), self, (self.pre * unit, self.post * unit))

    def pre_traces(self):
        return {"x": snn.plasticity.SpikeTrace(jnp.exp(self.log_tau_x))}

    def post_traces(self):
        return {"y": snn.plasticity.SpikeTrace(jnp.exp(self.log_tau_y))}

    def on_pre(self, w, s):
        return polynomial(self.pre, s.pre.x, s.post.y, w)

    def on_post(self, w, s):
        return polynomial(self.post, s.pre.x, s.post.y, w)


def polynomial(theta, *xs):
    """`sum theta_abc x^a y^b w^c`, by Horner's rule in every variable."""
    if not xs:
        return theta
    total = polynomial(theta[-1], *xs[1:])
    for coefficient in theta[-2::-1]:
        total = total * xs[0] + polynomial(coefficient, *xs[1:])
    return total


class Told(snn.drives.AbstractDrive):
    """A current of its own for every neuron in every step, `(steps, n)`."""

    currents: Array

    def step(self, d, t, signals, *, key):
        return d, snn.simulation.Inputs(currents={"E": self.currents[t]})


def lesson(patterns, cued):
    """Every pattern in turn, `PRESENTATIONS` times, and then the cued bits of the first one: currents, `(steps, n)`."""
    current = lambda bits: jnp.where(bits, 3.0, -3.0)
    shown = jnp.repeat(current(patterns)[:, None], SHOWN, axis=1)
    shown = jnp.pad(shown, ((0, 0), (0, GAP), (0, 0))).reshape(-1, patterns.shape[1])
    shown = jnp.tile(shown, (PRESENTATIONS, 1))
    pause = jnp.zeros((2 * GAP, patterns.shape[1]))
    cue = jnp.where(cued, current(patterns[0]), 0.9)  # the rest sits below threshold, for others to decide
    return jnp.concatenate([shown, pause, jnp.tile(cue, (CUED, 1))])


def recalled(rule, patterns, cued, key):
    """Spikes of every neuron while the cue lasts: an answer of `FULL` is a yes."""
    n = patterns.shape[1]
    cell = snn.LIF(tau=20.0, v_th=1.0, surrogate=snn.surrogates.FastSigmoid(5.0))
    net = snn.network(
        dt=DT,
        key=key,
        populations={"E": snn.Population(cell, n, ports={"in": snn.Exponential(5.0)})},
        projections={
            "EE": snn.Connection(
                "E",
                "E",
                snn.AllToAll(),
                via=snn.Dense(),
                weight=jnp.zeros((n, n)),
                delay=DT,
                rule=snn.chain(rule, snn.plasticity.StraightThroughBound(-1.0, 1.0)),
            )
        },
    )
    currents = lesson(patterns, cued)
    probe = snn.Count("E", (len(currents) - CUED + HEARD) * DT)
    return snn.simulate(net, Told(currents), steps=len(currents), key=key, record=probe, throw=False).record


def episode(key, bits, patterns):
    """Random patterns, and which bits of the first will be given."""
    which, given = jax.random.split(key)
    cued = jax.random.permutation(given, jnp.arange(bits) < bits // 2)
    return jax.random.bernoulli(which, 0.5, (patterns, bits)), cued


def error(rule, key, bits, patterns):
    """The squared error of the answers that had to be recalled, and how many were right."""
    shown, cued = episode(key, bits, patterns)
    answer = recalled(rule, shown, cued, key) / FULL
    asked = ~cued
    wrong = jnp.sum(jnp.where(asked, (answer - shown[0]) ** 2, 0.0)) / jnp.sum(asked)
    right = jnp.sum(asked & ((answer > 0.5) == shown[0])) / jnp.sum(asked)
    return wrong, right


def several(rule, keys, bits, patterns):
    wrong, right = jax.vmap(lambda key: error(rule, key, bits, patterns))(keys)
    return jnp.mean(wrong), jnp.mean(right)


def hebb(a):
    """What one would write by hand: pair STDP of equal areas, as a series."""
    rule = Taylor.nothing((2, 2, 2), tau=20.0)
    return eqx.tree_at(lambda r: (r.pre, r.post), rule, (rule.pre.at[0, 1, 0].set(-a), rule.post.at[1, 0, 0].set(a)))


def experiment(point, key):
    """Learn the rule; then test it on new episodes beside no rule and pair STDP."""
    bits, patterns = point["bits"], point["patterns"]
    train, test, show = jax.random.split(key, 3)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(point["rate"]))
    start = Taylor.nothing((2, 2, 2), tau=20.0)

    def loss(rule, key):
        return several(rule.scaled(UNIT), jax.random.split(key, point["episodes"]), bits, patterns)

    def update(carry, key):
        rule, state = carry
        (wrong, right), slope = jax.value_and_grad(loss, has_aux=True)(rule, key)
        updates, state = optimiser.update(slope, state)
        return (eqx.apply_updates(rule, updates), state), (wrong, right)

    keys = jax.random.split(train, point["updates"])
    (rule, _), (wrong, right) = jax.lax.scan(update, (start, optimiser.init(eqx.filter(start, eqx.is_array))), keys)
    rule = rule.scaled(UNIT)

    tested = jax.random.split(test, TESTED)
    rules = jax.tree.map(lambda *x: jnp.stack(x), rule, start, hebb(0.05))  # one program for all
    _, rights = jax.lax.map(lambda rule: several(rule, tested, bits, patterns), rules)
    _, larger = several(rule, tested, 2 * bits, patterns)
    shown, cued = episode(show, bits, patterns)
    return {
        "error": wrong,
        "right_learning": right,
        "right": rights[0],
        "right_without": rights[1],
        "right_pair": rights[2],
        "right_larger": larger,
        "pre": rule.pre,
        "post": rule.post,
        "tau": jnp.exp(jnp.stack([rule.log_tau_x, rule.log_tau_y])),
        "shown": shown,
        "cued": cued,
        "answer": recalled(rule, shown, cued, show),
    }


def summary(ds):
    """How many bits are recalled, and the rule that was found."""
    rows = {
        "the learned rule": ds.right,
        "no plasticity": ds.right_without,
        "pair STDP": ds.right_pair,
        "the learned rule, twice as many bits": ds.right_larger,
    }
    lines = [f"bits recalled right that were not given (%), over {TESTED} new episodes; chance is 50"]
    for name, right in rows.items():
        values = 100 * np.ravel(right)
        lines.append(f"  {name:40}{np.mean(values):7.1f}   (seeds: {', '.join(f'{x:.1f}' for x in values)})")
    point = _first(ds)
    for name, on in (("pre", "pre"), ("post", "post")):
        terms = [
            f"{value:+.4f} " + " ".join(f"{x}" for x, power in zip("xyw", power) if power)
            for power, value in np.ndenumerate(point[name].values)
        ]
        lines.append(f"at a {on} spike: dw = {'  '.join(terms)}")
    lines.append("time constants: {:.1f} ms of x, {:.1f} ms of y".format(*point.tau.values))
    return "\n".join(lines)


def _first(ds):
    return ds.isel({name: 0 for name in SPACE if name in ds.dims})


def plot(ds, path):
    """Learning, the rule that was found as a window of pairs, and one episode."""
    from matplotlib.figure import Figure

    figure, point = Figure(figsize=(14.0, 4.2), layout="constrained"), _first(ds)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.0, 1.0, 1.2))
    for course in ds.right_learning.values.reshape(-1, ds.right_learning.shape[-1]):
        left.plot(100 * np.convolve(course, np.full(10, 0.1), "valid"), color="tab:blue", alpha=0.7)
    left.axhline(50.0, color="black", linestyle=":", linewidth=1.0)
    left.set(xlabel="update of the rule (mean of 10)", ylabel="bits recalled right (%)", title="learning to learn")
    apart, (tau_x, tau_y) = np.linspace(0.0, 60.0, 121), point.tau.values
    for w, color in ((-0.3, "tab:blue"), (0.0, "black"), (0.3, "tab:red")):
        # a pair by itself: the first spike sees empty traces, the second that of the first
        alone = lambda name, w=w: polynomial(point[name].values, 0.0, 0.0, w)
        late = alone("pre") + polynomial(point.post.values, np.exp(-apart / tau_x), 0.0, w)
        early = alone("post") + polynomial(point.pre.values, 0.0, np.exp(-apart / tau_y), w)
        middle.plot(apart, late, color=color, label=f"w = {w:g}")
        middle.plot(-apart, early, color=color)
    middle.axhline(0.0, color="black", linewidth=0.5)
    middle.axvline(0.0, color="black", linewidth=0.5)
    middle.legend()
    middle.set(xlabel="post after pre (ms)", ylabel="change of the weight by a pair", title="the rule that was found")
    shown, cued, answer = point.shown.values, point.cued.values, point.answer.values
    order = np.lexsort((~shown[0], ~cued))
    rows = [*(pattern[order] for pattern in shown), np.where(cued, shown[0], 0.5)[order], answer[order] / FULL]
    right.imshow(np.array(rows, float), cmap="gray_r", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    right.axvline(cued.sum() - 0.5, color="tab:red")
    right.set_yticks(range(len(rows)), [*(f"pattern {i + 1}" for i in range(len(shown))), "cue", "answer"])
    right.set(xlabel="neuron (left of the line: given; right: recalled)", title="an episode")
    figure.savefig(path, dpi=120)
