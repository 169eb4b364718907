"""What a neuron by equations does in a step: the functions of every neuron, by walking the expressions of its model."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._linear import Current
from ..neurons.base import zero_or_one
from ..neurons.ode import AbstractODE, _state
from ..synapses.into import Into
from .exact import Exact
from .expressions import Expression, margin, truth, value
from .functions import timestep
from .integrated import AbstractEquations
from .model import check_made
from .names import Names

_LONG = 2**30  # steps


class EquationNeuron(AbstractEquations, AbstractODE):
    """A neuron whose class was made of equations by `snn.equations.neuron`, which says how.

    Every parameter of the equations is a leaf of its name, and so is the value of every variable at the start. The
    state has the variables, subexpressions that are constant over a step, and what refractoriness needs.
    """

    _texts: ClassVar[tuple[str, ...]] = ("threshold", "reset", "refractory")  # what follows the equations in a recipe

    _fires = _resets = _refractory = False  # type: ignore[assignment]  # of AbstractODE: names of parameters mean nothing

    def __check_init__(self):
        check_made(self, "neuron")

    @classmethod
    def into(cls, *variables: str) -> dict[str, Into]:
        """A port for each variable, of its name, whose arrivals are added to it: Brian2's `on_pre="ge += w"`."""
        for name in variables:
            own = [x for x in cls.model.variables if x not in cls.model.fed]
            if name not in own:
                raise ValueError(f"Got {name!r}, expected variables of these equations: {', '.join(own)}.")
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

    def init(self, shape: tuple[int, ...], dtype: Any) -> Any:
        fields = self._at_start(shape, dtype)
        if self.model.refractory is not None:
            fields["refractory"] = jnp.zeros(shape, jnp.int32)  # 0 where it can fire in the coming step
            if self._elastic:
                fields["since"] = jnp.full(shape, _LONG, jnp.int32)  # steps since its last spike
        return _state(tuple(fields))(**fields)

    @property
    def summed_variables(self) -> tuple[str, ...]:
        return self.model.fed

    @property
    def input_name(self) -> str | None:
        return self.model.current

    def value_of(self, s: Any, name: str) -> Array | None:
        names = Names(self, self.model, s)
        known = name in (*s._fields, *self.model.parameters, *self.model.subexpressions)
        return names.full(names(name)) if known else None

    @property
    def _elastic(self) -> bool:
        """Whether the refractory period is a time that may change."""
        model = self.model
        return not model.while_true and not model.constant(model.reached(model.refractory))  # type: ignore[arg-type]

    def held(self, s: Any) -> Bool[Array, "..."] | None:
        return None if self.model.refractory is None else s.refractory > 0

    # --- the step -------------------------------------------------------------------------------------------------

    def seen(self, s: Any) -> Float[Array, "..."]:
        return s.v

    def _still(self, s: Any) -> None:
        """Nothing for the integrator to hold: `flow` does."""

    def advance(self, s: Any, current: Current, dt: float, *, noise: Any = None) -> Any:
        return self.moved(s, current, dt, noise)

    def _along_flow(self, s: Any, current: Current, dt: float) -> Any:
        return AbstractODE.advance(self, s, current, dt)

    def integrate(self, s, along, flow, dt):
        if self.integrator.joint and not self.noisy:  # from the population, beside its ports
            s = self.begun(s, dt, None)[0]
        new, along = super().integrate(s, along, flow, dt)
        return (new._replace(t=s.t) if "t" in s._fields else new), along  # the time of the step, up to its reset

    # --- arrivals, threshold and reset ----------------------------------------------------------------------------

    def add_jump(self, s: Any, jump: Array, dt: float, *, fired: Array | None = None) -> Any:
        return self.add_to(s, "v", jump, dt, fired=fired)

    def add_to(self, s: Any, variable: str, jump: Array, dt: float, *, fired: Array | None = None) -> Any:
        held = self.held(s)
        if held is not None and variable in self.model.held:
            jump = jnp.where(held if fired is None else held | fired, 0.0, jump)
        return s._replace(**{variable: getattr(s, variable) + jump})

    @zero_or_one
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
