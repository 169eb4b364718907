"""Who connects to whom: the edges of a projection, and graphs without chance.

Edges are sorted by pre; those of one pre are in the order they are drawn in, which for `FixedInDegree` and `FixedTotal`
is that of post. On the host (key and numbers concrete) arrays have the exact number of edges; traced, they have a
static capacity, padded at the end. So have the lists of a network whose number of edges is a matter of chance: another
seed has the same shapes.
"""

import abc
import math
from collections.abc import Generator, Iterator
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Int32

from .. import _random
from .._arguments import flag
from .._blocks import blocks, empty
from .._text import described
from .._types import is_concrete, on_device

MAX_PAIRS = 2**31  # what a keyed permutation of all pairs can number


class Edges(eqx.Module):
    """A graph as a list: edge `e` goes from `pre[e]` to `post[e]`; padding at the end has `n_pre` and `n_post` there.

    `overflow`: True if there were more edges than places, so that some are missing. `start`: where the edges of each
    presynaptic neuron begin, if that has been counted already.
    """

    pre: Int32[Array, " E"]
    post: Int32[Array, " E"]
    overflow: Bool[Array, ""]
    n_pre: int = eqx.field(static=True)
    n_post: int = eqx.field(static=True)
    start: Int32[Array, " n_pre+1"] | None = None

    def padded(self, places: int) -> "Edges":
        """The same edges in a list of `places`, if they are known: those of another draw then have the same shape."""
        more = places - self.pre.size
        if more <= 0 or not is_concrete(self):
            return self

        def longer(given: Array, fill: int) -> np.ndarray:
            out = empty(places, np.int32)
            out[: given.size], out[given.size :] = np.asarray(given), fill
            return out

        return given(self.n_pre, self.n_post, longer(self.pre, self.n_pre), longer(self.post, self.n_post))


class AbstractTopology(eqx.Module):
    """A rule that says who connects to whom."""

    pairwise: ClassVar[bool] = False  # every pair is decided by itself, so that one can be left out of what is drawn
    in_order: ClassVar[bool] = True  # whether `pieces` come in the order of the list

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

    def pieces(
        self, key: Array, n_pre: int, n_post: int, *, loop: bool
    ) -> Iterator[tuple[Int32[np.ndarray, " some"], Int32[np.ndarray, " some"]]]:
        """The edges of `build` as `(pre, post)`, some at a time, of a key and numbers that are known.

        Who keeps a part of them never holds all. They come `in_order` of the list, or that is by pre, then by post.
        """
        edges = self.build(key, n_pre, n_post, loop=loop)
        yield np.asarray(edges.pre), np.asarray(edges.post)

    def drawing(
        self, key: Array | _random.KeyPath, n_pre: int, n_post: int, *, loop: bool
    ) -> Generator[Any, Any, Edges]:
        """`build` in steps: yields what is to be drawn for it inside a program (`asking.py`), is sent that, and returns
        the edges.
        """
        yield from ()
        return self.build(_random.derived(key), n_pre, n_post, loop=loop)

    def places(self, n_pre: int, n_post: int, drawn: int) -> int:
        """Places that a list of the edges has, of which `drawn` are taken: the same for all draws, since it is a shape.

        As many as there are edges, where their number is no matter of chance.
        """
        return drawn

    @abc.abstractmethod
    def fan_out(self, n_pre: int, n_post: int) -> int:
        """Static estimate of the most edges any pre has: the mean and six standard deviations where it is random."""


class AllToAll(AbstractTopology):
    """Every neuron to every neuron; `autapses=False` leaves out a neuron's connection to itself.

    NEST: `all_to_all`; PyNN: `AllToAllConnector`; Brian2: `connect()`; deep-learning libraries: a dense layer.
    """

    pairwise: ClassVar[bool] = True
    autapses: bool = eqx.field(default=True, static=True)

    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        fits("AllToAll", n_pre * n_post)
        pre, post = np.divmod(np.arange(n_pre * n_post), n_post)
        keep = slice(None) if self.autapses or not loop else pre != post
        return given(n_pre, n_post, pre[keep], post[keep])

    def pieces(self, key, n_pre, n_post, *, loop):
        for at in blocks(fits("AllToAll", n_pre * n_post) if n_pre * n_post else 0):
            pre, post = np.divmod(np.arange(at.start, at.stop, dtype=np.int32), np.int32(n_post))
            keep = slice(None) if self.autapses or not loop else pre != post
            yield pre[keep], post[keep]

    def fan_out(self, n_pre: int, n_post: int) -> int:
        return n_post


class OneToOne(AbstractTopology):
    """Neuron i to neuron i. NEST: `one_to_one`; PyNN: `OneToOneConnector`; Brian2: `connect(j="i")`."""

    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        if n_pre != n_post:
            raise ValueError(f"OneToOne got {n_pre} pre and {n_post} post neurons; expected equal sizes.")
        return given(n_pre, n_post, np.arange(n_pre), np.arange(n_pre))

    def fan_out(self, n_pre: int, n_post: int) -> int:
        return 1


def given(n_pre: int, n_post: int, pre: np.ndarray, post: np.ndarray) -> Edges:
    """Edges that are known, sorted by pre; arrays of uint32 are not copied."""
    known = lambda x: x.view(np.int32) if x.dtype == np.uint32 else np.asarray(x, np.int32)  # no copy: below 2^31
    return Edges(on_device(known(pre)), on_device(known(post)), on_device(np.zeros((), bool)), n_pre, n_post)


def likely_most(mean: float, variance: float, limit: int) -> int:
    """A count exceeded less than once in 10^8, at most `limit`; the constant is for small means, where laws skew."""
    return min(math.ceil(mean + 6.0 * math.sqrt(max(variance, 0.0)) + 8.0), limit)


def fits(name: str, edges: int) -> int:
    """Places for so many edges, if they can be numbered."""
    if edges >= 2**31:
        raise ValueError(f"{name} would make about {edges} edges; expected fewer than 2^31: split the projection.")
    return max(edges, 1)


def coarse(n: int) -> int:
    """The next size on a coarse grid, in steps of an eighth of a power of two: what is compiled for it is kept."""
    grain = 1 << max(int(n).bit_length() - 4, 0)
    return -(-int(n) // grain) * grain


def most_of(owner: Any, name: str) -> Any:
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
