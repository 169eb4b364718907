"""What a neuron by equations does in a step: the functions of every neuron, by walking the expressions of its model."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .. import _random
from .._linear import Current
from ..neurons.ode import AbstractODE, _state
from ..synapses.into import Into
from . import steps
from .exact import Exact
from .expressions import Expression, margin, truth, value
from .functions import timestep
from .linear import Linear
from .model import Model, check_made
from .names import Names
from .splitting import ConditionallyLinear, Split
from .stochastic import AbstractStochastic
from .units import resolved

_LONG = 2**30  # steps


class EquationNeuron(AbstractODE):
    """A neuron whose class was made of equations by `snn.equations.neuron`, which says how.

    Every parameter of the equations is a leaf of its name, and so is the value of every variable at the start. The
    state has the variables, subexpressions that are constant over a step, and what refractoriness needs.
    """

    model: ClassVar[Model]
    _texts: ClassVar[tuple[str, ...]] = ("threshold", "reset", "refractory")  # what follows the equations in a recipe
    recipe: ClassVar[tuple[Any, ...]]  # what the class was made of: a sweep's points are others for another text
    linear_form: ClassVar[Linear | None] = None
    parts: ClassVar[Split | None] = None  # of equations whose integrator is ConditionallyLinear()

    propagator: Any = eqx.field(default=None, kw_only=True, repr=False)

    _fires = _resets = _refractory = False  # type: ignore[assignment]  # of AbstractODE: names of parameters mean nothing

    def __check_init__(self):
        check_made(self, "neuron")
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

    @classmethod
    def into(cls, *variables: str) -> dict[str, Into]:
        """A port for each variable, of its name, whose arrivals are added to it: Brian2's `on_pre="ge += w"`."""
        for name in variables:
            if name not in cls.model.variables:
                raise ValueError(
                    f"Got {name!r}, expected variables of these equations: {', '.join(cls.model.variables)}."
                )
        return {name: Into(name) for name in variables}

    # --- the state ------------------------------------------------------------------------------------------------

    @property
    def membrane_tau(self) -> Array | None:
        """`-1/A_vv` where equations are integrated exactly and nothing that `v` drives acts back on it."""
        if self.linear_form is None or not isinstance(self.integrator, Exact) or not self._alone():
            return None
        return -1.0 / jnp.asarray(self.linear_form.values(self._constants)["v", "v"])

    def _alone(self) -> bool:
        assert self.linear_form is not None
        places, seen, waiting = self.linear_form.coefficients, set(), ["v"]
        while waiting:  # what acts on v
            row = waiting.pop()
            more = {column for r, column in places if r == row and column != row} - seen
            seen |= more
            waiting += more
        return "v" not in seen and ("v", "v") in places and self.model.constant(self.linear_form.names())

    def _constants(self, name: str) -> Any:
        known = resolved(name)
        return getattr(self, name) if name in self.model.parameters or known is None else known[0]

    def init(self, shape: tuple[int, ...], dtype: Any) -> Any:
        model = self.model
        fields = {name: jnp.broadcast_to(getattr(self, name), shape).astype(dtype) for name in model.variables}
        made = [*model.frozen, *(name for name, _ in model.draws), *sorted(model.clocks)]
        fields |= {name: jnp.zeros(shape, dtype) for name in made}
        if model.refractory is not None:
            fields["refractory"] = jnp.zeros(shape, jnp.int32)  # 0 where it can fire in the coming step
            if self._elastic:
                fields["since"] = jnp.full(shape, _LONG, jnp.int32)  # steps since its last spike
        if "t" in model.clocks:
            fields["elapsed"] = jnp.zeros(shape, jnp.int32)  # steps
        if self._explicit:
            fields["stiff"] = jnp.zeros(shape, dtype)
        return _state(tuple(fields))(**fields)

    @property
    def _explicit(self) -> bool:
        return self.integrator.stable != float("inf")

    @property
    def _elastic(self) -> bool:
        """Whether the refractory period is a time that may change."""
        model = self.model
        return not model.while_true and not model.constant(model.reached(model.refractory))  # type: ignore[arg-type]

    def held(self, s: Any) -> Bool[Array, "..."] | None:
        return None if self.model.refractory is None else s.refractory > 0

    # --- the step -------------------------------------------------------------------------------------------------

    @property
    def variables(self) -> tuple[str, ...]:  # type: ignore[override]
        """What is integrated, time included where an equation has it."""
        return (*self.model.rates, *(("t",) if "t" in self.model.clocks else ()))

    @property
    def noisy(self) -> bool:
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
        model = self.model
        given = {} if model.current is None or current is None else {model.current: current}
        missing = [jnp.zeros_like(s.v)] * (len(model.noises) + len(model.draws))
        drawn = missing if noise is None else [*noise] if isinstance(noise, tuple) else [noise]
        normal, rest = drawn[: len(model.noises)], drawn[len(model.noises) :]
        now = {name: x for (name, _), x in zip(model.draws, rest, strict=True)}
        if "t" in model.clocks:
            now["t"] = s.elapsed.astype(s.v.dtype) * dt
        if "dt" in model.clocks:
            now["dt"] = jnp.full_like(s.v, dt)
        s = s._replace(**now)
        for name in model.frozen:
            s = s._replace(**{name: Names(self, self.model, s, **given).shaped(model.subexpressions[name])})
        return s, dict(zip(model.noises, normal, strict=True))

    def flow(self, s: Any, current: Array) -> tuple[Array, ...]:
        rates = self._rates(s, current, {})
        return (*rates.values(), jnp.ones_like(s.t)) if "t" in self.model.clocks else tuple(rates.values())

    def _rates(self, s: Any, current: Array, noise: dict[str, Array]) -> dict[str, Array]:
        """The derivatives of the variables; 0 for those that are held."""
        model, held = self.model, self.held(s)
        given = {} if model.current is None else {model.current: current}
        names = Names(self, model, s, **given, **noise)
        rates = {name: names.shaped(rate) for name, rate in model.rates.items()}
        return (
            rates if held is None else {k: jnp.where(held, 0.0, x) if k in model.held else x for k, x in rates.items()}
        )

    def seen(self, s: Any) -> Float[Array, "..."]:
        return s.v

    def _still(self, s: Any) -> None:
        """Nothing for the integrator to hold: `flow` does."""

    def advance(self, s: Any, current: Current, dt: float, *, noise: Any = None) -> Any:
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
            at = lambda v: current.a if current.b is None else current.a + current.b * v
            rates = lambda x, noise: self._rates(s._replace(**x), at(x["v"]), noise)
            x = {name: getattr(s, name) for name in self.model.rates}
            return s._replace(**steps.noisy_step(integrator, rates, x, normal, dt))
        return super().advance(s, current, dt)

    def integrate(self, s, along, flow, dt):
        if self.integrator.joint and not self.noisy:  # from the population, beside its ports
            s = self.begun(s, dt, None)[0]
        new, along = super().integrate(s, along, flow, dt)
        return (new._replace(t=s.t) if "t" in s._fields else new), along  # the time of the step, up to its reset

    def _entries(self, s: Any, current: Current, dt: float) -> dict[str, steps.Rows]:
        """The coefficients of an exact step: those that were prepared, or those of this state and current."""
        if self.propagator is not None and current.b is None:
            return self.propagator
        assert self.linear_form is not None
        coefficients = self.linear_form.values(Names(self, self.model, s))
        return steps.entries(self.model, steps.sloped(coefficients, current), dt)

    def prepared(self, dt: float) -> EquationNeuron:
        """A copy with the coefficients of its exact step, where they depend on parameters alone."""
        linear = self.linear_form
        if linear is None or not isinstance(self.integrator, Exact) or not self.model.constant(linear.names()):
            return self
        entries = steps.entries(self.model, linear.values(self._constants), dt)
        return eqx.tree_at(lambda neuron: neuron.propagator, self, entries, is_leaf=lambda x: x is None)

    # --- arrivals, threshold and reset ----------------------------------------------------------------------------

    def add_jump(self, s: Any, jump: Array, dt: float, *, fired: Array | None = None) -> Any:
        return self.add_to(s, "v", jump, dt, fired=fired)

    def add_to(self, s: Any, variable: str, jump: Array, dt: float, *, fired: Array | None = None) -> Any:
        held = self.held(s)
        if held is not None and variable in self.model.held:
            jump = jnp.where(held if fired is None else held | fired, 0.0, jump)
        return s._replace(**{variable: getattr(s, variable) + jump})

    def spike(self, s: Any) -> Float[Array, "..."]:
        threshold = self.model.threshold
        if threshold is None:
            return jnp.zeros_like(s.v)
        names = Names(self, self.model, s)
        condition = self._condition(threshold)
        distance = jnp.broadcast_to(jnp.asarray(margin(condition.node, names), s.v.dtype), s.v.shape)
        fires = self.surrogate(jnp.broadcast_to(names.of(condition), s.v.shape), distance, self._span(condition, names))
        held = self.held(s)
        return fires if held is None else jnp.where(held, 0.0, fires)

    def _condition(self, expression: Expression) -> Expression:
        """A condition, written out where it is the name of one."""
        node = expression.node
        return expression if truth(node) else self.model.subexpressions[node.id]  # type: ignore[attr-defined]

    def _span(self, condition: Expression, names: Names) -> Any:
        """The unit of a surrogate's argument: from the reset to the threshold, where both are plain, else 1."""
        node: Any = condition.node
        for each in self.model.reset:
            simple = hasattr(node, "left") and getattr(node.left, "id", None) == each.name and each.operation == "="
            if simple:
                return value(node.comparators[0], names) - value(each.expression.node, names)
        return 1.0

    def reset(self, s: Any, spike: Float[Array, "..."], dt: float) -> Any:
        model = self.model
        once = jnp.where(spike > 1.0, 1.0, spike)  # `minimum` would halve the gradient at 1
        for each in model.reset:
            old, new = getattr(s, each.name), Names(self, self.model, s).shaped(each.expression)
            s = s._replace(**{each.name: assigned(each.operation, old, new, once)})
        if model.refractory is not None:
            s = self._counted(s, spike > 0, dt)
        return s._replace(elapsed=s.elapsed + 1) if "t" in model.clocks else s

    def _counted(self, s: Any, fired: Bool[Array, "..."], dt: float) -> Any:
        """Who is refractory in the coming step: Brian2 counts the step of the spike as the first one."""
        model, names = self.model, Names(self, self.model, s)
        assert model.refractory is not None
        if model.while_true:
            still = jnp.broadcast_to(names.of(self._condition(model.refractory)), fired.shape)
            return s._replace(refractory=((fired | (s.refractory > 0)) & still).astype(jnp.int32))
        period = timestep(names.shaped(model.refractory), dt).astype(jnp.int32)
        if self._elastic:
            since = jnp.where(fired, 1, jnp.minimum(s.since + 1, _LONG))
            return s._replace(since=since, refractory=(since < period).astype(jnp.int32))
        return s._replace(refractory=jnp.where(fired, jnp.maximum(period - 1, 0), jnp.maximum(s.refractory - 1, 0)))


def assigned(operation: str, old: Array, new: Array, spike: Array) -> Array:
    """`old`, with the effect of a statement where there is a spike, so that gradients pass through the spike."""
    if operation == "+=":
        return old + spike * new
    if operation == "-=":
        return old - spike * new
    new = new if operation == "=" else old * new if operation == "*=" else old / new
    return (1.0 - spike) * old + spike * new
