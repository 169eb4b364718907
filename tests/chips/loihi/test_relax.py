"""Quantisation-aware training: forward values are the integers, backward the derivative of what they approximate."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn as snn
from jaxsnn.chips import loihi
from jaxsnn.chips.loihi.cells import CubaCells
from jaxsnn.chips.loihi.cores import LavaCore, Loihi1Core
from jaxsnn.chips.loihi.learning.engine import LoihiRule
from jaxsnn.chips.loihi.learning.synapses import LearningSynapses
from jaxsnn.chips.loihi.sparse import SparseSynapses
from jaxsnn.chips.loihi.synapses import Synapses
from jaxsnn.lowering.cells import InputCells
from jaxsnn.lowering.relaxed import relax, rounded, straight_through
from tests.chips.loihi.networks import case
from tests.chips.loihi.programs import program as from_oracle
from tests.oracles import loihi_cases
from tests.refused import refused


def values(model, x, into, names):
    """u, v and spikes of every step of the named cells."""
    record = {f"{n}.{k}": snn.Trace(f"{n}.{k}") for n in names for k in "uv"} | {n: snn.Raster(n) for n in names}
    drive = snn.Replay(x.astype(np.float32), into=into)
    what = dict(steps=len(x), key=jax.random.key(0), record=record, progress=snn.progress.Quiet(), throw=False)
    done = snn.simulate(model, drive, **what)
    dense = {name: np.asarray(done[name].dense()) for name in names}
    return {
        name: dense.get(name, np.asarray(done[name])) if name in dense else np.asarray(done[name]) for name in record
    }


def mismatches(a, b):
    return sum(int(np.sum(a[name] != b[name])) for name in a)


@pytest.mark.parametrize("name", ["delays of receivers", "convolutions, biased"])
def test_forward_is_the_program(name):
    """Networks that Lava ran, at whole numbers."""
    program, x = case(name)
    names = [n for n in program.cells if n != "in"]
    ours = values(relax(program), x, "in", names)
    assert mismatches(ours, values(program, x, "in", names)) == 0
    assert ours["a"].sum() > 20 and np.abs(ours["a.v"]).max() > 1000


@pytest.mark.parametrize(("core", "seed"), [("loihi1", 3), ("lava", 5)])
def test_forward_is_the_program_where_registers_overflow(core, seed):
    """Random configurations of the core's oracle: refractory, delays, exponents of both signs, wraps."""
    given = loihi_cases.case(core, seed, ("mixed", "mixed"))
    program = from_oracle(given, max_delay=3)
    x = np.asarray(given["inputs"]["in"])
    ours, theirs = values(relax(program), x, "in", ["E"]), values(program, x, "in", ["E"])
    assert mismatches(ours, theirs) == 0 and ours["E"].sum() > 0


def moved(relaxed, by, seed):
    """Weights, thresholds, decays and biases moved off the whole numbers."""
    rng = np.random.default_rng(seed)
    for name, part in relaxed.named.items():
        for field in ("weight", "threshold", "decay_u", "decay_v", "bias"):
            if hasattr(part, field) and name != "in":
                x = getattr(part, field)
                relaxed = snn.set(relaxed, f"{name}.{field}", x + jnp.asarray(rng.normal(0.0, by, x.shape), x.dtype))
    return relaxed


def test_between_whole_numbers_it_is_the_program_that_it_rounds_to():
    program, x = case("recurrent")
    other = moved(relax(program), 3.0, seed=4)
    names = ["a", "b"]
    ours = values(other, x, "in", names)
    assert mismatches(ours, values(other.program, x, "in", names)) == 0
    assert mismatches(ours, values(program, x, "in", names)) > 0  # control: it did move
    weight = np.asarray(other.program.synapses["ina"].weight)
    assert np.all(weight % 2 == 0) and np.abs(weight - np.asarray(other["ina"].weight)).max() <= 1.0


def test_a_list_of_synapses_trains_those_that_exist():
    """Forward it is the program, between whole numbers too; there is a number for every synapse and for no other."""
    rng = np.random.default_rng(3)
    exists = rng.random((9, 6)) < 0.4
    weight = np.where(exists, rng.integers(-40, 60, (9, 6)) * 2, 0)
    cells = {"in": InputCells(9), "E": CubaCells(6, decay_u=900, decay_v=300, threshold=40)}
    listed = SparseSynapses.of(Synapses("in", "E", weight, 1), exists)
    other = moved(relax(loihi.program(cells, {"S": listed}, LavaCore())), 3.0, seed=4)
    x = rng.random((40, 9)) < 0.4
    ours = values(other, x, "in", ["E"])
    assert ours["E"].sum() > 5 and mismatches(ours, values(other.program, x, "in", ["E"])) == 0
    assert other["S"].weight.shape == (exists.sum(),) and isinstance(other.program.synapses["S"], SparseSynapses)
    dense = loihi.program(cells, {"S": Synapses("in", "E", weight, 1)}, LavaCore())
    assert mismatches(ours, values(dense, x, "in", ["E"])) > 0  # control: it did move


def test_gradients_are_those_without_rounding():
    """No spikes: `u`, `v` are linear, and the derivative is that of the real recursion, to a few roundings."""
    rng = np.random.default_rng(1)
    x = jnp.asarray(rng.random((20, 6)) < 0.4, jnp.float32)
    cells = {
        "in": InputCells(6),
        "E": CubaCells(3, decay_u=700, decay_v=300, threshold=131071, bias=5, bias_exponent=3),
    }
    link = Synapses("in", "E", rng.integers(-60, 60, (6, 3)) // 2 * 2, exponent=1)
    relaxed = relax(loihi.program(cells, {"S": link}, LavaCore()))

    def last(weight, bias, decay_u):
        where = lambda r: (r["S"].weight, r["E"].bias, r["E"].decay_u)
        model = eqx.tree_at(where, relaxed, (weight, bias, decay_u))
        done = snn.simulate(model, snn.Replay(x, into="in"), steps=20, key=jax.random.key(0), record=snn.Last("E.v"))
        return done.record @ jnp.arange(1.0, 4.0)

    def real(weight, bias, decay_u):
        u = v = jnp.zeros(3)
        before = jnp.zeros(3)
        for t in range(20):
            u = (1 - decay_u / 4096) * u + before
            v = (1 - 300 / 4096) * v + u + bias * 8
            before = x[t] @ weight * 2 * 64
        return v @ jnp.arange(1.0, 4.0)

    numbers = (jnp.asarray(link.weight, jnp.float32), jnp.float32(5.0), jnp.float32(700.0))
    ours, exact = (jax.jit(jax.grad(f, argnums=(0, 1, 2)))(*numbers) for f in (last, real))
    for a, b in zip(ours, exact):
        np.testing.assert_allclose(a, b, rtol=2e-3)
    assert np.abs(np.asarray(exact[0])).min() > 0


def test_a_clipped_number_can_come_back():
    x = jnp.array([-300.0, -2.9, 2.4, 400.0])
    y, slope = jax.vmap(jax.value_and_grad(lambda x: rounded(x, -256, 255, 2)))(x)
    assert y.tolist() == [-256, -2, 2, 254] and slope.tolist() == [1, 1, 1, 1]
    assert jax.grad(lambda x: straight_through(jnp.int32(7), 3 * x))(1.0) == 3.0


def test_training_through_the_integers_learns():
    """Two patterns, a hidden layer: from chance to all right, and the integer program has the very same answers."""
    rng = np.random.default_rng(0)
    rates = np.where(rng.random((2, 20)) < 0.5, 0.05, 0.35)
    labels = jnp.arange(24) % 2
    x = jnp.asarray(rng.random((24, 25, 20)) < rates[np.asarray(labels)][:, None], jnp.float32)
    cells = lambda n: CubaCells(n, decay_u=2048, decay_v=400, threshold=250)
    links = {
        "S": Synapses("in", "hid", rng.integers(-40, 60, (20, 16)) // 2 * 2),
        "T": Synapses("hid", "out", rng.integers(-60, 70, (16, 2)) // 2 * 2),
    }
    relaxed = relax(loihi.program({"in": InputCells(20), "hid": cells(16), "out": cells(2)}, links, Loihi1Core()))

    def counts(model, x):
        drive = snn.Replay(x, into="in")
        return snn.simulate(model, drive, steps=25, key=jax.random.key(0), record=snn.Count("out"), throw=False).record

    trained, fixed = eqx.partition(
        relaxed, jax.tree_util.tree_map_with_path(lambda p, x: "'S'" in str(p) or "'T'" in str(p), relaxed)
    )
    trained, rest = eqx.partition(trained, eqx.is_inexact_array)
    fixed = eqx.combine(fixed, rest)

    @eqx.filter_jit
    def right(model):
        out = jax.vmap(lambda x: counts(model, x))(x)
        return out, jnp.mean(jnp.argmax(out, 1) == labels)

    optimiser = optax.adam(2.0)

    @eqx.filter_jit
    def update(trained, state):
        def loss(trained):
            out = jax.vmap(lambda x: counts(eqx.combine(trained, fixed), x))(x)
            return optax.softmax_cross_entropy_with_integer_labels(0.5 * out, labels).mean()

        value, slope = jax.value_and_grad(loss)(trained)
        change, state = optimiser.update(slope, state)
        return optax.apply_updates(trained, change), state, value

    before = float(right(relaxed)[1])
    with jax.numpy_dtype_promotion("standard"):
        state = optimiser.init(trained)
        for _ in range(30):
            trained, state, _ = update(trained, state)
    model = eqx.combine(trained, fixed)
    out, accuracy = right(model)
    assert before <= 0.7 and accuracy == 1.0
    assert np.array_equal(out, right(model.program)[0])


def test_what_cannot_be_relaxed_is_named():
    link = LearningSynapses("in", "E", np.full((2, 2), 4), rule=LoihiRule("y0*2"))
    with refused("'S' is LearningSynapses", "expected InputCells"):
        relax(loihi.program({"in": InputCells(2), "E": CubaCells(2)}, {"S": link}))
