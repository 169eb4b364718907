"""A network is prepared once for all of its runs, and what was prepared goes with it."""

import dataclasses
import gc

import equinox as eqx
import jax
import numpy as np

import jaxsnn as snn
from jaxsnn.connectivity import merge
from jaxsnn.simulation import prepared
from tests.simulation.toys import KEY, assert_same


def network(weight=0.4):
    """Two lists of synapses of one sender, which are put together before a run."""
    cell = snn.Population(snn.LIF(v_th=1.0, bias=1.5), 12, ports={"in": snn.Delta()}, init={"v": snn.Uniform(0.0, 1.0)})
    link = lambda post: snn.Connection("E", post, snn.FixedInDegree(5), weight=weight, delay=0.5)
    links = {"EE": link("E"), "EI": link("I")}
    return snn.network(dt=0.1, key=KEY, populations={"E": cell, "I": cell}, projections=links)


def spikes(net):
    run = snn.simulate(net, steps=200, key=KEY, record={name: snn.Count(name) for name in "EI"})
    return jax.tree.map(np.asarray, run.record)


def test_a_network_is_prepared_once(monkeypatch):
    made, whole = [], prepared._derived
    monkeypatch.setattr(prepared, "_derived", lambda model: made.append(model.order) or whole(model))
    kept, net = dict(prepared._kept), network()
    first = spikes(net)
    assert_same(first, spikes(net))
    assert len(made) == 1
    louder = snn.set(net, "EE.weight", 3.0)  # a weight of its own
    assert np.any(spikes(louder)["E"] != first["E"]) and len(made) == 2
    other = dataclasses.replace(net, order=snn.BrianOrder())  # the same arrays
    spikes(other), spikes(net)
    assert [type(order) for order in made] == [snn.NestOrder, snn.NestOrder, snn.BrianOrder]
    own = eqx.tree_at(lambda net: net.projections["EE"].weight, net, np.full((), 0.4, np.float32))
    assert_same([spikes(own), spikes(own)], [first, first])
    assert len(made) == 5  # an array of NumPy may have changed
    made.clear()
    del net, louder, other, own
    gc.collect()
    assert prepared._kept.keys() <= kept.keys()


def test_many_long_lists_are_one_in_a_run(monkeypatch):
    """Lists that are too long to be merged in a program are by NumPy: the same rows, and the same spikes."""
    cell = snn.Population(snn.LIF(v_th=1.0, bias=1.5), 40, ports={"in": snn.Delta()}, init={"v": snn.Uniform(0.0, 1.0)})
    names = "ABC"

    def link(pre, post, i):
        delay = snn.Uniform(0.2, 2.0) if i % 2 else 0.3
        weight = snn.Uniform(0.0, 0.3) if i % 3 else 0.1
        return snn.Connection(pre, post, snn.FixedProb(0.2), weight=weight, delay=delay)

    links = {pre + post: link(pre, post, 3 * i + k) for i, pre in enumerate(names) for k, post in enumerate(names)}
    net = snn.network(dt=0.1, key=KEY, populations=dict.fromkeys(names, cell), projections=links)
    run = lambda: snn.simulate(net, steps=300, key=KEY, record={name: snn.Raster(name) for name in names}).record
    expected, (one,) = run(), prepared.stepper_of(net).deliveries
    assert sum(np.count_nonzero(raster.words) for raster in expected.values()) > 100
    monkeypatch.setattr(merge, "_MANY", 1)
    prepared._kept.clear()
    whole = lambda model: prepared._divided(model.prepare(), jax.tree.leaves(eqx.filter(model, eqx.is_array)))
    monkeypatch.setattr(prepared, "_derived", whole)  # traced anew
    (gathered,) = prepared.stepper_of(net).deliveries
    several = net.prepare().deliveries
    assert len(several) == len(links)  # control: without it they are apart
    real = int(gathered.rows.start[-1])
    assert np.array_equal(gathered.rows.start, one.rows.start)
    for name in ("place", "weight"):
        assert np.array_equal(getattr(gathered.rows, name)[:real], getattr(one.rows, name)[:real])
    assert_same(run(), expected)
