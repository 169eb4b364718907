"""Targets a loss has no meaning for: one sentence where values are known; elsewhere NaN and a bit of the status."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.gradients.test_fit import EST, LABELS, LOSS, X, layers, train
from tests.refused import refused

KEY = jax.random.key(0)
NET = layers()
DRIVE = snn.Replay(X, into="in")
UNIFORM = jnp.full((24, 2), 0.5)
TRAINS = jnp.zeros((24, 8, 6))
WRONG = {
    "a class too many": (
        LOSS,
        LABELS.at[5].set(2),
        ("target 2 of example 5", "labels from 0 to 1: there are 2 classes"),
    ),
    "a negative class": (LOSS, LABELS.at[3].set(-1), ("target -1 of example 3",)),
    "a negative probability": (
        LOSS,
        UNIFORM.at[2].set(jnp.array([1.5, -0.5])),
        ("target [ 1.5 -0.5] of example 2", "probabilities of 2 classes: none negative, their sum 1"),
    ),
    "no probabilities": (LOSS, 2.0 * UNIFORM, ("of example 0", "their sum 1")),
    "NaN": (LOSS, UNIFORM.at[7, 0].set(jnp.nan), ("of example 7",)),
    "in a sum": (
        1.0 * LOSS + snn.losses.UpperRate("hid"),
        LABELS.at[0].set(9),
        ("CrossEntropy", "target 9 of example 0"),
    ),
    "accuracy": (snn.Accuracy(snn.Mean("out.v")), LABELS.at[1].set(7), ("Accuracy", "target 7 of example 1")),
    "every step": (
        snn.losses.StepCrossEntropy("out.v"),
        LABELS.at[1].set(7),
        ("StepCrossEntropy", "labels from 0 to 1"),
    ),
    "infinite": (snn.MeanSquaredError(snn.Mean("out.v")), UNIFORM.at[4, 1].set(jnp.inf), ("example 4", "finite")),
    "trace": (
        snn.losses.TraceError("hid.v"),
        TRAINS.at[6, 2, 1].set(jnp.nan),
        ("TraceError", "nan of example 6", "finite"),
    ),
    "trains": (snn.VanRossum("hid"), TRAINS.at[6, 2, 1].set(-1.0), ("VanRossum", "-1. of example 6", "none negative")),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_has_no_meaning_is_named(name):
    """By `evaluate`; the demands of a loss are the same for whoever asks."""
    loss, targets, parts = WRONG[name]
    with refused(*parts):
        snn.evaluate({"it": loss}, NET, DRIVE, targets, key=KEY)


def with_readout(weight):
    """The network with weights that `snn.set` would refuse."""
    return eqx.tree_at(lambda n: n.projections["ho"].weight, NET, weight)


@eqx.filter_jit
def program(net, labels):
    return EST.value_grad_status(LOSS, net, DRIVE, labels, key=KEY)


def test_what_is_not_finite_is_reported_outside_of_fit_too():
    """An exception where values are known, a bit in a program; whatever the run's own status says. Control: below."""
    steep = with_readout(NET["ho"].weight.at[0, 0].set(jnp.inf))
    with pytest.raises(snn.SimulationError, match="GRADIENT_NOT_FINITE: a loss or its gradient is NaN or infinite"):
        EST.value_and_grad(LOSS, steep, DRIVE, LABELS, key=KEY)
    *_, status = program(with_readout(jnp.full_like(NET["ho"].weight, jnp.nan)), LABELS)
    assert int(status) & snn.Status.GRADIENT_NOT_FINITE


def test_every_entry_point():
    """`value_and_grad`; `fit` before anything runs, with its validation; in a program NaN and a bit of the status."""
    wrong = LABELS.at[5].set(2)
    with refused("CrossEntropy got the target 2 of example 5"):
        EST.value_and_grad(LOSS, NET, DRIVE, wrong, key=KEY)
    with refused("CrossEntropy got the target 2 of example 5"):
        train(targets=wrong)
    with refused("CrossEntropy got the validation target 2 of example 5"):
        train(validation=(DRIVE, wrong))

    value, gradient, status = program(NET, wrong)
    assert np.isnan(value) and all(np.all(np.isnan(g)) for g in jax.tree.leaves(gradient))
    assert int(status) == snn.Status.TARGET_RANGE | snn.Status.GRADIENT_NOT_FINITE
    value, gradient, status = program(NET, LABELS)  # control
    assert np.isfinite(value) and all(np.any(g != 0) for g in jax.tree.leaves(gradient)) and status == 0


def test_a_part_of_probabilities_is_no_more_than_all():
    with refused("CrossEntropy.smoothing is 1.5", "at most 1"):
        snn.CrossEntropy(snn.Mean("out.v"), smoothing=1.5)
    with refused("StepCrossEntropy.start is 8.0 ms", "from 0 to less than 8 ms"):
        snn.evaluate({"it": snn.losses.StepCrossEntropy("out.v", start=8.0)}, NET, DRIVE, LABELS, key=KEY)
