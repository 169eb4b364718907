"""Chips that differ, in small: how many spikes two programs share, and what the summary says of many chips."""

from pathlib import Path

import jax
import numpy as np
import xarray

import jaxsnn as snn
from jaxsnn.chips import brainscales
from jaxsnn.cli import load

mismatch = load(Path(__file__).parents[2] / "experiments" / "mismatch.py")


def test_programs_agree_with_themselves_and_less_with_a_chip():
    net = mismatch.classifier(6, jax.random.key(0))
    program = snn.lower(net, brainscales.BrainScaleS2()).program
    x = snn.Replay((np.random.default_rng(0).random((60, 64)) < 0.05).astype(np.float32), into="in")
    chip = brainscales.on_chip(program, 3)
    same, other = (
        float(mismatch.agreement(program, each, x, 60, jax.random.key(1)))
        for each in (brainscales.on_chip(program, 3, brainscales.Spread(*[0.0] * 9)), chip)
    )
    assert same == 1.0 and 0.0 < other < 0.95


def test_the_summary_names_the_worst_chip():
    values = np.full((3, 5), 0.9)
    values[1, 1] = 0.5
    ds = xarray.Dataset(
        {"accuracy": (("chip", "kind"), values), "agreement": (("chip", "two"), np.full((3, 2), 0.25))},
    )
    ds["reading_error"] = (("chip", "two"), np.asarray([[4.0, 1.0]] * 3))
    text = mismatch.summary(ds)
    assert "76.67 %, 18.86,  50.00" in text and "25.0 %" in text and "4.00 LSB rms, calibrated 1.00" in text
