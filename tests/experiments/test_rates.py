"""CUBA and COBA at 4 000 neurons against the rates that NEST and Brian2 give for the same networks, over seeds.

The golden files were made by `tests/oracles/*_cuba_coba.py` with the same networks, window and definitions. Our COBA is
exponential Euler, as Brian2's is; NEST's is another integrator (RKF45), so there only 5 % are asked for.
"""

import math

import jax
import numpy as np
import pytest
from vogels_abbott import MEASURED, reference

import jaxsnn as snn
from experiments import coba, cuba

SEEDS, CONTROLS = 8, 3  # of what is compared, and of what has to be rejected
STRICT = [(cuba, "b2_cuba"), (cuba, "b2_cuba_in_nest"), (coba, "brian_coba")]
CLOSE = [(coba, "va_coba_in_nest")]
names = lambda cases: [variant for _, variant in cases]


def measured(module, variant):
    """Rates and CV over seeds, as they should be and with a fifth more inhibition, in one program."""
    space = {**module.SPACE, "variant": snn.Static(variant), "inhibition": snn.Axis(1.0, values=(1.0, 1.2))}
    table = {"inhibition": [1.0] * SEEDS + [1.2] * CONTROLS, "seed": [*range(SEEDS), *range(CONTROLS)]}
    points = snn.sweeps.from_table(space | {"seed": snn.Seeds(SEEDS)}, table)
    ds = snn.sweep(module.experiment, points, key=jax.random.key(2007), progress=snn.progress.Quiet())
    assert ds.alive.all()
    right, wrong = ({x: ds[x].values[ds.inhibition.values == factor] for x in MEASURED} for factor in (1.0, 1.2))
    return right, wrong


def errors_apart(ours, peer):
    """How many standard errors the two means are apart."""
    sd = math.hypot(np.std(ours, ddof=1) / math.sqrt(len(ours)), peer["sd"] / math.sqrt(len(peer["per_seed"])))
    return abs(np.mean(ours) - peer["mean"]) / sd


@pytest.mark.parametrize(("module", "variant"), STRICT, ids=names(STRICT))
def test_rates_and_irregularity_are_the_peers(module, variant):
    right, wrong = measured(module, variant)
    peer = reference(module.VARIANTS[variant])
    for x in MEASURED:
        assert errors_apart(right[x], peer[x]) < 3.0, x
        assert np.mean(right[x]) == pytest.approx(peer[x]["mean"], rel=0.05), x
    # the gate rejects a fifth more inhibition, and currents that are deaf while refractory
    assert errors_apart(wrong["rate_i_hz"], peer["rate_i_hz"]) > 3.0
    if variant == "b2_cuba":
        assert errors_apart(right["rate_i_hz"], reference(cuba.VARIANTS["b2_cuba_deaf"])["rate_i_hz"]) > 3.0


@pytest.mark.parametrize(("module", "variant"), CLOSE, ids=names(CLOSE))
def test_rates_are_close_to_another_integrators(module, variant):
    right, wrong = measured(module, variant)
    peer = reference(module.VARIANTS[variant])
    for x in ("rate_e_hz", "rate_i_hz"):
        assert np.mean(right[x]) == pytest.approx(peer[x]["mean"], rel=0.05), x
    assert np.mean(wrong["rate_i_hz"]) != pytest.approx(peer["rate_i_hz"]["mean"], rel=0.05)
