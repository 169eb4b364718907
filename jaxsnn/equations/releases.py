"""`snn.equations.release`: a class of releases, what a spike sends as a function of earlier spikes, from a text."""

from __future__ import annotations

import functools
import types
from typing import Any, ClassVar

import jax.numpy as jnp

from .._linear import phi
from .._types import Param, param
from ..connectivity.release import AbstractRelease, fired
from ..neurons.ode import _state
from .build import _converted
from .expressions import value
from .model import check_made
from .sending import Sending, sending
from .units import resolved


class EquationRelease(AbstractRelease):
    """A release whose class was made of equations by `snn.equations.release`, which says how; parameters are leaves."""

    model: ClassVar[Sending]
    recipe: ClassVar[tuple[Any, ...]]
    _texts: ClassVar[tuple[str, ...]] = ("on_pre",)  # what follows the equations in a recipe

    def __check_init__(self):
        check_made(self, "release")

    def number(self, name: str) -> Any:
        """The value of a parameter, a unit or a constant."""
        return getattr(self, name) if name in self.model.parameters else resolved(name)[0]  # type: ignore[index]

    def init(self, shape, dtype):
        given = {name: getattr(self, f"{name}_0") for name in self.model.variables}
        start = {name: jnp.broadcast_to(x, shape).astype(dtype) for name, x in given.items()}
        return _state(tuple(start))(**start)

    def step(self, s, spike, dt):
        dtype, decayed = spike.dtype, {}
        for name, rate in self.model.variables.items():  # dx/dt = a + b x, exactly
            at = lambda x, name=name, rate=rate: value(rate.node, lambda n: x if n == name else self.number(n))
            a = jnp.asarray(at(0.0), dtype)
            b = jnp.asarray(at(1.0), dtype) - a
            x = getattr(s, name)
            decayed[name] = x + (a + b * x) * dt * phi(b * dt)
        now: dict[str, Any] = dict(decayed)
        sent = jnp.zeros_like(spike)
        for each in self.model.code:
            given = value(each.expression.node, lambda n: now[n] if n in now else 1.0 if n == self.model.weight else
                          self.number(n))  # fmt: skip
            if each.name == self.model.sent:
                sent = given if each.operation == "+=" else -given
            else:
                now[each.name] = _assigned(each.operation, now.get(each.name), given)
        event = fired(spike)
        new = {name: x + event * (now[name] - x) for name, x in decayed.items()}
        return s._replace(**new), spike * sent


def _assigned(operation: str, old: Any, new: Any) -> Any:
    match operation:
        case "=":
            return new
        case "+=":
            return old + new
        case "-=":
            return old - new
        case "*=":
            return old * new
    return old / new


def release(
    equations: str, *, on_pre: str, weight: str | None = None, name: str = "EquationRelease", **values: Any
) -> type[Any]:
    """A class of releases from equations in Brian2's language: short-term plasticity.

        Depressing = snn.equations.release(
            '''
            du/dt = -u/tau_f : 1 (event-driven)
            dx/dt = (1 - x)/tau_d : 1 (event-driven)
            ''',
            on_pre="u += U*(1 - u); r = u*x; x -= r; ge += w*r", weight="w",
            tau_f="1.5*second", tau_d="200*ms", U=0.6, x_0=1.0,
        )
        snn.Connection("E", "I.ge", snn.FixedProb(0.1), weight=2.0, delay=1.0, release=Depressing(U=0.5))

    Variables are numbers of the sending neuron, the same for all its synapses: `dx/dt = a + b x` (event-driven or
    clock-driven), with constants. Statements act in their order at each of its spikes. `x = ...` for a name without a
    line is one for the statements behind it. One statement adds to a variable of the receivers: what it adds is what is
    sent, to be multiplied by the connection's weights, for which `weight` stands in it as a factor.

    **Parameters** are leaves: all other names, defined by a line or by a value; and for each variable its value at the
    start, `x_0`, 0 by default. As for every release a spike of step `k` sees the variables at the end of the step: a
    variable that does not start at rest is a step ahead of Brian2's.

    **Arguments:** `equations`, `on_pre`: text. `weight`: a name in what is sent. `name`: of the class.

    **Raises:** `EquationError`, a ValueError, with the line of the text and a caret where it is no such release.

    **Source:** Stimberg, Goodman, Benichoux and Brette, Front. Neuroinform. 8:6 (2014).
    """
    return _made(equations, on_pre, weight, name, tuple(sorted(values.items())))


@functools.lru_cache(maxsize=256, typed=True)  # one class for one text: a program is compiled for a class
def _made(
    text: str, on_pre: str, weight: str | None, name: str, values: tuple[tuple[str, Any], ...]
) -> type[EquationRelease]:
    model = sending(text, on_pre, weight, dict(values))
    own: dict[str, Any] = {
        "__module__": "equations", "__doc__": text, "__annotations__": {}, "model": model,
        "recipe": (text, on_pre, weight, values),
    }  # fmt: skip
    for each in (*model.parameters, *(f"{name}_0" for name in model.variables)):
        start, dimension = model.values.get(each), model.dimensions[each]
        if start is None and each not in model.parameters:
            start = 0.0
        unknown = any(base[0] == "?" for base in dimension.powers)
        default: dict[str, Any] = {} if start is None else {"default_factory": lambda start=start: start}
        convert = functools.partial(_converted, name=each, dimension=None if unknown else dimension)
        own["__annotations__"][each] = Param
        own[each] = param(**default, unit="1" if unknown else str(dimension), convert=convert, kw_only=True)
    return types.new_class(name, (EquationRelease,), {}, lambda namespace: namespace.update(own))
