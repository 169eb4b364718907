"""Events as rasters of bits and as frames: which addresses have an event in each bin."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .._arguments import count, shown
from .._bits import BITS
from ..simulation.probes.events import PackedRaster
from .arrays import EventArray

_BLOCK = 2**26  # bytes of booleans that are held at a time, before they are packed
_LARGEST = 2**38  # bits of a result: 32 GB


class AbstractBins(abc.ABC):
    """Which bin, from 0 on, each event falls into."""

    @property
    @abc.abstractmethod
    def dt(self) -> float:
        """The length of a bin, ms."""

    @abc.abstractmethod
    def of(self, events: EventArray, memory: Any) -> tuple[np.ndarray, Any]:
        """The bin of each event, and what to hand on with the next piece; `memory` is None for the first."""


@dataclasses.dataclass(frozen=True)
class TimeBins(AbstractBins):
    """Bins of a length of time: bin `k` holds the events from `start + k width` on to before `start + (k + 1) width`.

    **Arguments:** `width`: ms, a whole number of microseconds. `start`: ms; None for the first event's time.
    """

    width: float
    start: float | None = None

    def __post_init__(self):
        _microseconds(self.width, "TimeBins.width", least=1)
        if self.start is not None:
            _microseconds(self.start, "TimeBins.start", least=-(2**62))

    @property
    def dt(self):
        return float(self.width)

    def of(self, events, memory):
        width = _microseconds(self.width, "TimeBins.width", least=1)
        if memory is None and self.start is not None:
            memory = _microseconds(self.start, "TimeBins.start", least=-(2**62))
        if memory is None and len(events):
            memory = int(events.t[0])
        return (events.t - (memory or 0)) // width, memory


@dataclasses.dataclass(frozen=True)
class CountBins(AbstractBins):
    """Bins of a number of events: bin `k` holds events `k events` to `(k + 1) events - 1`, whatever their times.

    **Arguments:** `events`: a whole number.
    """

    events: int

    def __post_init__(self):
        count(self.events, "CountBins.events", "a positive number of events")

    @property
    def dt(self):
        return 1.0

    def of(self, events, memory):
        before = memory or 0
        return (np.arange(len(events)) + before) // self.events, before + len(events)


def to_raster(
    events: EventArray | Iterable[EventArray], bins: AbstractBins | float = 1.0, *, steps: int | None = None
) -> PackedRaster:
    """Events as a bit-packed raster of shape `(steps, n)`, which `Replay` takes: a bit says that there was an event.

    Address `(p height + y) width + x` is neuron, so that a `Layer` sees images of shape (polarities, height, width).

    **Arguments:** `events`: an `EventArray`, or pieces of one, as `stream_events` gives them. `bins`: ms, or
    `TimeBins`, `CountBins`. `steps`: the number of bins; later events are left out, and where there are none the
    raster is empty. None for as many as there are events for.

    **Returns:** a `PackedRaster`; of `np.asarray(raster)` a row is a bin.
    """
    blocks = [*_packed(events, _bins(bins), None, steps)]
    words, n = [words for words, _ in blocks], blocks[0][1]
    found = words[0] if len(words) == 1 else np.concatenate(words)
    if steps is not None:
        found = np.pad(found[:steps], [(0, max(0, steps - len(found))), (0, 0)])
    return PackedRaster(found, n, _bins(bins).dt)


def stream_rasters(
    events: EventArray | Iterable[EventArray], bins: AbstractBins | float = 1.0, *, block: int
) -> Iterator[PackedRaster]:
    """Events as rasters of `block` bins each, one after the other, for a recording that is larger than the memory.

    Each says at which bin it begins (`raster.first`). The last one is padded. Run them one after the other:
    `run = simulate(net, Replay(raster, into="in"), steps=block, state=run, key=key)`.

    **Arguments:** `block`: bins. The others: as of `to_raster`.

    **Raises:** ValueError for an event that lies in a block which was given already, where times go back that far.
    """
    first, bins, block = 0, _bins(bins), count(block, "block", "a positive number of bins")
    for words, n in _packed(events, bins, block, None):
        yield PackedRaster(words, n, bins.dt, first)
        first += block


def to_frames(
    events: EventArray | Iterable[EventArray], bins: AbstractBins | float = 1.0, *, steps: int | None = None
) -> np.ndarray:
    """How many events each pixel had in each bin: whole numbers of shape (steps, polarities, height, width).

    Tonic: `ToFrame(time_window=..., include_incomplete=True)`, `ToFrame(event_count=..., include_incomplete=True)`.

    **Arguments:** as of `to_raster`.
    """
    bins, memory, shape, total = _bins(bins), None, (1, 1, 1), None
    for piece in _pieces(events):
        shape, n = piece.sensor_size[::-1], piece.n
        which, memory = bins.of(piece, memory)
        which, neuron = _kept(which, piece.neuron, steps)
        total = np.zeros((steps or 0, n), np.int32) if total is None else total
        if len(which):
            first, rows = int(which.min()), int(which.max()) + 1
            _check_room(max(rows, len(total)), 64 * n)
            total = np.pad(total, [(0, max(0, rows - len(total))), (0, 0)])
            found = np.bincount((which - first) * n + neuron, minlength=(rows - first) * n)
            total[first:rows] += found.reshape(-1, n)
    return np.reshape(total, (-1, *shape))  # type: ignore[arg-type]  # there is a piece


def stack_rasters(rasters: Iterable[PackedRaster], *, steps: int | None = None) -> PackedRaster:
    """Rasters of several recordings as a batch of shape `(examples, steps, n)` for `fit` and `evaluate`, still packed.

    **Arguments:** `rasters`: of the same addresses. `steps`: bins of each; None for those of the longest one. Shorter
    ones are empty at their end.
    """
    found = [*rasters]
    if not found or not all(isinstance(x, PackedRaster) and x.words.ndim == 2 for x in found):
        raise ValueError(f"Got {shown(found)}, expected one raster or more, as to_raster makes them.")
    if len({(x.n, x.dt) for x in found}) > 1:
        raise ValueError(f"Got rasters of {sorted({(x.n, x.dt) for x in found})} (addresses, ms), expected the same.")
    length = max(len(x.words) for x in found) if steps is None else count(steps, "steps", "a positive number of bins")
    words = np.zeros((len(found), length, found[0].words.shape[1]), np.uint32)
    for to, raster in zip(words, found):
        some = np.asarray(raster.words)[:length]
        to[: len(some)] = some
    return PackedRaster(words, found[0].n, found[0].dt)


# --- the work ---------------------------------------------------------------------------------------------------------


def _packed(events: Any, bins: AbstractBins, block: int | None, steps: int | None) -> Iterator[tuple[np.ndarray, int]]:
    """Words of so many bins at a time, and the number of addresses; of all bins that a piece closes where None."""
    held, memory, done, n = np.zeros(0, np.int64), None, 0, 1
    for piece in _pieces(events):
        n, width = piece.n, -(-piece.n // BITS) * BITS
        which, memory = bins.of(piece, memory)
        which, neuron = _kept(which, piece.neuron, steps)
        if len(which) and which.min() < done:
            raise ValueError(
                f"Got an event in bin {which.min()} after bin {done - 1} was closed: times go back; read all events "
                "and put them in_order() first."
            )
        _check_room(int(which.max(initial=0)), width if block is None else 0)
        held = np.concatenate([held, which * width + neuron])
        size = block or max(1, _BLOCK // width)
        while len(held) and int(held.max()) // width >= done + size:
            now = held < (done + size) * width
            yield _words(held[now] - done * width, size, width), n
            held, done = held[~now], done + size
    width = -(-n // BITS) * BITS
    last = int(held.max()) // width + 1 - done if len(held) else 0
    if last or not done:
        yield _words(held - done * width, block or last, width), n


def _words(bits: np.ndarray, rows: int, width: int) -> np.ndarray:
    """Bits by their place as words, `(rows, width / 32)`."""
    dense = np.zeros(rows * width, np.uint8)
    dense[bits] = 1
    packed = np.packbits(dense, bitorder="little").view("<u4").astype(np.uint32, copy=False)
    return packed.reshape(rows, width // BITS)


def _check_room(rows: int, bits: int) -> None:
    """Raises where an event lies so late that a raster up to it would be larger than any memory."""
    if rows * bits > _LARGEST or rows >= 2**31 - 1:
        raise ValueError(
            f"Got an event in bin {rows}, which is too many; give steps=, TimeBins(start=...), or longer bins."
        )


def _kept(which: np.ndarray, neuron: np.ndarray, steps: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Without events before the first bin and after the last."""
    if steps is not None:
        steps = count(steps, "steps", "a positive number of bins")
    keep = which >= 0 if steps is None else (which >= 0) & (which < steps)
    return (which, neuron) if keep.all() else (which[keep], neuron[keep])


def _pieces(events: Any) -> Iterator[EventArray]:
    """The pieces of a recording, of one sensor."""
    if isinstance(events, EventArray):
        events = [events]
    size = None
    for piece in events:
        if not isinstance(piece, EventArray):
            raise ValueError(f"Got {shown(piece)}, expected an EventArray: EventArray.of(events, sensor_size).")
        if size not in (None, piece.sensor_size):
            raise ValueError(f"Got pieces of the sensors {size} and {piece.sensor_size}, expected one recording.")
        size = piece.sensor_size
        yield piece
    if size is None:
        raise ValueError("Got no events at all, expected an EventArray or pieces of one.")


def _bins(given: Any) -> AbstractBins:
    return given if isinstance(given, AbstractBins) else TimeBins(given)


def _microseconds(ms: Any, what: str, least: int) -> int:
    """Milliseconds as whole microseconds."""
    if isinstance(ms, bool) or not isinstance(ms, int | float | np.integer | np.floating) or not np.isfinite(ms):
        raise ValueError(f"{what} is {shown(ms)}, expected a number of ms.")
    found = round(float(ms) * 1000)
    if found < least or abs(found - float(ms) * 1000) > 1e-6 * max(1, abs(found)):
        raise ValueError(f"{what} is {ms:g} ms, expected a whole number of microseconds, {least} or more.")
    return found
