"""Networks: populations and projections, built from connections, and the order of events in a step.

Only this room knows where in an array a population or a port lies.
"""

from typing import TYPE_CHECKING

from .._late import exports

if TYPE_CHECKING:
    from .assembly import network as network
    from .model import Network as Network
    from .order import AbstractArrival as AbstractArrival
    from .order import AbstractOrder as AbstractOrder
    from .order import AbstractStages as AbstractStages
    from .order import AfterThreshold as AfterThreshold
    from .order import BeforeThreshold as BeforeThreshold
    from .order import BrianOrder as BrianOrder
    from .order import NestOrder as NestOrder
    from .population import Population as Population
    from .population import SpikeSource as SpikeSource
    from .projection import Connection as Connection
    from .projection import Projection as Projection
    from .sharding import ShardedNetwork as ShardedNetwork
    from .sharding import sharded as sharded
    from .sharding import sharded_network as sharded_network
else:
    __getattr__, __dir__ = exports(__name__)
