"""Forced compiler behaviour: the only room in which XLA is made to do what it would not do by itself.

Each trick has a test that reads the compiled program, with and without it, and fails once XLA no longer needs it.
"""

from .dispatch import dispatch as dispatch
from .hoist import hoisted as hoisted
from .kernel import by_device as by_device
from .kernel import kernel as kernel
from .kernel import written as written
from .materialise import materialised as materialised
from .materialise import materialised_rows as materialised_rows
from .named import named as named
from .opaque import SMALL as SMALL
from .opaque import apart as apart
from .opaque import opaque as opaque
from .order import at_most_once as at_most_once
from .order import zero_after as zero_after
from .platforms import by_platform as by_platform
from .platforms import called as called
from .platforms import cpu_branch as cpu_branch
from .slots import read_slot as read_slot
from .slots import write_slot as write_slot
