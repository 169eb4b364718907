"""A model in words: a summary before it runs, its graph as a picture, and the tables that a paper asks for.

Everything is read from the model: docstrings of its classes, parameters with their units, and what was built.
"""

from .picture import Picture as Picture
from .report import Description as Description
from .report import describe as describe
from .summary import Summary as Summary
