"""BrainScaleS-2: analog neurons in LSB of their converter, weights of 6 bits, and chips that differ, a key each.

`BrainScaleS2()` is a target of `lower`; `on_chip` makes of a program the same on one chip; `mac` is the matrix mode.
"""

from . import kinds as kinds
from .calibration import Calibrated as Calibrated
from .calibration import calibrate as calibrate
from .cells import AnalogCells as AnalogCells
from .hagen import MatrixMode as MatrixMode
from .hagen import add as add
from .hagen import converting_relu as converting_relu
from .hagen import mac as mac
from .hagen import relu as relu
from .instance import on_chip as on_chip
from .neurons import CubaAdEx as CubaAdEx
from .passes import Levels as Levels
from .passes import PlaceOnCircuits as PlaceOnCircuits
from .passes import RoundWeights as RoundWeights
from .passes import ToCADC as ToCADC
from .pattern import Circuits as Circuits
from .pattern import Noise as Noise
from .pattern import Spread as Spread
from .pynn import from_pynn as from_pynn
from .pynn import to_pynn as to_pynn
from .relaxed import RelaxedAnalogSynapses as RelaxedAnalogSynapses
from .relaxed import RelaxedCircuits as RelaxedCircuits
from .sensors import Sensors as Sensors
from .sensors import SensorState as SensorState
from .sensors import reading as reading
from .synapses import AnalogSynapses as AnalogSynapses
from .synapses import brainscales_program as brainscales_program
from .targets import BrainScaleS2 as BrainScaleS2
from .targets import VerifyRanges as VerifyRanges
