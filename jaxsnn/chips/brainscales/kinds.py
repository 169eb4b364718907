"""Parts of the float model that files of programs may contain, as circuits are populations of it."""

from ...lowering.storage import stored
from ...networks.population import Population
from ...neurons import gains, integrators, recursions, refractory, resets, surrogates, thresholds
from ...neurons.cuba import CubaLIF
from ...neurons.exponential import AdEx
from ...neurons.lif import LIF
from ...neurons.readout import LI
from ...synapses.base import ExactIntegral, ZeroOrderHold
from ...synapses.delta import Delta
from ...synapses.exponential import Exponential
from .neurons import CubaAdEx
from .pattern import Circuits
from .sensors import Sensors

_CHOICES = (gains, integrators, recursions, refractory, resets, surrogates, thresholds)
_PARTS = (
    Population,
    CubaLIF,
    CubaAdEx,
    LIF,
    LI,
    AdEx,
    Delta,
    Exponential,
    ExactIntegral,
    ZeroOrderHold,
    Circuits,
    Sensors,
)


def _classes(room):
    """Those that a module defines."""
    return [x for x in vars(room).values() if isinstance(x, type) and x.__module__ == room.__name__]


for kind in (*_PARTS, *(kind for room in _CHOICES for kind in _classes(room))):
    stored(kind)
