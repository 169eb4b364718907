"""The integrate-and-fire neuron of deep learning and of neuromorphic chips, which carries its own synaptic current."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._linear import Current, lasting, phi
from .._types import Param, Requirement, param, shown
from .firing import AbstractIntegrateFire
from .gains import AbstractGain, PerStep
from .recursions import AbstractDecay, AbstractRecursion, CurrentAfterInput, DecayingCurrent, EulerDecay, ExactDecay
from .refractory import AbstractRefractoryInput, Buffer, Clamp, Ungated
from .resets import AbstractReset, AbstractResetTime, SameStep, ToValue
from .surrogates import AbstractSurrogate, FastSigmoid
from .thresholds import AbstractComparator, Greater


class CubaState(NamedTuple):
    """Membrane potential, synaptic current, steps of refractoriness left, and spikes whose reset is pending."""

    v: Float[Array, "..."]
    i: Float[Array, "..."]
    r: Int[Array, "..."]
    pending: Float[Array, "..."] | None = None  # NextStep()


class CubaLIF(AbstractIntegrateFire):
    """Current-based LIF with two states: `i <- a i + x`, `v <- b v + g (i + bias)`.

    Norse: `LIFCell`; snnTorch: `Synaptic`; Lava: `LIF`; `snn.presets` has them with their defaults.

    `x` is what arrives at a `Delta` port (weights are added to the current); currents, such as those of a `StepCurrent`
    drive, go to the membrane beside the bias. `a` and `b` are the decays of `tau_syn` and `tau`, `g` is the `gain`. A
    conductance beside it is taken at the start of the step.

    | | recursion | decay | gain | comparator | reset |
    |---|---|---|---|---|---|
    | Loihi, lava-dl (defaults) | `CurrentAfterInput` | either | `PerStep` | `Greater` | `ToValue`, `SameStep` |
    | snnTorch `Synaptic` | `CurrentAfterInput` | `ExactDecay` | `PerStep` | `Greater` | `Subtract`, `NextStep` |
    | Norse 1.1 `lif` | `CurrentAfterInput` | `EulerDecay` | `Resistance(1)` | `Greater` | `ToValue` |
    | Norse 1.1 `lsnn` | `CurrentBeforeInput` | `EulerDecay` | `Resistance(1)` | `Greater` | `ToValue` |
    | NEST `iaf_psc_exp` | `DecayingCurrent` | `ExactDecay` | `Capacitance` | `GreaterEqual` | `ToValue`, `SameStep` |

    **Arguments**, each of shape `()` or `(n,)`:

    - `tau_syn`, `tau`: time constants of current and membrane, ms. `v_rest`, `v_th`, `v_reset`: in the unit of `v`.
    - `t_ref`: refractory period, ms, in which the current goes on. `bias`: a constant current.
    - `recursion`: `CurrentAfterInput`, `CurrentBeforeInput` or `DecayingCurrent`. `decay`: `ExactDecay` or
      `EulerDecay`.
    - `gain`, `comparator`, `reset_mechanism`, `reset_time`, `surrogate`: as of `LIF`.
    - `refractory_input`: `Clamp` (the membrane is held constant) or `Ungated` (only the spike is suppressed).
    """

    tau_syn: Param = param(5.0, unit="ms", gt=0.0)
    tau: Param = param(10.0, unit="ms", gt=0.0)
    v_rest: Param = param(0.0, unit="1", finite=True)
    v_th: Param = param(1.0, unit="1")
    v_reset: Param = param(0.0, unit="1", finite=True)
    t_ref: Param = param(0.0, unit="ms", ge=0.0, finite=True)
    bias: Param = param(0.0, unit="current", finite=True)
    recursion: AbstractRecursion = eqx.field(default_factory=CurrentAfterInput)
    decay: AbstractDecay = eqx.field(default_factory=ExactDecay)
    gain: AbstractGain = eqx.field(default_factory=PerStep)
    comparator: AbstractComparator = eqx.field(default_factory=Greater)
    reset_mechanism: AbstractReset = eqx.field(default_factory=ToValue)
    reset_time: AbstractResetTime = eqx.field(default_factory=SameStep)
    refractory_input: AbstractRefractoryInput = eqx.field(default_factory=Clamp)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid)

    def __check_init__(self):
        if isinstance(self.recursion, DecayingCurrent) and not isinstance(self.decay, ExactDecay):
            raise ValueError(
                f"CubaLIF.decay is {self.decay} with recursion=DecayingCurrent(), the exact solution; use ExactDecay()."
            )
        if isinstance(self.refractory_input, Buffer):
            raise ValueError(
                "CubaLIF.refractory_input is Buffer(), but arrivals go to the current, which is never refractory; "
                "use Clamp() to hold the membrane constant, or Ungated() to let it integrate."
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
        tau = lasting(self.tau, dt)
        return -self.decay(tau, dt) * self.gain.resistance(tau, dt)

    def _moved(self, s: CubaState, v: Array) -> CubaState:
        return s._replace(v=v if isinstance(self.refractory_input, Ungated) else jnp.where(self.held(s), s.v, v))

    def advance(self, s: CubaState, current: Current, dt: float, *, noise: Array | None = None) -> CubaState:
        i = s.i + s.i * self.decay(self.tau_syn, dt)
        if isinstance(self.recursion, CurrentAfterInput):
            seen = i  # what arrives is still to come: `add_jump` adds it to both
        elif isinstance(self.recursion, DecayingCurrent):
            m = dt / self.tau
            seen = s.i * (phi(m - dt / self.tau_syn) / phi(m))
        else:
            seen = s.i
        total = seen + self.bias + current.a
        total = total if current.b is None else total + current.b * s.v
        v = s.v + (s.v - self.v_rest) * self.decay(self.tau, dt) + self.per_step(dt) * total
        return self._moved(s, v)._replace(i=i)

    def add_jump(self, s: CubaState, jump: Array, dt: float, *, fired: Array | None = None) -> CubaState:
        if isinstance(self.recursion, CurrentAfterInput) and fired is None:
            s = self._moved(s, s.v + self.per_step(dt) * jump)
        return s._replace(i=s.i + jump)
