"""Which core has which cells, and the axons between them. Only metadata: no number of a program depends on it."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar, NamedTuple

import equinox as eqx
import numpy as np

from ..._types import is_concrete
from ...lowering.graph import EdgeNode, Graph
from ...lowering.passes.base import AbstractPass
from .formats import StoredWeights
from .limits import Limits

_WEIGHT_BITS = (0, 1, 2, 3, 4, 5, 6, 8)  # what a synapse format can hold
_INDEX_BITS = (0, 6, 7, 8, 9, 10, 11, 12)
_BLOCK, _HEADER, _WORD = 64, 10, 64  # synapses of a block, bits of its header, bits of a word of memory
_MAX_ROUNDS = 200
_PROFILE = ("decay_u", "decay_v", "refractory")  # of a leaky cell; of another kind all of its registers


class CoreUse(NamedTuple):
    """A core: which cells of a group it has, where it is, and what of it is used."""

    group: str
    first: int
    cells: int
    chip: int
    core: int
    synapse_bits: int
    in_axons: int
    out_axons: int


class Plan(NamedTuple):
    """Where everything is, and how many axons go from one core to another: (from, to, axons), by index of `cores`."""

    cores: tuple[CoreUse, ...]
    routes: tuple[tuple[int, int, int], ...] = ()


class PlaceOnCores(AbstractPass):
    """Splits every group into equal runs of cells, as few as every limit of a core allows, and fills chips in turn."""

    looks: ClassVar[bool] = True
    limits: Limits = eqx.field(static=True)

    def __call__(self, graph):
        target = self.limits
        if not is_concrete(graph):
            raise ValueError("PlaceOnCores needs concrete weights; run it outside jit, or leave it out of the passes.")
        groups = [name for name, cell in graph.cells.items() if not cell.is_input]
        split = {name: math.ceil(graph.cells[name].n / _room(graph, name, target)) for name in groups}
        for _ in range(_MAX_ROUNDS):
            cores = _cores(graph, split, target)
            over = {}
            for core in cores:
                for limit, used, room in _limits(core, target):
                    if used > room:
                        over.setdefault(core.group, (limit, used, room))
            if not over:
                return graph.having(placement=Plan(cores))
            for name, (limit, used, room) in over.items():
                if split[name] >= graph.cells[name].n:
                    raise ValueError(
                        f"Population {name!r} does not fit {target.name}: one cell alone needs {used} {limit} of the "
                        f"{room} that a core has; the nearest is a smaller fan-{'out' if 'out' in limit else 'in'}."
                    )
                split[name] = min(max(split[name] + 1, math.ceil(split[name] * used / room)), graph.cells[name].n)
        raise ValueError(f"No placement was found on {target.name}: {over}; use sparser projections.")


def _room(graph: Graph, name: str, target: Limits) -> int:
    """Cells of a group that a core takes: longer delays take more of its accumulators."""
    longest = max((edge.max_delay for edge in graph.into(name).values()), default=0)
    inputs = getattr(graph.cells[name].kind, "n_inputs", 1)
    return max(1, min(target.cells, target.accumulators // (inputs * 2 ** math.ceil(math.log2(longest + 2)))))


def _limits(core: CoreUse, target: Limits) -> list[tuple[str, int, int]]:
    return [
        ("cells", core.cells, target.cells),
        ("bits of synapses", core.synapse_bits, target.synapse_bits),
        ("axons in", core.in_axons, target.in_axons),
        ("axons out", core.out_axons, target.out_axons),
    ]


def binding(plan: Plan, target: Limits) -> tuple[str, str, int, int]:
    """The limit that the fullest core is nearest to: its name, the group, what is used, and what there is."""
    found = [
        (used / room, limit, core.group, used, room)
        for core in plan.cores
        for limit, used, room in _limits(core, target)
    ]
    return max(found)[1:] if found else ("cells", "nothing", 0, target.cells)


def starts(n: int, parts: int) -> np.ndarray:
    """Where `parts` runs of `n` cells begin, equal but for a last shorter one."""
    size = math.ceil(n / parts)
    return np.arange(0, n, size)


class Fans(NamedTuple):
    """The synapses of every sender on every core that it reaches: sender, core, and how many they are."""

    sender: np.ndarray
    core: np.ndarray
    count: np.ndarray


def fans_of(edge: EdgeNode, begin: np.ndarray) -> Fans:
    """Of edges into a group whose runs of cells begin so. Edges are sorted, so equal pairs stand together."""
    sender = np.asarray(edge.sender).astype(np.int64)
    core = np.searchsorted(begin, np.asarray(edge.receiver), side="right") - 1
    pair = sender * len(begin) + core
    first = np.flatnonzero(np.concatenate([[True], pair[1:] != pair[:-1]])) if len(pair) else np.zeros(0, int)
    return Fans(sender[first], core[first], np.diff(np.append(first, len(pair))))


def _cores(graph: Graph, split: dict[str, int], target: Limits) -> tuple[CoreUse, ...]:
    begin = {name: starts(graph.cells[name].n, parts) for name, parts in split.items()}
    bits = {name: np.zeros(len(at), np.int64) for name, at in begin.items()}
    fan_in = {name: np.zeros(len(at), np.int64) for name, at in begin.items()}
    fan_out = {name: np.zeros(cell.n, np.int64) for name, cell in graph.cells.items()}
    for edge in graph.edges.values():
        fans, at = fans_of(edge, begin[edge.post]), begin[edge.post]
        bits[edge.post] += synapse_bits(edge, fans, at)
        fan_in[edge.post] += np.bincount(fans.core, minlength=len(at))
        fan_out[edge.pre] += np.bincount(fans.sender, minlength=edge.n_pre)
    cores = []
    for name, at in begin.items():
        out = np.add.reduceat(fan_out[name], at)
        sizes = np.diff(np.append(at, graph.cells[name].n))
        for i, first in enumerate(at):
            chip, core = divmod(len(cores), target.cores)
            cores.append(
                CoreUse(
                    name, int(first), int(sizes[i]), chip, core, int(bits[name][i]), int(fan_in[name][i]), int(out[i])
                )
            )
    return tuple(cores)


def synapse_bits(edge: EdgeNode, fans: Fans, begin: np.ndarray) -> np.ndarray:
    """Bits of synaptic memory that edges take on every core, from their synapses by sender and core.

    A sender's synapses on a core are a list of blocks of 64, each with a header and rounded up to words; one that
    reaches only some cells of the core has their indices too (nengo-loihi, `SynapseConfig.bits_per_axon`).
    """
    form = edge.values["weight"].format
    stored = int(form.bits) if isinstance(form, StoredWeights) else 8
    weight = next(b for b in _WEIGHT_BITS if b >= stored)
    delay = math.ceil(math.log2(edge.max_delay + 1))
    cells = np.diff(np.append(begin, edge.n_post))
    index = next((b for b in _INDEX_BITS if 2**b >= cells.max()), _INDEX_BITS[-1])
    each = np.where(fans.count == cells[fans.core], weight + delay, weight + delay + index)
    full, rest = np.divmod(fans.count, _BLOCK)
    words = lambda synapses: -(-(synapses * each + _HEADER) // _WORD) * _WORD
    bits = full * words(_BLOCK) + np.where(rest > 0, words(rest), 0)
    return np.bincount(fans.core, weights=bits, minlength=len(begin)).astype(np.int64)


class RouteAxons(AbstractPass):
    """Counts the axons from core to core: one for every sender and core it reaches, over all links."""

    looks: ClassVar[bool] = True

    def __call__(self, graph):
        if graph.placement is None:
            raise ValueError("RouteAxons comes after PlaceOnCores in the list of passes.")
        cores = graph.placement.cores
        at = {name: [i for i, core in enumerate(cores) if core.group == name] for name in graph.cells}
        axons: dict[tuple[int, int], int] = {}
        for edge in graph.edges.values():
            if not at[edge.pre]:  # the host, whose inputs these are, is not on the mesh
                continue
            begin, own = (np.array([cores[i].first for i in at[end]]) for end in (edge.post, edge.pre))
            fans = fans_of(edge, begin)
            pair = (np.searchsorted(own, fans.sender, side="right") - 1) * len(begin) + fans.core
            for code, n in zip(*np.unique(pair, return_counts=True), strict=True):
                route = at[edge.pre][code // len(begin)], at[edge.post][code % len(begin)]
                axons[route] = axons.get(route, 0) + int(n)
        routes = tuple((i, j, n) for (i, j), n in sorted(axons.items()))
        return graph.having(placement=graph.placement._replace(routes=routes))


class VerifyLimits(AbstractPass):
    """Refuses what the target cannot hold: values outside their formats, refractory periods, profiles of a core."""

    looks: ClassVar[bool] = True
    limits: Limits = eqx.field(static=True)

    def __call__(self, graph):
        target, plan = self.limits, graph.placement
        for name, cell in graph.cells.items():
            if cell.is_input or not is_concrete(cell):
                continue
            held = int(np.max(np.asarray(cell["refractory"]))) if "refractory" in cell.values else 1
            if held > target.refractory:
                raise ValueError(
                    f"Population {name!r} is refractory for {(held - 1) * graph.dt:g} ms = {held} steps; the most on "
                    f"{target.name} is {target.refractory}: use a larger dt or a shorter t_ref."
                )
            named = _PROFILE if cell.kind is None else [field.name for field in dataclasses.fields(cell.kind)]
            registers = [np.broadcast_to(np.asarray(cell[key]), (cell.n,)) for key in named if key in cell.values]
            for core in plan.cores if plan and registers else ():
                if core.group == name:
                    own = np.stack(registers)[:, core.first : core.first + core.cells]
                    kinds = np.unique(own, axis=1).shape[1]
                    if kinds > target.profiles:
                        raise ValueError(
                            f"Population {name!r} has {kinds} different decays and periods on one core; {target.name} "
                            f"has {target.profiles} profiles a core: draw time constants from fewer values."
                        )
        if wrong := graph.wrong():
            raise ValueError(f"The lowered graph does not hold together: {'; '.join(wrong)}; mend the pass before.")
        return graph
