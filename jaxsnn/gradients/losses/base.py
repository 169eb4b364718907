"""The base of losses. A loss is folded along the run like a probe, so that no output over time is stored."""

import abc
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int, UInt32

from ... import _sums
from ..._types import Checked, Param, canonical_float, param
from ...models import AbstractModel, Signals
from ...simulation.probes.base import AbstractProbe
from ..targets import Demand

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


class AbstractLoss(Checked):
    """The loss of one example: `init` -> `step` in every step -> `finish`. Estimators average it over a batch.

    Losses add up (`a + b`) and scale (`0.1 * a`). All terms get the same target; regularisers ignore it.
    """

    def prepare(self, model: AbstractModel, steps: int) -> "AbstractLoss":
        """The loss for a run of `steps`, called once before `init`, e.g. to convert ms to steps."""
        return self

    def init(self, model: AbstractModel, steps: int, target: Any) -> Any:
        """The carry before the first of `steps` steps. Checks names, and the target's shape for one example."""
        return ()

    def at(self, target: Any, t: Int[Array, ""]) -> Any:
        """The part of one example's target that step `t` is given; of a target over time, its row."""
        return None

    @abc.abstractmethod
    def step(self, carry: Any, signals: Signals, target_t: Any, t: Int[Array, ""]) -> Any:
        """The carry after step `t`."""

    def emit(self, carry: Any, model: AbstractModel) -> Any:
        """The carry after a chunk of steps; not called where a loss is stepped outside of `simulate`."""
        return carry

    @abc.abstractmethod
    def finish(self, carry: Any, target: Any, model: AbstractModel) -> Float[Array, ""]:
        """The loss of one example."""

    def status(self, carry: Any) -> UInt32[Array, ""]:
        """Status bits at the end of the run."""
        return jnp.uint32(0)

    def demands(self, model: AbstractModel, steps: int, targets: Any) -> Iterator[tuple[str, Demand]]:
        """Conditions on the values of targets (with a leading axis of examples), each with the name of the loss.

        A violation is an error that names the example where values are concrete; elsewhere it sets a bit of the
        status, and loss and gradient are NaN.
        """
        return iter(())

    @property
    def summed(self) -> bool:
        """Whether the loss is a sum over steps of `now`, as on-line rules need it."""
        return False

    def now(self, signals: Signals, target_t: Any, t: Int[Array, ""]) -> Float[Array, ""]:
        """The term of step `t` of a loss that is a sum over steps."""
        raise ValueError(f"{type(self).__name__} is not a sum over steps; use an estimator such as BPTT.")

    def __add__(self, other: "AbstractLoss") -> "SumOfLosses":
        return SumOfLosses((*_terms(self), *_terms(other)))

    def __rmul__(self, factor: ArrayLike) -> "SumOfLosses":
        return SumOfLosses(tuple(Term(term.loss, factor * term.weight) for term in _terms(self)))


class AbstractSummedLoss(AbstractLoss):
    """A loss that is a sum over steps of a function of the step's signals."""

    @property
    def summed(self):
        return True

    @abc.abstractmethod
    def now(self, signals: Signals, target_t: Any, t: Int[Array, ""]) -> Float[Array, ""]:
        """The term of step `t`."""

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
        t = t - first  # the rows of a target count from the start of the run
        return (first, self.loss.step(loss, signals, self.loss.at(self.target, t), t)), None

    def emit(self, carry, stacked, model):
        first, loss = carry
        return (first, self.loss.emit(loss, model)), stacked

    def finish(self, carry, emitted, model):
        return self.loss.finish(carry[1], self.target, model)

    def status(self, carry):
        return self.loss.status(carry[1])


class AbstractReadout(AbstractLoss):
    """A loss of a probe's record at the end of a run: one number per class or neuron, shape `(n,)`.

    Any probe that folds can be used: `Count("out")`, `Sum("out.v")`, `Max("out.v")`, `FirstSpike("out")`.
    """

    probe: AbstractVar[AbstractProbe]

    @abc.abstractmethod
    def of(self, found: Float[Array, " n"], target: Any) -> Float[Array, ""]:
        """The loss, from the probe's record and one example's target."""

    def expects(self, n: int, target: Any) -> str | None:
        """The expected target of one example, if this one is invalid; else None. `n`: the size of the probe's
        record.
        """
        return None

    def size(self, model: AbstractModel, steps: int) -> int:
        """The size of the probe's record: classes or neurons."""
        begin = lambda: self.probe.init(model, steps, jnp.int32(0))
        found = jax.eval_shape(lambda: self.probe.finish(begin(), None, model))
        if not hasattr(found, "shape") or found.ndim != 1:
            raise ValueError(
                f"{type(self).__name__} reads {type(self.probe).__name__}, which records more than one number per "
                "neuron; expected a probe that folds, such as Count, Sum, Mean, Max, Last or FirstSpike."
            )
        return found.shape[0]

    def init(self, model, steps, target):
        if (expected := self.expects(self.size(model, steps), target)) is not None:
            raise ValueError(
                f"{type(self).__name__} got a target {_described(target)} per example, expected {expected}."
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
