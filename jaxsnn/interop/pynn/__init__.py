"""A backend of PyNN 0.13: `import jaxsnn.interop.pynn as sim`, in the place of `import pyNN.nest as sim`.

PyNN builds the network, draws its connections and keeps what is recorded as Neo blocks; jaxsnn runs it. `network()`
hands the network over, to be swept, differentiated or lowered. Importing this module imports PyNN.

Reference: Davison et al., Frontiers in Neuroinformatics 2:11 (2009).
"""

from pyNN import errors as errors
from pyNN import random as random
from pyNN import space as space
from pyNN.connectors import *  # noqa: F403
from pyNN.network import Network as Network
from pyNN.random import GSLRNG as GSLRNG
from pyNN.random import NumpyRNG as NumpyRNG
from pyNN.random import RandomDistribution as RandomDistribution
from pyNN.space import Space as Space
from pyNN.standardmodels import StandardCellType as StandardCellType

from .cells import EIF_cond_alpha_isfa_ista as EIF_cond_alpha_isfa_ista
from .cells import EIF_cond_exp_isfa_ista as EIF_cond_exp_isfa_ista
from .cells import HH_cond_exp as HH_cond_exp
from .cells import IF_cond_alpha as IF_cond_alpha
from .cells import IF_cond_exp as IF_cond_exp
from .cells import IF_curr_alpha as IF_curr_alpha
from .cells import IF_curr_delta as IF_curr_delta
from .cells import IF_curr_exp as IF_curr_exp
from .cells import IF_facets_hardware1 as IF_facets_hardware1
from .cells import Izhikevich as Izhikevich
from .composed import LIF as LIF
from .composed import AdExp as AdExp
from .composed import AlphaPSR as AlphaPSR
from .composed import BetaPSR as BetaPSR
from .composed import CondAlphaPostSynapticResponse as CondAlphaPostSynapticResponse
from .composed import CondBetaPostSynapticResponse as CondBetaPostSynapticResponse
from .composed import CondExpPostSynapticResponse as CondExpPostSynapticResponse
from .composed import CurrExpPostSynapticResponse as CurrExpPostSynapticResponse
from .composed import ExpPSR as ExpPSR
from .composed import PointNeuron as PointNeuron
from .control import FromPyNN as FromPyNN
from .control import end as end
from .control import get_current_time as get_current_time
from .control import get_max_delay as get_max_delay
from .control import get_min_delay as get_min_delay
from .control import get_time_step as get_time_step
from .control import initialize as initialize
from .control import network as network
from .control import num_processes as num_processes
from .control import rank as rank
from .control import reset as reset
from .control import run as run
from .control import run_for as run_for
from .control import run_until as run_until
from .control import setup as setup
from .electrodes import ACSource as ACSource
from .electrodes import DCSource as DCSource
from .electrodes import NoisyCurrentSource as NoisyCurrentSource
from .electrodes import StepCurrentSource as StepCurrentSource
from .populations import Assembly as Assembly
from .populations import Population as Population
from .populations import PopulationView as PopulationView
from .procedural import connect as connect
from .procedural import create as create
from .procedural import list_standard_models as list_standard_models
from .procedural import record as record
from .procedural import record_gsyn as record_gsyn
from .procedural import record_v as record_v
from .procedural import set as set
from .projections import Projection as Projection
from .refused import ElectricalSynapse as ElectricalSynapse
from .refused import GIF_cond_exp as GIF_cond_exp
from .refused import IF_cond_exp_gsfa_grr as IF_cond_exp_gsfa_grr
from .refused import MultiQuantalSynapse as MultiQuantalSynapse
from .refused import NativeRNG as NativeRNG
from .refused import SpikeSourceInhGamma as SpikeSourceInhGamma
from .refused import StochasticTsodyksMarkramSynapse as StochasticTsodyksMarkramSynapse
from .refused import Vogels2011Rule as Vogels2011Rule
from .sources import SpikeSourceArray as SpikeSourceArray
from .sources import SpikeSourceGamma as SpikeSourceGamma
from .sources import SpikeSourcePoisson as SpikeSourcePoisson
from .sources import SpikeSourcePoissonRefractory as SpikeSourcePoissonRefractory
from .synapses import AdditivePotentiationMultiplicativeDepression as AdditivePotentiationMultiplicativeDepression
from .synapses import AdditiveWeightDependence as AdditiveWeightDependence
from .synapses import GutigWeightDependence as GutigWeightDependence
from .synapses import MultiplicativeWeightDependence as MultiplicativeWeightDependence
from .synapses import SimpleStochasticSynapse as SimpleStochasticSynapse
from .synapses import SpikePairRule as SpikePairRule
from .synapses import StaticSynapse as StaticSynapse
from .synapses import STDPMechanism as STDPMechanism
from .synapses import TsodyksMarkramSynapse as TsodyksMarkramSynapse
