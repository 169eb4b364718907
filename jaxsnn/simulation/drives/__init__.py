"""Drives: what comes into a network from outside, such as spike trains, currents and modulators.

A drive is a pure function of its state, the time and a key; `drive_a + drive_b` is a drive.
"""

from typing import TYPE_CHECKING

from ..._late import exports

if TYPE_CHECKING:
    from .base import AbstractDrive as AbstractDrive
    from .base import Silence as Silence
    from .currents import NoiseCurrent as NoiseCurrent
    from .currents import StepCurrent as StepCurrent
    from .currents import TimedArray as TimedArray
    from .generator import SpikeGenerator as SpikeGenerator
    from .modulators import Modulator as Modulator
    from .trains import Poisson as Poisson
    from .trains import Replay as Replay
else:
    __getattr__, __dir__ = exports(__name__)
