"""What is seen here of neurons that live elsewhere: the seam for a network that is spread over devices."""

from __future__ import annotations

import abc

import equinox as eqx

from ..connectivity.spikes import Spikes


class AbstractExchange(eqx.Module):
    """From the spikes of the neurons that live here to those of everybody."""

    @abc.abstractmethod
    def __call__(self, own: Spikes) -> Spikes:
        """What everybody sends in a step."""


class Here(AbstractExchange):
    """All neurons live here."""

    def __call__(self, own):
        return own
