"""Distributions of parameters and initial values, which may be given in place of a number.

A draw depends on the key, the position and the parameters only, bit for bit, whether it runs eagerly, under `jit` or
`vmap`: a product and a sum, which compilers like to fuse into one rounding, are kept apart.
"""

import abc
import dataclasses
import inspect
import math
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from jaxsnn import _normals, _random
from jaxsnn._blocks import filled
from jaxsnn._text import described
from jaxsnn._types import (
    AbstractLaw,
    Param,
    as_number,
    canonical_float,
    check,
    is_concrete,
    no_flag,
    on_device,
    param,
    recheck,
)

from ._xla import apart, named

__all__ = ["AbstractDistribution", "Clip", "LogNormal", "Normal", "Redraw", "Uniform"]

Shape = tuple[int, ...]
M = TypeVar("M", bound=eqx.Module)
_ATTEMPTS = 100_000  # of redrawing; what would need more than a few thousand is refused, where it is known


class AbstractDistribution(AbstractLaw):
    """A distribution. Its parameters have shape `()`, or a shape that broadcasts to that of the draw.

    `stream`: the name of the stream of the key that `numbers` are drawn from; None if it has no `numbers`.
    """

    stream: ClassVar[str | None] = None

    def __repr__(self) -> str:
        return described(self)

    @abc.abstractmethod
    def sample(self, key: Array, shape: Shape) -> Float[Array, "*shape"]:
        """Independent draws of the given (static) shape."""

    def numbers(self, stream: Array, ids: Array) -> Array:
        """What `sample` draws inside a program at some of its places, with parameters that broadcast to `ids`."""
        raise NotImplementedError

    @abc.abstractmethod
    def bounds(self) -> tuple[float, float] | None:
        """The smallest and the largest possible value, or None if they are traced or infinite."""


def _ids(shape: Shape) -> Array:
    return jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape)


@named("single_rounded.plus")
def _plus(offset: Array, scale: Array, x: Array) -> Array:
    """`offset + scale x` with two roundings, always.

    A bound that no product reaches keeps it from being fused with the sum. (An optimization barrier does not: on CPU it
    is gone before the loop over the elements is written.)
    """
    product = jnp.broadcast_to(scale, x.shape) * x
    return jnp.broadcast_to(offset, x.shape) + jnp.minimum(product, float(jnp.finfo(x.dtype).max) / 2)


@named("single_rounded.between")
def _between(lo: Array, hi: Array, unit: Array) -> Array:
    return _plus(lo, hi - lo, unit)


def _finite_bounds(lo: Array, hi: Array) -> tuple[float, float] | None:
    if not is_concrete(lo, hi):
        return None
    low, high = float(np.asarray(lo).min()), float(np.asarray(hi).max())
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _check_finite(owner: eqx.Module, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        value = np.asarray(value) if is_concrete(value) else value
        check(
            lambda value=value: (np if is_concrete(value) else jnp).isfinite(value),
            f"Got {name}={value} for {type(owner).__name__}; expected finite numbers.",
        )


class Uniform(AbstractDistribution):
    """Uniform on [lo, hi]: `lo + (hi - lo) u`, u in [0, 1).

    **Arguments:** `lo`, `hi`: in the unit of the parameter.
    """

    stream: ClassVar[str] = "uniform"
    lo: Param = param()
    hi: Param = param()

    def __check_init__(self):
        _check_finite(self, "lo", "hi")
        check(lambda: self.lo <= self.hi, f"Got lo={self.lo}, hi={self.hi} for Uniform; expected lo <= hi.")

    def sample(self, key: Array, shape: Shape) -> Array:
        if is_concrete(key, self):  # by NumPy, which compiles nothing: the same roundings
            stream, size = _random.host_stream(key, self.stream), math.prod(shape)
            lo, hi = (_by_number(x, shape) for x in (self.lo, self.hi))

            def part(at: slice) -> np.ndarray:
                low, unit = lo(at), _random.uniform(stream, 0, np.arange(at.start, at.stop, dtype=np.uint32))
                return low + (hi(at) - low) * unit

            dtype = np.result_type(self.lo.dtype, self.hi.dtype, canonical_float())
            return on_device(filled(size, dtype, part).reshape(shape))
        return self.numbers(_random.stream(key, self.stream), _ids(shape))

    def numbers(self, stream: Array, ids: Array) -> Array:
        return _between(self.lo, self.hi, _random.uniform(stream, 0, ids))

    def bounds(self) -> tuple[float, float] | None:
        return _finite_bounds(self.lo, self.hi)


class AbstractOutside(eqx.Module):
    """How a draw outside [lo, hi] is treated. `attempts`: the most that are made for a number."""

    attempts: ClassVar[int]

    @abc.abstractmethod
    def standard(self, propose: Callable[[ArrayLike], Array], inside: Callable[[Array], Array]) -> Array:
        """Standard normal numbers from `propose(attempt)`, with new attempts until they are `inside` where needed."""


class Redraw(AbstractOutside):
    """Draw again until inside: the truncated distribution."""

    attempts: ClassVar[int] = _ATTEMPTS

    def standard(self, propose: Callable[[ArrayLike], Array], inside: Callable[[Array], Array]) -> Array:
        def again(carry: tuple[Array, Array]) -> tuple[Array, Array]:
            attempt, z = carry
            return attempt + 1, jnp.where(inside(z), z, propose(attempt))

        def unfinished(carry: tuple[Array, Array]) -> Array:
            attempt, z = carry
            return (attempt < _ATTEMPTS) & ~jnp.all(inside(z))

        return lax.while_loop(unfinished, again, (jnp.uint32(1), propose(jnp.uint32(0))))[1]


class Clip(AbstractOutside):
    """Clip to the nearer bound, which then has a finite probability."""

    attempts: ClassVar[int] = 1

    def standard(self, propose: Callable[[ArrayLike], Array], inside: Callable[[Array], Array]) -> Array:
        return propose(jnp.uint32(0))


class Normal(AbstractDistribution):
    """Gaussian, `mean + sd z`, kept within [lo, hi] by redrawing or clipping.

    **Arguments:** `mean`, `sd`, `lo`, `hi`: in the unit of the parameter; `mean` and `sd` are those without the
    bounds [lo, hi]. `outside`: `Redraw()` or `Clip()`.
    """

    stream: ClassVar[str] = "normal"
    mean: Param = param()
    sd: Param = param()
    lo: Param = param(-math.inf)
    hi: Param = param(math.inf)
    outside: AbstractOutside = Redraw()

    def __check_init__(self):
        _check_finite(self, "mean", "sd")
        check(lambda: self.sd >= 0, f"Got sd={self.sd} for Normal; expected sd >= 0.")
        check(lambda: self.lo <= self.hi, f"Got lo={self.lo}, hi={self.hi} for Normal; expected lo <= hi.")
        if isinstance(self.outside, Redraw):
            check(
                self._probable,
                f"Got lo={self.lo}, hi={self.hi} for Normal(mean={self.mean}, sd={self.sd}); expected at least one "
                "draw in a thousand to be inside: widen the interval or use Clip().",
            )

    def _probable(self) -> Array:
        ndtr = jax.scipy.special.ndtr
        sd = jnp.maximum(self.sd, jnp.finfo(self.sd.dtype).tiny)
        low, high = (self.lo - self.mean) / sd, (self.hi - self.mean) / sd
        low, high = jnp.where(low + high > 0, -high, low), jnp.where(low + high > 0, -low, high)  # the accurate tail
        return ndtr(high) - ndtr(low) > 1e-3

    def sample(self, key: Array, shape: Shape) -> Array:
        if is_concrete(key, self):
            return self._known(key, shape)
        return self.numbers(_random.stream(key, self.stream), _ids(shape))

    def numbers(self, stream: Array, ids: Array) -> Array:
        lo, hi = jnp.broadcast_to(self.lo, ids.shape), jnp.broadcast_to(self.hi, ids.shape)
        numbers = lax.stop_gradient((self.mean, self.sd, lo, hi))
        z = _standard_within(self.outside, stream, ids, *numbers)
        return jnp.clip(_plus(self.mean, self.sd, lax.stop_gradient(z)), lo, hi)

    def _known(self, key: Array, shape: Shape) -> Array:
        """The same roundings by NumPy."""
        mean, sd, lo, hi = (_by_number(x, shape) for x in (self.mean, self.sd, self.lo, self.hi))
        x = _normals.drawn(
            _random.host_stream(key, self.stream),
            math.prod(shape),
            lambda z, ids: mean(ids) + sd(ids) * z,
            lambda x, ids: (lo(ids) <= x) & (x <= hi(ids)),
            self.outside.attempts,
        )
        every = slice(0, x.size)
        np.clip(x, lo(every), hi(every), out=x)
        return on_device(x.reshape(shape))

    def bounds(self) -> tuple[float, float] | None:
        return _finite_bounds(self.lo, self.hi)


@jax.jit  # or every network that is built compiles its loops anew
def _standard_within(
    outside: AbstractOutside, stream: Array, ids: Array, mean: Array, sd: Array, lo: Array, hi: Array
) -> Array:
    """Standard normal numbers `z`, of which `mean + sd z` should be in [lo, hi]."""

    def inside(z: Array) -> Array:
        x = _plus(mean, sd, z)
        return (lo <= x) & (x <= hi)

    return outside.standard(lambda attempt: _normals.standard(stream, attempt, ids), inside)


class LogNormal(AbstractDistribution):
    """`exp(mu + sigma z)`: median `exp(mu)`, mean `exp(mu + sigma^2 / 2)`.

    **Arguments:** `mu`, `sigma`: mean and standard deviation of the logarithm.
    """

    stream: ClassVar[str] = "lognormal"
    mu: Param = param()
    sigma: Param = param()

    def __check_init__(self):
        _check_finite(self, "mu", "sigma")
        check(lambda: self.sigma >= 0, f"Got sigma={self.sigma} for LogNormal; expected sigma >= 0.")

    def sample(self, key: Array, shape: Shape) -> Array:
        if is_concrete(key, self):
            mu, sigma = (_by_number(x, shape) for x in (self.mu, self.sigma))
            x = _normals.drawn(
                _random.host_stream(key, self.stream),
                math.prod(shape),
                lambda z, ids: _normals.by_blocks(_exp, mu(ids) + sigma(ids) * z),
            )
            return on_device(x.reshape(shape))
        return self.numbers(_random.stream(key, self.stream), _ids(shape))

    def numbers(self, stream: Array, ids: Array) -> Array:
        z = _normals.standard(stream, jnp.uint32(0), ids)
        return apart(_exp(apart(_plus(self.mu, self.sigma, z))))

    def bounds(self) -> None:
        return None


_exp = jax.jit(jnp.exp)


def _by_number(x: Array, shape: Shape) -> Callable[[Any], np.ndarray]:
    """A known parameter of some of the numbers that are drawn, which are counted through."""
    known = np.asarray(x)
    if known.ndim == 0:
        return lambda ids: known
    spread = np.broadcast_to(known, shape).reshape(-1)
    return lambda ids: spread[ids]


def draw(
    value: ArrayLike | AbstractDistribution | Callable[..., ArrayLike],
    key: Array,
    shape: Shape,
    *,
    name: str = "an array",
) -> Float[Array, "..."]:
    """The numbers of a parameter or an initial value that is given as a number, array, distribution or function.

    **Arguments:** `value`: a scalar, which stays a scalar; an array that broadcasts to `shape`; a distribution; or a
    function `f(key, shape)` or `f(key)` that returns one of the first two. `name`: for the error.
    **Returns:** shape () or `shape`.
    """
    if isinstance(value, AbstractDistribution):
        return value.sample(key, shape)
    if callable(value):
        value = value(key, shape) if len(inspect.signature(value).parameters) > 1 else value(key)
    number = as_number(no_flag(value))
    if number.ndim == 0:
        return number
    if number.ndim > len(shape) or any(n not in (1, m) for n, m in zip(number.shape[::-1], shape[::-1], strict=False)):
        raise ValueError(f"Got {name} of shape {number.shape}; expected a number or what broadcasts to {shape}.")
    if number.shape == shape:
        return number
    if is_concrete(number):  # by NumPy, which compiles nothing
        return on_device(np.array(np.broadcast_to(np.asarray(number), shape)))
    return jnp.broadcast_to(number, shape)


def _is_distribution(x: Any) -> bool:
    return isinstance(x, AbstractDistribution)


def _has_distributions(tree: Any) -> bool:
    return any(_is_distribution(leaf) for leaf in jax.tree.leaves(tree, is_leaf=_is_distribution))


def drawn(module: M, key: Array, shape: Shape) -> M:
    """A copy of a module in which every distribution is replaced by drawn numbers of `shape`.

    Each is drawn with its own key, derived from its dotted path in the module, and is checked by the module: a negative
    time constant drawn from `Normal(20.0, 10.0)` is an error if it is concrete, and else a status bit.
    """
    if not _has_distributions(parts := {name: part for name, part in _fields(module) if name != "init"}):
        return module

    def number(path: Any, leaf: Any) -> Any:
        at = ".".join(jax.tree_util.keystr((step,), simple=True) for step in path)
        return leaf.sample(_random.named_key(key, at), shape) if _is_distribution(leaf) else leaf

    numbers = jax.tree_util.tree_map_with_path(number, parts, is_leaf=_is_distribution)
    changed = [name for name, part in parts.items() if _has_distributions(part)]
    module = eqx.tree_at(lambda m: [getattr(m, name) for name in changed], module, [numbers[name] for name in changed])
    try:
        recheck(module)
    except ValueError as error:
        raise ValueError(
            f"{str(error).rstrip('.')}. It was drawn: bound its distribution, e.g. Normal(..., lo=..., hi=...)."
        ) from None
    return module


def _fields(module: eqx.Module) -> list[tuple[str, Any]]:
    return [
        (field.name, getattr(module, field.name))
        for field in dataclasses.fields(module)
        if not field.metadata.get("static")
    ]


def stand_in(module: M, shape: Shape) -> M:
    """The module with zeros in place of what is to be drawn: to ask for shapes."""
    zeros = lambda leaf: jnp.zeros(shape, as_number(0.0).dtype) if _is_distribution(leaf) else leaf
    return jax.tree.map(zeros, module, is_leaf=_is_distribution)
