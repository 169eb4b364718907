"""Programs that NumPy runs: what moves, compares, chooses and counts gives the same bits there as compiled by XLA.

A run has several programs beside its loop, each used once: they take XLA longer to compile than NumPy to run.
"""

from .call import by_numpy as by_numpy
