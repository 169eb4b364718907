"""Advice for a program that is close to a limit, overflows, or lost precision: one line each."""

from __future__ import annotations

from typing import Any

from .written import DONE

_LOWERED = "calibrate, or BalanceScales(margin=...)"
_BY_HAND = "smaller weights or exponents, fewer senders, or larger decays would keep them, or see what a run says"
_FULL = 0.8  # of a limit
_COARSE = 0.05  # relative rms error of weights
_APART = 0.9  # coincidence of spikes


def advice(data: dict[str, Any]) -> list[str]:
    """Advice from the data of a report; an empty list if there is none."""
    lines, by_hand = [], DONE in data.get("passes", ())
    if chip := data.get("chip"):
        limit = chip.get("binding limit")
        if limit and (limit["used"] > _FULL * limit["room"] or chip["chips"] > 1):
            lines.append(f"for more room on a core of {limit['group']!r}: {limit['remedy']}")
    for name, cell in data["cells"].items():
        lines += [
            f"{name}: {cell[what]} {what}; a larger dt or a smaller range would keep them"
            for what in ("thresholds clipped", "biases clipped", "initial voltages clipped")
            if cell.get(what)
        ]
        unproved = [r for r in cell["registers"] if r != "voltage" and cell.get(f"{r} is proved") is False]
        seen = "agreement" in data or ("run" in data and not data["run"]["problems"])  # a run without overflows
        if unproved and not seen:
            lines.append(f"{name}: {' and '.join(unproved)} can overflow; {_BY_HAND if by_hand else _LOWERED}")
    for name, link in data["links"].items():
        if (error := link.get("weights, relative rms error", 0.0)) > _COARSE:
            lines.append(
                f"{name}: weights are off by {100 * error:.0f} %; use more weight bits, split weak from strong "
                "projections, or train through the integers (relax)"
            )
        if (learning := link.get("learning")) and (error := learning["window error"]) > _COARSE:
            nearer = "share the delay between axon and dendrite: Connection(axonal=..., dendritic=...)"
            larger = "take larger changes, or smaller weights beside them"
            lines.append(
                f"{name}: changes by some pairs of spikes are off by {100 * error:.0f} % of the largest; see its "
                f"notes, and {nearer if learning['displaced, steps'] else larger}"
            )
    for name, one in data.get("agreement", {}).items():
        if one["coincidence"] < _APART:
            lines.append(
                f"{name}: {100 * one['coincidence']:.0f} % of spikes coincide; if rates differ too, calibrate on more "
                "typical input, or train through the integers (relax)"
            )
    return lines
