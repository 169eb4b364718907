"""The interval proof: what no input can make a register exceed, and where that cannot be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from .cells import CubaCells, ToCurrent
from .cores import Core, Saturates
from .discretise import AbstractPass
from .fixed import Fixed, shift
from .ir import CellNode, LinkNode
from .learning.synapses import reach_of

if TYPE_CHECKING:
    from .program import Program

ASSUMED = "every sender fires once in every step, and drives feed inputs, not cells"


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
            bounds = bounds_of(cell, list(graph.into(name).values()), target.core)
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


def bounds_of(cell: CellNode, links: list[LinkNode], core: Core) -> dict[str, Interval]:
    """The interval of every register of a group; weights that are learned count with all that they can come to."""
    low = high = jnp.zeros(cell.n)
    for link in links:
        if link.learning is None:
            units = shift(link["weight"], link["exponent"])
            less, more = jnp.sum(jnp.minimum(units, 0), axis=0), jnp.sum(jnp.maximum(units, 0), axis=0)
        else:
            less, more = reach_of(jnp.sum(jnp.asarray(link["exists"]), axis=0), link.sign, link["exponent"], core)
        low, high = low + 64.0 * less.astype(low.dtype), high + 64.0 * more.astype(low.dtype)
    form = cell.values["bias"].format
    assert isinstance(form, Fixed)
    bias = cell["bias"].astype(low.dtype) * jnp.exp2(-form.frac.astype(low.dtype))
    found = registers(_outward(low, high), bias, bias, cell["decay_u"], cell["decay_v"], cell["threshold"])
    return _from(found, cell["v_start"])


def _from(bounds: dict[str, Interval], v_start: Array) -> dict[str, Interval]:
    """The same where voltages do not start at 0: from beyond what inputs can reach they only come back."""
    v, start = bounds["voltage"], v_start.astype(bounds["voltage"].low.dtype)
    return bounds | {"voltage": Interval(jnp.minimum(v.low, start), jnp.maximum(v.high, start))}


def registers(a: Interval, least: Array, most: Array, decay_u: Array, decay_v: Array, threshold: Array):
    """The interval of every register of cells whose input is within `a` and whose bias is from `least` to `most`."""
    u = _geometric(a, decay_u)
    d = _outward(u.low + least, u.high + most)
    v = _geometric(d, decay_v)
    top = threshold.astype(a.low.dtype) * 64.0  # what is above it is reset
    v = Interval(v.low, jnp.minimum(v.high, jnp.ceil(top + jnp.maximum(d.high, 0.0))))
    return {"input": a, "current": u, "biased": d, "voltage": v}


class Bound(NamedTuple):
    """The smallest and the largest value of a register over all cells of a group, and whether the core holds them."""

    low: float
    high: float
    proved: bool


def program_bounds(program: Program) -> dict[str, dict[str, Bound]]:
    """What no spikes can make the registers of a concrete program exceed, by group and register.

    As `BoundAccumulators`, for programs of any synapses: those that learn count with every weight they can come to, and
    senders of graded spikes with every amplitude of their messages.
    """
    out = {}
    for name, cells in program.cells.items():
        if not isinstance(cells, CubaCells):
            continue
        low = high = jnp.zeros(cells.n)
        for group in program.synapses.values():
            if group.post == name:
                ends = group.reach(program.core, program.cells[group.pre].message_bits)
                less, more = (64.0 * end.astype(low.dtype) for end in ends)
                low, high = low + less, high + more
        bias = shift(cells.bias, cells.bias_exponent).astype(low.dtype)
        least, most = bias, bias
        if cells.noise is not None:
            small, large = (end.astype(low.dtype) for end in cells.noise.range())
            if isinstance(cells.noise.place, ToCurrent):
                low, high = low + small, high + large
            else:
                least, most = bias + small, bias + large
        found = registers(_outward(low, high), least, most, cells.decay_u, cells.decay_v, cells.threshold)
        found = _from(found, cells.v_start)
        limits = limits_of(program.core)
        out[name] = {
            key: Bound(float(jnp.min(x.low)), float(jnp.max(x.high)), bool(x.inside(*limits[key])))
            for key, x in found.items()
        }
    return out


def limits_of(core: Core) -> dict[str, tuple[int, int]]:
    """What every register of a core keeps; and of all cores, so that they agree."""
    register = (-(2**23) + 1, 2**23 - 1)
    limited = {"input": core.accumulator.range(), "current": core.current.range(), "biased": core.biased.range()}
    voltage = register if isinstance(core.voltage, Saturates) else (-(2**31) + 1, 2**31 - 1)
    return {**limited, "voltage": voltage}
