"""Pair STDP of SpiNNaker: traces with 11 binary places, and changes that wait for the next presynaptic spike."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int

from ..._types import Checked, Register, is_concrete, register
from ...lowering.storage import stored
from .arithmetic import LARGEST, ONE, product

TRACE_ONE = 1 << 11  # 1.0 of a trace, and of a table
REMEMBERED = 15  # last spikes of a receiver
_TO_ACCUM = 4  # places from a trace to an accum


def decay_table(tau: float, dt: float) -> np.ndarray:
    """`floor(2^11 exp(-k dt / tau))` for `k` = 0, 1, ... up to the first 0, of even length, as the host makes it."""
    steps = np.arange(int(np.ceil(tau / dt * np.log(TRACE_ONE))) + 2)
    table = np.floor(TRACE_ONE * np.exp(-steps * (dt / tau))).astype(np.int32)
    length = int(np.argmax(table == 0))
    return table[: length + length % 2]


def time_constant(table: Any, dt: float) -> float:
    """A time constant, ms, whose `decay_table` it is. **Raises:** ValueError if there is none."""
    table = np.trim_zeros(np.asarray(table, np.float64), "b")
    k = np.arange(1, len(table) + 1) * dt
    low, high = (np.append(table[1:] + more, more) / TRACE_ONE for more in (0.0, 1.0))
    with np.errstate(divide="ignore"):
        least, most = np.max(-k / np.log(low)), np.min(-k / np.log(high))
    tau = (least + most) / 2
    if not least < most or not np.array_equal(np.trim_zeros(decay_table(tau, dt), "b"), table):
        raise ValueError("Got a table of no time constant; expected one as decay_table(tau, dt) makes it.")
    return float(tau)


class AbstractWeightDependence(eqx.Module):
    """How a weight, an accum, changes by an amount of traces, an accum: PyNN's `weight_dependence`."""

    @abc.abstractmethod
    def potentiated(self, rule: SpikePairRule, w: Int[Array, "..."], by: Int[Array, "..."]) -> Int[Array, "..."]:
        """The weight after a postsynaptic spike."""

    @abc.abstractmethod
    def depressed(self, rule: SpikePairRule, w: Int[Array, "..."], by: Int[Array, "..."]) -> Int[Array, "..."]:
        """The weight after a presynaptic spike."""

    @abc.abstractmethod
    def most(self, rule: SpikePairRule) -> Int[Array, ""]:
        """The largest weight that is learned, an accum."""


@stored
class AdditiveWeightDependence(AbstractWeightDependence):
    """`w <- min(w + a_plus x, w_max)`, `w <- max(w - a_minus y, w_min)`."""

    def potentiated(self, rule, w, by):
        return jnp.minimum(w + product(rule.a_plus, by), rule.w_max)

    def depressed(self, rule, w, by):
        return jnp.maximum(w - product(rule.a_minus, by), rule.w_min)

    def most(self, rule):
        return rule.w_max


@stored
class MultiplicativeWeightDependence(AbstractWeightDependence):
    """`w <- w + (w_max - w) a_plus x`, `w <- w - (w - w_min) a_minus y`, where nothing is clipped."""

    def potentiated(self, rule, w, by):
        return w + product(product(rule.w_max - w, rule.a_plus), by)

    def depressed(self, rule, w, by):
        return w - product(product(w - rule.w_min, rule.a_minus), by)

    def most(self, rule):
        return jnp.int32(LARGEST)


def _accums(default: float) -> Any:
    return register(round(default * ONE), within=(0, LARGEST), kw_only=True)


class History(NamedTuple):
    """What the change of a synapse depends on: the sender's last spike and its trace after it, the delay after which
    receivers' spikes reach the synapse, and the receiver's last spikes, oldest first (-1: none), with its trace after
    each.
    """

    last: Int[Array, "..."]
    trace: Int[Array, "..."]
    delay: Int[Array, "..."]
    times: Int[Array, "*synapses 15"]
    traces: Int[Array, "*synapses 15"]


@stored
class SpikePairRule(Checked):
    """Pairs of spikes, as PyNN's `SpikePairRule` on SpiNNaker. At a spike of the sender at `t`, the last having been at
    `l`, a synapse changes by all spikes `p` of its receiver that reached it since, `l < p + d <= t`, in turn:

        w is potentiated by  x(l) tau_plus[p + d - l]      for each of them
        w is depressed by    y(p) tau_minus[t - p - d]     for the latest that has reached it, now or before
        x(t) = x(l) tau_plus[t - l] + 1,   y(p') = y(p) tau_minus[p' - p] + 1

    All products floor. Traces have 16 bits, which wrap at the 16th spike without a decay. A weight is an accum while it
    changes, and is cut to its 16 bits then: changes below its lowest bit are lost if they are growth, and cost that bit
    if they are decline. Of a receiver 15 spikes are remembered; older ones are lost where no change came before.

    **Arguments:** `tau_plus`, `tau_minus`: tables (see `decay_table`), units of 2^-11. `a_plus`, `a_minus`: accums; in
    the unit of weights if additive. `w_min`, `w_max`: accums, units of 2^-15 of a weight's unit. `dependence`:
    `AdditiveWeightDependence()` or `MultiplicativeWeightDependence()`.

    **Reference:** sPyNNaker 7.4.1, as compiled. Jin et al., IJCNN (2010): changes that wait for presynaptic spikes.
    """

    tau_plus: Register = register(within=(0, TRACE_ONE), kw_only=True)
    tau_minus: Register = register(within=(0, TRACE_ONE), kw_only=True)
    a_plus: Register = _accums(0.01)
    a_minus: Register = _accums(0.01)
    w_min: Register = _accums(0.0)
    w_max: Register = _accums(1.0)
    dependence: AbstractWeightDependence = eqx.field(default_factory=AdditiveWeightDependence, kw_only=True)

    def __check_init__(self):
        for name in ("tau_plus", "tau_minus"):
            if getattr(self, name).ndim != 1 or getattr(self, name).size == 0:
                raise ValueError(f"SpikePairRule.{name} has shape {getattr(self, name).shape}; expected a table.")
        for name in ("a_plus", "a_minus", "w_min", "w_max"):
            if getattr(self, name).ndim:
                raise ValueError(f"SpikePairRule.{name} has shape {getattr(self, name).shape}; expected one number.")
        if is_concrete((self.w_min, self.w_max)) and int(self.w_min) > int(self.w_max):
            raise ValueError(
                f"SpikePairRule has w_min = {self.w_min} and w_max = {self.w_max}; expected w_min <= w_max."
            )

    def sent(self, t: Array, last: Array, trace: Array) -> Int[Array, "..."]:
        """The sender's trace after a spike at `t`."""
        return _after(trace, self.tau_plus, t - last)

    def fired(self, t: Array, last: Array, trace: Array) -> Int[Array, "..."]:
        """The receiver's trace after a spike at `t`; `last`: -1 where there was none."""
        return _after(jnp.where(last < 0, 0, trace), self.tau_minus, t - last)

    def updated(self, w: Int[Array, "..."], shift: Array, t: Array, history: History) -> Int[Array, "..."]:
        """Weights of 16 bits after a spike of their senders at `t`."""
        last, trace, delay, times, traces = history
        begin, end = (jnp.broadcast_to(jnp.maximum(x - delay, 0), w.shape)[..., None] for x in (last, t))
        known = (times >= 0) & (times <= end)
        new = known & (times > begin)

        def potentiate(k: Array, w: Array) -> Array:
            by = _times(trace, _at(self.tau_plus, times[..., k] + delay - last)) << _TO_ACCUM
            return jnp.where(new[..., k], self.dependence.potentiated(self, w, by), w)

        some = jnp.any(new.reshape(-1, REMEMBERED), axis=0)
        first = jnp.where(jnp.any(some), jnp.argmax(some), REMEMBERED)  # mostly few are new to any synapse
        w = lax.fori_loop(first, REMEMBERED, potentiate, w << shift)
        place = jnp.broadcast_to(jnp.arange(REMEMBERED, dtype=jnp.int32), known.shape)
        latest = jnp.max(jnp.where(known, place, -1), axis=-1)
        of_latest = lambda x: jnp.sum(jnp.where(place == latest[..., None], x, 0), axis=-1)
        by = _times(of_latest(traces), _at(self.tau_minus, t - (of_latest(times) + delay))) << _TO_ACCUM
        w = jnp.where(latest < 0, w, self.dependence.depressed(self, w, by))
        return (w >> shift) & 0xFFFF


def _times(a: Array, b: Array) -> Int[Array, "..."]:
    """The product of two traces: it floors."""
    return (a * b) >> 11


def _at(table: Array, steps: Array) -> Int[Array, "..."]:
    """0 beyond the end."""
    return table.at[steps].get(mode="fill", fill_value=0, wrap_negative_indices=False)


def _after(trace: Array, table: Array, steps: Array) -> Int[Array, "..."]:
    """A trace after a spike, in 16 bits."""
    more = _times(trace, _at(table, steps)) + TRACE_ONE
    return ((more + (1 << 15)) & 0xFFFF) - (1 << 15)
