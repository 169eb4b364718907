"""Networks that learn become programs that learn: pair by pair, over random trains, and what the report says of it."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips.loihi.cores import Excitatory, Inhibitory, SignedWeights
from jaxsnn.chips.loihi.learning.node import RuleNode
from jaxsnn.lowering.calibrate import follow, observe
from tests.refused import refused
from tests.simulation.toys import assert_same

TARGET = snn.chips.loihi.Loihi1()
KEY = jax.random.key(2)
RULE = snn.PairSTDP(a_plus=0.011, a_minus=0.0087, tau_plus=8.0, tau_minus=12.0)
LAGS, COPIES, STEPS = np.arange(-8, 9, 2), 100, 44  # of the input's spike behind the teacher's; synapses a lag; ms
SENDERS = len(LAGS) * COPIES
HALF, WHOLE = snn.Bound(0.0, 1.0), snn.Bound(-1.0, 1.0)


def taught(order, ways, teacher=1.0):
    """Inputs onto cells that fire when a teacher says so: every input has one synapse, with noise of its own."""
    cell = snn.LIF(tau=10.0, v_th=100.0, comparator=snn.thresholds.Greater())
    populations = {"in": snn.SpikeSource(SENDERS), "t": snn.SpikeSource(1)}
    each, links = np.arange(SENDERS), {}
    for name, (post, bound, numbers) in ways.items():
        populations[post] = snn.Population(cell, COPIES, ports={"in": snn.Delta()})
        links[f"t{post}"] = snn.Connection("t", post, snn.AllToAll(), via=snn.Dense(), weight=400.0, delay=teacher)
        to, rule = snn.FromArrays(each, each % COPIES), snn.chain(RULE, bound)
        links[name] = snn.Connection("in", post, to, weight=0.5, rule=rule, **numbers)
    return snn.network(dt=1.0, key=KEY, populations=populations, projections=links, order=order)


def calibration(inputs, teacher):
    first, second = (snn.Replay(jnp.asarray(x, jnp.float32), into=to) for x, to in ((inputs, "in"), (teacher, "t")))
    drive = first + second
    return snn.lowering.Calibration(drive, steps=STEPS, key=KEY)


def pairs():
    """One spike of the teacher, one of every input."""
    step = np.arange(STEPS)[:, None]
    return calibration(step == 20 + np.repeat(LAGS, COPIES)[None], step == 20)


WAYS = {
    "one": ("E", HALF, dict(delay=1.0)),
    "three": ("E", WHOLE, dict(delay=3.0)),
    "axon": ("F", HALF, dict(axonal=3.0, dendritic=1.0)),
}


@functools.cache
def lowered():
    """Made by the first test that wants it, so that it is compiled under the settings of tests, once."""
    net = taught(snn.NestOrder(), WAYS)
    return net, snn.lower(net, TARGET, calibrate=pairs())


def changes(net, made, seen):
    """What every synapse changed by, in the model and on the chip: by name, in the unit of the rule."""
    run = observe(made.program, seen)
    model, chip = net.learned(follow(net, seen, run).state), run.state.model.synapses
    data, own = made.report.data["links"], (np.arange(SENDERS), np.arange(SENDERS) % COPIES)
    out = {}
    for name, group in made.program.synapses.items():
        if isinstance(group, snn.chips.loihi.LearningSynapses):
            grown = np.asarray(chip[name].w - group.weight)[own] / data[name]["learning"]["lowest bits a unit"]
            out[name] = np.asarray(model[name].weight) - 0.5, grown
    return out


def mapped(net, made, name):
    """The rule as it was lowered."""
    data = made.report.data["links"][name]["learning"]
    scale, time_shift = data["lowest bits a unit"], data["time shift, steps"]
    return snn.chips.loihi.learning_rule_for(net[name].plastic.rule, 1.0, scale=scale, time_shift=time_shift)


def apart(net, name, teacher):
    """By how many steps the teacher's spikes reach a synapse behind the inputs', for `LAGS`."""
    p = net[name]
    axonal = int(np.max(p.plastic.axonal))
    dendritic = 0 if p.delay is None else int(np.max(p.delay)) - axonal
    return teacher + dendritic - axonal - LAGS


def off(mean, error, expected):
    return np.abs(mean - expected) > 4.5 * error + 1e-4


def test_every_pair_changes_as_the_report_says():
    """The model as asked, the chip as got: lag by lag, with delays of axons and dendrites and receivers that run late.

    Where the engine sees spikes as they meet at the synapse, or is made up for, both are the same.
    """
    net, made = lowered()
    data = made.report.data["links"]
    assert {name: data[name]["learning"]["time shift, steps"] for name in WAYS} == dict(one=0, three=-2, axon=2)
    assert dict(made.program.lags) == {"E": 1, "F": 0, "in": 0, "t": 0}
    for name, (soft, hard) in changes(net, made, pairs()).items():
        rule, steps = mapped(net, made, name), apart(net, name, 1)
        asked, got = rule.changes(steps)
        np.testing.assert_allclose(soft.reshape(len(LAGS), COPIES)[:, 0], asked, atol=2e-6)
        hard = hard.reshape(len(LAGS), COPIES)
        mean, error = hard.mean(1), hard.std(1) / np.sqrt(COPIES)
        assert not np.any(off(mean, error, got)), (name, mean, got)
        moved = (steps == 0) | (steps * (steps + rule.time_shift) <= 0)  # to the other side, or between
        far = off(mean, error, asked)
        assert not np.any(far) if rule.time_shift == 0 else np.all(far[moved]), (name, mean, asked)
        squares = lambda expected, mean=mean, error=error: np.mean(((mean - expected) / error) ** 2)
        assert squares(got) < 3.0
        for shifted in (-1, 1):  # controls: a step off, and the other sign
            assert squares(rule.changes(steps + shifted)[1]) > 8.0
        assert squares(-got) > 50.0
    said = [data[name]["learning"]["notes"][4] for name in ("three", "axon")]
    assert "2 step(s) earlier" in said[0] and "displaced, towards +" in said[0]
    assert "2 step(s) later" in said[1] and "displaced, towards -" in said[1]


def test_changes_in_proportion_to_what_is_left_to_a_bound():
    """In the middle between soft bounds a pair changes a weight by half of what it does at a bound."""
    net = taught(snn.NestOrder(), {"soft": ("E", snn.SoftBound(0.0, 1.0), dict(delay=1.0))})
    made = snn.lower(net, TARGET, calibrate=pairs())
    data = made.report.data["links"]["soft"]["learning"]
    assert "(w - 255)" in data["rule"] and data["time shift, steps"] == 0 and data["window error"] < 2e-3
    ((soft, hard),) = changes(net, made, pairs()).values()
    asked, steps = mapped(net, made, "soft").changes(apart(net, "soft", 1))[0], apart(net, "soft", 1)
    np.testing.assert_allclose(soft.reshape(len(LAGS), COPIES)[:, 0], asked / 2, atol=2e-4)  # 2nd: of what has changed
    hard = hard.reshape(len(LAGS), COPIES)
    mean, error = hard.mean(1), hard.std(1) / np.sqrt(COPIES)
    assert not np.any(off(mean, error, asked / 2)[steps != 0])
    assert np.any(off(mean, error, asked))  # control


def test_random_trains_are_learned_as_by_the_model():
    """Where nothing is displaced, the mean over synapses is the model's within rounding noise."""
    net, made = lowered()
    rng = np.random.default_rng(5)
    inputs, teacher = rng.random((STEPS, SENDERS)) < 0.06, rng.random((STEPS, 1)) < 0.15
    soft, hard = changes(net, made, calibration(inputs, teacher))["one"]
    error = (hard - soft).std() / np.sqrt(SENDERS)
    lost = made.report.data["links"]["one"]["learning"]["window error"] * np.abs(soft).mean()
    assert abs((hard - soft).mean()) < 4 * error + lost
    assert np.corrcoef(soft, hard)[0, 1] > 0.9
    _, later = changes(net, made, calibration(np.roll(inputs, 1, axis=0), teacher))["one"]
    assert np.std(later - soft) > 1.5 * np.std(hard - soft)  # control: inputs a step later


def test_the_report_has_the_rule_and_what_was_learned():
    _, (program, _, report) = lowered()
    data = report.data
    one = data["links"]["one"]["learning"]
    assert one["learned"]["correlation"] > 0.9 and one["learned"]["mean absolute difference"] < 0.01
    assert one["window error"] < 2e-3 < 1.0 < data["links"]["three"]["learning"]["window error"]
    assert one["lowest bits a unit"] == pytest.approx(255.0, rel=1e-5)  # the Bound is where mantissas end
    text = str(report)
    for part in ("learns: dw = ", "window error", "in the model; correlation", "share the delay between axon"):
        assert part in text, text
    page = report.html
    assert "Learning of one" in page and "Learned weights of three" in page and "change by a pair of spikes" in page
    for name, bound in snn.lowering.bounds(program).items():  # all weights that can be learned, in both proofs
        proved = data["cells"][name]
        assert proved["input to"] == bound["input"].high and proved["input from"] == bound["input"].low
    assert data["cells"]["E"]["input from"] < 0 == data["cells"]["F"]["input from"]


def test_only_synapses_that_exist_learn_and_files_keep_them(tmp_path):
    program = lowered()[1].program
    group = program.synapses["one"]
    assert isinstance(group.sign, Excitatory) and isinstance(program.synapses["three"].sign, SignedWeights)
    assert int(group.exists.sum()) == SENDERS
    w = observe(program, pairs()).state.model.synapses["one"].w
    assert np.all(np.asarray(w)[~np.asarray(group.exists)] == 0)
    snn.lowering.save_program(program, tmp_path / "learns.npz")
    assert_same(snn.lowering.load_program(tmp_path / "learns.npz"), program)
    said = snn.lowering.summary(program)
    for part in (
        f"of which {SENDERS} exist",
        "dw = 2^",
        "x1: impulse",
        "time constant 8 steps",
        "SignedWeights 0 .. 128, exponent -3 at the start",
    ):
        assert part in said, said


def recurrent(**link):
    populations = {"in": snn.SpikeSource(3), "E": snn.Population(snn.LIF(v_th=10.0), 3)}
    link = dict(topology=snn.AllToAll(), via=snn.Dense(), weight=0.5, delay=1.0, rule=snn.chain(RULE, HALF)) | link
    return snn.network(dt=1.0, key=KEY, populations=populations, projections={"S": snn.Connection("E", "E", **link)})


def placed(net):
    """The graph once delays are the chip's, and by how much each link is displaced."""
    graph = snn.lowering.lower_graph(snn.lowering.read(net, TARGET), TARGET.passes()[:3])
    return graph, {name: int(edge.rule.time_shift) for name, edge in graph.edges.items() if edge.rule}


def test_where_delays_lie_and_who_runs_late():
    """Nobody is later than itself; without a delay a group is late by a step; of inputs in Brian2's order, below."""
    graph, time_shift = placed(recurrent())
    assert dict(graph.lags)["E"] == 0 and time_shift == {"S": -1}
    assert "learns by PairSTDP, Bound" in str(graph)
    populations = {name: snn.Population(snn.LIF(), 2) for name in "ab"} | {"in": snn.SpikeSource(2)}
    link = lambda pre, post, **when: snn.Connection(
        pre, post, snn.AllToAll(), via=snn.Dense(), weight=0.5, rule=snn.chain(RULE, HALF), **when
    )
    build = lambda order, links: snn.network(dt=1.0, key=KEY, populations=populations, projections=links, order=order)
    graph, time_shift = placed(build(snn.NestOrder(), dict(w=link("in", "a"), v=link("a", "b"))))
    assert dict(graph.lags) == {"a": 1, "b": 2, "in": 0} and time_shift == {"v": 1, "w": 1}
    graph, time_shift = placed(build(snn.NestOrder(), dict(far=link("in", "b", delay=40.0))))
    assert dict(graph.lags)["b"] == 0 and time_shift == {"far": -40}  # 80 steps would be too long for the chip
    # an input of Brian2's order hears after its threshold: it sends a step later than the chip's
    brian = dict(w=link("in", "a", delay=0.0), v=link("in", "a", delay=2.0), u=link("a", "b", delay=1.0))
    graph, time_shift = placed(build(snn.BrianOrder(), brian))
    assert not any(dict(graph.lags).values()) and time_shift == {"u": 1, "v": 3, "w": 1}


@pytest.mark.parametrize(
    ("link", "parts"),
    [
        (dict(rule=snn.chain(snn.TripletSTDP(), HALF)), ["'S'", "TripletSTDP, Bound", "one PairSTDP"]),
        (dict(rule=RULE), ["'S'", "without a Bound", "chain(rule, Bound(lo, hi))"]),
        (
            dict(rule=snn.chain(snn.PairSTDP(dependence=snn.plasticity.PowerLaw()), HALF)),
            ["'S'", "PairSTDP(PowerLaw, AllPairs)", "Additive()"],
        ),
        (dict(delay=jnp.arange(1.0, 10.0)), ["'S'", "1 to 9 steps", "a projection for each"]),
    ],
)
def test_what_cannot_learn_on_the_chip_says_why(link, parts):
    with refused(*parts):
        snn.lower(recurrent(**link), TARGET)


def test_one_rule_serves_receivers_that_are_alike():
    link = snn.lowering.read(recurrent(), TARGET).edges["S"].rule
    assert isinstance(link, RuleNode)
    scale, exponent = jnp.float32(1e4), jnp.int32(0)
    alike = link.times(jnp.asarray([1.0, 1.02, 0.99]))
    found = alike.mapped("S", "E", scale, exponent, 1.0)
    assert found.time_shift == -1 and found.scale == pytest.approx(1e4 / 64 * 3.01 / 3)
    with refused("'S'", "differs by 50 %", "a population of each kind"):
        link.times(jnp.asarray([0.5, 1.0, 1.5])).mapped("S", "E", scale, exponent, 1.0)


def test_numbers_of_a_rule_are_swept():
    """Traced, they become the rule of the same numbers known."""

    def rule(a_plus, time_shift):
        chained = snn.chain(
            eqx.tree_at(lambda r: r.a_plus, RULE, a_plus), HALF, coincident_pairs=snn.plasticity.PreBeforePost()
        )
        found = snn.chips.loihi.learning_rule_for(chained, 1.0, scale=255.0 + 0 * a_plus, time_shift=time_shift)
        return [(p.mantissa, p.exponent) for p in found.rule.dw.products], found.rule.x1.impulse, found.got["a_plus"]

    a, s = jnp.asarray([0.003, 0.011, 0.04]), jnp.asarray([0, -2, 1], jnp.int32)
    products, impulse, got = jax.jit(jax.vmap(rule))(a, s)
    for i in range(len(a)):
        known = rule(a[i], int(s[i]))
        assert abs(int(impulse[i]) - int(known[1])) <= 1 and float(got[i]) == pytest.approx(known[2], rel=1e-3)
        for (mantissa, exponent), (m, e) in zip(products, known[0]):  # traced ones keep products of 0
            assert int(mantissa[i]) * 2.0 ** int(exponent[i]) == int(m) * 2.0 ** int(e)


def test_the_core_says_which_weights_inhibit():
    """-256 is Brian2Loihi's, not Lava's."""
    rule = snn.chips.loihi.LoihiRule("x0*y0", rounding=snn.chips.loihi.NearestRounding())
    cells = {"in": snn.lowering.InputCells(1), "E": snn.chips.loihi.CubaCells(1)}
    group = snn.chips.loihi.LearningSynapses("in", "E", [[-256]], rule=rule, sign=Inhibitory())
    made = snn.chips.loihi.program(cells, {"S": group}, snn.chips.loihi.Brian2LoihiCore())
    assert snn.lowering.bounds(made)["E"]["input"].low < -256 * 64 + 1
    with refused("'S'", "weights of -256", "-255 .. 0", "start within"):
        snn.chips.loihi.program(cells, {"S": group}, snn.chips.loihi.LavaCore())


def test_a_sweep_over_a_number_of_the_rule_is_one_program():
    """Lowered inside the program, each point learns as the program that its own number gives outside."""
    trains = jax.random.bernoulli(KEY, 0.1, (60, 8)).astype(jnp.float32)

    def learned(a_plus):
        rule = snn.chain(snn.PairSTDP(a_plus=a_plus, a_minus=0.02), snn.Bound(0.0, 1.0))
        cell = snn.Population(snn.LIF(tau=20.0, v_th=2.0), 2)
        link = snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=0.6, delay=1.0, rule=rule)
        net = snn.network(dt=1.0, key=KEY, populations={"in": snn.SpikeSource(8), "E": cell}, projections={"S": link})
        drive, record = snn.Replay(trains, into="in"), {"w": snn.Last("S.w"), "spikes": snn.Count("E")}
        return snn.simulate(
            snn.lower(net, TARGET).program, drive, steps=60, key=KEY, record=record, progress=snn.progress.Quiet()
        ).record

    numbers = jnp.array([0.0, 0.03])
    swept = jax.jit(jax.vmap(learned))(numbers)
    alone = learned(float(numbers[1]))
    np.testing.assert_array_equal(swept["w"][1], alone["w"])
    assert np.all(np.asarray(swept["spikes"]) > 0)
    assert np.mean(np.asarray(swept["w"][1] - swept["w"][0])) > 1  # control: the number matters
