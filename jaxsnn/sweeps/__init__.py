"""Sweeps: thousands of variants of an experiment in one compiled program, returned as a labelled dataset.

A space says what may vary, a grid which points are run; a store keeps each point that is finished.
"""

from .choices import Seeds as Seeds
from .choices import Static as Static
from .draws import from_table as from_table
from .draws import random as random
from .draws import sobol as sobol
from .experiment import Experiment as Experiment
from .gather import open_sweep as open_sweep
from .grid import Grid as Grid
from .grid import product as product
from .grid import zipped as zipped
from .plan import Plan as Plan
from .program import Point as Point
from .refining import Refinement as Refinement
from .refining import refine as refine
from .rerun import command_of as command_of
from .searching import search as search
from .space import Axis as Axis
from .space import Flag as Flag
from .space import Whole as Whole
from .sweeping import SweepInterrupted as SweepInterrupted
from .sweeping import sweep as sweep
from .training import TrainingSet as TrainingSet
from .training import as_training_set as as_training_set
