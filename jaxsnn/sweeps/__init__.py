"""Sweeps: thousands of variants of an experiment in one compiled program, returned as a labelled dataset.

A space says what may vary, a grid which points are run.
"""

from .grid import Grid as Grid
from .grid import product as product
from .grid import zipped as zipped
from .run import SweepInterrupted as SweepInterrupted
from .run import sweep as sweep
from .space import Axis as Axis
from .space import Seeds as Seeds
from .space import Static as Static
