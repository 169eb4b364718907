"""N-MNIST and N-Caltech101: five bytes an event."""

from __future__ import annotations

import dataclasses

import numpy as np

from .base import AbstractEventFormat


@dataclasses.dataclass(frozen=True)
class NMNIST(AbstractEventFormat):
    """Files `.bin` of N-MNIST, and of N-Caltech101 with `sensor=(240, 180)`: five bytes an event.

    Byte 0 is `x`, byte 1 is `y`, bit 7 of byte 2 the polarity, and the other 23 bits are the time, microseconds, the
    highest first. An entry with `y = 240` is no event: all later times are `2**13` later.

    **Arguments:** `sensor`: as of `AbstractEventFormat`; None for 34 x 34.
    **Source:** Orchard et al., Front. Neurosci. 9:437 (2015).
    """

    what = "a .bin file of N-MNIST or N-Caltech101"

    def chunks(self, source, chunk):
        late = 0
        while len(rows := source.words((np.uint8, 5), chunk)):
            begin = source.at - 5 * len(rows)
            x, y, high = rows[:, 0], rows[:, 1], rows[:, 2]
            marks = y == 240
            last_three = np.zeros((len(rows), 4), np.uint8)
            last_three[:, :3] = rows[:, :1:-1]
            t = (last_three.view("<u4")[:, 0] & 0x7FFFFF).astype(np.int64)
            if marks.any():
                later = late + np.cumsum(marks)
                late, real = int(later[-1]), np.flatnonzero(~marks)
                x, y, high, t = x[real], y[real], high[real], (t + (later << 13))[real]
                place = lambda i, begin=begin, real=real: begin + 5 * int(real[i])
            else:
                t = t + (late << 13) if late else t
                place = lambda i, begin=begin: begin + 5 * i
            yield self.within(source, (t, x, y, high >> 7), self.sensor or (34, 34), place)
