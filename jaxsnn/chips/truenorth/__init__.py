"""IBM's TrueNorth: neurons behind binary crossbars with four axon types, as published, and as RANC emulates it."""

from .arithmetic import Published as Published
from .arithmetic import Ranc as Ranc
from .cells import CoreCells as CoreCells
from .coding import OneWeight as OneWeight
from .coding import Trinary as Trinary
from .coding import TwosComplement as TwosComplement
from .copies import Copies as Copies
from .layers import AbstractCrossbarLinear as AbstractCrossbarLinear
from .layers import TeaLinear as TeaLinear
from .layers import TrinaryLinear as TrinaryLinear
from .layers import Votes as Votes
from .layers import deployed as deployed
from .neurons import LinearLeakIF as LinearLeakIF
from .neurons import ThresholdUnit as ThresholdUnit
from .passes import CodeWeights as CodeWeights
from .passes import ToRegisters as ToRegisters
from .routes import Routes as Routes
from .splitters import Splitters as Splitters
from .targets import TrueNorth as TrueNorth
from .timing import StartLate as StartLate
