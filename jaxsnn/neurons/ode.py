"""Neurons given by differential equations, which an integrator takes over a step, alone or with their ports."""

from __future__ import annotations

import abc
from collections import namedtuple
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, UInt32

from .._linear import Current
from .._status import Status, bit
from .._types import Requirement, shown
from .base import AbstractNeuron, zero_or_one
from .firing import counted
from .integrators import AbstractIntegrator, ExponentialEuler, explicit, stiffness
from .resets import AbstractReset, ToValue
from .surrogates import AbstractSurrogate, FastSigmoid
from .thresholds import AbstractComparator, GreaterEqual


@cache
def _state(fields: tuple[str, ...]) -> Any:
    """The type of a state with these fields: one for each set of them, so that states of equal neurons are alike."""
    return namedtuple("ODEState", fields)


class AbstractODE(AbstractNeuron):
    """A neuron `d(variables)/dt = flow(state, current)`: name the `variables`, write `flow`, and it runs.

    FitzHugh and Nagumo's oscillator, with a spike where `v` comes up through `v_th`:

        class FitzHughNagumo(snn.neurons.AbstractODE):
            variables = ("v", "w")
            v0: Array = snn.param(-1.2)
            w0: Array = snn.param(-0.62)
            v_th: Array = snn.param(1.0)
            tau: Array = snn.param(12.5, unit="ms", gt=0.0)

            def flow(self, s, current):
                return s.v - s.v**3 / 3 - s.w + current, (s.v + 0.7 - 0.8 * s.w) / self.tau

    Everything else follows from the parameters that the class declares:

    - `v` and any other variable `x` start at the parameters `v0`, `x0`; without them `v` starts at `v_rest`, `e_l` or
      `v_reset`, whichever there is, and all else at 0. (`Population(init=...)` starts each neuron anywhere.)
    - with `v_th` it fires; without, it never does (a read-out). With `v_reset` it fires where `v >= v_th`, and `v` is
      set to `v_reset`; without, where `v` crosses `v_th` from below, and nothing is reset.
    - with `t_ref` it is refractory, ms: no spike, and where it is reset, `v` is held constant and jumps are lost.
    - any other effect of a spike is `jump`: `return super().jump(s, spike)._replace(w=s.w + self.b * spike)`.
    - derivatives that an integrator needs are taken by automatic differentiation.

    `current` is the sum of what is injected and what the ports give at this `v`, conductances included. It is the
    only input: add a bias of your own as a parameter. Arrivals at a `Delta` port jump `v`.

    **Arguments** (keyword): `integrator`: `ExponentialEuler()` (default, stable at any step), `Euler`, `RK2`, `RK4`,
    which are reported where they are unstable (`Status.STIFF`), or `RKF45`. `surrogate`: the pseudo-derivative of the
    threshold, of the distance in units of `span`.
    """

    variables: ClassVar[tuple[str, ...]] = ("v",)

    integrator: AbstractIntegrator = eqx.field(default_factory=ExponentialEuler, kw_only=True)
    surrogate: AbstractSurrogate = eqx.field(default_factory=FastSigmoid, kw_only=True)

    def __check_init__(self):
        kind = type(self).__name__
        if not self.variables or self.variables[0] != "v":
            raise ValueError(f"{kind}.variables is {self.variables!r}, expected names with 'v', the membrane, first.")

    def requirements(self) -> tuple[Requirement, ...]:
        if not self._resets:
            return ()
        return (
            Requirement(
                lambda: self.v_reset < self.peak,  # type: ignore[attr-defined]
                lambda: (
                    f"{type(self).__name__}.v_reset is {shown(self.v_reset)} mV; "  # type: ignore[attr-defined]
                    f"expected less than {self._peak_name} = {shown(self.peak)} mV."
                ),
            ),
        )

    # --- what a subclass writes -----------------------------------------------------------------------------------

    @abc.abstractmethod
    def flow(self, s: Any, current: Float[Array, "..."]) -> tuple[Array, ...]:
        """The derivatives of `variables`, per ms, under a current."""

    def beginning(self) -> dict[str, Any]:
        """Initial values of the variables: numbers, or arrays with one number per neuron."""
        first = {name: getattr(self, f"{name}0", 0.0) for name in self.variables}
        where = next((name for name in ("v0", "v_rest", "e_l", "v_reset") if hasattr(self, name)), None)
        return first if where is None else {**first, "v": getattr(self, where)}

    def fires(self, s: Any) -> Bool[Array, "..."]:
        """Whether the membrane fires."""
        return s.v >= self.peak if self._resets else (s.before < self.peak) & (s.v >= self.peak)

    def jump(self, s: Any, spike: Array) -> Any:
        """The effect of a spike on the variables."""
        return s._replace(v=ToValue()(s.v, spike, self.peak, self.v_reset)) if self._resets else s  # type: ignore

    def seen(self, s: Any) -> Float[Array, "..."]:
        """The membrane potential passed to `flow`: clipped at the firing threshold, so that no upstroke overflows."""
        return jnp.minimum(s.v, self.peak) if self._resets else s.v

    def event(self, s: Any) -> Any:
        """The effect of a spike inside a step, applied after each substep of an adaptive integrator."""
        if not self._resets:
            return s
        held = self._still(s)
        spike = self.fires(s).astype(s.v.dtype)
        spike = spike if held is None else jnp.where(held, 0.0, spike)
        return self.jump(s, spike)._replace(fired=s.fired + spike)

    # --- what follows from what it declares -----------------------------------------------------------------------

    @property
    def peak(self) -> Any:
        """The firing threshold: `v_peak` or `v_th`."""
        return getattr(self, self._peak_name)

    @property
    def span(self) -> Any:
        """The unit of the surrogate's argument: `peak - v_reset`, or 1 where nothing is reset."""
        return self.peak - self.v_reset if self._resets else 1.0  # type: ignore[attr-defined]

    @property
    def _peak_name(self) -> str:
        return "v_peak" if hasattr(self, "v_peak") else "v_th"

    @property
    def _fires(self) -> bool:
        return hasattr(self, self._peak_name)

    @property
    def _resets(self) -> bool:
        return self._fires and hasattr(self, "v_reset")

    @property
    def _refractory(self) -> bool:
        return self._fires and hasattr(self, "t_ref")

    def init(self, shape: tuple[int, ...], dtype: Any) -> Any:
        fields = {name: jnp.broadcast_to(x, shape).astype(dtype) for name, x in self.beginning().items()}
        if self._refractory:
            fields["r"] = jnp.zeros(shape, jnp.int32)  # steps of refractoriness left
        if self._fires and not self._resets:
            fields["before"] = fields["v"]  # a step before
        if self.integrator.adaptive:
            fields["step"] = self.integrator.start(shape, dtype)  # type: ignore[attr-defined]  # to try next
            if self._resets:
                fields["fired"] = jnp.zeros(shape, dtype)  # spikes inside a step
        elif explicit(self.integrator):
            fields["stiff"] = jnp.zeros(shape, dtype)  # the largest `dt` times a rate so far
        return _state(tuple(fields))(**fields)

    def held(self, s: Any) -> Bool[Array, "..."] | None:
        return s.r > 0 if self._refractory and self._resets else None

    def _still(self, s: Any) -> Bool[Array, "..."] | None:
        """Neurons whose `v` is held constant: refractory ones, and inside a step those that have fired in it."""
        held = self.held(s)
        if held is None or not self.integrator.adaptive:
            return held
        return held | ((s.fired > 0) & (self.t_ref > 0))  # type: ignore[attr-defined]

    def add_jump(self, s: Any, jump: Array, dt: float, *, fired: Array | None = None) -> Any:
        held = self.held(s)
        if held is None:
            return s._replace(v=s.v + jump)
        return s._replace(v=s.v + jnp.where(held if fired is None else held | fired, 0.0, jump))

    @property
    def binary(self) -> bool:
        return super().binary and not self.integrator.adaptive  # which may find several spikes in a step

    @zero_or_one
    def spike(self, s: Any) -> Float[Array, "..."]:
        if not self._fires:
            return jnp.zeros_like(s.v)
        fires = self.surrogate(self.fires(s), s.v - self.peak, self.span)
        fires = jnp.where(s.r > 0, 0.0, fires) if self._refractory else fires
        return fires + s.fired if self.integrator.adaptive and self._resets else fires

    def reset(self, s: Any, spike: Array, dt: float) -> Any:
        if not self._fires:
            return s
        if self.integrator.adaptive and self._resets:
            s = self.jump(s, spike - s.fired)._replace(fired=jnp.zeros_like(s.fired))  # the others are done already
        else:
            s = self.jump(s, spike)
        return s._replace(r=counted(s.r, spike, self.t_ref, dt)) if self._refractory else s  # type: ignore

    # --- the step -------------------------------------------------------------------------------------------------

    def advance(self, s: Any, current: Current, dt: float, *, noise: Array | None = None) -> Any:
        def flow(s: Any, _: Any) -> tuple[tuple[Array, ...], tuple[()]]:
            return self.flow(s, current.a if current.b is None else current.a + current.b * s.v), ()

        return self.integrate(s, (), flow, dt)[0]

    def integrate(
        self, s: Any, along: Any, flow: Callable[[Any, Any], tuple[tuple[Array, ...], Any]], dt: float
    ) -> tuple[Any, Any]:
        """The state after a step, and what is integrated along with it: `flow(s, along)` gives both derivatives."""
        within = self.integrator.adaptive and self._resets
        names = (*self.variables, "fired") if within else self.variables

        def at(y: Any) -> Any:
            return s._replace(**dict(zip(names, y[0], strict=True)))

        def of(s: Any) -> tuple[Array, ...]:
            return tuple(getattr(s, name) for name in names)

        @jax.jit  # traced once, however many stages a step has
        def rates(y: Any) -> Any:
            now = at(y)
            own, others = flow(now._replace(v=self.seen(now)), y[1])
            if len(own) != len(self.variables):
                raise ValueError(
                    f"{type(self).__name__}.flow gave {len(own)} derivatives; expected one for each of "
                    f"{', '.join(self.variables)}."
                )
            held = self._still(now)
            dv = own[0] if held is None else jnp.where(held, 0.0, own[0])
            spikes = (jnp.zeros_like(dv),) if within else ()  # are counted, not integrated
            return (dv, *(jnp.broadcast_to(rate, dv.shape) for rate in own[1:]), *spikes), others

        y = (of(s), along)
        if self.integrator.adaptive:
            after = lambda y: (of(self.event(at(y))), y[1])
            y, step = self.integrator.within(rates, y, dt, s.step, after)  # type: ignore[attr-defined]
            new = at(y)._replace(step=step)
        else:
            y = self.integrator(rates, y, dt)
            new = at(y)
        if explicit(self.integrator):
            new = new._replace(stiff=jnp.maximum(s.stiff, lax.stop_gradient(dt * stiffness(rates, (of(s), along)))))
        return (new._replace(before=s.v) if self._fires and not self._resets else new), y[1]

    # --- whether a step is short enough -----------------------------------------------------------------------------

    def status(self, s: Any) -> UInt32[Array, ""]:
        """A status bit for equations on which an explicit integrator is not stable."""
        return bit(Status.STIFF, ~(s.stiff <= self.integrator.stable)) if explicit(self.integrator) else jnp.uint32(0)


class AbstractCutoff(AbstractODE):
    """One that fires where `v` reaches `v_peak`, is reset to `v_reset`, and stays there while refractory."""

    comparator: AbstractComparator = eqx.field(default_factory=GreaterEqual, kw_only=True)
    reset_mechanism: AbstractReset = eqx.field(default_factory=ToValue, kw_only=True)

    def fires(self, s: Any) -> Bool[Array, "..."]:
        return self.comparator(s.v, self.peak)

    def jump(self, s: Any, spike: Array) -> Any:
        return s._replace(v=self.reset_mechanism(s.v, spike, self.peak, self.v_reset))  # type: ignore[attr-defined]
