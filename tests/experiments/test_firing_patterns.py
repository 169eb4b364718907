"""Published firing patterns, spike for spike: Izhikevich (2004) and Naud et al. (2008), in float64."""

import jax
import numpy as np
import pytest

import jaxsnn as snn
from experiments import adex_patterns, twenty_patterns

pytestmark = pytest.mark.usefixtures("x64")


def swept(module, **at):
    space = {name: axis.at(at.get(name, axis.default)) for name, axis in module.SPACE.items()}
    return snn.sweep(module.experiment, snn.product(space), key=jax.random.key(0), progress=snn.progress.Quiet())


def test_all_twenty_patterns(tmp_path):
    """Counts, first and last times, all of them; Euler with the old `v` in `u` gives others."""
    ds, euler = swept(twenty_patterns), swept(twenty_patterns, scheme="euler")

    def found(ds, name):
        t = twenty_patterns.times(ds, name)
        return (len(t), *(pytest.approx(x, abs=1e-9) for x in (t[0], t[-1]))) if len(t) else (0,)

    for name, expected in twenty_patterns.PUBLISHED.items():
        assert expected == found(ds, name), name
    assert sum(expected != found(euler, name) for name, expected in twenty_patterns.PUBLISHED.items()) > 10
    assert "T inhibition-induced bursting" in twenty_patterns.summary(ds)
    twenty_patterns.plot(ds, tmp_path / "patterns.png")
    assert (tmp_path / "patterns.png").stat().st_size > 50_000


def test_adex_patterns(tmp_path):
    """Counts and first times at 0.1 ms, counts at 0.01 ms; RK4 is not Euler."""
    coarse, fine, other = (swept(adex_patterns, **at) for at in ({}, {"dt": 0.01}, {"integrator": "rk4"}))
    differ = 0
    for name, (count, finer, first) in adex_patterns.REFERENCE.items():
        t = adex_patterns.times(coarse)[name]
        assert len(t) == count, name
        np.testing.assert_allclose(t[: len(first)], first, atol=1e-9)
        assert len(adex_patterns.times(fine)[name]) == finer, name
        differ += not np.array_equal(adex_patterns.times(other)[name], t)
    assert differ >= 7
    assert "regular bursting" in adex_patterns.summary(coarse)
    adex_patterns.plot(coarse, tmp_path / "adex.png")
    assert (tmp_path / "adex.png").stat().st_size > 50_000
