"""EventProp: the exact gradient of spike times, by the adjoint of the network between its spikes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from .._types import canonical_float
from ..models import Forward, Signals, silent
from ..simulation.checkpointing import even
from .adjoint import unsupported
from .estimator import AbstractEstimator
from .losses.base import AbstractLoss
from .reverse import Back, Reverse
from .spiketimes import timed
from .support import closed_loop, no_network, other_than_weights
from .walk import Walk, membranes, only_membranes


class EventProp(AbstractEstimator):
    r"""The exact gradient with respect to spike times of LIF neurons with exponential currents, without a surrogate.

    A weight shifts the time of a spike, and with it the spike's effects. With `p`, `q` the derivatives of the loss
    `sum_k l(t_k) + int l_V dt` with respect to a membrane and its current, in reverse between spikes (`'` is `-d/dt`)

        tau_m p' = -p + tau_m dl_V/dv,    tau_s q' = -q + (R tau_s / tau_m) p,

    and at a spike of neuron `n` at `t`, with `u = dv/dt` before it and `u+`, `p+` where the membrane moves again

        p = [u+ p+ - sum_j w_jn (q_j / tau_s - R p_j / tau_m)(t + d_jn) - l' - (l_V(v_th) - l_V(v_reset))] / u,
        dL/dw_jn = sum_k q_j(t_k + d_jn),    dL/dd_jn = sum_k w_jn (q_j / tau_s - R p_j / tau_m)(t_k + d_jn).

    On the grid this is the gradient in continuous time, to first order in `dt`. Spikes that appear or vanish
    do not contribute: a silent neuron has no gradient, so start from weights that make neurons fire.

    A loss may read spikes and membranes (`"out.v"`). The derivative with respect to the time of a spike is
    the difference, over time, of the derivative with respect to the spike: right for losses that depend smoothly on
    spike times (filtered spikes, membranes, the time of a first spike); the number of spikes has the gradient 0, which
    is exact.

    **Arguments:**

    - `wrt`: globs of the weights that are learned.
    - `delays`: globs of the delays, e.g. `"*.delay"`, default none. A delay is a whole number of steps in the network;
      its gradient is a real number **per ms**, at the delay's path: keep delays in ms beside the network, optimise
      these, and set them with `snn.set(net, "EE.delay", jnp.round(ms / net.dt))`.
    - `chunk`: steps stored at a time, static; the state at the start of every chunk is stored for the whole run, and a
      chunk is recomputed in the backward pass. By default near `sqrt(T)`.

    **Raises:** ValueError that names the first part of a network, loss or drive it cannot handle (`unsupported`).

    **Reference:** Wunderlich and Pehle, Scientific Reports 11:12829 (2021); with delays Meszaros et al. (2025).
    """

    wrt: str | tuple[str, ...] = eqx.field(default="*.weight", static=True)
    delays: str | tuple[str, ...] = eqx.field(default=(), static=True)
    chunk: int | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        if self.chunk is not None and self.chunk < 1:
            raise ValueError(f"EventProp.chunk is {self.chunk}, expected a positive number of steps or None.")

    def learns(self, net: Any):
        delays = {name: p.delay for name, p in net.projections.items() if p.delay is not None and self._moves(name)}
        return super().learns(net) | {f"{name}.delay": delay.shape for name, delay in delays.items()}

    def unsupported(self, loss, net: Any, inputs=None):
        if (why := super().unsupported(loss, net, inputs) or no_network(net)) is not None:
            return why
        if self.delays and not any(self._moves(name) for name, p in net.projections.items() if p.delay is not None):
            return f"`delays` is {self.delays!r}, which matches no delay of {list(net.projections)}"
        others = "it learns weights and delays: use '*.weight', or BPTT for the rest"
        return (
            unsupported(net) or other_than_weights(net, self.parameters(net), self.wrt, others) or closed_loop(inputs)
        )

    def estimate(self, loss, learnt, fixed, batch):
        net = eqx.combine(learnt, fixed)
        loss = timed(loss, net.dt)
        self._check_loss(net, loss, batch)
        total, wanted = batch.steps, self.chunk or round(batch.steps**0.5)
        length = even(total, wanted, 1)
        whole, rest = divmod(total, length)
        prepared, reverse = net.prepare(Forward(fused=False)), Reverse.of(net)

        def walk(drive: Any, target: Any, key: Any) -> Walk:
            return Walk.of(loss, net, drive, target, key, total)

        def each(function: Any, *batched: Any) -> Any:
            one = lambda own, target, key, *rest: function(walk(eqx.combine(own, batch.shared), target, key), *rest)
            return jax.vmap(one)(batch.own, batch.targets, batch.keys, *batched)

        def forwards(carry: Any, t0: Array, n: int) -> tuple[Any, Any]:
            return each(lambda walk, carry: reverse.forwards(walk, prepared, carry, t0, n), carry)

        def backwards(back: Any, start: Any, t0: Array, n: int) -> tuple[Any, Any]:
            _, seen = forwards(start, t0, n)
            return each(reverse.backwards, back, seen)

        carry = batch.each(lambda drive, target, key: walk(drive, target, key).start(drive))
        first = jnp.arange(whole, dtype=jnp.int32) * length
        carry, starts = lax.scan(lambda c, t0: (forwards(c, t0, length)[0], c), carry, first)
        late = jnp.int32(whole * length)
        end = forwards(carry, late, rest)[0] if rest else carry
        value, back = each(lambda walk, end: reverse.start(walk, end), end)
        sums = reverse.zeros()
        if rest:
            back, stacked = backwards(back, carry, late, rest)
            sums = reverse.collected(sums, stacked)

        def one_chunk(carry: Any, start: Any) -> tuple[Any, None]:
            (back, sums), (state, t0) = carry, start
            back, stacked = backwards(back, state, t0, length)
            return (back, reverse.collected(sums, stacked)), None

        (back, sums), _ = lax.scan(one_chunk, (back, sums), (starts, first), reverse=True)
        back, stacked = each(lambda walk, back: reverse.finish(back), back)
        sums = reverse.collected(sums, stacked)
        status = each(lambda walk, end: walk.status(end), end)
        return jnp.mean(value), self._gradient(net, learnt, reverse, sums, back, batch.size), status

    def _check_loss(self, net: Any, loss: AbstractLoss, batch: Any) -> None:
        """Raises ValueError for a loss that reads anything but spikes and membranes."""

        def first_step(drive: Any, target: Any, key: Any) -> Any:
            state = net.init(key=key)
            seen = Signals(silent(net.sizes, canonical_float()), net.view(state))
            seen = only_membranes(seen.spikes, membranes(seen))
            return loss.step(loss.init(net, batch.steps, target), seen, loss.at(target, jnp.int32(0)), jnp.int32(0))

        try:
            jax.eval_shape(lambda: batch.each(first_step))
        except ValueError as error:
            raise ValueError(f"EventProp: {error} A loss may read spikes and membranes; BPTT allows more.") from None

    def _moves(self, name: str) -> bool:
        patterns = (self.delays,) if isinstance(self.delays, str) else self.delays
        return any(fnmatchcase(f"{name}.delay", pattern) for pattern in patterns)

    def _gradient(self, net: Any, learnt: Any, reverse: Reverse, sums: Any, back: Back, size: int) -> Any:
        """The learned part of the network with gradients as leaves; delays where requested."""
        for name, edges in reverse.edges.items():
            by_weight, by_delay = (
                (total + jnp.sum(own, axis=0)) / size for total, own in zip(sums[name], back.sums[name], strict=True)
            )
            by_weight, by_delay = edges.gathered(by_weight, by_delay)
            if learnt[name].weight is not None:
                learnt = eqx.tree_at(_weight(name), learnt, by_weight)
            if net[name].delay is not None and self._moves(name):
                learnt = eqx.tree_at(_delay(name), learnt, by_delay, is_leaf=lambda x: x is None)
        return learnt


def _weight(name: str) -> Any:
    return lambda net: net.projections[name].weight


def _delay(name: str) -> Any:
    return lambda net: net.projections[name].delay
