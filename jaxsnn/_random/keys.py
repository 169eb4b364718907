"""JAX keys: what a user gives, the stream of one use, the key of one name."""

import functools
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from .._types import check, is_concrete, on_device
from .generator import threefry


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
    return jnp.stack(_absorbed(_words_of(key), _begun(name)))


def streams(words: UInt32[Array, "keys words"], names: Sequence[str]) -> UInt32[Array, "keys 2"]:
    """`stream` of each key, given as its words, with its name, by one Threefry for all.

    Programs grow with what they derive one by one.
    """
    state = (np.array([zlib.crc32(name.encode()) for name in names], np.uint32), np.zeros(len(names), np.uint32))
    return jnp.stack(_absorbed(words.T, state), axis=-1)


def folded(key: Array, numbers: Sequence[int]) -> UInt32[Array, "numbers words"]:
    """The words of `jax.random.fold_in(key, number)` for every number; of JAX's default generator by one Threefry."""
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and str(jax.random.key_impl(key)) != "threefry2x32":
        return jnp.stack([_words_of(jax.random.fold_in(key, number)) for number in numbers])
    words, _ = opened(key)
    into = np.zeros(len(numbers), np.uint32), np.asarray(numbers, np.uint32)
    return jnp.stack(threefry((words[0], words[1]), into, rounds=20), axis=-1)


def host_stream(key: Array, name: str) -> tuple[Any, Any]:
    """The two words of `stream` for a concrete key, as NumPy numbers: what follows compiles nothing."""
    with jax.ensure_compile_time_eval():
        return _absorbed(np.asarray(_words_of(as_key(key))), _begun(name))


def _words_of(key: Array) -> Array:
    return jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key


def _begun(name: str) -> tuple[Any, Any]:
    return np.uint32(zlib.crc32(name.encode())), np.uint32(0)


def _absorbed(data: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
    """`data`: the words of a key, or of several keys along a second axis."""
    for i in range(0, data.shape[0], 2):
        state = threefry((data[i], data[i + 1]), state, rounds=20)
    return state


def named_key(key: Array, name: str) -> Array:
    """The JAX key for one named use of `key`: the same whatever else is drawn, and in whatever order.

    It is `jax.random.fold_in(key, crc32(name))`, which compiles to nine kernels; for JAX's default generator, in a
    program, the same numbers take one.
    """
    key, word = as_key(key), np.uint32(zlib.crc32(name.encode()))
    if is_concrete(key) or not _is_default(key):
        return jax.random.fold_in(key, word)
    words, closed = opened(key)
    return closed(jnp.stack(threefry((words[0], words[1]), (np.uint32(0), word), rounds=20)))


def _is_default(key: Array) -> bool:
    """Whether a key is typed, and of JAX's default generator."""
    return jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and str(jax.random.key_impl(key)) == "threefry2x32"


class KeyPath(eqx.Module):
    """The key of a name below a name ... of `root`, which is derived where it is used: together with others."""

    root: Array
    names: tuple[str, ...] = eqx.field(static=True)

    def key(self) -> Array:
        return functools.reduce(named_key, self.names, self.root)


def derived(key: Array | KeyPath) -> Array:
    """The key itself."""
    return key.key() if isinstance(key, KeyPath) else key


def streams_of(keys: Sequence[Array | KeyPath], names: Sequence[str]) -> UInt32[Array, "keys 2"]:
    """`stream` of each key with its name: of paths below one root by as many Threefrys as they have names."""
    paths = [key for key in keys if isinstance(key, KeyPath)]
    alike = len(paths) == len(keys) and len({(id(x.root), len(x.names)) for x in paths}) == 1
    if not alike or is_concrete(paths) or not _is_default(paths[0].root):
        return jnp.stack([stream(derived(key), name) for key, name in zip(keys, names, strict=True)])
    words, _ = opened(paths[0].root)
    state = words[0], words[1]
    for level in zip(*(x.names for x in paths), strict=True):
        into = np.array([zlib.crc32(name.encode()) for name in level], np.uint32)
        state = threefry(state, (np.zeros_like(into), into), rounds=20)
    return streams(jnp.stack(state, axis=-1), names)


def opened(key: Array) -> tuple[Array, Callable[[Array], Array]]:
    """A key's words, and what makes a key of them again.

    For a transform that counts as a use of the key it is handed (jax_debug_key_reuse), which words are not.
    """
    if not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key, lambda words: words
    return jax.random.key_data(key), partial(jax.random.wrap_key_data, impl=jax.random.key_impl(key))
