"""What `jaxsnn show` does."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ..sweeps.command import CLEAN, UsageError
from ..sweeps.experiment import parts_of
from ..sweeps.stopping import complain, say
from .source import Source, opened
from .still import picture
from .writing import page, watched


def show(arguments: Namespace, load: Callable[[Path], ModuleType]) -> int:
    """Write the page of a sweep, or its picture, and say where it is; the exit code. `load` imports an experiment."""
    if arguments.live is not None:
        if not arguments.live > 0:
            raise UsageError(f"Got --live {arguments.live:g}, expected seconds above 0.")
        _wait(arguments.folder)
    try:
        if arguments.png:
            repeats = _experiment_of(opened(arguments.folder), load).get("repeats", ())
            say(f"picture: {picture(arguments.folder, arguments.out, repeats=repeats)}")
            return CLEAN
        if arguments.live is not None:
            say("the page is written again as points are finished; Ctrl-C stops that, not the sweep")
            known = _experiment_of(opened(arguments.folder), load)
            passing = {name: known[name] for name in ("repeats", "caption") if name in known}
            passing |= {"every": arguments.live, "megabytes": arguments.megabytes}
            if left := watched(arguments.folder, arguments.out, **passing):
                say(f"nobody is at work on the sweep any more: {left} points have not run; its command continues it")
        known = _experiment_of(opened(arguments.folder), load)
        size = {"most_pictures": arguments.pictures, "megabytes": arguments.megabytes}
        written = page(arguments.folder, arguments.out, **known, **size)
    except ValueError as error:
        raise UsageError(str(error)) from error
    say(f"page: {written} ({written.stat().st_size / 1e6:.1f} MB); open it in a browser")
    return CLEAN


def show_sweep(folder: Path, module: ModuleType) -> None:
    """Write the page of a sweep that is just done, and say where it is; what goes wrong with it is one line."""
    try:
        looks: dict[str, Any] = {**_looks(module, opened(folder)), "plot": None}
        say(f"page: {page(folder, **looks)}")
    except Exception as error:  # the sweep is stored, whatever happens here
        complain(f"there is no page: {type(error).__name__}: {error}")


def _experiment_of(source: Source, load: Callable[[Path], ModuleType]) -> dict[str, Any]:
    """What the file that made the sweep says of looking at it, if it is still there: arguments of `page`."""
    if source.experiment is None:
        return {}
    try:
        return _looks(load(source.experiment), source)
    except Exception as error:  # it may need what is not installed here, or not expect what it finds
        say(f"without what the experiment makes of it: {source.experiment}: {type(error).__name__}: {error}")
        return {}


def _looks(module: ModuleType, source: Source) -> dict[str, Any]:
    experiment = parts_of(module, source.experiment or source.title)
    summary = ""
    if experiment.summary is not None and "finished" not in source.dataset.attrs:
        summary = str(experiment.summary(source.dataset))
    return {
        "repeats": tuple(experiment.REPEATS),
        "plot": experiment.plot,
        "caption": " ".join((module.__doc__ or "").strip().partition("\n\n")[0].replace("`", "").split()),
        "summary": summary,
    }


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
