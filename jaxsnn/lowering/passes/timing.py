"""Delays on a chip where every edge takes a step."""

from __future__ import annotations

import equinox as eqx
import numpy as np

from ..._types import is_concrete
from ..graph import Graph, real
from ..registers import whole
from .base import AbstractPass
from .fold import jumps


class MapDelays(AbstractPass):
    """Delays of the model become delays of the chip, where every edge takes a step.

    An edge with a shorter delay in the model makes the receiving group lag; lags are as small as possible. A group
    with lag `l` sends and receives `l` steps later throughout. A cycle whose delays add up to fewer steps than it has
    edges is refused.

    A learning engine sees spikes when they are sent, not when they meet at the synapse. Receivers lag by the dendritic
    minus the axonal delay (the minimum over their plastic inputs), so that spikes meet as in the model; if that is
    impossible (in a cycle, or with delays that are too long) the rule records the difference as `time_shift`.

    **Arguments:** `longest`: the longest delay of an edge beyond its one step. `target`: its name, for errors.
    """

    longest: int = eqx.field(static=True)
    target: str = eqx.field(static=True)

    def __check_init__(self):
        whole(self, longest=0)

    def __call__(self, graph):
        after = graph.facts.after_threshold
        takes, range_of, shifts = {}, {}, {}
        for key, edge in graph.edges.items():
            port = 1 if after or not jumps(graph.cells[edge.post]) else 0  # received in one step, moves v in the next
            hears = int(after and graph.cells[edge.pre].is_input)  # and sends what it received a step later
            port += hears
            if edge.rule is not None:
                shifts[key] = edge.rule.time_shift + hears
            same_step = is_concrete(edge["delay"]) and np.all(np.asarray(edge["delay"]) < 0)
            delay = np.zeros((), np.int32) if same_step else edge["delay"]
            takes[key] = delay + port
            known = is_concrete(delay)
            d = np.asarray(delay).reshape(-1) if known else np.zeros(0, int)  # one of all, even where there is no edge
            low = int(d.min(initial=edge.max_delay)) if known else (0 if after else 1)
            range_of[key] = (low + port, (int(d.max(initial=0)) if known else edge.max_delay) + port)
        least = {key: 1 - low for key, (low, _) in range_of.items()}
        apart = {key: -int(s) for key, s in shifts.items() if is_concrete(s)}
        into = {key: graph.edges[key].post for key in apart if graph.edges[key].pre != graph.edges[key].post}
        meeting = {key: min(apart[other] for other in into if into[other] == post) for key, post in into.items()}
        lags, growing = _lags(graph, least | {key: max(least[key], steps) for key, steps in meeting.items()})
        tight = any(
            range_of[key][1] + lags[edge.post] - lags[edge.pre] - 1 > self.longest for key, edge in graph.edges.items()
        )
        if growing or tight:
            lags, growing = _lags(graph, least)
        if growing:
            raise ValueError(
                f"Edges of a cycle through {', '.join(growing)} take fewer steps than there are edges, and on the chip "
                "each takes one; the nearest is to give its projections a delay of one step more."
            )
        edges = {}
        for key, edge in graph.edges.items():
            shift = lags[edge.post] - lags[edge.pre] - 1
            _, high = range_of[key]
            if high + shift > self.longest:
                raise ValueError(
                    f"Projection {key!r} has a delay of {edge.max_delay * graph.dt:g} ms, {high + shift} steps on the "
                    f"chip; the longest on {self.target} is {self.longest}: use a larger dt, or a relay on the way."
                )
            rule = edge.rule and edge.rule.shifted(shifts[key] + shift + 1)
            edges[key] = edge.set(delay=real(takes[key] + shift), max_delay=high + shift, rule=rule)
        return graph.having(edges=edges, lags=tuple(sorted(lags.items())))


def _lags(graph: Graph, least: dict[str, int]) -> tuple[dict[str, int], list[str]]:
    """The lag of each group such that receivers lag at least so much more than senders, and the groups of cycles."""
    lags, before = dict.fromkeys(graph.cells, 0), {}
    for _ in range(len(lags) + 1):
        before = dict(lags)
        for key, edge in graph.edges.items():
            lags[edge.post] = max(lags[edge.post], lags[edge.pre] + least[key])
        if lags == before:
            return lags, []
    return lags, sorted(name for name in lags if lags[name] != before[name])
