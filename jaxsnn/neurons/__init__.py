"""Neurons: state-transition functions written for one cell, elementwise and without a key, one family a file.

The choices by which simulators differ have a namespace each: `thresholds`, `resets`, `refractory`, `gains`,
`surrogates`, `integrators`.
"""

from typing import TYPE_CHECKING

from .._late import exports

if TYPE_CHECKING:
    from . import gains as gains
    from . import integrators as integrators
    from . import refractory as refractory
    from . import resets as resets
    from . import surrogates as surrogates
    from . import thresholds as thresholds
    from .alif import ALIF as ALIF
    from .alif import AbstractIncrement as AbstractIncrement
    from .alif import NormalisedIncrement as NormalisedIncrement
    from .alif import WholeIncrement as WholeIncrement
    from .base import AbstractNeuron as AbstractNeuron
    from .base import Membrane as Membrane
    from .coba import CobaLIF as CobaLIF
    from .cuba import CubaLIF as CubaLIF
    from .escape import AbstractHazard as AbstractHazard
    from .escape import EscapeLIF as EscapeLIF
    from .escape import ExponentialHazard as ExponentialHazard
    from .escape import SigmoidHazard as SigmoidHazard
    from .exponential import EIF as EIF
    from .exponential import AdEx as AdEx
    from .hodgkin_huxley import AboveThreshold as AboveThreshold
    from .hodgkin_huxley import AbstractSpikeDetector as AbstractSpikeDetector
    from .hodgkin_huxley import HodgkinHuxley as HodgkinHuxley
    from .hodgkin_huxley import PeakDetector as PeakDetector
    from .hodgkin_huxley import TraubMiles as TraubMiles
    from .hodgkin_huxley import UpwardCrossing as UpwardCrossing
    from .lapicque import Lapicque as Lapicque
    from .lif import LIF as LIF
    from .ode import AbstractODE as AbstractODE
    from .quadratic import QIF as QIF
    from .quadratic import Izhikevich as Izhikevich
    from .readout import LI as LI
    from .readout import Parrot as Parrot
    from .recursions import AbstractDecay as AbstractDecay
    from .recursions import AbstractRecursion as AbstractRecursion
    from .recursions import CurrentAfterInput as CurrentAfterInput
    from .recursions import CurrentBeforeInput as CurrentBeforeInput
    from .recursions import DecayingCurrent as DecayingCurrent
    from .recursions import EulerDecay as EulerDecay
    from .recursions import ExactDecay as ExactDecay
    from .resonate import AbstractFiringPhase as AbstractFiringPhase
    from .resonate import AtPhaseZero as AtPhaseZero
    from .resonate import AtThreshold as AtThreshold
    from .resonate import ResonateAndFire as ResonateAndFire
else:
    __getattr__, __dir__ = exports(__name__)
