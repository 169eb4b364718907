"""Real-time recurrent learning: the derivative of the state with respect to every parameter, carried forwards."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jax.flatten_util import ravel_pytree

from ..simulation.run import simulate
from .estimator import AbstractEstimator
from .losses.base import Scored


class RTRL(AbstractEstimator):
    """The gradient of BPTT, forwards in time, with `P`, the derivative of the whole state with respect to the
    parameters.

        P_{t+1} = J_t P_t + ds_{t+1}/dw,    dL/dw = sum_t (dl_t/ds_t) P_t

    Memory does not grow with time, but is `state x parameters`, and work `parameters` runs: for small networks, as an
    oracle for other estimators, and for exact on-line learning. Any network and any loss.

    **Arguments:** `wrt`: globs of dotted paths: the parameters that are learned. `together`: the number of parameters
    carried at once, static; it bounds memory and changes no result.

    **Reference:** Williams and Zipser, Neural Computation 1:270 (1989).
    """

    wrt: str | tuple[str, ...] = eqx.field(default="*.weight", static=True)
    together: int = eqx.field(default=256, static=True)

    def __check_init__(self):
        if self.together < 1:
            raise ValueError(f"RTRL.together is {self.together}, expected a positive number of parameters.")

    def estimate(self, loss, learnt, fixed, batch):
        flat, shaped = ravel_pytree(learnt)

        def mean(flat: Any) -> Any:
            net = eqx.combine(shaped(flat), fixed)

            def one(drive: Any, target: Any, key: Any) -> Any:
                run = simulate(net, drive, steps=batch.steps, key=key, record=Scored(loss, target), throw=False)
                return run.record, run.status

            values, statuses = batch.each(one)
            return jnp.mean(values), statuses

        def column(i: Any) -> Any:
            return jax.jvp(mean, (flat,), (jnp.zeros_like(flat).at[i].set(1.0),), has_aux=True)

        count = jnp.arange(flat.size, dtype=jnp.int32)
        values, slopes, statuses = lax.map(column, count, batch_size=min(self.together, flat.size))
        return values[0], shaped(slopes), statuses[0]
