"""Distance-dependent connectivity: probabilities, weights and delays of neurons that have positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .. import _random
from .._types import Checked, as_number, is_concrete
from .._xla import apart
from .kernels import distances
from .topology import MAX_PAIRS, AbstractTopology, Edges, coarse, given, likely_most

_BLOCK = 2**20  # pairs per block


def _box(value: Any) -> Array | None:
    return None if value is None else as_number(value)


class ByDistance(Checked):
    """A weight or delay as a function of the distance between the two neurons: `weight=ByDistance(f)`.

    **Arguments:** `function`: of distances, such as `GaussianKernel(0.5, 100.0)` or `lambda d: 1.0 + d / 200.0`; a
    class with parameters can be swept. `extent`: as of `Spatial`. Delays are rounded to the grid.
    """

    function: Callable[[Array], Array]
    extent: Array | None = eqx.field(default=None, converter=_box)

    def __check_init__(self):
        _check_function("ByDistance.function", self.function)

    def __call__(self, d: Float[Array, " E"]) -> Float[Array, " E"]:
        """The value for each distance."""
        return jnp.broadcast_to(as_number(self.function(d)), d.shape)

    def of(self, edges: Edges, pre: Array | None, post: Array | None) -> Float[Array, " E"]:
        """The value for each edge between populations at positions `pre` and `post`."""
        a, b = _both(pre, post)
        begin, end = a[jnp.minimum(edges.pre, len(a) - 1)], b[jnp.minimum(edges.post, len(b) - 1)]  # or padding
        return self(distances(begin, end, self.extent))


class Spatial(AbstractTopology):
    """Connects every pair independently, with a probability that depends on the distance of its neurons.

    NEST: `pairwise_bernoulli` with a spatial probability; PyNN: `DistanceDependentProbabilityConnector`. The
    populations need `positions`, `(n, 2)` or `(n, 3)`. The draw for a pair depends on the network's key, the
    projection's name and the two neurons, so that a wider kernel only adds edges to those of a narrower one.

    **Arguments:** `p`: probability as a function of distance: `GaussianKernel`, `ExponentialKernel`, `BoxKernel`, or
    any function. `extent`: lengths of the sides of a periodic box, `(2,)` or `(3,)`: distances are those to the nearest
    image; None for open boundaries. `autapses`: whether a neuron may connect to itself, in one population.
    `most`: static, the maximum number of edges, needed where `p` or positions are traced.
    """

    pairwise: ClassVar[bool] = True
    p: Callable[[Array], Array]
    extent: Array | None = eqx.field(default=None, converter=_box, kw_only=True)
    autapses: bool = eqx.field(default=True, static=True, kw_only=True)
    most: int | None = eqx.field(default=None, static=True, kw_only=True)
    pre: Array | None = eqx.field(default=None, kw_only=True)  # positions, set by `placed`
    post: Array | None = eqx.field(default=None, kw_only=True)

    def __check_init__(self):
        _check_function("Spatial.p", self.p)

    def placed(self, pre: Array | None, post: Array | None) -> Spatial:
        """This topology between populations at these positions."""
        a, b = _both(pre, post)
        return Spatial(self.p, extent=self.extent, autapses=self.autapses, most=self.most, pre=a, post=b)

    def build(self, key: Array, n_pre: int, n_post: int, *, loop: bool) -> Edges:
        pre, post = _both(self.pre, self.post)
        if n_pre * n_post >= MAX_PAIRS:
            raise ValueError(f"Spatial got {n_pre} x {n_post} neurons; expected fewer than 2^31 pairs: split them.")
        skip, stream = loop and not self.autapses, _random.stream(key, "pairs")
        place = (self.p, pre, post, self.extent)
        if is_concrete(key, self):
            a, b = (np.concatenate(some) for some in zip(*self.pieces(key, n_pre, n_post, loop=loop), strict=True))
            return given(n_pre, n_post, a, b)
        capacity = self._most(n_pre, n_post, loop)[0]
        chosen, beyond = jax.lax.map(
            lambda first: _chosen(*place, stream, first, skip), jnp.asarray(_blocks(pre, post), jnp.int32)
        )
        chosen = chosen.reshape(-1, n_post)[:n_pre].reshape(-1)
        at = jnp.nonzero(chosen, size=capacity, fill_value=n_pre * n_post)[0].astype(jnp.int32)
        real = at < n_pre * n_post
        edges = jnp.where(real, at // n_post, n_pre), jnp.where(real, at % n_post, n_post)
        return Edges(*edges, jnp.any(beyond) | (jnp.sum(chosen) > capacity), n_pre, n_post)

    def pieces(self, key, n_pre, n_post, *, loop):
        pre, post = _both(self.pre, self.post)
        if n_pre * n_post >= MAX_PAIRS:
            raise ValueError(f"Spatial got {n_pre} x {n_post} neurons; expected fewer than 2^31 pairs: split them.")
        skip = loop and not self.autapses
        for first in _blocks(pre, post):
            with jax.ensure_compile_time_eval():  # not around `yield`: what runs between pieces is not ours
                stream = _random.stream(key, "pairs")
                chosen, beyond = _chosen(self.p, pre, post, self.extent, stream, first, skip)
                _refuse(bool(beyond))
                rows, columns = np.nonzero(np.asarray(chosen))
            yield (rows + first).astype(np.int32), columns.astype(np.int32)

    def places(self, n_pre: int, n_post: int, drawn: int) -> int:
        return coarse(max(self._most(n_pre, n_post, loop=False)[0], drawn))

    def fan_out(self, n_pre: int, n_post: int) -> int:
        return self._most(n_pre, n_post, loop=False)[1]

    def _most(self, n_pre: int, n_post: int, loop: bool) -> tuple[int, int]:
        """The maximum number of edges, in all and of one presynaptic neuron; static."""
        if self.most is not None:
            return self.most, min(self.most, n_post)
        if not is_concrete(self):
            raise ValueError(
                "Spatial got a traced kernel or positions, which leave the number of edges unknown when the program is "
                "compiled; give its maximum: Spatial(..., most=...)."
            )
        pre, post = _both(self.pre, self.post)
        with jax.ensure_compile_time_eval():
            likely = [_likely(self.p, pre, post, self.extent, first, False) for first in _blocks(pre, post)]
            _refuse(any(bool(beyond) for _, _, beyond in likely))
            mean = np.concatenate([np.asarray(m, np.float64) for m, _, _ in likely])[:n_pre]
            variance = np.concatenate([np.asarray(v, np.float64) for _, v, _ in likely])[:n_pre]
        row = max(likely_most(m, v, n_post) for m, v in zip(mean, variance, strict=True))
        return max(1, likely_most(mean.sum(), variance.sum(), n_pre * n_post)), row


def _blocks(pre: Array, post: Array) -> list[int]:
    """The first row of every block."""
    return [*range(0, len(pre), _rows(pre, post))]


def _rows(pre: Array, post: Array) -> int:
    return max(1, min(len(pre), _BLOCK // len(post)))


@eqx.filter_jit
def _chances(
    p: Any, pre: Array, post: Array, extent: Array | None, first: Any, skip: bool
) -> Float[Array, "rows post"]:
    """The probability of every pair of a block of rows; 0 past the last row."""
    rows = first + jnp.arange(_rows(pre, post))
    d = distances(pre[jnp.minimum(rows, len(pre) - 1)][:, None], post[None], extent)
    # the same bits in every program: rounding must not decide whether an edge exists
    chance = apart(jnp.broadcast_to(as_number(p(apart(d))), d.shape))
    own = rows[:, None] == jnp.arange(len(post))[None] if skip else False
    return jnp.where((rows < len(pre))[:, None] & ~jnp.asarray(own), chance, 0.0)


def _likely(
    p: Any, pre: Array, post: Array, extent: Array | None, first: Any, skip: bool
) -> tuple[Array, Array, Array]:
    """Mean and variance of the out-degree, and whether any value is not a probability."""
    chance = _chances(p, pre, post, extent, first, skip)
    return jnp.sum(chance, 1), jnp.sum(chance * (1.0 - chance), 1), _beyond(chance)


def _beyond(chance: Array) -> Bool[Array, ""]:
    return ~jnp.all((chance >= 0.0) & (chance <= 1.0))


def _chosen(
    p: Any, pre: Array, post: Array, extent: Array | None, stream: Array, first: Any, skip: bool
) -> tuple[Bool[Array, "rows post"], Bool[Array, ""]]:
    chance = _chances(p, pre, post, extent, first, skip)
    rows = (jnp.asarray(first) + jnp.arange(chance.shape[0])).astype(jnp.uint32)
    luck = _random.uniform(stream, rows[:, None], jnp.arange(len(post), dtype=jnp.uint32)[None])
    return luck < chance, _beyond(chance)


def _refuse(beyond: bool) -> None:
    if beyond:
        raise ValueError("Spatial.p gives numbers outside 0 .. 1; expected a probability at every distance.")


def _both(pre: Array | None, post: Array | None) -> tuple[Array, Array]:
    if pre is None or post is None:
        side = "pre" if pre is None else "post"
        raise ValueError(
            f"distances need positions, and the {side} population has none; give Population(positions=...)"
        )
    if pre.shape[1] != post.shape[1]:
        raise ValueError(
            f"the positions have {pre.shape[1]} and {post.shape[1]} coordinates; distances need equally many"
        )
    return pre, post


def _check_function(name: str, function: Any) -> None:
    if not callable(function):
        raise ValueError(f"{name} is {function!r}, expected a function of distance such as GaussianKernel(0.5, 100.0).")
