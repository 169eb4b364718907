"""NEST's devices as drives. What a device sends travels over a connection there, so its delay is an argument here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...simulation.drives.currents import NoiseCurrent, StepCurrent
from ...simulation.drives.generator import SpikeGenerator
from ...simulation.drives.trains import Poisson
from .._refuse import refuse

_ANY = {
    "origin": "which shifts start and stop: add it to them",
    "precise_times": "spikes off the grid, which no drive here has",
    "allow_offgrid_times": "spikes off the grid, which no drive here has",
    "shift_now_spikes": "which no drive here has",
    **dict.fromkeys(("frequency", "phase", "std_mod"), "a sinusoidal modulation; give the current as a TimedArray"),
}
_FOREVER = 1.7976931348623157e308  # NEST's default for `stop`


def _stop(stop: Any) -> Any:
    return math.inf if isinstance(stop, float) and stop >= _FOREVER else stop


def poisson_generator(
    rate: Any = 0.0,
    *,
    into: str | Sequence[str],
    weight: Any = 1.0,
    start: Any = 0.0,
    stop: Any = math.inf,
    **others: Any,
) -> Poisson:
    """Poisson trains of `rate` Hz, independent for every target, as NEST's device sends them.

    **Arguments:** `into`: ports of the targets, `"E.ex"`. `weight`: of the connection to them. `start`, `stop`: ms.
    """
    refuse("nest.poisson_generator", others, _ANY)
    return Poisson(rate, weight, into=into, start=start, stop=_stop(stop))


def spike_generator(
    spike_times: Sequence[Any],
    *,
    into: str,
    resolution: float,
    weight: Any = 1.0,
    delay: float = 1.0,
    **others: Any,
) -> SpikeGenerator:
    """Given spikes, connected one to one: `spike_times[i]`, ms, arrive at neuron `i` of `into`, `delay` ms later.

    NEST stamps a spike with the end of its step, so that one of `t` with the delay `d` arrives in the step that begins
    at `t + d - resolution`.

    **Arguments:** `spike_times`: a list of times for each target. `into`: the port of the targets, `"E.ex"` or, for
    some of them, `"E[0:10].ex"`. `resolution`: the time step of the network, ms. `weight`, `delay`: of the connections.
    """
    refuse("nest.spike_generator", others, _ANY)
    if len(spike_times) == 0 or any(np.ndim(times) != 1 for times in spike_times):
        raise ValueError(
            "nest.spike_generator got spike_times that are not a list of times for each target; expected e.g. "
            "[[1.0, 5.0], [2.5]] for two neurons."
        )
    trains = [np.asarray(times, float) for times in spike_times]
    if any(train.size and train.min() <= 0.0 for train in trains):
        raise ValueError("nest.spike_generator got a spike at 0 ms or before; expected times after 0, as in NEST.")
    indices = np.repeat(np.arange(len(trains)), [train.size for train in trains])
    return SpikeGenerator(indices, np.concatenate(trains) + (delay - resolution), into=into, weight=weight, start=0.0)


def dc_generator(
    amplitude: Any = 0.0,
    *,
    into: str | Sequence[str],
    resolution: float,
    start: float = 0.0,
    stop: float = math.inf,
    delay: float = 1.0,
    **others: Any,
) -> StepCurrent:
    """A constant current, pA, from `start` to `stop`, `delay` ms later: NEST's generator at 0 ms begins a step later.

    **Arguments:** `into`: populations. `resolution`: the time step of the network, ms. `delay`: of the connections.
    """
    refuse("nest.dc_generator", others, _ANY)
    begin, end = _window(start, stop, delay, resolution)
    return StepCurrent(amplitude, into=into, start=begin, stop=end)


def noise_generator(
    *,
    mean: Any = 0.0,
    std: Any = 0.0,
    dt: float = 1.0,
    into: str | Sequence[str],
    resolution: float,
    start: float = 0.0,
    stop: float = math.inf,
    delay: float = 1.0,
    **others: Any,
) -> NoiseCurrent:
    """A normal current, pA, drawn anew for every target every `dt` ms.

    **Arguments:** `mean`, `std`: pA. `into`: populations. `resolution`: the time step of the network, ms. `delay`: of
    the connections.
    """
    refuse("nest.noise_generator", others, _ANY)
    begin, end = _window(start, stop, delay, resolution)
    return NoiseCurrent(std, mean, into=into, start=begin, stop=end, every=dt)


def _window(start: float, stop: float, delay: float, resolution: float) -> tuple[float, float]:
    """From when to when the current of a device acts: one that starts at 0 sends its first value a step late."""
    return max(start, resolution) + delay, _stop(stop) + delay
