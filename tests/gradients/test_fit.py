"""Training: the loop is the plain one, in a sweep too; it stops where it should, and goes on from where it was."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn as snn
from jaxsnn.gradients.parallel import Microbatches

EXAMPLES, STEPS, N_IN, CLASSES = 24, 8, 4, 2
RNG = np.random.default_rng(0)
LABELS = jnp.asarray(np.arange(EXAMPLES, dtype=np.int32) % CLASSES)
X = jnp.asarray(RNG.random((EXAMPLES, STEPS, N_IN)) < 0.2 + 0.5 * (np.arange(EXAMPLES) % CLASSES)[:, None, None])
LOSS = snn.CrossEntropy(snn.Mean("out.v"))
ACCURACY = {"accuracy": snn.Accuracy(snn.Mean("out.v"))}
EST = snn.BPTT(checkpoint=snn.checkpointing.KeepAll())
ADAM = optax.adam(0.05)  # the same object is the same program


class Descent(eqx.Module):
    """Gradient descent whose rate is an argument of the program, so that any rate is the same program."""

    rate: jax.Array = eqx.field(converter=jnp.float32)

    def init(self, learnt):
        return ()

    def update(self, gradient, state, learnt=None):
        return jax.tree.map(lambda g: -self.rate * g, gradient), state


def layers(key=None):
    dense = dict(topology=snn.AllToAll(), via=snn.Dense())
    cell = snn.LIF(tau=5.0, v_th=1.0, reset_mechanism=snn.resets.Subtract(detach=True))
    return snn.network(
        dt=1.0,
        key=jax.random.key(0) if key is None else key,
        populations={
            "in": snn.SpikeSource(N_IN),
            "hid": snn.Population(cell, 6),
            "out": snn.Population(snn.LI(), CLASSES),
        },
        projections={
            "ih": snn.Connection("in", "hid", **dense, weight=snn.Normal(0.0, 0.5)),
            "ho": snn.Connection("hid", "out", **dense, weight=snn.Normal(0.0, 0.5)),
        },
    )


def train(net=None, **changes):
    given = dict(optimiser=ADAM, epochs=3, batch=5, key=jax.random.key(7), progress=snn.progress.Quiet()) | changes
    loss, inputs, targets = given.pop("loss", LOSS), given.pop("inputs", X), given.pop("targets", LABELS)
    return snn.fit(layers() if net is None else net, EST, loss, snn.Replay(inputs, into="in"), targets, **given)


def weights(net):
    return np.concatenate([np.ravel(net[name].weight) for name in ("ih", "ho")])


def test_fit_is_the_plain_loop():
    """Orders from the key, what is left over skipped: the same numbers as a loop written out."""
    fit = train()
    key, net, update = jax.random.key(7), layers(), jax.jit(ADAM.update)
    state, losses = ADAM.init(EST.parameters(net)), []
    for epoch in range(3):
        order = jax.random.permutation(jax.random.fold_in(jax.random.fold_in(key, epoch), 0), EXAMPLES)
        for rows in order[:20].reshape(4, 5):
            loss, gradient = EST.value_and_grad(LOSS, net, snn.Replay(X[rows], into="in"), LABELS[rows], key=key)
            with jax.numpy_dtype_promotion("standard"):
                updates, state = update(gradient, state, EST.parameters(net))
            net = eqx.apply_updates(net, updates)
            losses.append(loss)
    np.testing.assert_allclose(fit.history["loss"], np.reshape(losses, (3, 4)).mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(weights(fit.net), weights(net), atol=1e-5)


def test_it_learns_and_scores():
    validation = (snn.Replay(X, into="in"), LABELS)
    fit = train(epochs=40, batch=4, validation=validation, metrics=ACCURACY)
    assert {*fit.history} == {"loss", "validation_loss", "validation_accuracy"}
    assert all(len(values) == 40 for values in fit.history.values())
    assert fit.history["loss"][-1] < 0.5 * fit.history["loss"][0]
    found = snn.evaluate({"loss": LOSS, **ACCURACY}, fit.net, *validation, key=jax.random.key(0))
    np.testing.assert_allclose(found["loss"], fit.history["validation_loss"][-1], rtol=1e-5)
    assert found["accuracy"] == fit.history["validation_accuracy"][-1] > 0.9


def test_many_trainings_are_one_sweep():
    """Learning rates and seeds as axes: one program, each the training alone."""

    def experiment(point, key):
        fit = train(layers(key), optimiser=optax.adam(point["lr"]), epochs=2, key=key)
        return {"loss": fit.history["loss"], "ih": fit.net["ih"].weight, "status": fit.status}

    space = {"lr": snn.Axis(0.02, values=(0.0, 0.05)), "seed": snn.Seeds(2)}
    ds = snn.sweep(experiment, snn.product(space), key=jax.random.key(3), progress=snn.progress.Quiet())
    assert ds.loss.shape == (2, 2, 2)
    key = jax.random.fold_in(jax.random.key(3), 1)
    alone = train(layers(key), epochs=2, key=key)  # with the same rate
    np.testing.assert_allclose(ds.loss[1, 1], alone.history["loss"], rtol=1e-5)
    np.testing.assert_allclose(ds.ih[1, 1], alone.net["ih"].weight, atol=1e-5)
    assert np.any(ds.ih[0, 1] != ds.ih[1, 1])


def test_patience():
    """With nothing learnt the score never falls again; the network is that of the best epoch."""
    scored = dict(validation=(snn.Replay(X, into="in"), LABELS), metrics=ACCURACY)
    fit = train(optimiser=Descent(0.0), epochs=50, patience=2, **scored)
    assert len(fit.history["loss"]) == 3  # the first one, and two that are not better
    worse = train(optimiser=Descent(-3.0), epochs=50, patience=1, **scored)
    found = snn.evaluate({"loss": LOSS, **ACCURACY}, worse.net, *scored["validation"], key=jax.random.key(0))["loss"]
    np.testing.assert_allclose(found, np.min(worse.history["validation_loss"]), rtol=1e-5)
    assert worse.history["validation_loss"][-1] > found


class Poisoned(snn.losses.AbstractLoss):
    """NaN for one example, through one projection."""

    def step(self, carry, signals, target_t, t):
        return carry

    def init(self, model, steps, target):
        return snn.Last("out.v").init(model, steps, 0)

    def finish(self, carry, target, model):
        return jnp.sum(carry) + jnp.where(target == 1, jnp.nan, 0.0)


def test_a_loss_that_is_not_finite_stops_training():
    """With the step and the parameter; the network is kept as it was before."""
    with pytest.raises(
        snn.gradients.TrainingError, match=r"stopped at epoch 0, step \d: the loss is nan and all gradients are"
    ):
        train(loss=LOSS + Poisoned(), targets=jnp.zeros_like(LABELS).at[3].set(1))
    steep = layers()
    steep = eqx.tree_at(lambda n: n.projections["ho"].weight, steep, steep["ho"].weight.at[0, 0].set(jnp.inf))
    with pytest.raises(
        snn.gradients.TrainingError, match=r"epoch 0, step 0: .* the gradient of ho.weight, ih.weight is not fin"
    ):
        train(steep)
    with pytest.raises(snn.gradients.TrainingError, match=r"epoch 0, step 1: .* Lower the learning rate") as caught:
        train(optimiser=Descent(1e38))
    assert not np.any(np.isnan(weights(caught.value.fit.net)))


def test_a_parameter_that_leaves_its_bounds_is_named():
    """With what it became; the network and all epochs before that step are kept. In a program: a bit, and the same."""
    est = snn.BPTT(wrt="hid.neuron.tau", checkpoint=snn.checkpointing.KeepAll())
    step_by = lambda rate: optax.GradientTransformation(
        lambda p: jnp.int32(0),
        lambda g, n, p: (jax.tree.map(lambda x: jnp.where(n < 10, -0.1, rate) * jnp.ones_like(x), g), n + 1),
    )
    fits = lambda rate, net: snn.fit(
        net, est, LOSS, snn.Replay(X, into="in"), LABELS, optimiser=step_by(rate), epochs=5, batch=6, key=1,
        progress=snn.progress.Quiet(),
    )  # fmt: skip
    with pytest.raises(
        snn.gradients.TrainingError, match=r"epoch 2, step 2: hid.neuron.tau left its bounds: LIF.tau is -.*"
    ) as e:
        fits(-9.0, layers())
    assert "more than 0" in str(e.value) and len(e.value.fit.history["loss"]) == 2
    np.testing.assert_allclose(e.value.fit.net["hid"].neuron.tau, 4.0, rtol=1e-5)
    tau, status = jax.jit(lambda key: (lambda f: (f.net["hid"].neuron.tau, f.status))(fits(-9.0, layers(key))))(
        jax.random.key(0)
    )
    np.testing.assert_allclose(tau, 4.0, rtol=1e-5)
    assert int(status) == snn.Status.PARAMETER_RANGE


def test_an_interrupt_loses_no_epoch(monkeypatch):
    """Nor does a status that is not clean: what was learnt until then is `fit` of the exception."""
    from jaxsnn.gradients import training as module

    epochs = iter([module._compiled_epoch] * 2)

    def interrupted(*args):
        try:
            return next(epochs)(*args)
        except StopIteration:
            raise KeyboardInterrupt from None

    whole = train(epochs=2)
    monkeypatch.setattr(module, "_compiled_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(epochs=9)
    assert "interrupted after 2 epochs" in caught.value.__notes__[0]
    np.testing.assert_array_equal(weights(caught.value.fit.net), weights(whole.net))


def test_what_is_learnt_is_said_and_can_be_asked_for(capsys):
    """The pattern that trains a bias current too is seen before it does."""
    assert EST.learns(layers()) == {"ih.weight": (4, 6), "ho.weight": (6, 2)}
    assert "hid.neuron.bias" in snn.BPTT(("*.weight", "*.bias")).learns(layers())
    train(epochs=1, progress=snn.progress.Bar())
    assert "fit: BPTT learns 36 numbers: ho.weight (6, 2), ih.weight (4, 6)" in capsys.readouterr().err.replace(
        "\n", " "
    )
    train(epochs=1)
    assert "learns" not in capsys.readouterr().err


def test_training_goes_on_from_a_checkpoint(tmp_path):
    """Interrupted after two epochs of four: the same network and history as in one go."""
    pytest.importorskip("orbax.checkpoint")
    kept = snn.gradients.Checkpoints(tmp_path / "run")
    train(epochs=2, checkpoints=kept)
    resumed, whole = train(epochs=4, checkpoints=kept), train(epochs=4)
    np.testing.assert_array_equal(weights(resumed.net), weights(whole.net))
    np.testing.assert_array_equal(resumed.history["loss"], whole.history["loss"])
    with pytest.raises(ValueError, match=r"is of another network or optimiser: .*, give another folder|differ"):
        train(optimiser=optax.sgd(0.1), checkpoints=kept)
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file() and path.stat().st_size:
            path.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match=r"The checkpoint of epoch 4 in .* cannot be read"):
        train(epochs=5, checkpoints=kept)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (dict(batch=25), "Got batch = 25, expected a whole number from 1 to the 24 examples"),
        (dict(epochs=0), "Got epochs = 0, expected a positive whole number"),
        (dict(metrics=ACCURACY), "Got metrics without validation"),
        (dict(batch=True), "Got batch = True"),
        (dict(optimiser="adam"), r"Got an optimiser of type str, expected one such as optax.adam\(1e-3\)"),
        (dict(loss=lambda x: x), "Got a loss of type function, expected one such as CrossEntropy"),
        (dict(validation=3), r"Got a validation that is no pair, expected \(inputs, targets\)"),
        (dict(patience=0), "Got patience = 0, expected a positive"),
        (dict(targets=["a"] * 24), "Got targets that are text"),
        (dict(inputs=X.swapaxes(0, 1)), r"Got 8 examples of 24 steps, .*; are time and examples swapped\?"),
    ],
)
def test_errors(changes, says):
    with pytest.raises(ValueError, match=says):
        train(**changes)


def test_what_is_no_drive_or_network_is_one_sentence():
    """At all entry points; a list of labels and a seed are fine."""
    calls = {
        "fit": lambda net, x: snn.fit(net, EST, LOSS, x, LABELS, optimiser=ADAM, epochs=1, batch=4, key=0),
        "value_and_grad": lambda net, x: EST.value_and_grad(LOSS, net, x, LABELS, key=0),
        "evaluate": lambda net, x: snn.evaluate({"loss": LOSS}, net, x, LABELS, key=0),
    }
    for call in calls.values():
        with pytest.raises(ValueError, match=r"Got inputs of type Arr.*, expected a drive with an axis of examples"):
            call(layers(), X)
        with pytest.raises(ValueError, match="Got a network of type dict"):
            call({}, snn.Replay(X, into="in"))
    with pytest.raises(ValueError, match=r"Got an estimator <class .*BPTT.*expected one such as BPTT"):
        snn.fit(layers(), snn.BPTT, LOSS, X, LABELS, optimiser=ADAM, epochs=1, batch=4, key=0)
    with pytest.raises(ValueError, match="Got scores of type CrossEntropy"):
        snn.evaluate(LOSS, layers(), snn.Replay(X, into="in"), LABELS, key=0)
    drive, labels = snn.Replay(X[:5], into="in"), [int(y) for y in LABELS[:5]]
    assert (
        EST.value_and_grad(LOSS, layers(), drive, labels, key=0)[0]
        == EST.value_and_grad(LOSS, layers(), drive, np.asarray(LABELS[:5]), key=jax.random.key(0))[0]
    )


def test_patience_is_not_for_a_program():
    with pytest.raises(ValueError, match="Got patience or checkpoints inside jit"):
        jax.eval_shape(lambda key: train(layers(key), patience=1).status, jax.random.key(0))


def test_an_epoch_on_cores_is_the_same_epoch(monkeypatch):
    """A call a step, each batch in parts: the same training but for the order of sums, and it stops where it should."""
    validation = (snn.Replay(X, into="in"), LABELS)
    settings = dict(batch=4, epochs=2, validation=validation, metrics=ACCURACY)
    whole = train(**settings)
    monkeypatch.setattr("jaxsnn.gradients.training.plan_microbatches", lambda *args: Microbatches(2, 2))
    divided = train(**settings)
    np.testing.assert_allclose(weights(divided.net), weights(whole.net), atol=1e-5)
    assert divided.history.keys() == whole.history.keys()
    for name, scores in divided.history.items():
        np.testing.assert_allclose(scores, whole.history[name], rtol=1e-5)
    with pytest.raises(snn.gradients.TrainingError, match=r"epoch 0, step 1: .* Lower the learning rate"):
        train(batch=4, optimiser=Descent(1e38))
