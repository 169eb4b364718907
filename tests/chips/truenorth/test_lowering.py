"""Placed programs are the networks, spike for spike, however axons are found; and what is refused."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.chips.truenorth import networks
from tests.chips.truenorth.networks import KEY, tn
from tests.refused import refused

NONE = dict.fromkeys(("a", "b", "u"), 0)


def test_networks_are_their_equations():
    """In floats too, and they fire."""
    w, x, want = networks.mixed(7)
    mine = networks.spikes(networks.network(w), x)
    assert {name: int(np.sum(mine[name] != want[name])) for name in want} == NONE
    assert all(50 < want[name].sum() < 0.6 * want[name].size for name in want)


@functools.cache
def lowered(high, coding, fan_out):
    return snn.lower(networks.network(networks.mixed(high)[0]), tn.TrueNorth(coding=coding, fan_out=fan_out))


FOUR, SPLIT, COPIED = tn.TwosComplement(), tn.Splitters(), tn.Copies()


@pytest.mark.parametrize(
    ("high", "coding", "fan_out"),
    [(7, FOUR, SPLIT), (7, FOUR, COPIED), (1, tn.Trinary(), SPLIT), (1, tn.Trinary(), COPIED)],
    ids=lambda x: str(x) if isinstance(x, int) else type(x).__name__,
)
def test_placed_programs_are_the_networks(high, coding, fan_out):
    """Several axons an input, several destinations of a neuron, loops, several delays; no spike differs.

    The negative control is a threshold higher by one.
    """
    _, x, want = networks.mixed(high)
    program, _, report = lowered(high, coding, fan_out)
    snn.lowering.verify(program, tn.TrueNorth())
    assert networks.differing(program, networks.placed_by_numpy(program, x), want) == NONE
    chip, copies = report.data["chip"], isinstance(fan_out, tn.Copies)
    assert (chip["copies"] > 0, chip["splitters"] > 0) == (copies, not copies)
    assert report.data["cells"]["a"]["weights, relative rms error"] == 0.0
    assert dict(program.lags) == dict.fromkeys(program.cells, 0) and "fullest core" in str(report)
    cells = program.cells["a"]
    higher = dataclasses.replace(cells, threshold=cells.threshold + np.asarray(program.scale["a"]).astype(int))
    wrong = dataclasses.replace(program, cells={**program.cells, "a": higher})
    assert sum(networks.differing(wrong, networks.placed_by_numpy(wrong, x), want).values()) > 10


def test_axons_are_as_many_as_the_coding_needs():
    """Two an input for trinary weights of both signs; four bits do not fit two, and the report says what is lost."""
    trinary, four = lowered(1, tn.Trinary(), SPLIT), lowered(7, FOUR, SPLIT)
    assert trinary.program.cells["a"].axons == 2 * (networks.SENDERS + 20 + 8)
    assert four.program.cells["a"].axons == 4 * (networks.SENDERS + 20 + 8)
    assert (trinary.report.data["chip"]["cores"], four.report.data["chip"]["cores"]) == (5, 5)
    coarse = lowered(7, tn.Trinary(), SPLIT).report.data["cells"]["a"]
    assert coarse["weights, relative rms error"] > 0.1 and coarse["weights rounded to 0"] > 0


# --- one weight a projection, on several cores ------------------------------------------------------------------------


def test_a_population_on_several_cores():
    """300 neurons, sparse and recurrent; `o` is late by the step that splitters take; the report has all of it."""
    cell = tn.LinearLeakIF(v_th=10.0, leak=-1.0, floor=5.0)
    populations = {"in": snn.SpikeSource(40), "E": snn.Population(cell, 300), "o": snn.Population(cell, 5)}
    links = {
        "in-E": snn.Connection("in", "E", snn.FixedProb(0.2), weight=4.0, delay=2.0),
        "E-E": snn.Connection("E", "E", snn.FixedProb(0.02), weight=-3.0, delay=3.0),
        "E-o": snn.Connection("E", "o", snn.FixedProb(0.3), weight=2.0, delay=1.0),
    }
    net = snn.network(dt=1.0, key=KEY, populations=populations, projections=links)
    target, x = tn.TrueNorth(coding=tn.OneWeight()), networks.raster(40, 0.2, 120)
    program, graph, report = snn.lower(net, target)
    sent = networks.placed_by_numpy(program, x)
    model = {"in": x, "E": np.zeros((120, 300)), "o": np.zeros((120, 5))}
    into, v = {"E": [("E", 3), ("in", 2)], "o": [("E", 1)]}, {"E": np.zeros(300), "o": np.zeros(5)}
    exists = {}
    for name, p in net.projections.items():
        pre, post = np.asarray(p.graph.pre), np.asarray(p.graph.post)
        exists[name] = np.zeros((len(x.T) if p.pre == "in" else 300, v[p.post].size))
        exists[name][pre[pre < p.graph.n_pre], post[pre < p.graph.n_pre]] = 1.0
    for t in range(120):
        for name, parts in into.items():
            cells = program.cells[name]  # a weight for each projection and neuron, and the rest in the same unit
            now = v[name] + np.asarray(cells.leak)
            for k, (pre, d) in enumerate(parts):
                now = now + (
                    np.asarray(cells.weight)[k] * (model[pre][t - d] @ exists[f"{pre}-{name}"]) if t >= d else 0
                )
            model[name][t] = fires = now >= np.asarray(cells.threshold)
            v[name] = np.where(fires, 0.0, np.maximum(now, -np.asarray(cells.negative)))
    assert networks.differing(program, sent, {name: model[name] for name in v}) == {"E": 0, "o": 0}
    assert model["E"].sum() > 1000 and model["o"].sum() > 20
    assert dict(program.lags) == {"in": 0, "E": 0, "E splitters": 0, "o": 1}
    assert int(np.max(program.cells["E"].core)) > 1
    energy = target.cost(graph, {name: one.mean(axis=0) for name, one in sent.items()}, 120)
    events = sum(float(np.sum(sent[edge.pre].mean(axis=0)[edge.sender])) for edge in graph.edges.values())
    assert energy["nJ a step"] == pytest.approx(0.026 * events, rel=1e-5)
    assert "26 pJ" in energy["source"] and "wrong by much" in energy["caveat"]
    assert "E splitters" in report.html


# --- refusals: the part, the limit, the nearest that can be had -------------------------------------------------------


def one(n_pre, n_post, weight, cell=None, delay=1.0, links=1):
    """Inputs into a population."""
    cell = tn.LinearLeakIF() if cell is None else cell
    w = jnp.broadcast_to(jnp.asarray(weight, jnp.float32), (n_pre, n_post))
    made = snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=w, delay=delay)
    populations = {"in": snn.SpikeSource(n_pre), "E": snn.Population(cell, n_post)}
    projections = {f"S{k}": made for k in range(links)}
    return snn.network(dt=1.0, key=KEY, populations=populations, projections=projections)


def test_what_does_not_fit_a_core_is_refused():
    with refused("Neuron 0 of 'E' needs 300 axons, and a core has 256", "Trinary()", "OneWeight()"):
        snn.lower(one(300, 3, 1.0), tn.TrueNorth())
    with refused("'S0' has several weights onto one neuron", "TwosComplement()"):
        snn.lower(one(8, 3, np.arange(24).reshape(8, 3)), tn.TrueNorth(coding=tn.OneWeight()))
    with refused("'E' receives 5 projections", "4 axon types"):
        snn.lower(one(8, 3, 1.0, links=5), tn.TrueNorth(coding=tn.OneWeight()))
    with refused("'S0, type 0' has a delay of 16 ms, 15 steps", "longest on TrueNorth is 14"):
        snn.lower(one(8, 3, 1.0, delay=16.0), tn.TrueNorth())
    assert snn.lower(one(8, 3, 1.0, delay=15.0), tn.TrueNorth()).report.data["late"]["E"] == 0
    with refused("Neuron 0 of 'E'", "registers do not hold", "larger weights"):
        snn.lower(one(8, 3, 1.0, tn.LinearLeakIF(leak=-300.0)), tn.TrueNorth())


def loop(steps):
    """A population that excites itself, in two cores."""
    cell, w = tn.LinearLeakIF(v_th=6.0), np.where(np.eye(4), 3.0, -2.0)
    made = lambda pre, w: snn.Connection(pre, "E", snn.AllToAll(), via=snn.Dense(), weight=w, delay=float(steps))
    links = {"in-E": made("in", np.full((2, 4), 5.0)), "E-E": made("E", w)}
    populations = {"in": snn.SpikeSource(2), "E": snn.Population(cell, 4)}
    return snn.network(dt=1.0, key=KEY, populations=populations, projections=links)


def test_a_loop_without_a_step_to_spare_takes_copies():
    """And a placed program in `simulate`, where inputs have several axons, does what its registers say."""
    with refused("cycle through E", "one step more"):
        snn.lower(loop(1), tn.TrueNorth())
    assert snn.lower(loop(1), tn.TrueNorth(fan_out=tn.Copies())).report.data["chip"]["copies"] == 12
    program, _, report = snn.lower(loop(2), tn.TrueNorth())
    assert report.data["chip"]["splitters"] == 16
    x = networks.raster(2, 0.4, 80)
    run, sent = networks.spikes(program, x), networks.placed_by_numpy(program, x)
    assert sum(np.sum(run[name] != sent[name]) for name in run) == 0 and sent["E"].sum() > 20


def test_a_group_that_is_late_starts_earlier_or_is_refused():
    """With same-step edges, as in deep-learning libraries, layers lag."""

    def net(first, second, start=None):
        populations = {
            "in": snn.SpikeSource(4),
            "h": snn.Population(first, 4),
            "o": snn.Population(second, 2, init={} if start is None else {"v": jnp.asarray(start)}),
        }
        same = dict(topology=snn.AllToAll(), via=snn.Dense(), delay=None)
        links = {
            "in-h": snn.Connection("in", "h", **same, weight=1.0),
            "h-o": snn.Connection("h", "o", **same, weight=2.0),
        }
        return snn.network(dt=1.0, key=KEY, populations=populations, projections=links)

    drift = tn.LinearLeakIF(v_th=8.0, leak=-1.0)
    program = snn.lower(net(tn.ThresholdUnit(bias=-2.5), drift, [1.0, 3.0]), tn.TrueNorth()).program
    lag, scale = dict(program.lags)["o"], np.asarray(program.scale["o"])
    start, leak = np.asarray(program.cells["o"].v_start), np.asarray(program.cells["o"].leak)
    assert lag == 2 and np.array_equal(start + lag * leak, np.round(np.array([1.0, 3.0]) * scale))
    with refused("'o' is 2 step(s) late, and its leak would take it to a threshold"):
        snn.lower(net(tn.ThresholdUnit(bias=-2.5), drift, [1.0, 7.5]), tn.TrueNorth())
    with refused("'h' is 1 step(s) late and fires without input", "'o' would integrate", "a bias below 0"):
        snn.lower(net(tn.ThresholdUnit(bias=0.5), drift), tn.TrueNorth())


def test_programs_by_hand_are_verified():
    of = lambda n=2, **more: tn.CoreCells.of(np.eye(n), np.zeros(n, int), np.ones((4, n), int), 1, **more)
    made = lambda cells, **routes: snn.lowering.Program({"in": snn.lowering.InputCells(2), **cells}, routes)
    first = tn.Routes("in", "E", np.arange(2), axons=2)
    wrong = {
        "'in' is InputCounts": made({"E": of()}) and snn.lowering.Program({"in": snn.lowering.InputCounts(2)}, {}),
        "by Ranc": made({"E": of(rules=tn.Ranc())}),
        "a core of 'E' has 257 neurons": made({"E": of(257)}),
        "between axons and neurons of different cores": made({"E": of(core=[0, 1], axon_core=[0, 0])}),
        "takes 4097 cores, and there are 4096": made({"E": of(core=[0, 4096], axon_core=[0, 4096])}),
        "neuron 0 of 'E' has 2 destinations": made(
            {"E": of(), "F": of(), "G": of()},
            f=tn.Routes("E", "F", [0, -1], axons=2),
            g=tn.Routes("E", "G", [0, 1], axons=2),
        ),
        "'F' are copies of 'E' and receive from other axons": made({"E": of(), "F": of(copies_of="E")}, one=first),
    }
    for said, program in wrong.items():
        with refused(said):
            snn.lowering.verify(program, tn.TrueNorth())
    twice = tn.Routes("in", "E", [[0, 1], [1, -1]], axons=2)  # the host may
    snn.lowering.verify(made({"E": of()}, one=twice), tn.TrueNorth())


def test_choices_that_do_not_exist_are_refused():
    with refused("TwosComplement.width is 5; expected 2, 3 or 4"):
        tn.TwosComplement(5)
    with refused("TrueNorth.coding is 4"):
        tn.TrueNorth(coding=4)
    with refused("makes weights of axons", "no Precision"):
        snn.lower(one(4, 2, 1.0), tn.TrueNorth(), precision=snn.lowering.Precision(weight=4))
    with refused("'E'", "lower outside jit"):
        jax.jit(lambda bias: snn.lower(one(4, 2, 1.0, tn.ThresholdUnit(bias)), tn.TrueNorth()).program.cells["E"].leak)(
            1.0
        )
    assert snn.lowering.targets()["truenorth"] is tn.TrueNorth
