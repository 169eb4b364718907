"""Layout: the columns of every port in a ring slot, the places of all senders, and which populations are advanced
together.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from .._bits import BITS
from .._memory import available
from .._types import canonical_float
from ..connectivity.ring import Ring
from ..connectivity.spikes import Spikes, side_by_side
from .groups import Group, alone_in_a_group, kinds
from .population import Population
from .projection import Projection
from .shards import Shards


class Span(NamedTuple):
    """Consecutive places."""

    first: int
    n: int

    @property
    def slice(self) -> slice:
        return slice(self.first, self.first + self.n)


class Layout(eqx.Module):
    """The positions of populations and ports in the arrays of a run; no other class computes them.

    A slot of the ring holds one column per neuron and port: the ports of populations of one kind side by side, so that
    their arrivals are one slice. Senders are the populations, followed by projections with a release; each begins at a
    word of 32 bits.
    """

    sizes: tuple[tuple[str, int], ...] = eqx.field(static=True)
    ports: tuple[tuple[str, int], ...] = eqx.field(static=True)  # by full name: neurons
    releases: tuple[tuple[str, int], ...] = eqx.field(static=True)  # projections that release: their senders
    slots: int = eqx.field(static=True)
    groups: tuple[Group, ...] = eqx.field(static=True)  # all populations; most are groups of their own
    shards: Shards | None = eqx.field(default=None, static=True)  # of which this is one part; None: there is one
    graded: tuple[str, ...] = eqx.field(default=(), static=True)  # populations whose spikes have amplitudes
    ordered: bool = eqx.field(default=False, static=True)  # whether arrivals are summed in the order of senders

    @classmethod
    def of(
        cls,
        populations: Mapping[str, Population],
        projections: Mapping[str, Projection],
        slots: int | None = None,
        *,
        fused: bool = False,
        shards: Shards | None = None,
        ordered: bool = False,
    ) -> Layout:
        """`slots`: of the ring of the whole network, if this is a part of it. `fused`: populations of one kind are
        advanced as one; the columns are the same either way. `shards`: populations are the parts of one device, to
        which neurons of all devices send. `ordered`: arrivals are summed in the order of senders.
        """
        groups = kinds(populations, projections)
        return cls(
            tuple((name, population.n) for name, population in populations.items()),
            tuple(
                (f"{name}.{port}", populations[name].n)
                for group in groups
                for port in populations[group.first].ports
                for name, _ in group.members
            ),
            tuple((name, populations[p.pre].n) for name, p in projections.items() if p.release is not None),
            1 + max((_longest(p) for p in projections.values()), default=0) if slots is None else slots,
            groups if fused else tuple(alone_in_a_group((name, p.n)) for name, p in populations.items()),
            shards,
            tuple(name for name, population in populations.items() if not population.neuron.binary),
            ordered,
        )

    @property
    def ring(self) -> Ring:
        """One slot per step of the longest delay and one for the present step; one column per neuron and port."""
        return Ring(self.slots, sum(n for _, n in self.ports), self.ordered)

    # --- ports: columns of the ring ---------------------------------------------------------------------------------

    def columns(self, port: str) -> Span:
        """The columns of a port, by its full name."""
        return _span(self.ports, port, 1)

    def arrivals(
        self, landed: Float[Array, " columns"], fed: Mapping[str, Float[Array, " n"]]
    ) -> dict[str, dict[str, Array]]:
        """The arrivals of a step, from the ring and from drives, by group and port."""
        out: dict[str, dict[str, Array]] = {}
        for group in self.groups:
            own = out[group.name] = {}
            for port in (path.partition(".")[2] for path, _ in self.ports if path.startswith(f"{group.first}.")):
                first = self.columns(f"{group.first}.{port}").first
                own[port] = landed[first : first + group.n]
                more = {name: fed[path] for name, _ in group.members if (path := f"{name}.{port}") in fed}
                if (added := group.filled(more, -0.0)) is not None:  # 0.0 would change -0.0
                    own[port] = own[port] + added
        return out

    def slot(self, by_port: Mapping[str, Float[Array, " n"]], dtype: type | np.dtype) -> Float[Array, " columns"]:
        """Values of some ports as a slot of the ring, 0 for the others."""
        return jnp.concatenate([by_port.get(path, jnp.zeros(n, dtype)) for path, n in self.ports])

    def by_port(self, ring: Float[Array, " places"]) -> dict[str, Float[Array, "slots n"]]:
        """The ring split by port."""
        slots = ring.reshape(self.slots, -1)
        return {path: slots[:, self.columns(path).slice] for path, _ in self.ports}

    def together(self, by_port: Mapping[str, Float[Array, "slots n"]]) -> Float[Array, " places"]:
        """The ring joined from its ports; further parts are ignored."""
        return jnp.concatenate([by_port[path] for path, _ in self.ports], axis=1).reshape(-1)

    # --- groups: populations that are advanced as one ---------------------------------------------------------------

    def currents(self, fed: Mapping[str, Float[Array, " n"]]) -> dict[str, Float[Array, " n"]]:
        """The currents from drives by group."""
        found = {group.name: group.filled(fed, 0.0) for group in self.groups}
        return {name: current for name, current in found.items() if current is not None}

    def joined(self, by_population: Mapping[str, Any]) -> dict[str, Any]:
        """States or spikes of populations, by group."""
        return {group.name: group.joined(by_population) for group in self.groups}

    def apart(self, by_group: Mapping[str, Any]) -> dict[str, Any]:
        """States or spikes of some groups, by population."""
        out = {}
        for group in self.groups:
            if group.name in by_group:
                out |= group.apart(by_group[group.name])
        return out

    def group(self, population: str) -> Group:
        """The group of a population."""
        return next(group for group in self.groups for name, _ in group.members if name == population)

    # --- senders: places of neurons ---------------------------------------------------------------------------------

    @property
    def sending(self) -> tuple[str, ...]:
        """All senders: populations, and projections with a release of their own."""
        return tuple(name for name, _ in (*self.sizes, *self.releases))

    @property
    def with_amplitudes(self) -> tuple[str, ...]:
        """Senders whose spikes are not all 1."""
        return (*self.graded, *(name for name, _ in self.releases))

    @property
    def senders(self) -> int:
        """The number of places of all senders."""
        return sum(_padded(n) for _, n in self._everywhere)

    def sender(self, name: str) -> Span:
        """The places of a sender among those of all devices."""
        return _span(self._everywhere, name, BITS)

    def here(self, name: str) -> Span:
        """The places of a sender among those of this device, which are all unless there are shards."""
        return _span((*self.sizes, *self.releases), name, BITS)

    @property
    def _everywhere(self) -> tuple[tuple[str, int], ...]:
        devices = 1 if self.shards is None else self.shards.number
        return tuple((name, n * devices) for name, n in (*self.sizes, *self.releases))

    def everybody(self, sent: Mapping[str, Float[Array, " n"] | Spikes]) -> Spikes:
        """The spikes of all senders of this device, side by side."""
        return side_by_side([sent[name] for name in self.sending])

    def words(self, everybody: Spikes) -> dict[str, UInt32[Array, " words"]]:
        """The spikes of every population as bits."""
        return {name: everybody.part(*self.sender(name)).words for name, _ in self.sizes}

    def ids(self, population: str) -> UInt32[Array, " n"]:
        """The indices of a population's neurons, on which their random numbers depend."""
        own = dict(self.sizes)[population]
        ids = jnp.arange(own, dtype=jnp.uint32)
        return ids if self.shards is None else ids + self.shards.first(own).astype(jnp.uint32)


def _span(named: Iterable[tuple[str, int]], name: str, unit: int) -> Span:
    first = 0
    for other, n in named:
        if other == name:
            return Span(first, n)
        first += -(-n // unit) * unit
    raise KeyError(name)


def _padded(n: int) -> int:
    return -(-n // BITS) * BITS


def _longest(p: Projection) -> int:
    """The longest delay in the ring; of plastic synapses the dendritic share."""
    if p.synapse is not None:
        return 0  # spikes wait at the synapses, and what they add is there at once
    return p.max_delay if p.plastic is None else p.plastic.index.slots[1] - 1


_MUCH = 2**30  # bytes of the ring from which on a warning is given


def check_memory(layout: Layout, projections: Mapping[str, Projection], dt: float) -> None:
    """Raises ValueError for delays whose ring exceeds the memory, before it is allocated, and warns of a large ring."""
    need = layout.ring.size * canonical_float().itemsize
    if need < _MUCH:
        return
    name, p = max(projections.items(), key=lambda item: item[1].max_delay)
    what = (
        f"The longest delay, {p.max_delay * dt:g} ms in projection {name!r}, is {p.max_delay} steps of dt = "
        f"{dt:g} ms. A run keeps what arrives in each of them, {need / 2**30:.3g} GiB"
    )
    there = available()
    if there is not None and 2 * need > there:
        raise ValueError(
            f"{what}, twice; there are {there / 2**30:.3g} GiB. Shorten the delay (or `max_delay`), or take a "
            "larger dt."
        )
    warnings.warn(f"{what}; shorter delays, or a larger dt, take less.", stacklevel=3)
