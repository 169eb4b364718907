"""Passes for SpiNNaker: synapse types, units, shifts of ring buffers, integer weights."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._types import Param, Register, is_concrete, param, register
from ...lowering.formats import Fixed
from ...lowering.graph import EdgeNode, Value, real
from ...lowering.passes.base import AbstractPass
from ...lowering.passes.losses import lost
from ...lowering.passes.peaks import Peaks, unseen
from .arithmetic import LARGEST, ONE, exp_accum, quotient
from .cells import SHIFT
from .learning import PairNode
from .shifts import Arriving, largest_sum, shift_for

TYPES = ("exc", "inh")
_NAMES = {"exc": "excitatory", "inh": "inhibitory"}


def accums() -> Fixed:
    """The format of s16.15 numbers."""
    return Fixed(31, 15)


class SynapseTypes(AbstractPass):
    """Weights of either sign become synapses of their own type, with the sign in the type and the port's gain in them.

    A neuron has one time constant for each type. Where weights are traced both are made of each, half of them 0.
    """

    def __call__(self, graph):
        edges, cells = {}, {}
        for key, edge in graph.edges.items():
            edge = edge.times(graph.cells[edge.post][f"gain {edge.port}"])
            signs = (1, -1) if edge.sign == 0 else (edge.sign,)
            parts = {sign: _of_sign(edge, sign) for sign in signs}
            edges |= {key if len(parts) == 1 else f"{key} ({_NAMES[type_of(part)]})": part for part in parts.values()}
        for name, cell in graph.cells.items():
            if cell.is_input or all(f"tau {port}" not in cell.values for port in _ports(cell)):
                continue
            taus = {kind: _time_constant(name, cell, edges, kind) for kind in TYPES}
            cells[name] = cell.set(**{f"tau_{kind}": tau for kind, tau in taus.items()})
        return dataclasses.replace(graph, edges=edges).having(cells=cells)


def type_of(edge: EdgeNode) -> str:
    """The synapse type of edges of one sign."""
    return "inh" if edge.sign < 0 else "exc"


def _ports(cell: Any) -> list[str]:
    return [key.removeprefix("gain ") for key in cell.values if key.startswith("gain ")]


def _of_sign(edge: EdgeNode, sign: int) -> EdgeNode:
    """The edges with weights of a sign, and their sizes; all of them, others with 0, where weights are traced."""
    weight, delay = edge["weight"] * sign, edge["delay"]
    if not is_concrete(weight):
        return dataclasses.replace(edge.set(weight=real(jnp.maximum(weight, 0.0))), sign=sign)
    keep = np.asarray(weight) > 0 if edge.sign == 0 else np.ones(weight.shape, bool)
    weight, delay = real(weight[keep]), real(delay if jnp.ndim(delay) == 0 else delay[keep])
    return dataclasses.replace(
        edge.set(weight=weight, delay=delay), sender=edge.sender[keep], receiver=edge.receiver[keep], sign=sign
    )


def _time_constant(name: str, cell: Any, edges: dict[str, EdgeNode], kind: str) -> Value:
    """That of the ports at which edges of a type arrive; of any port where there are none."""
    ports = sorted({edge.port for edge in edges.values() if edge.post == name and type_of(edge) == kind})
    first, *more = [cell.values[f"tau {port}"] for port in ports or _ports(cell)[:1]]
    alike = lambda x: x.x is first.x or (is_concrete((x.x, first.x)) and np.all(np.asarray(x.x) == np.asarray(first.x)))
    if not all(alike(tau) for tau in more):
        raise ValueError(
            f"Population {name!r} has {_NAMES[kind]} weights at {', '.join(map(repr, ports))}, whose time constants "
            "differ, and neurons of SpiNNaker have one for excitatory and one for inhibitory weights; give these ports "
            "the same tau, or positive weights to one and negative weights to the other."
        )
    return first


class ToAccums(AbstractPass):
    """Numbers in mV, ms, nF and nA, with 15 binary places. `R` is exactly 1 MOhm: `c_m` is `tau_m`.

    A unit of `v` is `2^k` mV: 1 mV where 8 to 128 mV lie between reset and threshold, else such that it is 16 to 32 mV.
    A time constant of a model without unit is thus kept, and its threshold has 19 bits or more.
    """

    numeric: ClassVar[bool] = True

    def __call__(self, graph):
        cells, edges = {}, {}
        ts = jnp.round(jnp.asarray(graph.dt) * ONE).astype(jnp.int32)
        lags = dict(graph.lags)
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            unit = _unit(cell)
            tau = _accum(cell["tau"]).x
            held = cell["refractory"].astype(jnp.int32) * ts
            wanted = {key: cell[key] * unit for key in ("v_rest", "v_reset", "v_start", "bias")}
            wanted |= {key: cell[key] for key in ("tau", "tau_exc", "tau_inh") if key in cell.values}
            values = {key: _accum(x) for key, x in wanted.items()}
            clipped = {f"{key} clipped": jnp.sum(accums().nearest(x)[1]) for key, x in wanted.items()}
            values |= {"refractory": Value(held, accums()), "scale": real(unit * ONE)}
            if "v_th" in cell.values:
                threshold = _accum(cell["v_th"] * unit).x  # the greatest number is never reached
                values["v_th"] = Value(jnp.where(threshold < LARGEST, threshold + cell["strict"], threshold), accums())
            if lag := lags.get(name, 0):
                values["lag"] = Value(jnp.asarray(lag, jnp.int32), Fixed(31))
            cells[name] = cell.set(**values)
            counts = clipped | {"v, mV a unit": unit}
            gain = unit
            if "tau_exc" not in cell.values:  # jumps
                kept = exp_accum(-quotient(ts, tau)).astype(unit.dtype)
                gain = unit * ts.astype(unit.dtype) / (ONE - kept)
            else:
                exact = jnp.exp(-graph.dt / cell["tau"])
                kept = exp_accum(-quotient(ts, tau)).astype(unit.dtype) / ONE
                counts["membrane's decay, largest relative error"] = jnp.max(jnp.abs((1 - kept) / (1 - exact) - 1))
            graph = graph.count(name, **counts)
            edges |= {key: edge.times(gain) for key, edge in graph.into(name).items()}
        return graph.having(cells=cells, edges=edges)


class VerifyRanges(AbstractPass):
    """Refuses what an accum does not hold, 65 536 mV and ms, and time constants of more than 2^15 steps.

    For such a time constant `dt / tau` is 0 on the chip: the membrane would not move, and a current would end after one
    step.
    """

    looks: ClassVar[bool] = True

    def __call__(self, graph):
        for name, cell in graph.cells.items():
            counted = graph.counts.get(name, {})
            for key in [key for key in counted if key.endswith(" clipped") and int(counted[key])]:
                raise ValueError(
                    f"Population {name!r} has a {key.removesuffix(' clipped')} of 65536 mV or ms or more (a unit of v "
                    f"is {float(counted['v, mV a unit']):g} mV), which no number of SpiNNaker holds; use a smaller one."
                )
            for key in [key for key in ("tau", "tau_exc", "tau_inh") if key in cell.values]:
                if np.max(np.asarray(cell[key])) > graph.dt * ONE**2:
                    raise ValueError(
                        f"Population {name!r} has a time constant ({key}) of more than 2^15 steps, for which SpiNNaker "
                        f"computes a decay of none or all; use at most {graph.dt * ONE:g} ms, or a larger dt."
                    )
        return graph


def _unit(cell: Any) -> Array:
    """How many mV a unit of `v` is: a power of two."""
    if "v_th" not in cell.values:
        return jnp.ones(())
    apart = jnp.max(cell["v_th"] - jnp.minimum(cell["v_reset"], cell["v_rest"]))
    apart = jnp.where(jnp.isfinite(apart), apart, 16.0)  # a threshold that is never reached
    fits = (apart >= 8.0) & (apart <= 128.0)
    return jnp.where(fits, 1.0, jnp.ldexp(jnp.ones(()), 5 - jnp.frexp(apart)[1]))


def _accum(x: Array) -> Value:
    return Value(accums().nearest(x)[0], accums())


class ChooseShifts(AbstractPass):
    """The shift of every ring buffer: from the largest sum of a step, as the host software estimates it.

    With a calibration run it is `margin` times the largest sum seen instead, and never less than the largest weight.

    **Arguments:** `spikes_per_second`: of every sender, Hz. `sigma`: how many standard deviations above the mean sums
    may be.
    """

    spikes_per_second: float = eqx.field(default=30.0, static=True)
    sigma: float = eqx.field(default=5.0, static=True)
    peaks: dict[str, Peaks] = eqx.field(default_factory=dict)
    margin: Param = param(1.25, unit="1", gt=0.0)

    def __check_init__(self):
        for name in ("spikes_per_second", "sigma"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"ChooseShifts.{name} is {getattr(self, name)!r}; expected a number of at least 0.")

    def seen(self, peaks, factor):
        return dataclasses.replace(self, peaks=peaks, margin=self.margin * factor)

    def __call__(self, graph):
        cells = {}
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            into = graph.into(name).values()
            peak, shifts = self.peaks.get(name, unseen()), {}
            for kind, most in zip(TYPES, (peak.a, peak.u), strict=True):
                found = [self._arriving(edge) for edge in into if type_of(edge) == kind]
                bound = largest_sum(found, self.sigma, graph.dt)
                seen = self.margin * most * cell["scale"] / ONE
                if not is_concrete((bound, seen)):
                    tall = max((x.largest for x in found), default=0.0) if is_concrete(found) else _tallest(found)
                    bound = jnp.where(jnp.isinf(seen), bound, jnp.maximum(seen, tall))
                elif np.isfinite(seen):
                    bound = max(float(seen), *(float(x.largest) for x in found), 0.0)
                shifts[f"shift_{kind}"] = shift = shift_for(bound)
                if is_concrete(shift) and int(shift) > SHIFT[1]:
                    raise ValueError(
                        f"Population {name!r} may be sent {_NAMES[kind]} weights of {float(bound):.4g} mV a step, and "
                        "ring buffers hold 65536 at most; use smaller weights or bounds of them, or calibrate."
                    )
            cells[name] = cell.set(**{key: Value(jnp.asarray(x, jnp.int32), Fixed(4)) for key, x in shifts.items()})
            graph = graph.count(name, **shifts)
        return graph.having(cells=cells)

    def _arriving(self, edge: EdgeNode) -> Arriving:
        """What the host's estimate asks of a projection."""
        n = int(np.bincount(np.asarray(edge.receiver), minlength=1).max())
        delay = edge["delay"]
        varied = jnp.ndim(delay) > 0 and (not is_concrete(delay) or np.ptp(np.asarray(delay)) > 0)
        w: Any = np.asarray(edge["weight"], np.float64) if is_concrete(edge["weight"]) else edge["weight"]
        if edge.count == 0:
            return Arriving(0, 0.0, 0.0, 0.0, self.spikes_per_second, False)
        if edge.rule is not None:  # any weight may become the largest
            most = edge.rule.largest()
            return Arriving(n, most, 0.0 * most, most, self.spikes_per_second, bool(varied))
        return Arriving(n, w.mean(), w.var(), w.max(), self.spikes_per_second, bool(varied))


def _tallest(found: list[Arriving]) -> Array:
    return jnp.max(jnp.stack([jnp.asarray(x.largest) for x in found])) if found else jnp.zeros(())


class RoundWeights(AbstractPass):
    """Weights of 16 bits, whose lowest is `2^(shift - 15)`; of fewer `bits` the upper ones are used."""

    numeric: ClassVar[bool] = True
    bits: Register = register(16, within=(1, 16))

    def unsupported(self, graph):
        fewer = is_concrete(self.bits) and int(self.bits) < 16
        if fewer and (names := [key for key, edge in graph.edges.items() if edge.rule is not None]):
            return (
                f"Projection {names[0]!r} learns, and weights that learn have 16 bits; leave Precision(weight=...) out"
            )
        return None

    def __call__(self, graph):
        edges = {}
        for key, edge in graph.edges.items():
            cell = graph.cells[edge.post]
            form = Fixed(self.bits, self.bits - 1 - cell[f"shift_{type_of(edge)}"], signed=False)
            wanted = edge["weight"]
            if isinstance(edge.rule, PairNode):
                wanted = wanted * edge.of_receivers(edge.rule.unit)
            stored, clipped = form.nearest(wanted)
            edges[key] = edge.set(weight=Value(stored, form))
            counted = lost(wanted, stored, form.value(stored), clipped)
            graph = graph.count(key, **counted)
        return graph.having(edges=edges)
