"""The integers of Xylo by hand, and against the oracle that does one spike and one neuron at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn.chips.xylo import arithmetic
from tests.oracles import xylo_core as oracle

ints = lambda x: jnp.asarray(x, jnp.int32)
in_order = jax.jit(arithmetic.in_order)
lost = jax.jit(arithmetic.lost)


def test_additions_saturate_one_at_a_time():
    rows = np.array([[1000, 20000, -30000], [-1000, 20000, 30000]])
    forth = in_order(ints([32000, -30000, 0]), ints(rows), ints([1, 3]))
    back = in_order(ints([32000, -30000, 0]), ints(rows[::-1].copy()), ints([3, 1]))
    assert forth.tolist() == [32767 - 3000, 32767, 32767]
    assert back.tolist() == [30000, 32767, 2767]  # negative control: another order is another sum
    assert in_order(ints([7, 7, 7]), ints(rows), ints([0, 0])).tolist() == [7, 7, 7]


def test_a_decay_takes_at_least_one_and_everything_at_dash_0():
    x, dash = ints([5, -5, 3, -3, 0, -17, 16, 17]), ints([0, 0, 4, 4, 4, 4, 4, 4])
    assert lost(x, dash).tolist() == [5, -5, 1, -1, 0, -2, 1, 1]


def test_the_lower_end_has_no_opposite():
    """`int16(-(-32768))` stays where it is: version 2 does not leave the lower end at dash 0, version 1 does."""
    v, nothing, dash = ints([-32768]), ints([0]), ints([0])
    moved = lambda v, bias, version: arithmetic.membrane(v, nothing, dash, ints([bias]), version).tolist()
    assert moved(v, 0, 2) == [-32768]
    assert moved(v, 0, 1) == [0]
    assert moved(v + 1, 9, 2) == [0]  # no room for a bias


step = jax.jit(arithmetic.fired, static_argnums=2)


def fired(v, threshold, most, alias):
    """Of three neurons, of which those that are not given are silent."""
    pad = lambda x, value: ints([*x, *[value] * (3 - len(x))])
    v, spikes = step(pad(v, 0), pad(threshold, 9), most, None if alias is None else pad(alias, -1))
    return v.tolist()[: len(threshold)], spikes.tolist()[: len(threshold)]


@pytest.mark.parametrize(
    ("v", "threshold", "most", "alias", "expected"),
    [
        ([100, 99, 40], [100, 100, 1], 31, None, ([0, 99, 9], [1, 0, 31])),  # exactly at threshold; the limit
        ([250], [100], 1, None, ([150], [1])),  # an output fires once
        ([300, 100], [100, 100], 31, [1, -1], ([0, 0], [3, 4])),  # an alias behind starts from what it is given
        ([300, 3000], [100, 100], 31, [1, -1], ([0, 200], [3, 31])),  # and has room for less of its own
        ([3000, 300], [100, 100], 31, [-1, 0], ([0, 0], [31, 3])),  # one before is given at the end
        ([200, 100, 100], [100] * 3, 31, [1, 2, -1], ([0, 0, 0], [2, 3, 4])),  # a chain passes on
        ([200, 100, 100], [100] * 3, 31, [-1, 0, 1], ([0, 0, 0], [3, 2, 1])),  # backwards it does not
        ([200, 0], [100, 100], 31, [0, -1], ([0, 0], [4, 0])),  # of itself
    ],
)
def test_spikes_of_a_step(v, threshold, most, alias, expected):
    assert fired(v, threshold, most, alias) == expected


def by_visiting(v, threshold, alias):
    """One neuron after the other."""
    spikes, v = np.zeros(v.size, int), v.copy()
    for n in range(v.size):
        while v[n] >= threshold[n] and spikes[n] < 31:
            v[n], spikes[n] = v[n] - threshold[n], spikes[n] + 1
        if alias[n] >= 0:
            spikes[alias[n]] = min(31, spikes[alias[n]] + spikes[n])
    return v, spikes


def test_aliases_of_any_kind_are_as_when_neurons_are_visited_in_order():
    rng = np.random.default_rng(0)
    v, threshold = rng.integers(-500, 4000, (300, 12)), rng.integers(1, 600, (300, 12))
    alias = np.where(rng.random((300, 12)) < 0.6, rng.integers(0, 12, (300, 12)), -1)
    got = jax.jit(jax.vmap(lambda *x: arithmetic.fired(*x[:2], 31, x[2])))(ints(v), ints(threshold), ints(alias))
    expected = [np.stack(each) for each in zip(*map(by_visiting, v, threshold, alias))]
    assert (expected[1] == 31).sum() > 100
    np.testing.assert_array_equal(got[0], expected[0])
    np.testing.assert_array_equal(got[1], expected[1])


STEPS, SENDERS, RECEIVERS = 300, 7, 40


def driven(seed, size):
    """Rows, decays and counts from a seed, and the currents of the oracle with the extremes of all partial sums."""
    rng = np.random.default_rng(seed)
    rows, dash = rng.integers(-size, size + 1, (SENDERS, RECEIVERS)), rng.integers(0, 6, RECEIVERS)
    counts = rng.choice([0, 3, 31], (STEPS, SENDERS))
    counts[100:200] = 31 * (rng.random(SENDERS) < 0.5)  # long enough to arrive at the ends
    rows[:, 0], rows[:, 1] = abs(rows[:, 0]), -abs(rows[:, 1])
    counts[200:] = 31
    i, low, high, path = np.zeros(RECEIVERS, int), 0, 0, []
    for row in counts:
        for k in range(SENDERS):
            i = oracle.sat(i + row[k] * rows[k])
            low, high = np.minimum(low, i), np.maximum(high, i)
        i = oracle.decayed(i, dash)
        path.append(i)
    return rows, dash, counts, np.stack(path), low, high


@jax.jit
def both_ways(rows, dash, counts):
    """Currents added in order, and as sums that nothing limits."""

    def step(carry, row):
        scanned, summed = carry
        scanned, summed = in_order(scanned, rows, row), summed + row @ rows
        carry = scanned - lost(scanned, dash), summed - lost(summed, dash)
        return carry, carry

    start = jnp.zeros(rows.shape[1], jnp.int32)
    ends = arithmetic.reach(31 * jnp.minimum(rows, 0).sum(0), 31 * jnp.maximum(rows, 0).sum(0), dash)
    return jax.lax.scan(step, (start, start), counts)[1], ends, ends.inside(arithmetic.LOW, arithmetic.HIGH)


def test_what_is_proved_is_the_same_as_sums():
    rows, dash, counts, path, low, high = driven(0, 4)
    (scanned, summed), (least, most), proved = both_ways(ints(rows), ints(dash), ints(counts))
    least, most = np.asarray(least), np.asarray(most)
    assert proved
    np.testing.assert_array_equal(scanned, path)
    np.testing.assert_array_equal(summed, path)
    assert np.all(least <= low) and np.all(high <= most)
    assert (least[1], most[0]) == (low[1], high[0])  # no bound is closer


def test_what_is_not_proved_is_not():
    """Negative control: the sums of a network that saturates are others."""
    rows, dash, counts, path, *_ = driven(1, 400)
    (scanned, summed), _, proved = both_ways(ints(rows), ints(dash), ints(counts))
    assert not proved
    np.testing.assert_array_equal(scanned, path)
    assert np.any(summed != path)
