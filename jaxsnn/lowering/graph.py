"""The graph that passes transform: cells and lists of edges, each value with its format."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._types import AnyArray, is_concrete
from ..networks.order import AbstractArrival, AfterThreshold
from .formats import AbstractFormat, Real
from .rules import AbstractRuleNode


class Value(eqx.Module):
    """Numbers and their format: real numbers, or what a format stores of them."""

    x: AnyArray
    format: AbstractFormat = eqx.field(default_factory=Real)

    @property
    def real(self) -> Array:
        """The real value of the stored number."""
        return self.format.value(self.x)

    def __str__(self) -> str:
        if not is_concrete(self.x):
            return f"{self.format} (traced)"
        x = np.asarray(self.x).reshape(-1)
        low, high = (x.min(), x.max()) if x.size else (0, 0)
        span = f"{low:.6g}" if low == high else f"{low:.6g} .. {high:.6g}"
        return f"{span} [{self.format}]"


def real(x: Any) -> Value:
    """A real value. NumPy's stay NumPy's, so that they are concrete also while tracing."""
    return Value(np.asarray(x) if isinstance(x, (np.ndarray, np.generic)) else jnp.asarray(x))


def _found(values: dict[str, Value], name: str) -> Value:
    if name not in values:
        raise ValueError(
            f"A pass or emit(...) needs {name!r} and finds {', '.join(values) or 'nothing'}: passes are left out or in"
            " another order; expected those of target.passes(), in their order."
        )
    return values[name]


class CellNode(eqx.Module):
    """A group of cells. Which `values` it has depends on the passes that were applied; an input has none.

    `ports`: what one unit fed into a port adds, in the unit of `v`. `kind`: the class of cells that a target makes of
    it, where it has passes of its own; None for cells that leak, whose equations the neutral passes know.
    """

    n: int = eqx.field(static=True)
    values: dict[str, Value]
    ports: dict[str, Array]
    kind: type | None = eqx.field(default=None, static=True, kw_only=True)

    @property
    def is_input(self) -> bool:
        return not self.values

    @property
    def is_leaky(self) -> bool:
        """Whether it is cells with a current and a membrane that decay: neither an input nor of another kind."""
        return bool(self.values) and self.kind is None

    def __getitem__(self, name: str) -> Array:
        return _found(self.values, name).x

    def real(self, name: str) -> Array:
        """The real value of a stored one."""
        return _found(self.values, name).real

    def set(self, **values: Value | None) -> CellNode:
        """A copy with values added or replaced; None removes one."""
        merged = {**self.values, **values}
        return dataclasses.replace(self, values={k: v for k, v in sorted(merged.items()) if v is not None})

    def each(self, name: str) -> Array:
        """A value with one number for each cell."""
        return jnp.broadcast_to(self[name], (self.n,))


class EdgeNode(eqx.Module):
    """Edges from one group to a port of another, sorted by sender and then receiver; no pair occurs twice.

    `values` has a weight `(e,)` and a delay `()` or `(e,)`, steps (-1: same step). `sign`: 1 if no weight is negative,
    -1 if none is positive, 0 for both or unknown. `rule`: of plastic edges, whose weights are in the rule's unit until
    they are quantised; else None. `plastic`: whether weights of a program change by what the program has.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    port: str = eqx.field(static=True)
    sender: AnyArray  # (e,)
    receiver: AnyArray
    n_pre: int = eqx.field(static=True)
    n_post: int = eqx.field(static=True)
    values: dict[str, Value]
    sign: int = eqx.field(static=True)
    max_delay: int = eqx.field(static=True)
    rule: AbstractRuleNode | None = None
    plastic: bool = eqx.field(default=False, static=True, kw_only=True)

    @property
    def learns(self) -> bool:
        """Whether its weights change, by a rule of the model or by what a program has."""
        return self.rule is not None or self.plastic

    @property
    def count(self) -> int:
        """How many edges there are."""
        return self.sender.shape[0]

    def __getitem__(self, name: str) -> Array:
        return _found(self.values, name).x

    def set(self, *, max_delay: int | None = None, rule: AbstractRuleNode | None = None, **values: Value) -> EdgeNode:
        """A copy with values added or replaced."""
        return dataclasses.replace(
            self,
            values=dict(sorted({**self.values, **values}.items())),
            max_delay=self.max_delay if max_delay is None else max_delay,
            rule=self.rule if rule is None else rule,
        )

    def times(self, gain: Array) -> EdgeNode:
        """A copy whose weights are `gain` times as large, `()` or one a receiver."""
        if self.rule is not None:
            return self.set(rule=self.rule.times(gain))
        return self.set(weight=real(self["weight"] * self.of_receivers(gain)))

    def of_receivers(self, x: Array) -> Array:
        """A number of the receivers, `()` or `(n_post,)`, spread to their edges."""
        return x if jnp.ndim(x) == 0 else x[self.receiver]

    def summed(self, x: Array) -> Array:
        """The sum over the edges of every receiver."""
        return jax.ops.segment_sum(x, self.receiver, self.n_post)

    def input_bounds(self) -> tuple[Float[Array, " e"], Float[Array, " e"]]:
        """The smallest (at most 0) and the largest (at least 0) amount that each edge can add to `v`."""
        if self.rule is None:
            return jnp.minimum(self["weight"], 0), jnp.maximum(self["weight"], 0)
        low, high = self.rule.input_bounds()
        return jnp.broadcast_to(low, self.sender.shape), jnp.broadcast_to(high, self.sender.shape)


class Facts(eqx.Module):
    """Facts about the whole model: the step `dt`, ms, and where in a step arrivals act, from its order of events."""

    dt: float = eqx.field(static=True)
    arrivals: AbstractArrival

    @property
    def after_threshold(self) -> bool:
        """Whether arrivals act after the threshold."""
        return isinstance(self.arrivals, AfterThreshold)


class Graph(eqx.Module):
    """Cells and edges by name; what passes counted, by part; the lag of each group behind the model, steps.

    A group with lag `l` does in step `t + l` what the model does in step `t`: an edge takes a step on a chip, and may
    take none in the model. `placement`: notes of a target about where on the chip cells are.
    """

    cells: dict[str, CellNode]
    edges: dict[str, EdgeNode]
    counts: dict[str, dict[str, Array]]
    facts: Facts
    lags: tuple[tuple[str, int], ...] = eqx.field(static=True, default=())
    done: tuple[str, ...] = eqx.field(static=True, default=())
    placement: Any = eqx.field(static=True, default=None)

    @property
    def dt(self) -> float:
        """The step, ms."""
        return self.facts.dt

    def into(self, name: str) -> dict[str, EdgeNode]:
        """The edges into a group of cells."""
        return {key: edge for key, edge in self.edges.items() if edge.post == name}

    def count(self, part: str, **numbers: Any) -> Graph:
        """A copy with counts of a part added: numbers that were clipped, or rounded to 0."""
        new = {**self.counts.get(part, {}), **{key: jnp.asarray(x) for key, x in numbers.items()}}
        counts = {**self.counts, part: dict(sorted(new.items()))}
        return dataclasses.replace(self, counts=dict(sorted(counts.items())))

    def having(
        self,
        *,
        cells: dict[str, CellNode] | None = None,
        edges: dict[str, EdgeNode] | None = None,
        **others: Any,
    ) -> Graph:
        """A copy with some cells, edges or other fields replaced."""
        return dataclasses.replace(
            self, cells={**self.cells, **(cells or {})}, edges={**self.edges, **(edges or {})}, **others
        )

    def wrong(self) -> list[str]:
        """What does not hold: edges to nowhere, shapes that do not fit, values outside their format."""
        found = []
        for name, edge in self.edges.items():
            ends = [end for end in (edge.pre, edge.post) if end not in self.cells]
            found += [f"{name}: goes to or from {end!r}, which does not exist" for end in ends]
            if not ends and (edge.n_pre, edge.n_post) != (self.cells[edge.pre].n, self.cells[edge.post].n):
                found.append(f"{name} is between {edge.n_pre} and {edge.n_post} cells, which its groups do not have")
            if edge["weight"].shape != edge.sender.shape:
                found.append(f"{name}.weight has shape {edge['weight'].shape}, expected {edge.sender.shape}")
        for name, node in {**self.cells, **self.edges}.items():
            for key, value in node.values.items():
                if is_concrete(value) and not np.all(np.asarray(value.format.contains(value.x))):
                    found.append(f"{name}.{key} = {value} has numbers outside its format")
        return found

    def __str__(self) -> str:
        lines = [f"after {', '.join(self.done) or 'reading the model'}; dt = {self.dt:g} ms"]
        lags = dict(self.lags)
        for name, cell in self.cells.items():
            lines.append(f"  {name}: {cell.n} {'inputs' if cell.is_input else 'cells'}, late by {lags.get(name, 0)}")
            lines += [f"    {key} = {value}" for key, value in cell.values.items()]
        for name, edge in self.edges.items():
            where = f"{edge.pre} -> {edge.post}.{edge.port}"
            lines.append(f"  {name}: {edge.count} edges {where}, delays up to {edge.max_delay}")
            lines += [f"    {key} = {value}" for key, value in edge.values.items()]
            if edge.rule is not None:
                lines.append(f"    learns by {edge.rule}")
        return "\n".join(lines)
