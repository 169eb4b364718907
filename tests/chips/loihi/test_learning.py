"""The learning engine is Lava's, bit for bit: frozen runs of 36 rules, and the NumPy oracle beyond them."""

import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxsnn as snn
from jaxsnn.chips import loihi
from jaxsnn.chips.loihi.cells import CubaCells
from jaxsnn.chips.loihi.cores import Excitatory, LavaCore
from jaxsnn.chips.loihi.learning.engine import LoihiRule
from jaxsnn.chips.loihi.learning.parse import parse_rule
from jaxsnn.chips.loihi.learning.rounding import Fraction, IndependentRounding, LavaRounding, NearestRounding
from jaxsnn.chips.loihi.learning.synapses import LearningSynapses
from jaxsnn.chips.loihi.learning.trace import LoihiTrace, ReceivedTrace
from jaxsnn.lowering.cells import InputCells
from tests.laws.test_exports import check
from tests.oracles.loihi_learning import WEIGHTS, Engine
from tests.refused import refused

GOLDEN = np.load(Path(__file__).parents[2] / "golden" / "lava_learning.npz")
CASES = json.loads(str(GOLDEN["cases"]))
NAMES = ("x1", "x2", "y1", "y2", "y3", "w", "t", "d")
STREAM = jnp.array([1, 2], jnp.uint32)


def table(rule):
    """A parsed rule as the golden file has it."""
    sign = lambda f: type(f).__name__ == "Sign"
    factors = lambda p: [[f.variable, int(f.constant), sign(f)] for f in p.factors]
    return [[p.dependency, int(p.mantissa), int(p.exponent), factors(p)] for p in rule.products]


def rule_of(case, steps, **change):
    case = {**case, **change}
    traces = {
        name: ReceivedTrace(name, tau) if name in case["received"] else LoihiTrace(impulse, tau)
        for name, (impulse, tau) in case["traces"].items()
    }
    strings = {name: case.get(name) for name in ("dw", "dt", "dd")}
    return LoihiRule(**strings, **traces, epoch=case["epoch"], rounding=LavaRounding(case["seed"], steps))


@eqx.filter_jit
def run(rule, bounds, start, pre, post, received):
    """Every variable after every step."""

    def step(s, now):
        t, pre, post, received = now
        modulators = {f"y{i + 1}": received[i] for i in range(3)}
        s = rule.step(s, pre, post, modulators, t, range=bounds, stream=STREAM)
        return s, s

    s = rule.init(*start)
    return lax.scan(step, s, (jnp.arange(len(pre), dtype=jnp.int32), pre, post, received))[1]


def golden(i):
    weight, tag, delay = GOLDEN[f"{i}_start"].astype(np.int32)
    steps = len(GOLDEN[f"{i}_x1"])
    spikes = np.unpackbits(GOLDEN[f"{i}_spikes"], axis=0, count=steps).astype(bool)
    received = GOLDEN[f"{i}_received"] if f"{i}_received" in GOLDEN else np.zeros((steps, 3, weight.shape[1]))
    return (weight, tag, delay), spikes[:, : len(weight)], spikes[:, len(weight) :], received.astype(np.int32)


def mismatches(i, **change):
    """Values that differ from Lava's, of how many."""
    start, pre, post, received = golden(i)
    kept = run(rule_of(CASES[i], len(pre), **change), WEIGHTS[CASES[i]["sign"]], start, pre, post, received)
    wrong = total = 0
    for name in NAMES:
        theirs = GOLDEN[f"{i}_{name}"].astype(np.int32)
        ours = np.asarray(getattr(kept, name))
        ours = ours[CASES[i]["epoch"] - 1 :: CASES[i]["epoch"]] if name in "wtd" else ours
        wrong, total = wrong + np.sum(ours != theirs), total + theirs.size
    return wrong, total


@pytest.mark.parametrize("i", range(20))  # a compile each; the oracle takes the others as well
def test_equals_lava_bit_for_bit(i):
    wrong, total = mismatches(i)
    assert wrong == 0 and total > 5000


@pytest.mark.parametrize("i", range(len(CASES)))
def test_the_oracle_equals_lava_bit_for_bit(i):
    case, epoch = CASES[i], CASES[i]["epoch"]
    numbers = dict(epoch=epoch, seed=case["seed"], names=case["received"], sign=case["sign"])
    kept = oracle(case["parsed"], case["traces"], *golden(i), **numbers)
    for name in NAMES:
        ours = kept[name][epoch - 1 :: epoch] if name in "wtd" else kept[name]
        assert np.array_equal(ours, GOLDEN[f"{i}_{name}"])


@pytest.mark.parametrize("i", range(len(CASES)))
def test_reads_rules_as_lava_does(i):
    for name, series in CASES[i]["parsed"].items():
        rule = parse_rule(CASES[i][f"d{name}"])
        assert table(rule) == series
        assert table(parse_rule(str(rule))) == series


CHANGES = {
    "random numbers": lambda case: {"seed": case["seed"] + 1},
    "time constants": lambda case: {"traces": {n: (add, tau * 1.01) for n, (add, tau) in case["traces"].items()}},
    "impulses": lambda case: {"traces": {n: (add + 1, tau) for n, (add, tau) in case["traces"].items()}},
    "their fractions": lambda case: {"traces": {n: (add + 0.3, tau) for n, (add, tau) in case["traces"].items()}},
    "a scale": lambda case: {"dw": case["dw"].replace("2^-4", "2^-3")},
    "a sign": lambda case: {"dw": case["dw"].replace(" - ", " + ")},
    "a dependency": lambda case: {"dw": case["dw"].replace("y0", "x0")},
    "how often": lambda case: {"dw": case["dw"].replace("u1", "u0")},
}


@pytest.mark.parametrize("changed", CHANGES)
def test_one_change_and_lava_differs(changed):
    """Negative controls, on `2^-4*y0*x1 - 2^-5*u1*w`."""
    wrong, _ = mismatches(1, **CHANGES[changed](CASES[1]))
    assert wrong > 5


def oracle(rules, traces, start, pre, post, received, *, epoch, seed=7, names=(), sign="mixed"):
    """Every variable after every step, by the NumPy oracle."""
    weight, tag, delay = start
    engine = Engine(rules, traces, weight, tag=tag, delay=delay, epoch=epoch, seed=seed, received=names, sign=sign)
    kept = {name: [] for name in NAMES}
    for t in range(len(pre)):
        engine.step(pre[t], post[t], {f"y{k + 1}": received[t][k] for k in range(3)})
        for name, value in (engine.synapse | engine.trace).items():
            kept[name].append(value)
    return {name: np.array(values) for name, values in kept.items()}


def test_equals_the_oracle_with_long_epochs_and_traces_without_decay():
    """What the frozen runs leave out: an epoch of 20 steps with many spikes, `tau` infinite, and impulses of 127."""
    rng = np.random.default_rng(5)
    start = rng.integers(-100, 101, (4, 9)), rng.integers(-9, 10, (4, 9)), rng.integers(0, 9, (4, 9))
    pre, post, received = rng.random((200, 4)) < 0.3, rng.random((200, 9)) < 0.3, np.zeros((200, 3, 9), int)
    traces = {"x1": (1.7, np.inf), "x2": (127.0, 63.0), "y1": (90.5, 200.0), "y2": (0.1, np.inf), "y3": (3.0, 0.0)}
    strings = {"dw": "2^-4*x0*(y1 - 3) - 2^-6*y0*(w + 9)*x2*2^3", "dt": "y0*x1 - u0*y2", "dd": "2^-2*x0*(y3 + 1)"}
    theirs = oracle(
        {k[1]: table(parse_rule(v)) for k, v in strings.items()}, traces, start, pre, post, received, epoch=20
    )
    given = {name: LoihiTrace(*numbers) for name, numbers in traces.items()}
    rule = LoihiRule(**strings, **given, epoch=20, rounding=LavaRounding(7, 200))
    ours = run(rule, (-256, 255), start, pre, post, received)
    assert all(np.array_equal(getattr(ours, name), theirs[name]) for name in NAMES)
    assert theirs["x1"][-1].max() > 5 and np.ptp(theirs["w"], axis=0).max() > 20


@pytest.mark.parametrize("tau", [0.0, 0.3, 1.5, 10.0, 33.3, 65535.0, np.inf])
def test_a_decay_rounds_like_double_precision(tau):
    """Floor and fraction of every product that there is, against float64."""
    trace, value = LoihiTrace(16, tau), np.arange(128, dtype=np.int32)
    with np.errstate(divide="ignore"):
        exact = value * np.exp(-1.0 / np.float64(tau))
    thresholds = np.append(np.arange(997) / 997, 1 - 2**-48)
    words = Fraction((thresholds * 2**24).astype(np.int32), (thresholds * 2**48).astype(np.int64) % 2**24)
    *ours, floor = np.asarray(
        jax.vmap(trace.decay, (None, 0))(value, jax.tree.map(lambda x: x.astype(np.int32), words))
    )
    assert np.array_equal(ours, floor + (thresholds[:-1, None] < exact % 1))
    assert trace.tau == pytest.approx(tau, rel=1e-9)


@pytest.mark.parametrize("impulse", [16.0, 20.25])
def test_own_rounding_is_unbiased(impulse):
    """The mean of many traces is what the formula without rounding says; Lava's rounds impulses up too often."""
    n, steps = 4000, 30
    pre = np.zeros((steps, n), bool)
    pre[[0, 7, 9]] = True
    exact, tau = 0.0, 9.0
    for t in range(steps):
        exact = exact * np.exp(-1 / tau) + impulse * pre[t, 0]

    def mean(rounding):
        rule = LoihiRule(dw="x0*x1", x1=LoihiTrace(impulse, tau), epoch=3, rounding=rounding)
        nothing = jnp.zeros((steps, 1), bool)
        kept = run(rule, (-256, 255), (jnp.zeros((n, 1), jnp.int32), None, None), pre, nothing, np.zeros((steps, 3, 1)))
        return np.asarray(kept.x1)[-1]

    ours = mean(IndependentRounding())
    assert abs(ours.mean() - exact) < 4 * ours.std() / np.sqrt(n) and ours.std() > 0.3
    assert mean(NearestRounding()).std() == 0.0 == mean(LavaRounding(3, steps)).std()


def test_any_two_synapses_round_independently():
    """All pairs of values of two synapses in a row, in a column or in neither are equally frequent; so in two steps."""
    draw = lambda name: lambda t: IndependentRounding().synapse(name, t, 1, (3, 4), stream=STREAM)
    steps = jnp.arange(40_000, dtype=jnp.int32)
    weights, tags = (np.asarray(jax.jit(jax.vmap(draw(name)))(steps)) for name in "wt")
    assert weights.min() == 0 and weights.max() == 127

    def excess(a, b):
        """Chi-square of 16 x 16 cells, in standard deviations."""
        counts = np.histogram2d(a // 8, b // 8, 16)[0]
        return (((counts - counts.mean()) ** 2).sum() / counts.mean() - 255) / np.sqrt(2 * 255)

    first = weights[:, 0, 0]
    others = [weights[:, 0, 1], weights[:, 1, 0], weights[:, 2, 3], tags[:, 0, 0], tags[:, 1, 1], np.roll(first, 1)]
    assert all(abs(excess(first, other)) < 4.5 for other in others)
    assert excess(first, first) > 100  # control


def test_numbers_of_a_rule_are_leaves():
    """Scales, constants and time constants in one compile, equal to each run alone."""
    start, pre, post, received = golden(1)
    taus = [3.0, 10.0, 40.0]
    lava = LavaRounding(1, len(pre))
    rules = [
        LoihiRule(f"2^{e}*y0*(x1 - {c}) - 2^-5*u1*w", x1=LoihiTrace(16, tau), epoch=2, rounding=lava)
        for e, c, tau in zip((-4, -3, -5), (1, 2, 3), taus)
    ]
    together = jax.tree.map(lambda *x: jnp.stack(x) if eqx.is_array(x[0]) else x[0], *rules)
    axes = eqx.if_array(0), None, None, None, None, None
    kept = eqx.filter_vmap(run, in_axes=axes)(together, (-256, 255), start, pre, post, received)
    for rule, w in zip(rules, kept.w):
        assert np.array_equal(run(rule, (-256, 255), start, pre, post, received).w, w)
    assert len({w.tobytes() for w in np.asarray(kept.w)}) == 3


@pytest.mark.parametrize(
    ("text", "at", "found"),
    [
        ("", 0, "the end"),
        ("2*x1", 0, "needs a dependency"),
        ("x0*z1", 3, "'z1'"),
        ("x0*(x1", 6, "the end"),
        ("u10*x0", 0, "'u10'"),
        ("x0*u1", 3, "depends on x0 already"),
        ("x0*sgn(x1)", 7, "sgn takes w, d or t"),
        ("x0*sgn(-w)", 7, "sgn takes w, d or t"),
        ("3^2*x0", 0, "only 2 has powers"),
        ("x0*(w+2^-3)", 4, "-256 ... 255"),
        ("x0*(x1 + 200)", 4, "-128 ... 127"),
        ("x0*(w+1+2)", 7, "expected )"),
        ("y0*x1 + 9*x0", 8, "its scale is 9 * 2^0"),
        ("2^-9*x0", 0, "an exponent of -7 ... 8"),
        ("x0 y0", 3, "'y0'"),
        ("x0*w*w*w*w", 0, "32 bits"),
        ("x0 $ 1", 3, "'$'"),
        ("x0*(3-5)", 4, "one constant to one variable"),
        ("u1*w - u2*w", 0, "one u"),
    ],
)
def test_what_is_no_rule_is_refused_where_it_goes_wrong(text, at, found):
    with refused(f"position {at}:", found):
        parse_rule(text)


def test_forms_that_mean_the_same():
    for forms in (
        ("y0*(w - 3)*x1", "y0*(-3 + w)*x1", "-y0*(3 - w)*x1", " y0 * (w-3) * x1 "),
        ("-2^-3*x0*y1", "(-1) * 2 ^ -3 * x0 * y1", "x0*(-y1)*2^-3", "2^+2*x0*y1*2^-5*(-1)"),
        ("4*2^2*x0", "16*x0", "2*x0*8", "2^4*x0*1"),
        ("x0*y0", "x0*(y0)", "(x0)*y0"),
    ):
        assert len({json.dumps(scaled(table(parse_rule(form)))) for form in forms}) == 1


def scaled(products):
    return [[p[0], p[1] * 2.0 ** p[2], p[3]] for p in products]


def test_bad_rules_and_traces_are_refused():
    with refused("without dw, dt and dd"):
        LoihiRule()
    with refused("The rules read x1", "x1=LoihiTrace(impulse, tau)"):
        LoihiRule("y0*x1")
    with refused("epoch is 64", "1 to 63"):
        LoihiRule("y0*2", epoch=64)
    with refused("x1 is ReceivedTrace('reward')", "y1 y2 y3"):
        LoihiRule("y0*x1", x1=ReceivedTrace("reward"))
    with refused("depend on u0, u1", "one u"):
        LoihiRule("u0*w", "u1*t")
    with refused("LoihiTrace.tau is -1", "0 or more"):
        LoihiTrace(16, -1.0)
    with refused("LoihiTrace.impulse is 128", "at most 127"):
        LoihiTrace(128, 2.0)


def test_says_what_a_product_is_worth():
    """Two traces count an eighth, three 2^-10: Lava's scaling, measured on an engine that rounds to nearest."""
    for text, expected in (("x0*y1", 1.0), ("y0*x1*y2", 2.0**-3), ("u0*t*y2", 2.0**-5), ("x0*x1*y1*y2", 2.0**-10)):
        assert parse_rule(text).products[0].scale == expected
    rule = LoihiRule("2^5*x0*x1*y1", x1=LoihiTrace(64, np.inf), y1=LoihiTrace(96, np.inf), rounding=NearestRounding())
    fired = jnp.ones((1, 1), bool)
    kept = run(rule, (-256, 255), (jnp.zeros((1, 1), jnp.int32), None, None), fired, fired, jnp.zeros((1, 3, 1)))
    assert kept.w.item() == 255  # 2^5 * 64 * 96 / 8, saturated
    small = eqx.tree_at(lambda r: r.dw.products[0].exponent, rule, jnp.int32(-4))
    kept = run(small, (-256, 255), (jnp.zeros((1, 1), jnp.int32), None, None), fired, fired, jnp.zeros((1, 3, 1)))
    assert kept.w.item() == 64 * 96 / 16 / 8


def learning_program(core, rule, weight, exponent=0, threshold=30):
    n_pre, n_post = weight.shape
    cells = {"in": InputCells(n_pre), "E": CubaCells(n_post, decay_u=512, decay_v=256, threshold=threshold)}
    return loihi.program(cells, {"S": LearningSynapses("in", "E", weight, rule=rule, exponent=exponent)}, core())


@pytest.mark.parametrize("exponent", [0, -2, 1])
def test_a_program_learns_as_both_oracles_say(exponent):
    """In `simulate`, with weights that feed back on spikes: the core's oracle for u and v, the engine's for weights."""
    rng = np.random.default_rng(3)
    weight, steps = rng.integers(-60, 100, (12, 6)) // 2 * 2, 150
    x = rng.random((steps, 12)) < 0.2
    traces = {"x1": (20.0, 6.0), "y1": (24.5, 9.0)}
    text = "2^-2*y0*x1 - 2^-3*x0*y1"
    rule = LoihiRule(text, **{k: LoihiTrace(*v) for k, v in traces.items()}, epoch=3, rounding=LavaRounding(11, steps))
    program = learning_program(LavaCore, rule, weight, exponent, threshold=int(60 * 2.0**exponent))
    kept = snn.simulate(
        program,
        snn.Replay(x.astype(np.float32), into="in"),
        steps=steps,
        key=jax.random.key(0),
        record={"w": snn.Trace("S.w"), "x1": snn.Trace("S.x1"), "u": snn.Trace("E.u"), "s": snn.Raster("E")},
        progress=snn.progress.Quiet(),
    )
    post = np.asarray(kept["s"].dense()).astype(bool)
    engine = Engine({"w": table(parse_rule(text))}, traces, weight, epoch=3, seed=11)
    u, arrived = np.zeros((2, 6), np.int64)
    for t in range(steps):
        a = (arrived << exponent if exponent >= 0 else arrived >> -exponent) << 6
        u = np.sign(u) * ((np.abs(u) * (4096 - 512)) >> 12) + a
        arrived = engine.synapse["w"].T @ x[t]  # carried by weights before the epoch's update
        engine.step(x[t], post[t])
        assert np.array_equal(kept["u"][t], u)
        assert np.array_equal(kept["w"][t], engine.synapse["w"]) and np.array_equal(kept["x1"][t], engine.trace["x1"])
    assert 60 < post.sum() < 0.9 * post.size and np.ptp(np.asarray(kept["w"]), axis=0).max() > 20


class Reward(snn.drives.AbstractDrive):
    """A modulator that is on from step 50."""

    def step(self, d, t, signals, *, key):
        return d, snn.simulation.Inputs(modulators={"reward": jnp.where(t >= 50, 100, 0)})


def test_reward_opens_learning():
    """Three factors: tags remember pairs, weights move only when the reward comes, and by what tags say."""
    rng = np.random.default_rng(4)
    x = (rng.random((100, 5)) < 0.3).astype(np.float32)
    rule = LoihiRule(
        "2^2*u0*t*y2",
        "2^-1*y0*x1 - 2^-4*u0*t",
        x1=LoihiTrace(30, 5.0),
        y2=ReceivedTrace("reward"),
        epoch=2,
        rounding=NearestRounding(),
    )
    program = learning_program(LavaCore, rule, np.full((5, 3), 40))
    run = lambda drive: snn.simulate(
        program,
        drive,
        steps=100,
        key=jax.random.key(0),
        record={"w": snn.Trace("S.w"), "t": snn.Trace("S.t")},
        progress=snn.progress.Quiet(),
    )
    kept = run(snn.Replay(x, into="in") + Reward())
    w, tags = np.asarray(kept["w"]), np.asarray(kept["t"])
    assert np.all(w[:50] == 40) and tags[:50].max() > 5 and np.any(w[60:] != 40)
    with refused("ReceivedTrace('reward')", "modulators none"):
        run(snn.Replay(x, into="in"))


def test_weights_that_are_not_stored_are_refused():
    rule = LoihiRule("y0*2")
    with refused("SignedWeights() does not store", "even whole numbers from -256 to 255"):
        learning_program(LavaCore, rule, np.array([[3]]))
    with refused("LearningSynapses.weight is -2", "from 0 to 255"):
        LearningSynapses("a", "b", np.array([[-2]]), rule=rule, sign=Excitatory())
    with refused("tag has shape (2, 2)", "(1, 1)"):
        LearningSynapses("a", "b", np.array([[2]]), rule=rule, tag=np.zeros((2, 2)))


def test_learning_exports():
    """Without 64-bit types, callbacks or large constants."""
    rule = LoihiRule("2^-2*y0*x1 - 2^-3*x0*y1 + u1*w", x1=LoihiTrace(20, 6.0), y1=LoihiTrace(24.5, 9.0), epoch=4)
    program = learning_program(LavaCore, rule, np.zeros((64, 48), np.int32))
    arrays, rest = eqx.partition(program, eqx.is_array)

    def learned(arrays, key):
        program = eqx.combine(arrays, rest)
        return snn.simulate(program, steps=20, key=key, record={"w": snn.Last("S.w")}, throw=False)["w"]

    check(learned, arrays, jax.random.key(0))
