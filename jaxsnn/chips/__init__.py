"""Chips: a room for each chip that a network can be lowered to.

Nothing but the top of the library imports one.
"""

from . import brainscales as brainscales
from . import loihi as loihi
from . import spinnaker as spinnaker
from . import truenorth as truenorth
from . import xylo as xylo
