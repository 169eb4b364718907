"""Exchange: the spikes of neurons on other devices. A network over several devices would be another class here."""

from __future__ import annotations

import abc

import equinox as eqx

from ..connectivity.spikes import Spikes


class AbstractExchange(eqx.Module):
    """From the spikes of the neurons of this device to those of all neurons."""

    @abc.abstractmethod
    def __call__(self, own: Spikes) -> Spikes:
        """The spikes of all neurons in a step."""


class Here(AbstractExchange):
    """All neurons are on this device."""

    def __call__(self, own):
        return own
