"""Digits in small: it learns, the folds are what they should be, and the summary ends with the accuracy."""

import re
from pathlib import Path

import jax
import numpy as np

import jaxsnn as snn
from jaxsnn.cli import load

digits = load(Path(__file__).parents[2] / "experiments" / "digits.py")


def test_folds():
    """Every example is tested once, and none is in its own training set."""
    x, y, train, test = digits.digits()
    assert x.shape == (1797, 64) and x.min() == 0 and x.max() == 1 and {*y} == {*range(10)}
    tested = test[test >= 0]
    np.testing.assert_array_equal(np.sort(tested), np.arange(1797))
    for inside, outside in zip(train, test):
        assert not {*inside} & {*outside} and len({*inside}) == 1437


def test_it_learns():
    """Two points of one program, three epochs, a small network: far above chance, and so is the perceptron."""
    space = digits.SPACE | {"hidden": snn.Static(32), "epochs": snn.Static(3), "steps": snn.Static(6)}
    space |= {"lr": snn.Axis(8e-3), "fold": snn.Axis(0.0, values=(0, 3)), "seed": snn.Seeds(1)}
    ds = snn.sweep(digits.experiment, snn.product(space), key=jax.random.key(0), progress=snn.progress.Quiet())
    assert ds.accuracy.shape == (2,)
    assert np.all(ds.accuracy > 0.85) and np.all(ds.control > 0.85)
    assert np.all(ds.loss[:, -1] < 0.5 * ds.loss[:, 0])
    assert list(ds.parameters[0]) == [64 * 32 + 32 + 320 + 10] * 2
    np.testing.assert_allclose(ds.sparsity, 1 - ds.spikes / (32 * 6), rtol=1e-5)
    last = digits.summary(ds).splitlines()[-1]
    assert re.fullmatch(r"accuracy: \d\d\.\d\d %", last)
