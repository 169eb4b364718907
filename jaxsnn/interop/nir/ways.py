"""The connections of a network for the ways of a graph, and those that close a loop."""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from ...connectivity.graph import Dense, Sparse
from ...connectivity.layer import Layer
from ...connectivity.topology import AllToAll, OneToOne
from ...networks.projection import Connection
from .chains import delay_of, scaled, synapses
from .flat import unique
from .maps import Map, sequential
from .neurons import Made


def connections_of(
    pre: str, post: str, chain: tuple[Map, ...], made: Made, n: int, taken: Container[str]
) -> list[tuple[str, Connection]]:
    """One way as a connection, or as two where some of its synapses have a delay and others have none."""
    key = unique(f"{pre}-{post}", taken)
    what = f"The way from {pre!r} to {post!r}"
    found = synapses(chain, what)
    if found is None:
        chain, delay = scaled(chain, made.gain), delay_of(chain, what)
        return [(key, Connection(pre, post, via=Layer(sequential(chain), chain[0].into), delay=delay or None))]
    weight, delay = found.weight * made.gain if chain else np.broadcast_to(made.gain, (n,)), found.delay
    topology, via = (AllToAll(), Dense()) if weight.ndim == 2 else (OneToOne(), Sparse())
    if not np.any(delay):
        return [(key, Connection(pre, post, topology, via=via, weight=weight))]
    out = []
    for name, there in ((key, delay == 0), (unique(f"{key}-late", taken), delay != 0)):
        if np.any(weight[there] != 0):
            own = None if name == key else np.where(there, delay, np.max(delay))
            some = np.where(there, weight, 0.0)
            out.append((name, Connection(pre, post, topology, via=via, weight=some, delay=own)))
    return out


def closing(links: list[tuple[str, str, str, bool]], start: list[str]) -> tuple[str, ...]:
    """The same-step projections that close a loop, found depth first from the inputs on."""
    after: dict[str, list[tuple[str, str]]] = {}
    for key, pre, post, same in links:
        if same:
            after.setdefault(pre, []).append((key, post))
    closing: list[str] = []
    state: dict[str, str] = {}
    for root in [*start, *after]:
        stack = [(root, iter(after.get(root, ())))] if root not in state else []
        if stack:
            state[root] = "open"
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[name] = "done"
                stack.pop()
                continue
            key, post = following
            if state.get(post) == "open":
                closing.append(key)
            elif post not in state:
                state[post] = "open"
                stack.append((post, iter(after.get(post, ()))))
    return tuple(closing)
