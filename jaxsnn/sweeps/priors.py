"""What a parameter was drawn from: kept with the result as text, and read back as a distribution of SciPy."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from ..distributions import AbstractDistribution, LogNormal, Normal, Redraw, Uniform
from .space import Axis

Law = dict[str, float | str | None]


def described(given: Axis | AbstractDistribution) -> str:
    """The density from which random designs draw: as JSON, with its numbers.

    An `Axis` with `prior` is drawn from that, one with a range uniformly or in its logarithm. "" where there is no
    density that SciPy has: values one by one, a clipped `Normal`, a distribution of your own, numbers that are traced.
    """
    law = _law(given)
    return "" if law is None else json.dumps(law)


def read(text: str) -> Any:
    """The frozen distribution of `scipy.stats` that `described` meant: `cdf`, `ppf`, `support`, `logpdf`."""
    from scipy import stats

    law = json.loads(text)
    match law.pop("law"):
        case "uniform":
            return stats.uniform(law["lo"], law["hi"] - law["lo"])
        case "loguniform":
            return stats.loguniform(law["lo"], law["hi"])
        case "normal":
            lo, hi = (x if law[name] is None else law[name] for name, x in (("lo", -math.inf), ("hi", math.inf)))
            mean, sd = law["mean"], law["sd"]
            return stats.truncnorm((lo - mean) / sd, (hi - mean) / sd, mean, sd)
        case "lognormal":
            return stats.lognorm(law["sigma"], scale=math.exp(law["mu"]))
        case other:
            raise ValueError(f"Got the prior {other!r}, which this version of jaxsnn does not know.")


def _law(given: Axis | AbstractDistribution) -> Law | None:
    if isinstance(given, Axis):
        if given.prior is not None:
            return _law(given.prior)
        if given.lo is None or given.hi is None:
            return None
        return _spread("loguniform" if given.log else "uniform", given.lo, given.hi)
    if isinstance(given, Uniform):
        return _numbers(given, "uniform", "lo", "hi")
    if isinstance(given, LogNormal):
        return _numbers(given, "lognormal", "mu", "sigma")
    if isinstance(given, Normal) and (isinstance(given.outside, Redraw) or not _bounded(given)):
        return _numbers(given, "normal", "mean", "sd", "lo", "hi")
    return None


def _bounded(given: Normal) -> bool:
    """Whether clipping would give a bound a probability of its own."""
    return bool(np.isfinite([given.lo, given.hi]).any())


def _spread(law: str, *ends: float) -> Law | None:
    return {"law": law, "lo": float(min(ends)), "hi": float(max(ends))} if ends[0] != ends[1] else None


def _numbers(given: Any, law: str, *names: str) -> Law | None:
    """The parameters of a distribution; None where one is an array, or where all its draws are one number."""
    values = {name: np.asarray(getattr(given, name)) for name in names}
    if any(value.ndim for value in values.values()):
        return None
    plain = {name: float(value) for name, value in values.items()}
    if plain.get("sd") == 0 or plain.get("sigma") == 0 or plain.get("lo") == plain.get("hi", math.nan):
        return None
    return {"law": law} | {name: value if math.isfinite(value) else None for name, value in plain.items()}
