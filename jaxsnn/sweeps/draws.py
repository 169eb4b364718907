"""Random designs: each parameter is drawn from a stream of its own, so that more points continue the same ones."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from . import arguments
from .choices import Seeds, Static
from .grid import Column, Grid, Table, checked, column, listed
from .priors import described
from .space import Axis, Parameter, Space
from .values import MOST, flag, whole


def random(space: Space, n: int, seed: int = 0, *, own_seeds: bool = False) -> Grid:
    """`n` points drawn at random along a dimension `point`; several `Seeds` are combined with each of them.

    `space`: as of `product`. `seed`: of the draws. `own_seeds`: instead, each point has a seed that no other has
    (`first`, `first + 1`, ...), and so random numbers that no other has: what inference from the results needs
    (`as_training_set`).

    An `Axis` with `prior` is drawn from that distribution; one with a range uniformly, or in its logarithm
    (`log=True`); one with values, and every `Whole`, `Flag` and `Static` that varies, from its values, all as likely.

    The first points of a larger `n` are those of a smaller one, and another parameter changes none of the others.
    """

    def draw(name: str, axis: Parameter) -> np.ndarray:
        stream = zlib.crc32(name.encode())
        if isinstance(axis, Axis) and axis.prior is not None:
            key = jax.random.fold_in(jax.random.key(seed), stream)
            return np.asarray(axis.prior.sample(key, (n,)), float)
        u = np.random.Generator(np.random.Philox(key=[seed, stream])).random(n)
        return u if isinstance(axis, Static) else axis.quantile(u)  # type: ignore[union-attr]

    return _drawn(space, n, seed, draw, priors=True, own_seeds=own_seeds)


def sobol(space: Space, n: int, seed: int = 0, *, own_seeds: bool = False) -> Grid:
    """`n` points of a scrambled Sobol sequence (`scipy.stats.qmc`), which fill the space more evenly than chance.

    `space`, `seed`, `own_seeds`: as of `random`, but for distributions: axes have ranges or values. Powers of two are
    the most even.
    """
    from scipy.stats import qmc

    names = [name for name, axis in checked(space, repeated=True).items() if _drawable(axis)]
    whole(n, "sobol(n", "number of points", least=1, most=MOST)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that other numbers are less even is documented
        units = qmc.Sobol(max(1, len(names)), scramble=True, rng=np.random.default_rng(seed)).random(n)
    units = np.minimum(units, np.nextafter(1.0, 0.0))

    def draw(name: str, axis: Parameter) -> np.ndarray:
        u = units[:, names.index(name)]
        return u if isinstance(axis, Static) else axis.quantile(u)  # type: ignore[union-attr]

    return _drawn(space, n, seed, draw, priors=False, own_seeds=own_seeds)


def from_table(space: Space, table: Any) -> Grid:
    """Points one by one: a row a point, along a dimension `point`; parameters without a column are at their default.

    **Arguments:** `space`: as of `product`. `table`: a pandas DataFrame, a dict of columns, or the path of a CSV file
    with names in its first line, whose values are read as those of the command line.
    """
    space = checked(space, repeated=True)
    if isinstance(table, str | Path):
        table = _csv(Path(table))
        parse: Callable[[str, Any], Any] = lambda name, text: arguments.at(space, name, text).default
    else:
        parse = lambda name, value: space[name].at(value).default
    try:
        given = {name: [*table[name]] for name in table}
    except (TypeError, KeyError):
        kind = type(table).__name__
        raise ValueError(f"Got a table that is a {kind}, expected a DataFrame, a dict of columns or a CSV.") from None
    if unknown := given.keys() - space.keys():
        raise ValueError(f"The table has a column {min(map(str, unknown))!r}, and SPACE has {', '.join(space)}.")
    lengths = {len(values) for values in given.values()}
    if lengths in (set(), {0}) or len(lengths) > 1:
        raise ValueError(
            f"Got a table with columns of {sorted(lengths)} rows, expected as many each, and one at least."
        )
    read = {name: [parse(name, value) for value in values] for name, values in given.items()}
    return listed(space, {name: column(space[name], values) for name, values in read.items()})


def _csv(path: Path) -> dict[str, list[str]]:
    import csv

    try:
        with path.open(newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise ValueError(f"The table {path} cannot be read ({error.strerror}).") from None
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError(f"The table {path} has rows of different lengths, expected a value for each of {rows[:1]}.")
    return {name.strip(): [row[i].strip() for row in rows[1:]] for i, name in enumerate(rows[0])}


def _drawable(axis: Parameter) -> bool:
    return not isinstance(axis, Seeds) and (axis.varies or getattr(axis, "prior", None) is not None)


def _drawn(space: Space, n: int, seed: int, draw: Any, *, priors: bool, own_seeds: bool) -> Grid:
    space = checked(space, repeated=True)
    n = whole(n, "n", "number of points", least=1, most=MOST)
    whole(seed, "seed", "seed", most=2**32 - 1)
    columns, seeds = {}, []
    own = _own_seeds(space, n) if flag(own_seeds, "own_seeds") else {}
    for name, axis in space.items():
        if name in own:
            continue
        if not _drawable(axis):
            if axis.varies:
                seeds.append(Table(name, {name: Column(np.asarray(axis.points))}))
            continue
        if isinstance(axis, Axis) and axis.prior is not None and not priors:
            raise ValueError(f"SPACE[{name!r}] has a prior, and sobol takes ranges and values; use random.")
        found = draw(name, axis)
        if isinstance(axis, Axis):
            found = found.astype(axis.dtype).astype(float)  # what is run is what the label says
        if isinstance(axis, Static):
            at = (found * len(axis.points)).astype(int)
            known = column(axis, axis.points)
            columns[name] = Column(known.numbers[at], known.choices)
        else:
            columns[name] = Column(found, prior=described(axis) if isinstance(axis, Axis) else "")
    if not columns:
        raise ValueError("SPACE has nothing to draw, expected an Axis, Whole, Flag or Static that varies, or a prior.")
    return listed(space, columns | own, seeds)


def _own_seeds(space: Space, n: int) -> dict[str, Column]:
    """A seed for each point, counted up from the first."""
    found = [(name, axis) for name, axis in space.items() if isinstance(axis, Seeds)]
    if not found:
        raise ValueError('Got own_seeds=True and a SPACE without Seeds, expected {"seed": Seeds()} in it.')
    (name, axis), *_ = found
    if axis.varies:
        raise ValueError(
            f"Got own_seeds=True and SPACE[{name!r}] with {len(axis.points)} seeds, expected one, from which those of "
            f"the points count up: Seeds(first=0) (or --set {name}=0)."
        )
    last = whole(axis.default + n - 1, "the last of own_seeds", "seed", most=2**31 - 1)
    return {name: Column(np.arange(axis.default, last + 1))}
