"""A response that is learned from reward: STDP proposes, and a global signal that follows the response disposes.

Two stimuli are the rates of two groups of 30 inputs: 40 Hz or silence. 60 hidden neurons receive from all of them,
and one output neuron from all hidden ones. Every spike of the output is rewarded (+1) while one of the stimuli is
shown, and punished (-1) while the other is. The reward is one global number, with no information on which synapse
caused it: pairs of spikes leave an eligibility in all 3 660 synapses, which fades within 25 ms, and the reward turns it
into a change:
`dw/dt = r c`, `dc/dt = -c / tau + STDP`.

    jaxsnn run experiments/reward_stdp.py
    jaxsnn sweep experiments/reward_stdp.py              # five seeds, with both controls

The reward comes from the environment: a drive that sees what the network does. Controls: rewards of a random sign
(`contingency=0`), and plain STDP that waits for no reward. As a punishment costs more than a reward is worth, rewards
of a random sign also make the output nearly silent; with `--set worth=1` they do not. The network is that of Florian's
exclusive-or of rates, with an easier task: with his four patterns it got stuck here in answering one of the two bits.

Reference: Florian, Neural Computation 19:1468 (2007).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

import jaxsnn as snn

SPACE = {
    "rule": snn.Static("rewarded", ("rewarded", "plain")),
    "contingency": snn.Axis(1.0, values=(1.0, 0.0)),  # how often a reward has the sign that was earned; else any
    "worth": snn.Axis(0.6),  # of a reward; a punishment is worth 1
    "epochs": snn.Static(100),  # in each, both stimuli are shown
    "a": snn.Axis(0.025, unit="mV"),  # of STDP
    "seed": snn.Seeds(5),
}
DT, SHOWN, EXAM = 1.0, 500, 5  # ms; steps of a stimulus; times that both are shown in the end
GROUP, HIDDEN, RATE, W_MAX = 30, 60, 40.0, 5.0  # inputs a stimulus; neurons; Hz; mV


class Environment(snn.drives.AbstractDrive):
    """Shows stimuli in turn, and pays for every spike of the output, two steps later.

    A step is what it takes to see the spike; a step later it has left its eligibility in the synapses that caused it.

    **Arguments:** `order`: which stimulus is shown when, 0 or 1, `(times,)`. `pay`: for a spike then, `(times,)`.
    """

    order: Array
    pay: Array

    def init(self, *, key):
        return jnp.zeros(())

    def step(self, d, t, signals, *, key):
        now, before = t // SHOWN, (t - 1) // SHOWN  # the spikes seen are those of the step before
        on = jnp.arange(2 * GROUP) // GROUP == self.order[now]
        spikes = jax.random.bernoulli(jax.random.fold_in(key, t), jnp.where(on, RATE * DT * 1e-3, 0.0))
        earned = self.pay[before] * jnp.sum(signals.spikes["out"])
        return earned, snn.simulation.Inputs(arrivals={"in.in": spikes.astype(earned.dtype)}, modulators={"reward": d})


class Answers(snn.probes.AbstractProbe):
    """Spikes of the output for every time that a stimulus is shown."""

    def stride(self, model):
        return SHOWN

    def step(self, carry, signals, t):
        return carry, jnp.sum(signals.spikes["out"])

    def emit(self, carry, stacked, model):
        return carry, jnp.sum(stacked.reshape(-1, SHOWN), axis=1)


def network(rule, a, key):
    """Two layers, all to all; the first with weights of either sign."""
    cell = snn.LIF(tau=20.0, v_rest=-70.0, v_th=-54.0, v_reset=-70.0)

    def link(pre, post, lo):
        stdp, bound = snn.PairSTDP(a, a, 20.0, 20.0), snn.Bound(lo, W_MAX)
        learn = (
            snn.chain(stdp, snn.Modulate("reward", tau=25.0), bound) if rule == "rewarded" else snn.chain(stdp, bound)
        )
        weight = snn.Uniform(lo, W_MAX)
        return snn.Connection(pre, post, snn.AllToAll(), via=snn.Dense(), weight=weight, delay=DT, rule=learn)

    return snn.network(
        dt=DT,
        key=key,
        populations={
            "in": snn.SpikeSource(2 * GROUP),
            "hidden": snn.Population(cell, HIDDEN),
            "out": snn.Population(cell, 1),
        },
        projections={"first": link("in", "hidden", -W_MAX), "second": link("hidden", "out", 0.0)},
    )


def experiment(point, key):
    """The output's rate to the paid stimulus and to the other: while learning, and frozen before and after."""
    build, which, order, luck, sign, learn, look = jax.random.split(key, 7)
    net = network(point["rule"], point["a"], build)
    paid = jax.random.bernoulli(which).astype(jnp.int32)  # so that no stimulus is better by chance
    first = jax.random.bernoulli(order, shape=(point["epochs"],)).astype(jnp.int32)
    shown = jnp.stack([first, 1 - first], axis=1).reshape(-1)
    worth = point["worth"]
    earned = jnp.where(shown == paid, worth, -1.0)
    honest = jax.random.bernoulli(luck, point["contingency"], shown.shape)
    pay = jnp.where(honest, earned, jnp.where(jax.random.bernoulli(sign, shape=shown.shape), worth, -1.0))
    asked = jnp.tile(jnp.stack([paid, 1 - paid]), EXAM)
    hz = 1e3 / (SHOWN * DT)

    def answers(net, shown, pay, key):
        return snn.simulate(net, Environment(shown, pay), steps=len(shown) * SHOWN, key=key, record=Answers())

    def examined(net):
        run = answers(net.frozen(), asked, jnp.zeros(asked.shape), look)
        return hz * jnp.mean(run.record.reshape(EXAM, 2), axis=0), run.status

    lesson = answers(net, shown, pay, learn)
    (before, _), (after, status) = examined(net), examined(net.learned(lesson.state))
    place = (jnp.arange(len(shown)) // 2, (shown != paid).astype(jnp.int32))
    return {
        "before_hz": before,
        "after_hz": after,
        "course_hz": jnp.zeros((point["epochs"], 2)).at[place].set(hz * lesson.record),
        "status": lesson.status | status,
    }


def _conditions(ds):
    """Every condition by name: the part of the result that belongs to it."""
    for rule in np.atleast_1d(ds.coords.get("rule", ds.attrs.get("rule"))):
        part = ds.sel(rule=rule) if "rule" in ds.dims else ds
        for contingency in np.atleast_1d(part.coords.get("contingency", part.attrs.get("contingency"))):
            one = part.sel(contingency=contingency) if "contingency" in part.dims else part
            if rule == "rewarded":
                yield f"reward, contingency {contingency:g}", one
            elif contingency == 1 or "contingency" not in part.dims:
                yield "plain STDP", one  # which does not depend on the reward


def _rates(x):
    return x.values.reshape(-1, 2)


def summary(ds):
    """How well the paid stimulus is told from the other: `(r_1 - r_2) / (r_1 + r_2)` of the output's rates."""
    lines = [f"{'':26}{'paid (Hz)':>12}{'other (Hz)':>12}{'index, before':>20}{'after':>18}{'worst':>8}"]
    for name, part in _conditions(ds):
        after = _rates(part.after_hz)
        told, untaught = (_index(_rates(x)) for x in (part.after_hz, part.before_hz))
        spread = lambda x: f"{np.mean(x):.2f} +- {np.std(x):.2f}"
        lines.append(
            f"{name:26}{after[:, 0].mean():12.1f}{after[:, 1].mean():12.1f}{spread(untaught):>20}{spread(told):>18}"
            f"{np.min(told):8.2f}"
        )
    return "\n".join(lines)


def _index(rates):
    total = rates.sum(axis=1)
    return (rates[:, 0] - rates[:, 1]) / np.where(total > 0, total, 1.0)


def plot(ds, path):
    """The output's rate to both stimuli while learning: every seed, and the mean."""
    from matplotlib.figure import Figure

    conditions = [*_conditions(ds)]
    figure = Figure(figsize=(4.2 * len(conditions), 3.8), layout="constrained")
    panels = figure.subplots(1, len(conditions), squeeze=False, sharey=True)[0]
    for ax, (name, part) in zip(panels, conditions, strict=True):
        course = part.course_hz.values.reshape(-1, *part.course_hz.shape[-2:])
        for i, (label, color) in enumerate((("paid stimulus", "tab:blue"), ("the other", "tab:red"))):
            ax.plot(course[:, :, i].T, color=color, alpha=0.25, linewidth=0.8)
            ax.plot(course[:, :, i].mean(axis=0), color=color, linewidth=2.0, label=label)
        ax.set(title=name, xlabel="epoch")
    panels[0].set(ylabel="rate of the output (Hz)")
    panels[0].legend()
    figure.savefig(path, dpi=120)
