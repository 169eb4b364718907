"""Exchange: the spikes of neurons on other devices."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from .._types import canonical_float
from ..connectivity.spikes import Spikes
from .shards import Shards

if TYPE_CHECKING:
    from .layout import Layout


class AbstractExchange(eqx.Module):
    """From the spikes of the neurons of this device to those of all neurons."""

    @abc.abstractmethod
    def __call__(self, own: Spikes, layout: Layout) -> Spikes:
        """The spikes of all senders in a step, side by side."""

    @abc.abstractmethod
    def of_one(self, own: Spikes) -> Spikes:
        """The spikes of one sender in a step."""


class Here(AbstractExchange):
    """All neurons are on this device."""

    def __call__(self, own, layout):
        return own

    def of_one(self, own):
        return own


class Gathered(AbstractExchange):
    """Neurons on every device of a mesh: their spikes are gathered as bits, and amplitudes where a bit is not enough.

    `words` and `all_of` take leading axes, such as one of steps.
    """

    shards: Shards = eqx.field(static=True)

    def __call__(self, own, layout):
        words = self.words(own.words, layout)
        graded = {name: own.amplitude[layout.here(name).slice] for name in layout.with_amplitudes}
        return self.opened(words, self.all_of(graded), layout)

    def of_one(self, own):
        n = own.amplitude.shape[-1]
        whole = self.shards.everywhere(own.amplitude, n * self.shards.number, axis=own.amplitude.ndim - 1)
        return Spikes(whole, self.shards.words(own.words, [n]))

    def words(self, own: UInt32[Array, "... own"], layout: Layout) -> UInt32[Array, "... all"]:
        """The bits of all senders: one collective, of n / 8 bytes for n neurons."""
        return self.shards.words(own, [layout.here(name).n for name in layout.sending])

    def all_of(self, own: dict[str, Float[Array, "... n"]]) -> dict[str, Float[Array, "... all"]]:
        """The amplitudes of some senders on all devices."""
        devices = self.shards.number
        return {name: self.shards.everywhere(x, x.shape[-1] * devices, axis=x.ndim - 1) for name, x in own.items()}

    def opened(self, words: UInt32[Array, " words"], graded: dict[str, Array], layout: Layout) -> Spikes:
        """The spikes of all senders in a step: amplitudes that were gathered, and 1 for every other spike."""
        spikes = Spikes(None, words)
        if not graded:
            return spikes
        of = lambda name: graded[name] if name in graded else spikes.part(*layout.sender(name)).amplitude
        return Spikes(jnp.concatenate([of(name).astype(canonical_float()) for name in layout.sending]), words)
