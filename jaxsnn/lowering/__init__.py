"""Lowering: a network as a fixed-point program, by passes over an intermediate representation.

A program runs in the same loop as the network it was made from.
"""

from .agreement import Agreement as Agreement
from .agreement import spike_agreement as spike_agreement
from .calibrate import Calibration as Calibration
from .cells import AbstractCells as AbstractCells
from .cells import InputCells as InputCells
from .cells import InputCounts as InputCounts
from .compare import Comparison as Comparison
from .compare import compare_targets as compare_targets
from .file import ProgramFileError as ProgramFileError
from .file import load_program as load_program
from .file import save_program as save_program
from .formats import AbstractFormat as AbstractFormat
from .formats import Fixed as Fixed
from .formats import Real as Real
from .graph import CellNode as CellNode
from .graph import EdgeNode as EdgeNode
from .graph import Facts as Facts
from .graph import Graph as Graph
from .graph import Value as Value
from .passes.base import AbstractPass as AbstractPass
from .passes.decays import QuantiseDecays as QuantiseDecays
from .passes.discretise import Discretise as Discretise
from .passes.fold import FoldGains as FoldGains
from .passes.onestep import OneStep as OneStep
from .passes.quantise import CellFormats as CellFormats
from .passes.quantise import Quantise as Quantise
from .passes.scales import BalanceScales as BalanceScales
from .passes.scales import Capacity as Capacity
from .passes.timing import MapDelays as MapDelays
from .pipeline import Lowered as Lowered
from .pipeline import lower as lower
from .pipeline import lower_graph as lower_graph
from .program import Program as Program
from .proofs import bounds as bounds
from .reading import read as read
from .real import RealNeuron as RealNeuron
from .relaxed import Relaxed as Relaxed
from .relaxed import relax as relax
from .reports import Report as Report
from .reports import report as report
from .rounded import rounded_network as rounded_network
from .rounded import stored_values as stored_values
from .rules import AbstractRuleNode as AbstractRuleNode
from .storage import stored as stored
from .summaries import summary as summary
from .synapses import AbstractCarrier as AbstractCarrier
from .synapses import AbstractSynapses as AbstractSynapses
from .target import AbstractTarget as AbstractTarget
from .target import Precision as Precision
from .target import register_target as register_target
from .target import targets as targets
from .target import verify as verify
