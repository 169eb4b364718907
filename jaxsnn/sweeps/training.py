"""What inference learns from: pairs of parameters and outputs, from the labelled result of a sweep."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..distributions import AbstractDistribution
from .flatten import along, dataset_of, elements
from .priors import described, read
from .space import Axis

if TYPE_CHECKING:
    import xarray

_EDGE = 2.0**-24  # of the unit box: the largest float32 below 1 is `1 - _EDGE`


class TrainingSet(NamedTuple):
    """Pairs `theta ~ p(theta)`, `x ~ p(x | theta)`, as estimators of the posterior `p(theta | x)` learn from.

    - `theta`: `(points, parameters)`, float32, in the units of `SPACE`; `parameters`: their names, sorted.
    - `x`: `(points, outputs)`, float32, all finite; `outputs`: their names, `"rate_hz"`, `"log_power[band_hz=30]"`.
    - `priors`: of each parameter, a frozen distribution of `scipy.stats`; they are independent.
    - `left_out`: how many points are not there: `{"failed": 2, "not finite": 0}`.

    Estimators work best where the prior is a box. `unit` is `theta` in the box `(0, 1)^parameters`, in which the prior
    is uniform whatever it was: `u = F(theta)`, with the distribution function `F` of each parameter.
    """

    theta: np.ndarray
    x: np.ndarray
    parameters: tuple[str, ...]
    outputs: tuple[str, ...]
    priors: tuple[Any, ...]
    left_out: dict[str, int]

    def __repr__(self) -> str:
        left = ", ".join(f"{n} {why}" for why, n in self.left_out.items() if n)
        return (
            f"TrainingSet({len(self.theta)} points{f' ({left}: left out)' if left else ''}, "
            f"theta: {', '.join(self.parameters)}, x: {', '.join(self.outputs)})"
        )

    @property
    def bounds(self) -> np.ndarray:
        """The smallest and the largest value of each parameter, `(2, parameters)`; infinite where a prior has none."""
        return np.asarray([prior.support() for prior in self.priors]).T

    @property
    def unit(self) -> np.ndarray:
        """`theta` in the unit box, `(points, parameters)`, float32, never at its border."""
        return self.to_unit(self.theta)

    def to_unit(self, theta: Any) -> np.ndarray:
        """`u = F(theta)`, shape `(..., parameters)`."""
        theta = np.asarray(theta, float)
        u = np.stack([prior.cdf(theta[..., i]) for i, prior in enumerate(self.priors)], axis=-1)
        return np.clip(u, _EDGE, 1.0 - _EDGE).astype(np.float32)

    def from_unit(self, u: Any) -> np.ndarray:
        """`theta = F^-1(u)`, shape `(..., parameters)`, float32."""
        u = np.asarray(u, float)
        return np.stack([p.ppf(u[..., i]) for i, p in enumerate(self.priors)], axis=-1).astype(np.float32)


def as_training_set(
    ds: xarray.Dataset | xarray.DataTree,
    outputs: Iterable[str] | None = None,
    *,
    drop_nan: bool = False,
    shared_seeds: bool = False,
    priors: Mapping[str, Axis | AbstractDistribution] | None = None,
) -> TrainingSet:
    """The result of a random design as pairs of parameters and outputs, for inference by simulation.

    **Arguments**

    - `ds`: the dataset of a sweep over `sweeps.random(SPACE, n, own_seeds=True)` or `sobol`. What varies in it is a
      parameter. A `Static`, `Flag`, `Whole` or an `Axis` with values is refused while it varies, since it has no
      density; select one value (`ds.isel(point=ds.on == True)`), or draw an `Axis` and round it in the experiment.
    - `outputs`: names of results, by default all. Arrays are flattened, an output an element.
    - `drop_nan`: leave points out that have NaN or infinity in an output, which are otherwise refused. The posterior
      is then that of a run which has none; where it means something, as silence does, give it a number in the
      experiment instead.
    - `shared_seeds`: take points that share a seed. Their random numbers are the same, which an estimator mistakes
      for information; harmless only where the experiment draws none.
    - `priors`: what parameters were drawn from where the dataset does not know, as of a table, or errs, as of a part
      that was selected by its parameters: `{"g": snn.Uniform(3, 8)}`, or an `Axis`.

    **Returns:** a `TrainingSet`. Points whose status is not clean are left out, with a warning that says how many.

    **Raises:** ValueError for what is said above, and where no parameter, output or point is left.
    """
    ds = dataset_of(ds)
    good = np.asarray(ds.status).reshape(-1) == 0
    theta, laws = _parameters(ds, dict(priors or {}))
    if not shared_seeds:
        _check_seeds(ds, np.stack([*theta.values()], axis=1))
    x = elements(ds, outputs)
    with np.errstate(over="ignore"):
        found = np.stack([*x.values()], axis=1).astype(np.float32)
    finite = np.isfinite(found)
    if not drop_nan and not finite[good].all():
        _refuse_nan([*x], ~finite[good])
    kept = good & finite.all(axis=1)
    if not kept.any():
        raise ValueError(f"Got a dataset of {len(good)} points of which none has a clean status and finite outputs.")
    if not good.all():
        warnings.warn(
            f"{np.count_nonzero(~good)} of {len(good)} points have no clean result and are left out.", stacklevel=2
        )
    left_out = {"failed": int(np.count_nonzero(~good)), "not finite": int(np.count_nonzero(good & ~kept))}
    values = np.stack([*theta.values()], axis=1)[kept].astype(np.float32)
    made = TrainingSet(values, found[kept], tuple(theta), tuple(x), tuple(map(read, laws)), left_out)
    _check_support(made)
    return made


def _parameters(ds: xarray.Dataset, given: dict[str, Any]) -> tuple[dict[str, np.ndarray], list[str]]:
    """What varies, point by point, and what it was drawn from."""
    values, laws = {}, []
    for name in sorted(map(str, ds.coords)):  # zarr forgets their order
        coordinate = ds[name]
        kind = coordinate.attrs.get("kind")
        if kind in (None, "Seeds") or len(np.unique(coordinate)) < 2:
            continue
        law = coordinate.attrs.get("prior", "")
        if name in given and not (law := described(own := given.pop(name))):
            raise ValueError(
                f"Got priors={{{name!r}: {own!r}}}, expected Uniform, LogNormal, Normal or an Axis of them."
            )
        if kind != "Axis":
            raise ValueError(
                f"{name!r} is a {kind} that varies, and inference needs a density: select one of its values first, or "
                "draw an Axis and round it in the experiment."
            )
        if not law:
            raise ValueError(
                f"The dataset knows no density that {name!r} was drawn from: sweep over sweeps.random with a range or "
                f"a prior, or say so, priors={{{name!r}: Uniform(lo, hi)}}."
            )
        values[name] = along(coordinate, ds)
        laws.append(law)
    if given:
        raise ValueError(f"Got priors of {min(given)!r}, which does not vary; what does: {', '.join(values) or '-'}.")
    if not values:
        raise ValueError("Nothing varies in this dataset, expected that of a sweep over sweeps.random(SPACE, n).")
    return values, laws


def _check_seeds(ds: xarray.Dataset, theta: np.ndarray) -> None:
    """Points of other parameters have other seeds."""
    seeds = [c for c in ds.coords.values() if c.attrs.get("kind") == "Seeds"]
    seed = along(seeds[0], ds) if seeds else np.zeros(len(theta))
    of = np.unique(np.column_stack([theta, seed]), axis=0)[:, -1]
    if len(np.unique(of)) < len(of):
        raise ValueError(
            f"Got {len(of)} points with {len(np.unique(of))} seed(s), so that points share their random numbers, which "
            "an estimator takes for knowledge: sweep over random(SPACE, n, own_seeds=True), or, where the experiment "
            "draws nothing, give shared_seeds=True."
        )


def _refuse_nan(names: list[str], wrong: np.ndarray) -> None:
    counts = wrong.sum(axis=0)
    where = ", ".join(f"{name} ({n})" for name, n in zip(names, counts.tolist(), strict=True) if n)
    raise ValueError(
        f"{np.count_nonzero(wrong.any(axis=1))} of {len(wrong)} points have NaN or infinity in {where}: give a number "
        "where that means something, in the experiment or by ds.fillna, or leave them out by drop_nan=True."
    )


def _check_support(made: TrainingSet) -> None:
    lo, hi = made.bounds.astype(np.float32)
    outside = ((made.theta < lo) | (made.theta > hi)).sum(axis=0)
    for name, n, a, b in zip(made.parameters, outside.tolist(), lo.tolist(), hi.tolist(), strict=True):
        if n:
            raise ValueError(f"{n} points have {name!r} outside its prior, which is from {a:g} to {b:g}.")
