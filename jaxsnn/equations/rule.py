"""`snn.equations.rule`: a class of plasticity rules from a text."""

from __future__ import annotations

import ast
import functools
import types
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from .._types import Param, param
from ..plasticity.base import (
    AbstractRule,
    AbstractSentWeight,
    Chain,
    SynapseContext,
    WeightAfterUpdate,
    WeightBeforeUpdate,
    chain,
)
from ..plasticity.traces import NearestTrace, SpikeTrace
from .build import _converted
from .dimensions import ONE, Dimension
from .expressions import Expression, value, walk
from .learning import Effect, effect, time_constant
from .parse import SYNAPSES, Line, lines, statements
from .source import EquationError, Source, near
from .units import Units, quantity, resolved


class Learning(NamedTuple):
    """What a text says of a synapse."""

    weight: str
    traces: dict[str, tuple[str, Expression]]  # the side of each, and its time constant
    pre: Effect
    post: Effect
    parameters: tuple[str, ...]
    dimensions: dict[str, Dimension]
    values: dict[str, Any]

    @property
    def bounds(self) -> tuple[Expression, Expression] | None:
        return self.pre.bounds or self.post.bounds


class EquationRule(AbstractRule):
    """A rule whose class was made of equations by `snn.equations.rule`, which says how; parameters are leaves."""

    model: ClassVar[Learning]
    recipe: ClassVar[tuple[Any, ...]]

    @classmethod
    def sent(cls) -> AbstractSentWeight:
        """Which weight a spike passes on: that before its change, or after it, as `on_pre` says."""
        return WeightAfterUpdate() if cls.model.pre.late else WeightBeforeUpdate()

    def chained(self) -> Chain:
        """The rule with its choice of the weight that is passed on, for `Connection(rule=...)`."""
        return chain(self, sends=self.sent())

    def _traces(self, side: str) -> dict[str, Any]:
        made = {}
        for name, (own, tau) in self.model.traces.items():
            if own == side:
                operation = getattr(self.model, side).traces[name][0]
                made[name] = (SpikeTrace if operation == "+=" else NearestTrace)(self._number(tau))
        return made

    def pre_traces(self):
        return self._traces("pre")

    def post_traces(self):
        return self._traces("post")

    def _number(self, expression: Expression) -> Any:
        """The value of an expression of parameters."""
        return value(expression.node, self._parameter)

    def _parameter(self, name: str) -> Any:
        if name in self.model.parameters:
            return getattr(self, name)
        return resolved(name)[0]  # type: ignore[index]

    def _changed(self, of: Effect, w: Array, s: SynapseContext) -> Array:
        """The change of the weight, before it is clipped."""

        def look(name: str) -> Any:
            if name == self.model.weight:
                return w
            if name in self.model.traces:
                side = self.model.traces[name][0]
                size = self._number(getattr(self.model, side).traces[name][1])  # of a spike
                return size * getattr(getattr(s, side), name)
            return self._parameter(name)

        if of.weight is None:
            return jnp.zeros_like(w)
        return jnp.broadcast_to(value(_change(of.weight.node, self.model.weight), look), w.shape).astype(w.dtype)

    def on_pre(self, w, s):
        return self._changed(self.model.pre, w, s)

    def on_post(self, w, s):
        return self._changed(self.model.post, w, s)

    def bounds(self):
        ends = self.model.bounds
        return (None, None) if ends is None else tuple(jnp.asarray(self._number(end)) for end in ends)


def _change(node: Any, weight: str) -> Any:
    """`x` of `w + x`, so that nothing is added to the weight and taken away again; else `node - w`."""
    own = lambda x: isinstance(x, ast.Name) and x.id == weight
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        if own(node.left):
            return node.right if isinstance(node.op, ast.Add) else ast.UnaryOp(ast.USub(), node.right)
        if isinstance(node.op, ast.Add) and own(node.right):
            return node.left
    return ast.BinOp(node, ast.Sub(), ast.Name(weight, ast.Load()))


def rule(
    equations: str, *, on_pre: str = "", on_post: str = "", weight: str = "w", name: str = "EquationRule", **values: Any
) -> type[Any]:
    """A class of plasticity rules from equations in Brian2's language.

        STDP = snn.equations.rule(
            '''
            w : 1
            dapre/dt = -apre/taupre : 1 (event-driven)
            dapost/dt = -apost/taupost : 1 (event-driven)
            ''',
            on_pre="ge += w; apre += d_apre; w = clip(w + apost, 0, w_max)",
            on_post="apost += d_apost; w = clip(w + apre, 0, w_max)",
            taupre="20*ms", taupost="20*ms", d_apre=0.01, d_apost=-0.0105, w_max=1.0,
        )
        snn.Connection("in", "E.ge", snn.AllToAll(), weight=0.5, delay=0.0, rule=STDP(d_apre=0.02).chained())

    A synapse has one variable that is kept, its `weight`, and traces that decay, `dx/dt = -x/tau` (event-driven), each
    changed by spikes of one side, by a constant: `x += a` counts all spikes, `x = a` the nearest one. Statements are
    put into each other in their order, so that what is read after `apre += a` includes the spike. A `clip` of the new
    weight are the bounds of the rule. A statement that adds the weight to a variable of the neurons says whether the
    weight is passed on before or after its change; the variable is the port of the connection.

    **Parameters** are leaves: all other names, defined by a line or by a value (`taupre="20*ms"`); numbers without unit
    are in the library's. A parameter that is assigned by `on_pre` or `on_post` is a name for the statements behind it.

    **Arguments:** `equations`, `on_pre`, `on_post`: text. `weight`: the name of the weight. `name`: of the class.

    **Raises:** `EquationError`, a ValueError, with the line of the text and a caret where it is no such rule.

    **Source:** Stimberg, Goodman, Benichoux and Brette, Front. Neuroinform. 8:6 (2014).
    """
    return _made(equations, on_pre, on_post, weight, name, tuple(sorted(values.items())))


@functools.lru_cache(maxsize=256, typed=True)  # one class for one text: a program is compiled for a class
def _made(
    text: str, on_pre: str, on_post: str, weight: str, name: str, values: tuple[tuple[str, Any], ...]
) -> type[EquationRule]:
    model = learning(text, on_pre, on_post, weight, dict(values))
    own: dict[str, Any] = {
        "__module__": "equations", "__doc__": text, "__annotations__": {}, "model": model,
        "recipe": (text, on_pre, on_post, weight, values),
    }  # fmt: skip
    for each in model.parameters:
        start, dimension = model.values.get(each), model.dimensions[each]
        unknown = any(base[0] == "?" for base in dimension.powers)
        default = {} if start is None else {"default_factory": lambda start=start: start}
        convert = functools.partial(_converted, name=each, dimension=None if unknown else dimension)
        own["__annotations__"][each] = Param
        own[each] = param(**default, unit="1" if unknown else str(dimension), convert=convert, kw_only=True)
    return types.new_class(name, (EquationRule,), {}, lambda namespace: namespace.update(own))


def learning(text: str, on_pre: str, on_post: str, weight: str, values: Mapping[str, Any]) -> Learning:
    """What a text says of a synapse; an `EquationError` says where the first thing is that is no rule's."""
    found = {line.name: line for line in lines(Source.of(text, "the equations"), SYNAPSES)}
    if weight not in found or found[weight].kind != "parameter":
        raise EquationError(f"There is no line `{weight} : unit` for the weight{near(weight, found)}.")
    for line in found.values():
        if line.kind == "subexpression":
            line.source.error(line.at, f"{line.name!r} is computed in every synapse; write it out where it is used.")
        if line.kind == "differential" and "event-driven" not in line.flags:
            line.source.error(line.at, f"d{line.name}/dt is not flagged (event-driven), as a rule's traces are.")
    traces = {name: line for name, line in found.items() if line.kind == "differential"}
    code = {side: statements(Source.of(given, f"on_{side}")) for side, given in (("pre", on_pre), ("post", on_post))}
    assigned = {each.name for several in code.values() for each in several}
    temporary = {n for n, line in found.items() if line.kind == "parameter" and n != weight and n in assigned}
    pre, post = (effect(code[side], weight, traces, temporary) for side in ("pre", "post"))
    if pre.weight is None and post.weight is None:
        raise EquationError(f"No statement changes the weight {weight!r}, so that this is no rule.")
    if post.sent:
        raise EquationError("on_post adds to a variable of neurons; a rule passes weights on at presynaptic spikes.")
    sides: dict[str, tuple[str, Expression]] = {}
    for name, line in traces.items():
        by = [side for side, each in (("pre", pre), ("post", post)) if name in each.traces]
        if len(by) != 1:
            line.source.error(line.at, f"{name!r} is changed by spikes of {'both sides' if by else 'neither side'}; a "
                                       "trace belongs to one neuron.")  # fmt: skip
        sides[name] = by[0], time_constant(line)
    _same_bounds(pre, post)
    constants = [e for _, e in sides.values()] + [e for x in (pre, post) for _, e in x.traces.values()]
    constants += [e for x in (pre, post) if x.bounds for e in x.bounds]
    changing = [x.weight for x in (pre, post) if x.weight is not None]
    parameters, dimensions, numbers = _named(found, values, weight, traces, temporary, constants, changing)
    _units(found, code, dimensions, sides)
    return Learning(weight, sides, pre, post, parameters, dimensions.named_known(), numbers)


class _Dimensions(Units):
    """Dimensions of names, those that are found included."""

    def named_known(self) -> dict[str, Dimension]:
        return {name: self[name] for name in self.named}


def _named(
    found: Mapping[str, Line], values: Mapping[str, Any], weight: str, traces: Mapping[str, Line], temporary: set[str],
    constants: list[Expression], changing: list[Expression],
) -> tuple[tuple[str, ...], _Dimensions, dict[str, Any]]:  # fmt: skip
    """The parameters, dimensions and values of all names; an error for one that is not defined or no constant."""
    declared = [n for n, line in found.items() if line.kind == "parameter" and n != weight and n not in temporary]
    parameters = [*declared, *(name for name in values if name not in declared)]
    for expression, allowed in [*((e, set()) for e in constants), *((e, {weight, *traces}) for e in changing)]:
        for node in walk(expression.node):
            if isinstance(node, ast.Name) and node.id not in {*parameters, *allowed} and resolved(node.id) is None:
                if node.id in found:
                    raise EquationError(f"{node.id!r} is read where a rule needs a constant, or before it is assigned.")
                raise EquationError(f"{node.id!r} is not defined{near(node.id, [*found, *values])}; give it a value, "
                                    f"{node.id}=..., or a line `{node.id} : unit`.")  # fmt: skip
    named, numbers = {name: line.dimension for name, line in found.items()}, {}
    for name, given in values.items():
        if name in found and name not in declared:
            raise EquationError(f"Got a value for {name!r}, which is no parameter; weights are the connection's.")
        numbers[name], own = quantity(given, name)
        if name not in found:
            named[name] = Dimension({f"?{name}": 1}) if own is None else own
        elif own is not None and own != named[name]:
            found[name].source.error(found[name].at, f"{name} is in {named[name]}, but the value {given!r} is in {own}.")
    for name in parameters:
        if hasattr(AbstractRule, name) or name in ("model", "recipe", "sent", "chained"):
            raise EquationError(f"{name!r} is a name that every rule has; take another one.")
    return tuple(parameters), _Dimensions(named), numbers


def _units(found: Mapping[str, Line], code: Mapping[str, Any], units: _Dimensions, traces: Mapping[str, Any]) -> None:
    """All units agree."""
    every = [each for several in code.values() for each in several if each.name in found]
    for each in every:
        for node in each.expression.names():
            if node.id not in units.named and (known := resolved(node.id)) is not None:
                units.named[node.id] = known[1]
    for name, (_, tau) in traces.items():
        for node in walk(tau.node):
            if isinstance(node, ast.Name) and node.id not in units.named:
                units.named[node.id] = resolved(node.id)[1]  # type: ignore[index]
        units.check(tau, Dimension({"s": 1}), f"The time constant of {name}")
    for each in every:
        expected = ONE if each.operation in ("*=", "/=") else units.named[each.name]
        units.check(each.expression, expected, each.name)


def _same_bounds(pre: Effect, post: Effect) -> None:
    """Both changes of the weight are clipped alike."""
    changes = [each for each in (pre, post) if each.weight is not None]
    ends = [None if each.bounds is None else tuple(ast.dump(e.node) for e in each.bounds) for each in changes]
    if len(set(ends)) > 1:
        raise EquationError("on_pre and on_post clip the weight differently; a rule has one pair of bounds.")
