"""Thresholds with noise by hand, statistics of the random modes, collisions, ranges, and what is refused."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import truenorth
from jaxsnn.chips.truenorth.arithmetic import compared, leaked
from tests.oracles import truenorth_core as oracle
from tests.refused import refused

EACH, STEPS = 100, 1000  # neurons of a kind, steps: 10^5 draws
WEIGHTS, LEAKS, BITS = (0, 1, -40, 127, 255), (1, -64, -256, 200), (3, 8)


def test_thresholds_by_hand():
    """Both signs, every reset, the value at and one off each threshold, with and without noise and saturation."""
    alpha, beta, reset = 20, 12, 5
    near = [x + d for eta in (0, 7) for x in (alpha + eta, -beta - eta, -beta) for d in (-1, 0, 1)]
    cases = np.array([*itertools.product(sorted({*near, 0, 500, -500}), (0, 7), range(3), (0, 1))])
    v, eta, mode, saturates = cases.T
    for rules in (truenorth.Published(), truenorth.Ranc(inclusive=False), truenorth.Ranc()):
        ends = [jnp.asarray(x, jnp.int32) for x in (alpha, beta, reset)]
        given = [jnp.asarray(x, jnp.int32) for x in (v, eta, mode, saturates)]
        mine = jax.jit(compared, static_argnums=7)(given[0], given[1], *ends, given[2], given[3], rules)
        theirs = [
            oracle.compare(a, alpha, beta, reset, m, k, eta=e, inclusive=getattr(rules, "inclusive", False))
            for a, e, m, k in cases.tolist()
        ]
        assert np.array_equal(np.stack(mine, axis=1), theirs)
    hand = {(27, 7, 1, 0): (0, 1), (26, 7, 1, 0): (26, 0), (-19, 7, 1, 0): (-19, 0), (-20, 7, 1, 0): (-1, 0)}
    hand |= {(-13, 7, 1, 1): (-12, 0), (-20, 7, 0, 0): (-5, 0), (-20, 7, 2, 0): (-20, 0), (20, 0, 0, 1): (5, 1)}
    for (a, e, m, k), want in hand.items():
        assert oracle.compare(a, alpha, beta, reset, m, k, eta=e) == want


def test_a_leak_that_reverses():
    v = np.arange(-4, 5)
    mine = lambda lam, rules: leaked(jnp.asarray(v), jnp.int32(lam), jnp.int32(1), rules).tolist()
    for lam, ringing in itertools.product((-3, 3), (True, False)):
        rules = truenorth.Published(ringing=ringing)
        assert mine(lam, rules) == [oracle.leak(int(x), lam, reversal=1, ringing=ringing) for x in v]
    assert mine(-3, truenorth.Published()) == [-1, 0, 1, 2, 0, -2, -1, 0, 1]  # rings around 0
    assert mine(-3, truenorth.Published(ringing=False)) == [-1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert mine(3, truenorth.Published()) == [-7, -6, -5, -4, 0, 4, 5, 6, 7]


# --- random modes -----------------------------------------------------------------------------------------------------


def random_program(lowest):
    """Groups of neurons with one weight, one leak, or one mask of the threshold that is random, an axon each."""
    kinds = len(WEIGHTS) + len(LEAKS) + len(BITS)
    of = lambda first, values: np.repeat([0] * first + [*values] + [0] * (kinds - first - len(values)), EACH)
    weight, leak, bits = (
        of(first, x) for first, x in ((0, WEIGHTS), (len(WEIGHTS), LEAKS), (len(WEIGHTS) + len(LEAKS), BITS))
    )
    n, noisy = kinds * EACH, bits > 0
    cells = truenorth.CoreCells.of(
        np.eye(n, dtype=int),
        np.zeros(n, int),
        np.tile(weight, (4, 1)),
        np.where(noisy, 0, 2**18 - 1),
        leak=leak,
        v_start=np.where(noisy, 2 ** (bits - np.minimum(bits, 1)) - 1, 0),
        reset_mode=2,
        random_weight=np.ones((4, n), int),
        random_leak=1,
        noise_bits=bits,
        rules=truenorth.Published(lowest=lowest),
    )
    routes = truenorth.Routes("in", "E", np.arange(n), axons=n)
    return snn.lowering.Program({"in": snn.lowering.InputCells(n), "E": cells}, {"in to E": routes})


@functools.cache
def drawn(lowest, key=0):
    """Changes of the potential, and spikes, `(STEPS, kinds, EACH)`: a spike at every axon in every step."""
    program = random_program(lowest)
    n = program.cells["E"].n
    run = snn.simulate(
        program,
        snn.Replay(np.ones((STEPS + 1, n), np.float32), into="in"),
        steps=STEPS + 1,
        key=jax.random.key(key),
        record={"v": snn.Trace("E.v"), "s": snn.Trace("E.sent")},
        progress=snn.simulation.Quiet(),
    )
    v, s = np.asarray(run["v"]), np.asarray(run["s"])
    return np.diff(v, axis=0).reshape(STEPS, -1, EACH), s[1:].reshape(STEPS, -1, EACH)


def within(hits, p):
    """Frequencies within 4 standard errors; and what every step has in common, which independent neurons have not."""
    count, total = hits.sum(), hits.size
    if p in (0.0, 1.0):
        return count == p * total
    mean = abs(count - p * total) < 4 * np.sqrt(total * p * (1 - p))
    by_step = hits.sum(axis=1) - EACH * p
    spread = np.mean(by_step**2) / (EACH * p * (1 - p))  # 1, with a standard error of sqrt(2 / STEPS)
    return mean and abs(spread - 1.0) < 5 * np.sqrt(2.0 / STEPS)


@pytest.mark.parametrize("lowest", [0, 1])
def test_random_modes_have_their_probabilities(lowest):
    """10^5 draws of each; the convention that a program does not have is the negative control."""
    change, spikes = drawn(lowest)
    p = lambda s, lowest: min(1.0, (abs(s) + 1 - lowest) / 256) if s else 0.0
    for k, s in enumerate((*WEIGHTS, *LEAKS)):
        assert set(np.unique(change[:, k])) <= {0, np.sign(s)}
        assert within(change[:, k] != 0, p(s, lowest)), s
    assert not within(change[:, 1] != 0, p(1, 1 - lowest))
    assert not within(np.repeat(change[:, 3, :1] != 0, EACH, axis=1), p(127, lowest))  # the same draw for all
    for k, bits in enumerate(BITS, len(WEIGHTS) + len(LEAKS)):
        assert within(spikes[:, k] == 1, 0.5), bits  # eta <= 2^(bits - 1) - 1


def test_a_key_is_a_run():
    again, other = drawn.__wrapped__(0), drawn.__wrapped__(0, 1)
    assert all(np.array_equal(a, b) for a, b in zip(drawn(0), again, strict=True))
    assert not np.array_equal(drawn(0)[0], other[0])


# --- what is counted, and refused -------------------------------------------------------------------------------------


def small(**more):
    return truenorth.CoreCells.of([[1, 0], [1, 1], [0, 1]], [0, 1, 3], np.full((4, 2), 100), 50, **more)


def test_collisions_and_overflows_are_counted():
    """Three spikes at an axon are one, and two are lost; a potential that grows without end leaves its 20 bits."""
    two = np.array([0, 0, 0, 2])
    cells = {"in": snn.lowering.InputCells(4), "E": small(reset_mode=2, v_start=2**19 - 250, negative=0)}
    program = snn.lowering.Program(cells, {"r": truenorth.Routes("in", "E", two, [1, 1, 1, 2], axons=3)})
    x = np.zeros((4, 4), np.float32)
    x[0] = 1
    run = snn.simulate(
        program,
        snn.Replay(x, into="in"),
        steps=4,
        key=jax.random.key(0),
        record={key: snn.Trace(f"E.{key}") for key in ("v", "merged", "overflowed")},
        throw=False,
        progress=snn.simulation.Quiet(),
    )
    assert np.asarray(run["merged"]).tolist() == [[0, 0, 0], [2, 0, 0], [2, 0, 0], [2, 0, 0]]
    assert (np.asarray(run["v"])[:, 0] - 2**19 + 250).tolist() == [0, 100, 100, 100]
    assert (np.asarray(run["v"])[:, 1] - 2**19 + 250).tolist() == [0, 0, 100, 100]
    assert np.asarray(run["overflowed"]).sum() == 0
    assert snn.Status(int(run.status)) == snn.Status.INPUT_OVERFLOW
    higher = snn.lowering.Program({**cells, "E": small(reset_mode=2, v_start=2**19 - 1)}, program.synapses)
    assert not snn.lowering.bounds(higher)["E"]["voltage"].proved
    assert snn.lowering.bounds(snn.lowering.Program({"E": small()}, {}))["E"]["voltage"].proved


def test_a_program_is_a_file(tmp_path):
    program = random_program(1)
    snn.lowering.save_program(program, tmp_path / "p.npz")
    again = snn.lowering.load_program(tmp_path / "p.npz")
    assert jax.tree.structure(again) == jax.tree.structure(program)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(program), strict=True))
    assert "crossbar bits" in snn.lowering.summary(program) and "delivery ticks 1" in snn.lowering.summary(program)


def test_what_a_core_does_not_hold_is_refused():
    for given, said in (
        ({"threshold": 2**18}, "threshold is 262144; expected whole numbers from 0 to 262143"),
        ({"leak": 256}, "leak is 256"),
        ({"reset_mode": 3}, "reset_mode is 3"),
        ({"random_weight": np.full((4, 2), 2)}, "random_weight"),
        ({"weight": np.full((4, 2), 256)}, "expected -256 .. 255"),
        ({"weight": np.zeros((3, 2))}, "weight has shape (3, 2); expected (4, 2)"),
        ({"axon_type": [0, 1, 4]}, "axon_type"),
        ({"ports": {"in": 1.0}}, "the host feeds axons"),
    ):
        base = dict(crossbar=np.ones((3, 2)), axon_type=[0, 1, 3], weight=np.zeros((4, 2), int), threshold=1)
        with refused("CoreCells", said):
            truenorth.CoreCells.of(**{**base, **given})
    with refused("tick is 16", "1 to 15"):
        truenorth.Routes("a", "b", [0, 1], truenorth.Ranc().steps(np.array([0, 15])), axons=2)
    with refused("axon is 2"):
        truenorth.Routes("a", "b", [0, 2], axons=2)
    with refused("lowest is 2; expected 0 or 1"):
        truenorth.Published(lowest=2)
    with refused("receivers InputCells", "CoreCells"):
        cells = {"a": snn.lowering.InputCells(2), "b": snn.lowering.InputCells(2)}
        snn.lowering.Program(cells, {"r": truenorth.Routes("a", "b", [0, 1], axons=2)})
