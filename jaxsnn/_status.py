"""What can go wrong while a program runs: one bit each, OR-ed on the device, raised once at the end with its remedy."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, UInt32

from ._xla import apart


class Status(enum.IntFlag):
    """Bits of a run's status; 0 is a clean run. A number that is missing had a meaning in earlier versions."""

    NOT_FINITE = 1
    GRAPH_CAPACITY = 4
    EVENT_CAPACITY = 8
    RATE_RANGE = 16
    DELAY_RANGE = 32
    PARAMETER_RANGE = 64
    INPUT_OVERFLOW = 128
    CURRENT_OVERFLOW = 256
    TIME_RANGE = 512
    CLOCK_END = 1024
    INPUT_PAST = 2048
    NOTHING_RECORDED = 4096
    STIFF = 8192
    NEGATIVE_WEIGHT = 16384
    GRADIENT_NOT_FINITE = 65536
    TARGET_RANGE = 131072
    NOT_RUN = 2**31
    MULTAPSES = 1048576


_REMEDIES = {
    Status.NOT_FINITE: "a state became NaN or infinite; check time constants, weights and initial values",
    Status.GRAPH_CAPACITY: "a random graph drew more edges than it has room for, or one given as arrays names neurons "
    "that there are not; raise its `most` or take another seed, or correct the arrays",
    Status.EVENT_CAPACITY: "a Spikes(...) probe saw more events than its `capacity`; raise it (the first are kept)",
    Status.RATE_RANGE: "a Poisson rate left the range its table covers; give a larger `most` (mean events per step)",
    Status.DELAY_RANGE: "a delay left the range from the shortest allowed one to `max_delay`; raise max_delay",
    Status.PARAMETER_RANGE: "a parameter is out of its bounds (a time constant of 0, a negative period); mend it",
    Status.INPUT_OVERFLOW: "a chip's cell was sent more than its input register holds, or an axon several spikes in a "
    "step, which are one there; lower with smaller weights, or send fewer spikes",
    Status.STIFF: "equations decay faster than their integrator (Euler, SemiImplicitEuler, RK2, RK4) is stable for at "
    "this dt; take ExponentialEuler() or a shorter dt",
    Status.NEGATIVE_WEIGHT: "a negative weight goes into a port that takes none (a conductance cannot be negative); an "
    "inhibitory conductance has a positive weight and a low e_rev",
    Status.GRADIENT_NOT_FINITE: "a loss or its gradient is NaN or infinite; clip gradients or lower the learning rate, "
    "and for long recurrent runs see 'When gradients explode' in the documentation (Training)",
    Status.TARGET_RANGE: "a target is outside the range that its loss allows: a label that is no class, a negative "
    "probability, or a number that is not finite",
    Status.CURRENT_OVERFLOW: "a register of a chip's cell did not hold its sum; lower with smaller weights or biases",
    Status.TIME_RANGE: "a start or stop is off the grid of dt, negative, NaN, reversed or too late; round it to dt",
    Status.CLOCK_END: f"the run went beyond {2**31 - 1} steps, where the clock ends; take a larger dt, or a new run",
    Status.INPUT_PAST: "an input with `start` ended before the run began; start it later, or leave `start` out",
    Status.NOTHING_RECORDED: "a probe's `start` lies at or after the end of the run; start it earlier (absolute, ms)",
    Status.NOT_RUN: "a point of a sweep has no result; `failure` of the dataset says why",
    Status.MULTAPSES: "several synapses of one pair are one weight in a matrix, and have a rule or a random release; "
    "use Sparse(), or a topology with multapses=False",
}


class SimulationError(RuntimeError):
    """A run ended with a status that is not clean: `status` holds the bits, `dataset` the result of a sweep.

    **Arguments:** `status`, `dataset`: as said. `where`: what ran. `points`: of a sweep, which are not clean.
    """

    def __init__(self, status: Status, where: str = "", dataset: Any = None, points: str = ""):
        self.status = status
        self.dataset = dataset
        listed = f" Points: {points}." if points else ""
        super().__init__(f"The simulation{where} reports: " + "; ".join(explain(status)) + "." + listed)


def bit(flag: Status, condition: ArrayLike) -> UInt32[Array, ""]:
    """`flag` where `condition` holds anywhere, as uint32."""
    somewhere = jnp.any(condition) if jnp.ndim(condition) else jnp.asarray(condition)
    return somewhere.astype(jnp.uint32) * jnp.uint32(flag)


_TOGETHER = 2**24  # elements of an array from which on a copy of its conditions costs more than a program to reduce it


def bits(conditions: Mapping[Status, Sequence[ArrayLike]]) -> UInt32[Array, ""]:
    """`bit` of every flag, of several conditions each.

    One reduction a flag: XLA makes three kernels of each that is long, and those of all projections were a third of
    what there was to compile.
    """
    status = jnp.uint32(0)
    for flag, some in conditions.items():
        small = [x for x in some if jnp.size(x) < _TOGETHER]
        some = [x for x in some if jnp.size(x) >= _TOGETHER]
        if small:
            joined = jnp.concatenate([jnp.ravel(x) for x in small]) if len(small) > 1 else small[0]
            some.append(apart(joined))  # lest XLA reduce each by itself
        for x in some:
            status |= bit(flag, x)
    return status


def explain(status: int | Array) -> list[str]:
    """One sentence with the remedy for every bit that is set; empty for a clean run."""
    bits = _joined(status)
    known = [f"{flag.name}: {remedy}" for flag, remedy in _REMEDIES.items() if bits & flag]
    unknown = bits & ~sum(Status)
    return [*known, f"unknown status bits {unknown:#x}: written by another version of jaxsnn"] if unknown else known


def raise_if(status: int | Array, where: str = "") -> None:
    """Raise `SimulationError` unless the (concrete) status is clean."""
    if bits := _joined(status):
        raise SimulationError(Status(bits), where)


def _joined(status: Any) -> int:
    """All bits of one or several (concrete) statuses; one error for what is no status, such as a NaN or a -1."""
    given = np.asarray(status)
    if given.dtype.kind not in "iu" or np.any(given < 0) or np.any(given > np.iinfo(np.uint32).max):
        raise ValueError(
            f"Got a status {given!r}, expected bits: whole numbers from 0 to 2^32 - 1, such as run.status."
        )
    return int(np.bitwise_or.reduce(np.ravel(given).astype(np.uint32), initial=0))
