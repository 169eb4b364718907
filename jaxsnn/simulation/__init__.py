"""Simulation: one loop over time for every model, with drives that feed it and probes that record it.

It knows models by their protocol only, so a network and a program for a chip run in the same loop.
"""

from typing import TYPE_CHECKING

from .._late import exports

if TYPE_CHECKING:
    from ..models import AbstractModel as AbstractModel
    from ..models import AbstractPlan as AbstractPlan
    from ..models import AbstractStepper as AbstractStepper
    from ..models import Forward as Forward
    from ..models import Inputs as Inputs
    from ..models import Reverse as Reverse
    from ..models import Signals as Signals
    from . import checkpointing as checkpointing
    from . import drives as drives
    from . import probes as probes
    from . import progress as progress
    from .checkpointing import AbstractCheckpoint as AbstractCheckpoint
    from .checkpointing import Chunked as Chunked
    from .checkpointing import KeepAll as KeepAll
    from .checkpointing import Recursive as Recursive
    from .checkpointing import Truncated as Truncated
    from .modules import Decoded as Decoded
    from .modules import Encoded as Encoded
    from .progress import Bar as Bar
    from .progress import Quiet as Quiet
    from .run import Run as Run
    from .run import RunState as RunState
    from .run import simulate as simulate
    from .until import PartialRuns as PartialRuns
    from .until import simulate_until as simulate_until
else:
    __getattr__, __dir__ = exports(__name__)
