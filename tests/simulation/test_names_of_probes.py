"""Names in the place of probes: the same records as the probes that they stand for, under their names."""

import jax
import numpy as np
import pytest

import jaxsnn as snn

NET = snn.network(
    dt=0.5,
    key=0,
    populations={
        "E": snn.Population(snn.LIF(bias=30.0), 8, ports={"exc": snn.Exponential()}),
        "I": snn.Population(snn.LIF(bias=25.0), 2),
        "in": snn.SpikeSource(3),
    },
    projections={"EI": snn.Connection("E", "I", topology=snn.AllToAll(), weight=0.1, delay=1.0)},
)
NAMED = ["spikes", "rates", "v", "E[1:3]", "E[0:2].v"]
PROBES = {
    "spikes": {name: snn.Raster(name) for name in ("E", "I", "in")},
    "rates": {name: snn.PopulationRate(name, bin=1.0) for name in ("E", "I", "in")},
    "v": {name: snn.Trace(f"{name}.v") for name in ("E", "I", "in")},
    "E[1:3]": snn.Raster("E", index=slice(1, 3)),
    "E[0:2].v": snn.Trace("E.v", index=[0, 1]),
}


def run(record):
    return snn.simulate(NET, t=60.0, key=0, record=record, progress=snn.progress.Quiet())


@pytest.fixture(scope="module")
def both():
    return run(NAMED), run(PROBES)


def test_names_are_the_probes_that_they_stand_for(both):
    named, probes = both
    assert [*named.record] == [*probes.record]
    for name in NAMED:
        parts = [(name, each) for each in PROBES[name]] if isinstance(PROBES[name], dict) else [(name,)]
        for path in parts:
            a, b = named[name], probes[name]
            a, b = (a[path[1]], b[path[1]]) if len(path) > 1 else (a, b)
            assert np.array_equal(np.asarray(a), np.asarray(b))
            assert named.units(*path) == probes.units(*path)
            if not isinstance(a, snn.probes.PackedRaster):
                assert np.array_equal(named.times(*path), probes.times(*path))
    assert len(named["spikes"].times("E")) > 5
    units = [named.units(*path) for path in (("spikes", "E"), ("rates", "I"), ("v", "E"), ("v", "in"), ("E[0:2].v",))]
    assert units == ["ms", "Hz", "mV", "", "mV"]


def test_one_name_a_key_and_a_batch(both):
    named, _ = both
    one = run({"mine": "E[0:2].v", "all": {"of": "spikes"}})
    assert np.array_equal(one["all"]["of"]["E"].words, named["spikes"]["E"].words)
    assert np.array_equal(one["mine"], named["E[0:2].v"])
    keys = jax.random.split(jax.random.key(0), 2)
    some = lambda key: snn.simulate(NET, t=60.0, key=key, record="spikes", throw=False).record
    batch = jax.eval_shape(jax.vmap(some), keys)
    assert batch["spikes"]["E"].words.shape == (2, 120, 1)
    assert "PackedRaster" in repr(named["spikes"]) and len(repr(named["rates"])) < 300


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("spike", r"Got record 'spike', expected one of 'spikes', 'rates', 'v', a population \(E, I, in\)"),
        ("spikes[3]", "Got record 'spikes"),
        ("E[0:30]", "reaches beyond the 8 neurons"),
        ("E.w", "has no 'w'"),
        (["spikes", 3], "expected a pytree of probes"),
    ],
)
def test_refused_by_name(record, why):
    with pytest.raises(ValueError, match=why):
        run(record)
