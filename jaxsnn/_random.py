"""Random numbers as a pure function of (stream, step, id): no state, no key to split, the same numbers in any order.

The generator is Threefry-2x32 with 13 rounds, the fewest that pass BigCrush (Salmon, Moraes, Dror and Shaw, "Parallel
random numbers: as easy as 1, 2, 3", SC 2011). For one stream the map from (id, step) to its two words is a bijection of
64-bit numbers, so no two draws of a stream share both words. Everything is uint32: x64 is never needed.
"""

import math
import operator
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Int32, UInt32

from jaxsnn._types import as_number, canonical_float, check, is_concrete, on_device

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = np.uint32(0x1BD11BDA)  # of the key schedule: makes an all-zero key harmless


def threefry(key: tuple[Any, Any], counter: tuple[Any, Any], rounds: int = 13) -> tuple[Any, Any]:
    """Threefry-2x32: mixes a counter under a key. Plain operators, hence bit for bit alike on NumPy and JAX uint32.

    **Arguments:** `key`, `counter`: two uint32 words each, which broadcast. `rounds`: static.
    **Returns:** two uint32 words. For a given key and rounds the map counter -> words is a bijection.
    """
    given = (key[0], key[1], counter[0], counter[1])
    return (_traced if any(isinstance(x, jax.Array) for x in given) else _mixed)(*given, rounds)


def _mixed(first: Any, second: Any, low: Any, high: Any, rounds: int) -> tuple[Any, Any]:
    schedule = (first, second, first ^ second ^ _PARITY)
    with np.errstate(over="ignore"):  # wrapping is meant; NumPy warns of it for scalars
        x, y = low + schedule[0], high + schedule[1]
        for i in range(rounds):
            shift = _ROTATIONS[i % 8]
            x = x + y
            y = (y << np.uint32(shift) | y >> np.uint32(32 - shift)) ^ x
            if i % 4 == 3:
                turn = i // 4 + 1
                x = x + schedule[turn % 3]
                y = y + (schedule[(turn + 1) % 3] + np.uint32(turn))
    return x, y


_traced = jax.jit(_mixed, static_argnums=4, inline=True)  # some eighty operations, traced once for arguments of a shape


def as_key(key: Any, name: str = "key") -> Array:
    """One JAX key, from a key or from a whole number (Python, NumPy or JAX) in 0 .. 2^32 - 1, which seeds one.

    A larger number is refused: `jax.random.key` drops its high bits without x64, so that 2^32 and 0 are one seed.
    """
    wanted = "expected a key, as jax.random.key(seed) makes it, or a whole number from 0 to 2^32 - 1 as its seed"
    if isinstance(key, (int, np.integer)) and not isinstance(key, (bool, np.bool_)):
        if not 0 <= int(key) < 2**32:
            raise ValueError(f"Got {name} = {key}; {wanted}.")
        return jax.random.key(int(key))
    if not isinstance(key, (jax.Array, np.ndarray)):
        raise ValueError(f"Got {name} = {key!r}; {wanted}.")
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        one = key.ndim == 0
    elif key.ndim == 0 and jnp.issubdtype(key.dtype, jnp.integer):
        check(lambda: key >= 0, f"Got {name} = {key}; {wanted}.")
        return jax.random.key(key)
    else:
        one = key.ndim == 1 and key.size > 0 and key.size % 2 == 0 and key.dtype == jnp.uint32
    if not one:
        raise ValueError(f"Got {name} of shape {key.shape} and type {key.dtype}; {wanted}.")
    return jnp.asarray(key) if isinstance(key, np.ndarray) else key


def stream(key: Array, name: str) -> UInt32[Array, " 2"]:
    """The 64-bit stream key for one use (`name`) of a JAX key: typed of any implementation, raw uint32 words, a seed.

    The key's words are absorbed two at a time by the full 20 rounds; the name enters as its CRC-32. The low counter
    word is 0, where JAX's own derivations of children have it running, so that streams and split keys do not meet.
    """
    key = as_key(key)
    if is_concrete(key):
        return on_device(np.stack(host_stream(key, name)))
    return jnp.stack(_absorbed(_words_of(key), name))


def host_stream(key: Array, name: str) -> tuple[Any, Any]:
    """The two words of `stream` for a concrete key, as NumPy numbers: what follows compiles nothing."""
    with jax.ensure_compile_time_eval():
        return _absorbed(np.asarray(_words_of(as_key(key))), name)


def _words_of(key: Array) -> Array:
    return jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key


def _absorbed(data: Any, name: str) -> tuple[Any, Any]:
    state = (np.uint32(zlib.crc32(name.encode())), np.uint32(0))
    for i in range(0, data.size, 2):
        state = threefry((data[i], data[i + 1]), state, rounds=20)
    return state


def _word(x: Any) -> Any:
    return x.astype(np.uint32) if hasattr(x, "astype") else np.uint32(x)


def words(stream: Any, step: Any, ids: Any) -> tuple[Any, Any]:
    """Two independent uint32 words for every (step, id), which broadcast. NumPy in, NumPy out; otherwise JAX."""
    return threefry((stream[0], stream[1]), (_word(ids), _word(step)))


def uniform(stream: Any, step: Any, ids: Any) -> Any:
    """Uniform in [0, 1): the canonical float type, with all its 24 (float32) or 53 (float64) bits."""
    high, low = words(stream, step, ids)
    dtype = canonical_float()
    if dtype == np.float32:
        return (high >> np.uint32(8)).astype(dtype) * np.float32(2.0**-24)
    coarse, fine = (high >> np.uint32(5)).astype(dtype), (low >> np.uint32(6)).astype(dtype)
    return (coarse * np.float64(2.0**26) + fine) * np.float64(2.0**-53)


def normal(stream: Array, step: ArrayLike, ids: ArrayLike) -> Float[Array, "..."]:
    """Standard normal by Box and Muller, `+-sqrt(-2 ln u) cos(a)`: always finite, at most 6.8 from zero.

    One word gives the radius with all its 32 bits, which keeps the tail; the other the sign and the angle, which need
    only span [-pi/2, pi/2) then, where the power series of the cosine costs a tenth of a general cosine.
    """
    radial, angular = words(stream, step, ids)
    dtype = canonical_float()
    u = (radial.astype(dtype) + dtype.type(0.5)) * dtype.type(2.0**-32)  # in (0, 1]
    number = lax.bitcast_convert_type(angular << np.uint32(1), jnp.int32)
    square = (number.astype(dtype) * dtype.type(2.0**-32 * math.pi)) ** 2
    cosine = jnp.ones_like(square)
    for k in range(7 if dtype == np.float32 else 12, 0, -1):
        cosine = 1 - square * cosine * dtype.type(1 / (2 * k * (2 * k - 1)))
    radius = jnp.sqrt(dtype.type(-2.0) * jnp.log(u))
    return jnp.where(angular >> np.uint32(31) == 0, radius, -radius) * cosine


def below(words: Any, n: Any) -> Any:
    """Uniform integers in [0, n), `floor(word n / 2^32)`: the high half of a 32x32-bit product from 16-bit pieces.

    No value is off its probability 1/n by more than 2^-32. `words` and `n`: uint32 (or `n` a Python int).
    """
    n, half, mask = _word(n), np.uint32(16), np.uint32(0xFFFF)
    word_low, word_high, n_low, n_high = words & mask, words >> half, n & mask, n >> half
    middle = word_high * n_low + (word_low * n_low >> half)
    return word_high * n_high + (middle >> half) + (word_low * n_high + (middle & mask) >> half)


def permute(stream: Array, row: UInt32[Array, "..."], index: UInt32[Array, "..."], n: int) -> UInt32[Array, "..."]:
    """Where a keyed pseudo-random permutation of range(n), another one for every row, sends `index`.

    Any m elements of a row are a random subset of size m, and no memory is needed for the others: a Feistel network on
    Z_a x Z_b with a b >= n shifts each half in turn by a random function of the other; a value that falls outside
    range(n) goes through again until it is inside (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
    Such networks mix slowly on very small domains; there it is the rank of word `index` among the row's n words.

    **Arguments:** `row`, `index`: uint32, broadcasting; `n`: static, 1 .. 2^31.
    """
    row, index = jnp.broadcast_arrays(row, index)
    index = jnp.minimum(index, np.uint32(n - 1))  # what starts outside might never come inside
    return _rank(stream, row, index, n) if n <= 16 else _feistel(stream, row, index, n)


def permute_on_host(stream: tuple[Any, Any], row: np.ndarray, index: np.ndarray, n: int) -> np.ndarray:
    """`permute` of NumPy numbers, which have one shape, by NumPy alone."""
    index = np.minimum(index, np.uint32(n - 1))
    if n <= 16:
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
    a = math.isqrt(n - 1) + 1
    b = -(-n // a)
    return a, b, max(4, math.ceil(24 / math.log2(b)))  # each turn makes what is left to mix about b times smaller


def _rank(stream: Array, row: Array, index: Array, n: int) -> Array:
    mine, _ = words(stream, row, index)

    def add(i: Array, rank: Array) -> Array:
        other, _ = words(stream, row, i)
        return rank + ((other < mine) | (other == mine) & (i < index)).astype(jnp.uint32)

    return lax.fori_loop(np.uint32(0), np.uint32(n), add, jnp.zeros_like(index))


def _feistel(stream: Array, row: Array, index: Array, n: int) -> Array:
    a, b, pairs_of_rounds = _domain(n)

    def shifted(half: Array, other: Array, modulus: int, turn: Array) -> Array:
        word, _ = words(stream, row, other + (turn << np.uint32(16)))
        moved = half + below(word, modulus)
        return jnp.where(moved >= np.uint32(modulus), moved - np.uint32(modulus), moved)

    def two_rounds(pair: Array, halves: tuple[Array, Array]) -> tuple[Array, Array]:
        left, right = halves
        left = shifted(left, right, a, pair * np.uint32(2))
        return left, shifted(right, left, b, pair * np.uint32(2) + np.uint32(1))

    def network(x: Array) -> Array:
        halves = x // np.uint32(b), x % np.uint32(b)
        left, right = lax.fori_loop(np.uint32(0), np.uint32(pairs_of_rounds), two_rounds, halves)
        return left * np.uint32(b) + right

    def walk(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        x, outside = carry
        x = jnp.where(outside, network(x), x)
        return x, x >= np.uint32(n)

    return lax.while_loop(lambda carry: jnp.any(carry[1]), walk, (index, jnp.ones(index.shape, bool)))[0]


# --- counts -----------------------------------------------------------------------------------------------------------

_NEGLIGIBLE = 2.0**-44  # weights this far below the mode's are taken as zero: the sums then do not depend on the window
_MOST = 80.0  # mean per step that a table covers when its own mean is traced
_ROWS = (8, 16, 32)  # numbers of rows for which the comparison is compiled where the rows needed are not known
_ALWAYS, _NEVER = 2**31 - 1, -(2**31)


class Thresholds(eqx.Module):
    """Inverse distribution function of a law of counts: `count(word) = first + #{j: word < survival[j]}`.

    The word is read as a signed number (CPUs compare those faster), uniform in [-2^31, 2^31), and
    `survival[j] = 2^32 P(X > first + j) - 2^31`. Rows from `needed` on count never; None if every row matters.
    """

    first: Int32[Array, "*shape"]
    survival: Int32[Array, "rows *shape"]
    needed: Int32[Array, ""] | None

    def count(self, word: UInt32[Array, "..."]) -> Int32[Array, "..."]:
        """The counts, all rows at once: quick to compile, which is what one use (building a graph) wants."""
        number = jnp.minimum(lax.bitcast_convert_type(word, jnp.int32), _ALWAYS - 1)
        shape = self.first.shape or (1,) * number.ndim
        survival = self.survival.reshape((self.survival.shape[0], *shape))
        return self.first + jnp.sum(number[None] < survival, axis=0, dtype=jnp.int32)

    def trimmed(self) -> "Thresholds":
        """The rows that matter and no others: for concrete thresholds."""
        rows = None if self.needed is None else int(self.needed)
        return Thresholds(self.first, self.survival[:rows], needed=None)

    def __call__(self, word: UInt32[Array, "..."]) -> Int32[Array, "..."]:
        """The same counts, quick to run, which is what a use in every step wants."""
        number = jnp.minimum(lax.bitcast_convert_type(word, jnp.int32), _ALWAYS - 1)
        rows = self.survival.shape[0]
        compared = lambda count: _rows_above(number, self.survival, count)
        needed = self.needed
        if needed is None:
            return self.first + compared(rows)

        def quick(word: Array) -> Array:
            sizes = [size for size in _ROWS if size < rows]
            enough = sum(((needed > size).astype(jnp.int32) for size in sizes), jnp.int32(0))
            last = compared if rows <= _ROWS[-1] else lambda _: _blocks_above(number, self.survival, needed)
            return self.first + lax.switch(enough, [*(partial(compared, size) for size in sizes), partial(last, rows)])

        # A branch that depends on data would make the host wait for an accelerator.
        return lax.platform_dependent(word, cpu=quick, default=lambda word: self.count(word))


@partial(jax.jit, static_argnums=2, inline=True)
def _rows_above(number: Array, survival: Array, count: int) -> Array:
    """How many of the first `count` rows lie above each number; unrolled, so that it is one loop over the neurons."""
    within = ((number < survival[i]).astype(jnp.int32) for i in range(count))
    return sum(within, jnp.zeros(number.shape, jnp.int32))


def _blocks_above(number: Array, survival: Array, needed: Array) -> Array:
    """The same of the first `needed` rows, which are many: block by block, since each row takes XLA time to compile."""
    block = _ROWS[-1]
    more = [(0, -survival.shape[0] % block)] + [(0, 0)] * (survival.ndim - 1)
    survival = jnp.pad(survival, more, constant_values=_NEVER)

    def add(i: Array, found: Array) -> Array:
        return found + _rows_above(number, lax.dynamic_slice_in_dim(survival, i * block, block), block)

    return lax.fori_loop(0, -(-needed // block), add, jnp.zeros(number.shape, jnp.int32))


@jax.jit
def _thresholds(mode: Array, up: Array, down: Array) -> Thresholds:
    """Thresholds of a law with one mode, from ratios of successive probabilities, without exponentials or factorials.

    **Arguments:** `up[i] = P(mode+i+1) / P(mode+i)`, `down[i] = P(mode-i-1) / P(mode-i)`, shape (reach, *shape).

    Every operation is a single rounded one: a product here, a sum there, never both in one loop, which the compiler
    would fuse, and no division by what all elements share, which it may replace. So a table is the same bit for bit
    wherever it is built.
    """

    def along(step: Callable[[Array, Array], Array], start: float, *rows: Array) -> list[Array]:
        """What each of some arrays of one shape has become after each of its rows: one loop for all of them."""
        both = jnp.stack(rows, axis=1)
        begin = on_device(np.full(both.shape[1:], start, both.dtype))
        found = lax.scan(lambda s, row: (now := step(s, row), now), begin, both)[1]
        return [found[:, i] for i in range(len(rows))]

    below, above = along(operator.mul, 1.0, down, up)
    weights = jnp.concatenate([below[::-1], on_device(np.ones((1, *up.shape[1:]), up.dtype)), above])
    weights = jnp.where(weights < _NEGLIGIBLE, 0.0, weights)
    at_most, at_least = along(operator.add, 0.0, weights, weights[::-1])
    at_least = at_least[::-1]
    beyond = jnp.concatenate([at_least[1:], on_device(np.zeros((1, *at_least.shape[1:]), at_least.dtype))])
    scale = 1.0 / at_most[-1:]

    def integer(weight: Array) -> Array:  # only used below one half, where it fits
        return (jnp.minimum(weight * scale, 0.5) * 2.0**32).astype(jnp.uint32)

    # Each side from its own tail, so that neither suffers from 1 - (almost 1); ~x is 2^32 - 1 - x.
    survival = jnp.where(at_most < beyond, ~integer(at_most), integer(beyond)) ^ np.uint32(1 << 31)
    survival = lax.bitcast_convert_type(survival, jnp.int32)
    # Rows that count always, whoever asks, go into `first` once and for all.
    start = jnp.min(jnp.sum(survival == _ALWAYS, axis=0, dtype=jnp.int32))
    padded = jnp.concatenate([survival, on_device(np.full(survival.shape, _NEVER, np.int32))])
    survival = lax.dynamic_slice_in_dim(padded, start, survival.shape[0])
    return Thresholds(
        first=mode.astype(jnp.int32) - down.shape[0] + start,
        survival=survival,
        needed=jnp.max(jnp.sum(survival > _NEVER, axis=0, dtype=jnp.int32)),
    )


def _thresholds_on_host(mode: np.ndarray, up: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`first` and `survival` of `_thresholds` by NumPy: the same operations one by one, hence the same bits."""
    dtype = up.dtype.type

    def walk(ratios: np.ndarray) -> np.ndarray:
        return np.multiply.accumulate(ratios, axis=0)

    weights = np.concatenate([walk(down)[::-1], np.ones_like(up[:1]), walk(up)])
    weights = np.where(weights < dtype(_NEGLIGIBLE), dtype(0), weights)
    at_most, at_least = np.add.accumulate(weights, axis=0), np.add.accumulate(weights[::-1], axis=0)[::-1]
    beyond = np.concatenate([at_least[1:], np.zeros_like(at_least[:1])])
    scale = dtype(1) / at_most[-1:]
    integer = lambda weight: (np.minimum(weight * scale, dtype(0.5)) * dtype(2.0**32)).astype(np.uint32)
    survival = np.where(at_most < beyond, ~integer(at_most), integer(beyond)) ^ np.uint32(1 << 31)
    return mode.astype(np.int32) - np.int32(down.shape[0]), survival.view(np.int32)


def _offsets(most: float, mode: Array) -> Float[Array, "reach ..."]:
    """0, 1, 2, ... until a Poisson law of mean `most` has become negligible beyond its mode, to go with `mode`."""
    reach = _reach(most)
    return on_device(np.arange(reach, dtype=mode.dtype).reshape((reach,) + (1,) * mode.ndim))


def _reach(most: float) -> int:
    weight, reach = 1.0, 1
    while weight >= _NEGLIGIBLE:  # the ratios of all laws with a mean up to `most` are at most these
        weight, reach = weight * most / (most + reach), reach + 1
    return reach


def binomial(word: UInt32[Array, "..."], n: int, p: Float[Array, ""], most: float) -> Int32[Array, "..."]:
    """Numbers of successes in `n` trials of probability `p <= most` (`n`, `most` static), one for every word."""
    rare = jnp.minimum(p, 1 - p)
    odds, against = rare / (1 - rare), (1 - rare) / rare  # not 1 / odds, which a compiler would rewrite
    mode = jnp.minimum(jnp.floor((n + 1) * rare), n)
    offset = _offsets((n + 1) * min(most, 0.5), mode)
    ahead, behind = mode + offset, mode - offset
    up = jnp.maximum(n - ahead, 0.0) / (ahead + 1.0) * odds
    down = jnp.where(behind > 0, behind / (n + 1.0 - behind) * against, 0.0)
    count = _thresholds(mode, up, down).count(word)
    return jnp.where(p > 0.5, n - count, count)


def binomial_on_host(word: np.ndarray, n: int, p: float, most: float) -> np.ndarray:
    """`binomial` of NumPy words, by NumPy alone."""
    dtype = canonical_float().type
    p = dtype(p)
    rare = min(p, dtype(1) - p)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        odds, against = rare / (dtype(1) - rare), (dtype(1) - rare) / rare
        mode = min(np.floor(dtype(n + 1) * rare), dtype(n))
        offset = np.arange(_reach((n + 1) * min(most, 0.5)), dtype=dtype)
        ahead, behind = mode + offset, mode - offset
        up = np.maximum(dtype(n) - ahead, dtype(0)) / (ahead + dtype(1)) * odds
        down = np.where(behind > 0, behind / (dtype(n + 1) - behind) * against, dtype(0))
        first, survival = _thresholds_on_host(np.asarray(mode), up, down)
    number = np.minimum(word.view(np.int32), _ALWAYS - 1)
    below = survival.size - np.searchsorted(survival[::-1], number, side="right")  # survival falls
    count = first + below.astype(np.int32)
    return (np.int32(n) - count if p > 0.5 else count).astype(np.int32)


class PoissonTable(eqx.Module):
    """Poisson counts with mean `lam` per step, made once and used in every step: exact up to probabilities of 2^-32.

    **Arguments:** `lam`: shape () or (n,). `most`: static, the largest mean covered; by default 80, or the largest
    `lam` where that is known. A known `lam` gives a table just large enough. `valid`: whether `lam` was in [0, most].
    """

    thresholds: Thresholds
    valid: Bool[Array, ""]

    def __init__(self, lam: ArrayLike, most: float | None = None):
        with jax.ensure_compile_time_eval():
            lam = as_number(lam)
            check((lam >= 0) & (lam < jnp.inf), f"Got a mean of {lam} events a step; expected finite numbers >= 0.")
            if most is None:
                most = max(_MOST, math.ceil(float(jnp.max(lam)))) if is_concrete(lam) else _MOST
            check(lam <= most, f"Got a mean of {lam} events a step, more than most={most}; give a larger `most`.")
            self.valid = jnp.all((lam >= 0) & (lam <= most))
            lam = jnp.nan_to_num(jnp.clip(lam, 0.0, most))
            mode = jnp.floor(lam)
            offset = _offsets(most, mode)
            ahead, behind = mode[None] + offset, mode[None] - offset
            down = jnp.where(behind > 0, behind * (1.0 / lam[None]), 0.0)
            thresholds = _thresholds(mode, lam[None] / (ahead + 1.0), down)
            self.thresholds = thresholds.trimmed() if is_concrete(lam) else thresholds


def poisson(table: PoissonTable, stream: Array, step: ArrayLike, ids: ArrayLike) -> Int32[Array, "..."]:
    """Poisson counts for every id in this step, from the first of its two words."""
    return table.thresholds(words(stream, step, ids)[0])


def named_key(key: Array, name: str) -> Array:
    """The JAX key for one named use of `key`: the same whatever else is drawn, and in whatever order.

    It is `jax.random.fold_in(key, crc32(name))`, which compiles to nine kernels; for JAX's default generator, in a
    program, the same numbers take one.
    """
    key, word = as_key(key), np.uint32(zlib.crc32(name.encode()))
    typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    if is_concrete(key) or not typed or str(jax.random.key_impl(key)) != "threefry2x32":
        return jax.random.fold_in(key, word)
    words, closed = opened(key)
    return closed(jnp.stack(threefry((words[0], words[1]), (np.uint32(0), word), rounds=20)))


def opened(key: Array) -> tuple[Array, Callable[[Array], Array]]:
    """A key's words, and what makes a key of them again.

    For a transform that counts as a use of the key it is handed (jax_debug_key_reuse), which words are not.
    """
    if not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key, lambda words: words
    return jax.random.key_data(key), partial(jax.random.wrap_key_data, impl=jax.random.key_impl(key))
