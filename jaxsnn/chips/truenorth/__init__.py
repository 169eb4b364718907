"""IBM's TrueNorth: neurons behind binary crossbars with four axon types, as published, and as RANC emulates it."""

from .arithmetic import Published as Published
from .arithmetic import Ranc as Ranc
from .cells import CoreCells as CoreCells
from .routes import Routes as Routes
