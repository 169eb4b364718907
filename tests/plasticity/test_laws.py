"""Laws (a) to (c), (f) and (k) for every rule and modifier, alone and in a network."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.plasticity.base import counted
from tests.laws.test_exports import check
from tests.laws.test_models import SCALES, assert_near, shape_and_type
from tests.plasticity.rules import LAZY, RULES
from tests.simulation.hlo import copies_in_loops

ALL = {**RULES, **LAZY}
N = 6
KEY = jax.random.key(0)


def update(chain, synapses, clocks, seen):
    """All that can happen to some synapses: an event of either neuron, and a step."""

    def asked(name):
        def ask(r, rule, w):
            x, y = seen["pre"], seen["post"]
            side = lambda own, traces: type("Side", (), {**dict.fromkeys(traces, own["x"]), **own})
            s = snn.plasticity.SynapseContext(
                side(x, rule.pre_traces()), side(y, rule.post_traces()), seen["modulators"], 1.0
            )
            events = rule.pre_event(s.pre, 1.0) + rule.post_event(s.post, 1.0)
            return counted(events, getattr(rule, name)(w, s))

        return ask

    for name in ("on_pre", "on_post", "each_step"):
        synapses = chain.changed(chain.up_to_date(synapses, clocks), clocks, asked(name))
    return synapses


def given(chain, dtype):
    rng = np.random.default_rng(0)
    numbers = lambda: jnp.asarray(rng.uniform(0.2, 0.8, N), dtype)
    synapses = jnp.stack([numbers() for _ in range(1 + len(chain.variables))])
    side = lambda: {"x": numbers(), "v": -60.0 + 30.0 * numbers(), "spike": jnp.ones(N, dtype)}
    clocks = tuple(m.start(N, dtype) for m in chain.modifiers)
    return synapses, clocks, {"pre": side(), "post": side(), "modulators": {"reward": jnp.asarray(0.5, dtype)}}


@pytest.mark.parametrize("name", ALL)
def test_one_synapse_is_all_of_them(name):
    """(a) Mapped over synapses, (b) jitted or not, (c) with any numbers: one program."""
    chain = snn.chain(*ALL[name](1.0))
    synapses, clocks, seen = given(chain, jnp.float32)
    jitted = eqx.filter_jit(eqx.debug.assert_max_traces(update, max_traces=1))
    whole = jitted(chain, synapses, clocks, seen)
    assert_near(update(chain, synapses, clocks, seen), whole, ulp=8)
    for u in SCALES:
        jitted(snn.chain(*ALL[name](u)), synapses, clocks, seen)
    axes = jax.tree.map(lambda x: 0 if x.ndim else None, (clocks, seen))
    mapped = jax.vmap(lambda s, c, x: update(chain, s, c, x), in_axes=(1, *axes), out_axes=1)
    np.testing.assert_allclose(mapped(synapses, clocks, seen), whole, rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_shape_and_type_never_change(name, dtype):
    chain = snn.chain(*ALL[name](1.0))
    synapses, clocks, seen = given(chain, dtype)
    assert shape_and_type(jax.eval_shape(update, chain, synapses, clocks, seen)) == shape_and_type(synapses)
    post = type("Post", (), {"spike": jnp.ones(N, dtype), "v": None})
    for modifier, clock in zip(chain.modifiers, clocks, strict=True):
        s = snn.plasticity.SynapseContext(None, post, seen["modulators"], 1.0)
        ticked = jax.eval_shape(lambda m, c, s=s: m.reset_clock(m.tick(c, s)), modifier, clock)
        assert jax.tree.map(shape_and_type, ticked) == jax.tree.map(shape_and_type, clock)


# --- in a network -----------------------------------------------------------------------------------------------------


def network(rule, *, via=None, delay=1.5, weight=0.5, order=None):
    cell = snn.Population(snn.LIF(tau=5.0, v_th=1.0, t_ref=0.3), N)
    links = {
        "PQ": snn.Connection(
            "P", "Q", snn.FixedProb(0.5), via=via or snn.Sparse(), weight=weight, delay=delay, rule=rule
        ),
        "QQ": snn.Connection("Q", "Q", snn.AllToAll(), weight=-0.1, delay=0.5),
    }
    return snn.network(
        dt=0.1, key=KEY, order=order, populations={"P": snn.SpikeSource(N), "Q": cell}, projections=links
    )


DRIVE = snn.Poisson(200.0, into="P") + snn.Poisson(500.0, 0.5, into="Q") + snn.Modulator("reward", 0.3)
RECORD = {"w": snn.Trace("PQ.weight", every=1.0), "spikes": snn.Raster("Q")}


def run(net, steps=120, **more):
    return snn.simulate(net, DRIVE, steps=steps, key=KEY, record=RECORD, progress=snn.progress.Quiet(), **more)


def same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.mark.parametrize("name", ["pair", "dopamine"])
def test_bit_for_bit(name):
    """(f) In two parts of another chunk, in a batch: the same numbers."""
    rule = snn.chain(*ALL[name](1.0))
    net = network(rule, delay=snn.Uniform(0.5, 2.0))
    whole = run(net)
    assert np.abs(np.asarray(whole["w"][-1] - whole["w"][0])).max() > 1e-3
    first = run(net, steps=60)
    second = run(net, steps=60, state=first.state)  # another chunk as well: it is the same program
    for name, of in (("w", lambda record: record["w"]), ("spikes", lambda record: record["spikes"].words)):
        same(np.concatenate([of(first.record), of(second.record)]), of(whole.record)), name
    batch = jax.jit(jax.vmap(lambda u: run(snn.set(net, "PQ.weight", 0.5 * u)).record))(jnp.array([1.0, 0.9]))
    same(jax.tree.map(lambda x: x[0], batch), whole.record)
    assert np.any(np.asarray(batch["w"][1]) != np.asarray(whole["w"]))  # control


@pytest.mark.parametrize("via", [snn.Sparse(), snn.Dense()], ids=["sparse", "dense"])
@pytest.mark.parametrize("name", ["pair", "modulate"])
def test_exports(name, via):
    """(k) A plastic network lowers for CPU, CUDA and TPU."""
    net = network(snn.chain(*ALL[name](1.0)), via=via)

    def experiment(weight):
        changed = snn.set(net, "PQ.weight", weight)
        return snn.simulate(changed, DRIVE, steps=20, key=KEY, record=snn.Last("PQ.weight")).record

    check(experiment, jnp.float32(0.4))


def copies_of_weights(rules, order=None, via=None):
    """Of the weights of 60 neurons that learn by each of these rules, in the loop over the steps of a run."""
    n = 60
    link = lambda rule: snn.Connection(
        "E", "E", snn.FixedProb(0.5), via=via or snn.Sparse(), weight=0.5, delay=1.0, rule=snn.chain(*rule)
    )
    net = snn.network(
        dt=0.1,
        key=KEY,
        order=order,
        populations={"E": snn.Population(snn.LIF(v_th=10.0), n)},
        projections={name: link(rule) for name, rule in rules.items()},
    )
    numbers, rest = eqx.partition(net, eqx.is_array)

    def program(numbers, key):
        drive = snn.StepCurrent(20.0, into="E") + snn.Modulator("reward", 0.1)
        net = eqx.combine(numbers, rest)
        return snn.simulate(net, drive, steps=50, key=key, record=snn.Count("E"), chunk=25).record

    return copies_in_loops(jax.jit(program).lower(numbers, KEY).compile().as_text(), n * n // 4)


@pytest.mark.parametrize("via", [snn.Sparse(), snn.Dense()], ids=["sparse", "dense"])
def test_no_copy_of_the_weights(via):
    """What makes plasticity cost what the spikes cost: the loop over steps leaves the weights where they are."""
    both = {name: RULES[name](1.0) for name in ("pair", "triplet")}
    for order in (snn.NestOrder(), snn.BrianOrder()):
        assert copies_of_weights(both, order, via) == []
    lazy = copies_of_weights({"modulate": LAZY["modulate"](1.0)}, snn.NestOrder(), via)
    assert len(lazy) <= 2  # within a refresh, once in `tau`, and where the modulator crosses its baseline


def test_copies_are_found(monkeypatch):
    """Control: a weight that is sent after it was changed, but as computed and not as read again, is copied."""
    from jaxsnn.plasticity import synapse_index

    read, calls = synapse_index.Contiguous.read, []

    def once(self, synapses, where):
        calls.append(read(self, synapses, where))
        return calls[-1] if len(calls) % 2 else calls[-2]

    monkeypatch.setattr(synapse_index.Contiguous, "read", once)
    assert copies_of_weights({"pair": RULES["pair"](1.0)})


def test_a_number_of_a_rule_can_be_set():
    net = network(snn.chain(*RULES["pair"](1.0)), delay=snn.Uniform(0.5, 2.0))
    path = "PQ.plastic.rule.parts.0.a_plus"
    changed = snn.set(net, path, 0.5)
    assert snn.get(net, path) == np.float32(0.1) and snn.get(changed, path) == 0.5
    assert np.any(np.asarray(run(changed)["w"]) != np.asarray(run(net)["w"]))


# --- without delay ----------------------------------------------------------------------------------------------------


def test_edges_within_a_step_learn():
    """A same-step edge sends the weights of the start of the step, and learns at its end: a list and a matrix."""
    cell, rule = snn.Population(snn.LIF(tau=5.0, v_th=1.0), 4), snn.PairSTDP(0.05, 0.04)
    links = {
        f"P{post}": snn.Connection("P", post, snn.AllToAll(), via=via, weight=0.3, rule=rule)
        for post, via in (("list", snn.Sparse()), ("matrix", snn.Dense()))
    }
    populations = {"P": snn.SpikeSource(N), "list": cell, "matrix": cell}
    net = snn.network(dt=1.0, key=KEY, populations=populations, projections=links)
    drive = snn.Replay(jnp.asarray(np.random.default_rng(0).random((60, N)) < 0.2), into="P")
    record = {
        held: {"w": snn.Trace(f"P{held}.weight"), "v": snn.Trace(f"{held}.v"), "s": snn.Raster(held)}
        for held in ("list", "matrix")
    }
    run = snn.simulate(net, drive, steps=60, key=KEY, record=record, progress=snn.progress.Quiet())
    sparse, dense = run["list"], run["matrix"]
    assert int(jnp.sum(dense["s"].dense())) > 10
    np.testing.assert_allclose(dense["w"].reshape(60, -1), sparse["w"].reshape(60, -1), rtol=1e-5)
    np.testing.assert_allclose(dense["v"], sparse["v"], rtol=1e-4, atol=1e-5)
    assert np.abs(np.asarray(dense["w"][-1]) - 0.3).max() > 0.02


def test_release_and_learning_go_together():
    """A depressing synapse that learns sends its weight times what is released."""
    still, release = snn.PairSTDP(0.0, 0.0), snn.TsodyksMarkram(U=0.5, tau_rec=100.0)
    ways = {
        "both": dict(release=release, rule=still),
        "released": dict(release=release),
        "learning": dict(rule=still),
    }
    links = {f"to {way}": snn.Connection("P", way, snn.OneToOne(), weight=0.5, delay=1.0, **ways[way]) for way in ways}
    populations = {name: snn.SpikeSource(1) for name in ("P", *ways)}
    net = snn.network(dt=1.0, key=KEY, populations=populations, projections=links)
    record = {way: snn.Trace(f"{way}.v") for way in ways}
    run = snn.simulate(net, snn.Replay(jnp.ones((8, 1)), into="P"), steps=8, key=KEY, record=record)
    np.testing.assert_allclose(run["both"], run["released"], rtol=1e-6)
    assert np.any(run["both"] != run["learning"])
