"""Numbers as spikes: each encoder makes `(..., steps, n)`, as `Replay` takes it, from numbers `(..., n)`."""

from __future__ import annotations

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._random import as_key
from .._types import Checked, Param, canonical_float, check, param


class AbstractEncoder(Checked):
    """Turns numbers into amplitudes over time. Batched arrays are encoded as they are, example by example."""

    @abc.abstractmethod
    def __call__(self, x: Float[Array, "..."], *, key: Array | None = None) -> Float[Array, "..."]:
        """Amplitudes over time; `key` for those that draw."""


def _unit(x: Array, kind: type) -> Array:
    """Floats, checked to lie in 0 .. 1 where their values are known."""
    x = jnp.asarray(x)
    check(
        lambda: (x >= 0) & (x <= 1), f"{kind.__name__} got numbers outside 0 .. 1; scale them, e.g. by their largest."
    )
    return x.astype(canonical_float())


class DirectCode(AbstractEncoder):
    """The numbers themselves in every step, as amplitudes: a constant current that the first layer turns into spikes.

    **Arguments:** `steps`: static. From `(..., n)` to `(..., steps, n)`. SpikingJelly and snnTorch tutorials: direct
    encoding.
    """

    steps: int = eqx.field(static=True)

    def __call__(self, x, *, key=None):
        x = jnp.asarray(x).astype(canonical_float())
        return jnp.broadcast_to(x[..., None, :], (*x.shape[:-1], self.steps, x.shape[-1]))


class RateCode(AbstractEncoder):
    """Independent spikes: `x` in 0 .. 1 fires with probability `most x` in every step. snnTorch: `spikegen.rate`.

    `Poisson(rate)` draws such trains inside the run instead, so that they need no memory.

    **Arguments:** `steps`: static. `most`: the probability at `x = 1`.
    """

    steps: int = eqx.field(static=True)
    most: Param = param(1.0, unit="1", ge=0.0)

    def __call__(self, x, *, key=None):
        if key is None:
            raise ValueError("RateCode draws spikes; give it a key: code(x, key=key).")
        x = _unit(x, type(self))
        shape = (*x.shape[:-1], self.steps, x.shape[-1])
        uniform = jax.random.uniform(as_key(key), shape, x.dtype)
        return (uniform < self.most * x[..., None, :]).astype(x.dtype)


class LatencyCode(AbstractEncoder):
    """One spike each, the sooner the larger: `x` in 0 .. 1 fires in step `round((1 - x) (steps - 1))`.

    snnTorch: `spikegen.latency(normalize=True, linear=True, clip=True)`.

    **Arguments:** `steps`: static. `threshold`: what is smaller never fires.
    """

    steps: int = eqx.field(static=True)
    threshold: Param = param(0.01, unit="1", ge=0.0)

    def __call__(self, x, *, key=None):
        x = _unit(x, type(self))[..., None, :]
        step = jnp.round((1.0 - x) * (self.steps - 1)).astype(jnp.int32)
        time = jnp.arange(self.steps, dtype=jnp.int32).reshape((self.steps, 1))
        time = time.reshape((1,) * (x.ndim - 2) + time.shape)
        return ((step == time) & (x >= self.threshold)).astype(x.dtype)


class DeltaCode(AbstractEncoder):
    """Changes of a signal: +1 where it has risen by `threshold` or more since the last spike of this neuron, -1 where
    it has fallen so far (send on delta: the reference moves to the signal at a spike). From `(..., steps, n)`.

    On and off channels: `jnp.concatenate([jnp.maximum(s, 0), jnp.maximum(-s, 0)], axis=-1)`.

    **Arguments:** `threshold`: in the unit of the signal.
    """

    threshold: Param = param(0.1, unit="signal", gt=0.0)

    def __call__(self, x, *, key=None):
        x = jnp.moveaxis(jnp.asarray(x).astype(canonical_float()), -2, 0)

        def step(reference: Array, now: Array) -> tuple[Array, Array]:
            change = now - reference
            spike = jnp.where(jnp.abs(change) >= self.threshold, jnp.sign(change), 0.0)
            return jnp.where(spike != 0, now, reference), spike

        return jnp.moveaxis(jax.lax.scan(step, x[0], x)[1], 0, -2)


class PopulationCode(AbstractEncoder):
    """Each number as the activity of `n` neurons with Gaussian tuning curves, centres evenly from `lo` to `hi`.

    From `(..., d)` to `(..., d n)`, in 0 .. 1: to be encoded in time by another code.

    **Arguments:** `n`: static, two or more. `lo`, `hi`: in the unit of `x`. `width`: of a curve (its standard
    deviation), in units of the distance between centres.
    """

    n: int = eqx.field(static=True)
    lo: Param = param(0.0, unit="x")
    hi: Param = param(1.0, unit="x")
    width: Param = param(1.0, unit="1", gt=0.0)

    def __check_init__(self):
        if self.n < 2:
            raise ValueError(f"PopulationCode.n is {self.n}, expected two or more neurons a number.")

    def __call__(self, x, *, key=None):
        x = jnp.asarray(x).astype(canonical_float())[..., None]
        distance = (self.hi - self.lo) / (self.n - 1)
        centres = self.lo + distance * jnp.arange(self.n, dtype=x.dtype)
        centres = centres.reshape((1,) * (x.ndim - 1) + centres.shape)
        activity = jnp.exp(-0.5 * jnp.square((x - centres) / (self.width * distance)))
        return activity.reshape(*activity.shape[:-2], -1)
