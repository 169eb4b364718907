"""Lowering: a network as a fixed-point program, by passes over an intermediate representation.

A program runs in the same loop as the network it was made from.
"""

from .agreement import Agreement as Agreement
from .agreement import spike_agreement as spike_agreement
from .bound import BoundAccumulators as BoundAccumulators
from .calibrate import Calibration as Calibration
from .cells import AbstractCells as AbstractCells
from .cells import CellNoise as CellNoise
from .cells import InputCells as InputCells
from .cells import ToCurrent as ToCurrent
from .cells import ToMembrane as ToMembrane
from .convolution import ConvSynapses as ConvSynapses
from .discretise import AbstractPass as AbstractPass
from .discretise import Discretise as Discretise
from .discretise import FoldGains as FoldGains
from .discretise import MapDelays as MapDelays
from .emission import emit as emit
from .file import ProgramFileError as ProgramFileError
from .fixed import Fixed as Fixed
from .ir import Graph as Graph
from .learning.stdp import learns as learns
from .pipeline import lower as lower
from .pipeline import lower_graph as lower_graph
from .pipeline import lowering_passes as lowering_passes
from .place import PlaceOnCores as PlaceOnCores
from .place import RouteAxons as RouteAxons
from .place import VerifyLimits as VerifyLimits
from .program import Program as Program
from .quantise import BalanceScales as BalanceScales
from .quantise import Precision as Precision
from .quantise import Quantise as Quantise
from .quantise import QuantiseDecays as QuantiseDecays
from .reading import lift as lift
from .reading import lowers as lowers
from .relaxed import Relaxed as Relaxed
from .relaxed import relax as relax
from .report import Report as Report
from .sparse import SparseSynapses as SparseSynapses
from .synapses import AbstractSynapses as AbstractSynapses
from .synapses import Synapses as Synapses
from .targets import AbstractTarget as AbstractTarget
