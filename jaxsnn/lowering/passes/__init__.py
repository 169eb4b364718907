"""Passes: pure functions from graph to graph, built from the formats of a target.

A target lists those that it needs, in their order.
"""
