"""Writing a page: of a sweep that is done, or again and again while it runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..sweeps.store import at_work, folder_at
from . import pictures
from .document import document
from .source import Source, opened
from .troubles import waiting
from .view import View, view

if TYPE_CHECKING:
    import xarray


def page(
    source: str | Path | xarray.Dataset,
    path: str | Path | None = None,
    *,
    plot: Callable[[Any, Path], Any] | None = None,
    most_pictures: int = 0,
    repeats: tuple[str, ...] = (),
    caption: str = "",
    summary: str = "",
    megabytes: float = 3.0,
    refresh: float | None = None,
) -> Path:
    """Write a sweep as one HTML file that opens from disk, without a network.

    It shows a map over any two parameters, lines along one, all points as parallel coordinates, each point with its
    values, its curves and the command that runs it again, what failed and why, and what made it.

    **Arguments**

    - `source`: a sweep's folder, such as `"results/brunel"` (a sweep that still runs, too), or its dataset.
    - `path`: the file; by default beside the result, `results/brunel/brunel.html`.
    - `plot`: the experiment's own; `most_pictures` points, spread over the design, get the picture it draws of them.
    - `repeats`: parameters of which results are shown together, as a mean with its spread, as those of seeds are.
    - `caption`: a sentence below the title; `summary`: text of the experiment's own.
    - `megabytes`: how large the file may get, as far as rounding results to three digits and leaving out curves and
      pictures can make it smaller: 3 suffice for 10^5 points with eight results.
    - `refresh`: seconds after which an open page reads the file again.

    **Returns** the path.

    **Raises** `ValueError` where there is no sweep, nothing to show, or more than two million points.
    """
    found = opened(source)
    if path is None and found.folder is None:
        raise ValueError("Got a dataset and no path, expected where to write the page, such as 'sweep.html'.")
    path = Path(path) if path is not None else found.folder / f"{found.title}.html"  # type: ignore[operator]
    shown = view(found.dataset, repeats)
    drawn, notes = _drawn(found, shown, plot, most_pictures)
    text = document(
        shown,
        title=found.title or path.stem,
        about=found.about,
        caption=caption,
        summary=summary,
        command=found.command,
        pictures=drawn,
        notes=notes,
        room=int(1e6 * megabytes),
        refresh=refresh,
    )
    return _replaced(path, text)


def watched(source: str | Path, path: str | Path | None = None, *, every: float = 5.0, **options: Any) -> int:
    """Write the page of a sweep whenever more of it is done, until all is. Open pages read themselves again till then.

    **Arguments** as of `page`, and `every`: seconds. Ctrl-C ends it, with a page of what is done by then; and it ends
    where nobody has been at work on the sweep for three rounds.

    **Returns** how many points have not run.
    """
    seen, idle = -1, 0
    try:
        while left := waiting(opened(source).dataset):
            idle = 0 if at_work(folder_at(source)) else idle + 1
            if idle > 3:
                return left
            if left != seen:
                page(source, path, refresh=every, **options)
                seen = left
            time.sleep(every)
    except KeyboardInterrupt:
        page(source, path, **options)
        raise
    return 0


def _drawn(
    source: Source, shown: View, plot: Callable[[Any, Path], Any] | None, most: int
) -> tuple[list[pictures.Picture], list[str]]:
    """The pictures of a sweep and of its points, and what went wrong with them."""
    found: list[pictures.Picture] = []
    own = source.folder / f"{source.title}.png" if source.folder else None
    if own is not None and own.exists() and not shown.pending.any():
        found.append(pictures.whole(own))
    if plot is None or most < 1:
        return found, []
    try:
        return [*found, *pictures.of_points(plot, source.dataset, shown, most)], []
    except Exception as error:  # whatever the experiment's own code raises: the page is worth having without
        return found, [f"Pictures of points could not be drawn: {type(error).__name__}: {error}"]


def _replaced(path: Path, text: str) -> Path:
    """Written beside and moved: a browser that reads it just then gets the old page or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.writing")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
    return path
