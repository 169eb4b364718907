"""Rooms that register what they have when they are imported, and are imported only when something is looked up."""

from collections.abc import Callable

_WAITING: list[Callable[[], object]] = []


def later(bring: Callable[[], object]) -> None:
    """`bring` imports a room; it is called once, before anything is looked up that the room may have registered."""
    _WAITING.append(bring)


def bring_all() -> None:
    """Import what has waited until now."""
    while _WAITING:
        _WAITING.pop()()
