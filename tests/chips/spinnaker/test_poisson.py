"""Poisson sources on cores are the shipped program of the release, bit for bit."""

import functools
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import spinnaker
from jaxsnn.chips.spinnaker import variates
from jaxsnn.chips.spinnaker.account import got
from jaxsnn.chips.spinnaker.jkiss import Jkiss
from jaxsnn.chips.spinnaker.poisson import SCALE, Means, PoissonCells, in_turn, means, spaced
from jaxsnn.chips.spinnaker.sources import PoissonSource, clock_of
from tests.refused import refused

HERE = Path(__file__).parents[2] / "golden" / "spinnaker"
FOREVER = 2.0**32 - 1


@functools.cache
def golden():
    """The recorded runs (tests/oracles/spinnaker_poisson.py)."""
    with np.load(HERE / "poisson.npz") as file:
        return {key: file[key] for key in file.files}


@functools.cache
def host():
    """What the host software does (tests/oracles/spinnaker_host.py)."""
    return json.loads((HERE / "host.json").read_text())


def jkiss(seed, count, carries=True):
    """The generator in whole numbers of Python, as it is published. Control: without its carry."""
    x, y, z, c = map(int, seed)
    for _ in range(count):
        x = (314527869 * x + 1234567) % 2**32
        y ^= y << 5 & 0xFFFFFFFF
        y ^= y >> 7
        y ^= y << 22 & 0xFFFFFFFF
        product = 4294584393 * z + (c if carries else 0)
        z, c = product % 2**32, product >> 32
        yield (x + y + z) % 2**32


def test_the_generator_is_jkiss():
    seed, theirs = golden()["seeds"][0], golden()["uniform"]
    state = Jkiss(*map(jnp.asarray, seed))
    state, ours = jax.jit(lambda s: jax.lax.scan(lambda s, _: s.drawn(), s, None, len(theirs)))(state)
    assert len(theirs) == 4096 and np.sum(np.asarray(ours) != theirs) == 0
    assert list(map(int, state)) == golden()["uniform end"].tolist()
    assert list(jkiss(seed, 4096)) == theirs.tolist()
    assert np.mean(np.array(list(jkiss(seed, 4096, carries=False))) != theirs) > 0.99


def test_exponential_variates():
    """A slow source of 1 Hz that draws the time to its next spike 4 096 times."""
    of = Means(jnp.zeros((1, 1), jnp.uint32), jnp.zeros((1, 1), jnp.int32), jnp.full((1, 1), 1000, jnp.uint32))

    def variate(state, _):
        state, time, _ = in_turn(state, jnp.ones((1, 1), bool), jnp.zeros((1, 1), jnp.uint32), of, 0)
        return state, time[0, 0]

    state = Jkiss(*(jnp.asarray(x)[None] for x in golden()["seeds"][1]))
    state, times = jax.jit(lambda s: jax.lax.scan(variate, s, None, 4097))(state)  # the first when it was loaded
    theirs = golden()["time to spike"]
    assert len(theirs) == 4096 and np.sum(np.asarray(times)[1:] != theirs) == 0
    assert [int(x[0]) for x in state] == golden()["exponential end"].tolist()
    exponential = golden()["exponential"]
    assert np.array_equal(1000 * np.asarray(jax.jit(spaced)(exponential.astype(np.int32))), theirs)
    assert np.mean(1000 * (exponential * SCALE // 2**15) != theirs) > 0.4  # control: floored
    assert abs(np.mean(exponential / 2**15) - 1) < 4 / 64


def test_normal_variates_and_square_roots():
    table = variates.normal_table()
    assert table[0] == golden()["normal first"] and np.sum(np.diff(table) != golden()["normal steps"]) == 0
    root = jax.jit(variates.square_root)
    assert np.sum(np.asarray(root(golden()["squares"])) != golden()["roots"]) == 0
    m = np.arange(405, 2**15)
    short = np.unpackbits(golden()["exact roots are short"])[: m.size]
    assert np.array_equal(m * 2**8 - np.asarray(root((2 * m * m).astype(np.int32))), short)
    assert 0.1 < short.mean() < 0.3  # control: the floor is another number for these


@pytest.mark.parametrize("k", range(3))
def test_what_the_program_computes_of_rates_and_times(k):
    """400 rates from 0 to 63 000 Hz, starts and durations, as the host would be given them."""
    dt, theirs = float(golden()["dt"][k]), golden()["registers"][k]
    rate, start, length = (golden()[key] for key in ("rates", "starts", "lengths"))
    cells = PoissonSource(rate, seed=0, start=start * dt, duration=length * dt).cells(len(rate), dt)
    assert [np.sum(np.asarray(x) != theirs[:, j]) for j, x in enumerate((cells.start, cells.end))] == [0, 0]
    exact = cells_of(rate, np.zeros_like(rate), np.full_like(rate, FOREVER), golden()["seeds"][0], dt)
    left, root, interval = map(np.asarray, computed(exact))
    assert [np.sum(x != theirs[:, 4 + j]) for j, x in enumerate((left, 2 * root, interval))] == [0, 0, 0]
    assert np.array_equal((left > 0) | (root > 0), theirs[:, 3])
    ours, theirs = (np.asarray(x.rate, float) for x in (cells, exact))  # of floats with 24 bits, and with 53
    assert np.all(np.abs(ours - theirs) <= 1 + theirs * 2.0**-24)


def cells_of(rate, start, length, seed, dt, **more):
    """Cells with the words that the host writes for floats of 64 bits."""
    words = (np.round(rate * 2.0**32).astype(np.uint64) >> np.uint64(16)).astype(np.uint32)
    end = np.where(length == FOREVER, 2**31 - 1, np.round((start + np.minimum(length, 1e6)) / dt))
    per_step, per_ms = clock_of(dt)
    given = dict(start=np.round(start / dt), end=end, per_step=per_step, per_ms=per_ms)
    return PoissonCells(len(rate), rate=words, seed=np.atleast_2d(seed), **given, **more)


@jax.jit
def computed(cells):
    """What the program computes of rates."""
    return means(cells.rate, cells.per_step, cells.per_ms)


@functools.partial(jax.jit, static_argnums=1)
def ran(cells, steps):
    """The first state, the last one, and what was sent."""
    ready, first = cells.prepare({}), cells.init()
    step = lambda s, t: ready.step(s, None, None, t, stream=None)[:2]
    last, sent = jax.lax.scan(step, first, jnp.arange(steps, dtype=jnp.int32))
    return first, last, sent


def test_poisson_variates():
    """Eight cores of one source each, from 15 to 65 535 Hz, 4 096 steps: by products, and by normal variates."""
    rate, theirs, seeds = golden()["poisson rates"], golden()["poisson"], golden()["seeds"]
    alone = cells_of(rate, 0 * rate, 0 * rate + FOREVER, seeds[np.arange(8) % 2], 1.0, sources=1)
    _, last, sent = ran(alone, len(theirs))
    assert theirs.shape == (4096, 8) and np.sum(np.asarray(sent) != theirs, axis=0).tolist() == [0] * 8
    assert np.array_equal(last.generator, golden()["poisson end"])
    mean, error = theirs.mean(axis=0) * 1e3, theirs.std(axis=0) * 1e3 / 64
    found = got(computed(alone), 1.0)
    assert np.all(np.abs(mean - found) < 4 * error)
    assert np.all((np.abs(mean - rate) > 3 * error)[[4, 5, 7]])  # control: as asked


def mixed(k):
    g = golden()
    return cells_of(*(g[f"core{k} {key}"] for key in ("rate", "start", "length")), g["seeds"][k % 2], float(g["dt"][k]))


@pytest.mark.parametrize("k", range(3))
def test_a_core_of_sources_of_all_kinds(k):
    """30, 33 and 64 sources of one generator, slow and fast in any order, that begin and end: 1 000 steps."""
    first, last, sent = ran(cells := mixed(k), 1000)
    before, theirs, after = (golden()[f"core{k} {key}"] for key in ("first", "sent", "last"))
    slow = before[:, 3] == 0
    assert np.array_equal(np.asarray(first.waits)[slow], before[slow, 7]) and 3 < slow.sum() < len(slow) - 3
    assert np.sum(np.asarray(sent) != theirs) == 0 and theirs.sum() > 20_000 and (theirs[:, slow] > 0).any()
    assert np.array_equal(np.asarray(last.waits)[slow], after[slow, 7])
    assert np.asarray(last.generator)[0].tolist() == golden()[f"core{k} end"].tolist()
    if k == 0:  # control: the order of sources, and where methods meet
        backwards = eqx.tree_at(lambda c: (c.rate, c.start, c.end), cells, replace_fn=lambda x: x[::-1])
        assert np.mean(np.asarray(ran(backwards, 1000)[2])[:, ::-1] != theirs) > 0.1


def test_seeds_are_those_of_the_host():
    for dt in ("1.0 ms", "0.1 ms"):
        assert spinnaker.source_seeds(3, 3).tolist() == host()[dt]["seeds"]
    assert spinnaker.source_seeds(4, 3).tolist() != host()["1.0 ms"]["seeds"]
    for wrong, why in ((-1, "seed = -1"), (True, "seed = True"), (2**32, "seed = 4294967296")):
        with refused(f"{why}; expected a whole number from 0 to 4294967295"):
            spinnaker.source_seeds(wrong)
    with refused("cores = 0; expected a whole number from 1"):
        spinnaker.source_seeds(1, 0)


def test_more_spikes_than_an_amplitude_holds_are_cut_and_said():
    seed = golden()["seeds"][:1]
    cells = PoissonCells(1, rate=3000 << 16, seed=seed, message_bits=2)
    step = jax.jit(lambda s, t: cells.step(s, None, None, t, stream=None))
    state, seen = jax.jit(lambda c: c.init())(cells), []
    for t in range(30):
        state, sent, status = step(state, jnp.int32(t))
        seen.append((int(sent[0]), int(status)))
    theirs = np.asarray(ran(PoissonCells(1, rate=3000 << 16, seed=seed), 30)[2])[:, 0]
    assert seen == [(min(x, 3), 128 * int(x > 3)) for x in theirs] and theirs.max() > 3


def test_a_seed_that_the_generator_cannot_have_sets_a_status_where_it_is_traced():
    made = lambda seed: snn.lowering.Program({"in": PoissonCells(1, rate=1 << 16, seed=seed)}, {})
    faulty = jax.jit(lambda seed: made(seed).faulty())
    assert [bool(faulty(np.array([[1, y, 1, c]], np.uint32))) for y, c in ((1, 1), (0, 1), (1, 0))] == [0, 1, 1]


def test_wrong_words_are_refused():
    seed = golden()["seeds"][:1]
    for given, why in (
        (dict(rate=1.5), "Got 1.5 for words of 32 bits"),
        (dict(rate=-1), "Got -1 for words of 32 bits"),
        (dict(rate=2**32), "Got 4294967296 for words"),
        (dict(rate=1, seed=seed[0]), r"seed has shape (4,); expected (1, 4)"),
        (dict(rate=1, seed=[[1, 0, 1, 1]]), "a y of 0"),
        (dict(rate=1, seed=[[1, 1, 1, 698769069]]), "a c outside 1 to 698769068"),
        (dict(rate=1, per_ms=2**23), "per_ms is 8388608"),
        (dict(rate=1, ports={"in": 1.0}), "have ports in; expected none"),
        (dict(rate=1, message_bits=17), "message_bits is 17; expected 1 to 16"),
        (dict(rate=np.ones(3, int)), "rate has shape (3,)"),
        (dict(rate=1, end=-1), "end is -1; expected whole numbers from 0"),
    ):
        with refused(why):
            PoissonCells(2, **{"seed": seed, **given})
