"""Song's network against Brian2: spike for spike where the inputs are given, and in its statistics where they are not.

The golden files were made by `tests/oracles/brian2_song2000.py`: Brian2's example `STDP.py`, and 2 s of it with
exponential Euler steps, which is what `Conductance` is.
"""

import json
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest

import jaxsnn as snn
from experiments import song2000

GOLDEN = Path(__file__).parents[1] / "golden" / "song2000"
KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def brian2():
    with np.load(GOLDEN / "spikes.npz") as file:
        return {name: file[name] for name in file.files if name != "params"}


def replayed(brian2, *, change=lambda net: net, **options):
    """The same inputs and weights: the steps of the output spikes, and the weights at the end.

    In Brian2's order a source sends in the step after the one in which it was fed: all is one step later here.
    """
    steps = 20_001
    drive = snn.Replay.events(
        brian2["in_step"].astype(int), brian2["in_neuron"].astype(int), steps=steps, n=1000, into="in"
    )
    net = change(song2000.neuron_and_inputs(weight=brian2["w0"][:, None], key=KEY, **options))
    record = {"out": snn.Raster("out"), "w": snn.Last("learnt.weight")}
    run = snn.simulate(net, drive, steps=steps, key=KEY, record=record, progress=snn.progress.Quiet())
    return run["out"].events()[0] - 1, np.asarray(run["w"])[:, 0]


def mismatches(step, brian2):
    return len({*step.tolist()} ^ {*brian2["step"].tolist()})


def test_every_spike_and_weight_is_brian2s(x64, brian2):
    step, w = replayed(brian2)
    assert len(step) == 90
    assert mismatches(step, brian2) == 0
    assert np.abs(w - brian2["w"]).max() < 1e-12 * song2000.G_MAX
    assert np.abs(w - brian2["w0"]).max() > 0.1 * song2000.G_MAX  # there was something to learn
    assert np.sum((w == 0.0) | (w == song2000.G_MAX)) == 4  # and bounds to meet
    # controls: depression a twentieth stronger; coincident spikes that do not pair
    assert mismatches(replayed(brian2, ratio=1.1)[0], brian2) > 50
    assert mismatches(replayed(brian2, change=apart)[0], brian2) > 50


def apart(net):
    rule = snn.chain(net["learnt"].plastic.rule, coincident_pairs=snn.plasticity.CoincidentIgnored())
    return eqx.tree_at(lambda net: net.projections["learnt"].plastic.rule, net, rule)


def swept(axes, *, grid=snn.product, batch=None):
    """The experiment over these axes, everything else at its default."""
    space = {name: x.at(x.points[0] if isinstance(x, snn.Seeds) else x.default) for name, x in song2000.SPACE.items()}
    return snn.sweep(song2000.experiment, grid(space | axes), key=KEY, batch=batch, progress=snn.progress.Quiet())


def test_weights_become_bimodal_and_the_rate_settles_as_in_brian2(tmp_path):
    ds, brian2 = swept({}), json.loads((GOLDEN / "statistics.json").read_text())
    for name in ("low", "high"):
        assert float(ds[name]) == pytest.approx(brian2[name]["mean"], abs=0.05)
    assert float(ds["mean"]) == pytest.approx(brian2["mean"]["mean"], abs=0.02)
    assert float(ds["rate_hz"]) == pytest.approx(brian2["rate_hz"]["mean"], rel=0.10)
    assert float(ds["cv"]) == pytest.approx(brian2["cv"]["mean"], abs=3 * brian2["cv"]["sd"])
    # control: the gate rejects the weights of the beginning, and the rate of the first 5 s
    begin = ds.histogram.values[0]
    assert begin[:2].sum() < brian2["low"]["mean"] - 0.05 and begin[-2:].sum() < brian2["high"]["mean"] - 0.05
    assert ds.rate_over_time_hz.values[:5].mean() > 1.1 * brian2["rate_hz"]["mean"]
    assert "Brian2, 8 copies" in song2000.summary(ds)
    song2000.plot(ds, tmp_path / "song.png")
    assert (tmp_path / "song.png").stat().st_size > 10_000


def test_each_of_64_networks_is_the_same_alone():
    """A sweep over both amplitudes in one program gives every network the numbers of its own run, bit for bit."""
    short = {"seconds": snn.Static(1)}
    ds = swept({x: song2000.SPACE[x] for x in ("a_plus", "ratio")} | short)
    assert ds.sizes["a_plus"] * ds.sizes["ratio"] == 64
    assert len(np.unique(ds.weight.values.reshape(64, -1), axis=0)) == 64  # no two are alike
    chosen = tuple(np.ndindex(8, 8))
    axes = {x: snn.Axis(0.0, values=[float(ds[x][k]) for k in at]) for x, at in zip(("a_plus", "ratio"), zip(*chosen))}
    alone = swept(axes | short, grid=snn.zipped, batch=1)  # a call each
    for k, (i, j) in enumerate(chosen):
        for name in ds.data_vars:
            assert np.array_equal(alone[name].values[k], ds[name].values[i, j]), name
