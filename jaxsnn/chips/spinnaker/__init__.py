"""SpiNNaker 1: numbers with 15 binary places that floor and wrap, as the programs of sPyNNaker 7.4.1 compute them."""

from .arithmetic import accum as accum
from .izhikevich import IzhikevichCells as IzhikevichCells
from .jkiss import source_seeds as source_seeds
from .lif import CondExpCells as CondExpCells
from .lif import CurrDeltaCells as CurrDeltaCells
from .lif import CurrExpCells as CurrExpCells
from .passes import ChooseShifts as ChooseShifts
from .passes import RoundWeights as RoundWeights
from .passes import SynapseTypes as SynapseTypes
from .passes import ToAccums as ToAccums
from .passes import VerifyRanges as VerifyRanges
from .plastic import PlasticRowSynapses as PlasticRowSynapses
from .poisson import PoissonCells as PoissonCells
from .pynn import from_pynn as from_pynn
from .pynn import to_pynn as to_pynn
from .relaxed import RelaxedLIF as RelaxedLIF
from .relaxed import RelaxedRows as RelaxedRows
from .sources import PoissonSource as PoissonSource
from .sources import UseSources as UseSources
from .stdp import AdditiveWeightDependence as AdditiveWeightDependence
from .stdp import MultiplicativeWeightDependence as MultiplicativeWeightDependence
from .stdp import SpikePairRule as SpikePairRule
from .stdp import decay_table as decay_table
from .synapses import RowSynapses as RowSynapses
from .targets import SpiNNaker1 as SpiNNaker1
