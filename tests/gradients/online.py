"""Networks and a loss for e-prop and RTRL: everything that has a path through time, and a target at every step."""

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from tests.gradients.cut import partly

KEY = jax.random.key(1)
EXAMPLES, STEPS, N_IN, N, N_OUT = 3, 60, 5, 6, 2
RNG = np.random.default_rng(0)
RASTER = RNG.random((EXAMPLES, STEPS, N_IN)) < 0.3
TARGET = RNG.normal(size=(EXAMPLES, STEPS, N_OUT))


class Regression(snn.losses.AbstractSummedLoss):
    """Squared errors of the read-out in every step, and regularisers of the hidden layer's spikes and membranes."""

    def at(self, target, t):
        return target[t]

    def now(self, signals, target_t, t):
        rate, v = jnp.sum(signals.spikes["hid"]) ** 2, jnp.sum(signals.state["hid"]["v"] ** 2)
        return jnp.sum((signals.state["out"]["v"] - target_t) ** 2) + 0.1 * rate + 0.01 * v


class NotAdapting(snn.ALIF):
    """ALIF in which no derivative flows from a spike into its adaptation, or the part `through`: a control."""

    through: jnp.ndarray = snn.param(0.0, unit="1")

    def reset(self, s, spike, dt):
        fired = partly(spike, self.through)
        return super().reset(s, spike, dt)._replace(a=s.a + fired * self.increment(self.tau_a, dt))


class PartlyDetached(snn.resets.Subtract):
    """A soft reset through which the part `through` of a derivative flows: 0 is what `detach=True` leaves."""

    through: jnp.ndarray = snn.param(0.0, unit="1")

    def _through(self, spike):
        return partly(spike, self.through)


def lif(*, kind=snn.LIF, detach=False, **more):
    """A refractory LIF that is reset to a value."""
    return kind(
        tau=8.0,
        v_th=0.7,
        t_ref=2.0,
        surrogate=snn.surrogates.FastSigmoid(3.0),
        reset_mechanism=snn.resets.ToValue(detach),
        **more,
    )


def bellec(*, kind=snn.ALIF, detach=False, **changes):
    """Bellec's adaptive LIF: whole inputs, a soft reset one step late, integration through refractoriness."""
    choices = dict(
        tau=15.0,
        v_th=0.6,
        t_ref=3.0,
        beta=0.3,
        tau_a=40.0,
        gain=snn.gains.PerStep(),
        reset_mechanism=snn.resets.Subtract(detach),
        reset_time=snn.resets.NextStep(),
        refractory_input=snn.refractory.Ungated(),
        surrogate=snn.surrogates.Triangle(),
    )
    return kind(**choices | changes)


def stacked(cell, *, via=snn.Dense(), delay=None):
    """Two hidden layers, the first recurrent through jumps and driven through currents; both reach the read-out."""
    delay = snn.Uniform(1.0, 4.0) if delay is None else delay
    link = dict(topology=snn.AllToAll(), via=via)
    weight = lambda mean: snn.Normal(mean, 0.5)
    return snn.network(
        dt=1.0,
        key=jax.random.key(0),
        populations={
            "in": snn.SpikeSource(N_IN),
            "hid": snn.Population(cell, N, {"slow": snn.Exponential(5.0), "fast": snn.Delta()}),
            "top": snn.Population(cell, N),
            "out": snn.Population(snn.LI(10.0), N_OUT, {"in": snn.Exponential(4.0)}),
        },
        projections={
            "ih": snn.Connection("in", "hid.slow", **link, weight=weight(0.1), delay=delay),
            "hh": snn.Connection("hid", "hid.fast", **link, weight=weight(0.0), delay=delay),
            "ht": snn.Connection("hid", "top", **link, weight=weight(0.3)),
            "ho": snn.Connection("hid", "out", **link, weight=weight(0.0)),
            "to": snn.Connection("top", "out", **link, weight=weight(0.0)),
        },
    )


def single(cell, *, via=snn.Dense(), weight=None, **changes):
    """One recurrent hidden layer."""
    link = dict(topology=snn.AllToAll(), via=via)
    normal = snn.Normal(0.2, 0.5)
    populations = {
        "in": snn.SpikeSource(N_IN),
        "hid": snn.Population(cell, N),
        "out": snn.Population(snn.LI(10.0), N_OUT),
        **changes.pop("populations", {}),
    }
    projections = {
        "ih": snn.Connection("in", "hid", **link, weight=normal if weight is None else weight, delay=1.0),
        "hh": snn.Connection("hid", "hid", **link, weight=normal, delay=2.0),
        "ho": snn.Connection("hid", "out", **link, weight=normal),
        **changes.pop("projections", {}),
    }
    return snn.network(dt=1.0, key=jax.random.key(0), populations=populations, projections=projections, **changes)


def grads(est, net, *, loss=None, raster=RASTER, target=TARGET):
    """Value and gradient of the regression."""
    loss = Regression() if loss is None else loss
    target = None if target is None else jnp.asarray(target, float)
    return est.value_and_grad(loss, net, snn.Replay(jnp.asarray(raster), into="in"), target, key=KEY)


def disagreement(one, other):
    """The largest difference of two gradients, relative to the largest number of the leaf: the worst of all leaves."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return max(float(jnp.max(jnp.abs(a - b)) / jnp.max(jnp.abs(b))) for a, b in pairs)


def bptt():
    return snn.BPTT(checkpoint=snn.checkpointing.KeepAll())
