"""Resonators from a network: a resonate-and-fire neuron as sines and cosines, rounded, and as the cells of Loihi 2."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...._types import is_concrete, shown
from ....lowering.formats import Fixed
from ....lowering.graph import CellNode, Facts, Value, real
from ....lowering.kinds import is_a
from ....lowering.passes.base import AbstractPass
from ....networks.population import Population
from ....neurons.resonate import AtPhaseZero, AtThreshold, ResonateAndFire
from ....synapses.delta import Delta
from ..cores import Core
from .resonate import AbstractResonatorCells, IzhikevichResonatorCells, ResonatorCells, lost_in_a_turn

EXPONENT = 6  # of the input: a unit of weight is 2^6 lowest bits, as of the leaky cells
_ROOM = 1.02  # of what inputs add up to, for rounding


def numbers_of(neuron: ResonateAndFire, dt: float) -> dict[str, Any]:
    """A turn in a step, `exp(-dt / tau) exp(2 pi i dt / period)`, and what it decays by."""
    kinds = {AtThreshold: IzhikevichResonatorCells, AtPhaseZero: ResonatorCells}
    kind = next((kinds[each] for each in kinds if is_a(neuron.firing, each)), None)
    if kind is None:
        raise ValueError(
            f"ResonateAndFire.firing is {type(neuron.firing).__name__}, which no resonator of the chip has; use "
            "AtThreshold() or AtPhaseZero()"
        )
    keep, angle = jnp.exp(-dt / neuron.tau), 2.0 * math.pi * dt / neuron.period
    decay = -jnp.expm1(-dt / neuron.tau)
    return dict(kind=kind, cos=keep * jnp.cos(angle), sin=keep * jnp.sin(angle), decay=decay, threshold=neuron.v_th)


def resonating(population: Population, numbers: dict[str, Any], facts: Facts) -> CellNode:
    """A population as resonators. To passes that choose scales it is a current that decays as a turn does.

    **Raises:** ValueError with the nearest thing that is supported.
    """
    if facts.after_threshold:
        raise ValueError("a resonator is not lowered where arrivals act after the threshold; use NestOrder")
    for name, port in population.ports.items():
        if not is_a(port, Delta):
            raise ValueError(
                f"port {name!r} is {type(port).__name__}, and inputs of a resonator of the chip are jumps; use Delta"
            )
    for path in population.init:
        raise ValueError(f"it has an initial value of {path!r}, and resonators of the chip start at 0; leave init out")
    zero, one = jnp.zeros(()), jnp.ones(())
    values = {key: real(numbers[key]) for key in ("cos", "sin", "threshold")}
    values |= dict(decay_u=real(numbers["decay"]), decay_v=real(one), bias=real(zero), v_start=real(zero))
    values |= dict(refractory=real(one), input_delay=real(np.zeros((), np.int32)))
    ports = dict.fromkeys(population.ports, one)
    return CellNode(population.n, dict(sorted(values.items())), ports, kind=numbers["kind"])


class QuantiseTurns(AbstractPass):
    """Round the sines and cosines of resonators, to a turn that decays.

    The nearest numbers, or where these would not decay those cut toward 0. What is lost is told as errors of the period
    and of the decay.

    **Arguments:** `turn`: the format, of numbers between -1 and 1.
    """

    numeric: ClassVar[bool] = True
    turn: Fixed

    def __call__(self, graph):
        cells = {}
        for name, cell in graph.cells.items():
            if cell.is_input or cell.is_leaky:
                continue
            if rules := [key for key, edge in graph.into(name).items() if edge.rule is not None]:
                raise ValueError(
                    f"Projection {rules[0]!r} learns into resonators, and the learning engine is here for the leaky "
                    "cells; use net.frozen() to keep its weights, or a LIF."
                )
            turn = [cell["sin"], cell["cos"]]
            sin, cos = self.rounded(turn)
            loses = lost_in_a_turn(sin, cos, self.turn.bits)
            error = lambda x, exact: jnp.max(jnp.abs(x / exact - 1.0))
            angle = lambda sin, cos: jnp.arctan2(jnp.abs(sin), cos)  # of half a turn the sine is 0 with either sign
            stored = [self.turn.value(x).astype(turn[0].dtype) for x in (sin, cos)]
            lost = {
                "period, largest relative error": error(angle(*turn), jnp.maximum(angle(*stored), 1e-9)),
                "decay, largest relative error": error(loses, cell["decay_u"]),
            }
            graph = graph.count(name, **lost)
            cells[name] = cell.set(sin=Value(sin, self.turn), cos=Value(cos, self.turn), decay_u=real(loses / _ROOM))
        return graph.having(cells=cells)

    def rounded(self, turn: list[Array]) -> list[Array]:
        """Sine and cosine, as stored."""
        sin, cos = (self.turn.nearest(x)[0] for x in turn)
        grows = lost_in_a_turn(sin, cos, self.turn.bits) <= 0
        unit = jnp.exp2(self.turn.frac.astype(turn[0].dtype))
        cut = [jnp.trunc(x * unit).astype(jnp.int32) for x in turn]
        return [jnp.where(grows, below, near) for below, near in zip(cut, (sin, cos), strict=True)]

    def unsupported(self, graph):
        for name, cell in graph.cells.items():
            if cell.is_input or cell.is_leaky or not is_concrete(self):
                continue
            sin, cos = map(np.asarray, self.rounded([cell["sin"], cell["cos"]]))
            if np.any((sin == 0) & (cos > 0)):
                return (
                    f"Population {name!r} turns by less in a step than {shown(self.turn.bits)} bits tell from no turn; "
                    "use a larger dt, a shorter period, or a LIF"
                )
        return None


def resonators(name: str, cell: CellNode, core: Core) -> AbstractResonatorCells:
    """The cells of a node whose numbers are all stored."""
    form = cell.values["sin"].format
    if not isinstance(form, Fixed) or cell.kind is None:
        raise ValueError(f"{name}.sin is still {form}; put QuantiseTurns into the list of passes.")
    threshold = jnp.maximum(cell["threshold"] << EXPONENT, 1)  # else one of Izhikevich's would fire at rest
    return cell.kind(
        cell.n,
        sin=cell["sin"],
        cos=cell["cos"],
        bits=form.bits,
        threshold=threshold,
        state_exponent=EXPONENT,
        ports=cell.ports,
        core=core,
    )
