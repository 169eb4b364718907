"""The learning window of a rule of pairs: what was asked for, and what a chip makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

LONGEST = 400  # steps apart: how far windows are compared


def exponential_window(numbers: Mapping[str, Any], steps: np.ndarray, dt: float, together: float) -> np.ndarray:
    """The change by a pair whose receiver's spike comes so many steps after the sender's.

    `numbers`: `a_plus`, `a_minus`, `tau_plus`, `tau_minus` (ms). `together`: the change by spikes of one step.
    """
    ms = np.abs(steps) * dt
    plus, minus = (numbers[f"a_{side}"] * np.exp(-ms / numbers[f"tau_{side}"]) for side in ("plus", "minus"))
    return np.where(steps > 0, plus, np.where(steps < 0, -minus, together))


def compared_steps() -> np.ndarray:
    """All steps over which windows are compared, but for 0, of which notes tell."""
    return np.concatenate([np.arange(-LONGEST, 0), np.arange(1, LONGEST)])


def drawn_steps(longest: float) -> np.ndarray:
    """Few steps, dense around 0, up to four times a time constant of `longest` steps."""
    far = np.unique(np.linspace(4, max(int(min(LONGEST, 4 * longest)), 4), 40).astype(int))
    return np.concatenate([-far[::-1], np.arange(-3, 4), far])


class Window(NamedTuple):
    """Changes by pairs that are so many steps apart, receiver's after sender's: asked, and on the chip."""

    steps: np.ndarray
    asked: np.ndarray
    got: np.ndarray

    @property
    def error(self) -> float:
        """The largest error relative to the largest change that was asked for."""
        peak = np.abs(self.asked).max()
        return float(np.abs(self.got - self.asked).max() / peak) if peak else 0.0

    def data(self, dt: float) -> dict[str, list[float]]:
        """To draw: over ms."""
        return {"ms": (self.steps * dt).tolist(), "asked": self.asked.tolist(), "got": self.got.tolist()}


def displacement(steps: int, displaced: int) -> list[str]:
    """What it means that a chip sees receivers' spikes so many steps later than they meet the senders' in the model.

    `displaced`: by how many the window is displaced; of others amplitudes make up for.
    """
    if not steps:
        return []
    seen = f"{abs(steps)} step(s) {'later' if steps > 0 else 'earlier'}"
    so = (
        f"by so much the window is displaced, towards {'-' if steps > 0 else '+'}"
        if displaced
        else ("for which amplitudes make up")
    )
    return [f"the chip sees receivers' spikes {seen} than they meet the senders' in the model: {so}"]
