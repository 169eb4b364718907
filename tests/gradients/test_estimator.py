"""One call for every estimator: shapes of gradients, what is learnt, and one error for what does not fit."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn as snn
from jaxsnn._xla.opaque import _packed, opaque
from tests.gradients.nets import EXAMPLES, KEY, LABELS, LOSS, N_IN, RASTER, STEPS, inputs, recurrent

LABELS_ = jnp.asarray(LABELS)


def detached():
    """The network of most tests here, so that its program is compiled once."""
    return recurrent(reset_mechanism=snn.resets.Subtract(detach=True))


def grads(net=None, wrt="*.weight", **changes):
    given = dict(loss=LOSS, inputs=inputs(), targets=LABELS_) | changes
    est = snn.BPTT(wrt=wrt, checkpoint=snn.checkpointing.KeepAll())
    loss, drive, targets = given.pop("loss"), given.pop("inputs"), given.pop("targets")
    return est.value_and_grad(loss, detached() if net is None else net, drive, targets, key=KEY, **given)


def test_gradients_have_the_networks_shape_and_optax_steps():
    """Every number that is not learnt is None; a few steps of Adam make the loss smaller."""
    import equinox as eqx

    est, net = snn.BPTT(checkpoint=snn.checkpointing.KeepAll()), detached()
    optimiser = optax.adam(1e-2)
    state = optimiser.init(est.parameters(net))
    values = []
    for _ in range(6):
        value, gradient = est.value_and_grad(LOSS, net, inputs(), LABELS_, key=KEY)
        with jax.numpy_dtype_promotion("standard"):  # optax
            updates, state = optimiser.update(gradient, state, est.parameters(net))
        net = eqx.apply_updates(net, updates)
        values.append(float(value))
    assert values[-1] < 0.5 * values[0]
    learnt = [gradient[name].weight for name in ("ih", "hh", "ho")]
    assert len(jax.tree.leaves(gradient)) == len(learnt) and all(jnp.any(g != 0) for g in learnt)
    assert gradient["hid"].neuron.tau is None and gradient["ih"].weight.shape == net["ih"].weight.shape


def test_what_is_learnt_is_chosen_by_path():
    _, gradient = grads(wrt=("ho.*", "hid.neuron.tau"))
    assert gradient["ih"].weight is None and gradient["ho"].weight.shape == (16, 3)
    assert gradient["hid"].neuron.tau.shape == () and gradient["hid"].neuron.tau != 0


def test_the_batch_is_the_mean_of_its_examples():
    """And a shared drive beside one with examples is shared; every example has its own key."""
    net = recurrent(noise=0.1)
    drive = inputs() + snn.StepCurrent(0.1, into="hid")
    value, gradient = grads(net, inputs=drive)

    @jax.jit
    @jax.value_and_grad
    def one(weight, raster, label, i):
        alone = snn.set(net, "ih.weight", weight)
        feed, key = inputs(raster) + snn.StepCurrent(0.1, into="hid"), jax.random.fold_in(KEY, i)
        found = snn.simulate(alone, feed, steps=STEPS, key=key, record=snn.probes.Sum("out.v")).record
        return -jax.nn.log_softmax(found)[label]

    each = [one(net["ih"].weight, RASTER[i], LABELS[i], i) for i in range(EXAMPLES)]
    np.testing.assert_allclose(value, np.mean([v for v, _ in each]), rtol=1e-5)
    mean = np.mean([g for _, g in each], axis=0)
    np.testing.assert_allclose(gradient["ih"].weight, mean, atol=1e-5 * np.max(np.abs(mean)))


def test_losses_add_up():
    (value, gradient), (half, halved) = grads(), grads(loss=0.5 * (LOSS + 2.0 * LOSS))
    np.testing.assert_allclose(half, 1.5 * value, rtol=1e-6)
    np.testing.assert_allclose(halved["ho"].weight, 1.5 * gradient["ho"].weight, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (dict(wrt="*.wieght"), r"'\*.wieght', which matches no number of the model; there are hid.neuron.tau"),
        (dict(targets=LABELS_[:3]), r"Got 4 examples of 90 steps, and targets of shape \(3,\), expected \(4, ...\)"),
        (dict(inputs=inputs(RASTER.swapaxes(0, 1))), r"Got 90 examples of 4 steps, .* are time and examples swapped\?"),
        (dict(inputs=inputs(RASTER[0])), "Got inputs with no axis of examples"),
        (dict(inputs=inputs() + snn.StepCurrent(jnp.zeros((3, 16)), into="hid")), r"\[3, 4\] examples in its parts"),
        (
            dict(inputs=snn.Poisson(jnp.ones((4, N_IN)), into="in")),
            "Poisson has no length of its own; give `steps`",
        ),
        (dict(targets=LABELS_.astype(float)), r"CrossEntropy got a target of shape \(\) and type float32 per example"),
        (dict(targets=jnp.ones((4, 5))), r"shape \(5,\) .*, expected an integer label, shape \(\), or .* shape \(3,\)"),
        (
            dict(loss=snn.CrossEntropy(snn.Trace("out.v"))),
            "CrossEntropy reads Trace, which records more than one number",
        ),
        (dict(loss=snn.CrossEntropy(snn.probes.Sum("out.u"))), "no 'u'"),
    ],
    ids=lambda x: "" if isinstance(x, dict) else x[:30],
)
def test_what_does_not_fit_is_one_error(changes, says):
    with pytest.raises(ValueError, match=says):
        grads(**changes)


def test_a_batch_is_no_run():
    with pytest.raises(ValueError, match=r"Replay.raster has shape \(4, 90, 10\): a batch of examples"):
        snn.simulate(recurrent(), inputs(), steps=3, key=KEY)


def test_rates_may_be_the_examples():
    """Poisson input of a rate for each example: spikes are drawn in the run, and nothing of size T is kept."""
    rates = jnp.asarray(np.array([[20.0], [200.0]]) * np.ones((2, N_IN)))
    drive = snn.Poisson(rates.astype(jnp.float32), into="in", most=1.0)
    value, gradient = grads(inputs=drive, targets=LABELS_[:2], steps=50)
    assert jnp.isfinite(value) and jnp.any(gradient["ih"].weight != 0)


def test_what_a_batch_shares_stays_shared():
    """Behind the barrier of a run, under `vmap` and with derivatives: weights are not an example's own.

    `out_axes=None` is an error for what is batched; control: packed into one array with what is.
    """
    x, w = jnp.arange(8.0).reshape(4, 2), jnp.ones(3)
    shared = lambda opaque: jax.vmap(lambda x: opaque(x, w)[1], out_axes=None)(x)
    np.testing.assert_array_equal(shared(lambda *leaves: opaque(leaves)), w)
    with pytest.raises(ValueError, match="out_axes"):
        shared(_packed)
    both = lambda x, w: jnp.sum(jax.vmap(lambda x: jnp.sum(opaque((x, w))[0]) * jnp.sum(opaque((x, w))[1]))(x))
    by_x, by_w = jax.grad(both, argnums=(0, 1))(x, w)
    np.testing.assert_allclose(by_x, 3.0)
    np.testing.assert_allclose(by_w, jnp.sum(x))
