"""An experiment file: its parts by name, or one sentence that says which is missing or misspelt."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .grid import checked
from .space import Space

if TYPE_CHECKING:
    import xarray

_NEEDED = {
    "SPACE": "a dict of Axis, Whole, Flag, Static, Seeds",
    "experiment": "a function (point, key) -> dict",
}
_OPTIONAL = {
    "REPEATS": "a tuple of names in SPACE",
    "DIMS": "a dict of result: names of its dimensions",
    "summary": "a function (dataset) -> str",
    "plot": "a function (dataset, path)",
    "model": "a function (key)",
}


class Experiment:
    """What is swept: the parts that a file has by name, or a class with the same names.

    - `SPACE`: what may vary, `{name: Axis | Whole | Flag | Static | Seeds}`.
    - `experiment(point, key) -> dict of arrays`: one point.
    - `REPEATS`: names of axes that one result is made of, such as folds and seeds: `jaxsnn run` goes through them.
    - `DIMS`: names of the dimensions of results, `{"psth_hz": ("time",)}`.
    - `summary(dataset) -> str`: said at the end. `plot(dataset, path)`: draws a picture. Both get the dataset of a
      sweep, and of a single point.
    - `model(key)`: a network, or a network with inputs to calibrate on, for `jaxsnn lower`.

    A subclass in a file stands for the file: `class Brunel(jaxsnn.sweeps.Experiment)`.
    """

    SPACE: Space
    experiment: Callable[..., Mapping[str, Any]]
    REPEATS: tuple[str, ...] = ()
    DIMS: Mapping[str, tuple[str, ...]] = {}
    summary: Callable[[xarray.Dataset], str] | None = None
    plot: Callable[[xarray.Dataset, Path], None] | None = None
    model: Callable[..., Any] | None = None


def parts_of(module: ModuleType | Any, where: str | Path) -> Experiment:
    """The experiment that a file has. `where`: how it is called in what is said.

    **Raises:** ValueError for a part that is missing, misspelt, or no such thing.
    """
    kinds = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Experiment) and value.__module__ == module.__name__
    ]
    if len(kinds) > 1:
        raise ValueError(f"{where} has several experiments, {', '.join(k.__name__ for k in kinds)}; give each a file.")
    source: Any = kinds[0]() if kinds else module
    unused = _unused(module)
    for name, what in _NEEDED.items():
        if not hasattr(source, name):
            meant = difflib.get_close_matches(name.lower(), [n.lower() for n in unused], 1, 0.7)
            hint = f" (is {next(n for n in unused if n.lower() == meant[0])!r} meant?)" if meant else ""
            raise ValueError(f"{where} has no {name}{hint}; an experiment file needs {name}, {what}.")
    for name, what in _OPTIONAL.items():
        if not hasattr(source, name) or getattr(source, name) is None:
            meant = difflib.get_close_matches(name.lower(), [n.lower() for n in unused], 1, 0.8)
            if meant:
                found = next(n for n in unused if n.lower() == meant[0])
                raise ValueError(f"{where} has {found!r}, which nothing uses; is {name} meant, {what}?")
    return _checked(source, where)


def _checked(source: Any, where: str | Path) -> Experiment:
    made = Experiment()
    for name in (*_NEEDED, *_OPTIONAL):
        if (value := getattr(source, name, None)) is not None:
            setattr(made, name, value)
    if not isinstance(made.SPACE, Mapping):
        raise ValueError(f"{where} has a SPACE that is a {type(made.SPACE).__name__}, expected {_NEEDED['SPACE']}.")
    checked(made.SPACE, repeated=True)
    for name in ("experiment", "summary", "plot", "model"):
        if (value := getattr(made, name, None)) is not None and not callable(value):
            raise ValueError(f"{where} has {name} = {value!r}, expected {(_NEEDED | _OPTIONAL)[name]}.")
    if not isinstance(made.REPEATS, tuple | list) or not {*made.REPEATS} <= {*made.SPACE}:
        raise ValueError(f"{where} has REPEATS = {made.REPEATS!r}, expected {_OPTIONAL['REPEATS']}.")
    if not isinstance(made.DIMS, Mapping):
        raise ValueError(f"{where} has DIMS = {made.DIMS!r}, expected {_OPTIONAL['DIMS']}.")
    return made


def _unused(module: ModuleType) -> list[str]:
    """Names that a file defines at its top and nothing in it reads: where a misspelt part is found."""
    try:
        tree = ast.parse(Path(str(module.__file__)).read_text())
    except (OSError, SyntaxError):
        return []
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    made: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            made.append(node.name)
        elif isinstance(node, ast.Assign):
            made += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [name for name in made if name not in read and name not in (*_NEEDED, *_OPTIONAL) and name[0] != "_"]
