"""Events of a camera, a silicon cochlea or a data set, as arrays."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from .._arguments import shown

_FIELDS = {"t": np.int64, "x": np.uint16, "y": np.uint16, "p": np.uint8}


@dataclasses.dataclass(frozen=True, eq=False)
class EventArray:
    """Events in order: event `i` came at `t[i]`, in column `x[i]` and row `y[i]`, with polarity `p[i]` (1 on, 0 off).

    `events[mask]` and `events[first:last]` are some of them; `len(events)` is their number.

    **Arguments:** `t`: microseconds, whole numbers, as event cameras count. `x`, `y`, `p`: whole numbers.
    `sensor_size`: width, height and number of polarities, in Tonic's order; channels of sound are `(channels, 1, 1)`.

    **Raises:** ValueError for arrays of different lengths, numbers that are not whole, and events outside the sensor.
    """

    t: Any
    x: Any
    y: Any
    p: Any
    sensor_size: tuple[int, int, int]

    def __post_init__(self):
        size = tuple(self.sensor_size)
        if len(size) != 3 or not all(isinstance(n, int | np.integer) and 1 <= n <= 2**16 for n in size):
            raise ValueError(f"Got sensor_size = {shown(self.sensor_size)}, expected (width, height, polarities).")
        object.__setattr__(self, "sensor_size", tuple(int(n) for n in size))
        for name, dtype in _FIELDS.items():
            object.__setattr__(self, name, _whole(getattr(self, name), name, dtype))
        lengths = {name: len(getattr(self, name)) for name in _FIELDS}
        if len({*lengths.values()}) != 1:
            raise ValueError(f"Got events with {lengths} entries, expected as many of each.")
        for name, most in zip("xyp", self.sensor_size):
            values = getattr(self, name)
            if len(values) and (largest := values.max()) >= most:
                raise ValueError(
                    f"Got an event with {name} = {largest}, expected 0 .. {most - 1} on a sensor {self.sensor_size}."
                )

    @classmethod
    def of(cls, events: Any, sensor_size: tuple[int, int, int]) -> EventArray:
        """From a structured array with fields `t` (microseconds), `x`, `p` and, unless the sensor is a line, `y`, as
        Tonic's data sets, Expelliarmus and OpenEB give them; or from a dictionary or table of such columns."""
        names = getattr(getattr(events, "dtype", None), "names", None) or getattr(events, "keys", tuple)()
        names = {*names} if not callable(names) else {*names()}
        if not {"t", "x"} <= names:
            raise ValueError(f"Got {shown(events)}, expected events with fields t, x, y and p.")
        none = np.zeros(len(events["t"]), np.uint8)
        y, p = (events[name] if name in names else none for name in "yp")
        if sensor_size[2] == 1:
            p = none  # data sets of sound say 1, those of one polarity either
        return cls(events["t"], events["x"], y, p, sensor_size)

    def structured(self) -> np.ndarray:
        """A structured array with fields x, y, t, p in Tonic's types, for its transforms."""
        found = np.empty(len(self), [("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", bool)])
        for name in _FIELDS:
            found[name] = getattr(self, name)
        return found

    @property
    def n(self) -> int:
        """The number of addresses: pixels times polarities."""
        width, height, polarities = self.sensor_size
        return width * height * polarities

    @property
    def neuron(self) -> np.ndarray:
        """The address of each event, `(p height + y) width + x`: frames of shape (polarities, height, width), flat."""
        width, height, _ = self.sensor_size
        return (self.p.astype(np.int64) * height + self.y) * width + self.x

    @property
    def duration(self) -> float:
        """From the first to the last event, ms."""
        return (int(self.t.max()) - int(self.t.min())) / 1000 if len(self) else 0.0

    def in_order(self) -> EventArray:
        """In order of time; events of one time keep theirs."""
        return self if np.all(self.t[1:] >= self.t[:-1]) else self[np.argsort(self.t, kind="stable")]

    def __len__(self) -> int:
        return len(self.t)

    def __getitem__(self, some: Any) -> EventArray:
        if isinstance(some, int | np.integer):
            some = [some]
        return trusted(**{name: getattr(self, name)[some] for name in _FIELDS}, sensor_size=self.sensor_size)

    def __str__(self) -> str:
        width, height, polarities = self.sensor_size
        kinds = "polarity" if polarities == 1 else "polarities"
        return f"{len(self)} events of {width} x {height} pixels and {polarities} {kinds}"

    def __repr__(self) -> str:
        return f"<{self}, {self.duration:g} ms>"


def trusted(
    t: np.ndarray, x: np.ndarray, y: np.ndarray, p: np.ndarray, sensor_size: tuple[int, int, int]
) -> EventArray:
    """Events that were looked at already, of any types that hold them."""
    new = object.__new__(EventArray)
    for (name, dtype), values in zip(_FIELDS.items(), (t, x, y, p)):
        object.__setattr__(new, name, values.astype(dtype, copy=False))
    object.__setattr__(new, "sensor_size", sensor_size)
    return new


def joined(parts: list[EventArray], sensor_size: tuple[int, int, int]) -> EventArray:
    """Events of several arrays, one after the other."""
    if len(parts) == 1:
        return parts[0]
    columns = {name: [np.empty(0, dtype), *(getattr(x, name) for x in parts)] for name, dtype in _FIELDS.items()}
    return trusted(**{name: np.concatenate(x) for name, x in columns.items()}, sensor_size=sensor_size)


def _whole(given: Any, name: str, dtype: Any) -> np.ndarray:
    """One axis of whole numbers that the type holds."""
    values = np.asarray(given)
    if values.ndim != 1:
        raise ValueError(f"Got {name} of shape {values.shape}, expected one axis of events.")
    if values.dtype == dtype or not values.size:
        return values.astype(dtype, copy=False)
    if values.dtype.kind not in "biu":
        whole = values.dtype.kind == "f" and np.all(np.isfinite(values)) and np.all(values == np.rint(values))
        if not whole:
            raise ValueError(f"Got {name} of type {values.dtype}, expected whole numbers (t in microseconds).")
    held = np.iinfo(dtype)
    if values.min() < held.min or values.max() > held.max:
        raise ValueError(f"Got {name} within {values.min()} .. {values.max()}, expected {held.min} .. {held.max}.")
    return values.astype(dtype)
