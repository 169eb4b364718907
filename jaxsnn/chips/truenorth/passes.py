"""Passes for TrueNorth: weights become crossbar bits and four weights a neuron; thresholds and leaks registers."""

import dataclasses
from typing import Any

import numpy as np

from ..._types import is_concrete
from ...lowering.formats import Fixed
from ...lowering.graph import CellNode, EdgeNode, Value, real
from ...lowering.passes.base import AbstractPass
from ...lowering.passes.losses import lost
from .arithmetic import MAGNITUDE, POTENTIAL, TYPES, WEIGHT
from .coding import AbstractCoding, AbstractDigits, best_scale, rooms


class CodeWeights(AbstractPass):
    """Weights become bits: an edge for each digit that a weight is made of, and four weights a neuron.

    Every neuron has a scale of its own: the unit of its digits times the whole number at which rounding loses least.

    **Arguments:** `coding`: `TwosComplement()`, `Trinary()` or `OneWeight()`.
    """

    coding: AbstractCoding

    def __call__(self, graph):
        cells, edges = {}, {}
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            into = graph.into(name)
            if not is_concrete((cell, into)):
                raise ValueError(
                    f"Population {name!r} or what it receives is traced, and the crossbars of TrueNorth depend on the "
                    "weights; lower outside jit, and sweep the program."
                )
            groups = _by_sender(into) if isinstance(self.coding, AbstractDigits) else _by_projection(name, into)
            cells[name], new, counts = _coded(name, cell, groups, self.coding)
            edges |= new
            graph = graph.count(name, **counts)
        return dataclasses.replace(graph.having(cells=cells), edges=dict(sorted(edges.items())))


def _by_sender(into: dict[str, EdgeNode]) -> list[tuple[str, EdgeNode]]:
    """Edges by sending group; those of a pair of neurons and one delay are added up."""
    found: dict[str, list[tuple[str, EdgeNode]]] = {}
    for key, edge in into.items():
        found.setdefault(edge.pre, []).append((key, edge))
    return [(parts[0][0], _summed([edge for _, edge in parts])) for parts in found.values()]


def _by_projection(name: str, into: dict[str, EdgeNode]) -> list[tuple[str, EdgeNode]]:
    """Edges by projection, each of which has one weight for every neuron."""
    found: dict[str, list[EdgeNode]] = {}
    for key, edge in into.items():
        base = key.rpartition("+")[0]  # several synapses of a pair are read as several lists
        found.setdefault(base if base in into else key, []).append(edge)
    if len(found) > TYPES:
        raise ValueError(
            f"Population {name!r} receives {len(found)} projections, and with OneWeight() each takes one of {TYPES} "
            "axon types; join projections, or use TwosComplement()."
        )
    groups = [(key, _summed(parts)) for key, parts in found.items()]
    for key, edge in groups:
        w, of = np.asarray(edge["weight"]), np.asarray(edge.receiver)
        low, high = np.full(edge.n_post, np.inf), np.full(edge.n_post, -np.inf)
        np.minimum.at(low, of, w)
        np.maximum.at(high, of, w)
        if np.any(high - low > 1e-6 * np.maximum(np.abs(high), np.abs(low))):
            raise ValueError(
                f"Projection {key!r} has several weights onto one neuron, and with OneWeight() an axon type is one "
                "weight a neuron; give it one, or use TwosComplement() or Trinary()."
            )
    return groups


def _summed(parts: list[EdgeNode]) -> EdgeNode:
    """Edges as one list, sorted by sender, receiver and delay, no such triple twice; weights of 0 are left out."""
    steps = [np.broadcast_to(np.asarray(edge["delay"]), (edge.count,)) for edge in parts]
    rows = np.concatenate([np.stack([e.sender, e.receiver, d]) for e, d in zip(parts, steps, strict=True)], axis=1)
    weight = np.concatenate([np.asarray(edge["weight"], float) for edge in parts])
    triples, place = np.unique(rows, axis=1, return_inverse=True)
    total = np.zeros(triples.shape[1])
    np.add.at(total, place.reshape(-1), weight)
    keep = total != 0
    sender, receiver, delay = triples[:, keep].astype(np.int32)
    longest = max((int(edge.max_delay) for edge in parts), default=0)
    return dataclasses.replace(
        parts[0], sender=sender, receiver=receiver, values={"delay": real(delay), "weight": real(total[keep])},
        max_delay=longest, sign=0,
    )  # fmt: skip


def _coded(name: str, cell: CellNode, groups: list[tuple[str, EdgeNode]], coding: AbstractCoding) -> Any:
    """The cell with its four weights and scale, its edges by digit, and what was lost."""
    n = cell.n
    receiver = np.concatenate([edge.receiver for _, edge in groups] or [np.zeros(0, np.int32)])
    weight = np.concatenate([np.asarray(edge["weight"]) for _, edge in groups] or [np.zeros(0)])
    order = np.argsort(receiver, kind="stable")
    start = np.searchsorted(receiver[order], np.arange(n + 1))
    most, digits = rooms(cell), coding if isinstance(coding, AbstractDigits) else None
    ends = WEIGHT if digits is None else digits.ends
    codes, unit, scale = np.zeros(weight.size, np.int64), np.ones(n, np.int64), np.ones(n)
    four, edges, at = np.zeros((TYPES, n), np.int64), {}, 0
    for j in range(n):
        of = order[start[j] : start[j + 1]]
        if of.size == 0:
            scale[j] = min(most[j], 2.0**10) if np.isfinite(most[j]) else 1.0
            continue
        q = best_scale(weight[of], ends, most[j], fewest=digits is not None)
        if q == 0.0:
            raise ValueError(
                f"Neuron {j} of {name!r} has a leak, threshold or start that its registers do not hold (9, 18 and 20 "
                f"bits) where weights of {np.abs(weight[of]).max():g} are whole numbers; use larger weights, or give a "
                "bias as spikes."
            )
        codes[of] = np.round(weight[of] * q)
        if digits is not None:
            used = np.array(digits.digits) * digits.bits(codes[of]).any(axis=1)
            unit[j] = int(max(1.0, min(255 // max(1, *np.abs(used)), most[j] / q * (1 + 1e-9))))
            four[: used.size, j] = used * unit[j]
        scale[j] = q * unit[j]
    for k, (key, edge) in enumerate(groups):
        own = codes[at : at + edge.count]
        at += edge.count
        for g, exists in [(k, own != 0)] if digits is None else enumerate(digits.bits(own)):
            if digits is None:
                four[g, edge.receiver[exists]] = own[exists]
            if exists.any():
                edges[f"{key}, type {g}"] = _of_type(edge, g, exists, four)
    back = codes / np.maximum(scale / unit, 1e-300)[receiver] if weight.size else weight
    counts = {**lost(weight, codes, back), "crossbar bits": sum(edge.count for edge in edges.values())}
    return cell.set(scale=real(scale), weight=Value(four.astype(np.int32), Fixed(8))), edges, counts


def _of_type(edge: EdgeNode, g: int, exists: np.ndarray, four: np.ndarray) -> EdgeNode:
    """Edges of one axon type, with the weights of their receivers."""
    receiver = edge.receiver[exists]
    values = {
        "delay": real(np.asarray(edge["delay"])[exists]),
        "weight": Value(four[g, receiver].astype(np.int32), Fixed(8)),
        "type": real(np.asarray(g, np.int32)),
    }
    return dataclasses.replace(edge, sender=edge.sender[exists], receiver=receiver, values=values)


class ToRegisters(AbstractPass):
    """Thresholds, leaks and resets in the unit of each neuron.

    A threshold is rounded up, so that sums of whole numbers reach it where they reach the model's.
    """

    def __call__(self, graph):
        cells = {}
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            scaled = lambda key, cell=cell: np.asarray(cell[key], float) * np.asarray(cell["scale"])
            unit = int(cell["memoryless"])  # fires from 0 on, whatever it is: its bias is its leak, rounded down
            given = {
                "threshold": (_up(scaled("v_th")), MAGNITUDE),
                "negative": (np.round(np.minimum(scaled("floor"), MAGNITUDE[1])), MAGNITUDE),
                "leak": (-_up(-scaled("leak")) if unit else np.round(scaled("leak")), WEIGHT),
                "reset": (np.round(scaled("v_reset")), POTENTIAL),
                "start": (np.round(scaled("v_start")), POTENTIAL),
            }
            stored, counts = {}, {}
            for key, (wanted, (low, high)) in given.items():
                form = Fixed(int(high).bit_length(), signed=low < 0)
                stored[key] = Value(np.clip(wanted, low, high).astype(np.int32), form)
                counts[f"{key} clipped"] = np.sum((wanted < low) | (wanted > high))
            for key, real_ in () if unit else (("threshold", "v_th"), ("leak", "leak")):  # of a unit nothing is lost
                off = np.abs(np.asarray(stored[key].x) - scaled(real_)) / np.maximum(np.abs(scaled(real_)), 1e-30)
                counts[f"{key}, largest relative error"] = np.max(np.where(scaled(real_) == 0, 0.0, off))
            gone = dict.fromkeys(("v_th", "floor", "v_reset", "v_start"))
            cells[name] = cell.set(**{**gone, **stored})
            graph = graph.count(name, **counts)
        return graph.having(cells=cells)


def _up(x: np.ndarray) -> np.ndarray:
    """The next whole number, but for what rounding of floats added."""
    return np.ceil(x - 1e-6 * np.maximum(np.abs(x), 1.0))
