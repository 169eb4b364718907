"""The order in which populations run inside a step."""

from __future__ import annotations

from collections.abc import Iterable

from ..models import known
from .projection import Projection


def topological(names: Iterable[str], projections: Iterable[Projection]) -> tuple[str, ...]:
    """Populations in topological order of same-step edges; alphabetical where the order is free."""
    edges = [(p.pre, p.post) for p in projections if p.delay is None]
    waiting = {name: {pre for pre, post in edges if post == name} for name in sorted(names)}
    done: list[str] = []
    while waiting:
        free = [name for name, needs in waiting.items() if needs <= {*done}]
        if not free:
            raise ValueError(
                f"Same-step edges (delay=None) form a cycle through {known(waiting)}; "
                "give at least one projection of the cycle a delay of one step or more."
            )
        done += free
        waiting = {name: needs for name, needs in waiting.items() if name not in free}
    return tuple(done)
