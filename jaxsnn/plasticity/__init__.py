"""Plasticity: rules written for one synapse, composed by `chain` on a projection.

Rules state what a presynaptic and a postsynaptic spike change; modifiers bound, modulate or normalise the change.
"""

from typing import TYPE_CHECKING

from .._late import exports

if TYPE_CHECKING:
    from .base import AbstractClipping as AbstractClipping
    from .base import AbstractModifier as AbstractModifier
    from .base import AbstractPairing as AbstractPairing
    from .base import AbstractRule as AbstractRule
    from .base import AbstractSentWeight as AbstractSentWeight
    from .base import Chain as Chain
    from .base import ClipEachTerm as ClipEachTerm
    from .base import ClipWholeChange as ClipWholeChange
    from .base import CoincidentIgnored as CoincidentIgnored
    from .base import PreBeforePost as PreBeforePost
    from .base import SynapseContext as SynapseContext
    from .base import WeightAfterUpdate as WeightAfterUpdate
    from .base import WeightBeforeUpdate as WeightBeforeUpdate
    from .base import chain as chain
    from .bounds import Bound as Bound
    from .bounds import SoftBound as SoftBound
    from .bounds import StraightThroughBound as StraightThroughBound
    from .homeostasis import Normalise as Normalise
    from .homeostasis import Scaling as Scaling
    from .inhibitory import VogelsSprekeler as VogelsSprekeler
    from .modulation import Modulate as Modulate
    from .rates import BCM as BCM
    from .rates import Oja as Oja
    from .stdp import AbstractDependence as AbstractDependence
    from .stdp import AbstractPairs as AbstractPairs
    from .stdp import Additive as Additive
    from .stdp import AllPairs as AllPairs
    from .stdp import Guetig as Guetig
    from .stdp import NearestNeighbour as NearestNeighbour
    from .stdp import PairSTDP as PairSTDP
    from .stdp import PowerLaw as PowerLaw
    from .traces import AbstractTrace as AbstractTrace
    from .traces import NearestTrace as NearestTrace
    from .traces import SpikeTrace as SpikeTrace
    from .traces import VoltageTrace as VoltageTrace
    from .triplet import TripletSTDP as TripletSTDP
    from .voltage import Clopath as Clopath
else:
    __getattr__, __dir__ = exports(__name__)
