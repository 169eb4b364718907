"""Who connects to whom: random and regular graphs, the same edges in the same order on the host and when traced.

Edges are sorted by pre; those of one pre are in the order they are drawn in, which for `FixedInDegree` and `FixedTotal`
is that of post. Only integers decide, so that nothing depends on how a program is compiled. On the host (key and
numbers concrete) NumPy draws, and arrays have the exact number of edges; traced, they have a static capacity, padded at
the end. So have the lists of a network whose number of edges is a matter of chance: another seed has the same shapes.
"""

import abc
import math
from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Int32, UInt32

from jaxsnn import _random
from jaxsnn._arguments import count, flag
from jaxsnn._blocks import blocks, empty, filled
from jaxsnn._text import described
from jaxsnn._types import Param, check, is_concrete, on_device, param

from .._xla import apart

_MAX_PAIRS = 2**31  # what a keyed permutation of all pairs can number


class Edges(eqx.Module):
    """A graph as a list: edge `e` goes from `pre[e]` to `post[e]`; padding at the end has `n_pre` and `n_post` there.

    `overflow`: True if there were more edges than places, so that some are missing.
    """

    pre: Int32[Array, " E"]
    post: Int32[Array, " E"]
    overflow: Bool[Array, ""]
    n_pre: int = eqx.field(static=True)
    n_post: int = eqx.field(static=True)

    def padded(self, places: int) -> "Edges":
        """The same edges in a list of `places`, if they are known: those of another draw then have the same shape."""
        more = places - self.pre.size
        if more <= 0 or not is_concrete(self):
            return self

        def longer(given: Array, fill: int) -> np.ndarray:
            out = empty(places, np.int32)
            out[: given.size], out[given.size :] = np.asarray(given), fill
            return out

        return _given(self.n_pre, self.n_post, longer(self.pre, self.n_pre), longer(self.post, self.n_post))


class AbstractTopology(eqx.Module):
    """A rule that says who connects to whom."""

    pairwise: ClassVar[bool] = False  # every pair is decided by itself, so that one can be left out of what is drawn

    def __repr__(self) -> str:
        return described(self)

    def __check_init__(self):
        kind = type(self).__name__
        for name in ("autapses", "multapses"):
            if name in vars(self):
                flag(getattr(self, name), f"{kind}.{name}")

    @property
    def skips_self(self) -> bool:
        """Whether no neuron may connect to itself."""
        return not vars(self).get("autapses", True)

    @abc.abstractmethod
    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        """The edges from `n_pre` to `n_post` neurons. `loop`: both are one population, so that autapses can occur."""

    def places(self, n_pre: int, n_post: int, drawn: int) -> int:
        """Places that a list of the edges has, of which `drawn` are taken: the same for all draws, since it is a shape.

        As many as there are edges, where their number is no matter of chance.
        """
        return drawn

    @abc.abstractmethod
    def fan_out(self, n_pre: int, n_post: int) -> int:
        """Static estimate of the most edges any pre has: the mean and six standard deviations where it is random."""


def _likely_most(mean: float, variance: float, limit: int) -> int:
    """A count exceeded less than once in 10^8, at most `limit`; the constant is for small means, where laws skew."""
    return min(math.ceil(mean + 6.0 * math.sqrt(max(variance, 0.0)) + 8.0), limit)


def _given(n_pre: int, n_post: int, pre: np.ndarray, post: np.ndarray) -> Edges:
    known = lambda x: x.view(np.int32) if x.dtype == np.uint32 else np.asarray(x, np.int32)  # no copy: below 2^31
    return Edges(on_device(known(pre)), on_device(known(post)), on_device(np.zeros((), bool)), n_pre, n_post)


class AllToAll(AbstractTopology):
    """Every neuron to every neuron; `autapses=False` leaves out a neuron's connection to itself.

    NEST: `all_to_all`; PyNN: `AllToAllConnector`; Brian2: `connect()`; deep-learning libraries: a dense layer.
    """

    pairwise: ClassVar[bool] = True
    autapses: bool = eqx.field(default=True, static=True)

    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        _fits("AllToAll", n_pre * n_post)
        pre, post = np.divmod(np.arange(n_pre * n_post), n_post)
        keep = slice(None) if self.autapses or not loop else pre != post
        return _given(n_pre, n_post, pre[keep], post[keep])

    def fan_out(self, n_pre: int, n_post: int) -> int:
        return n_post


class OneToOne(AbstractTopology):
    """Neuron i to neuron i. NEST: `one_to_one`; PyNN: `OneToOneConnector`; Brian2: `connect(j="i")`."""

    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        if n_pre != n_post:
            raise ValueError(f"OneToOne got {n_pre} pre and {n_post} post neurons; expected equal sizes.")
        return _given(n_pre, n_post, np.arange(n_pre), np.arange(n_pre))

    def fan_out(self, n_pre: int, n_post: int) -> int:
        return 1


def _indices(given: ArrayLike) -> Array:
    """As an array of JAX; what is no number stays what it is, for the error."""
    if isinstance(given, jax.Array):
        return given
    array = np.array(given)
    if array.dtype.kind not in "iufb":
        raise ValueError(f"FromArrays got indices of type {array.dtype}; expected a vector of integers.")
    return on_device(array)


class FromArrays(AbstractTopology):
    """The edges given, shape (E,) each; sorted by pre, stably (`order` says how, for values given one per edge).

    PyNN: `FromListConnector`; Brian2: `connect(i=..., j=...)`. Indices are those of the populations, or, in a link
    between chosen neurons, of the choice: with `"E[100:200]"` index 0 is neuron 100, and with `"E[7,3]"` neuron 7.
    """

    pre: Int32[Array, " E"]
    post: Int32[Array, " E"]

    def __init__(self, pre: ArrayLike, post: ArrayLike):
        self.pre, self.post = map(_indices, (pre, post))
        for name, index in (("pre", self.pre), ("post", self.post)):
            if index.ndim != 1 or not (jnp.issubdtype(index.dtype, jnp.integer) or index.size == 0):
                raise ValueError(
                    f"FromArrays got {name} of shape {index.shape}, type {index.dtype}; expected a vector of integers."
                )
        if self.pre.shape != self.post.shape:
            raise ValueError(f"FromArrays got {self.pre.size} pre and {self.post.size} post; expected equal lengths.")

    def order(self) -> Int32[Array, " E"]:
        """Edge `e` of the graph is the one given at position `order[e]`."""
        if is_concrete(self.pre):
            return on_device(np.argsort(np.asarray(self.pre), kind="stable").astype(np.int32))
        return jnp.argsort(self.pre, stable=True).astype(jnp.int32)

    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        for name, index, n in (("pre", self.pre, n_pre), ("post", self.post, n_post)):
            index = np.asarray(index) if is_concrete(index) else index
            check(
                lambda index=index, n=n: (index >= 0) & (index < n),
                f"FromArrays got {name} indices outside 0 .. {n - 1}; expected indices of the {n} {name} neurons.",
            )
        if is_concrete(self.pre, self.post):
            order = np.asarray(self.order())
            return _given(n_pre, n_post, np.asarray(self.pre)[order], np.asarray(self.post)[order])
        with jax.ensure_compile_time_eval():
            order = self.order()
            pre, post = self.pre.astype(jnp.int32)[order], self.post.astype(jnp.int32)[order]
            outside = jnp.any((pre < 0) | (pre >= n_pre) | (post < 0) | (post >= n_post))
            return Edges(pre, post, outside, n_pre, n_post)

    def fan_out(self, n_pre: int, n_post: int) -> int:
        if not is_concrete(self.pre):
            return self.pre.size
        return int(np.bincount(np.asarray(self.pre), minlength=1).max())


# --- random graphs ----------------------------------------------------------------------------------------------------


@partial(jax.jit, static_argnames=("capacity", "n", "skip_self", "multapses"))
def _draw_rows(
    stream: Array, degree: Int32[Array, " rows"], *, capacity: int, n: int, skip_self: bool, multapses: bool
) -> tuple[UInt32[Array, " E"], UInt32[Array, " E"], Bool[Array, " E"]]:
    """For each of `degree[row]` edges one of `n` partners: (row, partner, valid), row after row.

    Without multapses a row takes the first members of its own random permutation. Leaving out oneself is drawing from
    `n - 1` and stepping over oneself.
    """
    degree = apart(degree)  # lest equal degrees be summed up by the compiler, which takes seconds
    end = jnp.cumsum(degree)
    row = jnp.repeat(jnp.arange(degree.size, dtype=jnp.int32), degree, total_repeat_length=capacity)
    edge = jnp.arange(capacity, dtype=jnp.int32)
    index = (edge - (end - degree)[row]).astype(jnp.uint32)
    row = row.astype(jnp.uint32)
    others = n - 1 if skip_self else n
    if multapses:
        partner = _random.below(_random.words(stream, row, index)[0], others)
    else:
        partner = _random.permute(stream, row, index, others)
    return row, _step_over(partner, row) if skip_self else partner, edge < end[-1]


_BY_NUMPY = 1 << 19  # edges of random permutations up to which NumPy takes less time than a program takes to compile
_BY_PROGRAM = 1 << 18  # edges that a call of that program permutes


@partial(jax.jit, static_argnums=3)
def _permuted(stream: Array, row: Array, index: Array, n: int) -> Array:
    return _random.permute(stream, row, index, n)


def _permute(stream: Any, row: np.ndarray, index: np.ndarray, n: int, total: int) -> np.ndarray:
    """`permute` of a block of `total` edges: by NumPy, or, of large graphs, by a program for blocks of one size."""
    if total <= _BY_NUMPY:
        return _random.permute_on_host(stream, row, index, n)
    row, index = (np.pad(x, (0, _BY_PROGRAM - x.size)) for x in np.broadcast_arrays(row, index))
    with jax.ensure_compile_time_eval():
        return np.asarray(_permuted(np.stack(stream), row, index, n))


def _blocks_of(total: int, multapses: bool) -> Iterator[slice]:
    return blocks(total) if multapses or total <= _BY_NUMPY else blocks(total, _BY_PROGRAM)


def _rows_on_host(
    key: Array, name: str, degree: np.ndarray, n: int, skip_self: bool, multapses: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The valid ones of `_draw_rows`, (row, partner)."""
    total = int(degree.sum(dtype=np.int64))
    stream, first = _random.host_stream(key, name), np.cumsum(degree, dtype=np.int64) - degree
    row, partner = empty(total, np.uint32), empty(total, np.uint32)
    row[:] = np.repeat(np.arange(degree.size, dtype=np.uint32), degree)
    others = n - 1 if skip_self else n
    for at in _blocks_of(total, multapses):
        rows = row[at]
        index = (np.arange(at.start, at.stop) - first[rows]).astype(np.uint32)
        if multapses:
            drawn = _random.below(_random.words(stream, rows, index)[0], others)
        else:
            drawn = _permute(stream, rows, index, others, total)[: rows.size]
        partner[at] = _step_over(drawn, rows) if skip_self else drawn
    return row, partner


def _pairs_on_host(
    key: Array, total: int, n_pre: int, n_post: int, skip_self: bool, multapses: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The valid ones of `_draw_pairs`."""
    others = n_post - 1 if skip_self else n_post
    stream, pre, post = _random.host_stream(key, "pairs"), empty(total, np.uint32), empty(total, np.uint32)
    for at in _blocks_of(total, multapses):
        edge = np.arange(at.start, at.stop, dtype=np.uint32)
        if multapses:
            one, two = _random.words(stream, 0, edge)
            pre[at], other = _random.below(one, n_pre), _random.below(two, others)
        else:
            pair = _permute(stream, np.zeros_like(edge), edge, n_pre * others, total)[: edge.size]
            pre[at], other = pair // np.uint32(others), pair % np.uint32(others)
        post[at] = _step_over(other, pre[at]) if skip_self else other
    return pre, post


@partial(jax.jit, static_argnames=("capacity", "n_pre", "n_post", "skip_self", "multapses"))
def _draw_pairs(
    stream: Array, total: Int32[Array, ""], *, capacity: int, n_pre: int, n_post: int, skip_self: bool, multapses: bool
) -> tuple[UInt32[Array, " E"], UInt32[Array, " E"], Bool[Array, " E"]]:
    """`total` of all pairs, as (pre, post, valid)."""
    edge = jnp.arange(capacity, dtype=jnp.uint32)
    others = n_post - 1 if skip_self else n_post
    if multapses:
        one, two = _random.words(stream, 0, edge)
        pre, post = _random.below(one, n_pre), _random.below(two, others)
    else:
        pair = _random.permute(stream, jnp.uint32(0), edge, n_pre * others)
        pre, post = pair // np.uint32(others), pair % np.uint32(others)
    return pre, _step_over(post, pre) if skip_self else post, edge < total.astype(jnp.uint32)


@partial(jax.jit, static_argnames=("n_pre", "n", "most"))
def _out_degrees(stream: Array, p: Array, *, n_pre: int, n: int, most: float) -> Int32[Array, " n_pre"]:
    word, _ = _random.words(stream, 0, jnp.arange(n_pre, dtype=jnp.uint32))
    return _random.binomial(word, n, jnp.nan_to_num(jnp.clip(p, 0.0, most)), most)


def _step_over(partner: Any, oneself: Any) -> Any:
    return partner + (partner >= oneself).astype(partner.dtype)


def _sorted_on_host(pre: np.ndarray, post: np.ndarray, n_pre: int, n_post: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted by (pre, post), in place, as one packed number."""
    wide = np.uint32 if n_pre * n_post <= 2**32 else np.uint64
    packed = filled(pre.size, wide, lambda at: pre[at].astype(wide) * wide(n_post) + post[at].astype(wide))
    packed.sort()
    for at in blocks(pre.size):
        pre[at], post[at] = np.divmod(packed[at], wide(n_post))
    return pre, post


def _collect(drawn: tuple[Array, Array, Array], total: Array, n_pre: int, n_post: int, *, sort: bool) -> Edges:
    """While tracing: edges from (pre, post, valid), with padding marked, sorted by (pre, post) if need be.

    What fits 32 bits is sorted as one packed number, which is several times faster.
    """
    pre, post, valid = drawn
    overflow = total > pre.size
    pre, post = jnp.where(valid, pre, np.uint32(n_pre)), jnp.where(valid, post, np.uint32(n_post))
    base = n_post + 1  # padding counts as neuron n_post
    if sort and (n_pre + 1) * base <= 2**32:
        packed = lax.sort(pre * np.uint32(base) + post)
        pre, post = packed // np.uint32(base), packed % np.uint32(base)
    elif sort:
        pre, post = lax.sort((pre, post), num_keys=2)
    return Edges(jnp.asarray(pre, jnp.int32), jnp.asarray(post, jnp.int32), overflow, n_pre, n_post)


def _fits(name: str, edges: int) -> int:
    """Places for so many edges, if they can be numbered."""
    if edges >= 2**31:
        raise ValueError(f"{name} would make about {edges} edges; expected fewer than 2^31: split the projection.")
    return max(edges, 1)


def coarse(n: int) -> int:
    """The next size on a coarse grid, in steps of an eighth of a power of two: what is compiled for it is kept."""
    grain = 1 << max(int(n).bit_length() - 4, 0)
    return -(-int(n) // grain) * grain


class FixedProb(AbstractTopology):
    """Every pair with probability `p`, independently: a binomial out-degree, then that many of a random permutation.

    NEST: `pairwise_bernoulli`; PyNN: `FixedProbabilityConnector`; Brian2: `connect(p=...)`.

    **Arguments:** `p`: probability, shape (). `autapses`: whether a neuron may connect to itself, where pre and post
    are one population. `most`: static, the largest `p`, needed where `p` is traced.
    """

    pairwise: ClassVar[bool] = True
    p: Param = param()
    autapses: bool = eqx.field(default=True, static=True)
    most: float | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        p = np.asarray(self.p) if is_concrete(self.p) else self.p
        check(lambda: (p >= 0) & (p <= 1), f"FixedProb got p={p}; expected a probability in [0, 1].")
        if self.p.ndim:
            raise ValueError(f"FixedProb.p has shape {self.p.shape}; expected one probability.")
        if self.most is not None:
            real = isinstance(self.most, (int, float, np.floating)) and not isinstance(self.most, bool)
            check(real and 0 <= self.most <= 1, f"FixedProb got most={self.most}; expected a probability in [0, 1].")
            most = self.p.dtype.type(self.most)  # rounded as p is
            check(lambda: p <= most, f"FixedProb got p={p}, more than most={self.most}; give a larger `most`.")

    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        skip_self, most = loop and not self.autapses, float(_limit(self, "p"))
        others = n_post - 1 if skip_self else n_post
        if others < 1:
            return _given(n_pre, n_post, np.zeros(0), np.zeros(0))
        capacity = _fits("FixedProb", coarse(self._likely(n_pre, others)))
        if is_concrete(key, self):
            word = _random.words(_random.host_stream(key, "out-degree"), 0, np.arange(n_pre, dtype=np.uint32))[0]
            degree = _random.binomial_on_host(word, others, min(self.p.item(), most), most)
            return _given(n_pre, n_post, *_rows_on_host(key, "post", degree, n_post, skip_self, False))
        degree = _out_degrees(_random.stream(key, "out-degree"), self.p, n_pre=n_pre, n=others, most=most)
        drawn = _draw_rows(
            _random.stream(key, "post"), degree, capacity=capacity, n=n_post, skip_self=skip_self, multapses=False
        )
        edges = _collect(drawn, jnp.sum(degree), n_pre, n_post, sort=False)
        beyond = ~((self.p >= 0) & (self.p <= most))
        return eqx.tree_at(lambda edges: edges.overflow, edges, edges.overflow | beyond)

    def _likely(self, n_pre: int, others: int) -> int:
        """Places for the edges of nearly every draw."""
        most, pairs = float(_limit(self, "p")), n_pre * others
        return _likely_most(pairs * most, pairs * most * (1 - most), pairs)

    def places(self, n_pre: int, n_post: int, drawn: int) -> int:
        return coarse(max(self._likely(n_pre, n_post), drawn))

    def fan_out(self, n_pre: int, n_post: int) -> int:
        p = float(_limit(self, "p"))
        return _likely_most(n_post * p, n_post * p * (1 - p), n_post)


def _whole(value: Any) -> Int32[Array, ""]:
    """A number of edges as a leaf; a plain one stays concrete inside `jit`."""
    number = value if isinstance(value, jax.Array) else np.asarray(value)
    if number.ndim or not jnp.issubdtype(number.dtype, np.integer):
        raise ValueError(f"Got {value!r} for a number of edges; expected one whole number.")
    if isinstance(number, np.ndarray) and not -(2**31) <= number < 2**31:
        raise ValueError(f"Got {value!r} for a number of edges; expected fewer than 2^31: split the projection.")
    return number.astype(jnp.int32) if isinstance(number, jax.Array) else on_device(number.astype(np.int32))


def _check_given(owner: Any, name: str) -> None:
    """What can be said of a number of edges without the populations."""
    kind = type(owner).__name__
    value = getattr(owner, name)
    value = np.asarray(value) if is_concrete(value) else value
    check(lambda: value >= 0, f"{kind} got {name}={value}; expected a number >= 0.")
    if owner.most is not None:
        count(owner.most, f"{kind}.most", "None or a whole number of edges", least=0)


def _limit(owner: Any, name: str) -> Any:
    """The static most of the numeric field `name`: `most`, or else its value."""
    if owner.most is not None:
        return owner.most
    value = getattr(owner, name)
    if not is_concrete(value):
        kind = type(owner).__name__
        raise ValueError(
            f"{kind} got a traced {name}, which leaves the number of edges open when the program is compiled; "
            f"give the largest {name} as a number: {kind}(..., most=...)."
        )
    return value.item()


def _check_number(owner: Any, name: str, partners: int, per: str) -> None:
    """`partners`: how many there are to choose from."""
    value, kind = getattr(owner, name), type(owner).__name__
    value = np.asarray(value) if is_concrete(value) else value
    check(lambda: value >= 0, f"{kind} got {name}={value}; expected a number >= 0.")
    if owner.most is not None:
        check(
            lambda: value <= owner.most,
            f"{kind} got {name}={value}, more than most={owner.most}; give a larger `most`.",
        )
    if not owner.multapses or partners == 0:
        check(
            lambda: value <= partners,
            f"{kind} got {name}={value}, but there are only {partners} {per}; take fewer, or allow multapses.",
        )


def _fixed_degree(
    owner: "FixedInDegree | FixedOutDegree", key: Array, n_pre: int, n_post: int, loop: bool, incoming: bool
) -> Edges:
    """`k` edges for every post from pre (`incoming`), or for every pre to post."""
    rows, n = (n_post, n_pre) if incoming else (n_pre, n_post)
    skip_self = loop and not owner.autapses
    partners = n - 1 if skip_self else n
    _check_number(owner, "k", partners, "neurons to choose from")
    most = _limit(owner, "k")
    if partners == 0 or most == 0:
        return _given(n_pre, n_post, np.zeros(0), np.zeros(0))
    most = most if owner.multapses else min(most, partners)
    name = "pre" if incoming else "post"
    if is_concrete(key, owner):
        _fits(type(owner).__name__, rows * owner.k.item())
        degree = np.full(rows, owner.k.item(), np.int32)
        row, partner = _rows_on_host(key, name, degree, n, skip_self, owner.multapses)
        if incoming:
            return _given(n_pre, n_post, *_sorted_on_host(partner, row, n_pre, n_post))
        return _given(n_pre, n_post, row, partner)
    row, partner, valid = _draw_rows(
        _random.stream(key, name),
        jnp.full(rows, jnp.clip(owner.k, 0, most)),
        capacity=_fits(type(owner).__name__, rows * most),
        n=n,
        skip_self=skip_self,
        multapses=owner.multapses,
    )
    drawn = (partner, row, valid) if incoming else (row, partner, valid)
    return _collect(drawn, rows * owner.k, n_pre, n_post, sort=incoming)


class FixedInDegree(AbstractTopology):
    """Every postsynaptic neuron gets `k` edges from random neurons, with replacement unless `multapses=False`.

    NEST: `fixed_indegree`; PyNN: `FixedNumberPreConnector`.

    **Arguments:** `k`: a whole number, shape (). `autapses`: whether a neuron may connect to itself, where pre and post
    are one population. `most`: static, the largest `k`, needed where `k` is traced.
    """

    k: Int32[Array, ""] = eqx.field(converter=_whole)
    autapses: bool = eqx.field(default=True, static=True)
    multapses: bool = eqx.field(default=True, static=True)
    most: int | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        _check_given(self, "k")

    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        return _fixed_degree(self, key, n_pre, n_post, loop, incoming=True)

    def fan_out(self, n_pre: int, n_post: int) -> int:
        edges = n_post * _limit(self, "k")
        limit = edges if self.multapses else n_post
        return _likely_most(edges / max(n_pre, 1), edges / max(n_pre, 1), limit)


class FixedOutDegree(AbstractTopology):
    """Every presynaptic neuron gets `k` edges to random neurons; otherwise as `FixedInDegree`.

    NEST: `fixed_outdegree`; PyNN: `FixedNumberPostConnector`.
    """

    k: Int32[Array, ""] = eqx.field(converter=_whole)
    autapses: bool = eqx.field(default=True, static=True)
    multapses: bool = eqx.field(default=True, static=True)
    most: int | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        _check_given(self, "k")

    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        return _fixed_degree(self, key, n_pre, n_post, loop, incoming=False)

    def fan_out(self, n_pre: int, n_post: int) -> int:
        return _limit(self, "k")


class FixedTotal(AbstractTopology):
    """`n` edges among random pairs, with replacement unless `multapses=False`.

    NEST: `fixed_total_number`; PyNN: `FixedTotalNumberConnector`.

    **Arguments:** `n`: a whole number, shape (). `autapses`: whether a neuron may connect to itself, where pre and post
    are one population. `most`: static, the largest `n`, needed where `n` is traced.
    """

    n: Int32[Array, ""] = eqx.field(converter=_whole)
    autapses: bool = eqx.field(default=True, static=True)
    multapses: bool = eqx.field(default=True, static=True)
    most: int | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        _check_given(self, "n")

    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        skip_self = loop and not self.autapses
        pairs = n_pre * (n_post - 1 if skip_self else n_post)
        _check_number(self, "n", pairs, "pairs to choose from")
        most = _limit(self, "n")
        if pairs == 0 or most == 0:
            return _given(n_pre, n_post, np.zeros(0), np.zeros(0))
        if not self.multapses and pairs > _MAX_PAIRS:
            raise ValueError(
                f"FixedTotal got {n_pre} x {n_post} neurons without multapses; expected at most 2^31 pairs: "
                "allow multapses or split the projection."
            )
        most = most if self.multapses else min(most, pairs)
        if is_concrete(key, self):
            drawn = _pairs_on_host(key, _fits("FixedTotal", self.n.item()), n_pre, n_post, skip_self, self.multapses)
            pre, post = (x[: self.n.item()] for x in drawn)
            return _given(n_pre, n_post, *_sorted_on_host(pre, post, n_pre, n_post))
        drawn = _draw_pairs(
            _random.stream(key, "pairs"),
            self.n,
            capacity=_fits("FixedTotal", most),
            n_pre=n_pre,
            n_post=n_post,
            skip_self=skip_self,
            multapses=self.multapses,
        )
        return _collect(drawn, self.n, n_pre, n_post, sort=True)

    def fan_out(self, n_pre: int, n_post: int) -> int:
        edges = _limit(self, "n")
        return _likely_most(edges / max(n_pre, 1), edges / max(n_pre, 1), edges if self.multapses else n_post)
