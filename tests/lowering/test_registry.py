"""Every model, port, release, rule, modifier, topology, module and order through `lower`: as the model, or refused."""

import collections
import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.plasticity.base import AbstractModifier, AbstractRule
from tests.chips import refusals
from tests.chips.refusals import (
    KEY,
    SENDERS,
    Below,
    Declared,
    Halfway,
    Louder,
    N,
    Named,
    Slower,
    below,
    network,
    refuses_orders,
    refuses_ports,
    refuses_releases_and_modules,
)  # fmt: skip
from tests.laws.registry import NEURONS
from tests.refused import refused

TARGET = snn.chips.loihi.Loihi1()
STEPS = 400

LOWERED = {
    *("LIF", "LIF above", "LIF next step", "LIF resistance", "LIF capacitance", "LIF per step", "LI", "Parrot"),
    *("CubaLIF new", "CubaLIF new per step", "CubaLIF old euler", "CubaLIF decaying"),
}


def taken(net):
    return refusals.taken(net, TARGET)


# --- neurons, under both orders and both targets ----------------------------------------------------------------------


def alone(name, order):
    links = {} if name == "Parrot" else None
    return network(cells={"E": NEURONS[name](1.0)}, order=order, links=links)


RESONATORS = {"ResonateAndFire", "ResonateAndFire phase"}


def test_resonators_are_lowered_to_loihi_2_alone():
    why = {name: taken(alone(name, snn.NestOrder())) for name in RESONATORS}
    assert all("which Loihi1 does not have; use Loihi2(), or a LIF" in said for said in why.values())
    nets = {name: alone(name, snn.NestOrder()) for name in NEURONS}
    found = {name for name, net in nets.items() if refusals.taken(net, snn.chips.loihi.Loihi2()) is None}
    assert found == LOWERED | RESONATORS
    for name in RESONATORS:
        assert isinstance(snn.lower(nets[name], snn.chips.loihi.Loihi2()).report, snn.lowering.Report)


@pytest.mark.parametrize("order", [snn.NestOrder(), snn.BrianOrder()], ids=lambda o: type(o).__name__)
def test_every_neuron_is_lowered_or_refused_by_name(order):
    why = {name: taken(alone(name, order)) for name in NEURONS}
    new = {"CubaLIF new", "CubaLIF new per step"} if isinstance(order, snn.BrianOrder) else set()
    assert {name for name, said in why.items() if said is None} == LOWERED - new
    assert all(said.startswith("Population 'E': ") for said in why.values() if said)
    if new:  # a bias of a quarter of the threshold a step, one of which a chip's cell misses after every spike
        with refused("'E' moves by 26 % of its threshold", "NestOrder()"):
            snn.lower(alone("LIF per step", order), TARGET)


def at_rest(neuron):
    """The same at rest at its reset, where a cell of a chip starts, and driven by nothing but its input."""
    return neuron if isinstance(neuron, snn.LI) else dataclasses.replace(neuron, v_reset=neuron.v_rest, bias=0.0)


@pytest.mark.parametrize(
    ("order", "target"),
    [(snn.NestOrder(), snn.chips.loihi.Loihi1()), (snn.BrianOrder(), snn.chips.loihi.Loihi2())],
    ids=lambda x: type(x).__name__,
)
def test_what_is_lowered_fires_as_the_model_does(order, target):
    """All of them in one network. A read-out never fires, and a relay is an input."""
    late = isinstance(order, snn.BrianOrder)
    names = sorted(LOWERED - {"Parrot"} - ({"CubaLIF new", "CubaLIF new per step"} if late else set()))
    groups = {f"g{i}": at_rest(NEURONS[name](1.0)) for i, name in enumerate(names)}
    currents = {
        f"{g}i": snn.Population(groups[g], N, ports={"in": snn.Exponential(2.0)})
        for g in (f"g{names.index(name)}" for name in ("LIF", "LI"))
    }
    net = network(cells=groups | currents, order=order)
    raster = jnp.asarray(np.random.default_rng(2).random((STEPS, SENDERS)) < 0.08, jnp.float32)
    program, _, report = snn.lower(net, target, calibrate=snn.Replay(raster, into="in"))
    snn.lowering.verify(program, target)
    found = report.data["agreement"]
    fires = {g: one for g, one in found.items() if not isinstance(groups[g.removesuffix("i")], snn.LI)}
    assert len(fires) >= 9
    for g, one in fires.items():
        about = names[int(g.strip("gi"))], g, one
        assert one["rate of the model Hz"] > 20, about
        assert one["coincidence"] > 0.97, about
    assert all(found[g]["rate Hz"] == 0 for g in found.keys() - fires.keys())


def test_a_cell_starts_where_the_model_does():
    """At rest, or as `init` says; one that is late starts so much before. Cells driven by a bias keep their phase."""
    cell = snn.LIF(tau=8.0, v_rest=0.25, v_reset=-0.5, v_th=1.5, bias=1.4, comparator=snn.thresholds.Greater())
    cells = {
        "rest": snn.Population(cell, N),
        "given": snn.Population(cell, N, init={"v": jnp.linspace(-1.5, 1.4, N)}),
        "late": snn.Population(cell, N, init={"v": jnp.linspace(-1.5, 1.2, N)}),
    }
    same = snn.Connection("rest", "late", snn.AllToAll(), via=snn.Dense(), weight=0.0)
    net = network(cells=cells, links={"same": same}, dt=1.0)
    program = snn.lower(net, TARGET).program
    assert dict(program.lags)["late"] == 1
    assert len(np.unique(np.asarray(program.cells["given"].v_start))) == N
    record = {name: snn.Trace(f"{name}.v") for name in cells}
    run = lambda model: snn.simulate(model, snn.drives.Silence(), steps=40, key=KEY, record=record)
    ours, theirs = run(program), run(net)
    for name in cells:
        lag, scale = dict(program.lags)[name], float(program.scale[name])
        mine, model = np.asarray(ours[name])[lag:] / scale - 0.5, np.asarray(theirs[name])[: 40 - lag]
        fired = np.abs(np.diff(model, axis=0)) > 0.5
        assert fired.any()
        np.testing.assert_allclose(mine[:12], model[:12], atol=0.02)
    other = np.asarray(ours["rest"])[:12] / float(program.scale["rest"]) - 0.5
    assert np.abs(other - np.asarray(theirs["given"])[:12]).max() > 0.5  # control
    drawn = snn.Population(cell, N, init={"v": snn.Uniform(0.0, 1.0)})
    assert "draws its initial 'v' anew" in taken(network(cells={"E": drawn}))
    port = snn.Population(cell, N, ports={"in": snn.Exponential(2.0)}, init={"in.i": 1.0})
    assert "initial value of 'in.i'" in taken(network(cells={"E": port}))


# --- ports, releases, modules -----------------------------------------------------------------------------------------


def test_every_port_is_lowered_or_refused_by_name():
    has = ("Delta", "Exponential", "Exponential frozen", "Exponential at tau_m")
    refuses_ports(
        TARGET, snn.LIF(tau=5.0), has, "is {}, the chip's currents decay exponentially; use Exponential or Delta"
    )


def test_every_release_and_module_is_refused_by_name():
    refuses_releases_and_modules(TARGET, snn.LIF())


# --- rules ------------------------------------------------------------------------------------------------------------


class Flipped(snn.PairSTDP):
    """A rule of somebody's own, which is no PairSTDP."""

    def on_pre(self, w, s):
        return -super().on_pre(w, s)


def test_every_rule_is_lowered_or_refused_by_name():
    assert [getattr(snn.plasticity, name) for name in snn.plasticity.__all__]  # a room imports what is asked for
    pair, bound = snn.PairSTDP(), snn.Bound(0.0, 1.0)
    made = lambda rule: snn.Connection("in", "E", snn.AllToAll(), weight=0.5, delay=1.0, rule=rule)
    rules = [snn.chain(rule, bound) for rule in below(AbstractRule)] + [snn.chain(Flipped(), bound)]
    rules += [snn.chain(pair, bound, part) for part in below(AbstractModifier) if not isinstance(part, snn.Bound)]
    rules += [
        snn.chain(snn.PairSTDP(dependence=snn.plasticity.Guetig()), bound),
        snn.chain(pair, snn.SoftBound(0.0, 1.0)),
        snn.chain(snn.PairSTDP(dependence=snn.plasticity.PowerLaw()), bound),
        snn.chain(snn.PairSTDP(pairs=snn.plasticity.NearestNeighbour()), bound),
    ]
    assert len(rules) > 10
    lowered = []
    for rule in rules:
        why = taken(network(links={"S": made(rule)}))
        if why is None:
            lowered.append([type(part) for part in rule.parts])
        else:
            assert "'S'" in why and "cannot be lowered onto the learning engine" in why
            assert any(type(part).__name__ in why for part in rule.parts)
    assert lowered == [[snn.PairSTDP, snn.Bound]] * 2 + [[snn.PairSTDP, snn.SoftBound]]
    assert "learns without a Bound" in taken(network(links={"S": made(pair)}))


# --- topologies, and several synapses a pair --------------------------------------------------------------------------

TOPOLOGIES = {
    "all": snn.AllToAll(),
    "arrays": snn.FromArrays(np.array([0, 3, 3, 3]), np.array([1, 2, 2, 4])),
    "probability": snn.FixedProb(0.4),
    "in-degree": snn.FixedInDegree(7),
    "out-degree": snn.FixedOutDegree(9),
    "total": snn.FixedTotal(90),
    "in-degree, none twice": snn.FixedInDegree(7, multapses=False),
}


def total(links):
    """What a spike brings, by sender, receiver and delay in steps."""
    found = collections.Counter()
    for link in links:
        delay = np.broadcast_to(np.asarray(link["delay"]), (link.count,))
        edges = zip(link.sender, link.receiver, delay, np.asarray(link["weight"]), strict=True)
        for i, j, d, w in edges:
            found[int(i), int(j), int(d)] += round(float(w) * 2**20)
    return {key: x for key, x in found.items() if x}


def drawn(p):
    """The same of the projection itself, from its edges or its matrix."""
    found = collections.Counter()
    weight, delay = np.asarray(p.weight), np.asarray(p.delay)
    if hasattr(p.graph, "pre"):
        edges = zip(np.asarray(p.graph.pre), np.asarray(p.graph.post), strict=True)
        for k, (i, j) in enumerate(edges):
            if i < p.graph.n_pre:
                w, d = (x if x.ndim == 0 else x[k] for x in (weight, delay))
                found[int(i), int(j), int(d)] += round(float(w) * 2**20)
    else:
        count = np.ones(p.graph.shape, int) if p.graph.count is None else np.asarray(p.graph.count)
        for i, j in np.argwhere(count):
            w = weight[i, j] if weight.ndim else weight * count[i, j]
            found[int(i), int(j), int(delay if delay.ndim == 0 else delay[i, j])] += round(float(w) * 2**20)
    return {key: x for key, x in found.items() if x}


@pytest.mark.parametrize("via", [snn.Sparse(), snn.Dense()], ids=lambda via: type(via).__name__)
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_every_topology_keeps_every_synapse(name, via):
    """One weight and delay for all, and drawn weights of both signs, with drawn delays where connectivity has them."""
    own = snn.Uniform(0.2, 0.9) if isinstance(via, snn.Sparse) else 0.5
    made = lambda weight, delay: snn.Connection(
        "in", "E", TOPOLOGIES[name], via=via, weight=weight, delay=delay, max_delay=1.0
    )
    net = network(links={"one": made(0.5, 0.5), "own": made(snn.Normal(0.0, 1.0), own)})
    lifted = snn.lowering.read(net, TARGET).edges
    for link in ("one", "own"):
        there = drawn(net.projections[link])
        assert len(there) > 2
        assert total(x for key, x in lifted.items() if key.startswith(link)) == pytest.approx(there, abs=4)


def test_several_synapses_of_a_pair_each_learn():
    """Two synapses of a pair at 0.7 are two weights below a bound of 1, not one of 1.4."""
    pairs = snn.FromArrays(np.array([0, 0, 1]), np.array([1, 1, 2]))
    rule = snn.chain(snn.PairSTDP(), snn.Bound(0.0, 1.0))
    made = lambda via, topology=pairs: network(
        links={"S": snn.Connection("in", "E", topology, via=via, weight=0.7, delay=1.0, rule=rule)}
    )
    program = snn.lower(made(snn.Sparse()), TARGET).program
    weights = {name: np.asarray(group.weight) for name, group in program.synapses.items()}
    assert sorted(weights) == ["S", "S+1"]
    assert weights["S"][0, 1] == weights["S+1"][0, 1] == pytest.approx(0.7 * 255, abs=2)
    assert np.count_nonzero(weights["S"]) == 2 and np.count_nonzero(weights["S+1"]) == 1
    frozen = snn.lowering.read(made(snn.Sparse()).frozen(), TARGET).edges["S"]  # control: what stays is added up
    assert [*zip(frozen.sender.tolist(), frozen.receiver.tolist(), strict=True)] == [(0, 1), (1, 2)]
    assert float(frozen["weight"][0]) == pytest.approx(1.4)
    try:
        matrix = made(snn.Dense())
    except ValueError:
        return  # the network itself refuses it
    assert "learns with several synapses of a pair" in taken(matrix)


# --- what changes what a kind does is another kind --------------------------------------------------------------------


def test_an_order_of_ones_own_is_not_taken_for_nests():
    refuses_orders(TARGET, snn.LIF())
    assert snn.lowering.read(network(order=snn.BrianOrder()), TARGET).facts.after_threshold
    assert not snn.lowering.read(network(order=Declared()), TARGET).facts.after_threshold


def test_a_subclass_that_changes_its_kind_is_refused():
    assert taken(network(cells={"E": Named()})) is None
    for neuron, said in (
        (Slower(), "changes advance"),
        (snn.LIF(reset_mechanism=Halfway()), "Halfway"),
        (snn.LIF(comparator=Below()), "Below"),
    ):
        assert said in taken(network(cells={"E": neuron}))
    port = snn.Population(snn.LIF(), N, ports={"in": Louder()})
    assert "Louder" in taken(network(cells={"E": port}))
