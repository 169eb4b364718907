"""Presets of Brian2 against Brian2 2.9: the cells of its examples under given spikes, every spike and the membrane.

The file was made by `tests/oracles/presets_brian2.py`.
"""

import functools
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.presets import brian2

KEY, DT, STEPS, N = jax.random.key(0), 0.1, 2000, 3
GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "presets_brian2.npz")
WEIGHTS = {"CUBA": (5.0, -9.0), "COBA": (0.6, 6.7), "COBAHH": (6.0, 67.0)}
pytestmark = pytest.mark.usefixtures("x64")


@functools.cache
def results():
    """Of all cells, in one network. A cell behind a `'` has another period of refractoriness."""
    cells = {name: getattr(brian2, name)(N) for name in WEIGHTS}
    cells |= {f"{name}'": getattr(brian2, name)(N, refractory=10.0) for name in ("COBA", "COBAHH")}
    drive = snn.drives.Silence()
    for name in cells:
        for k, port in enumerate(("ge", "gi")):
            some = GOLDEN["port"] == k
            weight = WEIGHTS[name.removesuffix("'")][k]
            into = dict(into=f"{name}.{port}", weight=weight, dt=DT)
            drive += brian2.SpikeGeneratorGroup(N, GOLDEN["neuron"][some], GOLDEN["times"][some], **into)
    net = snn.network(dt=DT, key=KEY, populations=cells, order=snn.BrianOrder())
    record = {name: (snn.Raster(name), snn.Trace(f"{name}.v")) for name in cells}
    out = snn.simulate(net, drive, steps=STEPS, key=KEY, record=record, progress=snn.progress.Quiet()).record
    return {
        name: (sorted(zip(*(x.tolist() for x in raster.events()))), np.asarray(v)) for name, (raster, v) in out.items()
    }


def expected(name):
    return sorted(zip(GOLDEN[f"{name}.step"].tolist(), GOLDEN[f"{name}.neuron"].tolist()))


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_spike_and_the_membrane(name):
    spikes, v = results()[name]
    assert len(spikes) > 20 and spikes == expected(name)
    np.testing.assert_allclose(v[: len(GOLDEN[f"{name}.v"])], GOLDEN[f"{name}.v"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["COBA", "COBAHH"])
def test_another_period_is_seen(name):
    """Negative control."""
    assert results()[f"{name}'"][0] != expected(name)


def test_refractoriness():
    """Brian2's period is counted from the step of the spike, so that a `t_ref` here is a step shorter."""
    np.testing.assert_allclose(brian2.t_ref(5.0, DT), 4.9, rtol=1e-12)
    np.testing.assert_allclose(brian2.t_ref(0.0, DT), 0.0)
    np.testing.assert_allclose(brian2.t_ref(0.25, DT), 0.1, rtol=1e-12)  # off the grid: rounded down


def test_sources():
    total = brian2.PoissonInput("E.ge", N=100, rate=20.0, weight=0.5)
    assert (float(total.rate), float(total.weight), total.into) == (2000.0, 0.5, ("E.ge",))
    assert float(brian2.PoissonGroup(3, 20.0, into="E.ge").rate) == 20.0
    with pytest.raises(ValueError, match="shape"):
        brian2.PoissonGroup(3, [20.0, 30.0], into="E.ge")
    with pytest.raises(ValueError, match="indices from 0 to 3, expected 0 to 2"):
        brian2.SpikeGeneratorGroup(3, [0, 3], [1.0, 2.0], into="E.ge")
