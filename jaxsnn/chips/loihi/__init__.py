"""Intel's Loihi 1 and 2: cores, cells, synapses that learn, Lava's file format.

`Loihi1()` and `Loihi2()` are targets of `lower`; cells and cores run by themselves, too.
"""

from ...lowering.cells import CubaCells as CubaCells
from ...lowering.cores import Brian2LoihiCore as Brian2LoihiCore
from ...lowering.cores import Core as Core
from ...lowering.cores import Excitatory as Excitatory
from ...lowering.cores import Inhibitory as Inhibitory
from ...lowering.cores import LavaCore as LavaCore
from ...lowering.cores import Loihi1Core as Loihi1Core
from ...lowering.cores import Mixed as Mixed
from ...lowering.cores import NengoLoihiCore as NengoLoihiCore
from ...lowering.learning.engine import LoihiRule as LoihiRule
from ...lowering.learning.parse import parse_rule as parse_rule
from ...lowering.learning.rounding import AbstractRounding as AbstractRounding
from ...lowering.learning.rounding import IndependentRounding as IndependentRounding
from ...lowering.learning.rounding import LavaRounding as LavaRounding
from ...lowering.learning.rounding import NearestRounding as NearestRounding
from ...lowering.learning.rule import SumOfProducts as SumOfProducts
from ...lowering.learning.stdp import Mapped as Mapped
from ...lowering.learning.synapses import LearningSynapses as LearningSynapses
from ...lowering.learning.trace import LoihiTrace as LoihiTrace
from ...lowering.learning.trace import ReceivedTrace as ReceivedTrace
from ...lowering.loihi2.graded import GradedCells as GradedCells
from ...lowering.loihi2.graded import GradedReluCells as GradedReluCells
from ...lowering.loihi2.graded import ProductCells as ProductCells
from ...lowering.loihi2.leaky import AdaptiveCells as AdaptiveCells
from ...lowering.loihi2.leaky import ResetCells as ResetCells
from ...lowering.loihi2.leaky import TernaryCells as TernaryCells
from ...lowering.loihi2.resonate import IzhikevichResonatorCells as IzhikevichResonatorCells
from ...lowering.loihi2.resonate import PhaseCells as PhaseCells
from ...lowering.loihi2.resonate import ResonatorCells as ResonatorCells
from ...lowering.loihi2.resonate import rotation as rotation
from ...lowering.loihi2.sigma_delta import AbstractActivation as AbstractActivation
from ...lowering.loihi2.sigma_delta import AbstractError as AbstractError
from ...lowering.loihi2.sigma_delta import DeltaCells as DeltaCells
from ...lowering.loihi2.sigma_delta import OfNow as OfNow
from ...lowering.loihi2.sigma_delta import Relu as Relu
from ...lowering.loihi2.sigma_delta import SigmaCells as SigmaCells
from ...lowering.loihi2.sigma_delta import SigmaDeltaCells as SigmaDeltaCells
from ...lowering.loihi2.sigma_delta import Summed as Summed
from ...lowering.loihi2.sigma_delta import Unit as Unit
from ...lowering.netx.read import from_netx as from_netx
from ...lowering.netx.write import to_netx as to_netx
from ...lowering.targets import Loihi1 as Loihi1
from ...lowering.targets import Loihi2 as Loihi2
