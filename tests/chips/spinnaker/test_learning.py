"""Networks that learn by pairs of spikes become programs of SpiNNaker that learn alike; what is refused and why."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import spinnaker
from jaxsnn.plasticity.base import AbstractPairing
from tests.refused import refused

TARGET, KEY, N, STEPS = spinnaker.SpiNNaker1(), jax.random.key(0), 40, 1200
DELAY = 3
START = 0.1
PAIR = snn.PairSTDP(a_plus=0.006, a_minus=0.004, tau_minus=30.0)
FIRST = dict(coincident_pairs=snn.plasticity.PreBeforePost())  # as the machine has it, one step displaced
RULES = {
    "additive": snn.chain(PAIR, snn.Bound(0.0, 0.25), **FIRST),
    "soft": snn.chain(PAIR, snn.SoftBound(0.0, 0.25), **FIRST),
    "guetig": snn.chain(snn.PairSTDP(a_plus=0.03, a_minus=0.03, dependence=snn.plasticity.Guetig(w_max=0.25)), **FIRST),
    "ignored": snn.chain(PAIR, snn.Bound(0.0, 0.25)),
}


def regular(rules=RULES, delay=float(DELAY), order=None, dt=1.0, **more):
    """Neurons for each rule that fire at rates of their own, whatever they learn of inputs that are too weak."""
    bias = jnp.asarray([17.0, 18.5, 21.0, 26.0, 34.0])
    cell = snn.LIF(tau=20.0, v_rest=-65.0, v_reset=-65.0, v_th=-50.0, t_ref=2.0, bias=bias)
    cells = {f"E {name}": snn.Population(cell, len(bias), ports={"in": snn.Exponential(1.0)}) for name in rules}
    dense = dict(topology=snn.AllToAll(), weight=START, delay=delay)
    links = {name: snn.Connection("in", f"E {name}", **dense, rule=rule, **more) for name, rule in rules.items()}
    cells |= {"in": snn.SpikeSource(N)}
    return snn.network(dt=dt, key=KEY, populations=cells, projections=links, order=order)


def spikes(later=0):
    inputs = np.random.default_rng(3).random((STEPS, N)) < 0.04
    return snn.Replay(np.roll(inputs, later, axis=0).astype(np.float32), into="in")


SHARES = {  # of the amplitudes: of growth, and of decline
    "additive": (lambda w: 1.0, lambda w: 1.0),
    "soft": (lambda w: 1 - w / 0.25, lambda w: w / 0.25),
    "guetig": (lambda w: 0.25 - w, lambda w: w),
}


def by_pairs(x, fired, delay, name, first=True, lost=False):
    """Weights after the spikes of senders and receivers, `(steps, cells)`, the latter reaching synapses `delay` steps
    later: the rule of that name with its traces, in floats; and as they were at the last spike of each sender.

    `first`: of two spikes that meet the sender's comes first; else they do not pair, and if `lost` the receiver's pairs
    with no earlier ones of that sender either.
    """
    up, down = SHARES[name]
    stdp = RULES[name].rules[0]
    a_plus, a_minus, *taus = (float(getattr(stdp, key)) for key in ("a_plus", "a_minus", "tau_plus", "tau_minus"))
    reached = np.concatenate([np.zeros((delay, fired.shape[1])), fired])[: len(x)]
    w, r, y = np.full((x.shape[1], fired.shape[1]), START), np.zeros((x.shape[1], 1)), np.zeros((1, fired.shape[1]))
    within, sent = lambda w: np.clip(w, 0.0, 0.25), w
    for pre, post in zip(x[:, :, None], reached[:, None], strict=True):
        r, y = r * np.exp(-1 / taus[0]), y * np.exp(-1 / taus[1])
        if first:
            w = within(w - a_minus * down(w) * pre * y)
            sent = np.where(pre > 0, w, sent)
            w = within(w + a_plus * up(w) * (r + pre) * post)
        else:
            w = within(w + a_plus * up(w) * r * post * (1 - lost * pre))
            w = within(w - a_minus * down(w) * pre * y)
            sent = np.where(pre > 0, w, sent)
        r, y = r + pre, y + post
    return w, sent


@functools.cache
def lowered():
    net = regular()
    return net, snn.lower(net, TARGET, calibrate=spikes())


def learned(model, name):
    """Spikes of the receivers of a rule, and the state of a run."""
    record = snn.Raster(f"E {name}")
    run = snn.simulate(model, spikes(), steps=STEPS, key=KEY, record=record, progress=snn.progress.Quiet())
    return (np.asarray(run.record.dense()) > 0).astype(float), run.state


@pytest.mark.parametrize("name", SHARES)
def test_a_rule_learns_as_the_model_would_of_the_same_spikes(name):
    """The window that is a step late is made up for: floats say so of the program's spikes, and of the model's."""
    net, made = lowered()
    data, edge, x = made.report.data["links"][name]["learning"], made.graph.edges[name], np.asarray(spikes().raster)
    fired, state = learned(net, name)
    ours = np.asarray(net.learned(state)[name].weight).reshape(N, -1)
    np.testing.assert_allclose(by_pairs(x, fired, DELAY, name)[0], ours, atol=2e-5)
    fired, state = learned(made.program, name)
    per_unit = float(edge.rule.per_unit(made.graph.cells[edge.post]["scale"], edge))
    chip = np.asarray(state.model.synapses[name].w).reshape(N, -1) / per_unit

    def off(*given, **more):
        return np.mean(np.abs(chip - by_pairs(x, fired, *given, name, **more)[1])) / np.mean(np.abs(chip - START))

    assert data["time shift, steps"] == 1 and data["window error"] < 0.03
    assert off(DELAY) < 0.05
    assert off(DELAY + 1) > 0.1 and off(DELAY, first=False) > 0.1  # controls


def test_spikes_that_meet_count_as_the_machine_has_it():
    """A step displaced, the sender's counts first, whatever was asked; the report says so."""
    _, made = lowered()
    weights = [np.asarray(learned(made.program, name)[1].model.synapses[name].w) for name in ("additive", "ignored")]
    assert np.array_equal(*weights)
    notes = " ".join(made.report.data["links"]["ignored"]["learning"]["notes"])
    assert "counts for depression, asked CoincidentIgnored" in notes and "amplitudes make up" in notes


def test_axonal_delays_displace_the_window():
    """The machine has dendritic delays or none, so spikes of receivers come too late by an axonal one; and by one step
    more from inputs in Brian2's order, which send a step after they are fed.
    """
    net = regular({"additive": RULES["additive"]}, order=snn.BrianOrder())
    made = snn.lower(net, TARGET, calibrate=spikes())
    data, program = made.report.data["links"]["additive"]["learning"], made.program
    assert not program.synapses["additive"].backprop_delay and data["time shift, steps"] == DELAY + 1
    assert data["window error"] > 0.5 and any("displaced, towards -" in note for note in data["notes"])
    assert any("share the delay" in line for line in made.report.data["advice"])
    fired, state = learned(program, "additive")
    per_unit = float(made.graph.edges["additive"].rule.per_unit(None, made.graph.edges["additive"]))
    chip = np.asarray(state.model.synapses["additive"].w).reshape(N, -1) / per_unit
    expected = by_pairs(np.asarray(spikes().raster), fired, 0, "additive", first=False, lost=True)[1]
    assert np.mean(np.abs(chip - expected)) < 0.05 * np.mean(np.abs(chip - START))


@pytest.mark.parametrize("target", [TARGET, snn.chips.loihi.Loihi1()], ids=lambda target: target.name)
def test_a_projection_that_learns_may_have_no_synapse_and_pairs_several(target):
    def lowered(topology, **calibration):
        cells = {"in": snn.SpikeSource(N), "E": snn.Population(snn.LIF(v_th=5.0), 5)}
        link = snn.Connection("in", "E", topology, weight=START, delay=2.0, rule=RULES["ignored"])
        net = snn.network(dt=1.0, key=KEY, populations=cells, projections={"S": link})
        return snn.lower(net, target, **calibration)

    none = lowered(snn.FixedProb(0.0), calibrate=spikes())
    assert "learned" not in none.report.data["links"]["S"]["learning"]
    twice = np.repeat(np.arange(5), 2)
    several = lowered(snn.FromArrays(twice, twice))
    assert {name: edge.count for name, edge in several.graph.edges.items()} == {"S": 5, "S+1": 5}


def test_synapses_that_learn_may_differ_in_delay():
    delay = jnp.asarray(np.random.default_rng(1).integers(1, 9, N * 5), jnp.float32)
    made = snn.lower(regular({"additive": RULES["additive"]}, delay=delay.reshape(-1)), TARGET)
    link = made.program.synapses["additive"]
    assert np.array_equal(np.asarray(link.delay), np.asarray(delay).astype(int)) and link.backprop_delay


def test_numbers_of_a_rule_are_swept():
    """Traced, they become the rule of the same numbers known; time constants cannot be."""
    net = regular({"additive": RULES["additive"]})
    of = lambda net: net["additive"].plastic.rule.parts[0]
    with_ = lambda name, x: eqx.tree_at(lambda net: getattr(of(net), name), net, x)
    lower = lambda a: snn.lower(with_("a_plus", a), TARGET).program.synapses["additive"].rule
    a = jnp.float32(0.013)
    assert eqx.tree_equal(eqx.filter_jit(lower)(a), lower(a))
    run = lambda point, key: {"w": _weights(snn.lower(with_("a_plus", point["a"]), TARGET).program)}
    swept = snn.sweep(run, snn.product({"a": snn.Axis(0.01, values=[0.005, 0.013])}), key=0)
    each = [run({"a": jnp.float32(a)}, KEY)["w"] for a in (0.005, 0.013)]
    assert np.array_equal(np.asarray(swept["w"]), np.stack(each)) and not np.array_equal(*each)
    below = eqx.filter_jit(lambda a: snn.lower(with_("a_plus", a), TARGET).program.faulty())
    assert not below(a) and below(jnp.float32(-0.01)) and below(jnp.float32(1e6))
    assert int(lower(a).a_plus) == round(0.013 * float(np.exp(1 / 20)) * 2**15 * float(_gain(net)))
    with refused("'additive' learns: its tau_plus is traced"):
        eqx.filter_jit(lambda x: snn.lower(with_("tau_plus", x), TARGET).program)(jnp.float32(20.0))


def _weights(program):
    run = snn.simulate(program, spikes(), steps=200, key=KEY, record={}, progress=snn.progress.Quiet())
    return run.state.model.synapses["additive"].w


def _gain(net):
    return snn.lower(net, TARGET).graph.edges["additive"].rule.gain


class Other(AbstractPairing):
    """A choice of somebody's own."""


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        (PAIR, ["has no bound", "Bound(0, hi)"]),
        (
            snn.chain(snn.TripletSTDP(), snn.Bound(0.0, 1.0)),
            ["chain of TripletSTDP, Bound", "one PairSTDP"],
        ),
        (snn.chain(PAIR, snn.Bound(-1.0, 1.0)), ["weights may be below 0"]),
        (snn.chain(snn.PairSTDP(a_plus=-0.1, a_minus=-0.1), snn.Bound(0.0, 1.0)), ["a_plus is -0.1", "0 or more"]),
        (snn.chain(PAIR, snn.SoftBound(0.0, 1.0, power=2.0)), ["power that is not known to be 1"]),
        (snn.PairSTDP(dependence=snn.plasticity.Guetig(mu_plus=0.5)), ["exponents that are not known to be 1"]),
        (
            snn.PairSTDP(dependence=snn.plasticity.PowerLaw()),
            ["PairSTDP(PowerLaw, AllPairs)", "use PairSTDP"],
        ),
        (
            snn.chain(snn.PairSTDP(dependence=snn.plasticity.Guetig(w_max=2.0)), snn.Bound(0.0, 1.0)),
            ["Guetig within another bound"],
        ),
        (snn.chain(snn.SoftBound(0.0, 1.0), PAIR), ["SoftBound before the rule"]),
        (snn.chain(snn.PairSTDP(a_plus=-0.1), snn.SoftBound(0.0, 1.0)), ["a_plus below 0 within a SoftBound"]),
        (snn.chain(snn.PairSTDP(tau_plus=np.arange(1.0, N + 1)), snn.Bound(0.0, 1.0)), ["that differ between"]),
        (snn.chain(PAIR, snn.Bound(0.0, 1.0), coincident_pairs=Other()), ["chain(coincident_pairs=Other())"]),
        (snn.chain(PAIR, snn.plasticity.Modulate("reward"), snn.Bound(0.0, 1.0)), ["PairSTDP, Modulate, Bound"]),
    ],
)
def test_what_the_machine_does_not_have_says_why(rule, parts):
    with refused("Projection 'S'", "learns", *parts):
        snn.lowering.read(regular({"S": rule}), TARGET)


def test_what_is_known_of_rows_only():
    net = regular({"additive": RULES["additive"]})
    with refused("'additive' learns, and weights that learn have 16 bits"):
        snn.lower(net, TARGET, precision=snn.lowering.Precision(weight=8))
    with refused("take 34 steps; expected at most 32"):
        snn.lower(regular({"additive": RULES["additive"]}, delay=33.0), TARGET)
    with refused("'E additive' may be sent excitatory weights of", "hold 65536 at most"):
        snn.lower(regular({"additive": snn.chain(PAIR, snn.Bound(0.0, 1e5))}), TARGET)
    uneven = eqx.tree_at(lambda net: net["E additive"].neuron.tau, net, jnp.linspace(10.0, 30.0, 5))
    with refused("what its weights are worth to 'E additive' differs", "a population of each kind"):
        snn.lower(uneven, TARGET)
