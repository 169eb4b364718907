"""Topologies: the law of every graph, the same graph on the host and traced, capacities, policies and refusals."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxsnn.connectivity import (
    AllToAll,
    FixedInDegree,
    FixedOutDegree,
    FixedProb,
    FixedTotal,
    FromArrays,
    OneToOne,
)

KEY = jax.random.key(11)
LEVEL = 1e-3
POLICIES = [(True, True), (False, True), (False, False)]
COUNTED = [(FixedInDegree, 7), (FixedOutDegree, 7), (FixedTotal, 101)]
EVERY = [kind(k, *policy) for kind, k in COUNTED for policy in POLICIES] + [
    FixedProb(0.9, autapses=False),
    FixedProb(0.0),
    FixedProb(1.0),
    AllToAll(),
    AllToAll(autapses=False),
    OneToOne(),
    FromArrays([4, 0, 4, 1], [2, 9, 0, 3]),
]


def arrays(edges):
    return np.asarray(edges.pre), np.asarray(edges.post)


def assert_padded(short, padded):
    """The second graph is the first one and padding."""
    n = len(short.pre)
    for a, b, fill in zip(arrays(short), arrays(padded), (padded.n_pre, padded.n_post), strict=True):
        assert np.array_equal(a, b[:n]) and np.all(b[n:] == fill)
    assert not bool(short.overflow) and not bool(padded.overflow)


@pytest.mark.parametrize(
    "topology, loop", [(t, True) for t in EVERY] + [(FixedInDegree(7, False), False), (FixedProb(0.3), False)]
)
def test_host_and_traced_graphs_are_the_same(topology, loop):
    n = 23
    host = topology.build(KEY, n, n, loop=loop)
    assert_padded(host, jax.jit(lambda key: topology.build(key, n, n, loop=loop))(KEY))
    pre, post = arrays(host)
    assert pre.dtype == post.dtype == np.int32
    assert np.all(np.diff(pre) >= 0) and np.all((pre >= 0) & (pre < n) & (post >= 0) & (post < n))
    assert len(pre) == 0 or np.bincount(pre).max() <= topology.fan_out(n, n)
    if loop and not getattr(topology, "autapses", True):
        assert not np.any(pre == post)
    if not getattr(topology, "multapses", isinstance(topology, FromArrays)):
        assert len(np.unique(pre * n + post)) == len(pre)


@pytest.mark.parametrize("topology", [*EVERY[:10], AllToAll(autapses=False)], ids=repr)
def test_pieces_are_the_edges(topology, monkeypatch):
    """In the order of the list, or sorted by pre, then by post, where they say so; of many pieces, too."""
    monkeypatch.setattr("jaxsnn._blocks.blocks.__defaults__", (16,))
    for loop in (False, True):
        given = (KEY, 23, 23) if loop else (KEY, 23, 17)
        whole = topology.build(*given, loop=loop)
        pieces = [*topology.pieces(*given, loop=loop)]
        pre, post = (np.concatenate(x).astype(int) for x in zip(*pieces, strict=True))
        order = slice(None) if topology.in_order else np.lexsort((post, pre))
        assert len(pieces) > 1
        np.testing.assert_array_equal(pre[order], whole.pre)
        np.testing.assert_array_equal(post[order], whole.post)


CONSTANT = [FixedProb(0.3), FixedInDegree(5), FixedOutDegree(5, multapses=False), FixedTotal(77)]


def test_traced_parameters_give_the_graph_of_the_constant():
    def build(make):
        return jax.jit(lambda value, key: make(value).build(key, 30, 20, loop=False))

    cases = [
        (lambda p: FixedProb(p, most=0.5), 0.3),
        (lambda k: FixedInDegree(k, most=9), 5),
        (lambda k: FixedOutDegree(k, multapses=False, most=9), 5),
        (lambda n: FixedTotal(n, most=90), 77),
    ]
    for constant, (make, value) in zip(CONSTANT, cases, strict=True):
        assert_padded(constant.build(KEY, 30, 20, loop=False), build(make)(value, KEY))


def test_overflow_is_told():
    for make, *values in [
        (lambda p: FixedProb(p, most=0.4), 0.5, np.nan),
        (lambda k: FixedInDegree(k, most=4), 5),
        (lambda k: FixedOutDegree(k, most=4), 5),
        (lambda n: FixedTotal(n, most=90), 91),
        (lambda k: FixedInDegree(k, multapses=False, most=99), 31),
    ]:
        build = jax.jit(lambda value, make=make: make(value).build(KEY, 30, 20, loop=False))
        for value in values:
            edges = build(value)
            assert bool(edges.overflow) and np.all(np.asarray(edges.pre) <= 30)


# --- laws -------------------------------------------------------------------------------------------------------------


def uniform_p(counts):
    return stats.chisquare(np.ravel(counts)).pvalue


def pair_table(make, n_pre, n_post, loop, graphs=200):
    table = np.zeros((n_pre, n_post))
    build = jax.jit(lambda key: make().build(key, n_pre, n_post, loop=loop))
    for key in jax.random.split(jax.random.key(3), graphs):
        np.add.at(table, arrays_valid(build(key)), 1)
    return table


def arrays_valid(edges):
    pre, post = arrays(edges)
    return pre[pre < edges.n_pre], post[pre < edges.n_pre]


@pytest.mark.parametrize("kind, k", COUNTED)
@pytest.mark.parametrize("multapses", [True, False])
def test_every_pair_is_equally_likely(kind, k, multapses):
    table = pair_table(lambda: kind(k, True, multapses), 18, 20, False)
    excess = np.sum((table - table.mean()) ** 2) / table.mean() / table.size  # below 1 without multapses
    assert uniform_p(table) > LEVEL if multapses else excess < 1.2
    loop = pair_table(lambda: kind(k, False, multapses), 18, 18, True)
    others = loop[~np.eye(18, dtype=bool)]
    assert np.all(np.diag(loop) == 0) and np.sum((others - others.mean()) ** 2) / others.mean() < others.size * 1.2
    skewed = table.copy()  # negative control: a tenth of the first column goes to the second
    skewed[:, 0] *= 0.5
    skewed[:, 1] *= 1.5
    assert uniform_p(skewed) < LEVEL


def test_fixed_prob_is_bernoulli_per_pair():
    n_pre, n_post, p = 2000, 500, 0.1
    pre, post = arrays(FixedProb(p).build(KEY, n_pre, n_post, loop=False))
    out, into = np.bincount(pre, minlength=n_pre), np.bincount(post, minlength=n_post)

    def fit(degree, n, p):
        edges = stats.binom.ppf([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98], n, p)
        share = np.diff(np.concatenate([[0], stats.binom.cdf(edges, n, p), [1]]))
        counts = np.histogram(degree, np.concatenate([[-1], edges, [n]]) + 0.5)[0]
        return stats.chisquare(counts, share * len(degree)).pvalue

    assert fit(out, n_post, p) > LEVEL and fit(into, n_pre, p) > LEVEL
    assert fit(out, n_post, 1.05 * p) < LEVEL  # negative control
    table = np.zeros((n_pre, n_post))
    table[pre, post] = 1
    assert abs(np.corrcoef(table[:, :-1].ravel(), table[:, 1:].ravel())[0, 1]) < 4 / 1000  # neighbours know nothing


def test_degrees():
    pre, post = arrays(FixedInDegree(12).build(KEY, 40, 300, loop=False))
    assert np.all(np.bincount(post, minlength=300) == 12) and uniform_p(np.bincount(pre, minlength=40)) > LEVEL
    pre, post = arrays(FixedOutDegree(12).build(KEY, 300, 40, loop=False))
    assert np.all(np.bincount(pre, minlength=300) == 12) and uniform_p(np.bincount(post, minlength=40)) > LEVEL
    pre, post = arrays(FixedTotal(5000).build(KEY, 40, 30, loop=False))
    assert len(pre) == 5000 and uniform_p(np.bincount(pre * 30 + post, minlength=1200)) > LEVEL
    pre, post = arrays(FixedTotal(1200, multapses=False).build(KEY, 40, 30, loop=False))
    assert np.array_equal(pre * 30 + post, np.arange(1200))


def test_graphs_differ_between_keys_and_not_within():
    for topology in CONSTANT:
        one, two, other = (topology.build(key, 30, 20, loop=False) for key in (KEY, KEY, jax.random.key(12)))
        assert np.array_equal(arrays(one), arrays(two))
        assert not np.array_equal(one.post[:70], other.post[:70])


def test_more_pairs_than_32_bits():
    host = FixedInDegree(3).build(KEY, 70_000, 70_000, loop=False)
    assert_padded(host, jax.jit(lambda key: FixedInDegree(3).build(key, 70_000, 70_000, loop=False))(KEY))


def test_regular_graphs():
    assert np.array_equal(arrays(AllToAll().build(KEY, 2, 3, loop=False)), [[0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]])
    assert np.array_equal(arrays(AllToAll(False).build(KEY, 2, 2, loop=True)), [[0, 1], [1, 0]])
    assert np.array_equal(arrays(OneToOne().build(KEY, 3, 3, loop=True)), [[0, 1, 2], [0, 1, 2]])
    given = FromArrays([2, 0, 2, 1], [5, 4, 3, 2])
    assert np.array_equal(arrays(given.build(KEY, 3, 6, loop=False)), [[0, 1, 2, 2], [4, 2, 5, 3]])
    assert np.array_equal(given.order(), [1, 3, 0, 2]) and given.fan_out(3, 6) == 2
    assert len(FixedProb(0.5, autapses=False).build(KEY, 1, 1, loop=True).pre) == 0
    for nothing in ([], np.array([]), np.zeros(0, int)):
        assert FromArrays(nothing, nothing).build(KEY, 3, 6, loop=False).pre.shape == (0,)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: FixedProb(1.5), r"p=1.5; expected a probability in \[0, 1\]"),
        (lambda: FixedProb(np.nan), "expected a probability"),
        (lambda: FixedProb(0.5, most=0.2), "give a larger `most`"),
        (lambda: FixedInDegree(-1), "k=-1; expected a number >= 0"),
        (lambda: FixedInDegree(4, multapses=False), "k=4, but there are only 3 neurons"),
        (lambda: FixedOutDegree(6, multapses=False), "k=6, but there are only 5 neurons"),
        (lambda: FixedTotal(16, multapses=False), "n=16, but there are only 15 pairs"),
        (lambda: FixedInDegree(5, most=4), "more than most=4"),
        (lambda: FixedInDegree(2.5), "expected one whole number"),
        (lambda: OneToOne(), "3 pre and 5 post"),
        (lambda: FromArrays([0, 3], [0, 0]), "pre indices outside 0 .. 2"),
        (lambda: FromArrays([0, 1], [0, -1]), "post indices outside 0 .. 4"),
        (lambda: FromArrays([0, 1], [0]), "2 pre and 1 post"),
        (lambda: FromArrays([0.5], [0]), "vector of integers"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make().build(KEY, 3, 5, loop=False)


def test_traced_numbers_need_a_most():
    for kind, value in ((FixedProb, 0.5), (FixedInDegree, 3), (FixedOutDegree, 3), (FixedTotal, 3)):
        with pytest.raises(ValueError, match=f"{kind.__name__}.*most="):
            jax.jit(lambda value, kind=kind: kind(value).build(KEY, 30, 20, loop=False))(value)
        jax.eval_shape(lambda key, kind=kind, value=value: kind(value).build(key, 30, 20, loop=False), KEY)  # plain: no


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_exports(platform):
    def build(key, p):
        return FixedProb(p, most=0.2).build(key, 50, 40, loop=False), FixedInDegree(9).build(key, 50, 40, loop=False)

    exported = jax.export.export(jax.jit(build), platforms=[platform])(jax.random.PRNGKey(0), jnp.float32(0.1))
    text = re.sub(r"dense<[^>]*> : tensor<[^>]*>", "", exported.mlir_module())  # attributes are wide
    assert jax.config.jax_enable_x64 or not re.search("x(ui|i|f)64>", text)
