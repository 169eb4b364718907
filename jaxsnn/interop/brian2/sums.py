"""Summed variables of Brian2: in every step a sum over synapses of what their neurons are, as a population's input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from ..._types import as_number, canonical_float, on_device
from ...equations.dimensions import Dimension
from ...equations.expressions import Expression, value
from ...equations.source import EquationError, Source
from ...equations.units import Units
from ...models import Inputs
from ...simulation.drives.base import AbstractDrive
from .cells import Cells
from .pathways import Numbers, calls, sided
from .plain import refuse


class Read(NamedTuple):
    """A name that is a variable of the neurons on one side: of which population, and its name there."""

    name: str
    side: str
    population: str
    variable: str


class SynapticSum(AbstractDrive):
    """The current `sum over synapses of x` of each neuron, where `x` is an expression of the neurons on both sides.

    Brian2: `x_post = w*(v_pre - v_post) : volt (summed)`. As there, step `k` takes the state at `t_k`.

    **Arguments:** `expression`: text. `numbers`: of the synapses, one or one a synapse, by name. `pre`, `post`: neurons
    of each synapse. `reads`: names that are variables of neurons. `into`: a population.
    """

    expression: str = eqx.field(static=True)
    numbers: dict[str, Array]
    pre: Int[Array, " synapses"]
    post: Int[Array, " synapses"]
    reads: tuple[Read, ...] = eqx.field(static=True)
    into: str = eqx.field(static=True)
    n: int = eqx.field(static=True)

    def prepare(self, model, first):
        return self

    def step(self, d, t, signals, *, key):
        index = {"pre": self.pre, "post": self.post}
        seen = dict(self.numbers)
        for each in self.reads:
            seen[each.name] = signals.state[each.population][each.variable][index[each.side]]
        node = Expression.of(Source.of(self.expression, "summed"), 0, len(self.expression)).node
        x = jnp.broadcast_to(jnp.asarray(value(node, seen.__getitem__), canonical_float()), self.post.shape)
        return d, Inputs(currents={self.into: jnp.zeros(self.n, x.dtype).at[self.post].add(x)})


def summed(name: str, entry: Mapping[str, Any], given: Mapping[str, Any], groups: Mapping[str, Cells]) -> SynapticSum:
    """The drive of a summed variable of the synapses `name`."""
    what, text, line = f"Synapses {name!r}", given["expr"], given["text"]
    ends = {"pre": entry["source"]["group"], "post": entry["target"]["group"]}
    numbers = Numbers(what, entry, {side: groups[group].kept for side, group in ends.items()})
    expression = Expression.of(Source.of(text, "summed"), 0, len(text))
    if calls(expression):
        refuse(what, "what is summed is drawn anew in every step; expected an expression of the neurons", line)
    reads, dimensions = [], {}
    for node in expression.names():
        if numbers.find(node.id) is not None or node.id in {each.name for each in reads}:
            continue
        variable, side = sided(node.id)
        cells = groups[ends[side]]
        own = cells.names.get(variable, variable)
        if own not in cells.dimensions:
            refuse(what, f"what is summed depends on {node.id!r}; expected variables that are integrated, and numbers "
                   "of the synapses", line)  # fmt: skip
        reads.append(Read(node.id, side, ends[side], own))
        dimensions[node.id] = cells.dimensions[own]
    used = {node.id: numbers.find(node.id) for node in expression.names() if node.id not in dimensions}
    known: dict[str, Dimension] = dimensions | {key: each.dimension for key, each in used.items() if each is not None}
    try:
        Units(known).of_expression(expression)
    except EquationError as error:
        refuse(what, str(error))
    with jax.ensure_compile_time_eval():
        leaves = {key: as_number(each.plain) for key, each in used.items() if each is not None}
    return SynapticSum(text, leaves, on_device(entry["pre"].astype("int32")), on_device(entry["post"].astype("int32")),
                       tuple(reads), ends["post"], groups[ends["post"]].population.n)  # fmt: skip
