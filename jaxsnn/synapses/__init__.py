"""Synapse ports: what arriving weights do to a neuron, as a current, a conductance or a jump of the membrane.

A port belongs to the receiving population and is shared by all projections into it.
"""

from typing import TYPE_CHECKING

from .._late import exports

if TYPE_CHECKING:
    from .._linear import Current as Current
    from .alpha import Alpha as Alpha
    from .base import AbstractSynapse as AbstractSynapse
    from .base import ExactIntegral as ExactIntegral
    from .base import ZeroOrderHold as ZeroOrderHold
    from .clocked import AbstractClockedSynapse as AbstractClockedSynapse
    from .clocked import OfNeurons as OfNeurons
    from .clocked import Pathway as Pathway
    from .conductance import Conductance as Conductance
    from .delta import Delta as Delta
    from .dual import AbstractNormalisation as AbstractNormalisation
    from .dual import DualConductance as DualConductance
    from .dual import DualExponential as DualExponential
    from .dual import UnitArea as UnitArea
    from .dual import UnitPeak as UnitPeak
    from .dual import Unnormalised as Unnormalised
    from .exponential import Exponential as Exponential
    from .into import Into as Into
    from .nmda import NMDA as NMDA
    from .refractory import UnlessRefractory as UnlessRefractory
else:
    __getattr__, __dir__ = exports(__name__)
