"""What a pass is: a pure function from graph to graph."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

from ..._types import Checked
from ..graph import Graph
from .peaks import Peaks


class AbstractPass(Checked):
    """A pure function from graph to graph. Its numbers are leaves, so that they can be swept.

    A `numeric` one looks at no value: it can be traced, and neighbours of its kind are compiled together. One that
    `looks` needs concrete numbers and changes none: `lower` leaves it out while tracing.
    """

    numeric: ClassVar[bool] = False
    looks: ClassVar[bool] = False

    @abc.abstractmethod
    def __call__(self, graph: Graph) -> Graph:
        """The graph after this pass. Raises ValueError where the target has no room or no such thing."""

    def seen(self, peaks: dict[str, Peaks], factor: Any) -> AbstractPass:
        """The same pass, told how far registers went, by group; margins are to be `factor` times as large."""
        return self

    @property
    def name(self) -> str:
        """As it is listed."""
        return type(self).__name__
