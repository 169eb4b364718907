"""A port whose state is frozen while its neuron is refractory."""

from __future__ import annotations

from .base import AbstractSynapse


class UnlessRefractory(AbstractSynapse):
    """Wraps a port whose state is frozen, and whose arrivals are lost, while the neuron is refractory.

    Brian2's `(unless refractory)` flag on a synaptic variable: after a spike in step `k` the state does not decay in
    the refractory steps, and arrivals in `k` (after the threshold) or in a refractory step are lost. The population
    applies it, since only the population knows who is refractory.

    **Arguments:** `port`: any other port.
    """

    port: AbstractSynapse

    @property
    def signed(self):
        return self.port.signed

    @property
    def weight_unit(self):
        return self.port.weight_unit

    @property
    def variable(self):
        return self.port.variable

    @property
    def ranges(self):
        return self.port.ranges

    def init(self, shape, dtype):
        return self.port.init(shape, dtype)

    def advance(self, s, v, dt, tau_m):
        return self.port.advance(s, v, dt, tau_m)

    def receive(self, s, arrivals):
        return self.port.receive(s, arrivals)
