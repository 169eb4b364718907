"""E-prop: gradients forwards in time, from a trace at every synapse and a learning signal at every neuron."""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PyTree

from .._reports import reported
from .._status import Status, bit, raise_if
from .._time import on_grid
from .._tree import select
from .._types import canonical_float, is_concrete
from .._xla import materialised_rows
from ..models import Forward, Signals
from ..networks.model import Network
from ..networks.population import Population
from .batch import Batch, check_given, examples
from .edges import Edges
from .eligibility import History, Jacobian, Trace, followed, jacobian, without_reset
from .eprop_support import unsupported
from .estimator import AbstractEstimator
from .feedback import AbstractFeedback, Route, SymmetricFeedback, routes_of
from .losses.base import AbstractLoss
from .support import closed_loop, no_network, other_than_weights
from .targets import check_targets, outside
from .walk import Carry, Walk, reads, real


class EProp(AbstractEstimator):
    r"""The gradient of BPTT with every path from a spike to other spiking neurons, and through the reset, cut.

    A synapse `ij` carries `eps_ij`, by how much its weight has moved the state of neuron `j`. With the Jacobian `J_j`
    of the neuron's own step, of any model, and `z` its spike,

        eps_ij <- J_j eps_ij + (dx_j/da_j) z_i(t - d_ij),    e_ij = (dz_j/dx_j) eps_ij,
        dL/dw_ij = sum_t sum_k B_jk (dl/dy_k) F(e_ij),

    where `F` filters as the read-out `y_k` does. What a spike does to the neuron's own adaptation is kept. Memory does
    not grow with time: it is `examples x synapses x variables`.

    Read-outs are populations of `LI`, reached in the same step (`delay=None`); the loss is a sum over steps of
    read-outs and, for regularisers, of any spikes and states. Delays between spiking neurons are free.

    **Arguments:** `wrt`: globs of the weights that are learnt. `feedback`: how errors reach hidden neurons,
    `SymmetricFeedback()`, `RandomFeedback.start(net, key=key)` or `AdaptiveFeedback.start(net, key=key)`.

    **Raises:** ValueError that names the part of a network, loss or drive it cannot handle (`unsupported`).

    **Reference:** Bellec et al., Nature Communications 11:3625 (2020).
    """

    wrt: str | tuple[str, ...] = eqx.field(default="*.weight", static=True)
    feedback: AbstractFeedback = eqx.field(default_factory=SymmetricFeedback)

    def unsupported(self, loss, net: Any, inputs=None):
        if (why := super().unsupported(loss, net, inputs) or no_network(net)) is not None:
            return why
        if not loss.summed:
            return (
                f"the loss {type(loss).__name__} is no sum over steps, so that no step knows its error; "
                "use a loss that is, such as a subclass of AbstractSummedLoss, or BPTT"
            )
        others = "use '*.weight', or BPTT or RTRL for the rest"
        return (
            unsupported(net) or other_than_weights(net, self.parameters(net), self.wrt, others) or closed_loop(inputs)
        )

    def estimate(self, loss, learnt, fixed, batch):
        run = _OnLine.of(self.feedback, loss, learnt, fixed, batch)
        carry, total = run.steps(learnt, run.start(), run.zeros(), jnp.int32(0), batch.steps)
        value, status = run.finish(carry)
        return value, run.gradient(learnt, total), status

    def follow(self, before: Network, after: Network) -> EProp:
        """The estimator for the next update: `AdaptiveFeedback` moves with the weights, any other stays."""
        return eqx.tree_at(lambda e: e.feedback, self, self.feedback.follow(before, after))

    def learn(
        self,
        loss: AbstractLoss,
        net: Network,
        inputs: Any,
        targets: Any,
        optimiser: Any,
        state: PyTree,
        *,
        every: int = 1,
        steps: int | None = None,
        key: Array,
    ) -> tuple[Float[Array, ""], Network, PyTree]:
        """One trial with updates inside it: after `every` steps the weights move by what these steps say, and go on.

        **Arguments:** as of `value_and_grad`; `optimiser`: an optax transformation. `state`: its state, from
        `optimiser.init(est.parameters(net))`. `every`: static, must divide the number of steps.

        **Returns:** the loss of the trial, the network after it, and the optimiser's state.
        """
        check_given(net, loss)
        loss, inputs = on_grid((loss, inputs), net.dt)
        batch = examples(inputs, targets, steps, key)
        if isinstance(every, bool) or not isinstance(every, int) or every < 1 or batch.steps % every:
            raise ValueError(f"Got every = {every!r}, expected a divisor of the {batch.steps} steps of the trial.")
        if (why := self.unsupported(loss, net, inputs)) is not None:
            raise ValueError(f"EProp: {why}.")
        check_targets(loss, net, batch.steps, batch.targets)
        value, net, state, status = _learn(self, loss, net, batch, optimiser, state, every)
        if is_concrete(status):
            raise_if(status)
            return value, net, state
        return reported(status, (value, net, state))


@eqx.filter_jit
def _learn(est: EProp, loss: AbstractLoss, net: Any, batch: Batch, optimiser: Any, state: Any, every: int) -> Any:
    learnt, fixed = eqx.partition(net, select(net, est.wrt))
    prepared = loss.prepare(net, batch.steps)
    run = _OnLine.of(est.feedback, prepared, learnt, fixed, batch)

    def block(carry: Any, t0: Array) -> tuple[Any, None]:
        learnt, state, steps = carry
        steps, total = run.steps(learnt, steps, run.zeros(), t0, every)
        updates, state = optimiser.update(run.gradient(learnt, total), state, learnt)
        return (eqx.apply_updates(learnt, updates), state, steps), None

    first = jnp.arange(batch.steps // every, dtype=jnp.int32) * every
    (learnt, state, steps), _ = lax.scan(block, (learnt, state, run.start()), first)
    value, status = run.finish(steps)
    finite = jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves((value, learnt))])
    status |= bit(Status.GRADIENT_NOT_FINITE, ~finite)
    status |= bit(Status.TARGET_RANGE, outside(loss, net, batch.steps, batch.targets))
    return value, eqx.combine(learnt, fixed), state, status


class _Under(NamedTuple):
    """What goes from step to step, of one example."""

    walk: Carry
    history: dict[str, History]
    traces: dict[str, Trace]


class _OnLine(eqx.Module):
    """A batch of examples under way, with traces."""

    loss: AbstractLoss
    learnt: Any
    fixed: Any
    batch: Batch
    feedback: AbstractFeedback
    cut: dict[str, Population]  # without derivatives through resets
    routes: tuple[Route, ...]
    linked: tuple[Route, ...]

    @classmethod
    def of(cls, feedback: AbstractFeedback, loss: Any, learnt: Any, fixed: Any, batch: Batch) -> _OnLine:
        net = eqx.combine(learnt, fixed)
        linked, pairs = routes_of(net)
        cut = {name: without_reset(p) for name, p in net.populations.items()}
        return cls(loss, learnt, fixed, batch, feedback, cut, feedback.routes(linked, pairs), linked)

    @property
    def net(self) -> Network:
        return eqx.combine(self.learnt, self.fixed)

    def edges(self, net: Network) -> dict[str, Edges]:
        return {name: Edges.of(p) for name, p in net.projections.items()}

    def zeros(self) -> dict[str, Array]:
        """The derivative by the weight of every synapse that is learnt: nothing yet."""
        edges = self.edges(self.net).items()
        return {name: e.zeros()[0] for name, e in edges if self.learnt[name].weight is not None}

    def each(self, net: Network, function: Any, *batched: Any) -> Any:
        """`function(walk, ...)` of every example."""
        steps = self.batch.steps

        def one(own: Any, target: Any, key: Any, *rest: Any) -> Any:
            drive = eqx.combine(own, self.batch.shared)
            return function(Walk.of(self.loss, net, drive, target, key, steps), drive, *rest)

        return jax.vmap(one)(self.batch.own, self.batch.targets, self.batch.keys, *batched)

    def start(self) -> _Under:
        net = self.net
        edges, zeros = self.edges(net), self.zeros()
        variables = {name: len(jax.tree.leaves(real(p.rest())[0])) for name, p in net.populations.items()}

        def one(walk: Walk, drive: Any) -> _Under:
            history = {}
            for name, population in net.populations.items():
                slots = 1 + max((e.projection.max_delay for e in edges.values() if e.pre == name), default=0)
                history[name] = History(jnp.zeros((slots, population.n), canonical_float()))
            traces = {
                name: Trace(
                    [zero] * variables[edges[name].projection.post],
                    {r.name: [zero] * variables[r.post] for r in self.routes if r.pre == edges[name].projection.post},
                )
                for name, zero in zeros.items()
            }
            return _Under(walk.start(drive), history, traces)

        return self.each(net, one)

    def steps(self, learnt: Any, carry: _Under, total: Any, t0: Array, n: int) -> tuple[_Under, Any]:
        """`n` steps with these weights, and the gradient that they add, averaged over examples."""
        net = eqx.combine(learnt, self.fixed)
        prepared, edges = net.prepare(Forward(fused=False)), self.edges(net)

        def body(carry: Any, _: None) -> tuple[Any, None]:
            t, under, total = carry
            step = lambda walk, _, under: self.step(walk, prepared, edges, under, t)
            under, added = self.each(net, step, under)
            return (t + 1, under, jax.tree.map(lambda s, a: s + jnp.mean(a, axis=0), total, added)), None

        # the step is counted, not read from an array of all steps: nothing grows with their number
        return lax.scan(body, (t0, carry, total), None, length=n)[0][1:]

    def finish(self, carry: _Under) -> tuple[Array, Array]:
        net = self.net

        def one(walk: Walk, _: Any, carry: Carry) -> Any:
            return walk.loss.finish(carry.loss, walk.target, net), walk.status(carry)

        values, statuses = self.each(net, one, carry.walk)
        return jnp.mean(values), statuses

    def gradient(self, learnt: Any, total: dict[str, Array]) -> Any:
        """In the shape of what is learnt."""
        for name, edges in self.edges(eqx.combine(learnt, self.fixed)).items():
            if name in total:
                by_weight, _ = edges.gathered(total[name], jnp.zeros_like(total[name]))
                learnt = eqx.tree_at(_weight(name), learnt, by_weight)
        return learnt

    # --- one step of one example ------------------------------------------------------------------------------------

    def step(self, walk: Walk, prepared: Any, edges: dict[str, Edges], carry: _Under, t: Array) -> tuple[_Under, Any]:
        """The network's step, then every trace's, and what the step adds to the gradient."""
        after, done = walk.step(prepared, carry.walk, t)
        history = {name: h.with_step(t, after.spikes[name]) for name, h in carry.history.items()}
        jacobians = self._jacobians(walk, prepared, edges, done, after.spikes, t)
        by_spike, by_state = self._errors(walk, prepared, after, t)
        signals = {route.name: self._signal(route, edges, by_state[route.post]) for route in self.routes}
        jacobians, signals = materialised_rows((jacobians, signals))
        traces, added = {}, {}
        for name, trace in carry.traces.items():
            e = edges[name]
            p = e.projection
            cause = history[p.pre].sent(e, t)
            moved, eligible = followed(trace.state, jacobians[p.post], p.port, cause, e.spread)
            errors = zip([by_spike[p.post], *by_state[p.post]], [eligible, *moved], strict=True)
            filtered = {}
            for route in self.routes:
                if route.pre == p.post:
                    alike = jacobians[route.post].first()
                    filtered[route.name], _ = followed(
                        trace.readouts[route.name], alike, route.port, eligible, lambda x: x
                    )
                    errors = chain(errors, zip(signals[route.name], filtered[route.name], strict=True))
            parts = [e.spread(error) * x for error, x in errors if error is not None]
            traces[name], added[name] = Trace(moved, filtered), sum(parts, start=jnp.zeros_like(eligible))
        return _Under(after, history, traces), added

    def _jacobians(
        self, walk: Walk, prepared: Any, edges: dict[str, Edges], done: Any, spikes: dict[str, Array], t: Array
    ) -> dict[str, Jacobian]:
        """Of every population with any input, linearised where this step was."""
        starts = prepared.starts(done.state, done.inputs, t, walk.step_key)
        for e in edges.values():
            p = e.projection
            if p.delay is None:
                heard = starts[p.post].arrivals
                heard[p.port] = heard[p.port] + e.forwards(spikes[p.pre])
        hearing = {e.projection.post for e in edges.values()}
        return {name: jacobian(self.cut[name], starts[name], walk.net.dt, t) for name in hearing}

    def _errors(self, walk: Walk, prepared: Any, after: Carry, t: Array) -> tuple[dict[str, Any], dict[str, list[Any]]]:
        """The derivatives of what this step adds to the loss, by spikes and by variables of the state.

        None by what the loss does not read: a zero would be multiplied with a number of every synapse.
        """
        states, rest = real(prepared.neurons(after.state))
        target = walk.loss.at(walk.target, t)

        def now(spikes: dict[str, Array], states: Any) -> Array:
            whole = eqx.combine(states, rest)
            return walk.loss.now(Signals(spikes, {name: Population.named(s) for name, s in whole.items()}), target, t)

        by_spike, by_state = jax.grad(now, argnums=(0, 1))(after.spikes, states)
        spikes_read, states_read = reads(now, after.spikes, states)

        def where_read(name: str, x: Any, read: Any) -> list[Any]:
            return [g if r else None for g, r in zip(jax.tree.leaves(x[name]), jax.tree.leaves(read[name]))]

        return (
            {name: where_read(name, by_spike, spikes_read)[0] for name in by_spike},
            {name: where_read(name, by_state, states_read) for name in by_state},
        )

    def _signal(self, route: Route, edges: dict[str, Edges], errors: list[Any]) -> list[Any]:
        """The input of every neuron of a route, for each variable of the read-out."""
        back = lambda error: self.feedback.back(route, edges.get(route.name), error)
        return [None if error is None else back(error) for error in errors]


def _weight(name: str) -> Any:
    return lambda net: net.projections[name].weight
