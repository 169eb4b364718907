"""What `jaxsnn show` does."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ..sweeps.command import CLEAN, UsageError, say
from .source import opened
from .still import picture
from .writing import page, watched


def show(arguments: Namespace, load: Callable[[Path], ModuleType]) -> int:
    """Write the page of a sweep, or its picture, and say where it is; the exit code. `load` imports an experiment."""
    if arguments.live is not None:
        if not arguments.live > 0:
            raise UsageError(f"Got --live {arguments.live:g}, expected seconds above 0.")
        _wait(arguments.folder)
    try:
        repeats, plot = _experiment(arguments.folder, load, arguments.pictures)
        if arguments.png:
            say(f"picture: {picture(arguments.folder, arguments.out, repeats=repeats)}")
            return CLEAN
        options: dict[str, Any] = dict(
            plot=plot, most_pictures=arguments.pictures, repeats=repeats, megabytes=arguments.megabytes
        )
        if arguments.live is None:
            written = page(arguments.folder, arguments.out, **options)
        else:
            say("the page is written again as points are finished; Ctrl-C stops that, not the sweep")
            written = watched(arguments.folder, arguments.out, every=arguments.live, **options)
    except ValueError as error:
        raise UsageError(str(error)) from error
    say(f"page: {written} ({written.stat().st_size / 1e6:.1f} MB); open it in a browser")
    return CLEAN


def _experiment(folder: Path, load: Callable[[Path], ModuleType], pictures: int) -> tuple[tuple[str, ...], Any]:
    """What the file that made the sweep says of looking at it, if it is still there: REPEATS and `plot`."""
    file = opened(folder).experiment
    if file is None:
        return (), None
    try:
        module = load(file)
    except Exception as error:  # it may need what is not installed here
        say(f"without the experiment's own pictures: {file} does not load ({type(error).__name__}: {error})")
        return (), None
    return tuple(getattr(module, "REPEATS", ())), getattr(module, "plot", None) if pictures else None


def _wait(folder: Path) -> None:
    """Until there is a sweep: it may be started after this."""
    told = False
    while True:
        try:
            opened(folder)
            return
        except ValueError as error:
            if folder.exists() and not folder.is_dir():
                raise UsageError(str(error)) from error
        if not told:
            say(f"waiting for a sweep in {folder} (Ctrl-C stops)")
            told = True
        time.sleep(0.5)
