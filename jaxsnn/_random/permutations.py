"""Random permutations of any size, element by element, without memory for the others."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, UInt32

from .generator import words
from .numbers import below

_FEW = 16  # numbers that are ranked


class Domain(NamedTuple):
    """Numbers below `n`, or below each of several `n`, as a Feistel network permutes them.

    It has halves below `a` and below `b`, and `turns`. `ranked`: whether all, or some, are too few for one.
    """

    n: Any
    a: Any
    b: Any
    turns: Any
    ranked: tuple[bool, ...]

    @classmethod
    def of(cls, n: Sequence[int]) -> "Domain":
        """Of several numbers of numbers."""
        a, b, turns = (np.array(x, np.uint32) for x in zip(*map(_domain, n), strict=True))
        return cls(np.array(n, np.uint32), a, b, turns, tuple(sorted({x <= _FEW for x in n})))

    def at(self, which: Array) -> "Domain":
        """One of them."""
        n, a, b, turns = (jnp.asarray(x)[which] for x in self[:4])
        return self._replace(n=n, a=a, b=b, turns=turns)


def permute(stream: Array, row: UInt32[Array, "..."], index: UInt32[Array, "..."], n: int) -> UInt32[Array, "..."]:
    """Where a keyed pseudo-random permutation of range(n), another one for every row, sends `index`.

    Any m elements of a row are a random subset of size m, and no memory is needed for the others: a Feistel network on
    Z_a x Z_b with a b >= n shifts each half in turn by a random function of the other; a value that falls outside
    range(n) goes through again until it is inside (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
    Such networks mix slowly on very small domains; there it is the rank of word `index` among the row's n words.

    **Arguments:** `row`, `index`: uint32, broadcasting; `n`: static, 1 .. 2^31.
    """
    return permuted(stream, row, index, Domain(*map(np.uint32, (n, *_domain(n))), ranked=(n <= _FEW,)))


def permuted(stream: Array, row: UInt32[Array, "..."], index: UInt32[Array, "..."], domain: Domain) -> Array:
    """`permute` of a domain, which need not be static."""
    row, index = jnp.broadcast_arrays(row, index)
    index = jnp.minimum(index, domain.n - np.uint32(1))  # what starts outside might never come inside
    ways = {True: _rank, False: _feistel}
    if len(domain.ranked) == 1:
        return ways[domain.ranked[0]](stream, row, index, domain)
    few = domain.n <= np.uint32(_FEW)
    return lax.cond(few, *(partial(ways[x], domain=domain) for x in (True, False)), stream, row, index)


def permute_on_host(stream: tuple[Any, Any], row: np.ndarray, index: np.ndarray, n: int) -> np.ndarray:
    """`permute` of NumPy numbers, which have one shape, by NumPy alone."""
    index = np.minimum(index, np.uint32(n - 1))
    if n <= _FEW:
        mine, rank = words(stream, row, index)[0], np.zeros_like(index)
        for i in range(n):
            other = words(stream, row, np.uint32(i))[0]
            rank += (other < mine) | ((other == mine) & (np.uint32(i) < index))
        return rank
    a, b, pairs_of_rounds = _domain(n)

    def shifted(row: np.ndarray, half: np.ndarray, other: np.ndarray, modulus: int, turn: int) -> np.ndarray:
        moved = half + below(words(stream, row, other + np.uint32(turn << 16))[0], modulus)
        return np.where(moved >= np.uint32(modulus), moved - np.uint32(modulus), moved)

    out, outside = index, np.arange(index.size)
    while outside.size:
        rows = row[outside]
        left, right = out[outside] // np.uint32(b), out[outside] % np.uint32(b)
        for pair in range(pairs_of_rounds):
            left = shifted(rows, left, right, a, 2 * pair)
            right = shifted(rows, right, left, b, 2 * pair + 1)
        moved = left * np.uint32(b) + right
        out = out.copy() if out is index else out
        out[outside] = moved
        outside = outside[moved >= np.uint32(n)]
    return out


def _domain(n: int) -> tuple[int, int, int]:
    """The two halves of a Feistel network on at least `n` numbers, and how often it turns."""
    if n <= _FEW:
        return n, 1, 0
    a = math.isqrt(n - 1) + 1
    b = -(-n // a)
    return a, b, max(4, math.ceil(24 / math.log2(b)))  # each turn makes what is left to mix about b times smaller


def _rank(stream: Array, row: Array, index: Array, domain: Domain) -> Array:
    mine, _ = words(stream, row, index)

    def add(i: Array, rank: Array) -> Array:
        other, _ = words(stream, row, i)
        return rank + ((other < mine) | (other == mine) & (i < index)).astype(jnp.uint32)

    return lax.fori_loop(np.uint32(0), domain.n, add, jnp.zeros_like(index))


def _feistel(stream: Array, row: Array, index: Array, domain: Domain) -> Array:
    n, a, b, turns, _ = domain

    def shifted(half: Array, other: Array, modulus: Any, turn: Array) -> Array:
        word, _ = words(stream, row, other + (turn << np.uint32(16)))
        moved = half + below(word, modulus)
        return jnp.where(moved >= modulus, moved - modulus, moved)

    def two_rounds(pair: Array, halves: tuple[Array, Array]) -> tuple[Array, Array]:
        left, right = halves
        left = shifted(left, right, a, pair * np.uint32(2))
        return left, shifted(right, left, b, pair * np.uint32(2) + np.uint32(1))

    def network(x: Array) -> Array:
        left, right = lax.fori_loop(np.uint32(0), turns, two_rounds, (x // b, x % b))
        return left * b + right

    def walk(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        x, outside = carry
        x = jnp.where(outside, network(x), x)
        return x, x >= n

    return lax.while_loop(lambda carry: jnp.any(carry[1]), walk, (index, jnp.ones(index.shape, bool)))[0]
