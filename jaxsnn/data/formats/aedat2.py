"""AEDAT 2.0, of jAER: a 32-bit address and a 32-bit time an event, the highest byte first."""

from __future__ import annotations

import abc
import dataclasses

import numpy as np

from ..source import Source, unwrapped
from .base import AbstractEventFormat, number


class AbstractAddress(abc.ABC):
    """How a camera writes an event into an address of 32 bits."""

    sensor: tuple[int, int]

    @abc.abstractmethod
    def events(self, address: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Which addresses are events of contrast, and the `x`, `y` and polarity of all."""


@dataclasses.dataclass(frozen=True)
class DVS128(AbstractAddress):
    """Bit 0 is the polarity, bits 1 to 7 are `x`, bits 8 to 14 `y`; bit 15 marks a signal from outside."""

    sensor: tuple[int, int] = (128, 128)

    def events(self, address):
        low = address.astype(np.uint16)
        return low < 2**15, low >> 1 & 127, low >> 8 & 127, low & 1


@dataclasses.dataclass(frozen=True)
class DAVIS(AbstractAddress):
    """Bit 11 is the polarity, bits 12 to 21 are `x`, bits 22 to 30 `y`; bit 31 marks frames and accelerations, bit 10 a
    signal from outside."""

    sensor: tuple[int, int] = (346, 260)

    def events(self, address):
        return (address >> 31 | address >> 10 & 1) == 0, address >> 12 & 1023, address >> 22 & 511, address >> 11 & 1


@dataclasses.dataclass(frozen=True)
class AEDAT2(AbstractEventFormat):
    """Files `.aedat` of version 2.0, as of CIFAR10-DVS: lines that begin with `#`, then an address and a time in
    microseconds an event, 32 bits each, the highest byte first.

    What an address means depends on the camera. Rows and columns are counted as the camera counts them: jAER draws row
    0 at the bottom. Signals from outside, frames and accelerations are left out. Times that begin again at 0 go on.

    **Arguments:** `sensor`: as of `AbstractEventFormat`. `address`: `DVS128()` or `DAVIS()`; None for what the header
    says (`AEChip`), else `DVS128()`.
    **Source:** iniVation, AEDAT file formats.
    """

    address: AbstractAddress | None = None

    what = "an .aedat file of version 2.0"

    def chunks(self, source, chunk):
        said = _hash_header(source)
        address = self.address or (DAVIS(_davis(said)) if "davis" in said or "SBret" in said else DVS128())
        sensor, last = self.sensor or address.sensor, 0
        while len(words := source.words((">u4", 2), chunk)):
            begin, words = source.at - 8 * len(words), words.astype("<u4")
            t = unwrapped(words[:, 1], 32, last)
            last = int(t[-1])
            real, x, y, p = address.events(words[:, 0].copy())
            at = slice(None) if real.all() else np.flatnonzero(real)
            parts = (t[at], x[at], y[at], p[at])
            yield self.within(source, parts, sensor, lambda i, begin=begin, at=at: begin + 8 * number(at, i))


def _hash_header(source: Source) -> str:
    """What the header says of the chip; the source is then behind it."""
    said = ""
    while source.peek(1) == b"#":
        line = source.line()
        said = line.decode("latin-1") if b"AEChip" in line else said
        if line.startswith(b"#!END-HEADER"):
            break
    return said


def _davis(said: str) -> tuple[int, int]:
    sizes = {"240": (240, 180), "640": (640, 480), "208": (208, 192), "128": (128, 128)}
    return next((size for name, size in sizes.items() if name in said), (346, 260))
