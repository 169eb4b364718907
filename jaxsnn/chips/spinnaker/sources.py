"""Inputs of a network that are Poisson sources on cores: what a user says of them, and what the host writes."""

import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.special
from jaxtyping import Array

from ..._types import Checked, Param, is_concrete, param
from ...lowering.passes.base import AbstractPass
from ...models import known
from .arithmetic import words
from .jkiss import source_seeds
from .poisson import FAST, NEVER, SOURCES, PoissonCells

HZ = 1 << 16  # the rates that a word of 16 + 16 bits holds, and its unit
_RARE = 1e-12  # the probability of more spikes in a step than an amplitude holds
_WIDEST = 7.0  # of the normal variates


def _seed(given: Any) -> Any:
    """A whole number as it is; words as such."""
    return int(given) if isinstance(given, (int, np.integer)) and not isinstance(given, bool) else words(given)


class PoissonSource(Checked):
    """An input population as Poisson sources on cores: `SpiNNaker1(sources={"in": PoissonSource(20.0, seed=1)})`.

    The sources are cells of the program then, that no drive feeds, and fire as `SpikeSourcePoisson` of the release
    does. PyNN's names.

    **Arguments:** `rate`: Hz, `()` or `(n,)`, below 65 536. `seed`: a whole number, from which the host draws a seed
    for each core, as for PyNN's `seed`; or these seeds, words `(cores, 4)`, which may be traced (`source_seeds`).
    `start`, `duration`: ms, `()` or `(n,)`.
    """

    rate: Param = param(unit="Hz", ge=0.0, lt=float(HZ))
    seed: Any = eqx.field(converter=_seed, kw_only=True)
    start: Param = param(0.0, unit="ms", ge=0.0, finite=True, kw_only=True)
    duration: Param = param(math.inf, unit="ms", ge=0.0, kw_only=True)

    def cells(self, n: int, dt: float) -> PoissonCells:
        """The sources of `n` inputs, with the numbers that the host writes."""
        seed = source_seeds(self.seed, -(-n // SOURCES)) if isinstance(self.seed, int) else self.seed
        xp, kind = (np, np.float64) if is_concrete((self.rate, self.start, self.duration)) else (jnp, self.rate.dtype)
        rate, start, duration = (xp.asarray(x, kind) for x in (self.rate, self.start, self.duration))
        steps = lambda ms: xp.minimum(xp.floor(ms / dt + 0.5), NEVER // 2).astype(np.int32)  # halves upwards
        per_step, per_ms = clock_of(dt)
        return PoissonCells(
            n,
            rate=xp.floor(xp.round(rate * 2.0**32) / 2.0**16),
            seed=seed,
            start=steps(start),
            end=xp.where(xp.isfinite(duration), steps(start) + steps(duration), NEVER),
            per_step=per_step,
            per_ms=per_ms,
            message_bits=_bits(self.rate, dt),
        )


def clock_of(dt: float) -> tuple[int, int]:
    """Seconds a step, in 2^-32, and steps a ms, in 2^-16."""
    return round(2**32 * dt * 1e-3), round(2**16 / dt)


def _bits(rate: Array, dt: float) -> int:
    """Bits of the number of spikes in a step, which more would need with a probability below `1e-12`; 8 if traced."""
    if not is_concrete(rate):
        return 8
    mean = 1.1 * float(np.max(np.asarray(rate))) * dt * 1e-3  # which is not quite what the machine makes of it
    k = np.arange(1, int(mean + 10 * math.sqrt(mean)) + 60)
    most = int(np.argmax(scipy.special.gammainc(k, mean) <= _RARE))  # P(X >= k)
    if mean * 2**16 >= FAST:
        most = max(most, math.ceil((_WIDEST / 2 + math.sqrt(mean)) ** 2))
    return max(most.bit_length(), 1)


class UseSources(AbstractPass):
    """Inputs that are Poisson sources on cores. **Arguments:** `sources`: by the name of the population."""

    sources: dict[str, PoissonSource]

    def __call__(self, graph):
        inputs = {name: cell.n for name, cell in graph.cells.items() if cell.is_input}
        for name, source in self.sources.items():
            if name not in inputs:
                raise ValueError(f"SpiNNaker1.sources names {name!r}; expected an input population: {known(inputs)}.")
            for field in ("rate", "start", "duration"):
                if (shape := getattr(source, field).shape) not in ((), (inputs[name],)):
                    raise ValueError(
                        f"The PoissonSource of {name!r} has {field} of shape {shape}; expected () or ({inputs[name]},)."
                    )
        return graph


def sources_of(given: Any) -> dict[str, PoissonSource]:
    """Sources by name, sorted."""
    kinds = isinstance(given, Mapping) and all(isinstance(one, PoissonSource) for one in given.values())
    if not kinds or not all(isinstance(name, str) for name in given):
        raise ValueError(f"SpiNNaker1.sources is {given!r}; expected PoissonSource(...) by the name of a population.")
    return dict(sorted(given.items()))
