"""Sweeps: what to vary, how it is run, and the labelled result."""
