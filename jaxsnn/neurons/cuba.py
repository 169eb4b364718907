"""The integrate-and-fire neuron of deep learning and of neuromorphic chips, which carries its own synaptic current."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._linear import Current, phi
from .._types import Requirement, param, shown
from .choices import (
    Above,
    AbstractComparator,
    AbstractGain,
    AbstractHearing,
    AbstractReset,
    AbstractResetTime,
    Drops,
    Integrates,
    Keeps,
    PerStep,
    SameStep,
    ToValue,
)
from .firing import AbstractIntegrateFire
from .recursion import (
    AbstractDecay,
    AbstractRecursion,
    DecayingCurrent,
    EulerDecay,
    ExactDecay,
    NewCurrent,
)
from .surrogate import AbstractSurrogate, FastSigmoid


class CubaState(NamedTuple):
    """Membrane potential, synaptic current, steps of refractoriness left, and spikes whose reset is due."""

    v: Float[Array, "..."]
    i: Float[Array, "..."]
    r: Int[Array, "..."]
    pending: Float[Array, "..."] | None = None  # NextStep()


class CubaLIF(AbstractIntegrateFire):
    """Current-based LIF of two states: `i <- a i + x`, `v <- b v + g (i + bias)`, and who sees what is a choice.

    `x` is what arrives at a `Delta` port (weights are added to the current); currents, such as those of a `Step` drive,
    go to the membrane beside the bias. `a` and `b` are the decays of `tau_syn` and `tau`, `g` is the `gain`. A
    conductance beside it is taken at the start of the step.

    | | recursion | decay | gain | comparator | reset |
    |---|---|---|---|---|---|
    | Loihi, lava-dl (defaults) | `NewCurrent` | either | `PerStep` | `Above` | `ToValue`, `SameStep` |
    | snnTorch `Synaptic` | `NewCurrent` | `ExactDecay` | `PerStep` | `Above` | `Subtract` or `ToValue`, `NextStep` |
    | Norse 1.1 `lif` (`lsnn`) | `NewCurrent` (`OldCurrent`) | `EulerDecay` | `Resistance(1)` | `Above` | `ToValue` |
    | NEST `iaf_psc_exp` | `DecayingCurrent` | `ExactDecay` | `Capacitance` | `AtLeast` | `ToValue`, `SameStep` |

    **Arguments**, each of shape `()` or `(n,)`:

    - `tau_syn`, `tau`: time constants of current and membrane, ms. `v_rest`, `v_th`, `v_reset`: in the unit of `v`.
    - `t_ref`: refractory period, ms; the current goes on meanwhile. `bias`: a constant current.
    - `recursion`: `NewCurrent`, `OldCurrent` or `DecayingCurrent`. `decay`: `ExactDecay` or `EulerDecay`.
    - `gain`, `comparator`, `reset_kind`, `reset_time`, `surrogate`: as of `LIF`.
    - `while_refractory`: `Drops` (the membrane is held) or `Integrates` (only the threshold is gated).
    """

    tau_syn: Array = param(5.0, unit="ms", above=0.0)
    tau: Array = param(10.0, unit="ms", above=0.0)
    v_rest: Array = param(0.0, unit="1", finite=True)
    v_th: Array = param(1.0, unit="1")
    v_reset: Array = param(0.0, unit="1", finite=True)
    t_ref: Array = param(0.0, unit="ms", least=0.0, finite=True)
    bias: Array = param(0.0, unit="current", finite=True)
    recursion: AbstractRecursion = eqx.field(default_factory=NewCurrent)
    decay: AbstractDecay = eqx.field(default_factory=ExactDecay)
    gain: AbstractGain = eqx.field(default_factory=PerStep)
    comparator: AbstractComparator = eqx.field(default_factory=Above)
    reset_kind: AbstractReset = eqx.field(default_factory=ToValue)
    reset_time: AbstractResetTime = eqx.field(default_factory=SameStep)
    while_refractory: AbstractHearing = eqx.field(default_factory=Drops)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    def __check_init__(self):
        if isinstance(self.recursion, DecayingCurrent) and not isinstance(self.decay, ExactDecay):
            raise ValueError(
                f"CubaLIF.decay is {self.decay} with recursion=DecayingCurrent(), the exact solution; use ExactDecay()."
            )
        if isinstance(self.while_refractory, Keeps):
            raise ValueError(
                "CubaLIF.while_refractory is Keeps(), but what arrives goes to the current, which is never deaf; "
                "use Drops() to hold the membrane or Integrates() to let it go on."
            )

    def requirements_at(self, dt):
        if not isinstance(self.decay, EulerDecay):
            return ()
        return tuple(
            Requirement(
                lambda tau=tau: dt <= tau * (1.0 + 1e-6),
                lambda tau=tau, name=name: (
                    f"CubaLIF.{name} is {shown(tau)} ms; expected at least dt = {dt:g} ms, as EulerDecay() takes "
                    f"1 - dt / {name}: take a shorter dt, or ExactDecay()."
                ),
            )
            for name, tau in (("tau", self.tau), ("tau_syn", self.tau_syn))
        )

    @property
    def membrane_tau(self) -> Array | None:
        return self.tau if isinstance(self.decay, ExactDecay) else None  # else no current port can be exact

    def init(self, shape: tuple[int, ...], dtype: Any) -> CubaState:
        return CubaState(i=jnp.zeros(shape, dtype), **self.at_rest(self.v_rest, shape, dtype))

    def per_step(self, dt: float) -> Array:
        """The change of `v` at the end of a step per unit of constant current: `g`."""
        if isinstance(self.gain, PerStep):
            return jnp.ones_like(self.tau)
        return -self.decay(self.tau, dt) * self.gain.resistance(self.tau, dt)

    def _moved(self, s: CubaState, v: Array) -> CubaState:
        return s._replace(v=v if isinstance(self.while_refractory, Integrates) else jnp.where(self.held(s), s.v, v))

    def advance(self, s: CubaState, current: Current, dt: float, *, noise: Array | None = None) -> CubaState:
        i = s.i + s.i * self.decay(self.tau_syn, dt)
        if isinstance(self.recursion, NewCurrent):
            seen = i  # what arrives is still to come: `kick` adds it to both
        elif isinstance(self.recursion, DecayingCurrent):
            m = dt / self.tau
            seen = s.i * (phi(m - dt / self.tau_syn) / phi(m))
        else:
            seen = s.i
        total = seen + self.bias + current.a
        total = total if current.b is None else total + current.b * s.v
        v = s.v + (s.v - self.v_rest) * self.decay(self.tau, dt) + self.per_step(dt) * total
        return self._moved(s, v)._replace(i=i)

    def kick(self, s: CubaState, jump: Array, dt: float, *, fired: Array | None = None) -> CubaState:
        if isinstance(self.recursion, NewCurrent) and fired is None:
            s = self._moved(s, s.v + self.per_step(dt) * jump)
        return s._replace(i=s.i + jump)
