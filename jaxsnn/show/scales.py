"""Which scale numbers are read on: linear, or logarithmic where they were chosen so or came out so."""

from __future__ import annotations

import numpy as np


def log_axis(values: np.ndarray) -> bool:
    """Whether the values of an axis stand evenly on a logarithmic scale, and not on a linear one.

    Few values: by the ratio of their smallest to their largest step, which is 1 where they are even. Many: as results.
    """
    values = np.unique(values[np.isfinite(values)].astype(float))
    if len(values) < 3 or values[0] <= 0:
        return False
    if len(values) > 64 and _even(np.log(values)) < 0.6:
        return bool(values[-1] > 30 * values[0]) and _middle(np.log(values)) < _middle(values)
    return _even(np.log(values)) > max(0.6, 3 * _even(values))


def log_colours(values: np.ndarray) -> bool:
    """Whether a result is read better in logarithmic colours: it spans decades, and crowds at the low end otherwise.

    Results that are 0 here and there (a silent network) still count: they have a colour of their own.
    """
    finite = values[np.isfinite(values)].astype(float)
    positive = finite[finite > 0]
    if len(positive) < 3 or (finite < 0).any() or 2 * len(positive) < len(finite):
        return False
    low, high = np.quantile(positive, (0.05, 0.95))
    return bool(high > 50 * low) and _middle(np.log(positive)) < _middle(positive)


def _even(values: np.ndarray) -> float:
    steps = np.diff(values)
    return float(steps.min() / steps.max())


def _middle(values: np.ndarray) -> float:
    """How far the median is from the middle of the range, as a share of the range."""
    low, high = values.min(), values.max()
    return float(abs(np.median(values) - (low + high) / 2) / (high - low)) if high > low else 0.0
