"""Training: one compiled program an epoch outside of `jit` (or a step, on many cores), one altogether inside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jaxtyping import Array, Float, UInt32

from .._random import as_key
from .._reports import reported
from .._status import SimulationError, Status
from .._time import on_grid
from .._tree import select
from .._types import canonical_float, is_concrete
from ..models import AbstractModel
from ..simulation.drives.base import AbstractDrive
from ..simulation.progress import AbstractProgress, Bar
from .batch import Batch, check_given, examples
from .checkpoints import Checkpoints
from .estimator import AbstractEstimator
from .evaluation import scored
from .losses.base import AbstractLoss
from .parallel import Microbatches, estimate_microbatches, plan_microbatches
from .stopped import Fit, check_step
from .targets import check_targets


class Task(eqx.Module):
    """What a training is about: everything that no epoch changes."""

    estimator: AbstractEstimator
    loss: AbstractLoss
    optimiser: optax.GradientTransformation
    metrics: dict[str, AbstractLoss]
    fixed: Any  # the part of the network that is not learnt
    data: Batch
    validation: Batch | None
    size: int = eqx.field(static=True)  # examples a step
    key: Array


class Learner(NamedTuple):
    """What an epoch changes."""

    learnt: Any
    optimiser: Any
    best: Any  # what was learnt when the watched score was lowest, that score, and epochs since then
    lowest: Float[Array, ""]
    since: Array
    epoch: Array


def fit(
    net: AbstractModel,
    estimator: AbstractEstimator,
    loss: AbstractLoss,
    inputs: AbstractDrive,
    targets: Any,
    *,
    optimiser: optax.GradientTransformation,
    epochs: int,
    batch: int,
    validation: tuple[AbstractDrive, Any] | None = None,
    metrics: Mapping[str, AbstractLoss] | None = None,
    patience: int | None = None,
    steps: int | None = None,
    checkpoints: Checkpoints | None = None,
    progress: AbstractProgress | None = None,
    key: Array,
) -> Fit:
    """Train `net`: in every epoch all examples in a new order, `batch` of them a step of the optimiser.

    **Main arguments:**

    - `estimator`: how the gradient is found, and of what (`wrt`). `loss`: averaged over the examples of a step.
    - `inputs`, `targets`: all examples, as of `AbstractEstimator.value_and_grad`. What is left over when `batch` does
      not divide them is skipped in that epoch.
    - `optimiser`: any of `optax`. `epochs`, `batch`: static.

    **Other arguments:**

    - `validation`: inputs and targets on which the loss, and `metrics` such as `{"accuracy": Accuracy(...)}`, are
      scored after every epoch.
    - `patience`: stop when the validation loss (without validation, the loss) has not fallen for so many epochs, and
      return the network it was lowest with. Not inside `jit`, where the number of epochs is fixed.
    - `checkpoints`: where to keep the state, and to go on from if there is one.
    - `steps`: of a run, where the inputs do not say it. `progress`: `Bar()`, or `Quiet()`: nothing is printed.
    - `key`: orders and examples of an epoch depend on it and the epoch's number, so a training that was interrupted
      ends as one that was not.

    **Returns:** the network, and `history`: `"loss"` and, with validation, `"validation_loss"` and
    `"validation_<metric>"`, a number an epoch.

    What is learnt is said in a line at the start (`Quiet()`: nothing); `estimator.learns(net)` lists it.

    **Raises:** TrainingError at the first loss or gradient that is not finite and at the first parameter that leaves
    its bounds, with the step, the parameters and what they became; SimulationError if a run's status is not clean;
    ValueError, before anything runs, for targets that the loss has no meaning for. The first two carry `fit`: the
    network before that step, and all epochs before (so does KeyboardInterrupt). Inside `jit` nothing can be raised:
    read `status`; the network is kept as it was before the first such step.

    With concrete values it compiles one program that runs an epoch, or on a CPU, where the batch of a step is worth
    dividing among cores, makes a call a step; while tracing it is part of the program, so that `sweep` trains many
    networks (seeds, learning rates) at once.
    """
    key = as_key(key)
    _check_arguments(net, estimator, loss, optimiser, epochs, metrics, validation, patience)
    loss, inputs, validation, metrics = on_grid((loss, inputs, validation, dict(metrics or {})), net.dt)
    data = examples(inputs, targets, steps, key)
    if isinstance(batch, bool) or not (isinstance(batch, int | np.integer) and 1 <= batch <= data.size):
        raise ValueError(
            f"Got batch = {batch!r}, expected a whole number from 1 to the {data.size} examples there are."
        )
    if (why := estimator.unsupported(loss, net, inputs)) is not None:
        raise ValueError(f"{type(estimator).__name__}: {why}.")
    check_targets(loss, net, data.steps, data.targets)
    learnt, fixed = eqx.partition(net, select(net, estimator.wrt))
    test = None if validation is None else examples(*validation, steps, key)
    if test is not None:
        for score in (loss, *(metrics or {}).values()):
            check_targets(score, net, test.steps, test.targets, " validation")
    task = Task(estimator, loss, optimiser, dict(metrics or {}), fixed, data, test, int(batch), key)
    with jax.numpy_dtype_promotion("standard"):
        start = optimiser.init(learnt)
    state = Learner(learnt, start, learnt, jnp.full((), jnp.inf, canonical_float()), jnp.int32(0), jnp.int32(0))
    if is_concrete((net, inputs, targets, validation, key, start)):
        progress = Bar() if progress is None else progress
        progress.say(f"fit: {_learns(estimator, net)}")
        return _in_calls(task, state, epochs, patience, checkpoints, progress)
    if patience is not None or checkpoints is not None:
        raise ValueError(
            "Got patience or checkpoints inside jit, where every training runs all its epochs; leave both."
        )
    state, (history, taken, _, status) = lax.scan(lambda s, _: _epoch(task, s), state, None, length=epochs)
    status = jnp.bitwise_or.reduce(status) | jnp.bitwise_or.reduce(taken.built, axis=None)
    return reported(status, Fit(eqx.combine(state.learnt, fixed), history, status))


def _epoch(task: Task, state: Learner) -> tuple[Learner, Any]:
    """All examples once: the next state; scores; what was finite, by step and parameter; the status."""
    data, order = _order(task, state)

    def step(moving: _Moving, rows: Array) -> tuple[_Moving, _Step]:
        return _update(task, moving, task.estimator.checked(task.loss, moving.learnt, task.fixed, data.take(rows)))

    return _end(task, state, *lax.scan(step, _Moving.start(state), order))


def _epoch_on_cores(task: Task, state: Learner, how: Microbatches) -> tuple[Learner, Any]:
    """The same with a call a step of the optimiser, where the batch of a step is worth dividing among cores."""
    data, order = _compiled_order(task, state)
    moving, steps = _Moving.start(state), []
    for rows in order:
        net = eqx.combine(moving.learnt, task.fixed)
        found = estimate_microbatches(task.estimator, task.loss, net, _compiled_take(data, rows), how)
        moving, step = _compiled_update(task, moving, found)
        steps.append(step)
    return _compiled_end(task, state, moving, jax.tree.map(lambda *x: jnp.stack(x), *steps))


class _Moving(NamedTuple):
    """What a step of the optimiser changes; whether all has been sound so far, and what was first rejected."""

    learnt: Any
    optimiser: Any
    sound: Array
    rejected: Any

    @classmethod
    def start(cls, state: Learner) -> _Moving:
        return cls(state.learnt, state.optimiser, jnp.ones((), bool), state.learnt)


class _Step(NamedTuple):
    """What is known of a step: the loss, whether it and the gradient of every parameter were finite, and status bits:
    of its runs, and of the parameters after it."""

    value: Float[Array, ""]
    finite: Array
    status: UInt32[Array, ""]
    built: UInt32[Array, ""]


def _order(task: Task, state: Learner) -> tuple[Batch, Array]:
    """The examples of an epoch with their keys, and which are those of each step: shape (steps, examples)."""
    key = jax.random.fold_in(task.key, state.epoch)
    size, count = task.data.size, task.data.size // task.size
    order = jax.random.permutation(jax.random.fold_in(key, 0), size)[: count * task.size]
    return task.data.keyed(jax.random.fold_in(key, 1)), order.reshape(count, task.size)


def _update(task: Task, moving: _Moving, found: Any) -> tuple[_Moving, _Step]:
    """A step of the optimiser, from value, gradient and status; from the first that is not sound on, none."""
    value, gradient, status = found
    with jax.numpy_dtype_promotion("standard"):  # optax mixes types
        updates, optimiser = task.optimiser.update(gradient, moving.optimiser, moving.learnt)
    learnt = eqx.apply_updates(moving.learnt, updates)
    finite = jnp.stack([jnp.isfinite(value), *(jnp.all(jnp.isfinite(g)) for g in jax.tree.leaves(gradient))])
    status = jnp.bitwise_or.reduce(status, axis=None)
    built = eqx.combine(learnt, task.fixed).parameter_status()
    sound = moving.sound & jnp.all(finite) & (status == 0) & (built == 0)
    keep = lambda new, old: jax.tree.map(lambda a, b: jnp.where(sound, a, b), new, old)
    rejected = lax.cond(moving.sound & ~sound, lambda: learnt, lambda: moving.rejected)
    moving = _Moving(keep(learnt, moving.learnt), keep(optimiser, moving.optimiser), sound, rejected)
    return moving, _Step(value, finite, status, jnp.where(jnp.all(finite) & (status == 0), built, 0))


def _end(task: Task, state: Learner, moving: _Moving, steps: _Step) -> tuple[Learner, Any]:
    """The epoch's scores, and the state that the next one starts from."""
    history, status = {"loss": jnp.mean(steps.value)}, jnp.bitwise_or.reduce(steps.status)
    if task.validation is not None:
        net = eqx.combine(moving.learnt, task.fixed)
        found, more = scored({"loss": task.loss, **task.metrics}, net, task.validation)
        history |= {f"validation_{name}": jnp.mean(value) for name, value in found.items()}
        status |= jnp.bitwise_or.reduce(more, axis=None)
    watched = history.get("validation_loss", history["loss"])
    better = watched < state.lowest
    best = jax.tree.map(lambda a, b: jnp.where(better, a, b), moving.learnt, state.best)
    since, lowest = jnp.where(better, 0, state.since + 1), jnp.minimum(watched, state.lowest)
    state = Learner(moving.learnt, moving.optimiser, best, lowest, since, state.epoch + 1)
    return state, (history, steps, moving.rejected, status)


_compiled_epoch, _compiled_order = eqx.filter_jit(_epoch), eqx.filter_jit(_order)
_compiled_update, _compiled_end = eqx.filter_jit(_update), eqx.filter_jit(_end)
_compiled_take = eqx.filter_jit(Batch.take)


def _in_calls(
    task: Task,
    state: Learner,
    epochs: int,
    patience: int | None,
    checkpoints: Checkpoints | None,
    progress: AbstractProgress,
) -> Fit:
    """An epoch a call, so that there is progress to show, and something to stop at or to go on from."""
    history: dict[str, list[float]] = {}
    if checkpoints is not None:
        state, history = checkpoints.restore(state)

    def result(best: bool = False) -> Fit:
        learnt = state.best if best else state.learnt
        scores = {name: np.asarray(values) for name, values in history.items()}
        return Fit(eqx.combine(learnt, task.fixed), scores, jnp.uint32(0))

    neurons = sum(eqx.combine(state.learnt, task.fixed).sizes.values())
    how = plan_microbatches(neurons, task.size, task.data.steps, (task, state))
    one_epoch = _compiled_epoch if how is None else partial(_epoch_on_cores, how=how)
    try:
        with progress.task("fit", epochs) as advance:
            advance(int(state.epoch))
            for epoch in range(int(state.epoch), epochs):
                before = state
                with progress.compiling("fit"):
                    state, (scores, steps, rejected, status) = one_epoch(task, state)
                check_step(state, rejected, task.fixed, epoch, steps, result)
                if int(status):  # of the validation, after sound steps
                    state = before
                    error = SimulationError(Status(int(status)), f" of the validation after epoch {epoch}")
                    error.fit = result()  # type: ignore[attr-defined]
                    raise error
                for name, value in scores.items():
                    history.setdefault(name, []).append(float(value))
                if checkpoints is not None:
                    checkpoints.save(state, history)
                advance(1)
                if patience is not None and int(state.since) >= patience:
                    break
    except KeyboardInterrupt as stop:
        stop.fit = result()  # type: ignore[attr-defined]
        stop.add_note(f"Training was interrupted after {len(history.get('loss', []))} epochs: `error.fit` has them.")
        raise
    return result(best=patience is not None)


def _learns(estimator: AbstractEstimator, net: AbstractModel) -> str:
    """What is learnt, in a line."""
    learns = estimator.learns(net)
    listed = [f"{path} {shape}" if shape else path for path, shape in learns.items()]
    more = f", and {len(listed) - 12} more (estimator.learns(net) lists all)" if len(listed) > 12 else ""
    total = sum(math.prod(shape) for shape in learns.values())
    return f"{type(estimator).__name__} learns {total} numbers: {', '.join(listed[:12])}{more}"


def _check_arguments(
    net: Any, estimator: Any, loss: Any, optimiser: Any, epochs: Any, metrics: Any, validation: Any, patience: Any
) -> None:
    """One sentence for what is no such thing."""
    if not isinstance(estimator, AbstractEstimator):
        raise ValueError(f"Got an estimator {estimator!r}, expected one such as BPTT() or EProp().")
    check_given(net, loss)
    if not (hasattr(optimiser, "init") and hasattr(optimiser, "update")):
        raise ValueError(f"Got an optimiser of type {type(optimiser).__name__}, expected one such as optax.adam(1e-3).")
    if isinstance(epochs, bool) or not (isinstance(epochs, int | np.integer) and epochs >= 1):
        raise ValueError(f"Got epochs = {epochs!r}, expected a positive whole number.")
    if patience is not None and (isinstance(patience, bool) or not isinstance(patience, int) or patience < 1):
        raise ValueError(f"Got patience = {patience!r}, expected a positive whole number of epochs or None.")
    if validation is not None and not (isinstance(validation, tuple | list) and len(validation) == 2):
        raise ValueError("Got a validation that is no pair, expected (inputs, targets).")
    if metrics and validation is None:
        raise ValueError("Got metrics without validation, expected validation=(inputs, targets) to score them on.")
    if metrics is not None and not isinstance(metrics, Mapping):
        raise ValueError(f"Got metrics of type {type(metrics).__name__}, expected losses by name in a dict.")
    for score in (metrics or {}).values():
        check_given(net, score)
