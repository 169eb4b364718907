"""Loops, branches and updates in place: what is overwritten is what nobody reads any more."""

import re

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsnn.compilers.flat import flat
from jaxsnn.compilers.source import source
from tests.compilers.both import assert_equal, both


def text_of(one, carried):
    """The C source of some steps."""
    closed = jax.make_jaxpr(one)(carried, jnp.int32(0))
    count = len(jax.tree.leaves(carried))
    return source(flat(closed, positive=count)[0], count, 10)


def copies(text, least):
    """Copies of `least` bytes or more in the loop over steps."""
    inside = text[text.index("for (int64_t step") : text.index("XLA_FFI_Error *jaxsnn_run")]
    return [line for line in re.findall(r"copy\(.*?, (\d+)\)", inside) if int(line) >= least]


def test_loops_and_branches():
    def one(carried, t):
        m, i = carried
        m = lax.cond(i % 2 == 0, lambda m: m.at[i].add(1.0), lambda m: m, m)
        m = lax.switch(i % 3, [lambda m: m, lambda m: m * 0.5, lambda m: m[::-1]], m)
        m = lax.fori_loop(0, i, lambda j, m: m.at[j].multiply(1.5) + m[::-1] * 0.125, m)
        last, sums = lax.scan(lambda a, x: (a + x, a * x), 0.0, m)
        back, _ = lax.scan(lambda a, x: (a - x, None), 1.0, m, reverse=True)
        return (jnp.where(m > 100, 0.0, m), i + 1), (last, back, sums, m[jnp.minimum(i, 4)], t)

    ours, native = both(one, (jnp.arange(10.0), jnp.int32(0)), 9)
    assert_equal(ours, native, 1e-6)


def test_old_values_are_read_before_they_are_overwritten():
    """Exchanges, shifts and views of what is about to change."""

    def one(carried, t):
        a, b, s, r = carried
        view, whole = a[2:5], a * 2
        a = a.at[3].set(s)
        later = lax.dynamic_update_slice(b, view, (t % 3,))
        return (later, a + b, r, s + 1), (whole, view, b[::2], s, a[3], later[1:4])

    start = jnp.arange(8.0), jnp.arange(8.0) * 10, jnp.float32(7), jnp.float32(0)
    ours, native = both(one, start, 7)
    assert_equal(ours, native)


def test_a_loop_that_exchanges_what_it_carries():
    def one(carried, t):
        def body(state):
            i, a, b, s = state
            return i + 1, b + s, a, jnp.sum(b)

        _, a, b, s = lax.while_loop(lambda state: state[0] < t, body, (0, carried, carried[::-1], carried[0]))
        return a * 0.25, (b, s)

    ours, native = both(one, jnp.arange(6.0), 6)
    assert_equal(ours, native, 1e-6)


def test_a_loop_reads_what_it_started_from():
    """In every turn, beside what it carries: the start keeps its memory, as aliases of Xylo need it."""

    def one(carried, t):
        start = carried * 2.0
        end = lax.while_loop(lambda x: x[0] < 100.0, lambda x: x + start[::-1], start)
        return carried + 1.0, (end, lax.scan(lambda x, _: (x * 0.5 + start, None), start, None, length=3)[0])

    ours, native = both(one, jnp.arange(1.0, 7.0), 4)
    assert_equal(ours, native)


def test_what_is_handed_in_or_out_twice():
    """A loop that starts from its own rows, and a branch that returns one array as two results."""

    def one(carried, t):
        x = carried * 2.0
        a, b = lax.cond(t % 2 == 0, lambda: (x, x), lambda: (x + 1.0, x * 3.0))
        y = a + b
        end, rows = lax.scan(lambda z, row: (z + row * jnp.arange(6.0), z[0]), y, jnp.broadcast_to(y, (6, 6)).T)
        last, _ = lax.scan(lambda z, row: (z * 0.5 + row, None), y, jnp.broadcast_to(y, (6, 6)).T)
        ends, _ = lax.scan(lambda z, row: (z.at[0].add(row), None), y, y)
        return jnp.clip(carried + end * 0.01, -9.0, 9.0), (a, b, rows, last, ends)

    ours, native = both(one, jnp.arange(1.0, 7.0), 4)
    assert_equal(ours, native, 1e-6)


RING = 4096


def ring(carried, t):
    """A slot is read, another is written, and some places are added to."""
    buffer, n = carried
    slot = t % 4 * (RING // 4)
    arrived = lax.dynamic_slice(buffer, (slot,), (RING // 4,))
    buffer = lax.dynamic_update_slice(buffer, jnp.zeros(RING // 4), (slot,))
    add = lambda i, buffer: buffer.at[(slot + 7 * i + jnp.arange(5)) % RING].add(1.0)
    return (lax.fori_loop(0, n, add, buffer), n + 1), jnp.sum(arrived)


def test_a_ring_is_updated_in_place():
    """No copy of it in any step; the control, in which its old state is an output, has one."""
    start = jnp.zeros(RING), jnp.int32(1)
    assert_equal(*both(ring, start, 20))
    assert copies(text_of(ring, start), 4 * RING) == []

    def kept(carried, t):
        after, total = ring(carried, t)
        return after, (total, carried[0])

    assert len(copies(text_of(kept, start), 4 * RING)) > 0
    assert_equal(*both(kept, start, 9))


def test_elements_share_one_loop():
    """Ten operations on two arrays are one loop, however they are ordered; another size is another loop."""

    def one(carried, t):
        a, b, c = carried
        x = jnp.where(a > 1.0, a * 0.5, a + b)
        y = jnp.abs(b - x) + 1.0
        return (x + y, y * 0.25, c + 1.0), None

    start = jnp.ones(1000), jnp.ones(1000), jnp.ones(500)
    text = text_of(one, start)
    assert text[text.index("for (int64_t step") :].count("for (int64_t i = 0; i < 1000;") == 1
    assert_equal(*both(one, start, 20), 1e-6)


CHANGES = [  # of two arrays of eight, a place and the time
    lambda x, y, k, t: x + y,
    lambda x, y, k, t: x.at[k].set(y[k]),
    lambda x, y, k, t: lax.dynamic_update_slice(x, y[k : k + 2], ((t + k) % 6,)),
    lambda x, y, k, t: jnp.where(x > y, x, y * 0.5),
    lambda x, y, k, t: x[::-1],
    lambda x, y, k, t: x.at[jnp.array([k, 1, k])].add(y[:3], mode="drop"),
    lambda x, y, k, t: lax.cond(t % 2 == 0, lambda: x.at[0].add(1.0), lambda: x),
    lambda x, y, k, t: lax.fori_loop(0, k, lambda j, x: x.at[j].add(y[j] * 0.5), x),
    lambda x, y, k, t: jnp.concatenate([x[k:], y[:k]]),
    lambda x, y, k, t: lax.fori_loop(0, k, lambda j, a: a.at[j].add(x[j]) * 0.5 + x, x),
    lambda x, y, k, t: lax.scan(lambda a, b: (a * 0.5 + b * y, None), x * 2.0, y)[0],
    lambda x, y, k, t: lax.switch(k % 3, [lambda: x, lambda: y + x, lambda: x.at[k].set(x[0] + y[1])]),
]


def mixture(rng):
    """A step of fourteen changes, and what is seen between them."""
    recipe = rng.integers(0, len(CHANGES), 14), rng.integers(0, 4, (14, 2)), rng.integers(0, 6, 14)

    def one(carried, t):
        values, seen = list(carried), []
        for kind, (a, b), k in zip(*(x.tolist() for x in recipe), strict=True):
            x, y = values[a], values[b]
            seen.append(x[k : k + 2] if kind % 2 else jnp.sum(y))
            values[(a + k) % 4] = jnp.clip(CHANGES[kind](x, y, k, t), -100.0, 100.0)
        return tuple(values), seen

    return one


def test_random_programs():
    """A dozen mixtures of updates, views, branches and loops, drawn from one seed: none differs."""
    rng = np.random.default_rng(0)
    for _ in range(12):
        start = tuple(jnp.asarray(rng.integers(-4, 5, 8), jnp.float32) for _ in range(4))
        assert_equal(*both(mixture(rng), start, 6), 1e-5)
