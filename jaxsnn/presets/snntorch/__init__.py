"""snnTorch: `Leaky`, `Synaptic`, `Lapicque`, `surrogate`, `spikegen` and `functional`, for a network with `dt=1.0`.

    layer = Population(snntorch.Leaky(beta=0.9), 128)
    loss = snntorch.functional.ce_count_loss("out")
    spikes = snntorch.spikegen.rate(num_steps=25)(images, key=key)

Weights go to the default port, `Delta`. What snnTorch learns on request is learnt here by naming it:
`BPTT(wrt=("*.weight", "hidden.neuron.tau"))`.
"""

from .._refuse import refused_names
from . import functional as functional
from . import spikegen as spikegen
from . import surrogate as surrogate
from .neurons import Lapicque as Lapicque
from .neurons import Leaky as Leaky
from .neurons import Synaptic as Synaptic

_RECURRENT = "recurrent connections are Connections of the population with itself, and not part of a neuron"
__getattr__ = refused_names(
    "snn.presets.snntorch",
    {
        "Alpha": "its membrane is a difference of two currents without a leak; use snn.LIF with the port snn.Alpha",
        "RLeaky": _RECURRENT,
        "RSynaptic": _RECURRENT,
        "LeakyParallel": "a linear recurrence without reset; use Leaky(reset_mechanism='none')",
        "SConv2dLSTM": "an LSTM with a threshold, which is no neuron here",
        "SLSTM": "an LSTM with a threshold, which is no neuron here",
    },
)
