"""What the machine makes of the rates of Poisson sources, and how long their cores work: for the report."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from ...lowering.graph import CellNode, Graph, real
from .poisson import Means, PoissonCells, means
from .sources import HZ, PoissonSource

INSTRUCTIONS = (
    "instructions counted of the shipped program in an emulated core, 50 sources alike; cycles are more, by the waits "
    "of its memory and multiplier"
)
_SLOW_TURN, _FAST_TURN, _FASTEST_TURN, _SENT, _DRAWN = 49, 80, 160, 14, 17
CYCLES = 200_000  # of a core, a ms


def got(of: Means, dt: float) -> np.ndarray:
    """The rates, Hz, that sources have in the mean, from what the program computes of what was asked."""
    left, root, interval = (np.asarray(x, np.float64) for x in of)
    with np.errstate(divide="ignore"):
        fast, slow = np.where(left > 0, -np.log(left / 2.0**32), 0.0), np.where(interval > 0, 1.0 / interval, 0.0)
    root = root / 2.0**15
    return (fast + slow + np.where(root > 0, root**2 + 0.25, 0.0)) * 1e3 / dt


_means = jax.jit(means)


class Words(NamedTuple):
    """What the report needs of the sources of a population: `PoissonCells` has these numbers."""

    rate: Any
    per_step: Any
    per_ms: Any
    sources: Any

    @classmethod
    def of(cls, cells: Any) -> "Words":
        return cls(*(getattr(cells, name) for name in cls._fields))

    def node(self, cells: PoissonCells) -> CellNode:
        """Sources of a program by hand, in the graph of its report."""
        values = {name: real(np.asarray(x)) for name, x in self._asdict().items()}
        return CellNode(cells.n, values, cells.ports, kind=PoissonCells)


def on_cores(graph: Graph, lowered: Mapping[str, PoissonSource]) -> dict[str, Words]:
    """All Poisson sources: inputs that were lowered to them, and those of a program by hand."""
    by_hand = {name: cell for name, cell in graph.cells.items() if cell.kind is PoissonCells}
    return {
        **{name: Words.of(source.cells(graph.cells[name].n, graph.dt)) for name, source in lowered.items()},
        **{name: Words(*(cell[field] for field in Words._fields)) for name, cell in by_hand.items()},
    }


def account(n: int, dt: float, words: Words) -> dict[str, Any]:
    """Of a population on cores: methods, rates asked for and those that it has, and the work of its fullest core."""
    width = int(words.sources)
    found = _means(*(np.asarray(x, np.uint32) for x in words[:3]))
    of = jax.tree.map(lambda x: np.broadcast_to(np.asarray(x), (n,)), found)
    asked, have = np.broadcast_to(np.asarray(words.rate, np.float64) / HZ, (n,)), got(of, dt)
    error = np.max(np.abs(have / np.maximum(asked, 1e-300) - 1.0), where=asked > 0, initial=0.0)
    fast, fastest, spikes = of.left > 0, of.root > 0, have * dt * 1e-3
    turn = np.where(fast, _FAST_TURN + _SENT * -np.expm1(-spikes) + _DRAWN * spikes, _SLOW_TURN)
    turn = np.where(fastest, _FASTEST_TURN, turn)
    fullest = max(float(turn[k : k + width].sum()) for k in range(0, n, width))
    ends = lambda x: [float(x.min()), float(x.max())]
    return {
        "sources": n,
        "cores": -(-n // width),
        "by intervals": int(np.sum(~fast & ~fastest)),
        "by products": int(np.sum(fast)),
        "by normal variates": int(np.sum(fastest)),
        "Hz asked": ends(asked),
        "Hz": ends(have),
        "largest relative error of a rate": float(error),
        "instructions a step of the fullest core": fullest,
        "cycles a step in real time": CYCLES * dt,
        "source": INSTRUCTIONS,
    }


def summary(name: str, one: dict[str, Any]) -> str:
    """The same as a line."""
    span = lambda ends: f"{ends[0]:.5g}" if ends[0] == ends[1] else f"{ends[0]:.5g} .. {ends[1]:.5g}"
    work, room = one["instructions a step of the fullest core"], one["cycles a step in real time"]
    slower = f"; a time_scale_factor of {work / room:.2g} at least" if work > room else ""
    return (
        f"{name}: {one['sources']} Poisson sources on {one['cores']} core(s), {span(one['Hz'])} Hz for "
        f"{span(one['Hz asked'])} (off by {100 * one['largest relative error of a rate']:.2g} % at most), "
        f"{work:.3g} instructions a step of {room:.3g} cycles{slower}"
    )
