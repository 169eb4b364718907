"""Estimators of gradients: one call for all of them, with gradients in the structure of the network."""

import abc
from typing import TYPE_CHECKING, Any, Self, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from .._choices import Chosen
from .._reports import reported
from .._status import Status, bit, raise_if
from .._time import on_grid
from .._tree import paths, select
from .._types import is_concrete, out_of_bounds
from ..models import AbstractModel
from ..simulation.drives.base import AbstractDrive
from .batch import Batch, check_given, examples
from .losses.base import AbstractLoss
from .parallel import estimate_microbatches, plan_microbatches
from .targets import check_targets, outside

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar

M = TypeVar("M", bound=AbstractModel)


class AbstractEstimator(Chosen):
    """An estimator of the gradient of a loss, averaged over a batch of examples.

    Networks, drives and losses are written for one example; an estimator maps over the leading axis of `(examples,
    steps, n)`. The gradient has the same structure for all estimators: the network with None for every number that is
    not learned.
    """

    wrt: AbstractVar[str | tuple[str, ...]]  # globs of dotted paths: the parameters that are learned

    def parameters(self, net: M) -> M:
        """The learned parameters of `net`: the network with None everywhere else, as expected by `optax`."""
        return eqx.filter(net, select(net, self.wrt))

    def learns(self, net: AbstractModel) -> dict[str, tuple[int, ...]]:
        """The shape of every learned parameter of `net`, by its path.

        Look at it before training: a pattern such as `"*.bias"` matches the bias current of neurons too.
        """
        learnt = self.parameters(net)
        return dict(zip(jax.tree.leaves(paths(learnt)), (x.shape for x in jax.tree.leaves(learnt)), strict=True))

    def unsupported(self, loss: AbstractLoss, net: AbstractModel, inputs: AbstractDrive | None = None) -> str | None:
        """The part of these that the estimator cannot handle, by name and with an alternative; None if it handles all.

        Without a reason the gradient is right. `value_and_grad` and `fit` raise ValueError with the reason.
        """
        return net.no_derivative()

    def value_and_grad(
        self,
        loss: AbstractLoss,
        net: M,
        inputs: AbstractDrive,
        targets: Any,
        *,
        steps: int | None = None,
        key: Array,
    ) -> tuple[Float[Array, ""], M]:
        """The loss, averaged over examples, and its gradient.

        **Arguments:**

        - `inputs`: a drive with an axis of examples, e.g. `Replay(x, into="in")` with `x` of shape `(examples, steps,
          n)`, or `Poisson(rate)` with `(examples, n)`.
        - `targets`: arrays with a leading axis of examples; None for a loss without a target.
        - `steps`: length of the run, static; by default that of `inputs`. `key`: split into one for each example.

        **Returns:** the value, and a network whose leaves are gradients, None where `wrt` does not match.
        **Raises:** ValueError where targets do not match inputs, and for what the estimator does not support;
        SimulationError if the status is not clean: a bit of a run, or a loss or gradient that is not finite. Inside
        `jit`, where nothing can be raised, see `value_grad_status`.
        """
        value, gradient, status = self.value_grad_status(loss, net, inputs, targets, steps=steps, key=key)
        if is_concrete(status):
            raise_if(status)
            return value, gradient
        return reported(status, (value, gradient))

    def value_grad_status(
        self,
        loss: AbstractLoss,
        net: M,
        inputs: AbstractDrive,
        targets: Any,
        *,
        steps: int | None = None,
        key: Array,
    ) -> tuple[Float[Array, ""], M, UInt32[Array, ""]]:
        """`value_and_grad` with the status instead of an exception, for use in programs.

        Its bits are those of the runs, and `Status.GRADIENT_NOT_FINITE` where the loss or a gradient is NaN or
        infinite. Invalid targets set `Status.TARGET_RANGE`, and make both NaN.
        """
        check_given(net, loss)
        loss, inputs = on_grid((loss, inputs), net.dt)
        batch = examples(inputs, targets, steps, key)
        how = plan_microbatches(sum(net.sizes.values()), batch.size, batch.steps, (self, loss, net, batch))
        found = _estimate(self, loss, net, batch) if how is None else estimate_microbatches(self, loss, net, batch, how)
        value, gradient, status = found
        status = jnp.bitwise_or.reduce(status, axis=None)
        if is_concrete((status, batch.targets)) and int(status) & Status.TARGET_RANGE:
            check_targets(loss, net, batch.steps, batch.targets)
        return value, gradient, status

    def of(self, loss: AbstractLoss, net: M, batch: Batch) -> tuple[Float[Array, ""], M, UInt32[Array, "..."]]:
        """Value, gradient and status of a batch, given the whole network."""
        learnt, fixed = eqx.partition(net, select(net, self.wrt))
        return self.checked(loss, learnt, fixed, batch)

    def checked(
        self, loss: AbstractLoss, learnt: M, fixed: M, batch: Batch
    ) -> tuple[Float[Array, ""], M, UInt32[Array, "..."]]:
        """`estimate` after the check of `unsupported`, with the status of targets and gradients."""
        net = eqx.combine(learnt, fixed)
        if (why := self.unsupported(loss, net, batch.drive)) is not None:
            raise ValueError(f"{type(self).__name__}: {why}.")
        value, gradient, status = self.estimate(loss.prepare(net, batch.steps), learnt, fixed, batch)
        misplaced = outside(loss, net, batch.steps, batch.targets)
        spoilt = lambda x: x * jnp.where(misplaced, jnp.nan, 1.0).astype(x.dtype)
        value, gradient = jax.tree.map(spoilt, (value, gradient))
        finite = jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves((value, gradient))])
        status |= bit(Status.TARGET_RANGE, misplaced) | bit(Status.GRADIENT_NOT_FINITE, ~finite)
        return value, gradient, status | bit(Status.PARAMETER_RANGE, out_of_bounds(loss))

    def sharing_memory(self, n: int) -> Self:
        """This estimator with its memory budget divided by `n` concurrent copies."""
        return self

    @abc.abstractmethod
    def estimate(
        self, loss: AbstractLoss, learnt: M, fixed: M, batch: Batch
    ) -> tuple[Float[Array, ""], M, UInt32[Array, "..."]]:
        """Value, gradient and status, given the network in two parts: `eqx.combine(learnt, fixed)` is the whole."""


@eqx.filter_jit
def _estimate(estimator: AbstractEstimator, loss: AbstractLoss, net: Any, batch: Batch) -> Any:
    return estimator.of(loss, net, batch)
