"""Losses against their formula on the recorded run: values and gradients, without anything over time being kept."""

import functools
import operator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.gradients.nets import CLASSES, EXAMPLES, KEY, LABELS, RASTER, STEPS, N, inputs, recurrent

LABELS_ = jnp.asarray(LABELS)
RNG = np.random.default_rng(7)
TRACE = RNG.normal(size=(EXAMPLES, STEPS, CLASSES)).astype(np.float32)
TRAINS = (RNG.random((EXAMPLES, STEPS, N)) < 0.1).astype(np.float32)
RATES = RNG.uniform(0.0, 200.0, (EXAMPLES, N)).astype(np.float32)


def recorded(net):
    """Read-out membranes and hidden spikes of all examples, as they are: shape (examples, steps, n)."""

    def one(raster, key):
        record = (snn.Trace("out.v"), Amplitudes("hid"))
        return snn.simulate(net, inputs(raster), steps=STEPS, key=key, record=record).record

    keys = jax.vmap(lambda i: jax.random.fold_in(KEY, i))(jnp.arange(EXAMPLES, dtype=jnp.uint32))
    return jax.vmap(one)(jnp.asarray(RASTER), keys)


class Amplitudes(snn.probes.AbstractProbe):
    """Spikes with their derivatives, which a raster does not have."""

    population: str = eqx.field(static=True)

    def step(self, carry, signals, t):
        return carry, signals.spikes[self.population]


def log_softmax(x):
    return x - jax.scipy.special.logsumexp(x)


def first(z):
    """First spike of each neuron, from all spikes."""
    return 1.0 + jnp.sum(jnp.cumprod(1.0 - z, axis=0), axis=0)


def van_rossum(z, target, tau=10.0):
    """The double sum over spikes of both trains, of opposite sign."""
    t = jnp.arange(STEPS, dtype=jnp.float32)
    kernel = 0.5 * jnp.exp(-jnp.abs(t[:, None] - t[None, :]) / tau)
    return jnp.mean(jnp.einsum("tj,ts,sj->j", z - target, kernel, z - target))


LOSSES = {  # a loss, its targets, and the same of everything recorded
    "summed membrane": (snn.CrossEntropy(snn.probes.Sum("out.v")), LABELS_, lambda v, z, y: -log_softmax(v.sum(0))[y]),
    "largest membrane": (snn.CrossEntropy(snn.probes.Max("out.v")), LABELS_, lambda v, z, y: -log_softmax(v.max(0))[y]),
    "counts": (snn.CrossEntropy(snn.Count("hid"), scale=0.1), LABELS_, lambda v, z, y: -log_softmax(0.1 * z.sum(0))[y]),
    "first spikes": (
        snn.CrossEntropy(snn.FirstSpike("hid"), scale=-0.05),
        LABELS_,
        lambda v, z, y: -log_softmax(-0.05 * first(z))[y],
    ),
    "smoothed, late": (
        snn.CrossEntropy(snn.Mean("out.v", start=20.0), smoothing=0.3),
        LABELS_,
        lambda v, z, y: -0.7 * log_softmax(v[20:].mean(0))[y] - 0.1 * jnp.sum(log_softmax(v[20:].mean(0))),
    ),
    "probabilities": (
        snn.CrossEntropy(snn.probes.Sum("out.v")),
        jnp.asarray([[0.2, 0.3, 0.5]] * EXAMPLES, jnp.float32),
        lambda v, z, y: -jnp.vdot(y, log_softmax(v.sum(0))),
    ),
    "rates": (
        snn.MeanSquaredError(snn.FiringRate("hid")),
        jnp.asarray(RATES),
        lambda v, z, y: jnp.mean((z.mean(0) * 1e3 - y) ** 2),
    ),
    "trace": (snn.losses.TraceError("out.v"), jnp.asarray(TRACE), lambda v, z, y: jnp.mean((v - y) ** 2)),
    "every step": (
        snn.losses.StepCrossEntropy("out.v", start=30.0),
        LABELS_,
        lambda v, z, y: -jnp.sum(jax.vmap(log_softmax)(v[30:])[:, y]),
    ),
    "van Rossum": (snn.VanRossum("hid", tau=10.0), jnp.asarray(TRAINS), lambda v, z, y: van_rossum(z, y)),
    "lower bound": (
        snn.losses.LowerRate("hid", 120.0),
        None,
        lambda v, z, y: jnp.mean(jnp.maximum(0.0, 120.0 - z.mean(0) * 1e3) ** 2),
    ),
    "upper bound": (
        snn.losses.UpperRate("hid", 60.0),
        None,
        lambda v, z, y: jnp.mean(jnp.maximum(0.0, z.mean(0) * 1e3 - 60.0) ** 2),
    ),
}


NET = recurrent(reset_mechanism=snn.resets.Subtract(detach=True))


@functools.cache
def expected():
    """Values and derivatives of all formulas: one program."""

    def plain(weight):
        v, z = recorded(snn.set(NET, "ih.weight", weight))

        def mean(formula, targets):
            values = (formula(v[i], z[i], None if targets is None else targets[i]) for i in range(EXAMPLES))
            return sum(values) / EXAMPLES

        return {name: mean(formula, targets) for name, (_, targets, formula) in LOSSES.items()}

    slopes, values = jax.jit(jax.jacrev(lambda w: (plain(w),) * 2, has_aux=True))(NET["ih"].weight)
    return values, slopes


class Named(snn.losses.AbstractLoss):
    """A loss that takes its own target from those of all."""

    name: str = eqx.field(static=True)
    loss: snn.losses.AbstractLoss

    def prepare(self, dynamics, steps):
        return Named(self.name, self.loss.prepare(dynamics, steps))

    def init(self, dynamics, steps, target):
        return self.loss.init(dynamics, steps, target[self.name])

    def at(self, target, t):
        return self.loss.at(target[self.name], t)

    def step(self, carry, signals, target_t, t):
        return self.loss.step(carry, signals, target_t, t)

    def finish(self, carry, target, dynamics):
        return self.loss.finish(carry, target[self.name], dynamics)


def only(name):
    """The sum of all losses, of which one has a weight: the same program for every loss."""
    return functools.reduce(
        operator.add, (float(other == name) * Named(other, loss) for other, (loss, *_) in LOSSES.items())
    )


@pytest.mark.parametrize("name", LOSSES)
def test_loss_is_its_formula(name):
    targets = {name: targets for name, (_, targets, _) in LOSSES.items()}
    est = snn.BPTT(wrt="ih.weight", checkpoint=snn.checkpointing.KeepAll())
    value, gradient = est.value_and_grad(only(name), NET, inputs(), targets, key=KEY)
    wanted, slope = (of[name] for of in expected())
    assert value > 0 and jnp.max(jnp.abs(slope)) > 1e-6
    np.testing.assert_allclose(value, wanted, rtol=2e-5)
    np.testing.assert_allclose(gradient["ih"].weight, slope, atol=2e-5 * float(jnp.max(jnp.abs(slope))))


def test_one_spike_more_is_half():
    """The van Rossum distance of a spike and none, whenever it is; and of a train and itself."""
    net = snn.network(dt=1.0, key=KEY, populations={"in": snn.SpikeSource(1)})
    est = functools.partial(snn.evaluate, {"d": snn.VanRossum("in", tau=5.0)}, net, key=KEY)
    raster = jnp.zeros((3, 20, 1)).at[0, 0].set(1).at[1, 19].set(1)
    drive = snn.Replay(raster, into="in")
    assert est(drive, raster)["d"] == 0.0
    np.testing.assert_allclose(est(drive, jnp.zeros((3, 20, 1)))["d"], (0.5 + 0.5 + 0.0) / 3, rtol=1e-6)


def test_accuracy():
    """The part of examples whose largest read-out is at the label."""
    net = recurrent()
    found = np.asarray(jax.jit(recorded)(net)[0]).sum(1)
    scores = snn.evaluate(
        {"accuracy": snn.Accuracy(snn.probes.Sum("out.v")), "loss": LOSSES["summed membrane"][0]},
        net,
        inputs(),
        LABELS_,
        key=KEY,
    )
    assert scores["accuracy"] == np.mean(found.argmax(1) == LABELS)
    assert 0 < scores["accuracy"] < 1


@pytest.mark.parametrize(
    ("loss", "targets", "says"),
    [
        (snn.losses.TraceError("out.v"), jnp.zeros((EXAMPLES, CLASSES, STEPS)), "are time and neurons swapped?"),
        (snn.losses.TraceError("out.v"), jnp.zeros((EXAMPLES, STEPS, 5)), r"expected shape \(90, 3\)"),
        (snn.VanRossum("hid"), LABELS_, r"VanRossum got a target of shape \(\) per example, expected shape \(90, 16\)"),
        (snn.losses.StepCrossEntropy("out.v"), jnp.zeros(EXAMPLES), "expected an integer label"),
        (snn.MeanSquaredError(snn.Count("hid")), LABELS_, r"expected real numbers, shape \(16,\)"),
        (snn.losses.UpperRate("hidden"), None, "Got a probe of 'hidden', expected a population: hid, in, out"),
    ],
)
def test_wrong_targets_are_one_error(loss, targets, says):
    with pytest.raises(ValueError, match=says):
        snn.evaluate({"x": loss}, recurrent(), inputs(), targets, key=KEY)
