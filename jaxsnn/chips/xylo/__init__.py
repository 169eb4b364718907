"""SynSense's Xylo: states of 16 bits, decays by shifts, several spikes a step, as the maker's simulator computes them.

`XyloAudio2()`, `XyloAudio3()`, `XyloIMU()` and `Xylo1()` are targets of `lower`; `xylo_program` makes programs by hand.
"""

from .cells import XyloCells as XyloCells
from .passes import AbstractScaling as AbstractScaling
from .passes import Global as Global
from .passes import MergePorts as MergePorts
from .passes import PerNeuron as PerNeuron
from .passes import ScaleToBits as ScaleToBits
from .relaxed import RelaxedXyloCells as RelaxedXyloCells
from .relaxed import RelaxedXyloSynapses as RelaxedXyloSynapses
from .synapses import XyloSynapses as XyloSynapses
from .synapses import xylo_program as xylo_program
from .targets import Xylo1 as Xylo1
from .targets import XyloAudio2 as XyloAudio2
from .targets import XyloAudio3 as XyloAudio3
from .targets import XyloIMU as XyloIMU
