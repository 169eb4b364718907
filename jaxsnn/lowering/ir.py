"""The graph that passes work on: cells and links whose every value carries the format it is held in."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._types import is_concrete
from ..networks.order import AbstractArrival, AfterThreshold
from .cores import AbstractSign
from .fixed import AbstractFormat, Real

if TYPE_CHECKING:
    from .learning.link import LearningLink


class Value(eqx.Module):
    """A number or an array of them, and how it is held: a real number, or the mantissa of a fixed-point format."""

    x: Array
    format: AbstractFormat = eqx.field(default_factory=Real)

    def __str__(self) -> str:
        if not is_concrete(self.x):
            return f"{self.format} (traced)"
        x = np.asarray(self.x).reshape(-1)
        low, high = (x.min(), x.max()) if x.size else (0, 0)
        span = f"{low:.6g}" if low == high else f"{low:.6g} .. {high:.6g}"
        return f"{span} [{self.format}]"


def real(x: Any) -> Value:
    """A value that was not quantised yet. A NumPy array stays one: known also while tracing."""
    return Value(x if isinstance(x, np.ndarray) else jnp.asarray(x))


def _number(values: dict[str, Value], name: str) -> Array:
    if name not in values:
        raise ValueError(
            f"A pass or emit(...) needs {name!r} and finds {', '.join(values) or 'nothing'}: passes are left out or in"
            " another order; expected those of lowering_passes(), in their order."
        )
    return values[name].x


class CellNode(eqx.Module):
    """A group of cells. What `values` names depends on how far it has been lowered; an input has none.

    `ports`: what one unit that a drive feeds into a port is worth, in the unit of `v`.
    """

    n: int = eqx.field(static=True)
    values: dict[str, Value]
    ports: dict[str, Array]

    @property
    def is_input(self) -> bool:
        return not self.values

    def __getitem__(self, name: str) -> Array:
        return _number(self.values, name)

    def set(self, **values: Value | None) -> CellNode:
        """A copy with values added or replaced; None removes one."""
        merged = {**self.values, **values}
        return CellNode(self.n, {k: v for k, v in sorted(merged.items()) if v is not None}, self.ports)


class LinkNode(eqx.Module):
    """Synapses from one group to a port of another: `values` has a weight, a delay, and in the end an exponent.

    `learning`: None, or how weights change; they then stay in the rule's unit until they are quantised.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    port: str = eqx.field(static=True)
    values: dict[str, Value]
    sign: AbstractSign
    max_delay: int = eqx.field(static=True)
    learning: LearningLink | None = None

    def __getitem__(self, name: str) -> Array:
        return _number(self.values, name)

    def set(self, *, max_delay: int | None = None, learning: LearningLink | None = None, **values: Value) -> LinkNode:
        """A copy with values added or replaced."""
        merged = dict(sorted({**self.values, **values}.items()))
        longest = self.max_delay if max_delay is None else max_delay
        learning = self.learning if learning is None else learning
        return LinkNode(self.pre, self.post, self.port, merged, self.sign, longest, learning)

    def times(self, gain: Array) -> LinkNode:
        """A copy of which a unit of weight is worth `gain` times as much, `()` or one a receiver."""
        if self.learning is not None:
            return self.set(learning=self.learning.times(gain))
        each = jnp.broadcast_to(gain, self["weight"].shape[1:])
        return self.set(weight=real(self["weight"] * each[None]))

    def reach(self) -> tuple[Array, Array]:
        """The least and the most that every synapse can come to add to `v`, at most and at least 0."""
        if self.learning is None:
            return jnp.minimum(self["weight"], 0), jnp.maximum(self["weight"], 0)
        exists, bound = jnp.asarray(self["exists"]), self.learning.bound
        ends = jnp.minimum(bound.lo, 0.0), jnp.maximum(bound.hi, 0.0)
        low, high = (jnp.where(exists, end * self.learning.worth, 0.0) for end in ends)
        return low, high


class CoreUse(NamedTuple):
    """A core: which cells of a group it has, where it is, and what of it is used."""

    group: str
    first: int
    cells: int
    chip: int
    core: int
    synapse_bits: int
    in_axons: int
    out_axons: int


class Plan(NamedTuple):
    """Where everything is, and how many axons go from one core to another: (from, to, axons), by index of `cores`."""

    cores: tuple[CoreUse, ...]
    routes: tuple[tuple[int, int, int], ...] = ()


class Facts(eqx.Module):
    """What is true of the whole model: the step `dt`, ms, and where in a step arrivals act, as its order declares."""

    dt: float = eqx.field(static=True)
    arrivals: AbstractArrival

    @property
    def after_threshold(self) -> bool:
        """Whether arrivals act after the threshold."""
        return isinstance(self.arrivals, AfterThreshold)


class Graph(eqx.Module):
    """Cells and links by name; what passes counted, by part; and how many steps late a group runs.

    A group that is late by `l` steps does in step `t + l` what the model does in step `t`: an edge on a chip takes a
    step, where one of the model may take none.
    """

    cells: dict[str, CellNode]
    links: dict[str, LinkNode]
    counts: dict[str, dict[str, Array]]
    facts: Facts
    late: tuple[tuple[str, int], ...] = eqx.field(static=True, default=())
    done: tuple[str, ...] = eqx.field(static=True, default=())
    plan: Plan | None = eqx.field(static=True, default=None)

    @property
    def dt(self) -> float:
        """The step, ms."""
        return self.facts.dt

    def into(self, name: str) -> dict[str, LinkNode]:
        """The links into a group of cells."""
        return {key: link for key, link in self.links.items() if link.post == name}

    def count(self, part: str, **numbers: Any) -> Graph:
        """A copy that has counted something of a part: numbers clipped, rounded away, proved."""
        new = {**self.counts.get(part, {}), **{key: jnp.asarray(x) for key, x in numbers.items()}}
        counts = {**self.counts, part: dict(sorted(new.items()))}
        return dataclasses.replace(self, counts=dict(sorted(counts.items())))

    def having(
        self,
        *,
        cells: dict[str, CellNode] | None = None,
        links: dict[str, LinkNode] | None = None,
        **others: Any,
    ) -> Graph:
        """A copy with some cells or links replaced, and other fields anew."""
        return dataclasses.replace(
            self, cells={**self.cells, **(cells or {})}, links={**self.links, **(links or {})}, **others
        )

    def wrong(self) -> list[str]:
        """What does not hold: links to nowhere, shapes that do not fit, values outside their format."""
        found = []
        for name, link in self.links.items():
            ends = [end for end in (link.pre, link.post) if end not in self.cells]
            found += [f"{name}: goes to or from {end!r}, which does not exist" for end in ends]
            shape = None if ends else (self.cells[link.pre].n, self.cells[link.post].n)
            if shape and link["weight"].shape != shape:
                found.append(f"{name}.weight has shape {link['weight'].shape}, expected {shape}")
        for name, node in {**self.cells, **self.links}.items():
            for key, value in node.values.items():
                if is_concrete(value) and not np.all(np.asarray(value.format.contains(value.x))):
                    found.append(f"{name}.{key} = {value} has numbers outside its format")
        return found

    def __str__(self) -> str:
        lines = [f"after {', '.join(self.done) or 'reading the model'}; dt = {self.dt:g} ms"]
        late = dict(self.late)
        for name, cell in self.cells.items():
            lines.append(f"  {name}: {cell.n} {'inputs' if cell.is_input else 'cells'}, late by {late.get(name, 0)}")
            lines += [f"    {key} = {value}" for key, value in cell.values.items()]
        for name, link in self.links.items():
            lines.append(f"  {name}: {link.pre} -> {link.post}.{link.port}, delays up to {link.max_delay}")
            lines += [f"    {key} = {value}" for key, value in link.values.items()]
            if link.learning is not None:
                lines.append(f"    learns by {', '.join(type(part).__name__ for part in link.learning.rule.parts)}")
        return "\n".join(lines)
