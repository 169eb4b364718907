"""Neurons, synapses, plasticity rules and releases from Brian2's text, as ordinary classes whose parameters are leaves.

    Cell = snn.equations.neuron("dv/dt = (v_rest - v + r*i)/tau : volt", threshold="v > v_th", reset="v = v_rest", ...)

SymPy, which finds the coefficients of linear equations, is an extra: `pip install jaxsnn[equations]`.
"""

from .build import neuron as neuron
from .cell import EquationNeuron as EquationNeuron
from .exact import Exact as Exact
from .integrating import EquationSynapse as EquationSynapse
from .integrating import synapse as synapse
from .releases import EquationRelease as EquationRelease
from .releases import release as release
from .rules import EquationRule as EquationRule
from .rules import rule as rule
from .source import EquationError as EquationError
from .splitting import ConditionallyLinear as ConditionallyLinear
from .stochastic import AbstractStochastic as AbstractStochastic
from .stochastic import EulerMaruyama as EulerMaruyama
from .stochastic import Heun as Heun
from .stochastic import Milstein as Milstein
