"""Random draws of graphs, as they are asked for inside a program: those of all projections are made by one loop.

A topology's `drawing` is a generator: it yields what it asks for and is sent the answer. What all projections of a
network ask for at one time is answered together, so that a program does not grow with their number. The numbers are
those of the host (`drawing.py`), whoever asks beside it: a place's number is a function of its stream and its id.

What depends on the key alone is not answered together with what depends on other numbers of the program (`varies`): a
sweep draws the former once a seed.
"""

from __future__ import annotations

import abc
import itertools
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int32, UInt32

from .. import _random
from .._types import is_concrete
from .._xla import apart
from .._xla.platforms import by_platform
from ..distributions import AbstractDistribution
from .graph import at_or_before
from .topology import AbstractTopology, Edges

Found = TypeVar("Found")
Key = Array | _random.KeyPath

_blocks_of = partial(_random.Blocks.of, smallest=256, largest=8192)


class Degrees(NamedTuple):
    """Asks for a binomial number of successes in `n` trials of probability `p <= most`, for each of `rows`."""

    key: Key
    name: str
    p: Array
    rows: int
    n: int
    most: float

    @property
    def kind(self) -> Hashable:
        """Of what is answered together."""
        return Degrees, is_concrete(self.p)


class Draws(NamedTuple):
    """Asks for `degree[row]` edges of every row, in at most `capacity` places: for each a number below `first` and
    another below `second`.

    `multapses`: every edge is drawn by itself; otherwise pairs of numbers are the first of a random permutation of all
    pairs, another one for each row.
    """

    key: Key
    name: str
    degree: Int32[Array, " rows"]
    capacity: int
    first: int
    second: int = 1
    multapses: bool = False
    varies: bool = False

    @property
    def kind(self) -> Hashable:
        """Of what is answered together."""
        return Draws, self.multapses, self.varies


class Numbers(NamedTuple):
    """Asks for `count` numbers of a law that has one set of parameters."""

    key: Key
    name: str
    law: AbstractDistribution
    count: int

    @classmethod
    def of(cls, key: Key, law: Any, count: int) -> Numbers | None:
        """None if the numbers of `law` are to be drawn by itself: it is another thing, or its parameters differ."""
        one = isinstance(law, AbstractDistribution) and all(jnp.ndim(x) == 0 for x in jax.tree.leaves(law))
        return cls(key, law.stream, law, count) if one and law.stream is not None else None

    @property
    def kind(self) -> Hashable:
        """Of what is answered together: laws of one form."""
        leaves, form = jax.tree.flatten(self.law)
        return Numbers, form, tuple(jnp.result_type(x) for x in leaves), is_concrete(leaves)


class Starts(NamedTuple):
    """Asks where the edges of each of `n_pre` neurons begin, of edges sorted by `pre`."""

    pre: Int32[Array, " edges"]
    n_pre: int
    varies: bool = False

    @property
    def kind(self) -> Hashable:
        """Of what is answered together."""
        return Starts, self.varies


class Sorts(NamedTuple):
    """Asks for edges sorted by (pre, post), which are at most `n_pre` and `n_post`: padding has just those."""

    pre: UInt32[Array, " edges"]
    post: UInt32[Array, " edges"]
    n_pre: int
    n_post: int
    varies: bool = False

    @property
    def kind(self) -> Hashable:
        """Of what is answered together."""
        return Sorts, self.varies

    @property
    def pairs(self) -> int:
        """How many pairs there are, with those of padding."""
        return (self.n_pre + 1) * (self.n_post + 1)


Asked = Degrees | Draws | Numbers | Starts | Sorts
Drawing = Generator[Asked, Any, Edges]


class Drawn(NamedTuple):
    """The answer to `Draws`, row after row.

    `valid`: False in the places behind the last edge. `overflow`: whether there are more edges than places.
    """

    row: UInt32[Array, " capacity"]
    first: UInt32[Array, " capacity"]
    second: UInt32[Array, " capacity"]
    valid: Bool[Array, " capacity"]
    overflow: Bool[Array, ""]


class AbstractDrawn(AbstractTopology):
    """A topology that is drawn: what it says is in `drawing`."""

    def build(self, key: Key, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        return alone(self.drawing(key, n_pre, n_post, loop=loop))

    @abc.abstractmethod
    def drawing(self, key: Key, n_pre: int, n_post: int, *, loop: bool) -> Drawing:
        """Yields what is to be drawn for it, is sent that, and returns the edges, as `build` does."""


def alone(drawing: Generator[Asked, Any, Found]) -> Found:
    """What one generator returns."""
    return together({"": drawing})[""]


def together(
    drawings: Mapping[str, Generator[Asked, Any, Found]],
    naming: Callable[[str], AbstractContextManager[Any]] = lambda name: nullcontext(),
) -> dict[str, Found]:
    """What several generators return. `naming(name)`: the context in which one goes on, for errors."""
    found: dict[str, Found] = {}
    answers: dict[str, Any] = dict.fromkeys(drawings)
    while answers:
        asked: dict[str, Any] = {}
        for name, answer in answers.items():
            with naming(name):
                try:
                    asked[name] = drawings[name].send(answer)
                except StopIteration as end:
                    found[name] = end.value
        answers = dict(zip(asked, _answered([*asked.values()]), strict=True))
    return found


def _answered(asked: Sequence[Any]) -> list[Any]:
    if not asked:
        return []
    kinds: dict[Hashable, list[int]] = {}
    for i, x in enumerate(asked):
        kinds.setdefault(x.kind, []).append(i)
    drawn = [i for some in kinds.values() for i in some if type(asked[i]) not in _FOUND]
    streams = _random.streams_of([asked[i].key for i in drawn], [asked[i].name for i in drawn]) if drawn else None
    answers, at = {}, 0
    for some in kinds.values():
        given, kind = [asked[i] for i in some], type(asked[some[0]])
        if kind in _FOUND:
            found = _FOUND[kind](given)
        else:
            assert streams is not None
            found, at = _ANSWER[kind](given, streams[at : at + len(some)]), at + len(some)
        answers |= dict(zip(some, found, strict=True))
    return [answers[i] for i in range(len(asked))]


def _by_blocks(of: np.ndarray, function: Callable[..., Any], shared: Any, *each: Array) -> Any:
    """`function(shared, which, *own)` of every block, `which` being the request it is of: in a loop whose body is
    compiled once; accelerators do all blocks at once.
    """
    leaves, form = jax.tree.flatten(shared)

    def over(mapped: Callable[..., Any]) -> Callable[..., Any]:
        def whole(*given: Array) -> Any:
            shared, each = jax.tree.unflatten(form, given[: len(leaves)]), given[len(leaves) :]
            return mapped(lambda own: function(shared, *own), each)

        return whole

    given = *leaves, jnp.asarray(of), *each
    return by_platform(*given, cpu=over(lax.map), default=over(lambda f, x: jax.vmap(f)(x)))


# --- how many edges a neuron has --------------------------------------------------------------------------------------


def _degrees(asked: Sequence[Degrees], streams: Array) -> list[Int32[Array, " rows"]]:
    return _degrees_of(streams, jnp.stack([x.p for x in asked]), tuple((x.rows, x.n, x.most) for x in asked))


@partial(jax.jit, static_argnames="forms")
def _degrees_of(streams: Array, p: Array, forms: tuple[tuple[int, int, float], ...]) -> list[Array]:
    rows, n, most = zip(*forms, strict=True)
    blocks = _blocks_of(rows)
    laws = _random.BinomialTables.of(n, jnp.nan_to_num(jnp.clip(p, 0.0, jnp.asarray(most, p.dtype))), most)

    # Read for every row, a stream would be derived in the loop over rows, which LLVM takes minutes to vectorise.
    def block(shared: tuple[Array, _random.BinomialTables], which: Array, begin: Array) -> Array:
        streams, laws = shared
        word, _ = _random.words(streams[which], 0, begin + jnp.arange(blocks.size, dtype=jnp.uint32))
        return laws.count(which, word)

    found = _by_blocks(blocks.table, block, (streams, laws), jnp.asarray(blocks.begin)).reshape(-1)
    return [found[at : at + k] for at, k in zip(blocks.places, rows, strict=True)]


# --- between whom the edges are ---------------------------------------------------------------------------------------


def _draws(asked: Sequence[Draws], streams: Array) -> list[Drawn]:
    forms = tuple((x.capacity, x.first, x.second) for x in asked)
    return _edges_of(streams, [x.degree for x in asked], forms, asked[0].multapses)


@partial(jax.jit, static_argnames=("forms", "multapses"))
def _edges_of(
    streams: Array, degrees: list[Array], forms: tuple[tuple[int, int, int], ...], multapses: bool
) -> list[Drawn]:
    capacity, *halves = zip(*forms, strict=True)
    blocks = _blocks_of(capacity)
    first, second = (np.array(x, np.uint32) for x in halves)
    domains = None if multapses else _random.Domain.of([a * b for a, b in zip(*halves, strict=True)])
    row, index, valid, total = _places(degrees, blocks)
    overflow = total > np.array(capacity, np.int32)

    def block(streams: Array, which: Array, row: Array, index: Array) -> tuple[Array, Array]:
        a, b = (jnp.asarray(x)[which] for x in (first, second))
        if domains is None:
            one, two = _random.words(streams[which], row, index)
            return _random.below(one, a), _random.below(two, b)
        pair = _random.permuted(streams[which], row, index, domains.at(which))
        return pair // b, pair % b

    one, two = _by_blocks(blocks.table, block, streams, row, index)
    every = [x.reshape(-1) for x in (row, one, two, valid)]
    lists = enumerate(zip(blocks.places, capacity, strict=True))
    return [Drawn._make((*(x[at : at + n] for x in every), overflow[i])) for i, (at, n) in lists]


def _places(degrees: list[Array], blocks: _random.Blocks) -> tuple[Array, Array, Array, Array]:
    """For every place in the blocks of several lists, in which edges of a row lie side by side: the row of the edge
    there, which of the row's edges it is, and whether there is one; and how many edges each list has. Edges beyond the
    blocks of a list are left out.
    """
    sizes = np.array([degree.size for degree in degrees])
    rows, of, size = np.cumsum(sizes) - sizes, blocks.table, blocks.size  # `rows`: before each list
    first, room = np.array(blocks.places, np.int32), np.bincount(of, minlength=len(sizes)) * size
    owner = np.repeat(np.arange(len(degrees), dtype=np.int32), sizes)
    degree = apart(jnp.concatenate(degrees))  # lest equal degrees be summed up by the compiler, which takes seconds
    end = jnp.cumsum(degree)
    before = jnp.where(rows > 0, end[rows - 1], 0)
    total = end[rows + sizes - 1] - before
    start, stop = end - degree - before[owner], end - before[owner]  # in its list
    ended = at_or_before(jnp.minimum(stop, room[owner]) + first[owner], of.size * size)
    row = jnp.minimum(ended, owner.size - 1).reshape(-1, size)  # as many have ended before a place
    place = jnp.arange(of.size * size, dtype=jnp.int32).reshape(-1, size) - first[of][:, None]
    return (
        (row - rows[of][:, None]).astype(jnp.uint32),
        (place - start[row]).astype(jnp.uint32),
        place < total[of][:, None],
        total,
    )


def _starts(asked: Sequence[Starts]) -> list[Int32[Array, " n_pre+1"]]:
    """By one search in all lists, side by side."""
    rows, edges = (np.cumsum([0, *x]) for x in ([x.n_pre + 1 for x in asked], [x.pre.size for x in asked]))
    every = jnp.concatenate([x.pre + np.int32(row) for x, row in zip(asked, rows, strict=False)])
    found = jnp.searchsorted(every, jnp.arange(rows[-1], dtype=jnp.int32)).astype(jnp.int32)
    found -= np.repeat(edges[:-1].astype(np.int32), np.diff(rows))
    return [found[a:b] for a, b in itertools.pairwise(rows.tolist())]


def _sorted(asked: Sequence[Sorts]) -> list[tuple[Array, Array]]:
    """By one sort for as many lists as have pairs that 32 bits can number, one list after the other.

    One packed number is sorted several times as fast as two.
    """
    groups: list[list[Sorts]] = [[]]
    for x in asked:
        if sum(y.pairs for y in (*groups[-1], x)) > 2**32 and groups[-1]:
            groups.append([])
        groups[-1].append(x)
    return [found for group in groups for found in _sorted_group(group)]


def _sorted_group(asked: Sequence[Sorts]) -> list[tuple[Array, Array]]:
    if sum(x.pairs for x in asked) > 2**32:  # then it is one list
        return [(pre, post) for x in asked for pre, post in [lax.sort((x.pre, x.post), num_keys=2)]]
    first, ends = (np.cumsum([0, *x]) for x in ([x.pairs for x in asked], [x.pre.size for x in asked]))
    numbers = [x.pre * np.uint32(x.n_post + 1) + x.post + np.uint32(at) for x, at in zip(asked, first, strict=False)]
    found = by_platform(jnp.concatenate(numbers), cpu=lax.sort, default=_sorted_by_networks)
    own = [found[a:b] - np.uint32(at) for (a, b), at in zip(itertools.pairwise(ends.tolist()), first, strict=False)]
    return [(x // np.uint32(y.n_post + 1), x % np.uint32(y.n_post + 1)) for x, y in zip(own, asked, strict=True)]


def _sorted_by_networks(numbers: UInt32[Array, " n"]) -> UInt32[Array, " n"]:
    """In places of a power of two, and not stable: a TPU takes a quarter of the time to compile that."""
    room = (1 << (numbers.size - 1).bit_length()) - numbers.size
    return lax.sort(jnp.pad(numbers, (0, room), constant_values=~np.uint32(0)), is_stable=False)[: numbers.size]


# --- their weights and delays -----------------------------------------------------------------------------------------


def _numbers(asked: Sequence[Numbers], streams: Array) -> list[Float[Array, " count"]]:
    if len(asked) == 1:
        return [asked[0].law.numbers(streams[0], jnp.arange(asked[0].count, dtype=jnp.uint32))]
    laws = jax.tree.map(lambda *x: jnp.stack(x), *(x.law for x in asked))
    return _numbers_of(streams, laws, tuple(x.count for x in asked))


@partial(jax.jit, static_argnames="counts")
def _numbers_of(streams: Array, laws: AbstractDistribution, counts: tuple[int, ...]) -> list[Array]:
    blocks = _blocks_of(counts)

    def block(shared: tuple[Array, Any], which: Array, begin: Array) -> Array:
        stream, law = jax.tree.map(lambda x: x[which], shared)
        return law.numbers(stream, begin + jnp.arange(blocks.size, dtype=jnp.uint32))

    found = _by_blocks(blocks.table, block, (streams, laws), jnp.asarray(blocks.begin)).reshape(-1)
    return [found[at : at + n] for at, n in zip(blocks.places, counts, strict=True)]


_FOUND: Mapping[type, Callable[..., list[Any]]] = {Starts: _starts, Sorts: _sorted}  # without random numbers
_ANSWER: Mapping[type, Callable[..., list[Any]]] = {Degrees: _degrees, Draws: _draws, Numbers: _numbers}
