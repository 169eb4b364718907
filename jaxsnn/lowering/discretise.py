"""The passes that stay in real numbers: from differential equations to the recursion that a cell computes."""

from __future__ import annotations

import abc
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._types import Checked, is_concrete
from .fixed import Ranged
from .ir import CellNode, Graph, real
from .targets import AbstractTarget

_MISSED = 0.1  # of the threshold: what a bias may do in a step that is missed after every spike


class AbstractPass(Ranged, Checked):
    """A pure function from graph to graph. Its numbers are leaves, so that they can be swept.

    A `numeric` one looks at no value: it can be traced, and neighbours of its kind are compiled together. One that
    `looks` needs concrete numbers and changes none: `lower` leaves it out while tracing.
    """

    numeric: ClassVar[bool] = False
    looks: ClassVar[bool] = False

    @abc.abstractmethod
    def __call__(self, graph: Graph, target: AbstractTarget) -> Graph:
        """The graph after this pass. Raises ValueError where the target has no room or no such thing."""

    @property
    def name(self) -> str:
        """As it is listed."""
        return type(self).__name__


class Discretise(AbstractPass):
    """Time constants become decays: `1 - exp(-dt / tau)`; `decay_u` is 1 where arrivals are jumps of `v`."""

    def __call__(self, graph, target):
        cells = {}
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            decay_u, decay_v = _decay(cell, "decay_u", "tau_syn", graph.dt), _decay(cell, "decay_v", "tau", graph.dt)
            gain = cell["per_current"] if "per_current" in cell.values else jnp.ones(())
            cells[name] = cell.set(
                decay_u=real(decay_u), decay_v=real(decay_v), gain=real(gain), tau=None, tau_syn=None, per_current=None
            )
        return graph.having(cells=cells)


def _decay(cell: CellNode, name: str, tau: str, dt: float) -> Array:
    """The decay that a cell has, or that of its time constant, or all of it."""
    if name in cell.values:
        return cell[name]
    return -jnp.expm1(-dt / cell[tau]) if tau in cell.values else jnp.ones(())


class FoldGains(AbstractPass):
    """The reset moves to 0; rest, bias and gain go into bias and weights: `v <- (1 - decay_v) v + u + bias`.

    Where arrivals act after the threshold (`Facts.arrivals`, as of `BrianOrder`) a jump leaks for one step before it is
    compared: its weight becomes smaller. One that arrives in the step of a spike is lost, so a cell is held for a step
    more, in which it does not take its bias either: refused where that is more than a tenth of its threshold.
    """

    def __call__(self, graph, target):
        late = graph.facts.after_threshold
        cells, links = {}, {}
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            leak = cell["decay_v"] * (cell["v_rest"] - cell["v_reset"])
            gain = cell["gain"] * (1.0 - cell["decay_v"]) if late and _jumps(cell) else cell["gain"]
            folded = cell.set(
                bias=real(leak + cell["per_step"] * cell["bias"]),
                threshold=real(cell["v_th"] - cell["v_reset"]) if "v_th" in cell.values else None,
                v_start=real(cell["v_start"] - cell["v_reset"]),
                v_th=None,
                v_rest=None,
                v_reset=None,
                per_step=None,
                gain=None,
                refractory=real(cell["refractory"] + (1 if late and _jumps(cell) else 0)),
            )
            if late and _jumps(cell):
                _held_longer(name, folded)
            cells[name] = CellNode(cell.n, folded.values, dict.fromkeys(cell.ports, gain))
            for key, link in graph.into(name).items():
                links[key] = link.times(gain)
        return graph.having(cells=cells, links=links)


def _held_longer(name: str, cell: CellNode) -> None:
    """Refuses cells whose bias does much in the step for which they are held longer than the model's."""
    if "threshold" not in cell.values or not is_concrete((cell["bias"], cell["threshold"])):
        return
    share = float(np.max(np.abs(np.asarray(cell["bias"])) / np.maximum(np.asarray(cell["threshold"]), 1e-30)))
    if share > _MISSED:
        raise ValueError(
            f"Population {name!r} moves by {100 * share:.0f} % of its threshold in the step after its refractory time,"
            " in which a chip's cell is held where arrivals act after the threshold; use NestOrder(), an Exponential "
            "port, or a smaller dt."
        )


def _jumps(cell: CellNode) -> bool:
    """Whether arrivals are jumps of v, not a current that lasts."""
    return int(cell["felt"]) == 0


class MapDelays(AbstractPass):
    """Delays of the model become delays of the chip, where every edge takes a step.

    An edge that takes fewer steps in the model makes the receiving group run late, by as little as will do; a group
    that is late by `l` steps sends and hears `l` steps later throughout. A cycle in which edges take fewer steps than
    there are edges is refused.

    The learning engine sees spikes when they are sent, not when they meet at the synapse. Receivers run later by the
    dendritic less the axonal delay, the least of all that learn into them, for which spikes meet as in the model; where
    that is impossible (in a cycle, or with delays that are too long) `learns` is given the difference: `displaced`.
    """

    def __call__(self, graph, target):
        after = graph.facts.after_threshold
        takes, longest, ahead = {}, {}, {}
        for key, link in graph.links.items():
            port = 1 if after or not _jumps(graph.cells[link.post]) else 0  # heard in one step, felt in the next
            hears = int(after and graph.cells[link.pre].is_input)  # and sends what it heard a step later
            port += hears
            if link.learning is not None:
                ahead[key] = link.learning.displaced + hears
            same_step = is_concrete(link["delay"]) and np.all(np.asarray(link["delay"]) < 0)
            delay = np.zeros((), np.int32) if same_step else link["delay"]
            takes[key] = delay + port
            exists = np.asarray(link["exists"])
            known = is_concrete(delay)
            d = np.broadcast_to(np.asarray(delay), exists.shape)[exists] if known else np.zeros(0, int)
            low = int(d.min(initial=link.max_delay)) if known else (0 if after else 1)
            longest[key] = (low + port, (int(d.max(initial=0)) if known else link.max_delay) + port)
        least = {key: 1 - low for key, (low, _) in longest.items()}
        apart = {key: -int(s) for key, s in ahead.items() if is_concrete(s)}
        into = {key: graph.links[key].post for key in apart if graph.links[key].pre != graph.links[key].post}
        meeting = {key: min(apart[other] for other in into if into[other] == post) for key, post in into.items()}
        late, growing = _late(graph, least | {key: max(least[key], steps) for key, steps in meeting.items()})
        tight = any(
            longest[key][1] + late[link.post] - late[link.pre] - 1 > target.delay for key, link in graph.links.items()
        )
        if growing or tight:
            late, growing = _late(graph, least)
        if growing:
            raise ValueError(
                f"Edges of a cycle through {', '.join(growing)} take fewer steps than there are edges, and on the chip "
                "each takes one; the nearest is to give its projections a delay of one step more."
            )
        links = {}
        for key, link in graph.links.items():
            shift = late[link.post] - late[link.pre] - 1
            low, high = longest[key]
            exists = jnp.asarray(link["exists"])
            delay = takes[key] + shift
            if delay.ndim:
                delay = jnp.where(exists, delay, low + shift)  # no synapse, no delay
            if high + shift > target.delay:
                raise ValueError(
                    f"Projection {key!r} has a delay of {link.max_delay * graph.dt:g} ms, {high + shift} steps on the "
                    f"chip; the longest on {target.name} is {target.delay}: use a larger dt, or a relay on the way."
                )
            learning = link.learning and link.learning.seen(ahead[key] + shift + 1)
            links[key] = link.set(delay=real(delay), max_delay=high + shift, learning=learning)
        return graph.having(links=links, late=tuple(sorted(late.items())))


def _late(graph: Graph, least: dict[str, int]) -> tuple[dict[str, int], list[str]]:
    """By how much groups are late if receivers are later than senders by at least so much; and which never settle."""
    late, before = dict.fromkeys(graph.cells, 0), {}
    for _ in range(len(late) + 1):
        before = dict(late)
        for key, link in graph.links.items():
            late[link.post] = max(late[link.post], late[link.pre] + least[key])
        if late == before:
            return late, []
    return late, sorted(name for name in late if late[name] != before[name])
