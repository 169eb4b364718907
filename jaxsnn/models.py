"""The protocol of `simulate`: a model, which users hold, and a stepper, which a scan holds.

A model is data: it has an initial state, and names for what may be read and fed. `prepare` makes a stepper of it, once
for a run: a pure step from state to state.
"""

import abc
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from ._status import Status, bit
from ._types import out_of_bounds
from .compilers import XLA, AbstractCompiler

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


class Inputs(eqx.Module):
    """What a drive feeds into one step.

    `arrivals`: weights that arrive in this step, by port (`"E.in"`), shape `(n,)`. `currents`: by population.
    `modulators`: named signals such as reward, read by plasticity rules.
    """

    arrivals: dict[str, Float[Array, " n"]] = eqx.field(default_factory=dict)
    currents: dict[str, Float[Array, " n"]] = eqx.field(default_factory=dict)
    modulators: dict[str, Array] = eqx.field(default_factory=dict)

    def __add__(self, other: "Inputs") -> "Inputs":
        def merged(a: dict[str, Array], b: dict[str, Array]) -> dict[str, Array]:
            return {name: a[name] + b[name] if name in a and name in b else {**a, **b}[name] for name in {**a, **b}}

        return Inputs(
            merged(self.arrivals, other.arrivals),
            merged(self.currents, other.currents),
            merged(self.modulators, other.modulators),
        )


@jax.tree_util.register_pytree_node_class
class View(Mapping[str, Any]):
    """A mapping whose parts are computed on access: probes read only a few of the variables of a step.

    As a pytree it consists of all its parts.
    """

    def __init__(self, parts: Mapping[str, Callable[[], Any]]):
        self._parts, self._seen = parts, {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._seen:
            self._seen[name] = self._parts[name]()
        return self._seen[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self):
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[str, ...]]:
        return tuple(self[name] for name in self), tuple(self)

    @classmethod
    def tree_unflatten(cls, names: tuple[str, ...], parts: tuple[Any, ...]) -> "View":
        return cls({name: (lambda part=part: part) for name, part in zip(names, parts, strict=True)})


class Signals(eqx.Module):
    """The observable result of a step: the spikes of every population, and the state by name (`"E.v"`, `"E.exc.i"`).

    `words`: the same spikes as bits, by population, where the model has packed them.
    """

    spikes: Mapping[str, Float[Array, " n"]]
    state: Mapping[str, Any]
    words: Mapping[str, UInt32[Array, " words"]] = eqx.field(default_factory=dict)


class AbstractPlan(eqx.Module):
    """The purpose of a run. It decides how a model is stepped, never the results."""


class Forward(AbstractPlan):
    """A run without derivatives.

    **Arguments:** `fused`: populations of one kind are advanced as one; False for a stepper whose stages are called one
    by one; static.
    """

    fused: bool = eqx.field(default=True, static=True)


class Reverse(AbstractPlan):
    """A run that is differentiated.

    **Arguments:** `input_known`: the input does not depend on the model's activity, so that the input of a whole chunk
    can be computed before the chunk runs; static.
    """

    input_known: bool = eqx.field(default=False, static=True)


Feed = Callable[[Any, Signals, Array], tuple[Any, Inputs]]
Observe = Callable[[Any, Signals, Array], tuple[Any, Any]]


class AbstractStepper(eqx.Module):
    """A prepared model, held by a scan: it takes the state from `t_k = k dt` to `t_{k+1}`; time is the integer `k`."""

    @abc.abstractmethod
    def step(self, state: Any, inputs: Inputs, t: Int[Array, ""], *, key: Array) -> tuple[Any, Signals]:
        """Step `t`. `key` is the same in every step: random numbers are a function of (key, name, t, neuron)."""

    @abc.abstractmethod
    def view(self, state: Any) -> Mapping[str, Any]:
        """The state by name, as probes and drives read it."""

    def settled(self) -> "AbstractStepper":
        """The stepper for many runs, outside of programs: with what NumPy does better of arrays that are known."""
        return self

    # --- the loop over time -------------------------------------------------------------------------------------------

    def joined(self, state: Any, spikes: Any) -> Any:
        """The state, and the spikes of the last step, as the loop carries them."""
        return state, spikes

    def apart(self, carried: Any) -> tuple[Any, Any]:
        """The state and the spikes by name; the inverse of `joined`."""
        return carried

    def advanced(self, carried: Any, inputs: Inputs, t: Array, *, key: Array) -> tuple[Any, Signals]:
        """`step` of what the loop carries."""
        state, signals = self.step(self.apart(carried)[0], inputs, t, key=key)
        return self.joined(state, signals.spikes), signals

    def run(
        self,
        carry: Any,
        t: Int[Array, ""],
        length: int,
        *,
        feed: Feed,
        observe: Observe,
        key: Array,
        compiler: AbstractCompiler = XLA(),
    ) -> tuple[Any, Any]:
        """One chunk of `length` steps from step `t`, compiled by `compiler`: a scan of `step`.

        `carry = (state, spikes, side)`, with the spikes of the step before. `feed(side, signals, t) -> (side, inputs)`
        comes before every step, with the signals of the step before, and `observe(side, signals, t) -> (side, out)`
        after it. Returns the carry and the stacked `out`. A stepper with a better schedule than one step at a time
        overrides this, with the same results.
        """
        carried, out = compiler.steps(self._one(feed, observe, key), self._carried(carry), t, length)
        return self._left(carried), out

    def run_up_to(
        self,
        carry: Any,
        t: Int[Array, ""],
        count: Int[Array, ""],
        length: int,
        *,
        feed: Feed,
        observe: Observe,
        key: Array,
        compiler: AbstractCompiler = XLA(),
    ) -> tuple[Any, Any]:
        """`run` of `count` steps, an argument of the program; `length` is the capacity of the stacked outputs.

        Rows from `count` on are zero. It has no derivative in reverse.
        """
        carried, out = compiler.steps(self._one(feed, observe, key), self._carried(carry), t, length, count)
        return self._left(carried), out

    def _carried(self, carry: Any) -> Any:
        state, spikes, side = carry
        return self.joined(state, spikes), side

    def _left(self, carried: Any) -> Any:
        return *self.apart(carried[0]), carried[1]

    def _one(self, feed: Feed, observe: Observe, key: Array) -> Callable[[Any, Array], tuple[Any, Any]]:
        """One step together with `feed` and `observe`."""

        def one(carry: Any, t: Array) -> tuple[Any, Any]:
            carried, side = carry
            state, spikes = self.apart(carried)
            side, inputs = feed(side, Signals(spikes, self.view(state)), t)
            carried, signals = self.advanced(carried, inputs, t, key=key)
            side, out = observe(side, signals, t)
            return (carried, side), out

        return one


class AbstractModel(eqx.Module):
    """A discrete-time model, as users hold it: a `Network`, or a program for a chip.

    A model without anything to prepare may be its own stepper: a subclass of both classes whose `prepare` returns self.
    """

    dt: AbstractVar[float]  # ms, static

    @abc.abstractmethod
    def init(self, *, key: Array) -> Any:
        """The state at `t_0`."""

    def resumed(self, state: Any) -> Any:
        """The initial state of a run that continues another, including parameters set in the meantime."""
        return state

    @abc.abstractmethod
    def view(self, state: Any) -> Mapping[str, Any]:
        """The state by name, as probes and drives read it."""

    @abc.abstractmethod
    def prepare(self, plan: AbstractPlan = Forward()) -> AbstractStepper:
        """The stepper: coefficients and indices derived once for a run, inside jit and outside the scan."""

    @property
    @abc.abstractmethod
    def sizes(self) -> dict[str, int]:
        """The number of neurons of every population that can be probed."""

    @abc.abstractmethod
    def port(self, path: str) -> tuple[str, int]:
        """The full name and the size of the port that `path` (`"E"` or `"E.exc"`) names; an error lists the ports."""

    def signed(self, path: str) -> bool:
        """Whether arrivals at a port may be negative; False for a conductance."""
        return True

    def unit(self, path: str) -> str:
        """The unit of the variable at a path, such as mV; empty where nothing says it."""
        return ""

    def constant(self, path: str) -> str | None:
        """For a path of constant numbers, such as static weights, a sentence that says where they are; else None."""
        return None

    def module(self, name: str) -> Any:
        """A module that runs once per trial, before or after the steps, by name; an error lists the modules."""
        kind = type(self).__name__
        raise ValueError(f"Got the module {name!r}, but {kind} has none; a network(..., modules={{...}}) may.")

    def parameter_status(self) -> UInt32[Array, ""]:
        """Status bits that follow from the parameters alone, such as a time constant that is not positive."""
        return bit(Status.PARAMETER_RANGE, out_of_bounds(self))

    def no_derivative(self) -> str | None:
        """The part without a derivative, by name and with an alternative; None if a run can be differentiated."""
        return None

    def status(self, state: Any) -> UInt32[Array, ""]:
        """Status bits of a run that ended in `state`."""
        return jnp.uint32(0)


def silent(sizes: dict[str, int], dtype: Any) -> dict[str, Array]:
    """Spikes of zero, as a drive sees them in the first step."""
    return {name: jnp.zeros(n, dtype) for name, n in sizes.items()}


def known(names: Any) -> str:
    """Names for an error message, which is one line whatever they are."""
    return ", ".join(name if name.isprintable() else repr(name) for name in sorted(names)) or "none"
