"""Brunel's network at N = 2 500 against NEST: rate, irregularity and rhythm of the four regimes, over seeds.

The golden file was made by `tests/oracles/nest_brunel.py` with the same network, window and definitions.
"""

import json
import math
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxsnn as snn
from experiments import brunel
from jaxsnn.analysis.mean_field import brunel_rate

NEST = json.loads((Path(__file__).parents[1] / "golden" / "nest_brunel.json").read_text())
REGIMES = {name.partition(" (")[0].replace(" ", "_"): at for name, at in brunel.REGIMES.items()}
SEEDS = 8


@pytest.fixture(scope="module")
def measured():
    """Every regime over seeds, and the asynchronous one with a drive that is 3 % too strong, in one program."""
    points = {**REGIMES, "control": (REGIMES["AI"][0], REGIMES["AI"][1] * 1.03)}
    g, eta = np.repeat(list(points.values()), SEEDS, axis=0).T
    space = {
        **brunel.SPACE,
        "g": snn.Axis(0.0, values=tuple(g)),
        "eta": snn.Axis(0.0, values=tuple(eta)),
        "seed": snn.Seeds(values=tuple(range(SEEDS)) * len(points)),
        "warm_up": snn.Static(NEST["warm_up_ms"]),
        "window": snn.Static(NEST["window_ms"]),
    }
    ds = snn.sweep(brunel.experiment, snn.zipped(space), key=jax.random.key(2000), progress=snn.progress.Quiet())
    split = {name: ds.isel(point=slice(i * SEEDS, (i + 1) * SEEDS)) for i, name in enumerate(points)}
    return {name: {v: d[v].values for v in ("rate_hz", "cv", "peak_hz")} for name, d in split.items()}


def errors_apart(ours: np.ndarray, nest: dict) -> float:
    """How many standard errors the two means are apart."""
    sd = math.hypot(np.std(ours, ddof=1) / math.sqrt(len(ours)), nest["sd"] / math.sqrt(len(NEST["seeds"])))
    return abs(np.mean(ours) - nest["mean"]) / max(sd, 1e-12)


@pytest.mark.parametrize("regime", REGIMES)
def test_rate_is_nests(measured, regime):
    ours, nest = measured[regime]["rate_hz"], NEST["regimes"][regime]["rate_hz"]
    assert errors_apart(ours, nest) < 3.0
    if regime in ("AI", "SI_fast"):
        assert np.mean(ours) == pytest.approx(nest["mean"], rel=0.05)


@pytest.mark.parametrize("regime", ["SI_fast", "AI", "SI_slow"])
def test_irregularity_is_nests(measured, regime):
    assert errors_apart(measured[regime]["cv"], NEST["regimes"][regime]["isi_cv"]) < 3.0


@pytest.mark.parametrize("regime", ["SI_fast", "SI_slow"])
def test_oscillation_is_nests(measured, regime):
    assert errors_apart(measured[regime]["peak_hz"], NEST["regimes"][regime]["peak_hz"]) < 3.0


def test_synchronous_regular_is_a_clock(measured):
    """Intervals do not vary, and the population fires in two groups: twice the rate, in both simulators."""
    assert np.mean(measured["SR"]["cv"]) < 0.01
    assert np.mean(measured["SR"]["peak_hz"]) == pytest.approx(NEST["regimes"]["SR"]["peak_hz"]["mean"], rel=0.01)


def test_asynchronous_rate_is_the_theory(measured):
    assert np.mean(measured["AI"]["rate_hz"]) == pytest.approx(float(brunel_rate(*REGIMES["AI"])), rel=0.05)


def test_the_gate_rejects_a_drive_three_percent_too_strong(measured):
    assert errors_apart(measured["control"]["rate_hz"], NEST["regimes"]["AI"]["rate_hz"]) > 3.0
