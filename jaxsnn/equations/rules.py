"""`snn.equations.rule`: a class of plasticity rules from a text."""

from __future__ import annotations

import ast
import functools
import types
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from .._types import Param, param
from ..plasticity.base import AbstractRule, AbstractSentWeight, Chain, WeightAfterUpdate, WeightBeforeUpdate, chain
from ..plasticity.traces import NearestTrace, SpikeTrace
from .build import _converted
from .effects import Effect
from .expressions import Expression, value
from .learning import Learning, learning
from .model import check_made
from .units import resolved


class EquationRule(AbstractRule):
    """A rule whose class was made of equations by `snn.equations.rule`, which says how; parameters are leaves."""

    model: ClassVar[Learning]
    recipe: ClassVar[tuple[Any, ...]]
    _texts: ClassVar[tuple[str, ...]] = ("on_pre", "on_post")  # what follows the equations in a recipe

    def __check_init__(self):
        check_made(self, "rule")

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
        return value(expression.node, self.number)

    def number(self, name: str) -> Any:
        """The value of a parameter, a unit or a constant."""
        if name in self.model.parameters:
            return getattr(self, name)
        return resolved(name)[0]  # type: ignore[index]

    def _changed(self, of: Effect, w: Array, s: Any) -> Array:
        """The change of the weight, before it is clipped."""

        def look(name: str) -> Any:
            if name == self.model.weight:
                return w
            if name in self.model.traces:
                side = self.model.traces[name][0]
                size = self._number(getattr(self.model, side).traces[name][1])  # of a spike
                return size * getattr(getattr(s, side), name)
            return self.number(name)

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

    A synapse has one variable that is kept, its `weight`, and traces that decay, `dx/dt = -x/tau` (event-driven or
    clock-driven), each changed by spikes of one side, by a constant: `x += a` counts all spikes, `x = a` the nearest
    one. Statements are put into each other in their order, so that what is read after `apre += a` includes the spike. A
    `clip` of the new weight are the bounds of the rule. A statement that adds the weight to a variable of the neurons
    says whether the weight is passed on before or after its change; the variable is the port of the connection.

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
        default: dict[str, Any] = {} if start is None else {"default_factory": lambda start=start: start}
        convert = functools.partial(_converted, name=each, dimension=None if unknown else dimension)
        own["__annotations__"][each] = Param
        own[each] = param(**default, unit="1" if unknown else str(dimension), convert=convert, kw_only=True)
    return types.new_class(name, (EquationRule,), {}, lambda namespace: namespace.update(own))
