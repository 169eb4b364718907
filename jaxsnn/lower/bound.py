"""The interval proof: what no input can make a register exceed, and where that cannot be shown."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from .cores import Core, Saturates
from .discretise import AbstractPass
from .fixed import Fixed, shift
from .ir import CellNode, LinkNode


class Interval(NamedTuple):
    """Between which numbers a register stays, cell by cell. In floating point, rounded outward."""

    low: Float[Array, "..."]
    high: Float[Array, "..."]

    def inside(self, low: float, high: float) -> Array:
        """Whether all cells stay within."""
        return jnp.all((self.low >= low) & (self.high <= high))


def _outward(low: Array, high: Array) -> Interval:
    slack = 1.0 + 1e-6
    return Interval(jnp.floor(low * slack), jnp.ceil(high * slack))


def _geometric(x: Interval, decay: Array) -> Interval:
    """What a register that keeps `(4096 - decay) / 4096` of itself in a step can reach under inputs within `x`."""
    gain = 4096.0 / jnp.maximum(decay.astype(x.low.dtype), 1e-6)  # a register that does not decay has no bound
    return _outward(jnp.minimum(x.low, 0.0) * gain, jnp.maximum(x.high, 0.0) * gain)


class BoundAccumulators(AbstractPass):
    """Proves, group by group, that no register can overflow, from weights alone: every axon fires in every step.

    `input` is the sum of what arrives in a step, `current` is `u`, `biased` is `u + bias`, `voltage` is `v`. Inputs are
    taken to send at most one spike a step, and drives to feed inputs only. Where a proof fails the registers still say
    so when they overflow: `Status.INPUT_OVERFLOW` and `Status.CURRENT_OVERFLOW`. Where all hold, every core agrees.
    """

    numeric: ClassVar[bool] = True

    def __call__(self, graph, target):
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            bounds = bounds_of(cell, list(graph.into(name).values()))
            for register, interval in bounds.items():
                low, high = limits_of(target.core)[register]
                graph = graph.count(
                    name,
                    **{
                        f"{register} from": jnp.min(interval.low),
                        f"{register} to": jnp.max(interval.high),
                        f"{register} is proved": interval.inside(low, high),
                    },
                )
        return graph


def bounds_of(cell: CellNode, links: list[LinkNode]) -> dict[str, Interval]:
    """The interval of every register of a group."""
    low = high = jnp.zeros(cell.n)
    for link in links:
        units = shift(link["weight"], link["exponent"]).astype(low.dtype) * 64.0
        low, high = low + jnp.sum(jnp.minimum(units, 0.0), axis=0), high + jnp.sum(jnp.maximum(units, 0.0), axis=0)
    a = _outward(low, high)
    u = _geometric(a, cell["decay_u"])
    form = cell.values["bias"].format
    assert isinstance(form, Fixed)
    bias = cell["bias"].astype(low.dtype) * jnp.exp2(-form.frac.astype(low.dtype))
    d = _outward(u.low + bias, u.high + bias)
    v = _geometric(d, cell["decay_v"])
    threshold = cell["threshold"].astype(low.dtype) * 64.0  # what is above it is reset
    v = Interval(v.low, jnp.minimum(v.high, jnp.ceil(threshold + jnp.maximum(d.high, 0.0))))
    return {"input": a, "current": u, "biased": d, "voltage": v}


def limits_of(core: Core) -> dict[str, tuple[int, int]]:
    """What every register of a core keeps; and of all cores, so that they agree."""
    register = (-(2**23) + 1, 2**23 - 1)
    limited = {"input": core.accumulator.range(), "current": core.current.range(), "biased": core.biased.range()}
    voltage = register if isinstance(core.voltage, Saturates) else (-(2**31), 2**31 - 1)
    return {**limited, "voltage": voltage}
