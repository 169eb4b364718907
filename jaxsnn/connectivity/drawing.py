"""Edges of random graphs, drawn by NumPy on the host: the same in the same order as inside a program (`asking.py`).

Only integers decide, so that nothing depends on how a program is compiled.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .. import _random
from .._blocks import blocks, empty, filled
from .topology import Edges

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


Piece = tuple[slice, np.ndarray, np.ndarray]  # the places of some edges among those drawn, and their numbers


def rows_in_pieces(
    key: Array, name: str, degree: np.ndarray, n: int, skip_self: bool, multapses: bool
) -> Iterator[Piece]:
    """`Draws` of the host with one number below `n`, (row, partner)."""
    end = np.cumsum(degree, dtype=np.int64)
    total, first, stream = int(end[-1]), end - degree, _random.host_stream(key, name)
    others = n - 1 if skip_self else n
    for at in _blocks_of(total, multapses):
        begin, last = np.searchsorted(end, (at.start, at.stop - 1), side="right")
        some = slice(begin, last + 1)
        each = np.minimum(end[some], at.stop) - np.maximum(first[some], at.start)
        rows = np.repeat(np.arange(begin, last + 1, dtype=np.uint32), each)
        index = (np.arange(at.start, at.stop) - first[rows]).astype(np.uint32)
        if multapses:
            drawn = _random.below(_random.words(stream, rows, index)[0], others)
        else:
            drawn = _permute(stream, rows, index, others, total)[: rows.size]
        yield at, rows, step_over(drawn, rows) if skip_self else drawn


def pairs_in_pieces(
    key: Array, total: int, n_pre: int, n_post: int, skip_self: bool, multapses: bool
) -> Iterator[Piece]:
    """`Draws` of the host in one row, with numbers below `n_pre` and `n_post`."""
    others, stream = n_post - 1 if skip_self else n_post, _random.host_stream(key, "pairs")
    for at in _blocks_of(total, multapses):
        edge = np.arange(at.start, at.stop, dtype=np.uint32)
        if multapses:
            one, two = _random.words(stream, 0, edge)
            pre, other = _random.below(one, n_pre), _random.below(two, others)
        else:
            pair = _permute(stream, np.zeros_like(edge), edge, n_pre * others, total)[: edge.size]
            pre, other = pair // np.uint32(others), pair % np.uint32(others)
        yield at, pre, step_over(other, pre) if skip_self else other


def put_together(pieces: Iterator[Piece], total: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of all pieces."""
    first, second = empty(total, np.uint32), empty(total, np.uint32)
    for at, one, two in pieces:
        first[at], second[at] = one, two
    return first, second


def step_over(partner: Any, oneself: Any) -> Any:
    """A number among all neurons, of one among all but `oneself`."""
    return partner + (partner >= oneself).astype(partner.dtype)


def sorted_on_host(pre: np.ndarray, post: np.ndarray, n_pre: int, n_post: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted by (pre, post), in place, as one packed number."""
    wide = np.uint32 if n_pre * n_post <= 2**32 else np.uint64
    packed = filled(pre.size, wide, lambda at: pre[at].astype(wide) * wide(n_post) + post[at].astype(wide))
    packed.sort()
    for at in blocks(pre.size):
        pre[at], post[at] = np.divmod(packed[at], wide(n_post))
    return pre, post


def marked(drawn: tuple[Array, Array, Array], n_pre: int, n_post: int) -> tuple[Array, Array]:
    """While tracing: edges from (pre, post, valid), with padding marked."""
    pre, post, valid = drawn
    return jnp.where(valid, pre, np.uint32(n_pre)), jnp.where(valid, post, np.uint32(n_post))


def listed(pre: Array, post: Array, overflow: Array, n_pre: int, n_post: int) -> Edges:
    """While tracing: sorted edges as a list."""
    return Edges(jnp.asarray(pre, jnp.int32), jnp.asarray(post, jnp.int32), overflow, n_pre, n_post)
