"""`snn.equations.synapse`: a class of synapses, integrated in every step, from a text."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from .._linear import Current
from .._status import Status, bit
from ..neurons.integrators import explicit, stiffness
from ..neurons.ode import _state
from ..synapses.clocked import AbstractClockedSynapse, OfNeurons
from . import steps
from .build import class_of
from .cell import assigned
from .clocked import SIDES, Clocked, clocked
from .expressions import value
from .integrated import AbstractEquations
from .model import check_made
from .names import Names
from .source import EquationError


class EquationSynapse(AbstractEquations, AbstractClockedSynapse):
    """Synapses whose class was made of equations by `snn.equations.synapse`, which says how.

    Every parameter of the equations is a leaf of its name, and so is the value of every variable at the start: a
    number, one a synapse, or a distribution.

    **Arguments** (keyword): `after`: the sides, `"pre"` or `"post"`, whose neurons the equations read as they are after
    their step; others are read as they are before it; static. `behind`: sums are of the synapses as they are behind
    their step, not at its start; static.
    """

    _texts: ClassVar[tuple[str, ...]] = ("on_pre", "on_post")  # what follows the equations in a recipe
    said: ClassVar[Clocked]

    after: tuple[str, ...] = eqx.field(default=(), static=True, kw_only=True)
    behind: bool = eqx.field(default=False, static=True, kw_only=True)

    def __check_init__(self):
        check_made(self, "synapse")
        if not set(self.after) <= {*SIDES}:
            raise ValueError(f"{type(self).__name__}.after is {self.after!r}, expected some of 'pre' and 'post'.")
        if self.behind and {read.side for read in self.reads} & {*self.after}:
            raise ValueError(
                f"{type(self).__name__} has behind=True and after={self.after!r}, so that its sums would come behind "
                "the step of the neurons that take them; give one of the two."
            )

    @property
    def pathways(self):
        return tuple(path for path, _ in self.said.code)

    @property
    def reads(self):
        return self.said.reads

    @property
    def summed(self):
        return tuple(each.into for each in self.said.sums)

    @property
    def added(self):
        return self.said.added

    @property
    def local(self):
        return self.said.local

    @property
    def updated(self):
        return self.after

    @property
    def sums_behind(self):
        return self.behind

    def misfit(self, read: OfNeurons, neuron: Any) -> str | None:
        own = self.model.dimensions[str(read)]
        theirs = neuron.model.dimensions.get(read.variable) if isinstance(neuron, AbstractEquations) else None
        if theirs is None or own == theirs or any(name[0] == "?" for x in (own, theirs) for name in x.powers):
            return None
        return f"{read} is in {own} in the equations of the synapse, and in {theirs} in those of the neuron"

    def init(self, shape, dtype, dt):
        fields = self._at_start(shape, dtype) or {"nothing": jnp.zeros(shape, dtype)}
        s = _state(tuple(fields))(**fields)
        if not self.said.events:
            return s
        # What moves from event to event is at t_k when a spike of step k arrives; here a step has been made by then.
        assert self.linear_form is not None
        coefficients = self.linear_form.values(Names(self, self.model, s))
        before = steps.linear_step(self.model, s, steps.entries(self.model, coefficients, -dt), s[0], None)
        return s._replace(**{name: getattr(before, name) for name in self.said.events})

    def seeing(self, s, seen):
        return s._replace(**{name: jnp.asarray(x, s[0].dtype) for name, x in seen.items()})

    def sums(self, s, seen):
        names = Names(self, self.model, self.seeing(s, seen))
        found = {}
        for into, expression in self.said.sums:
            x = names.shaped(expression)
            found[into] = found[into] + x if into in found else x
        return found

    def advanced(self, s, seen, dt, noise):
        return self.moved(self.seeing(s, seen), Current(jnp.zeros((), s[0].dtype)), dt, noise)

    def _along_flow(self, s: Any, current: Current, dt: float) -> Any:
        names = self.variables
        at = lambda y: s._replace(**dict(zip(names, y, strict=True)))
        rates = lambda y: self.flow(at(y), current.a)
        y = tuple(getattr(s, name) for name in names)
        new = at(self.integrator(rates, y, dt)) if names else s
        if "t" in s._fields:
            new = new._replace(t=s.t)  # the time of the step, up to its end
        if explicit(self.integrator) and names:
            fastest = stiffness(lambda y: (rates(y[0]), y[1]), (y, ()))
            new = new._replace(stiff=jnp.maximum(s.stiff, lax.stop_gradient(dt * fastest)))
        return new

    def reached(self, s, pathway, arrived, seen):
        s, added, local = self.seeing(s, seen), {}, {}
        for each in dict(self.said.code)[pathway]:
            names = Names(self, self.model, s, **local)
            if each.name in self.model.variables:
                new = names.shaped(each.expression)
                s = s._replace(**{each.name: assigned(each.operation, getattr(s, each.name), new, arrived)})
            elif each.name in self.said.local:
                new = value(each.expression.node, names)
                local[each.name] = new if each.operation == "=" else _changed(each.operation, local[each.name], new)
            else:
                into = next(x for x in self.said.added if each.name in (str(x), x.variable))
                x = arrived * names.shaped(each.expression) * (1.0 if each.operation == "+=" else -1.0)
                added[into] = added[into] + x if into in added else x
        return s, added

    def ended(self, s):
        return s._replace(elapsed=s.elapsed + 1) if "t" in self.model.clocks else s

    def status(self, s):
        return bit(Status.STIFF, ~(s.stiff <= self.integrator.stable)) if explicit(self.integrator) else jnp.uint32(0)


def _changed(operation: str, old: Any, new: Any) -> Any:
    match operation:
        case "+=":
            return old + new
        case "-=":
            return old - new
        case "*=":
            return old * new
    return old / new


def synapse(
    equations: str,
    *,
    on_pre: str | Mapping[str, str] = "",
    on_post: str | Mapping[str, str] = "",
    method: str | None = None,
    name: str = "EquationSynapse",
    **values: Any,
) -> type[Any]:
    """A class of synapses that are integrated in every step, from equations in Brian2's language.

        NMDA = snn.equations.synapse(
            '''
            w : 1
            ds/dt = -s/tau_d + a*x*(1 - s) : 1 (clock-driven)
            dx/dt = -x/tau_r : 1 (clock-driven)
            s_total_post = w*s : 1 (summed)
            ''',
            on_pre="x += 1", method="rk4", tau_d="100*ms", tau_r="2*ms", a="0.5/ms",
        )
        snn.Connection("E", "E", snn.FixedProb(0.1), delay=1.0, synapse=NMDA(w=snn.Normal(1.0, 0.1)))

    **Names.** What has a `dx/dt` is a variable of each synapse; `x_pre`, `x_post` is a variable, parameter or
    subexpression of the neurons on that side. All else is as for `snn.equations.neuron`: a line without equation or a
    value is a parameter, and one that spikes assign is a variable. Parameters and values at the start are leaves.

    **Sums.** `x_post = ... : unit (summed)` is the sum over the synapses of a neuron, in every step, of what neurons
    and synapses are at its start: of the variable `x` of the neurons, which their equations have as a line
    `x : unit (summed)`, or of their current, by its name, `i`. Several sums of one variable, from any synapses, add up.

    **Spikes.** `on_pre`, `on_post`: statements, in their order, or several such texts by name, each a pathway with a
    delay of its own, `Connection(delay={"fast": 1.0, ...})`. `g_post += w*x` is added to a variable of neurons that has
    a port (`Cell.into("g")`), in the same step. Statements read neurons as they are behind their step and before
    arrivals and resets. `y = ...` for a name without a line is one for the statements behind it.

    **Time.** Step `k` sums the state at `t_k`, integrates synapses and neurons, and has the spikes of that step act:
    Brian2's order, for which the network needs `BrianOrder()`. Equations read neurons as they are at `t_k`; with
    `NMDA(after=("pre",))` presynaptic ones as they are behind their step, as Brian2 does where their name comes before
    that of the synapses; with `NMDA(behind=True)` sums are of the state behind the step of the synapses, as Brian2's
    into a part of a group are. Variables flagged `(event-driven)` are integrated exactly, which comes to the same.

    **Arguments:** `equations`, `on_pre`, `on_post`: text. `method`: as of neurons, with noise too. `name`: the class's.

    **Raises:** `EquationError`, a ValueError, with the line of the text and a caret where it is wrong.

    **Source:** Stimberg, Goodman, Benichoux and Brette, Front. Neuroinform. 8:6 (2014).
    """
    code = tuple(x if isinstance(x, str) else tuple(sorted(x.items())) for x in (on_pre, on_post))
    return _made(equations, *code, method, name, tuple(sorted(values.items())))


@functools.lru_cache(maxsize=256, typed=True)  # one class for one text: a program is compiled for a class
def _made(
    text: str, on_pre: Any, on_post: Any, method: str | None, name: str, values: tuple[tuple[str, Any], ...]
) -> type[EquationSynapse]:
    before, behind = (x if isinstance(x, str) else dict(x) for x in (on_pre, on_post))
    model, said, own_method = clocked(text, before, behind, dict(values), EquationSynapse)
    if own_method is not None and method not in (None, own_method):
        raise EquationError(
            f"Got method={method!r} for a synapse with (event-driven) variables, whose step is exact; expected "
            "'exact', or (clock-driven) variables."
        )
    leaves = (*model.parameters, *(each for each in model.variables if each not in model.fed))
    recipe = (text, on_pre, on_post, method, values)
    return class_of(EquationSynapse, name, model, own_method or method, leaves, __doc__=text, recipe=recipe, said=said)
