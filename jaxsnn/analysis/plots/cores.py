"""How full the cores of a chip are, from the report of a lowering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._style import axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMED = 40  # cores whose groups are written beside them


def core_occupancy(lowered: Any, *, ax: Axes | None = None) -> Axes:
    """The use of every core by every limit of the chip, in percent: cores downwards, limits to the right.

    **Arguments:** `lowered`: what `snn.lower` returned, or its report. `ax`: axes to draw into.

    **Returns** the axes.

    **Raises** `ValueError` if the target places nothing on cores.
    """
    data = getattr(lowered, "report", lowered).data
    chip = data.get("chip") or {}
    if not chip.get("placement"):
        raise ValueError(
            f"core_occupancy: the report of {data['target']} has no cores: expected that of a target that places cells "
            "on cores, such as Loihi2()."
        )
    cores: dict[tuple[int, int], dict[str, Any]] = {}
    for part in chip["placement"]:
        core = cores.setdefault(
            (part["chip"], part["core"]), {"groups": [], **dict.fromkeys(chip["room of a core"], 0)}
        )
        core["groups"].append(part["group"])
        for limit in chip["room of a core"]:
            core[limit] += part[limit]
    room = chip["room of a core"]
    share = np.array([[100.0 * core[limit] / room[limit] for limit in room] for core in cores.values()])
    ax = axes(ax)
    image = ax.imshow(share, cmap="viridis", vmin=0.0, vmax=100.0, aspect="auto", interpolation="none")
    ax.set_xticks(range(len(room)), [limit.replace("_", " ") for limit in room], rotation=30, ha="right")
    if len(cores) <= _NAMED:
        names = [f"{a}.{b}  {', '.join(dict.fromkeys(core['groups']))}" for (a, b), core in cores.items()]
        ax.set_yticks(range(len(cores)), names)
    if share.size <= 200:
        for (row, place), value in np.ndenumerate(share):
            dark = value < 60.0
            ax.text(place, row, f"{value:.0f}", ha="center", va="center", color="white" if dark else "black")
    ax.set(ylabel="chip.core", title=f"{data['target']}: {len(cores)} core(s)")
    ax.figure.colorbar(image, ax=ax, label="% of what a core has")
    return ax
