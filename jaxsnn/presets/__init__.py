"""Models under the names and with the defaults of other tools: functions that return the configured class.

One module a tool: `nest`, `brian2`, `snntorch`, `norse`, `spikingjelly`, `lava`. Each is tested against its tool.
"""

from . import brian2 as brian2
from . import lava as lava
from . import nest as nest
from . import norse as norse
from . import snntorch as snntorch
from . import spikingjelly as spikingjelly
