"""Sigma-delta coding: cells that send how much they have changed, and cells that sum changes up."""

from __future__ import annotations

import abc
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

# --- what is compared with the threshold, and what is done to a sum: each choice a class ---


class AbstractError(eqx.Module):
    """What the threshold is compared with."""

    @abc.abstractmethod
    def __call__(self, error: Array, delta: Array) -> Array:
        """The error that counts in a step, from the one that was kept and the change that was not sent yet."""

    @abc.abstractmethod
    def keep(self, error: Array, sent: Array) -> Array:
        """What is kept of it."""


@stored
class ResetError(AbstractError):
    """The change that was not sent yet."""

    def __call__(self, error, delta):
        return delta

    def keep(self, error, sent):
        return jnp.zeros_like(error)


@stored
class AccumulateError(AbstractError):
    """The sum over the steps since something was sent, of the change that was not sent yet (Lava: `cum_error`)."""

    def __call__(self, error, delta):
        return error + delta

    def keep(self, error, sent):
        return jnp.where(sent != 0, 0, error)


class AbstractActivation(eqx.Module):
    """What becomes of a sum before its change is sent."""

    @abc.abstractmethod
    def __call__(self, x: Array) -> Array: ...


@stored
class Identity(AbstractActivation):
    """Nothing."""

    def __call__(self, x):
        return x


@stored
class Relu(AbstractActivation):
    """`max(x, 0)`."""

    def __call__(self, x):
        return jnp.maximum(x, 0)


# --- the cells ---


class SigmaState(NamedTuple):
    """The sum so far, which is also what was sent."""

    sigma: Int[Array, " n"]


@stored
class SigmaCells(LoihiCells):
    """The sum of all that ever arrived, sent in every step: it decodes what `DeltaCells` send.

        sigma <- sigma + a
        send sigma

    **Reference:** Lava 0.10, `Sigma` (`proc/sdn`).
    """

    n: int = eqx.field(static=True)
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)
    message_bits = 32
    output_variable = "sigma"

    def init(self):
        return SigmaState(jnp.zeros(self.n, jnp.int32))

    def step(self, s, arrived, fed, t, *, stream):
        def registers(sigma: Array, a: Array):
            return sigma + a, beyond(Status.CURRENT_OVERFLOW, sigma + a)

        sigma, status = materialised(registers, t, s.sigma, heard(arrived, fed))
        return SigmaState(sigma), sigma, status


class DeltaState(NamedTuple):
    """The activation, what of it was not sent yet, the error that is summed, and what was sent in the last step."""

    act: Int[Array, " n"]
    residue: Int[Array, " n"]
    error: Int[Array, " n"]
    sent: Int[Array, " n"]


def encoded(s: DeltaState, act: Array, cells: "DeltaCells | SigmaDeltaCells") -> DeltaState:
    """The state after the activation came to `act`."""
    delta = act - s.act + s.residue
    error = cells.error(s.error, delta)
    message = jnp.where(jnp.abs(error) >= cells.threshold, delta, 0)
    return DeltaState(act, delta - message, cells.error.keep(error, message), message >> cells.state_exponent)


@stored
class DeltaCells(LoihiCells):
    """Sends by how much its input has changed, once that reaches a threshold; what is not sent is kept for later.

        act <- a 2^(spike_exponent + state_exponent),  delta = act - act before + residue
        message = delta where |error| >= threshold,  residue <- delta - message
        send message 2^-state_exponent      rounded down

    `error` is `delta`, or its sum since the last message.

    **Arguments**, whole numbers of shape `()` or `(n,)`: `threshold`: in units of `act`, 0..2^23 - 1 (Lava takes
    `vth = threshold 2^-(spike_exponent + state_exponent)`). `spike_exponent`, `state_exponent`: 0..7. `error`:
    `ResetError()` or `AccumulateError()`. Recorded: `"name.act"`, `"name.residue"`, `"name.error"`, `"name.sent"`.

    **Reference:** Lava 0.10, `Delta` (`proc/sdn`).
    """

    n: int = eqx.field(static=True)
    threshold: Register = register(1, within=(0, 2**23 - 1))
    spike_exponent: Register = register(0, within=(0, 7))
    state_exponent: Register = register(0, within=(0, 7))
    error: AbstractError = eqx.field(default_factory=ResetError)
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)
    message_bits = 32

    def init(self):
        zeros = jnp.zeros(self.n, jnp.int32)
        return DeltaState(zeros, zeros, zeros, zeros)

    def step(self, s, arrived, fed, t, *, stream):
        def registers(s: DeltaState, a: Array):
            power = self.spike_exponent + self.state_exponent
            after = encoded(s, a << power, self)
            lost = beyond(Status.INPUT_OVERFLOW, a) | beyond(Status.CURRENT_OVERFLOW, after.act, after.error)
            return after, lost | bit(Status.CURRENT_OVERFLOW, after.act >> power != a)

        s, status = materialised(registers, t, s, heard(arrived, fed))
        return s, s.sent, status


class SigmaDeltaState(NamedTuple):
    """The sum so far; and as of `DeltaCells`."""

    sigma: Int[Array, " n"]
    act: Int[Array, " n"]
    residue: Int[Array, " n"]
    error: Int[Array, " n"]
    sent: Int[Array, " n"]


@stored
class SigmaDeltaCells(LoihiCells):
    """A cell of a layer that computes with changes: it sums those that arrive, and sends those of its own activation.

        sigma <- sigma + a
        act <- f(sigma + bias),  delta = act - act before + residue
        message = delta where |error| >= threshold,  residue <- delta - message
        send message 2^-state_exponent      rounded down

    `error` is `delta`, or its sum since the last message.

    **Arguments**, whole numbers of shape `()` or `(n,)`: `threshold`, `bias`: in units of `sigma`, 0..2^23 - 1 and
    -2^23..2^23 - 1 (Lava takes them times `2^-(spike_exp + state_exp)`, and `spike_exp` does nothing else).
    `state_exponent`: 0..7. `activation`: `Relu()` or `Identity()`. `error`: `ResetError()` or `AccumulateError()`.
    Recorded: `"name.sigma"`, `"name.act"`, `"name.residue"`, `"name.error"`, `"name.sent"`.

    **Reference:** Lava 0.10, `SigmaDelta` (`proc/sdn`).
    """

    n: int = eqx.field(static=True)
    threshold: Register = register(1, within=(0, 2**23 - 1))
    bias: Register = register(0, within=(-(2**23), 2**23 - 1))
    state_exponent: Register = register(0, within=(0, 7))
    activation: AbstractActivation = eqx.field(default_factory=Relu)
    error: AbstractError = eqx.field(default_factory=ResetError)
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)
    message_bits = 32

    def init(self):
        zeros = jnp.zeros(self.n, jnp.int32)
        return SigmaDeltaState(zeros, zeros, zeros, zeros, zeros)

    def step(self, s, arrived, fed, t, *, stream):
        def registers(s: SigmaDeltaState, a: Array):
            sigma = s.sigma + a
            after = encoded(DeltaState(*s[1:]), self.activation(sigma + self.bias), self)
            lost = beyond(Status.INPUT_OVERFLOW, a) | beyond(Status.CURRENT_OVERFLOW, sigma, after.act, after.error)
            return SigmaDeltaState(sigma, *after), lost

        s, status = materialised(registers, t, s, heard(arrived, fed))
        return s, s.sent, status
