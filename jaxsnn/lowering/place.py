"""Which core has which cells, and the axons between them. Only metadata: no number of a program depends on it."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from .._types import is_concrete
from .discretise import AbstractPass
from .ir import CoreUse, Graph, LinkNode, Plan
from .targets import AbstractTarget

_WEIGHT_BITS = (0, 1, 2, 3, 4, 5, 6, 8)  # what a synapse format can hold
_INDEX_BITS = (0, 6, 7, 8, 9, 10, 11, 12)
_BLOCK, _HEADER, _WORD = 64, 10, 64  # synapses of a block, bits of its header, bits of a word of memory
_MAX_ROUNDS = 200


class PlaceOnCores(AbstractPass):
    """Splits every group into equal runs of cells, as few as every limit of a core allows, and fills chips in turn."""

    looks: ClassVar[bool] = True

    def __call__(self, graph, target):
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
                return graph.having(plan=Plan(cores))
            for name, (limit, used, room) in over.items():
                if split[name] >= graph.cells[name].n:
                    raise ValueError(
                        f"Population {name!r} does not fit {target.name}: one cell alone needs {used} {limit} of the "
                        f"{room} that a core has; the nearest is a smaller fan-{'out' if 'out' in limit else 'in'}."
                    )
                split[name] = min(max(split[name] + 1, math.ceil(split[name] * used / room)), graph.cells[name].n)
        raise ValueError(f"No placement was found on {target.name}: {over}; use sparser projections.")


def _room(graph: Graph, name: str, target: AbstractTarget) -> int:
    """Cells of a group that a core takes: longer delays take more of its accumulators."""
    longest = max((link.max_delay for link in graph.into(name).values()), default=0)
    return max(1, min(target.cells, target.accumulators // 2 ** math.ceil(math.log2(longest + 2))))


def _limits(core: CoreUse, target: AbstractTarget) -> list[tuple[str, int, int]]:
    return [
        ("cells", core.cells, target.cells),
        ("bits of synapses", core.synapse_bits, target.synapse_bits),
        ("axons in", core.in_axons, target.in_axons),
        ("axons out", core.out_axons, target.out_axons),
    ]


def binding(graph: Graph, target: AbstractTarget) -> tuple[str, str, int, int]:
    """The limit that the fullest core is nearest to: its name, the group, what is used, and what there is."""
    plan = graph.plan
    assert plan is not None
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


def _cores(graph: Graph, split: dict[str, int], target: AbstractTarget) -> tuple[CoreUse, ...]:
    begin = {name: starts(graph.cells[name].n, parts) for name, parts in split.items()}
    bits = {name: np.zeros(len(at), np.int64) for name, at in begin.items()}
    fan_in = {name: np.zeros(len(at), np.int64) for name, at in begin.items()}
    fan_out = {name: np.zeros(cell.n, np.int64) for name, cell in graph.cells.items()}
    for link in graph.links.values():
        count = np.add.reduceat(np.asarray(link["exists"]).astype(np.int64), begin[link.post], axis=1)
        bits[link.post] += synapse_bits(link, count, begin[link.post], graph.cells[link.post].n)
        fan_in[link.post] += (count > 0).sum(axis=0)
        fan_out[link.pre] += (count > 0).sum(axis=1)
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


def synapse_bits(link: LinkNode, count: np.ndarray, begin: np.ndarray, n_post: int) -> np.ndarray:
    """Bits of synaptic memory that a link takes on every core, from its synapses by sender and core.

    A sender's synapses on a core are a list of blocks of 64, each with a header and rounded up to words; one that
    reaches only some cells of the core has their indices too (nengo-loihi, `SynapseConfig.bits_per_axon`).
    """
    stored = int(np.max(np.asarray(link["bits"]))) if "bits" in link.values else 8
    weight = next(b for b in _WEIGHT_BITS if b >= stored)
    delay = math.ceil(math.log2(link.max_delay + 1))
    cells = np.diff(np.append(begin, n_post))
    index = next((b for b in _INDEX_BITS if 2**b >= cells.max()), _INDEX_BITS[-1])
    each = np.where(count == cells[None], weight + delay, weight + delay + index)
    full, rest = np.divmod(count, _BLOCK)
    words = lambda synapses: -(-(synapses * each + _HEADER) // _WORD) * _WORD
    return (full * words(_BLOCK) + np.where(rest > 0, words(rest), 0)).sum(axis=0)


class RouteAxons(AbstractPass):
    """Counts the axons from core to core: one for every sender and core it reaches, over all links."""

    looks: ClassVar[bool] = True

    def __call__(self, graph, target):
        if graph.plan is None:
            raise ValueError("RouteAxons comes after PlaceOnCores in the list of passes.")
        cores = graph.plan.cores
        at = {name: [i for i, core in enumerate(cores) if core.group == name] for name in graph.cells}
        axons: dict[tuple[int, int], int] = {}
        for link in graph.links.values():
            begin = np.array([cores[i].first for i in at[link.post]])
            reached = np.add.reduceat(np.asarray(link["exists"]).astype(np.int64), begin, axis=1) > 0
            for j, to in enumerate(at[link.post]):
                for i in at[link.pre]:  # nothing for an input: the host is not on the mesh
                    senders = slice(cores[i].first, cores[i].first + cores[i].cells)
                    n = int(reached[senders, j].sum())
                    if n:
                        axons[i, to] = axons.get((i, to), 0) + n
        return graph.having(plan=graph.plan._replace(routes=tuple((i, j, n) for (i, j), n in sorted(axons.items()))))


class VerifyLimits(AbstractPass):
    """Refuses what the target cannot hold: values outside their formats, refractory periods, profiles of a core."""

    looks: ClassVar[bool] = True

    def __call__(self, graph, target):
        for name, cell in graph.cells.items():
            if cell.is_input or not is_concrete(cell):
                continue
            held = int(np.max(np.asarray(cell["refractory"])))
            if held > target.refractory:
                raise ValueError(
                    f"Population {name!r} is refractory for {(held - 1) * graph.dt:g} ms = {held} steps; the most on "
                    f"{target.name} is {target.refractory}: use a larger dt or a shorter t_ref."
                )
            registers = [
                np.broadcast_to(np.asarray(cell[key]), (cell.n,)) for key in ("decay_u", "decay_v", "refractory")
            ]
            for core in graph.plan.cores if graph.plan else ():
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
