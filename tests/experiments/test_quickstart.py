"""The first network newcomers run: silent when left alone, active when driven, and it says so and draws it."""

import jax
import pytest

import jaxsnn as snn
from experiments import quickstart


@pytest.fixture(scope="module")
def result():
    space = {"rate": quickstart.SPACE["rate"].at(1000.0)}
    return snn.sweep(quickstart.experiment, snn.product(space), key=jax.random.key(0), progress=snn.progress.Quiet())


def test_it_fires_only_when_driven(result):
    assert not result.spikes_alone.any()
    assert (result.spikes_driven.sum("spikes_driven_dim0") > 5).all()  # every neuron, in 500 ms
    assert float(result.v_alone.max()) < -50.0


def test_it_says_so_and_draws_it(result, tmp_path):
    assert "without drive: 0 spikes" in quickstart.summary(result)
    quickstart.plot(result, tmp_path / "quickstart.png")
    assert (tmp_path / "quickstart.png").stat().st_size > 10_000
