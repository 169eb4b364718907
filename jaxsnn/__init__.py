"""jaxsnn: spiking networks as pure functions. Simulate one, sweep thousands in one program, differentiate it.

The nouns and verbs people start with are here; every family of choices is a namespace, as in `snn.surrogates.ATan`.
"""

from importlib import import_module as _import
from typing import TYPE_CHECKING

from ._late import exports as _exports
from ._late import later as _later

if TYPE_CHECKING:
    __version__: str
    from . import analysis as analysis
    from . import chips as chips
    from . import compilers as compilers
    from . import connectivity as connectivity
    from . import data as data
    from . import distributions as distributions
    from . import equations as equations
    from . import files as files
    from . import gradients as gradients
    from . import interop as interop
    from . import lowering as lowering
    from . import networks as networks
    from . import neurons as neurons
    from . import plasticity as plasticity
    from . import presets as presets
    from . import show as show
    from . import simulation as simulation
    from . import sweeps as sweeps
    from . import synapses as synapses
    from ._status import SimulationError as SimulationError
    from ._status import Status as Status
    from ._tree import get as get
    from ._tree import set as set
    from ._types import Param as Param
    from ._types import param as param
    from .analysis import plots as plot  # noqa: F401  # snn.plot.raster(...)
    from .connectivity import AllToAll as AllToAll
    from .connectivity import ByDistance as ByDistance
    from .connectivity import Dense as Dense
    from .connectivity import FixedInDegree as FixedInDegree
    from .connectivity import FixedOutDegree as FixedOutDegree
    from .connectivity import FixedProb as FixedProb
    from .connectivity import FixedTotal as FixedTotal
    from .connectivity import FromArrays as FromArrays
    from .connectivity import Layer as Layer
    from .connectivity import OneToOne as OneToOne
    from .connectivity import Sparse as Sparse
    from .connectivity import Spatial as Spatial
    from .connectivity import TsodyksMarkram as TsodyksMarkram
    from .connectivity import TsodyksUzielMarkram as TsodyksUzielMarkram
    from .data import encoders as encoders
    from .distributions import Clip as Clip
    from .distributions import LogNormal as LogNormal
    from .distributions import Normal as Normal
    from .distributions import Uniform as Uniform
    from .files import load as load
    from .files import save as save
    from .gradients import BPTT as BPTT
    from .gradients import RTRL as RTRL
    from .gradients import EProp as EProp
    from .gradients import EventProp as EventProp
    from .gradients import evaluate as evaluate
    from .gradients import feedback as feedback
    from .gradients import fit as fit
    from .gradients import losses as losses
    from .gradients.losses import Accuracy as Accuracy
    from .gradients.losses import CrossEntropy as CrossEntropy
    from .gradients.losses import MeanSquaredError as MeanSquaredError
    from .gradients.losses import VanRossum as VanRossum
    from .lowering import compare_targets as compare_targets
    from .lowering import lower as lower
    from .networks import BrianOrder as BrianOrder
    from .networks import Connection as Connection
    from .networks import NestOrder as NestOrder
    from .networks import Network as Network
    from .networks import Population as Population
    from .networks import Projection as Projection
    from .networks import SpikeSource as SpikeSource
    from .networks import network as network
    from .networks.description import describe as describe
    from .neurons import ALIF as ALIF
    from .neurons import EIF as EIF
    from .neurons import LI as LI
    from .neurons import LIF as LIF
    from .neurons import QIF as QIF
    from .neurons import AdEx as AdEx
    from .neurons import CobaLIF as CobaLIF
    from .neurons import CubaLIF as CubaLIF
    from .neurons import EscapeLIF as EscapeLIF
    from .neurons import HodgkinHuxley as HodgkinHuxley
    from .neurons import Izhikevich as Izhikevich
    from .neurons import Lapicque as Lapicque
    from .neurons import Parrot as Parrot
    from .neurons import TraubMiles as TraubMiles
    from .neurons import gains as gains
    from .neurons import integrators as integrators
    from .neurons import refractory as refractory
    from .neurons import resets as resets
    from .neurons import surrogates as surrogates
    from .neurons import thresholds as thresholds
    from .plasticity import BCM as BCM
    from .plasticity import Bound as Bound
    from .plasticity import Clopath as Clopath
    from .plasticity import Modulate as Modulate
    from .plasticity import Normalise as Normalise
    from .plasticity import Oja as Oja
    from .plasticity import PairSTDP as PairSTDP
    from .plasticity import Scaling as Scaling
    from .plasticity import SoftBound as SoftBound
    from .plasticity import TripletSTDP as TripletSTDP
    from .plasticity import VogelsSprekeler as VogelsSprekeler
    from .plasticity import chain as chain
    from .simulation import checkpointing as checkpointing
    from .simulation import drives as drives
    from .simulation import probes as probes
    from .simulation import progress as progress
    from .simulation import simulate as simulate
    from .simulation.drives import Modulator as Modulator
    from .simulation.drives import NoiseCurrent as NoiseCurrent
    from .simulation.drives import Poisson as Poisson
    from .simulation.drives import Replay as Replay
    from .simulation.drives import SpikeGenerator as SpikeGenerator
    from .simulation.drives import StepCurrent as StepCurrent
    from .simulation.drives import TimedArray as TimedArray
    from .simulation.probes import ISI as ISI
    from .simulation.probes import Count as Count
    from .simulation.probes import FiringRate as FiringRate
    from .simulation.probes import FirstSpike as FirstSpike
    from .simulation.probes import Last as Last
    from .simulation.probes import Mean as Mean
    from .simulation.probes import PopulationRate as PopulationRate
    from .simulation.probes import Raster as Raster
    from .simulation.probes import Snapshots as Snapshots
    from .simulation.probes import Spikes as Spikes
    from .simulation.probes import Trace as Trace
    from .sweeps import Axis as Axis
    from .sweeps import Flag as Flag
    from .sweeps import Seeds as Seeds
    from .sweeps import Static as Static
    from .sweeps import Whole as Whole
    from .sweeps import as_training_set as as_training_set
    from .sweeps import open_sweep as open_sweep
    from .sweeps import product as product
    from .sweeps import sweep as sweep
    from .sweeps import zipped as zipped
    from .synapses import NMDA as NMDA
    from .synapses import Alpha as Alpha
    from .synapses import Conductance as Conductance
    from .synapses import Delta as Delta
    from .synapses import DualConductance as DualConductance
    from .synapses import DualExponential as DualExponential
    from .synapses import Exponential as Exponential
    from .synapses import UnlessRefractory as UnlessRefractory
else:
    _find, __dir__ = _exports(__name__)

    def __getattr__(name):
        return _version() if name == "__version__" else _find(name)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("jaxsnn")
    except PackageNotFoundError:  # a checkout that was not installed
        return "0"


_later(lambda: _import(f"{__name__}.chips"))  # their targets, and the parts that files of programs may name
