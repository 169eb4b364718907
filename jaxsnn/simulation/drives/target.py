"""The targets of a drive: ports or populations by name, or selected neurons of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from ..._select import Selection, selection, split


class Target(NamedTuple):
    """The neurons of one port or population that a drive feeds; static."""

    path: str
    n: int
    chosen: Selection | None

    @property
    def neurons(self) -> UInt32[np.ndarray, " chosen"]:
        """Their indices, in the order of the values given for them."""
        every = np.arange(self.n, dtype=np.uint32)
        return every if self.chosen is None else self.chosen.indices(self.n, repr(self.path)).astype(np.uint32)

    @property
    def ids(self) -> UInt32[Array, " chosen"]:
        """The indices inside a program: computed from a slice where possible, not compiled in as a list."""
        if self.chosen is None:
            return jnp.arange(self.n, dtype=jnp.uint32)
        where = self.chosen.of(self.n, repr(self.path))
        if isinstance(where, slice):
            return jnp.arange(where.start, where.stop, where.step, dtype=jnp.uint32)
        return jnp.asarray(self.neurons)

    @property
    def count(self) -> int:
        return self.n if self.chosen is None else len(self.neurons)

    def spread(self, x: Array) -> Array:
        """Values for the selected neurons (or one for all of them) as an array over all neurons, 0 for the others."""
        if self.chosen is None:
            return jnp.broadcast_to(x, (self.n,))
        return jnp.zeros(self.n, x.dtype).at[self.chosen.of(self.n, repr(self.path))].set(x)

    def fits(self, what: str, value: Array) -> None:
        """Raises ValueError unless `value` is a scalar or has one entry for each selected neuron."""
        if value.shape not in ((), (self.count,)):
            raise ValueError(f"{what} has shape {value.shape}, expected () or ({self.count},) for {self}.")

    def __str__(self) -> str:
        return repr(f"{self.path}{'' if self.chosen is None else self.chosen}")


def names(into: Any) -> tuple[str, ...]:
    """One name or several, as a tuple; brackets select neurons."""
    several = (into,) if isinstance(into, str) else tuple(into) if isinstance(into, Iterable) else (into,)
    if not several:
        raise ValueError("Got into = (), expected one name or several.")
    for name in several:
        split(name, "into")
    return several


def one_name(into: Any, drive: str) -> None:
    """Raises ValueError unless it is one name."""
    if not isinstance(into, str):
        raise ValueError(f"{drive}.into is {into!r}, expected one name; add drives up for several.")
    split(into, "into")


def index(**kwargs: Any) -> Any:
    """The field `index`: a selection of neurons, as in probes; None for all."""
    return eqx.field(default=None, static=True, converter=lambda x: selection(x, "index"), kw_only=True, **kwargs)


def targets(
    into: tuple[str, ...], index: Selection | None, find: Callable[[str], tuple[str, int]]
) -> tuple[Target, ...]:
    """The targets. `find`: maps a name to the full name and the size of the port or population, or raises.

    **Raises:** ValueError for a neuron that is named twice, as well as `find` and the selections do.
    """
    found: list[Target] = []
    for name in into:
        bare, chosen = split(name, "into", index)
        path, n = find(bare)
        new = Target(path, n, chosen)
        for other in found:
            if other.path == path and len(twice := np.intersect1d(other.neurons, new.neurons)):
                raise ValueError(f"Got into = {list(into)}, which names neuron {twice[0]} of {path!r} twice.")
        found.append(new)
    return tuple(found)


def fed(parts: Iterable[tuple[Target, Array]]) -> dict[str, Array]:
    """Values for all neurons by path; targets in the same population add up."""
    total: dict[str, Array] = {}
    for target, x in parts:
        x = target.spread(x)
        total[target.path] = total[target.path] + x if target.path in total else x
    return total
