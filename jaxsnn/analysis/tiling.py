"""The spike time tiling coefficient: a correlation of trains that does not follow from their rates."""

from __future__ import annotations

from typing import Any

from .matrices import checked, number, rows
from .rasters import Array, milliseconds, namespace
from .trains import with_window


def spike_time_tiling_coefficient(trains: Any, dt: float = 5.0) -> Array:
    """The spike time tiling coefficient (STTC) of every pair of trains, from -1 to 1:

        STTC = ((P_A - T_B) / (1 - P_A T_B) + (P_B - T_A) / (1 - P_B T_A)) / 2

    `P_A` is the share of A's spikes within `dt` of a spike of B, `T_A` the share of the time within `dt` of a spike of
    A. A quotient 0 / 0, where `P` and `T` are 1, is 1.

    **Arguments:** `trains`: whatever `spike_trains` accepts, with a window. `dt`: ms. Spikes that lie `dt` apart, up
    to the rounding of times, are within it.

    **Returns** shape `(n, n)`; NaN for a train without spikes. Cost `O(n^2 k log k)` for `n` trains of `k` spikes.

    **Reference:** Cutts & Eglen, J. Neurosci. 34:14288 (2014). Elephant: the same name, of one pair. (It also takes
    spikes for coincident that are `dt` and a 10^-5 of their time apart; this does not.)

        >>> spike_time_tiling_coefficient(spike_trains([[20.0, 60.0], [21.0, 61.0]], t_stop=100.0))
        array([[1., 1.],
               [1., 1.]])
    """
    width = milliseconds(dt, "spike_time_tiling_coefficient", "dt")
    given = with_window(trains, "spike_time_tiling_coefficient")
    times = checked(given.times, n=1, function="spike_time_tiling_coefficient")
    xp = namespace(times)
    there = xp.isfinite(times)
    count = number(there)
    some = count > 0
    divisor = xp.maximum(count, 1).astype(times.dtype)
    ordered = xp.where(there, times, xp.inf)
    slack = 8.0 * float(xp.finfo(times.dtype).eps)

    low = xp.maximum(times - width, given.t_start)  # a tile ends where the next one begins
    beyond = xp.concatenate([times[:, 1:], xp.full_like(times[:, :1], xp.inf)], axis=1) - width
    high = xp.minimum(times + width, xp.where(xp.isfinite(beyond), xp.maximum(beyond, low), given.t_stop))
    tiled = xp.sum(xp.where(there, high - low, 0.0), axis=-1) / (given.t_stop - given.t_start)

    def near(own: Array) -> Array:
        """`P_j`: the share of each train's spikes within `dt` of a spike of this one."""
        place = xp.searchsorted(own, ordered)
        reach = width + slack * (xp.where(there, xp.abs(times), 0.0) + width)
        here = xp.where(there, times, 0.0)
        right = own[xp.clip(place, 0, own.shape[0] - 1)] - here <= reach
        left = here - own[xp.clip(place - 1, 0, None)] <= reach
        right, left = right & (place < own.shape[0]), left & (place > 0)
        return number((right | left) & there).astype(times.dtype) / divisor

    share = rows(near, ordered)  # of j near i
    product = share * tiled[:, None]
    whole = product >= 1.0 - slack
    part = xp.where(whole, 1.0, (share - tiled[:, None]) / xp.where(whole, 1.0, 1.0 - product))
    return xp.where(some[:, None] & some[None], 0.5 * (part + part.T), xp.nan)
