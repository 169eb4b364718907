"""What all pictures share: axes, colours, and the errors of their arguments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Told apart by colour-blind readers too: Okabe and Ito's, without yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY = "0.6"


def axes(ax: Axes | None) -> Axes:
    """The axes to draw into, or new ones."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def sheet(width: float, height: float) -> Figure:
    """A new figure, inches; pyplot's current one, so that `plt.show()` and `plt.savefig(path)` find it."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), layout="constrained")


def column(given: Sequence[Axes] | None, heights: Sequence[float], function: str) -> list[Axes]:
    """Axes one above the other with a common horizontal axis: those given, or new ones."""
    if given is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(layout="constrained")
        return [*figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)]
    if len(given) != len(heights):
        raise ValueError(f"{function}: got {len(given)} axes, expected {len(heights)}, from above.")
    return [*given]


def open_frame(ax: Axes) -> Axes:
    """No frame above and on the right."""
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def whole_ticks(ax: Axes) -> Axes:
    """Neurons have whole numbers."""
    from matplotlib.ticker import MaxNLocator

    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    return ax


def coloured(names: Sequence[Any]) -> Iterator[tuple[Any, str]]:
    """Each name with its colour, in order."""
    return ((name, COLOURS[i % len(COLOURS)]) for i, name in enumerate(names))


def named(given: Any) -> dict[str, Any]:
    """What is given by name; a single thing has the name ""."""
    return {str(name): x for name, x in given.items()} if isinstance(given, Mapping) else {"": given}


def finite(value: Any, function: str, name: str) -> float:
    """A finite number, or one error."""
    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError(f"{function}: `{name}` is {value!r}: expected a number of ms.")
    return float(value)


def none_of(function: str, why: str, **given: Any) -> None:
    """One error for arguments that have no place beside others."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{function}: `{name}` is {value!r}, but {why}. Leave it out.")
