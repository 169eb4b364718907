"""The reason why a training stopped: the step, the parameters and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, UInt32

from .._status import SimulationError, Status, explain
from .._tree import get, paths
from .._tree import set as put


class Fit(NamedTuple):
    """A finished training: the network, `net`; its scores by name and epoch, `history`; `status`, of all its runs."""

    net: Any
    history: Mapping[str, Float[Array | np.ndarray, " epochs"]]
    status: UInt32[Array, ""]


class TrainingError(RuntimeError):
    """A training that stopped: a loss or gradient that is not finite, or a parameter that left its bounds.

    `fit` holds it as it was before that step: the network, and the scores of all epochs before.
    """

    def __init__(self, message: str, fit: Fit):
        self.fit = fit
        super().__init__(message)


def check_step(learner: Any, rejected: Any, fixed: Any, epoch: int, steps: Any, fit: Any) -> None:
    """Raises TrainingError for the first invalid step of an epoch. `fit()`: the training up to that step."""
    finite, status, built = (np.asarray(x) for x in (steps.finite, steps.status, steps.built))
    sound = finite.all(axis=1) & (status == 0) & (built == 0)
    if sound.all():
        return
    step = int(np.argmin(sound))
    where, kept = (
        f"Training stopped at epoch {epoch}, step {step}: ",
        " `error.fit.net` is the network before this step.",
    )
    if not finite[step].all():
        names = jax.tree.leaves(paths(learner.learnt))
        wrong = [name for name, fine in zip(names, finite[step, 1:]) if not fine]
        what = f"the gradient of {', '.join(wrong)} is not finite" if wrong else "all gradients are finite"
        raise TrainingError(
            f"{where}the loss is {np.asarray(steps.value)[step]:g} and {what}. Lower the learning rate or clip "
            "gradients (optax.clip_by_global_norm); for long runs of recurrent networks see 'When gradients explode' "
            f"in the documentation (Training).{kept}",
            fit(),
        )
    if status[step]:
        error = SimulationError(Status(int(status[step])), f" of epoch {epoch}, step {step},")
        error.fit = fit()  # type: ignore[attr-defined]
        raise error
    raise TrainingError(where + _left(learner.learnt, rejected, fixed, int(built[step])) + kept, fit())


def _left(learnt: Any, rejected: Any, fixed: Any, built: int) -> str:
    """The parameters that left their bounds, with their values and what was expected."""
    net, said = eqx.combine(learnt, fixed), []
    for path in jax.tree.leaves(paths(learnt)):
        try:
            put(net, path, get(rejected, path))
        except ValueError as error:
            said.append(f"{path} left its bounds: {str(error).rstrip('.')}")
    if not said:
        said = [f"the parameters left their bounds: {'; '.join(explain(built))}"]
    return (
        f"{'; '.join(said)}. Lower the learning rate, or keep it within: learn a function of it that cannot leave "
        "(its logarithm), or clip it after the update (optax.keep_params_nonnegative)."
    )
