"""Pair STDP of SpiNNaker is the compiled code's, weight for weight; and what a network learns on the machine."""

import dataclasses
import functools
import itertools
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import spinnaker
from jaxsnn.chips.spinnaker.plastic import _everything, _rows
from jaxsnn.chips.spinnaker.stdp import decay_table, time_constant
from tests.oracles import spinnaker_stdp as oracle
from tests.refused import refused

GOLDEN = Path(__file__).parents[2] / "golden" / "spinn_stdp.npz"
CASES = [f"{kind}{k}" for kind in ("add", "mult") for k in range(5)]
FAR = 20_000.0  # mV: makes a neuron fire whatever arrives


@functools.cache
def case(name):
    with np.load(GOLDEN) as file:
        found = {key.removeprefix(f"{name}_"): file[key] for key in file.files if key.startswith(f"{name}_")}
    numbers = ("shift", "backprop", "w_min", "w_max", "a_plus", "a_minus")
    return found | dict(zip(numbers, found.pop("numbers").tolist(), strict=True))


def rule(found, name):
    kind = "Additive" if name.startswith("add") else "Multiplicative"
    given = {key: found[key] for key in ("tau_plus", "tau_minus", "w_min", "w_max", "a_plus", "a_minus")}
    return spinnaker.SpikePairRule(**given, dependence=getattr(spinnaker, f"{kind}WeightDependence")())


def program(found, name):
    """A source and its row; the receivers fire when a current tells them to."""
    mv = lambda x: round(x * 2**15)
    cells = {
        "pre": snn.lowering.InputCounts(1),
        "post": spinnaker.CurrDeltaCells(
            12, tau_m=mv(1.0), v_rest=0, v_reset=0, v_init=0, v_th=mv(10_000.0), t_ref=0, shift_exc=found["shift"]
        ),
    }
    row = spinnaker.PlasticRowSynapses(
        "pre",
        "post",
        found["w0"],
        found["delay"] - 1,
        start=[0, len(found["w0"])],
        receiver=found["post"],
        n_post=12,
        longest=len(found["w0"]),
        max_delay=15,
        most=15,
        rule=rule(found, name),
        backprop_delay=bool(found["backprop"]),
    )
    return snn.lowering.Program(cells, {"row": row})


def spikes(found):
    times, who = found["events"].T
    steps = int(times.max()) + 1
    pre, post = np.zeros((steps, 1), np.float32), np.zeros((steps, 12), np.float32)
    pre[times[who < 0], 0] = 1.0
    post[times[who >= 0], who[who >= 0]] = FAR
    return pre, post, times[who < 0]


@pytest.mark.parametrize("name", CASES)
def test_rows_learn_as_the_compiled_code(name):
    found = case(name)
    pre, post, at = spikes(found)
    drive = snn.Replay(pre, into="pre") + snn.Replay(post, into="post.current")
    record = {"w": snn.Trace("row.w"), "fired": snn.Raster("post")}
    run = snn.simulate(
        program(found, name), drive, steps=len(pre), key=jax.random.key(0), record=record, throw=False
    )  # of one row several synapses may fill one ring buffer
    assert np.array_equal(np.asarray(run["fired"].dense()) > 0, post > 0)
    w = np.asarray(run["w"])[at]
    assert w.shape == found["weights"].shape and np.sum(w != found["weights"]) == 0
    assert np.sum(w[-1] != found["w0"]) > 10


@pytest.mark.parametrize("name", ["add0", "add3", "mult2"])
def test_the_oracle_is_the_compiled_code_and_rounding_is_not(name):
    """Negative controls: products that round to the nearest, the other dependence, delays that are not waited for."""
    found = case(name)

    def wrong(**others):
        given = dict(additive=name.startswith("add"), backprop=bool(found["backprop"])) | others
        row = oracle.Row(found["w0"], found["post"], found["delay"], found["shift"], found, **given)
        at = iter(found["weights"])
        return sum(
            np.sum(row.pre(int(t)) != next(at)) if who < 0 else row.post(int(t), who) or 0 for t, who in found["events"]
        )

    assert wrong() == 0
    assert wrong(multiply=lambda a, b: (a * b + 1024) >> 11) > 100
    assert wrong(additive=not name.startswith("add")) > 100
    assert wrong(backprop=not found["backprop"]) > 100


def test_tables_are_those_of_time_constants():
    for name in CASES:
        for key in ("tau_plus", "tau_minus"):
            table = case(name)[key]
            assert np.array_equal(decay_table(time_constant(table, 1.0), 1.0), table)
    assert decay_table(20.0, 1.0)[:3].tolist() == [2048, 1948, 1853] and len(decay_table(20.0, 1.0)) % 2 == 0
    with pytest.raises(ValueError, match="no time constant"):
        time_constant([2048, 1700, 1600, 400], 1.0)


N_PRE, N_POST, STEPS = 12, 7, 120


def recurrent(most=15, backprop=True, seed=0):
    """Sources that send up to three packets a step to neurons that fire of them, and synapses among these."""
    rng = np.random.default_rng(seed)

    def rows(pre, post, n_pre, n_post, most, weight):
        each = rng.integers(0, n_post + 1, n_pre)
        receiver = np.concatenate([np.sort(rng.choice(n_post, k, replace=False)) for k in each]).astype(np.int32)
        table = lambda tau: decay_table(tau, 1.0)
        pairs = dict(a_plus=2200, a_minus=1500, w_max=60_000 << 3)
        return spinnaker.PlasticRowSynapses(
            pre, post, rng.integers(0, weight, len(receiver)), rng.integers(0, 9, len(receiver)),
            start=np.concatenate([[0], np.cumsum(each)]), receiver=receiver, n_post=n_post, longest=n_post, max_delay=8,
            most=most, backprop_delay=backprop,
            rule=spinnaker.SpikePairRule(tau_plus=table(15.0), tau_minus=table(9.0), **pairs),
        )  # fmt: skip

    cells = {
        "in": snn.lowering.InputCounts(N_PRE),
        "E": spinnaker.CurrExpCells(N_POST, shift_exc=3, t_ref=1 << 15, v_th=-(60 << 15)),
    }
    links = {"in": rows("in", "E", N_PRE, N_POST, most, 40_000), "E": rows("E", "E", N_POST, N_POST, 1, 20_000)}
    counts = np.clip(rng.poisson(0.15, (STEPS, N_PRE)), 0, 3).astype(np.float32)
    links = {f"{name}-E": link for name, link in links.items()}
    return snn.lowering.Program(cells, links), snn.Replay(counts, into="in"), counts.astype(int)


def learned(model, drive, key):
    record = {"E": snn.Raster("E"), "w": snn.Trace("in-E.w"), "v": snn.Trace("E-E.w"), "ring": snn.Trace("E.ring")}
    run = snn.simulate(model, drive, steps=STEPS, key=key, record=record, throw=False, progress=snn.progress.Quiet())
    return run["E"].dense(), run["w"], run["v"], run["ring"], run.state.model.synapses


@pytest.mark.parametrize("backprop", [True, False])
def test_a_network_learns_as_rows_one_by_one(backprop):
    """Spikes of the network in, weights and what arrives in ring buffers out: against rows of the oracle."""
    model, drive, counts = recurrent(backprop=backprop)
    fired, *found, ring, _ = (np.asarray(x) if not isinstance(x, dict) else x for x in learned(model, drive, KEY))
    sent, arrived = {"in": counts, "E": (fired > 0).astype(int)}, np.zeros((STEPS + 20, N_POST), int)
    assert fired.sum() > 60
    for (name, link), weights in zip(model.synapses.items(), reversed(found), strict=True):
        start, receiver, delay = (np.asarray(getattr(link, key)) for key in ("start", "receiver", "delay"))
        numbers = {key: np.asarray(getattr(link.rule, key)).tolist() for key in ("tau_plus", "tau_minus", "a_plus")}
        numbers |= {key: int(getattr(link.rule, key)) for key in ("a_minus", "w_min", "w_max")}
        of = [slice(a, b) for a, b in itertools.pairwise(start)]
        w0, last = np.asarray(link.weight), (3, numbers, True, backprop)
        rows = [oracle.Row(w0[row], receiver[row], 1 + delay[row], *last) for row in of]
        for t in range(STEPS):
            for i, row in enumerate(rows):
                for _ in range(sent[link.pre][t, i]):
                    for w, j, d in zip(row.pre(t), receiver[of[i]], delay[of[i]], strict=True):
                        arrived[t + 1 + d, j] += w
                for j in np.flatnonzero(fired[t]):
                    row.post(t, j)
            assert np.array_equal(np.concatenate([row.w for row in rows]), weights[t]), (name, t)
        assert np.sum(weights[-1] != weights[0]) > 0.5 * weights.shape[1], name
    assert np.array_equal(ring[:, :N_POST], arrived[:STEPS])


def test_a_batch_learns_as_each_and_all_rows_as_one_by_one():
    """Under `vmap` rows are updated one batch member after the other; on accelerators all synapses side by side."""
    model, drive, _ = recurrent()

    def alone(a_plus):
        return learned(eqx.tree_at(lambda m: m.synapses["in-E"].rule.a_plus, model, a_plus), drive, KEY)

    a_plus = jnp.asarray([2200, 100], jnp.int32)
    many = jax.jit(jax.vmap(alone))(a_plus)
    each = [learned(model, drive, KEY), jax.jit(alone)(a_plus[1])]
    for k, one in enumerate(each):
        assert eqx.tree_equal(jax.tree.map(lambda x, k=k: x[k], many), one)
    assert not eqx.tree_equal(each[0][1], each[1][1])
    s, link = each[0][4]["in-E"], model.synapses["in-E"]
    ready = link.prepare(model.cells["in"], model.cells["E"], model.ring, 0)
    buffer, pre = model.ring.empty(jnp.int32), jnp.asarray([0, 3, 1, 0, 0, 1, 0, 0, 2, 0, 0, 1], jnp.int32)
    by_rows, at_once = (jax.jit(way)(ready, s, buffer, pre, jnp.int32(STEPS)) for way in (_rows, _everything))
    assert eqx.tree_equal(by_rows, at_once) and np.any(by_rows[0].w != s.w) and np.any(by_rows[1] != 0)


def test_a_program_that_learns_is_a_file_and_is_verified(tmp_path):
    model, *_ = recurrent()
    snn.lowering.save_program(model, tmp_path / "learns.npz")
    assert eqx.tree_equal(snn.lowering.load_program(tmp_path / "learns.npz"), model)
    snn.lowering.verify(model, spinnaker.SpiNNaker1())
    assert "learns by pairs of spikes, additive, weights within 0 to 14.6484" in snn.lowering.summary(model)
    bounds = snn.lowering.bounds(model)["E"]["excitatory ring"]
    assert bounds.high > 65535 and not bounds.proved


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(max_delay=32), ["take 33 steps", "at most 32"]),
        (dict(rule=None), ["PlasticRowSynapses.rule is None"]),
        (dict(most=1), ["take 1 packets a step", "most=15"]),
    ],
)
def test_what_rows_that_learn_cannot_have_is_refused(change, words):
    model, drive, _ = recurrent()
    with refused(*words):
        link = dataclasses.replace(model.synapses["in-E"], **change)
        snn.simulate(snn.lowering.Program(model.cells, {"in-E": link}), drive, steps=3, key=KEY)


def test_rows_may_be_said_to_be_longer_than_all_of_them():
    model, drive, _ = recurrent()
    link = model.synapses["in-E"]
    other = dataclasses.replace(model, synapses={**model.synapses, "in-E": dataclasses.replace(link, longest=10_000)})
    assert all(map(np.array_equal, learned(model, drive, KEY)[:4], learned(other, drive, KEY)[:4]))


def test_what_no_rule_has_is_refused():
    table = decay_table(20.0, 1.0)
    for change, words in (
        (dict(dependence="additive"), "expected AdditiveWeightDependence"),
        (dict(tau_plus=[]), "expected a table"),
        (dict(w_max=[1, 2]), "expected one number"),
        (dict(w_min=3, w_max=2), "w_min <= w_max"),
        (dict(a_plus=-1), "a_plus"),
    ):
        with refused("SpikePairRule", words):
            spinnaker.SpikePairRule(**{"tau_plus": table, "tau_minus": table, **change})


KEY = jax.random.key(0)
