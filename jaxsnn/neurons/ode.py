"""Neurons given by differential equations, which an integrator takes over a step, alone or with their ports."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._linear import Current
from .base import AbstractNeuron
from .choices import AbstractComparator, AbstractReset
from .firing import counted
from .integrators import RKF45, AbstractIntegrator
from .surrogate import AbstractSurrogate


class AbstractODE(AbstractNeuron):
    """A neuron `d(variables)/dt = flow(state, current)`, integrated by its `integrator`.

    A subclass names its `variables`, `v` first, and writes `flow`; its state has them, and a field `step` for the
    step size that an adaptive integrator remembers (else None).
    """

    variables: ClassVar[tuple[str, ...]] = ("v",)

    if TYPE_CHECKING:  # the subclass declares it: abstract fields would come first in its signature
        integrator: AbstractIntegrator

    @abc.abstractmethod
    def flow(self, s: Any, current: Float[Array, "..."]) -> tuple[Array, ...]:
        """The derivatives of `variables`, per ms, under a current."""

    def seen(self, s: Any) -> Float[Array, "..."]:
        """The membrane potential as the right-hand side sees it: a subclass may bound it."""
        return s.v

    def event(self, s: Any) -> Any:
        """What happens inside a step after each step of an adaptive integrator."""
        return s

    def first_step(self, shape: tuple[int, ...], dtype: Any) -> Float[Array, "..."] | None:
        """The field `step` at rest."""
        return self.integrator.start(shape, dtype) if isinstance(self.integrator, RKF45) else None

    def integrate(
        self, s: Any, along: Any, flow: Callable[[Any, Any], tuple[tuple[Array, ...], Any]], dt: float
    ) -> tuple[Any, Any]:
        """The state after a step, and what is integrated along with it: `flow(s, along)` gives both derivatives."""

        names = self.variables if getattr(s, "fired", None) is None else (*self.variables, "fired")

        def at(y: Any) -> Any:
            return s._replace(**dict(zip(names, y[0], strict=True)))

        def of(s: Any) -> tuple[Array, ...]:
            return tuple(getattr(s, name) for name in names)

        @jax.jit  # traced once, however many stages a step has
        def rates(y: Any) -> Any:
            own, others = flow(at(y), y[1])
            return (*own, *(jnp.zeros_like(x) for x in y[0][len(own) :])), others  # spikes are counted, not integrated

        y = (of(s), along)
        if isinstance(self.integrator, RKF45):
            after = lambda y: (of(self.event(at(y))), y[1])
            y, step = self.integrator.within(rates, y, dt, s.step, after)
            return at(y)._replace(step=step), y[1]
        y = self.integrator(rates, y, dt)
        return at(y), y[1]

    def advance(self, s: Any, current: Current, dt: float, *, noise: Array | None = None) -> Any:
        def flow(s: Any, _: Any) -> tuple[tuple[Array, ...], tuple[()]]:
            return self.flow(s, current.a if current.b is None else current.a + current.b * self.seen(s)), ()

        return self.integrate(s, (), flow, dt)[0]


class AbstractCutoff(AbstractODE):
    """One that fires where `v` reaches `v_peak`, is reset to `v_reset`, and held there while refractory.

    Its state has the counter `r`, and `fired`: the spikes inside a step of an adaptive integrator (else None).
    """

    if TYPE_CHECKING:  # the subclass declares them, in its own order
        v_peak: Array
        v_reset: Array
        t_ref: Array
        comparator: AbstractComparator
        reset_kind: AbstractReset
        surrogate: AbstractSurrogate

    def at_rest(self, v: Array, shape: tuple[int, ...], dtype: Any) -> dict[str, Any]:
        """The part of the silent state that all of them have."""
        adaptive = isinstance(self.integrator, RKF45)
        return {
            "v": jnp.broadcast_to(v, shape).astype(dtype),
            "r": jnp.zeros(shape, jnp.int32),
            "fired": jnp.zeros(shape, dtype) if adaptive else None,
            "step": self.first_step(shape, dtype),
        }

    def held(self, s: Any) -> Bool[Array, "..."]:
        return s.r > 0

    def still(self, s: Any, rate: Array) -> Float[Array, "..."]:
        """`dv/dt`, or 0 where `v` is held; inside a step also after a spike in it, if there is a refractory period."""
        held = self.held(s)
        return jnp.where(held if s.fired is None else held | ((s.fired > 0) & (self.t_ref > 0)), 0.0, rate)

    def kick(self, s: Any, jump: Array, dt: float, *, fired: Array | None = None) -> Any:
        deaf = self.held(s) if fired is None else self.held(s) | fired
        return s._replace(v=s.v + jnp.where(deaf, 0.0, jump))

    def spike(self, s: Any) -> Float[Array, "..."]:
        fires = self.surrogate(self.comparator(s.v, self.v_peak), s.v - self.v_peak)
        fires = jnp.where(self.held(s), 0.0, fires)
        return fires if s.fired is None else fires + s.fired

    def jump(self, s: Any, spike: Array) -> Any:
        """What a spike does to the variables."""
        return s._replace(v=self.reset_kind(s.v, spike, self.v_peak, self.v_reset))

    def event(self, s: Any) -> Any:
        held = self.held(s) | ((s.fired > 0) & (self.t_ref > 0))
        spike = jnp.where(held, 0.0, self.comparator(s.v, self.v_peak).astype(s.v.dtype))
        s = self.jump(s, spike)
        return s._replace(fired=s.fired + spike)

    def reset(self, s: Any, spike: Array, dt: float) -> Any:
        if s.fired is None:
            s = self.jump(s, spike)
        else:
            s = self.jump(s, spike - s.fired)._replace(fired=jnp.zeros_like(s.fired))  # the others are done already
        return s._replace(r=counted(s.r, spike, self.t_ref, dt))
