"""Records of spikes: one bit for each step and neuron, or a list. Both give times in ms and a train for each neuron."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

from ..._bits import ones, unpack
from ..._exports import Exported
from ..._types import is_concrete

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


class AbstractSpikeRecord(eqx.Module, Exported):
    """Spikes of a run. Step `k` takes the state from `k dt` to `(k + 1) dt`, and its spikes are stamped `(k + 1) dt`.

    Steps and times are absolute, also in a continued run. Neurons have their indices in the population, also where only
    some of them are recorded. The methods below run on the host, in NumPy, on a single run.
    """

    n: AbstractVar[int]
    dt: AbstractVar[float]
    neurons: AbstractVar[tuple[int, ...] | None]
    population: AbstractVar[str | None]

    @property
    def ids(self) -> np.ndarray:
        """The indices in the population of the recorded neurons, in the order of `trains()`."""
        return np.arange(self.n) if self.neurons is None else np.asarray(self.neurons)

    def window(self) -> tuple[float, float]:
        """From when to when was recorded, ms; of a list of spikes, to the last of them."""
        raise NotImplementedError

    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """The absolute step and the column of every spike, in order of time."""
        raise NotImplementedError

    def events(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps and neurons of all spikes, in order of time, absolute."""
        step, column = self._places()
        return step, column if self.neurons is None else np.asarray(self.neurons)[column]

    def times(self) -> np.ndarray:
        """The time of every spike, ms, in the order of `events()`: `(step + 1) dt`."""
        return self._ms(self._places()[0])

    def trains(self) -> list[np.ndarray]:
        """The spike times of every recorded neuron, ms: a list of arrays, in the order of the selection."""
        step, column = self._places()
        order = np.argsort(column, kind="stable")
        ends = np.cumsum(np.bincount(column, minlength=self.n))[:-1]
        return np.split(self._ms(step[order]), ends)

    def _ms(self, step: np.ndarray) -> np.ndarray:
        return (step.astype(np.float64) + 1.0) * self.dt

    def _one(self, x: Any, axes: int) -> np.ndarray:
        """The arrays of one concrete run, or an error."""
        kind = type(self).__name__
        if not is_concrete(x):
            raise ValueError(f"{kind}: the number of spikes is not known while tracing; call it outside jit and vmap.")
        if x.ndim != axes:
            raise ValueError(
                f"{kind} holds a batch of runs, shape {x.shape}; take one: jax.tree.map(lambda x: x[0], record)."
            )
        return np.asarray(x)


class PackedRaster(AbstractSpikeRecord):
    """Every spike of a run, packed into bits: column `i` in row `k` is bit `i % 32` of `words[k, i // 32]`.

    `n`: how many neurons of `population` were recorded; `neurons`: which, None for all. Row `k` is step `first + k`.
    `np.asarray(raster)` is the boolean array `(steps, n)`; `dense()` the same in JAX.
    """

    words: UInt32[Array | np.ndarray, "steps words"]
    n: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    first: Int[Array, ""] | int = 0  # the absolute step of the first row
    neurons: tuple[int, ...] | None = eqx.field(default=None, static=True)  # the recorded neurons; None for all
    population: str | None = eqx.field(default=None, static=True)

    def dense(self) -> Bool[Array, "steps n"]:
        """A boolean array, `(steps, n)`."""
        return unpack(self.words, self.n)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `dense()`."""
        return (*self.words.shape[:-1], self.n)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(unpack(np.asarray(self.words), self.n), dtype or bool)

    def window(self):
        first = int(self.first)
        return first * self.dt, (first + self._one(self.words, 2).shape[0]) * self.dt

    def _places(self):
        row, column = ones(self._one(self.words, 2))
        return row.astype(np.int64) + int(self.first), column


class Events(AbstractSpikeRecord):
    """A list of at most `capacity` spikes: the first `count` entries are valid, the others are -1.

    `step` is absolute, `neuron` the index in the population. `n`: how many neurons of `population` were recorded, and
    `neurons` which, None for all.
    """

    step: Int[Array, " capacity"]
    neuron: Int[Array, " capacity"]
    count: Int[Array, ""]
    n: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    neurons: tuple[int, ...] | None = eqx.field(default=None, static=True)
    population: str | None = eqx.field(default=None, static=True)

    def window(self):
        return 0.0, float(self.times().max(initial=0.0))

    def events(self):
        count = int(self._one(self.count, 0))
        return self._one(self.step, 1)[:count].astype(np.int64), self._one(self.neuron, 1)[:count]

    def _places(self):
        step, neuron = self.events()
        if self.neurons is None:
            return step, neuron
        order = np.argsort(self.neurons)
        return step, order[np.searchsorted(np.asarray(self.neurons), neuron, sorter=order)]


def own_numbers(columns: Array, neurons: tuple[int, ...] | None) -> Array:
    """The indices in the population of some columns of a record; -1 stays, which is no spike."""
    if neurons is None:
        return columns
    return jnp.where(columns < 0, columns, jnp.asarray(neurons, jnp.int32)[columns])
