"""What neurons and synapses by equations have in common: variables, which an integrator takes over a step."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .. import _random
from .._linear import Current
from ..neurons.integrators import AbstractIntegrator, explicit
from . import steps
from .exact import Exact
from .linear import Linear
from .model import Model
from .names import Names
from .splitting import ConditionallyLinear, Split
from .stochastic import AbstractStochastic
from .units import resolved


class AbstractEquations(eqx.Module):
    """Variables by equations. A state has them, and subexpressions and random numbers that are constant over a step."""

    model: ClassVar[Model]
    recipe: ClassVar[tuple[Any, ...]]  # what the class was made of: a sweep's points are others for another text
    linear_form: ClassVar[Linear | None] = None
    parts: ClassVar[Split | None] = None  # of equations whose integrator is ConditionallyLinear()

    propagator: Any = eqx.field(default=None, kw_only=True, repr=False)
    if TYPE_CHECKING:
        integrator: AbstractIntegrator  # a field of every class below

    def __check_init__(self):
        if not hasattr(type(self), "model"):
            return  # said by the class itself
        kind, integrator = type(self).__name__, self.integrator
        for name in sorted(self.model.shared):
            given = getattr(self, name, None)
            if given is not None and jnp.ndim(given):
                raise ValueError(f"{kind}.{name} has shape {given.shape}; expected one number: it is shared.")
        if isinstance(integrator, Exact) and self.linear_form is None:
            raise ValueError(f"{kind}.integrator is Exact(), expected method='exact' where the class is made.")
        if isinstance(integrator, ConditionallyLinear) and self.parts is None:
            method = "method='conditionally_linear'"
            raise ValueError(f"{kind}.integrator is ConditionallyLinear(), expected {method} where the class is made.")
        if isinstance(integrator, AbstractStochastic) is not bool(self.model.noises) or integrator.adaptive:
            expected = "Heun()" if self.model.noises else "ExponentialEuler(), Euler(), RK2() or RK4()"
            raise ValueError(
                f"{kind}.integrator is {integrator!r}, expected one for these equations, such as {expected}."
            )

    def _constants(self, name: str) -> Any:
        known = resolved(name)
        return getattr(self, name) if name in self.model.parameters or known is None else known[0]

    def _at_start(self, shape: tuple[int, ...], dtype: Any) -> dict[str, Array]:
        """The state at the start, by name. What is fed and has no value is 0."""
        model = self.model
        fields = {name: jnp.broadcast_to(getattr(self, name, 0.0), shape).astype(dtype) for name in model.variables}
        made = [*model.frozen, *(name for name, _ in model.draws), *sorted(model.clocks)]
        fields |= {name: jnp.zeros(shape, dtype) for name in made}
        if "t" in model.clocks:
            fields["elapsed"] = jnp.zeros(shape, jnp.int32)  # steps
        if explicit(self.integrator):
            fields["stiff"] = jnp.zeros(shape, dtype)
        return fields

    def held(self, s: Any) -> Any:
        """Where variables are held constant; None for nowhere."""
        return None

    # --- the step -------------------------------------------------------------------------------------------------

    @property
    def variables(self) -> tuple[str, ...]:
        """What is integrated, time included where an equation has it."""
        return (*self.model.rates, *(("t",) if "t" in self.model.clocks else ()))

    @property
    def noisy(self) -> bool:
        """Whether a step needs random numbers."""
        return bool(self.model.noises or self.model.draws)

    def numbers(self, stream: Array, step: Array, ids: Array) -> Any:
        """A normal number for each noise, then one for each call of `rand()` and `randn()`."""
        kinds = (*("normal" for _ in self.model.noises), *(kind for _, kind in self.model.draws))
        streams = (
            stream,
            *(jnp.stack(_random.threefry((stream[0], stream[1]), (k, 0), 20)) for k in range(1, len(kinds))),
        )
        found = tuple(getattr(_random, kind)(own, step, ids) for kind, own in zip(kinds, streams))
        return found[0] if len(found) == 1 else found

    def begun(self, s: Any, dt: float, noise: Any, current: Array | None = None) -> tuple[Any, dict[str, Array]]:
        """A state with the time, random numbers and constant subexpressions of this step; and normal numbers."""
        model, like = self.model, s[0]  # a variable
        given = {} if model.current is None or current is None else {model.current: current}
        missing = [jnp.zeros_like(like)] * (len(model.noises) + len(model.draws))
        drawn = missing if noise is None else [*noise] if isinstance(noise, tuple) else [noise]
        normal, rest = drawn[: len(model.noises)], drawn[len(model.noises) :]
        now = {name: x for (name, _), x in zip(model.draws, rest, strict=True)}
        if "t" in model.clocks:
            now["t"] = s.elapsed.astype(like.dtype) * dt
        if "dt" in model.clocks:
            now["dt"] = jnp.full_like(like, dt)
        s = s._replace(**now)
        for name in model.frozen:
            s = s._replace(**{name: Names(self, self.model, s, **given).shaped(model.subexpressions[name])})
        return s, dict(zip(model.noises, normal, strict=True))

    def _rates(self, s: Any, current: Array, noise: dict[str, Array]) -> dict[str, Array]:
        """The derivatives of the variables; 0 for those that are held."""
        model, held = self.model, self.held(s)
        given = {} if model.current is None else {model.current: current}
        names = Names(self, model, s, **given, **noise)
        rates = {name: names.shaped(rate) for name, rate in model.rates.items()}
        return (
            rates if held is None else {k: jnp.where(held, 0.0, x) if k in model.held else x for k, x in rates.items()}
        )

    def flow(self, s: Any, current: Array) -> tuple[Array, ...]:
        """The derivatives of `variables`, per ms."""
        rates = self._rates(s, current, {})
        return (*rates.values(), jnp.ones_like(s.t)) if "t" in self.model.clocks else tuple(rates.values())

    def moved(self, s: Any, current: Current, dt: float, noise: Any) -> Any:
        """The state after a step under a current."""
        s, normal = self.begun(s, dt, noise, current.a)
        integrator = self.integrator
        if isinstance(integrator, Exact):
            return steps.linear_step(self.model, s, self._entries(s, current, dt), current.a, self.held(s))
        if isinstance(integrator, ConditionallyLinear):
            assert self.parts is not None
            at = current.a if current.b is None else current.a + current.b * s.v
            names = Names(self, self.model, s, **({} if self.model.current is None else {self.model.current: at}))
            return s._replace(**self.parts.step(names, self.held(s), self.model.held, dt))
        if isinstance(integrator, AbstractStochastic):
            at = lambda x: current.a if current.b is None else current.a + current.b * x["v"]
            rates = lambda x, noise: self._rates(s._replace(**x), at(x), noise)
            x = {name: getattr(s, name) for name in self.model.rates}
            return s._replace(**steps.noisy_step(integrator, rates, x, normal, dt))
        return self._along_flow(s, current, dt)

    @abc.abstractmethod
    def _along_flow(self, s: Any, current: Current, dt: float) -> Any:
        """The state after a step, by an integrator that takes a function."""

    def _entries(self, s: Any, current: Current, dt: float) -> dict[str, steps.Rows]:
        """The coefficients of an exact step: those that were prepared, or those of this state and current."""
        if self.propagator is not None and current.b is None:
            return self.propagator
        assert self.linear_form is not None
        coefficients = self.linear_form.values(Names(self, self.model, s))
        return steps.entries(self.model, steps.sloped(coefficients, current), dt)

    def prepared(self, dt: float) -> Any:
        """A copy with the coefficients of its exact step, where they depend on parameters alone."""
        linear = self.linear_form
        if linear is None or not isinstance(self.integrator, Exact) or not self.model.constant(linear.names()):
            return self
        entries = steps.entries(self.model, linear.values(self._constants), dt)
        return eqx.tree_at(lambda each: each.propagator, self, entries, is_leaf=lambda x: x is None)
