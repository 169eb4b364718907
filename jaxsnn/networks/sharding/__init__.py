"""One network on several devices: neurons and the synapses into them are divided, and spikes are gathered as bits."""

from .model import ShardedNetwork as ShardedNetwork
from .model import sharded as sharded
from .model import sharded_network as sharded_network
