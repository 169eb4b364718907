"""Names instead of probes, `record="spikes"` or `("rates", "E.v")`; and the records of all populations under one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from ..._exports import Exported
from ..._select import split
from ..._text import text
from ..._tree import children
from ...models import AbstractModel, known
from .base import AbstractProbe
from .rates import PopulationRate
from .spikes import Raster
from .traces import Trace

WORDS = ("spikes", "rates", "v")


@jax.tree_util.register_pytree_with_keys_class
class ByPopulation(Exported, Mapping[str, Any]):
    """Records of one kind by population: `run["spikes"]["E"]`, and, of spikes, `run["spikes"].times("E")`.

    **Arguments:** `parts`: a record for each population, by its name.
    """

    def __init__(self, parts: Mapping[str, Any]):
        self._parts = dict(parts)

    def times(self, population: str) -> np.ndarray:
        """The time of every spike of a population, ms, in order."""
        return self[population].times()

    def trains(self, population: str) -> list[np.ndarray]:
        """The spike times of every neuron of a population, ms."""
        return self[population].trains()

    def __getitem__(self, name: str) -> Any:
        if name not in self._parts:
            raise KeyError(f"Got {name!r}, expected a population that was recorded: {known(self._parts)}.")
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return f"ByPopulation({text(self._parts)})"

    def tree_flatten_with_keys(self) -> tuple[tuple[Any, ...], tuple[str, ...]]:
        keys = tuple(jax.tree_util.DictKey(name) for name in self._parts)
        return tuple(zip(keys, self._parts.values())), tuple(self._parts)

    @classmethod
    def tree_unflatten(cls, names: tuple[str, ...], parts: Any) -> ByPopulation:
        return cls(dict(zip(names, parts)))


def expanded(record: Any, model: AbstractModel) -> Any:
    """A record with probes in the place of names.

    `"spikes"`, `"rates"` and `"v"` are a `Raster`, a `PopulationRate` in bins of 1 ms, or a `Trace` of the membrane of
    every population that has one; the name of a population (or `"E[0:10]"`) is its `Raster`, a dotted path a `Trace`. A
    name, or a list of names, is recorded under these names; as a value in a dictionary, under its key.
    """
    if isinstance(record, str):
        return {record: _probes(record, model)}
    if isinstance(record, list | tuple) and record and all(isinstance(name, str) for name in record):
        return {name: _probes(name, model) for name in record}
    is_leaf = lambda x: isinstance(x, AbstractProbe | str)
    return jax.tree.map(lambda x: _probes(x, model) if isinstance(x, str) else x, record, is_leaf=is_leaf)


def _probes(name: str, model: AbstractModel) -> Any:
    path, chosen = split(name, "record")
    if path in model.sizes:
        return Raster(path, index=chosen)
    if "." in path:
        return Trace(path, index=chosen)
    if chosen is None and name == "spikes":
        return ByPopulation({population: Raster(population) for population in model.sizes})
    if chosen is None and name == "rates":
        return ByPopulation({population: PopulationRate(population) for population in model.sizes})
    if chosen is None and name == "v":
        seen = jax.eval_shape(lambda: dict(_membranes(model)))
        return ByPopulation({population: Trace(f"{population}.v") for population in seen})
    raise ValueError(
        f"Got record {name!r}, expected one of {', '.join(map(repr, WORDS))}, a population ({known(model.sizes)}), or "
        "the path of a variable, such as 'E.v'."
    )


def _membranes(model: AbstractModel) -> Iterator[tuple[str, Any]]:
    """Populations with a variable `v`."""
    state = model.view(model.init(key=jax.random.key(0)))
    for population in model.sizes:
        if population in state and "v" in (parts := children(state[population])):
            yield population, parts["v"]
