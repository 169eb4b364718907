"""Delta synapses."""

from __future__ import annotations

from .base import AbstractSynapse


class Delta(AbstractSynapse):
    """An arriving weight is a jump of the membrane potential: `v <- v + w`, weights in mV. It has no state.

    NEST: `iaf_psc_delta`; Brian2: `on_pre="v += w"`; deep-learning libraries: the input of a neuron.
    """

    weight_unit = "mV"

    def init(self, shape, dtype):
        return ()

    def advance(self, s, v, dt, tau_m):
        return s, None

    def receive(self, s, arrivals):
        return s, arrivals
