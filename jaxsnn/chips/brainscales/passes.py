"""What a network becomes on BrainScaleS-2: potentials in LSB of the CADC, weights of 6 bits, circuits."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..._types import OptionalRegister, Param, is_concrete, param, register
from ...lowering.formats import AbstractFormat, Real
from ...lowering.graph import Graph, Value, real
from ...lowering.integers import power_of_two
from ...lowering.passes.base import AbstractPass
from ...lowering.passes.losses import lost
from ...lowering.passes.peaks import Peaks, unseen
from .pattern import ROWS, Circuits

READABLE = (30.0, 210.0)  # LSB where the converter is reliable
LOWEST, REST = 80.0, 120.0  # LSB: of leak and reset where there is a threshold; of a leak without


class Levels(AbstractFormat):
    """Whole numbers from `-most` to `most` of a `unit`: weights of a sign and 6 bits."""

    most: Param = param(63.0, unit="LSB", gt=0.0)
    unit: Param = param(1.0, unit="of weights", gt=0.0)

    def range(self):
        return -self.most, self.most

    def contains(self, stored):
        return (jnp.abs(stored) <= self.most) & (stored == jnp.round(stored))

    def nearest(self, x):
        scaled = jnp.round(x / self.unit)
        return jnp.clip(scaled, -self.most, self.most), jnp.abs(scaled) > self.most

    def value(self, stored):
        return stored * self.unit

    @property
    def data(self):
        return {"bits": int(np.round(np.log2(float(self.most) + 1.0))), "sign": "of the row"}

    def __str__(self) -> str:
        return "a sign and whole numbers" if not is_concrete(self.most) else f"a sign and 0 .. {float(self.most):g}"


class ToCADC(AbstractPass):
    """The unit of `v` in LSB of the CADC: of leak and reset the lowest at 80, the highest threshold at 80 + `swing`.

    Neurons that do not fire rest at 120, and what their membranes reach is within 30 and 210: as seen in a run,
    `margin` times, else as all weights together make it. State variables stay in the unit of the model.
    """

    numeric: ClassVar[bool] = True
    swing: Param = param(45.0, unit="LSB", gt=0.0)
    margin: Param = param(1.2, unit="1", gt=0.0)
    peaks: dict[str, Peaks] = eqx.field(default_factory=dict)

    def seen(self, peaks, factor):
        return dataclasses.replace(self, peaks=peaks)

    def __call__(self, graph):
        cells = {}
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            leak = cell["leak"]
            if "threshold" in cell.values:
                low = jnp.minimum(jnp.min(leak), jnp.min(cell["reset"]))
                lsb = (jnp.max(cell["threshold"]) - low) / self.swing
                zero = LOWEST - low / lsb
            else:
                total = sum((e.summed(jnp.abs(e["weight"])) for e in graph.into(name).values()), jnp.zeros(cell.n))
                seen = self.peaks.get(name, unseen()).v
                bound = jnp.max(jnp.abs(cell["resistance"]) * total)
                reach = jnp.where(jnp.isinf(seen), bound, self.margin * (seen + jnp.max(jnp.abs(leak))))
                lsb = jnp.maximum(reach, 1e-12) / (READABLE[1] - REST)
                zero = REST - jnp.mean(leak) / lsb
            cells[name] = cell.set(lsb=real(lsb), zero=real(zero), scale=real(jnp.ones(())))
            at = {
                f"{what}, LSB": zero + cell[what] / lsb
                for what in ("leak", "reset", "threshold")
                if what in cell.values
            }
            graph = graph.count(name, **{"v, LSB a unit": 1.0 / lsb, **at})
        return graph.having(cells=cells)


class RoundWeights(AbstractPass):
    """Weights of a sign and `bits` bits, an LSB such that the largest into a group is the last.

    The chip's efficacy is set to that LSB: one a group, as what an LSB is worth is measured. None: as they are.
    """

    numeric: ClassVar[bool] = True
    bits: OptionalRegister = register(6, optional=True, within=(1, 6))

    def __call__(self, graph):
        cells, edges = {}, {}
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            into = graph.into(name)
            unit = jnp.ones(())
            most = None if self.bits is None else power_of_two(jnp.asarray(self.bits, jnp.int32), unit.dtype) - 1.0
            if most is not None:
                top = [jnp.max(jnp.abs(e["weight"]), initial=0.0) for e in into.values()]
                top = jnp.max(jnp.stack([jnp.zeros(()), *top]))
                unit = jnp.where(top > 0, top, 1.0) / most
            cells[name] = cell.set(per_weight=real(unit))
            for key, edge in into.items():
                form: AbstractFormat = Real() if most is None else Levels(most, unit)
                stored, clipped = form.nearest(edge["weight"])
                edges[key] = edge.set(weight=Value(stored, form))
                graph = graph.count(key, **lost(edge["weight"], stored, form.value(stored), clipped))
        return graph.having(cells=cells, edges=edges)


class PlaceOnCircuits(AbstractPass):
    """Neurons one after the other, groups by name: 128 inputs a circuit, more where circuits are merged.

    **Arguments:** `circuits`: how many the chip has; static.
    """

    circuits: int = eqx.field(static=True)

    def __call__(self, graph):
        places, at = {}, 0
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            each = max(1, -(-fan_in(graph, name) // (ROWS // 2)))
            places[name] = Circuits(at, each)
            at += cell.n * each
        if at > self.circuits:
            full = max(places, key=lambda name: places[name].each * graph.cells[name].n)
            raise ValueError(
                f"The network takes {at} neuron circuits, {places[full].each} for each of the {graph.cells[full].n} "
                f"neurons of {full!r}, and BrainScaleS-2 has {self.circuits}; use fewer neurons, or at most "
                f"{ROWS // 2} inputs a neuron."
            )
        return graph.having(placement=tuple(places.items()))


def fan_in(graph: Graph, name: str) -> int:
    """The most synapses into a neuron of a group."""
    cell, total = graph.cells[name], 0
    for edge in graph.into(name).values():
        total = total + np.bincount(np.asarray(edge.receiver), minlength=cell.n)
    return int(np.max(total, initial=0))


def signs_of_inputs(graph: Graph) -> None:
    """Refuses both signs at a port whose time constant is not the other's: a circuit has an input for each sign."""
    for name, cell in graph.cells.items():
        ports = [key.removeprefix("tau_syn ") for key in cell.values if key.startswith("tau_syn ")]
        taus = [cell[f"tau_syn {port}"] for port in ports]
        if len(ports) != 2 or not is_concrete(taus) or np.all(np.asarray(taus[0]) == np.asarray(taus[1])):
            continue
        signs = {port: {e.sign for e in graph.into(name).values() if e.port == port} for port in ports}
        if any(len(of) > 1 or 0 in of for of in signs.values()) or signs[ports[0]] & signs[ports[1]]:
            raise ValueError(
                f"Population {name!r} has ports of two time constants, and a circuit has one for excitation and one "
                "for inhibition; give one port weights of 0 or more and the other of 0 or less, or both the same tau."
            )


def ranges_of(graph: Graph, ranges: dict[str, tuple[float, float]], speed: float) -> None:
    """Refuses what no calibration reaches, by name: times in us of the chip, potentials in LSB."""
    for name, cell in graph.cells.items():
        if cell.is_input:
            continue
        us = 1e3 / speed
        asked: dict[str, Any] = {"tau_m": cell["tau_m"] * us}
        asked |= {key: cell[key] * us for key in cell.values if key.startswith("tau_syn ")}
        if np.any(np.asarray(cell["refractory"]) > 0):
            asked["refractory"] = cell["refractory"] * us
        potentials = ("leak", "reset", "threshold") if "threshold" in cell.values else ("leak",)
        asked |= {what: cell["zero"] + cell[what] / cell["lsb"] for what in potentials}
        for what, x in asked.items():
            if not is_concrete(x):
                continue
            low, high = ranges[what.split(" ")[0]]
            x, unit = np.asarray(x), "LSB" if what in potentials else "us"
            wrong = ~((x >= low * (1 - 1e-5)) & (x <= high * (1 + 1e-5)))  # what is no number too
            if np.any(wrong):
                said = "a time constant of the model is a thousand times as long" if unit == "us" else "change swing="
                raise ValueError(
                    f"Population {name!r} has a {what} of {x[wrong].flat[0]:.4g} {unit} on the chip; BrainScaleS-2 is "
                    f"calibrated for {low:g} to {high:g} {unit} ({said})."
                )
