"""What is to be small: a loss is a probe with an end, folded along the run, so that no output over time is kept."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from itertools import chain
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, UInt32

from ... import _sums
from ..._types import Checked, Param, canonical_float, param
from ...models import AbstractModel, Signals
from ...simulation.probes.base import AbstractProbe
from ..targets import Demand


class AbstractLoss(Checked):
    """A number for one example: `init` -> `step` in every step -> `finish`. Estimators average it over a batch.

    Losses add up (`a + b`) and scale (`0.1 * a`). All terms are given the same target; regularisers ignore it.
    """

    def prepare(self, model: AbstractModel, steps: int) -> AbstractLoss:
        """The loss of a run of `steps`, called once before `init`: the place to make steps of times in ms."""
        return self

    def init(self, model: AbstractModel, steps: int, target: Any) -> Any:
        """The carry before the first of `steps` steps. Checks names, and the target's shape for one example."""
        return ()

    def at(self, target: Any, t: Int[Array, ""]) -> Any:
        """What `step` is given of one example's target in step `t`; for a target over time its row."""
        return None

    @abc.abstractmethod
    def step(self, carry: Any, signals: Signals, target_t: Any, t: Int[Array, ""]) -> Any:
        """The carry after step `t`."""

    def emit(self, carry: Any, model: AbstractModel) -> Any:
        """The carry after a chunk of steps; a loss has to do without where it is stepped by itself."""
        return carry

    @abc.abstractmethod
    def finish(self, carry: Any, target: Any, model: AbstractModel) -> Float[Array, ""]:
        """The loss of one example."""

    def status(self, carry: Any) -> UInt32[Array, ""]:
        """Status bits at the end of the run."""
        return jnp.uint32(0)

    def demands(self, model: AbstractModel, steps: int, targets: Any) -> Iterator[tuple[str, Demand]]:
        """What it demands of the values of targets, all examples' with an axis in front, each with the loss's name.

        Broken demands are an error that names the example where values are known, and elsewhere a bit of the status,
        with a loss and a gradient that are NaN.
        """
        return iter(())

    @property
    def summed(self) -> bool:
        """Whether it is a sum over steps of what `now` gives: all that an on-line rule can follow."""
        return False

    def now(self, signals: Signals, target_t: Any, t: Int[Array, ""]) -> Float[Array, ""]:
        """What step `t` adds to a loss that is a sum over steps."""
        raise ValueError(f"{type(self).__name__} is no sum over steps, so no single step has a part in it.")

    def __add__(self, other: AbstractLoss) -> SumOfLosses:
        return SumOfLosses((*_terms(self), *_terms(other)))

    def __rmul__(self, factor: ArrayLike) -> SumOfLosses:
        return SumOfLosses(tuple(Term(term.loss, factor * term.weight) for term in _terms(self)))


class AbstractSummedLoss(AbstractLoss):
    """A loss that is a sum over steps of a function of what is seen in that step."""

    @property
    def summed(self):
        return True

    @abc.abstractmethod
    def now(self, signals: Signals, target_t: Any, t: Int[Array, ""]) -> Float[Array, ""]:
        """What step `t` adds."""

    def init(self, model, steps, target):
        return _sums.nothing((), canonical_float())

    def step(self, carry, signals, target_t, t):
        return _sums.plus(carry, self.now(signals, target_t, t))

    def finish(self, carry, target, model):
        return _sums.value(carry)


class Term(eqx.Module):
    """A loss in a sum, and its weight."""

    loss: AbstractLoss
    weight: Param = param(1.0, unit="1")


class SumOfLosses(AbstractLoss):
    """Several losses with their weights; written `a + 0.1 * b`."""

    terms: tuple[Term, ...]

    @property
    def summed(self):
        return all(term.loss.summed for term in self.terms)

    def now(self, signals, target_t, t):
        return sum(
            (term.weight * term.loss.now(signals, row, t) for term, row in zip(self.terms, target_t)),
            start=jnp.zeros((), canonical_float()),
        )

    def prepare(self, model, steps):
        return SumOfLosses(tuple(Term(term.loss.prepare(model, steps), term.weight) for term in self.terms))

    def demands(self, model, steps, targets):
        return chain.from_iterable(term.loss.demands(model, steps, targets) for term in self.terms)

    def init(self, model, steps, target):
        return tuple(term.loss.init(model, steps, target) for term in self.terms)

    def at(self, target, t):
        return tuple(term.loss.at(target, t) for term in self.terms)

    def step(self, carry, signals, target_t, t):
        return tuple(term.loss.step(c, signals, row, t) for term, c, row in zip(self.terms, carry, target_t))

    def emit(self, carry, model):
        return tuple(term.loss.emit(c, model) for term, c in zip(self.terms, carry, strict=True))

    def finish(self, carry, target, model):
        parts = (term.weight * term.loss.finish(c, target, model) for term, c in zip(self.terms, carry))
        return sum(parts, start=jnp.zeros((), canonical_float()))

    def status(self, carry):
        bits = jnp.uint32(0)
        for term, c in zip(self.terms, carry, strict=True):
            bits |= term.loss.status(c)
        return bits


def _terms(loss: AbstractLoss) -> tuple[Term, ...]:
    return loss.terms if isinstance(loss, SumOfLosses) else (Term(loss),)


class Scored(AbstractProbe):
    """A loss as a probe: its record is the loss of the run, given one example's target."""

    loss: AbstractLoss
    target: Any

    def init(self, model, steps, first):
        return first, self.loss.init(model, steps, self.target)

    def step(self, carry, signals, t):
        first, loss = carry
        t = t - first  # a target counts from where the run starts
        return (first, self.loss.step(loss, signals, self.loss.at(self.target, t), t)), None

    def emit(self, carry, stacked, model):
        first, loss = carry
        return (first, self.loss.emit(loss, model)), stacked

    def finish(self, carry, emitted, model):
        return self.loss.finish(carry[1], self.target, model)

    def status(self, carry):
        return self.loss.status(carry[1])


class AbstractReadout(AbstractLoss):
    """A loss of what a probe found at the end of a run: a number a class or neuron, shape `(n,)`.

    Any probe that folds will do: `Count("out")`, `Sum("out.v")`, `Max("out.v")`, `FirstSpike("out")`.
    """

    probe: eqx.AbstractVar[AbstractProbe]

    @abc.abstractmethod
    def of(self, found: Float[Array, " n"], target: Any) -> Float[Array, ""]:
        """The loss, from the probe's record and one example's target."""

    def expects(self, n: int, target: Any) -> str | None:
        """What the target of one example should be, if this is not it. `n`: the size of the probe's record."""
        return None

    def size(self, model: AbstractModel, steps: int) -> int:
        """How many numbers the probe will find: classes or neurons."""
        begin = lambda: self.probe.init(model, steps, jnp.int32(0))
        found = jax.eval_shape(lambda: self.probe.finish(begin(), None, model))
        if not hasattr(found, "shape") or found.ndim != 1:
            raise ValueError(
                f"{type(self).__name__} reads {type(self.probe).__name__}, which keeps more than one number a neuron; "
                "expected a probe that folds, such as Count, Sum, Mean, Max, Last or FirstSpike."
            )
        return found.shape[0]

    def init(self, model, steps, target):
        if (expected := self.expects(self.size(model, steps), target)) is not None:
            raise ValueError(
                f"{type(self).__name__} got a target {_described(target)} an example, expected {expected}."
            )
        return self.probe.init(model, steps, jnp.int32(0))

    def step(self, carry, signals, target_t, t):
        return self.probe.step(carry, signals, t)[0]

    def emit(self, carry, model):
        return self.probe.emit(carry, None, model)[0]

    def finish(self, carry, target, model):
        return self.of(self.probe.finish(carry, None, model), target)

    def status(self, carry):
        return self.probe.status(carry)


def _described(target: Any) -> str:
    if hasattr(target, "shape"):
        return f"of shape {target.shape} and type {target.dtype}"
    return f"that is {type(target).__name__}"
