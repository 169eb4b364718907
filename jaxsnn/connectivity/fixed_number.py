"""Random graphs with a fixed number of edges: for every neuron of one side, or in total."""

from collections.abc import Iterator
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from .. import _random
from .._arguments import count
from .._types import check, is_concrete, on_device
from .asking import AbstractDrawn, Drawing, Draws, Key, Sorts
from .drawing import Piece, listed, marked, pairs_in_pieces, put_together, rows_in_pieces, sorted_on_host, step_over
from .topology import MAX_PAIRS, fits, given, likely_most, most_of


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


class AbstractFixedDegree(AbstractDrawn):
    """`k` edges for every neuron of one side: for every post from pre (`incoming`), or for every pre to post."""

    incoming: ClassVar[bool]
    k: Int32[Array, ""] = eqx.field(converter=_whole)
    autapses: bool = eqx.field(default=True, static=True)
    multapses: bool = eqx.field(default=True, static=True)
    most: int | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        _check_given(self, "k")

    def drawing(self, key: Key, n_pre: int, n_post: int, *, loop: bool) -> Drawing:
        rows, partners, skip_self = self._choice(n_pre, n_post, loop)
        most = most_of(self, "k")
        if partners == 0 or most == 0:
            return given(n_pre, n_post, np.zeros(0), np.zeros(0))
        most = most if self.multapses else min(most, partners)
        name = "pre" if self.incoming else "post"
        if is_concrete(key, self):
            drawn = self._rows_in_pieces(_random.derived(key), n_pre, n_post, loop)
            row, partner = put_together(drawn, rows * self.k.item())
            if self.incoming:
                return given(n_pre, n_post, *sorted_on_host(partner, row, n_pre, n_post))
            return given(n_pre, n_post, row, partner)
        degree, capacity = jnp.full(rows, jnp.clip(self.k, 0, most)), fits(type(self).__name__, rows * most)
        choice = dict(multapses=self.multapses, varies=not is_concrete(self))
        drawn = yield Draws(key, name, degree, capacity, partners, **choice)
        row, partner = drawn.row, step_over(drawn.first, drawn.row) if skip_self else drawn.first
        pre, post = (partner, row) if self.incoming else (row, partner)
        pre, post = marked((pre, post, drawn.valid), n_pre, n_post)
        if self.incoming:
            pre, post = yield Sorts(pre, post, n_pre, n_post, choice["varies"])
        return listed(pre, post, rows * self.k > capacity, n_pre, n_post)

    def pieces(self, key, n_pre, n_post, *, loop):
        _, partners, _ = self._choice(n_pre, n_post, loop)
        if partners > 0 and self.k.item() > 0:
            for _, row, partner in self._rows_in_pieces(key, n_pre, n_post, loop):
                yield (partner, row) if self.incoming else (row, partner)

    def _choice(self, n_pre: int, n_post: int, loop: bool) -> tuple[int, int, bool]:
        """How many neurons draw, from how many others, and whether they leave out themselves."""
        rows, n = (n_post, n_pre) if self.incoming else (n_pre, n_post)
        skip_self = loop and not self.autapses
        partners = n - 1 if skip_self else n
        _check_number(self, "k", partners, "neurons to choose from")
        return rows, partners, skip_self

    def _rows_in_pieces(self, key: Array, n_pre: int, n_post: int, loop: bool) -> Iterator[Piece]:
        """The edges on the host, neuron after neuron of those that draw."""
        rows, partners, skip_self = self._choice(n_pre, n_post, loop)
        fits(type(self).__name__, rows * self.k.item())
        name, degree = "pre" if self.incoming else "post", np.full(rows, self.k.item(), np.int32)
        return rows_in_pieces(key, name, degree, partners + skip_self, skip_self, self.multapses)


class FixedInDegree(AbstractFixedDegree):
    """Every postsynaptic neuron gets `k` edges from random neurons, with replacement unless `multapses=False`.

    NEST: `fixed_indegree`; PyNN: `FixedNumberPreConnector`.

    **Arguments:** `k`: a whole number, shape (). `autapses`: whether a neuron may connect to itself, where pre and post
    are one population. `most`: static, the largest `k`, needed where `k` is traced.
    """

    incoming: ClassVar[bool] = True
    in_order: ClassVar[bool] = False

    def fan_out(self, n_pre: int, n_post: int) -> int:
        edges = n_post * most_of(self, "k")
        limit = edges if self.multapses else n_post
        return likely_most(edges / max(n_pre, 1), edges / max(n_pre, 1), limit)


class FixedOutDegree(AbstractFixedDegree):
    """Every presynaptic neuron gets `k` edges to random neurons; otherwise as `FixedInDegree`.

    NEST: `fixed_outdegree`; PyNN: `FixedNumberPostConnector`.
    """

    incoming: ClassVar[bool] = False

    def fan_out(self, n_pre: int, n_post: int) -> int:
        return most_of(self, "k")


class FixedTotal(AbstractDrawn):
    """`n` edges among random pairs, with replacement unless `multapses=False`.

    NEST: `fixed_total_number`; PyNN: `FixedTotalNumberConnector`.

    **Arguments:** `n`: a whole number, shape (). `autapses`: whether a neuron may connect to itself, where pre and post
    are one population. `most`: static, the largest `n`, needed where `n` is traced.
    """

    in_order: ClassVar[bool] = False
    n: Int32[Array, ""] = eqx.field(converter=_whole)
    autapses: bool = eqx.field(default=True, static=True)
    multapses: bool = eqx.field(default=True, static=True)
    most: int | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        _check_given(self, "n")

    def drawing(self, key: Key, n_pre: int, n_post: int, *, loop: bool) -> Drawing:
        pairs, skip_self = self._choice(n_pre, n_post, loop)
        most = most_of(self, "n")
        if pairs == 0 or most == 0:
            return given(n_pre, n_post, np.zeros(0), np.zeros(0))
        most = most if self.multapses else min(most, pairs)
        if is_concrete(key, self):
            pre, post = put_together(self._in_pieces(_random.derived(key), n_pre, n_post, skip_self), self.n.item())
            return given(n_pre, n_post, *sorted_on_host(pre, post, n_pre, n_post))
        others, capacity = pairs // n_pre, fits("FixedTotal", most)
        choice = dict(multapses=self.multapses, varies=not is_concrete(self))
        drawn = yield Draws(key, "pairs", self.n[None], capacity, n_pre, others, **choice)
        post = step_over(drawn.second, drawn.first) if skip_self else drawn.second
        pre, post = marked((drawn.first, post, drawn.valid), n_pre, n_post)
        pre, post = yield Sorts(pre, post, n_pre, n_post, choice["varies"])
        return listed(pre, post, self.n > capacity, n_pre, n_post)

    def pieces(self, key, n_pre, n_post, *, loop):
        pairs, skip_self = self._choice(n_pre, n_post, loop)
        if pairs > 0:
            for _, pre, post in self._in_pieces(key, n_pre, n_post, skip_self):
                yield pre, post

    def _choice(self, n_pre: int, n_post: int, loop: bool) -> tuple[int, bool]:
        """How many pairs there are to choose from, and whether they leave out those of a neuron with itself."""
        skip_self = loop and not self.autapses
        pairs = n_pre * (n_post - 1 if skip_self else n_post)
        _check_number(self, "n", pairs, "pairs to choose from")
        if not self.multapses and pairs > MAX_PAIRS:
            raise ValueError(
                f"FixedTotal got {n_pre} x {n_post} neurons without multapses; expected at most 2^31 pairs: "
                "allow multapses or split the projection."
            )
        return pairs, skip_self

    def _in_pieces(self, key: Array, n_pre: int, n_post: int, skip_self: bool) -> Iterator[Piece]:
        """The edges on the host."""
        fits("FixedTotal", self.n.item())
        return pairs_in_pieces(key, self.n.item(), n_pre, n_post, skip_self, self.multapses)

    def fan_out(self, n_pre: int, n_post: int) -> int:
        edges = most_of(self, "n")
        return likely_most(edges / max(n_pre, 1), edges / max(n_pre, 1), edges if self.multapses else n_post)
