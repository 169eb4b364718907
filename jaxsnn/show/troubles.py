"""What went wrong in a sweep, kind by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._status import Status, explain
from .design import Dims, in_order
from .design import dims as dims_of

if TYPE_CHECKING:
    import xarray

OWN = ("status", "failure")  # what every result may have beside what the experiment returned
MOST = 100  # different messages that are kept apart


class Trouble(NamedTuple):
    """One kind of it: its name, a sentence, the points; `lost` where these have no results."""

    kind: str
    message: str
    points: np.ndarray
    lost: bool


def troubles(dataset: xarray.Dataset, dims: Dims) -> tuple[list[Trouble], np.ndarray]:
    """Every kind of trouble, those with most points first; and which points have not run, and did not fail either."""
    size = int(np.prod([*dims.values()], dtype=int))
    if "status" not in dataset:
        return [], np.zeros(size, bool)
    status = in_order(dataset["status"], dims)
    said = in_order(dataset["failure"], dims).astype(str) if "failure" in dataset else np.full(size, "")
    not_run = status & np.uint32(Status.NOT_RUN) != 0
    pending = not_run & (said == "")
    found = []
    for flag in Status:
        points = np.flatnonzero((status & np.uint32(flag) != 0) & ~not_run)
        if len(points) and flag != Status.NOT_RUN:
            kind, _, message = explain(int(flag))[0].partition(": ")
            found.append(Trouble(kind, message, points, lost=False))
    found += _by_message(said, np.flatnonzero(not_run & ~pending))
    return sorted(found, key=lambda one: -len(one.points)), pending


def waiting(dataset: xarray.Dataset) -> int:
    """How many points have not run yet."""
    return int(np.count_nonzero(troubles(dataset, dims_of(dataset))[1]))


def _by_message(said: np.ndarray, where: np.ndarray) -> list[Trouble]:
    messages, which = np.unique(said[where], return_inverse=True)
    often = np.argsort(-np.bincount(which, minlength=len(messages)), kind="stable")
    found = []
    for i in often[:MOST]:
        kind, colon, message = str(messages[i]).partition(": ")
        known = colon and kind.isidentifier()
        found.append(
            Trouble(kind if known else "no result", message if known else str(messages[i]), where[which == i], True)
        )
    if len(often) > MOST:
        rest = where[np.isin(which, often[MOST:])]
        found.append(Trouble("other", f"{len(often) - MOST} further messages, which the store has", rest, lost=True))
    return found
