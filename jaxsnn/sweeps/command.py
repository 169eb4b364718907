"""What `jaxsnn run` and `jaxsnn sweep` do."""

from __future__ import annotations

import itertools
import shlex
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from .._random import as_key
from .._status import SimulationError
from ..simulation.progress import Bar
from . import arguments
from .choices import Seeds
from .draws import from_table, random, sobol
from .experiment import Experiment, parts_of
from .gather import NAME
from .grid import Grid, product, zipped
from .labels import label
from .manifest import provenance
from .plan import Plan
from .rerun import command_of
from .space import Space, at_default
from .stopping import complain, say, stoppable
from .sweeping import SweepInterrupted, complete, prepare

if TYPE_CHECKING:
    import xarray

CLEAN, ERROR, USAGE, NOT_CLEAN = range(4)


class UsageError(ValueError):
    """What was asked for is refused, before anything has run."""


def run_file(module: ModuleType, given: Namespace, look: Callable[[Path], None] | None = None) -> int:
    """Run or sweep an experiment file, store the result and say where it is; the exit code.

    `look` gets the folder of a sweep that is done, and shows it.
    """
    begin = time.monotonic()
    out = given.out or Path("results") / (given.file.stem + ("-run" if given.command == "run" else ""))
    try:
        experiment = parts_of(module, given.file)
        grid = _grid(experiment, given)
        how = {
            "batch": getattr(given, "batch", None),
            "threads": getattr(given, "threads", None),
            "dims": experiment.DIMS,
        }
        about = provenance(given.file, given.seed) | {"command": _template(grid, given)}
        key = as_key(given.seed, "--seed")
        out = _free(out) if given.force else out
        asked = {"only_failed": getattr(given, "only_failed", False), "about": about, **how}
        plan = prepare(experiment.experiment, grid, key, out=out, **asked)
    except ValueError as error:
        raise UsageError(str(error)) from error
    say(f"{given.file.name}: {grid.size} point(s)" + "".join(f", {d} x {len(v)}" for d, v in grid.dims.items()))
    if getattr(given, "dry_run", False):
        plan.calibrate()
        say(str(plan))
        return CLEAN
    if plan.missing < grid.size:
        say(f"{grid.size - plan.missing} of them are stored in {out} already")
    with stoppable() as stop:
        try:
            dataset, problem = _swept(plan, experiment, how, begin)
        except SweepInterrupted as error:
            finished = error.dataset.attrs.get("finished", grid.size)
            complain(
                f"interrupted: {finished} of {grid.size} points are finished and stored; the same command continues"
            )
            return 128 + stop.number
        stop.deaf = True  # from here on, a signal comes too late to stop anything
        seconds, compiling = time.monotonic() - begin, dataset.attrs["compile_s"]
        say(f"{plan.missing} point(s) in {seconds:.1f} s, {compiling:.1f} s of it compiling")
        say(f"result: {out}/{NAME}")
        say(f"open it: jaxsnn.open_sweep({str(out)!r})")
        try:
            _show(experiment, dataset, Path(out), given.file.stem)
            if look is not None and given.command == "sweep" and Path(out).is_dir():
                look(Path(out))
        finally:  # also where a picture fails
            if problem is not None:
                _complain(dataset, problem)
    return CLEAN if problem is None else NOT_CLEAN


def _swept(
    plan: Plan, experiment: Experiment, how: dict[str, Any], begin: float
) -> tuple[xarray.Dataset, SimulationError | None]:
    try:
        return complete(plan, experiment.experiment, how, Bar(), True, begin), None
    except SimulationError as error:
        assert error.dataset is not None
        return error.dataset, error
    except OSError as error:
        raise OSError(
            f"{error.strerror or error}: the results cannot be written any more; what was finished before is stored, "
            "and the same command continues"
        ) from error


def _complain(dataset: xarray.Dataset, problem: SimulationError, most: int = 5) -> None:
    complain(str(problem))
    where = np.argwhere(dataset.status.values)
    for place in where[:most]:
        complain("again: " + command_of(dataset, dict(zip(dataset.status.dims, place.tolist(), strict=True))))


def _show(experiment: Experiment, dataset: xarray.Dataset, folder: Path, stem: str) -> None:
    if experiment.plot is not None:
        picture = folder / f"{stem}.png"
        try:
            experiment.plot(dataset, picture)
            say(f"picture: {picture}")
        except ModuleNotFoundError as error:  # an extra; the result is there
            if error.name is None or error.name.startswith("jaxsnn"):
                raise
            say(f"no picture: {error.name} is not installed; pip install {error.name} draws it")
    if experiment.summary is not None:
        say(str(experiment.summary(dataset)))
    elif dataset.attrs["points"] == 1:
        for name, value in dataset.data_vars.items():
            say(f"{name}: {np.array2string(np.asarray(value), precision=4, threshold=8)}")


def _free(folder: Path) -> Path:
    """The folder, or `folder-2`, `folder-3`, ...: the first that there is not yet."""
    every = (folder if n == 1 else folder.with_name(f"{folder.name}-{n}") for n in itertools.count(1))
    return next(place for place in every if not place.exists())


def _grid(experiment: Experiment, given: Namespace) -> Grid:
    """The points that the file's SPACE and the command line ask for; axes given there replace those of the file."""
    whole: Space = dict(experiment.SPACE)
    varied = arguments.assignments(getattr(given, "axis", []), "--axis")
    fixed = arguments.assignments(given.set, "--set")
    for name in {**varied, **fixed}:
        if name not in whole:
            raise ValueError(f"Got {name!r}, which {given.file} does not have in SPACE: {', '.join(whole)}.")
        if name in varied and name in fixed:
            raise ValueError(f"Got --axis {name}={varied[name]} and --set {name}={fixed[name]}, expected one of them.")
    space = whole
    if varied or given.command == "run":
        kept = () if varied else experiment.REPEATS  # one result is made of these, e.g. folds and seeds
        space = {name: axis if name in kept else at_default(axis) for name, axis in space.items()}
    space = {**space, **{name: arguments.at(whole, name, text) for name, text in fixed.items()}}
    space |= {name: arguments.over(whole, name, text) for name, text in varied.items()}
    if varied:
        held = [name for name in whole if whole[name].varies and not space[name].varies and name not in fixed]
        if held := [f"{name} = {label(space[name].default)} of {len(whole[name].points)} values" for name in held]:
            say(f"held at the default, as no --axis names it: {', '.join(held)}")
    return _design(space, given)


def _design(space: Space, given: Namespace) -> Grid:
    designs = {name: value for name in ("random", "sobol", "table", "zip") if (value := getattr(given, name, None))}
    if len(designs) > 1:
        raise ValueError(f"Got {' and '.join('--' + name for name in designs)}, expected one of them.")
    own_seeds = getattr(given, "own_seeds", False)
    if own_seeds and not {"random", "sobol"} & {*designs}:
        raise ValueError("Got --own-seeds without --random or --sobol, expected one of them.")
    if given.command == "run" or not designs:
        return product(space)
    if "zip" in designs:
        return zipped(space)
    if "table" in designs:
        return from_table({n: a if isinstance(a, Seeds) else at_default(a) for n, a in space.items()}, given.table)
    return (random if "random" in designs else sobol)(space, given.random or given.sobol, own_seeds=own_seeds)


def _template(grid: Grid, given: Namespace) -> str:
    """The command that runs one point alone, with a place for each value: `jaxsnn run brunel.py --set g={g}`."""
    fixed = arguments.assignments(given.set, "--set")
    parts = ["jaxsnn", "run", shlex.quote(str(given.file))]
    parts += [f"--set {name}={{{name}}}" for name in grid.varying]
    parts += [f"--set {shlex.quote(f'{name}={text}')}" for name, text in fixed.items()]
    return " ".join([*parts, f"--seed {given.seed}"])
