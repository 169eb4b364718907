"""When a drive feeds: in a window of time, or row by row from a step on."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

from ..._status import Status, bit
from ..._time import LAST, step_of, steps, wrong
from ..._types import check, is_concrete


class Window(eqx.Module):
    """The steps that begin at `start` or later, and before `stop`, as steps."""

    first: Int[Array, ""]
    end: Int[Array, ""]
    bad: Bool[Array, ""]

    @classmethod
    def of(cls, start: Any, stop: Any, dt: float) -> Window:
        start = np.zeros((), np.int32) if start is None else start
        first, end = (step_of(ms, dt) for ms in (start, stop))
        return cls(first, end, wrong(start, dt) | wrong(stop, dt, never=True) | (end < first))

    def holds(self, t: Int[Array, ""]) -> Bool[Array, ""]:
        return (t >= self.first) & (t < self.end)

    def status(self) -> UInt32[Array, ""]:
        return bit(Status.TIME_RANGE, self.bad)


def check_window(drive: Any) -> None:
    """`start` and `stop` of a drive are one number each, and in order."""
    for name in ("start", "stop"):
        if getattr(drive, name) is not None and getattr(drive, name).shape != ():
            raise ValueError(
                f"{_name(drive)}.{name} has shape {getattr(drive, name).shape}, expected one number of ms."
            )
    if drive.start is not None and is_concrete((drive.start, drive.stop)) and drive.start > drive.stop:
        raise ValueError(
            f"{_name(drive)} starts at {drive.start:g} ms and stops at {drive.stop:g} ms, expected a later stop."
        )


class Rows(eqx.Module):
    """An array over time, `(rows, ...)`, each row held for `every` steps, from step `first` on; 0 before and after."""

    values: Array
    first: Int[Array, ""]
    bad: UInt32[Array, ""]
    every: int = eqx.field(static=True)

    @classmethod
    def of(cls, values: Any, start: Any, bin: float | None, dt: float, run: Int[Array, ""]) -> Rows:
        """From `start` ms on, or from where the run starts: step `run`."""
        every = bin_steps(bin, dt)
        if start is None:
            return cls(values, run, jnp.uint32(0), every)
        first = step_of(start, dt)
        past = run - first >= min(len(values) * every, LAST)
        return cls(values, first, bit(Status.TIME_RANGE, wrong(start, dt)) | bit(Status.INPUT_PAST, past), every)

    def at(self, t: Int[Array, ""]) -> Array:
        """The row of step `t`."""
        row = t - self.first if self.every == 1 else (t - self.first) // self.every
        now = self.values.at[row].get(mode="fill", fill_value=0)  # a negative row counts from the end
        return jnp.where(row >= 0, now, jnp.zeros((), now.dtype))


def bin_steps(bin: float | None, dt: float, name: str = "bin") -> int:
    """How many steps `bin` ms are; None is one step."""
    return 1 if bin is None else int(steps(bin, dt, name=name))


def check_rows(drive: Any, rows: int, dt: float, run: Array | np.integer, bin: float | None = None) -> None:
    """Raises ValueError where an input with a `start` is known to have ended before the run starts, in step `run`."""
    length = rows * bin_steps(bin, dt, f"{_name(drive)}.bin")
    if drive.start is not None and drive.start.shape != ():
        raise ValueError(f"{_name(drive)}.start has shape {drive.start.shape}, expected one number of ms.")
    if drive.start is not None and is_concrete((drive.start, run)):
        first, begin = int(drive.start), int(run)
        check(
            begin - first < length,
            f"{_name(drive)} lasts from {first * dt:g} to {(first + length) * dt:g} ms, and the run starts at "
            f"{begin * dt:g} ms, after its end; start it later, or leave `start` out to start it with the run.",
        )


def check_bin(bin: Any, name: str) -> None:
    """`bin` is None, or a positive number of ms that is known."""
    number = isinstance(bin, (int, float, np.integer, np.floating)) and not isinstance(bin, bool)
    if bin is not None and not (number and 0 < bin < float("inf")):
        raise ValueError(f"Got {name} = {bin!r}, expected a positive number of ms, or None for every step.")


def _name(drive: Any) -> str:
    return type(drive).__name__
