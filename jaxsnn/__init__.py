"""jaxsnn: spiking networks as pure functions. Simulate one, sweep thousands in one program, differentiate it."""

from importlib.metadata import PackageNotFoundError as _NotInstalled
from importlib.metadata import version as _version

# --- choices of a neuron
from ._linear import Current as Current

# --- what everything is built on
from ._status import SimulationError as SimulationError
from ._status import Status as Status
from ._tree import get as get
from ._tree import set as set
from ._types import param as param
from .analysis import plots as plot  # noqa: F401  # snn.plot.raster(...)

# --- connectivity: who, how, and what travels
from .connect.graph import AbstractConnectivity as AbstractConnectivity
from .connect.graph import Dense as Dense
from .connect.graph import Sparse as Sparse
from .connect.layer import Layer as Layer
from .connect.release import AbstractRelease as AbstractRelease
from .connect.saturating import Saturating as Saturating
from .connect.short_term import TsodyksMarkram as TsodyksMarkram
from .connect.short_term import TsodyksUzielMarkram as TsodyksUzielMarkram
from .connect.topology import AbstractTopology as AbstractTopology
from .connect.topology import AllToAll as AllToAll
from .connect.topology import FixedInDegree as FixedInDegree
from .connect.topology import FixedOutDegree as FixedOutDegree
from .connect.topology import FixedProb as FixedProb
from .connect.topology import FixedTotal as FixedTotal
from .connect.topology import FromArrays as FromArrays
from .connect.topology import OneToOne as OneToOne
from .connect.unreliable import Bernoulli as Bernoulli
from .connect.unreliable import Binomial as Binomial

# --- data
from .data.encoders import AbstractEncoder as AbstractEncoder
from .data.encoders import DeltaCode as DeltaCode
from .data.encoders import DirectCode as DirectCode
from .data.encoders import LatencyCode as LatencyCode
from .data.encoders import PopulationCode as PopulationCode
from .data.encoders import RateCode as RateCode

# --- distributions
from .distributions import AbstractDistribution as AbstractDistribution
from .distributions import Clip as Clip
from .distributions import LogNormal as LogNormal
from .distributions import Normal as Normal
from .distributions import Redraw as Redraw
from .distributions import Uniform as Uniform
from .dynamics import AbstractDynamics as AbstractDynamics
from .dynamics import Inputs as Inputs
from .dynamics import Signals as Signals

# --- gradients
from .gradients.bptt import BPTT as BPTT
from .gradients.checkpoints import Checkpoints as Checkpoints
from .gradients.eprop import EProp as EProp
from .gradients.estimator import AbstractEstimator as AbstractEstimator
from .gradients.evaluate import evaluate as evaluate
from .gradients.eventprop import EventProp as EventProp
from .gradients.feedback import AbstractFeedback as AbstractFeedback
from .gradients.feedback import AdaptiveFeedback as AdaptiveFeedback
from .gradients.feedback import RandomFeedback as RandomFeedback
from .gradients.feedback import SymmetricFeedback as SymmetricFeedback
from .gradients.fit import Fit as Fit
from .gradients.fit import TrainingError as TrainingError
from .gradients.fit import fit as fit
from .gradients.loss import AbstractLoss as AbstractLoss
from .gradients.loss import AbstractReadout as AbstractReadout
from .gradients.loss import AbstractSummedLoss as AbstractSummedLoss
from .gradients.losses import Accuracy as Accuracy
from .gradients.losses import CrossEntropy as CrossEntropy
from .gradients.losses import LowerRate as LowerRate
from .gradients.losses import MeanSquaredError as MeanSquaredError
from .gradients.losses import UpperRate as UpperRate
from .gradients.overtime import StepCrossEntropy as StepCrossEntropy
from .gradients.overtime import TraceError as TraceError
from .gradients.overtime import VanRossum as VanRossum
from .gradients.rtrl import RTRL as RTRL

# --- lowering to a chip
from .lower.agreement import Agreement as Agreement
from .lower.agreement import spike_agreement as spike_agreement
from .lower.bound import BoundAccumulators as BoundAccumulators
from .lower.calibrate import Calibration as Calibration
from .lower.cells import AbstractCells as AbstractCells
from .lower.cells import CellNoise as CellNoise
from .lower.cells import CubaCells as CubaCells
from .lower.cells import InputCells as InputCells
from .lower.cells import ToCurrent as ToCurrent
from .lower.cells import ToMembrane as ToMembrane

# --- learning on a chip, Lava-DL's files, training through the integers
from .lower.convolution import ConvSynapses as ConvSynapses
from .lower.cores import Brian2LoihiCore as Brian2LoihiCore
from .lower.cores import Core as Core
from .lower.cores import Excitatory as Excitatory
from .lower.cores import Inhibitory as Inhibitory
from .lower.cores import LavaCore as LavaCore
from .lower.cores import Loihi1Core as Loihi1Core
from .lower.cores import Mixed as Mixed
from .lower.cores import NengoLoihiCore as NengoLoihiCore
from .lower.discretise import AbstractPass as AbstractPass
from .lower.discretise import Discretise as Discretise
from .lower.discretise import FoldGains as FoldGains
from .lower.discretise import MapDelays as MapDelays
from .lower.emit import emit as emit
from .lower.file import ProgramFileError as ProgramFileError
from .lower.fixed import Fixed as Fixed
from .lower.ir import Graph as Graph
from .lower.learning.engine import LoihiRule as LoihiRule
from .lower.learning.parse import parse_rule as parse_rule
from .lower.learning.rounding import AbstractRounding as AbstractRounding
from .lower.learning.rounding import IndependentRounding as IndependentRounding
from .lower.learning.rounding import LavaRounding as LavaRounding
from .lower.learning.rounding import NearestRounding as NearestRounding
from .lower.learning.rule import SumOfProducts as SumOfProducts
from .lower.learning.stdp import Mapped as Mapped
from .lower.learning.stdp import learns as learns
from .lower.learning.synapses import LearningSynapses as LearningSynapses
from .lower.learning.trace import LoihiTrace as LoihiTrace
from .lower.learning.trace import ReceivedTrace as ReceivedTrace
from .lower.lift import lift as lift
from .lower.lift import lowers as lowers
from .lower.lower import lower as lower
from .lower.lower import lower_graph as lower_graph
from .lower.lower import lowering_passes as lowering_passes
from .lower.netx.read import from_netx as from_netx
from .lower.netx.write import to_netx as to_netx
from .lower.place import PlaceOnCores as PlaceOnCores
from .lower.place import RouteAxons as RouteAxons
from .lower.place import VerifyLimits as VerifyLimits
from .lower.program import Program as Program
from .lower.quantise import BalanceScales as BalanceScales
from .lower.quantise import Quantise as Quantise
from .lower.quantise import QuantiseDecays as QuantiseDecays
from .lower.relax import Relaxed as Relaxed
from .lower.relax import relax as relax
from .lower.report import Report as Report
from .lower.sparse import SparseSynapses as SparseSynapses
from .lower.synapses import AbstractSynapses as AbstractSynapses
from .lower.synapses import Synapses as Synapses
from .lower.targets import AbstractTarget as AbstractTarget
from .lower.targets import Loihi1 as Loihi1
from .lower.targets import Loihi2 as Loihi2

# --- networks
from .network.network import Network as Network
from .network.network import network as network
from .network.order import AbstractOrder as AbstractOrder
from .network.order import BrianOrder as BrianOrder
from .network.order import NestOrder as NestOrder
from .network.population import Population as Population
from .network.population import Source as Source
from .network.projection import Link as Link
from .network.projection import Projection as Projection

# --- neurons
from .neurons.alif import ALIF as ALIF
from .neurons.alif import AbstractIncrement as AbstractIncrement
from .neurons.alif import NormalisedIncrement as NormalisedIncrement
from .neurons.alif import WholeIncrement as WholeIncrement
from .neurons.base import AbstractNeuron as AbstractNeuron
from .neurons.base import Membrane as Membrane
from .neurons.choices import Above as Above
from .neurons.choices import AbstractComparator as AbstractComparator
from .neurons.choices import AbstractGain as AbstractGain
from .neurons.choices import AbstractHearing as AbstractHearing
from .neurons.choices import AbstractReset as AbstractReset
from .neurons.choices import AbstractResetTime as AbstractResetTime
from .neurons.choices import AtLeast as AtLeast
from .neurons.choices import Capacitance as Capacitance
from .neurons.choices import Drops as Drops
from .neurons.choices import Integrates as Integrates
from .neurons.choices import Keeps as Keeps
from .neurons.choices import NextStep as NextStep
from .neurons.choices import Nothing as Nothing
from .neurons.choices import PerStep as PerStep
from .neurons.choices import Resistance as Resistance
from .neurons.choices import SameStep as SameStep
from .neurons.choices import Subtract as Subtract
from .neurons.choices import ToValue as ToValue
from .neurons.coba import CobaLIF as CobaLIF
from .neurons.cuba import CubaLIF as CubaLIF
from .neurons.escape import AbstractHazard as AbstractHazard
from .neurons.escape import EscapeLIF as EscapeLIF
from .neurons.escape import ExponentialHazard as ExponentialHazard
from .neurons.escape import SigmoidHazard as SigmoidHazard
from .neurons.exponential import EIF as EIF
from .neurons.exponential import AdEx as AdEx
from .neurons.hodgkin_huxley import AbstractDetector as AbstractDetector
from .neurons.hodgkin_huxley import AtPeak as AtPeak
from .neurons.hodgkin_huxley import HodgkinHuxley as HodgkinHuxley
from .neurons.hodgkin_huxley import TraubMiles as TraubMiles
from .neurons.hodgkin_huxley import Upward as Upward
from .neurons.hodgkin_huxley import WhileAbove as WhileAbove
from .neurons.integrators import RK2 as RK2
from .neurons.integrators import RK4 as RK4
from .neurons.integrators import RKF45 as RKF45
from .neurons.integrators import AbstractIntegrator as AbstractIntegrator
from .neurons.integrators import Euler as Euler
from .neurons.integrators import ExponentialEuler as ExponentialEuler
from .neurons.integrators import MembraneFirst as MembraneFirst
from .neurons.lapicque import Lapicque as Lapicque
from .neurons.lif import LIF as LIF
from .neurons.ode import AbstractODE as AbstractODE
from .neurons.quadratic import QIF as QIF
from .neurons.quadratic import Izhikevich as Izhikevich
from .neurons.readout import LI as LI
from .neurons.readout import Relay as Relay
from .neurons.recursion import AbstractDecay as AbstractDecay
from .neurons.recursion import AbstractRecursion as AbstractRecursion
from .neurons.recursion import DecayingCurrent as DecayingCurrent
from .neurons.recursion import EulerDecay as EulerDecay
from .neurons.recursion import ExactDecay as ExactDecay
from .neurons.recursion import NewCurrent as NewCurrent
from .neurons.recursion import OldCurrent as OldCurrent
from .neurons.surrogate import AbstractSurrogate as AbstractSurrogate
from .neurons.surrogate import ATan as ATan
from .neurons.surrogate import Boxcar as Boxcar
from .neurons.surrogate import Erf as Erf
from .neurons.surrogate import FastSigmoid as FastSigmoid
from .neurons.surrogate import MultiGaussian as MultiGaussian
from .neurons.surrogate import Peak as Peak
from .neurons.surrogate import PiecewiseQuadratic as PiecewiseQuadratic
from .neurons.surrogate import Sigmoid as Sigmoid
from .neurons.surrogate import Slayer as Slayer
from .neurons.surrogate import StraightThrough as StraightThrough
from .neurons.surrogate import Tanh as Tanh
from .neurons.surrogate import Triangle as Triangle

# --- plasticity
from .plasticity.base import AbstractModifier as AbstractModifier
from .plasticity.base import AbstractPairing as AbstractPairing
from .plasticity.base import AbstractRule as AbstractRule
from .plasticity.base import AbstractSends as AbstractSends
from .plasticity.base import After as After
from .plasticity.base import Apart as Apart
from .plasticity.base import Before as Before
from .plasticity.base import Chain as Chain
from .plasticity.base import PreFirst as PreFirst
from .plasticity.base import Seen as Seen
from .plasticity.base import chain as chain
from .plasticity.bounds import Bound as Bound
from .plasticity.bounds import SoftBound as SoftBound
from .plasticity.bounds import StraightThroughBound as StraightThroughBound
from .plasticity.homeostasis import Normalise as Normalise
from .plasticity.homeostasis import Scaling as Scaling
from .plasticity.inhibitory import VogelsSprekeler as VogelsSprekeler
from .plasticity.modulation import Modulate as Modulate
from .plasticity.rates import BCM as BCM
from .plasticity.rates import Oja as Oja
from .plasticity.stdp import AbstractDependence as AbstractDependence
from .plasticity.stdp import AbstractPairs as AbstractPairs
from .plasticity.stdp import Additive as Additive
from .plasticity.stdp import AllPairs as AllPairs
from .plasticity.stdp import Guetig as Guetig
from .plasticity.stdp import Nearest as Nearest
from .plasticity.stdp import PairSTDP as PairSTDP
from .plasticity.stdp import PowerLaw as PowerLaw
from .plasticity.traces import AbstractTrace as AbstractTrace
from .plasticity.traces import NearestTrace as NearestTrace
from .plasticity.traces import SpikeTrace as SpikeTrace
from .plasticity.traces import VoltageTrace as VoltageTrace
from .plasticity.triplet import TripletSTDP as TripletSTDP
from .plasticity.voltage import Clopath as Clopath

# --- running
from .simulate.around import Decoded as Decoded
from .simulate.around import Encoded as Encoded
from .simulate.checkpoint import AbstractCheckpoint as AbstractCheckpoint
from .simulate.checkpoint import Chunked as Chunked
from .simulate.checkpoint import KeepAll as KeepAll
from .simulate.checkpoint import Recursive as Recursive
from .simulate.checkpoint import Truncated as Truncated
from .simulate.counts import FiringRate as FiringRate
from .simulate.counts import FirstSpike as FirstSpike
from .simulate.currents import Noise as Noise
from .simulate.currents import Step as Step
from .simulate.currents import Waveform as Waveform
from .simulate.drive import AbstractDrive as AbstractDrive
from .simulate.drive import Silence as Silence
from .simulate.modulators import Modulator as Modulator
from .simulate.progress import Bar as Bar
from .simulate.progress import Quiet as Quiet
from .simulate.record import AbstractProbe as AbstractProbe
from .simulate.run import Run as Run
from .simulate.run import RunState as RunState
from .simulate.run import simulate as simulate
from .simulate.spikes import ISI as ISI
from .simulate.spikes import Count as Count
from .simulate.spikes import PackedRaster as PackedRaster
from .simulate.spikes import Raster as Raster
from .simulate.spikes import Rate as Rate
from .simulate.spikes import Spikes as Spikes
from .simulate.traces import Last as Last
from .simulate.traces import Max as Max
from .simulate.traces import Mean as Mean
from .simulate.traces import Snapshots as Snapshots
from .simulate.traces import Sum as Sum
from .simulate.traces import Trace as Trace
from .simulate.trains import Poisson as Poisson
from .simulate.trains import Replay as Replay

# --- sweeps
from .sweep.grid import Axis as Axis
from .sweep.grid import Grid as Grid
from .sweep.grid import Seeds as Seeds
from .sweep.grid import Static as Static
from .sweep.grid import product as product
from .sweep.grid import zipped as zipped
from .sweep.run import sweep as sweep

# --- synapse ports
from .synapses.alpha import Alpha as Alpha
from .synapses.base import AbstractSynapse as AbstractSynapse
from .synapses.base import Exact as Exact
from .synapses.base import Frozen as Frozen
from .synapses.conductance import Conductance as Conductance
from .synapses.delta import Delta as Delta
from .synapses.dual import AbstractSize as AbstractSize
from .synapses.dual import Bare as Bare
from .synapses.dual import DualConductance as DualConductance
from .synapses.dual import DualExponential as DualExponential
from .synapses.dual import ToArea as ToArea
from .synapses.dual import ToPeak as ToPeak
from .synapses.exponential import Exponential as Exponential
from .synapses.nmda import NMDA as NMDA
from .synapses.refractory import UnlessRefractory as UnlessRefractory

try:
    __version__ = _version("jaxsnn")
except _NotInstalled:  # a checkout that was not installed
    __version__ = "0"
