"""Spike trains as one padded array, on which all that compares times works: in NumPy, or traced on a device."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._types import is_concrete
from .._units import unitless
from .rasters import count, namespace, unpack


class SpikeTrains(eqx.Module):
    """Sorted spike times of `n` neurons in one array, and the window in which they were seen. `spike_trains` makes it.

    **Arguments:** `times`: ms, shape `(n, k)`, each row sorted, with infinity behind its last spike. `t_start`,
    `t_stop`: the window, ms; None where its end is not known.

    It is a pytree: it goes through `jit`, and a batch of runs through `vmap`. Unequal trains are padded with infinity.
    A train whose spikes did not all fit is NaN, and so is whatever is computed of it.
    """

    times: Float[Array, "*batch n k"]  # ms
    t_start: Float[Array, ""] | float = 0.0  # ms
    t_stop: Float[Array, ""] | float | None = None  # ms; None: not known

    @property
    def counts(self) -> Int[Array, "*batch n"]:
        """The number of spikes of every train."""
        xp = namespace(self.times)
        return xp.sum(xp.isfinite(self.times), axis=-1)

    def __len__(self) -> int:
        return self.times.shape[-2]

    def trains(self) -> list[np.ndarray]:
        """The times of each train, ms, as a list of arrays without padding; of one run."""
        return [row[np.isfinite(row)] for row in np.asarray(self.times)]


def spike_trains(
    spikes: Any,
    *,
    dt: float | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    capacity: int | None = None,
) -> SpikeTrains:
    """Spikes in any form as `SpikeTrains`; what takes trains calls it, so that records can be given directly.

    **Arguments**

    - `spikes`: what the probes `Raster` or `Spikes` recorded; or a dense raster `(steps, n)` with `dt`; or a list of
      arrays of times in ms, one a train, or of Neo's `SpikeTrain`; or one such array.
    - `dt`: step of a dense raster, ms. A spike of row `k` is at `t_start + (k + 1) dt`, as it is stamped.
    - `t_start`, `t_stop`: ms, the window; a raster and Neo's trains know theirs. A list of times begins at 0, and
      without a `t_stop` what depends on the length of the window is refused.
    - `capacity`: the most spikes of a train, static: needed where a raster is traced. More make the train NaN.

    **Returns** NumPy in double precision for concrete records and lists; JAX where the raster is a traced or dense JAX
    array. Cost: in proportion to the spikes on the host, to `steps n` where traced.

    **Raises** `ValueError` for NaN, times outside the window, and what is no spikes.

        >>> spike_trains([[3.0, 1.0], [2.0]], t_stop=10.0).times
        array([[ 1.,  3.],
               [ 2., inf]])
    """
    if isinstance(spikes, SpikeTrains):
        return spikes
    if hasattr(spikes, "words"):
        step, first = float(spikes.dt), getattr(spikes, "first", 0)
        if is_concrete(spikes.words) and np.ndim(spikes.words) == 2 and capacity is None:
            begin, end = int(first) * step, (int(first) + spikes.words.shape[0]) * step
            return _padded(spikes.trains(), begin, end)
        return _traced(unpack(spikes), step, jnp.asarray(first, float) * step, capacity)
    if hasattr(spikes, "events") and hasattr(spikes, "trains"):
        return _padded(spikes.trains(), t_start, t_stop)
    if dt is not None:
        if not hasattr(spikes, "dtype"):
            spikes = np.asarray(spikes)
        begin = 0.0 if t_start is None else t_start
        if isinstance(spikes, np.ndarray):
            found = [begin + (np.flatnonzero(column) + 1) * dt for column in spikes.T]
            return _padded(found, begin, begin + spikes.shape[0] * dt)
        return _traced(spikes if spikes.dtype == bool else spikes != 0, dt, begin, capacity)
    if hasattr(spikes, "dtype") and not hasattr(spikes, "rescale") and spikes.ndim == 2:
        raise ValueError(
            f"spike_trains: got an array of {spikes.dtype}{list(spikes.shape)}: expected dt=, ms, if it is a raster "
            "(steps, n), or a list of arrays of times."
        )
    trains = [spikes] if hasattr(spikes, "ndim") or (len(spikes) and np.ndim(spikes[0]) == 0) else [*spikes]
    if trains and hasattr(trains[0], "rescale"):  # Neo's, with a unit and a window of their own
        t_start, t_stop = (float(getattr(trains[0], name).rescale("ms")) for name in ("t_start", "t_stop"))
        trains = [train.rescale("ms").magnitude for train in trains]
    return _padded(unitless(trains, "spike times"), t_start, t_stop)


class Window(NamedTuple):
    """Times, `(n, k)`, and the window in which they were seen, which is known."""

    times: Any
    t_start: Any
    t_stop: Any


def with_window(spikes: Any, function: str) -> Window:
    """Trains whose window is known, or one error."""
    given = spike_trains(spikes)
    if given.t_stop is None:
        raise ValueError(f"{function}: the end of the trains is not known: expected spike_trains(..., t_stop=), ms.")
    return Window(given.times, given.t_start, given.t_stop)


def _padded(trains: list[Any], t_start: float | None, t_stop: float | None) -> SpikeTrains:
    begin = 0.0 if t_start is None else float(t_start)
    end = None if t_stop is None else float(t_stop)
    found = [np.sort(np.asarray(train, np.float64).reshape(-1)) for train in trains]
    if not found:
        raise ValueError("spike_trains: got no trains, expected at least one (which may be empty).")
    times = np.full((len(found), max(1, *(len(x) for x in found)) if len(found) > 1 else max(1, len(found[0]))), np.inf)
    for row, train in zip(times, found):
        row[: len(train)] = train
    last = math.inf if end is None else end
    slack = 1e-9 * max(1.0, abs(begin), 0.0 if end is None else abs(end))
    inside = [not len(x) or (x[0] >= begin - slack and x[-1] <= last + slack and np.isfinite(x[-1])) for x in found]
    if not all(inside) or not begin < last:
        which = inside.index(False) if False in inside else 0
        raise ValueError(
            f"spike_trains: train {which} is {found[which]}: expected finite times from t_start = {begin:g} to "
            f"t_stop = {last:g} ms. Give the window in which it was recorded."
        )
    return SpikeTrains(times, begin, end)  # type: ignore[arg-type]  # NumPy's array


def _traced(fired: Any, dt: float, begin: Any, capacity: int | None) -> SpikeTrains:
    """The spikes of a raster in JAX, `(..., steps, n)`, by a running count of each neuron's spikes."""
    if capacity is None:
        raise ValueError(
            "spike_trains: `capacity` is missing: expected the most spikes that a train may have, where a raster is "
            "read inside jit or vmap, or a batch of runs is read."
        )
    most = count(capacity, "spike_trains", "capacity")
    if fired.ndim > 2:
        begins = jnp.broadcast_to(begin, fired.shape[:1])
        return jax.vmap(lambda x, b: _traced(x, dt, b, capacity))(fired, begins)
    steps, n = fired.shape
    step = jnp.broadcast_to(jnp.arange(1, steps + 1, dtype=jnp.int32)[:, None], (steps, n))
    place = jnp.cumsum(fired, axis=0, dtype=jnp.int32) - 1
    neuron = jnp.broadcast_to(jnp.arange(n, dtype=jnp.int32)[None], (steps, n))
    stamps = jnp.zeros((n, most), jnp.int32).at[neuron, jnp.where(fired, place, most)].set(step, mode="drop")
    begin = jnp.asarray(begin, float)
    times = jnp.where(stamps > 0, begin + stamps.astype(float) * dt, jnp.inf)
    return SpikeTrains(jnp.where(place[-1:].T < most, times, jnp.nan), begin, begin + steps * dt)
