"""Data: encoders that turn numbers into spikes.

Readers of data sets belong here, too.
"""

from . import encoders as encoders
