"""The base of passes."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

from ..._types import Checked
from ..graph import Graph
from .peaks import Peaks


class AbstractPass(Checked):
    """A pure function from graph to graph. Its numbers are leaves, so that they can be swept.

    A `numeric` pass depends on no concrete value: it can be traced, and adjacent ones are compiled together. A pass
    that `looks` needs concrete numbers and changes none: `lower` skips it while tracing.
    """

    numeric: ClassVar[bool] = False
    looks: ClassVar[bool] = False

    @abc.abstractmethod
    def __call__(self, graph: Graph) -> Graph:
        """The graph after this pass. Raises ValueError for what the target does not have."""

    def unsupported(self, graph: Graph) -> str | None:
        """Why a graph with concrete numbers cannot go through, and what to do; None if it can.

        Asked before numeric passes, which see no numbers when they are compiled; `graph` is what goes into the first of
        adjacent ones.
        """
        return None

    def seen(self, peaks: dict[str, Peaks], factor: Any) -> AbstractPass:
        """A copy that is given the peaks of registers by group, with margins `factor` times as large."""
        return self

    @property
    def name(self) -> str:
        """The name in a list of passes."""
        return type(self).__name__
