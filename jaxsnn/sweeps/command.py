"""What `jaxsnn run` and `jaxsnn sweep` do."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from .._random import as_key
from .._status import SimulationError
from ..simulation.progress import Bar
from . import arguments, store
from .grid import Grid, checked, product, zipped
from .labels import label
from .manifest import manifest
from .run import Planned, SweepInterrupted, plan, run
from .space import Space

if TYPE_CHECKING:
    import xarray

CLEAN, ERROR, USAGE, NOT_CLEAN = range(4)


class UsageError(ValueError):
    """What was asked for is refused, before anything has run."""


def run_file(module: ModuleType, given: Namespace) -> int:
    """Run or sweep an experiment file, store the result and say where it is; the exit code."""
    out = given.out or Path("results") / given.file.stem
    try:
        grid = _grid(module, given)
        planned = plan(module.experiment, grid, as_key(given.seed, "--seed"))
        store.check(out, planned.nbytes)
    except ValueError as error:
        raise UsageError(str(error)) from error
    say(f"{given.file.name}: {grid.size} point(s)" + "".join(f", {d} x {len(v)}" for d, v in grid.dims.items()))
    with _stoppable() as stop:
        begin = time.monotonic()
        dataset, problem = _swept(planned, getattr(given, "batch", None))
        interrupted = isinstance(problem, SweepInterrupted)
        if interrupted and dataset.attrs.get("finished", 1) == 0:
            complain("interrupted before any point was finished")
            return 128 + stop.number
        stop.deaf = True  # from here on, a signal comes too late to stop anything
        dataset.attrs.update(manifest(given.file, given.seed))
        folder, code = _saved(dataset, out)  # before anything that could still fail
    seconds, compiling = time.monotonic() - begin, dataset.attrs["compile_s"]
    say(f"{grid.size} point(s) in {seconds:.1f} s, {compiling:.1f} s of it compiling")
    say(f"result: {folder / store.NAME}")
    say(f"open it: {store.reload(folder)}")
    if interrupted:
        complain(f"interrupted: {dataset.attrs.get('finished', grid.size)} of {grid.size} points are finished")
        return 128 + stop.number
    try:
        _show(module, dataset, folder, given.file.stem)
    finally:  # also where a picture fails
        if problem is not None:
            complain(str(problem))
    return code or (CLEAN if problem is None else NOT_CLEAN)


def _swept(planned: Planned, batch: int | None) -> tuple[xarray.Dataset, BaseException | None]:
    try:
        return run(planned, batch=batch, progress=Bar()), None
    except (SimulationError, SweepInterrupted) as error:
        assert error.dataset is not None
        return error.dataset, error


def _saved(dataset: xarray.Dataset, out: Path) -> tuple[Path, int]:
    """Where the result is; elsewhere, and an error, if it could not be written there."""
    try:
        return store.save(dataset, out), CLEAN
    except Exception as error:
        other = Path(tempfile.gettempdir()) / f"jaxsnn-{out.name}"
        complain(f"the result could not be written to {out} ({error}); it goes to {other}")
        return store.save(dataset, other), ERROR


def _show(module: ModuleType, dataset: xarray.Dataset, folder: Path, stem: str) -> None:
    if hasattr(module, "plot"):
        picture = folder / f"{stem}.png"
        module.plot(dataset, picture)
        say(f"picture: {picture}")
    if hasattr(module, "summary"):
        say(str(module.summary(dataset)))
    elif dataset.attrs["points"] == 1:
        for name, value in dataset.data_vars.items():
            say(f"{name}: {np.array2string(np.asarray(value), precision=4, threshold=8)}")


def _grid(module: ModuleType, given: Namespace) -> Grid:
    """The points that the file's SPACE and the command line ask for; axes given there replace those of the file."""
    if not isinstance(module.SPACE, Mapping):
        kind = type(module.SPACE).__name__
        raise ValueError(f"{given.file} has a SPACE that is a {kind}, expected a dict of Axis, Static, Seeds.")
    space: Space = dict(module.SPACE)
    checked(space, repeated=True)  # what is wrong with the file itself comes first
    varied = arguments.assignments(getattr(given, "axis", []), "--axis")
    fixed = arguments.assignments(given.set, "--set")
    for name in {**varied, **fixed}:
        if name not in space:
            raise ValueError(f"Got {name!r}, which {given.file} does not have in SPACE: {', '.join(space)}.")
        if name in varied and name in fixed:
            raise ValueError(f"Got --axis {name}={varied[name]} and --set {name}={fixed[name]}, expected one of them.")
    whole = space
    if varied or given.command == "run":
        kept = () if varied else getattr(module, "REPEATS", ())  # one result is made of these, e.g. folds and seeds
        space = {name: axis if name in kept else axis.at(axis.default) for name, axis in space.items()}
    space |= {name: arguments.at(whole, name, text) for name, text in fixed.items()}
    space |= {name: arguments.over(whole, name, text) for name, text in varied.items()}
    if varied:
        held = [name for name in whole if whole[name].varies and not space[name].varies and name not in fixed]
        if held := [f"{name} = {label(space[name].default)} of {len(whole[name].points)} values" for name in held]:
            say(f"held at the default, as no --axis names it: {', '.join(held)}")
    return (zipped if getattr(given, "zip", False) else product)(space)


class _Stop:
    """What a signal does: the first one stops, and those after it are ignored, as what follows is saving."""

    def __init__(self) -> None:
        self.number, self.deaf, self.ignored = int(signal.SIGINT), False, 0

    def __call__(self, number: int, frame: Any) -> None:
        if not self.deaf:
            self.number, self.deaf = number, True
            raise KeyboardInterrupt
        self.ignored += 1
        if self.ignored > 3:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _stoppable() -> Iterator[_Stop]:
    """SIGTERM and SIGHUP stop as Ctrl-C does."""
    stop, before = _Stop(), {}
    try:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                if hasattr(signal, name):
                    number = getattr(signal, name)
                    before[number] = signal.signal(number, stop)
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say(line: str) -> None:
    """On stdout, if anybody still reads it."""
    _write(line, sys.stdout)


def complain(line: str) -> None:
    """On stderr, one line, if anybody still reads it."""
    _write(f"jaxsnn: {line}", sys.stderr)


def _write(line: str, stream: Any) -> None:
    try:
        print(line, file=stream, flush=True)
    except (OSError, ValueError):  # the reader went away, as `head` does; what is still to come goes nowhere
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except (OSError, ValueError):
            return
