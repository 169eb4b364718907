"""Search by Optuna: every round of suggestions is one sweep, in one compiled program."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Array

from .choices import Seeds, Static
from .draws import from_table
from .grid import checked, product
from .labels import labels
from .program import Experiment
from .space import Axis, Flag, Parameter, Space, Whole, at_default
from .values import whole

if TYPE_CHECKING:
    import optuna
    import xarray


def search(
    experiment: Experiment,
    space: Space,
    objective: Callable[[xarray.Dataset], Any],
    *,
    study: optuna.Study,
    key: Array,
    rounds: int,
    batch: int = 16,
    **how: Any,
) -> xarray.Dataset:
    """Look for the best points of a space: `study` suggests `batch` points at a time, which are run as one sweep.

    **Arguments:** `experiment`: as of `sweep`. `space`: an `Axis` with a range is suggested between its ends (in the
    logarithm with `log=True`); one with values, and a `Whole`, `Flag` or `Static` that varies, among its values;
    several `Seeds` are combined with each point. `objective(dataset)`: a number for each `point` of the dataset of a
    round. `study`: one of Optuna's, such as `optuna.create_study(direction="maximize")`, with any sampler. `rounds`:
    how many sweeps. `how`: arguments of `sweep`, such as `out`.

    A point whose status is not clean, or whose objective is NaN, has failed for the study. Needs Optuna
    (`pip install jaxsnn[search]`).

    **Returns:** all points, along the dimension `point`.
    """
    from optuna.trial import TrialState

    from .sweeping import sweep

    space = checked(space, repeated=True)
    whole(rounds, "search(rounds", "number of rounds", least=1, most=10**6)
    whole(batch, "search(batch", "number of points", least=1, most=10**6)
    asked = {name: _distribution(axis) for name, axis in space.items() if axis.varies and not isinstance(axis, Seeds)}
    if not asked:
        raise ValueError("SPACE has nothing to search, expected an Axis, Whole, Flag or Static that varies.")
    rest = {name: axis for name, axis in space.items() if isinstance(axis, Seeds)}
    fixed = {name: axis if name in asked else at_default(axis) for name, axis in space.items() if name not in rest}
    tried: dict[str, list[Any]] = {name: [] for name in asked}
    found: xarray.Dataset | None = None
    for _ in range(rounds):
        trials = [study.ask(asked) for _ in range(batch)]
        for name in asked:
            tried[name] += [_value(space[name], trial.params[name]) for trial in trials]
        table = from_table(fixed, {name: values[-batch:] for name, values in tried.items()})
        now: xarray.Dataset = sweep(experiment, product(table, rest), key=key, throw=False, **how)
        scores = np.asarray(objective(now), float)
        if scores.shape != (batch,):
            raise ValueError(
                f"The objective returned shape {scores.shape}, expected a number for each of {batch} points."
            )
        failed = np.asarray(now.status != 0).reshape(batch, -1).any(axis=1) | np.isnan(scores)
        for trial, score, bad in zip(trials, scores.tolist(), failed.tolist(), strict=True):
            study.tell(trial, None if bad else score, TrialState.FAIL if bad else TrialState.COMPLETE)
        found = now if found is None else _after(found, now)
    assert found is not None
    return found


def _after(found: xarray.Dataset, more: xarray.Dataset) -> xarray.Dataset:
    import xarray

    more = more.assign_coords(point=more.point + found.sizes["point"])
    both = xarray.concat(
        [found, more],
        "point",
        data_vars="all",
        coords="different",
        compat="equals",
        join="outer",
        combine_attrs="override",
    )
    return both.assign_attrs(points=found.attrs["points"] + more.attrs["points"])


def _distribution(axis: Parameter) -> Any:
    """What a study suggests of: a range, or places among values."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(axis, Axis) and axis.lo is not None and axis.hi is not None:
        return FloatDistribution(min(axis.lo, axis.hi), max(axis.lo, axis.hi), log=axis.log)
    if isinstance(axis, Whole) and axis.n is not None:
        low, high = int(axis.points.min()), int(axis.points.max())
        return IntDistribution(low, high, step=max(1, (high - low) // max(1, axis.n - 1)))
    return CategoricalDistribution(labels(axis.points).tolist())


def _value(axis: Parameter, suggested: Any) -> Any:
    if isinstance(axis, Static):
        return axis.points[labels(axis.points).tolist().index(suggested)]
    if isinstance(axis, Axis):
        return float(np.asarray(suggested, axis.dtype))  # what is run is what the label says
    return bool(suggested) if isinstance(axis, Flag) else suggested
