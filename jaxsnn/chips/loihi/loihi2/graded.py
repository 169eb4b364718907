"""Cells that send numbers and remember nothing: thresholds and products of graded spikes."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from ...._status import Status, bit
from ...._types import Register, register
from ...._xla import materialised
from ....lowering.cells import gains
from ....lowering.storage import stored
from ..cells import LoihiCells
from .heard import beyond, heard


class GradedState(NamedTuple):
    """The amplitudes that were sent in the last step."""

    sent: Int[Array, " n"]


@stored
class GradedCells(LoihiCells):
    """What arrives is sent on where its size exceeds a threshold; `a` is the sum that arrived, of amplitudes or spikes.

        v = a
        send v where |v| > threshold

    **Arguments:** `threshold`: whole numbers, 0..2^23 - 1, of shape `()` or `(n,)`. Recorded: `"name.sent"`.

    **Reference:** Lava 0.10, `GradedVec` (`proc/graded`), whose `exp` does nothing.
    """

    n: int = eqx.field(static=True)
    threshold: Register = register(1, within=(0, 2**23 - 1))
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)
    message_bits = 32

    def init(self):
        return GradedState(jnp.zeros(self.n, jnp.int32))

    def step(self, s, arrived, fed, t, *, stream):
        def registers(v: Array):
            return jnp.where(jnp.abs(v) > self.threshold, v, 0), beyond(Status.INPUT_OVERFLOW, v)

        sent, status = materialised(registers, t, heard(arrived, fed))
        return GradedState(sent), sent, status


@stored
class GradedReluCells(LoihiCells):
    """As `GradedCells`, but only what exceeds the threshold upward is sent.

        v = a
        send v where v > threshold

    **Arguments:** `threshold`: whole numbers, -2^23..2^23 - 1, of shape `()` or `(n,)`. Recorded: `"name.sent"`.

    **Reference:** Lava 0.10, `GradedReluVec` (`proc/graded`), whose `exp` does nothing.
    """

    n: int = eqx.field(static=True)
    threshold: Register = register(1, within=(-(2**23), 2**23 - 1))
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)
    message_bits = 32

    def init(self):
        return GradedState(jnp.zeros(self.n, jnp.int32))

    def step(self, s, arrived, fed, t, *, stream):
        def registers(v: Array):
            return jnp.where(v > self.threshold, v, 0), beyond(Status.INPUT_OVERFLOW, v)

        sent, status = materialised(registers, t, heard(arrived, fed))
        return GradedState(sent), sent, status


@stored
class ProductCells(LoihiCells):
    """The product of two sums that arrive, in 32 bits.

        v = (a_1 a_2) 2^-exponent      rounded down
        send v where |v| > threshold

    Of the receivers of synapses, `0 .. n - 1` are first factors, `n .. 2 n - 1` second ones; drives feed first ones.

    **Arguments**, whole numbers of shape `()` or `(n,)`: `threshold`: 0..2^23 - 1. `exponent`: 0..31. Recorded:
    `"name.sent"`.

    **Reference:** Lava 0.10, `ProdNeuron` (`proc/prodneuron`).
    """

    n: int = eqx.field(static=True)
    threshold: Register = register(1, within=(0, 2**23 - 1))
    exponent: Register = register(0, within=(0, 31))
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)
    n_inputs = 2
    message_bits = 32

    def init(self):
        return GradedState(jnp.zeros(self.n, jnp.int32))

    def step(self, s, arrived, fed, t, *, stream):
        def registers(x: Array, y: Array):
            v = (x * y) >> self.exponent
            size = jnp.abs(x.astype(jnp.float32)) * jnp.abs(y.astype(jnp.float32))  # to be told that it needs 32 bits
            lost = beyond(Status.INPUT_OVERFLOW, x, y) | bit(Status.CURRENT_OVERFLOW, size >= 2.0**31)
            return jnp.where(jnp.abs(v) > self.threshold, v, 0), lost

        sent, status = materialised(registers, t, heard(arrived[: self.n], fed), arrived[self.n :])
        return GradedState(sent), sent, status
