"""Inhibitory plasticity: the rule alone stands still at its target rate, and the network begins as Brian2's does."""

import jax
import numpy as np
import pytest

import jaxsnn as snn
from experiments import vogels2011

KEY = jax.random.key(2011)


def test_the_rule_stands_still_at_its_target_rate():
    """Independent trains: `dw/dt = 2 eta tau r_pre (r_post - rate)`, 0 where `r_post = alpha / (2 tau)` = 3 Hz."""
    eta, tau, r_pre, seconds, copies = 0.01, 20.0, 50.0, 20, 100
    r_post = np.repeat([2.0, 3.0, 4.0], copies)
    ports = {"in": snn.Delta(), "inh": snn.Exponential(10.0)}  # a relay passes on what jumps, and hears no current
    net = snn.network(
        dt=1.0,
        key=KEY,
        order=snn.BrianOrder(),
        populations={"I": snn.SpikeSource(100), "E": snn.Population(snn.Parrot(), len(r_post), ports=ports)},
        projections={
            "IE": snn.Connection(
                "I",
                "E.inh",
                snn.AllToAll(),
                via=snn.Dense(),
                weight=0.0,
                delay=0.0,
                rule=snn.chain(snn.VogelsSprekeler(eta=eta, rate=3.0, tau=tau)),
            )
        },
    )
    drive = snn.Poisson(r_pre, into="I") + snn.Poisson(r_post, into="E.in")
    run = snn.simulate(
        net, drive, t=1e3 * seconds, key=KEY, record=snn.Last("IE.weight"), progress=snn.progress.Quiet()
    )
    drift = np.asarray(run.record).mean(axis=0).reshape(3, copies) / seconds  # a number of every post neuron
    mean, error = drift.mean(axis=1), drift.std(axis=1, ddof=1) / copies**0.5
    expected = 2e-3 * eta * tau * r_pre * (np.array([2.0, 3.0, 4.0]) - 3.0)
    assert np.all(np.abs(mean - expected) < 4.0 * error)
    assert mean[0] < -10.0 * error[0] and mean[2] > 10.0 * error[2]  # a rate 1 Hz off is seen


def test_a_small_network_goes_the_way_of_brian2s(tmp_path):
    """A tenth of the neurons with as many synapses each: the rates of the second before learning and of the next."""
    space = {name: x.at(x.points[0] if isinstance(x, snn.Seeds) else x.default) for name, x in vogels2011.SPACE.items()}
    space |= {"n": snn.Static(1000), "learning": snn.Static(1.0)}
    ds = snn.sweep(vogels2011.experiment, snn.product(space), key=KEY, progress=snn.progress.Quiet())
    for name, peer in vogels2011.brian2().items():
        second = ds[name].values.reshape(3, 1000).mean(axis=1)
        assert second[:2] == pytest.approx(peer.mean(axis=0)[:2], rel=0.1)
        assert second[1] < 0.5 * second[0]  # what the first gate would not take without learning
    assert float(ds.cv_before) < 0.1 < 0.5 < float(ds.cv_after)
    vogels2011.plot(ds, tmp_path / "vogels.png")
    assert (tmp_path / "vogels.png").stat().st_size > 10_000
