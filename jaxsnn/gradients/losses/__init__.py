"""Losses: numbers to minimise, folded along a run like a probe and reduced to a number at its end.

They read spike counts, rates, spike times or the value of a readout in every step.
"""

from .base import AbstractLoss as AbstractLoss
from .base import AbstractReadout as AbstractReadout
from .base import AbstractSummedLoss as AbstractSummedLoss
from .counts import Accuracy as Accuracy
from .counts import CrossEntropy as CrossEntropy
from .counts import LowerRate as LowerRate
from .counts import MeanSquaredError as MeanSquaredError
from .counts import UpperRate as UpperRate
from .over_steps import StepCrossEntropy as StepCrossEntropy
from .over_steps import TraceError as TraceError
from .over_steps import VanRossum as VanRossum
