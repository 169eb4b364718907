"""Law (g): matrix, list, loop over spikes, rounds of a batch and kernels of a GPU put the same arrivals into the same
slots as brute force.

Weights are multiples of 1/8, so that every order of summation gives the same sum and equality is exact.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn._bits import pack
from jaxsnn.connectivity import batch, dense, events, gpu, merge, ring, sparse
from jaxsnn.connectivity.graph import SparseGraph, row_starts
from jaxsnn.connectivity.ring import Ring
from jaxsnn.connectivity.spikes import Spikes, side_by_side
from tests.elsewhere import as_accelerators
from tests.laws.registry import DT

N_PRE, RING = 40, Ring(slots=7, width=15)


def rows(seed):
    """Forty rows of 0 to 24 synapses (most of them short, some empty), with three places of padding behind the last."""
    rng = np.random.default_rng(seed)
    length = np.where(rng.random(N_PRE) < 0.25, 0, rng.integers(0, 6, N_PRE))
    length[[3, 17, N_PRE - 1]] = 24, 23, 9
    start = np.concatenate([[0], np.cumsum(length)]).astype(np.int32)
    pre = np.concatenate([np.repeat(np.arange(N_PRE), length), [N_PRE] * 3]).astype(np.int32)
    place = rng.integers(0, RING.size, len(pre)).astype(np.int32)  # any delay, any port
    return start, pre, place, (rng.integers(-40, 41, len(pre)) / 8).astype(np.float32)


def same_size(*several):
    """Rows of several graphs, with padding up to the longest, so that they can be a batch."""
    most = max(len(pre) for _, pre, _, _ in several)

    def padded(x, value):
        return np.concatenate([x, np.full(most - len(x), value, x.dtype)])

    return [(s, padded(pre, N_PRE), padded(place, 0), padded(w, 1.0)) for s, pre, place, w in several]


def moment(seed, most=12):
    """A ring that is not empty, the spikes of a step (some of them graded), and where its slot begins."""
    rng = np.random.default_rng(seed)
    spikes = np.zeros(N_PRE, np.float32)
    fired = rng.choice(N_PRE, rng.integers(1, most + 1), replace=False)
    spikes[fired] = rng.choice([1.0, 1.0, 2.0, 0.5], len(fired))
    spikes[3] = 1.0
    buffer = (rng.integers(-8, 9, RING.size) / 8).astype(np.float32)
    return buffer, spikes, np.int32(rng.integers(RING.slots) * RING.width)


def brute_force(buffer, spikes, slot, start, pre, place, weight):
    out = buffer.astype(float)
    for i in range(N_PRE):
        for e in range(start[i], start[i + 1]):
            out[(slot + place[e]) % RING.size] += spikes[i] * weight[e]
    return out


def case(seed):
    return *moment(seed), *rows(seed)


def way(function, **static):
    """A way to deliver, of the arguments of a case."""

    def called(buffer, spikes, slot, start, pre, place, weight, *size):
        given = sparse.Delivery(buffer, spikes, pack(spikes), slot, start, place, weight, pre=pre)
        return function(given, *size, ring=RING, **static)

    return called


EVERYTHING = jax.jit(way(sparse._everything))


@pytest.mark.parametrize("width", [24, 5, 1])
def test_loop_over_spikes(width):
    """The CPU's way, with rows longer than what is handled at once, against brute force; so the differentiable way."""
    loop = jax.jit(way(sparse._rows_of_spikes, width=width))
    for seed in range(4):
        given = case(seed)
        expected = brute_force(*given)
        for deliver in (loop, EVERYTHING):
            np.testing.assert_array_equal(deliver(*map(jnp.asarray, given)), expected)
        late = (*given[:2], (given[2] + RING.width) % RING.size, *given[3:])
        assert np.any(brute_force(*late) != expected)  # control: a slot too late is seen


@pytest.mark.parametrize("delays", [False, True], ids=["places", "delays"])
@pytest.mark.parametrize("width", [24, 5])
def test_lists_of_a_batch(width, delays):
    """Rounds of a few spikes, and the kernel of a GPU as it is interpreted, for one instance and for a batch in which
    any argument is shared or everybody's own; with more spikes than a round has, and longer rows than are read at once.
    """
    graphs = same_size(*(rows(seed) for seed in range(3)))
    several = [(*moment(seed), *graphs[seed]) for seed in range(3)]
    assert max(np.count_nonzero(one[1]) for one in several) > batch._SPIKES
    static = dict(ring=RING, width=width)
    kernel = jax.jit(lambda given, size: gpu.add_rows(given, size=size, **static, interpret=True), static_argnums=1)
    rounds = jax.jit(lambda given, size: batch.for_a_batch(given, size, **static), static_argnums=1)
    ways = [(*[moments] * 3, *[graph] * 4) for moments, graph in itertools.product((False, True), repeat=2)]
    ways += [(True, True, False, False, False, False, True)]  # weights of their own on one graph
    for own in ways if not delays else ways[1:2]:
        mine = [[one[a] if mine else several[0][a] for a, mine in enumerate(own)] for one in several]
        size = 3 if any(own) else 1
        buffer, spikes, slot, start, _, place, weight = (
            jnp.asarray(np.stack([one[a] for one in mine[:size]]) if o else mine[0][a][None]) for a, o in enumerate(own)
        )
        delay = place // RING.width if delays else None  # the same places, in two parts
        place = place % RING.width if delays else place
        given = sparse.Delivery(buffer, spikes, pack(spikes), slot, start, place, weight, delay)
        expected = [brute_force(*one) for one in mine[:size]]
        for deliver in (kernel, rounds):
            np.testing.assert_array_equal(deliver(given, size), expected)
        late = given._replace(slot=(slot + RING.width) % RING.size)
        assert np.any(kernel(late, size) != np.asarray(expected))  # control


@pytest.mark.parametrize("seed", range(2))
def test_spikes_of_one_are_their_bits(seed):
    """Without amplitudes: what ones as amplitudes give, by rows, by rounds of a batch, and densely."""
    buffer, spikes, slot, start, _, place, weight = (jnp.asarray(x) for x in (*moment(seed), *rows(seed)))
    ones = (spikes != 0).astype(spikes.dtype)
    bits = sparse.Delivery(buffer, None, pack(ones), slot, start, place, weight)
    static = dict(ring=RING, width=24)
    ways = {
        "rows": jax.jit(lambda given: sparse._rows_of_spikes(given, **static)),
        "rounds": jax.jit(lambda given: batch.for_a_batch(jax.tree.map(lambda x: x[None], given), 1, **static)[0]),
        "all": jax.jit(lambda given: sparse._everything(given, ring=RING)),
    }
    assert np.any(ones != spikes)
    for name, way in ways.items():
        expected = way(bits._replace(spikes=ones))
        np.testing.assert_array_equal(way(bits), expected, err_msg=name)
        assert np.any(way(bits._replace(spikes=spikes)) != expected)  # control: amplitudes are seen


@pytest.mark.parametrize("places", [(2, 7, 50), (2, 2, 30)], ids=["apart", "meeting"])
def test_matrices_of_a_batch(places):
    """Rounds and kernels of rows of a matrix, as sums and added to slots of a ring, against NumPy."""
    rng, slots = np.random.default_rng(7), Ring(5, 80)
    to, step = dense.Slots(slots, (5, 40, 25), places), jnp.array([13], jnp.int32)
    spikes = np.stack([moment(seed)[1] for seed in range(3)])
    spikes[1] = 0.0
    assert np.count_nonzero(spikes[0]) > dense._SPIKES
    weights, counts = rng.integers(-40, 41, (3, N_PRE, 70)) / 8, rng.integers(0, 4, (3, N_PRE, 70), np.int8)
    interpreted = jax.jit(lambda *x: gpu.sum_rows(*x, size=3, interpret=True)[0])
    summing = interpreted, jax.jit(lambda *x: dense._some_rows(*x, 3))
    plain = jax.jit(lambda *x: dense._into_slots(*x, size=3, to=to)[0])
    kernel = jax.jit(lambda *x: gpu.add_sums(*x, size=3, to=to, interpret=True)[0])
    for matrix, graphs in itertools.product((weights.astype(np.float32), counts), (1, 3)):
        x, m = jnp.asarray(spikes), jnp.asarray(matrix[:graphs])
        expected = np.einsum("bi,bij->bj", spikes, np.broadcast_to(m, matrix.shape).astype(np.float32))
        for found in summing:
            np.testing.assert_array_equal(found(x, m), expected)
        buffer = (rng.integers(-8, 9, (3, slots.size)) / 8).astype(np.float32)
        delay, scale = rng.integers(0, 5, (3, graphs)).astype(np.int32), rng.choice([1.0, 0.5, -2.0], (3, graphs))
        wanted, first = buffer.copy(), np.cumsum([0, *to.columns])
        for b, k in itertools.product(range(3), range(3)):
            at = (13 + delay[k, b % graphs]) % 5 * 80 + to.first[k]
            wanted[b, at : at + to.columns[k]] += scale[k, b % graphs] * expected[b, first[k] : first[k + 1]]
        blocks = [jnp.asarray(x) for k in range(3) for x in (delay[k], scale[k].astype(np.float32))]
        for found in (plain, kernel):
            np.testing.assert_array_equal(found(jnp.asarray(buffer), x, m, step, *blocks), wanted)
        assert np.any(kernel(jnp.asarray(buffer), x, m, step + 1, *blocks) != wanted)  # control


@pytest.mark.parametrize("steps", [[9], [9, 13, 7]], ids=["together", "each"])
def test_a_slot_is_taken_by_a_kernel(steps):
    """What lies in the slot of a step, and the rings without it, as XLA does it."""
    buffers, steps = jnp.arange(3.0 * RING.size).reshape(3, -1), jnp.asarray(steps, jnp.int32)
    kernel = gpu.take(buffers, steps, size=3, ring=RING, interpret=True)
    for a, b in zip(kernel, ring._take(buffers, steps, size=3, ring=RING), strict=True):
        np.testing.assert_array_equal(a, b)
    b, at = np.arange(3)[:, None], np.asarray(steps)[:, None] % RING.slots * RING.width + np.arange(RING.width)
    np.testing.assert_array_equal(kernel[0], np.asarray(buffers)[b, at])
    assert np.all(np.asarray(kernel[1])[b, at] == 0.0) and np.count_nonzero(np.asarray(kernel[1])) == 3 * 90 - 1


def test_matrix():
    """Product, loop over spikes and batched products of a matrix, of weights or of counts in a byte, against NumPy."""
    rng = np.random.default_rng(5)
    spikes = np.stack([moment(seed)[1] for seed in range(3)])
    spikes[1] = 0.0
    weights = (rng.integers(-40, 41, (3, N_PRE, 11)) / 8).astype(np.float32)
    for matrix in (weights, rng.integers(0, 4, (3, N_PRE, 11)).astype(np.int8)):
        expected = np.einsum("bi,bij->bj", spikes, matrix.astype(np.float32))
        for b in range(3):
            x, m = jnp.asarray(spikes[b]), jnp.asarray(matrix[b])
            for found in (dense._product(x, m), dense._rows_of_spikes(x, pack(x), m), dense.many_rows(x, m)):
                np.testing.assert_array_equal(found, expected[b])
        np.testing.assert_array_equal(dense._products(jnp.asarray(spikes), jnp.asarray(matrix), 3), expected)
        shared = dense._products(jnp.asarray(spikes), jnp.asarray(matrix[:1]), 3)
        np.testing.assert_array_equal(shared, spikes @ matrix[0].astype(np.float32))
        alone = dense._products(jnp.asarray(spikes[:1]), jnp.asarray(matrix), 3)
        np.testing.assert_array_equal(alone, np.einsum("i,bij->bj", spikes[0], matrix.astype(np.float32)))


@pytest.mark.parametrize("n", [0, 1, 33, 4096, 4097])
def test_every_spike_is_visited_once_in_groups(n):
    """As alone, four at a time, with more spikes than places are found of at once; what fills up is neuron `n`."""
    rng = np.random.default_rng(n)

    @jax.jit
    def visited(spikes):
        def note(neurons, carry):
            at, seen = carry
            return at + 4, seen.at[at + jnp.arange(4)].set(jnp.stack(neurons))

        return events.for_groups_of_spikes(spikes, note, (jnp.int32(0), jnp.full(n + 8, -1, jnp.int32)))

    for fired in (rng.random(n) < 0.02, np.zeros(n, bool), np.ones(n, bool), np.arange(n) % (n - 1 or 1) == 0):
        at, seen = visited(jnp.asarray(fired, jnp.int32))
        seen = np.asarray(seen[:at])
        np.testing.assert_array_equal(seen[seen < n], np.flatnonzero(fired))
        assert len(seen) <= fired.sum() + (3 if n <= 4096 else 6)


@pytest.mark.parametrize("n", [0, 1, 31, 32, 33, 4096, 4097, 9000])
def test_every_spike_is_visited_once(n):
    """One level of search and two (above 4096): all that fired, in ascending order, also the first and the last."""
    rng = np.random.default_rng(n)

    @jax.jit
    def visited(spikes):
        def note(i, carry):
            at, seen = carry
            return at + 1, seen.at[at].set(i)

        return events.for_each_spike(pack(spikes), note, (jnp.int32(0), jnp.full(n, -1, jnp.int32)))

    for fired in (rng.random(n) < 0.02, np.zeros(n, bool), np.ones(n, bool), np.arange(n) % (n - 1 or 1) == 0):
        count, seen = visited(jnp.asarray(np.where(fired, 0.5, 0.0), jnp.float32))
        np.testing.assert_array_equal(seen[:count], np.flatnonzero(fired))


def test_spikes_of_several_are_packed_once():
    """Side by side, each from a word of its own on: the words of each are those it has alone, packed before or not."""
    rng = np.random.default_rng(4)
    parts = [jnp.asarray(rng.random(n) < 0.3, jnp.float32) for n in (5, 32, 33, 70)]
    everybody = side_by_side([parts[0], Spikes.found(parts[1]), *parts[2:]])
    first = 0
    for x in parts:
        own = everybody.part(first, x.shape[0])
        np.testing.assert_array_equal(own.amplitude, x)
        np.testing.assert_array_equal(own.words, pack(x))
        first += -(-x.shape[0] // 32) * 32
    assert everybody.amplitude.shape == (first,) and everybody.words.shape == (first // 32,)


@pytest.mark.parametrize("delays", ["one", "each"])
def test_synapses_that_are_not_copied(delays):
    """Rows that look up what the projection holds: every way of holding them lands the same, also the derivative."""
    rng = np.random.default_rng(6)
    pre = np.sort(rng.integers(0, N_PRE, 90)).astype(np.int32)
    pre[-4:] = N_PRE  # padding
    post = jnp.asarray(rng.integers(0, 5, 90), jnp.int32)
    graph = SparseGraph(row_starts(jnp.asarray(pre), N_PRE), post, N_PRE, 5, 24)
    np.testing.assert_array_equal(graph.pre, pre)
    np.testing.assert_array_equal(jax.jit(lambda g: g.pre)(graph), pre)
    np.testing.assert_array_equal(graph.real, pre < N_PRE)
    delay = jnp.asarray(3 if delays == "one" else rng.integers(0, 7, 90), jnp.int32)
    spikes = np.zeros(N_PRE + 64, np.float32)
    spikes[32 + rng.choice(N_PRE, 9, replace=False)] = rng.choice([1.0, 0.5, 2.0], 9)
    sent, t = Spikes.found(jnp.asarray(spikes)), jnp.int32(5)
    expected = np.zeros((RING.slots, RING.width))
    for s in range(86):
        slot = (5 + np.broadcast_to(delay, 90)[s]) % RING.slots
        expected[slot, 10 + int(post[s])] += spikes[32 + pre[s]] * 0.5

    for many, differentiated, weight in itertools.product((False, True), (False, True), (0.5, np.full(90, 0.5))):
        piece = merge.Piece(graph, jnp.asarray(weight, jnp.float32), delay, 32, 10)

        def landed(w, piece=piece, many=many, differentiated=differentiated):
            own = merge.alone(piece._replace(weight=w), N_PRE + 64, RING, differentiated=differentiated, many=many)
            return own.deliver(RING.empty(jnp.float32), sent, t)

        value, slope = jax.jvp(landed, (piece.weight,), (jnp.ones_like(piece.weight),))
        np.testing.assert_array_equal(value, expected.ravel())
        np.testing.assert_array_equal(slope, 2.0 * expected.ravel())
        together = jax.vmap(landed)(jnp.stack([piece.weight, piece.weight]))
        np.testing.assert_array_equal(together[1], expected.ravel())
    held = {id(x) for x in jax.tree.leaves((graph, delay))}
    lean = merge.alone(piece._replace(first_sender=0), N_PRE, RING, differentiated=False, many=True)
    assert {id(x) for x in (lean.start, lean.place)} <= held and lean.pre is None


# --- whole networks ---------------------------------------------------------------------------------------------------

STEPS, SIZES = 40, {"A": 6, "B": 5, "C": 4}
RASTER = np.random.default_rng(8).random((STEPS, SIZES["A"])) < 0.25


def edges(pre, post, count, seed, longest):
    """Random synapses, several between a pair, and delays of up to `longest` steps: `(pre, post, weight, delay)`."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, SIZES[pre], count), rng.integers(0, SIZES[post], count)
    return a, b, rng.integers(-16, 17, count) / 8, rng.integers(1, longest + 1, count)


LINKS = {  # several projections share the ring, two of them leave one population and arrive at one port
    "AB": ("A", "B", *edges("A", "B", 20, 0, 6)),
    "AB2": ("A", "B", *edges("A", "B", 9, 1, 3)),
    "AC": ("A", "C", *edges("A", "C", 12, 2, 1)),
    "BC": ("B", "C", *edges("B", "C", 15, 3, 6)),
}


def relays(weight=1.0):
    """Relays send on what arrives, whatever its amplitude: `v` is the arrivals of each step. One link is a matrix."""
    links = {}
    for name, (pre, post, i, j, w, d) in LINKS.items():
        how = dict(via=snn.Dense(), delay=DT) if name == "AC" else dict(delay=DT * d)
        links[name] = snn.Connection(pre, post, snn.FromArrays(i, j), weight=w * weight, **how)
    populations = {name: snn.SpikeSource(n) for name, n in SIZES.items()}
    return snn.network(dt=DT, key=jax.random.key(0), populations=populations, projections=links)


WATCHED = {name: snn.Trace(f"{name}.v") for name in SIZES}


def run(weight=1.0, shift=0):
    drive = snn.Replay(jnp.roll(jnp.asarray(RASTER), shift, axis=0), into="A")
    watched = {name: snn.Trace(f"{name}.v") for name in SIZES}
    return snn.simulate(
        relays(weight), drive, steps=STEPS, key=jax.random.key(0), record=watched, progress=snn.progress.Quiet()
    ).record


def arrivals(weight=1.0, shift=0, late=0):
    """Brute force: every spike, along every synapse, into its step."""
    v = {name: np.zeros((STEPS, n)) for name, n in SIZES.items()}
    v["A"] = np.roll(RASTER, shift, axis=0).astype(float)
    for k in range(STEPS):
        for pre, post, i, j, w, d in LINKS.values():
            for a, b, worth, delay in zip(i, j, w, d):
                if k + delay + late < STEPS:
                    v[post][k + delay + late, b] += weight * worth * v[pre][k, a]
    return v


def assert_same(a, b):
    for name in SIZES:
        np.testing.assert_array_equal(a[name], b[name])


@pytest.fixture
def accelerator(monkeypatch):
    """Everywhere the code of accelerators instead of the CPU's, on this CPU. Nothing traced before may be used."""
    jax.clear_caches()
    as_accelerators(monkeypatch)
    yield
    jax.clear_caches()


def test_delays_of_every_synapse():
    """A ring of 7 slots in 40 steps, a delay for each synapse, interleaved projections, a matrix among them."""
    found = run()
    assert_same(found, arrivals())
    with pytest.raises(AssertionError):  # control: a step later
        assert_same(found, arrivals(late=1))


def test_accelerators_give_the_same(accelerator):
    """The code that accelerators run: one instance, and a batch that shares its graph but not weights or spikes."""
    assert_same(jax.jit(run)(2.0), arrivals(2.0))
    points = (jnp.array([1.0, 2.0, 0.5]), jnp.array([0, 1, 2]))
    batch = jax.jit(jax.vmap(run))(*points)
    for b, (weight, shift) in enumerate(zip(*map(np.asarray, points))):
        assert_same({name: x[b] for name, x in batch.items()}, arrivals(weight, shift))


def test_dense_is_sparse():
    """Spiking networks side by side, held as matrices or as lists: with one delay, one each, and in the same step."""
    rng = np.random.default_rng(1)
    n, spread, delays = 8, rng.integers(-8, 17, (8, 8)) / 8, DT * rng.integers(1, 9, (8, 8))
    cell, links, drive = snn.LIF(tau=5.0, v_th=2.0, t_ref=0.2), {}, snn.drives.Silence()
    raster = jnp.asarray(rng.poisson(0.3, (200, n)))
    names = [f"{how}{which}" for how in ("dense", "sparse") for which in ("one", "each")]
    for name in names:
        via = snn.Dense() if name.startswith("dense") else snn.Sparse()
        delay = 0.7 if name.endswith("one") else delays
        links[f"{name} recurrent"] = snn.Connection(name, name, snn.AllToAll(), via=via, weight=spread, delay=delay)
        links[f"{name} on"] = snn.Connection(name, f"{name} after", snn.AllToAll(), via=via, weight=0.5)
        drive += snn.Replay(raster, into=name)
    populations = {name: snn.Population(cell, n) for first in names for name in (first, f"{first} after")}
    net = snn.network(dt=DT, key=jax.random.key(0), populations=populations, projections=links)
    record = {name: snn.Raster(name) for name in populations}
    out = snn.simulate(net, drive, steps=200, key=jax.random.key(1), record=record, progress=snn.progress.Quiet())
    spikes = {name: np.asarray(raster.dense()) for name, raster in out.record.items()}
    for which in ("one", "each"):
        for after in ("", " after"):
            assert spikes[f"dense{which}{after}"].sum() > 100
            np.testing.assert_array_equal(spikes[f"dense{which}{after}"], spikes[f"sparse{which}{after}"])
    assert np.any(spikes["denseone"] != spikes["denseeach"])  # control: delays matter


def test_a_random_matrix_is_the_random_list():
    """One key, one graph: the same synapses with the same weights and delays, however they are held."""

    def synapses(via, topology=snn.FixedProb(0.3)):
        link = snn.Connection("A", "A", topology, via=via, weight=snn.Uniform(0.5, 1.0), delay=snn.Uniform(0.1, 0.8))
        net = snn.network(
            dt=DT, key=jax.random.key(4), populations={"A": snn.SpikeSource(20)}, projections={"AA": link}
        )
        made = np.stack([np.asarray(x, float) for x in net["AA"].graph.synapses(net["AA"].weight, net["AA"].delay)])
        made = made[:, (made[2] > 0) & (made[0] < 20)]  # a matrix lists all pairs, a list has room at its end
        return made[:, np.lexsort((made[1], made[0]))]

    edges = synapses(snn.Sparse())
    assert edges.shape[1] > 80
    np.testing.assert_array_equal(synapses(snn.Dense()), edges)
    with pytest.raises(ValueError, match=r"several synapses.*Sparse"):
        synapses(snn.Dense(), snn.FixedInDegree(30))
