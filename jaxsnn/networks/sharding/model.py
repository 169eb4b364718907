"""A network divided among devices, as users hold it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, UInt32

from ..._arguments import shown
from ..._status import Status, bit
from ..._types import canonical_float, is_concrete
from ...connectivity.release import AbstractRelease
from ...connectivity.spikes import Spikes
from ...models import AbstractModel, AbstractPlan, Forward, View
from ...plasticity.plastic import Cells, PlasticState
from ..assembly import check_built, planned
from ..build import build
from ..checks import built_status, check_weights
from ..checks import real as is_real
from ..layout import Layout, check_memory
from ..model import Network
from ..order import AbstractOrder, BrianOrder, NestOrder
from ..population import Population
from ..projection import Connection, Projection
from ..shards import Shards, on_each
from ..state import NetworkState
from ..stepper import NetworkStepper, changing
from ..units import unit_of
from .drawing import drawn
from .learning import whole_view
from .local import LocalStepper, local_stepper, part_of
from .splitting import TRACED, shortest, split, unsupported, unsupported_populations, unsupported_projection
from .stacking import Divider
from .stepper import ShardedStepper, view_of_all

AXIS = "neurons"
_LONGEST = 64  # steps between two exchanges at most: what is kept of them grows


def sharded(net: Network, devices: Sequence[Any] | None = None) -> ShardedNetwork:
    """One network on several devices: `simulate(snn.networks.sharded(net), ...)` gives the numbers of `net` itself.

    Every population is divided into parts of equal size; a device holds the state of its neurons, the synapses into
    them, with their weights that learn, and their pending arrivals. Spikes of all neurons are gathered as bits, n / 8
    bytes, once per shortest delay (each step for delays of one step; of plastic synapses the dendritic share counts).
    Drives and probes see whole populations: what a probe reads is gathered, too, and every device computes all inputs.

    **Arguments:** `net`: a network, with concrete numbers. `devices`: by default all, of all processes; in each
    process of several, this is called with the same network.

    The state in `run.state` is divided likewise, and continues on as many devices only. Integers, bits and spikes of
    lists are those of one device; floats agree up to rounding, as compilers contract products and sums. With
    `compiler=snn.compilers.C()` the steps between two exchanges are compiled by C, on every device.

    **Raises:** ValueError, which names the part, for what is not divided: rules that read the membranes of sending
    neurons, synapses that are integrated in every step, layers, and networks that are being traced.
    `simulate` of it has no derivative.
    """
    if not isinstance(net, Network):
        raise ValueError(f"Got net = {shown(net)}, expected a network(...) to divide among devices.")
    return divided(net, _divider(devices))


def _divider(devices: Sequence[Any] | None) -> Divider:
    given = tuple(jax.devices() if devices is None else devices)
    if not given or not all(isinstance(device, jax.Device) for device in given):
        raise ValueError(f"Got devices = {devices!r}, expected a list of devices, as jax.devices() gives it.")
    return Divider(Mesh(np.array(given), (AXIS,)), Shards(AXIS, len(given)))


def sharded_network(
    *,
    dt: float,
    populations: dict[str, Population],
    projections: dict[str, Connection] | None = None,
    modules: dict[str, Any] | None = None,
    key: Array,
    order: AbstractOrder | None = None,
    devices: Sequence[Any] | None = None,
) -> ShardedNetwork:
    """`sharded(network(...), devices)`, drawn in parts: a network that no process could hold as a whole.

    Every process draws all edges, a piece at a time, and keeps those into the neurons of its devices, with the weights
    and delays that they have in the whole. This is for `via=Sparse()` between whole populations, with weights and
    delays that are numbers, `ByDistance`, or distributions with one set of parameters (delays with bounds, or
    `max_delay`); any other projection is built as a whole, one at a time.

    **Arguments:** those of `network`, and `devices` of `sharded`.

    **Raises:** ValueError as both do.
    """
    divider, plan = _divider(devices), planned(dt, populations, projections, modules, key, order)
    why = unsupported_populations(plan.populations) if is_concrete(tuple(plan)) else TRACED
    parts: dict[str, Projection] = {}
    for name, link in plan.links.items():
        if why is None:
            cut = drawn(name, link, divider, plan.dt, plan.order)
            some = [build(name, link, None, dt=plan.dt, order=plan.order)] if cut is None else [*cut.parts.values()]
            why = unsupported_projection(name, some[0])
        if why is not None:
            raise ValueError(f"This network cannot be divided among devices: {why}.")
        for p in some:
            check_weights(plan.populations, {name: p})
        parts[name] = split(some[0], divider) if cut is None else divider.lists(cut)
    check_built(parts, plan.populations, plan.order)
    made = joined(Network(plan.populations, {}, plan.dt, plan.order, plan.modules), parts, divider)
    check_memory(made.layout, parts, plan.dt)
    return made


def divided(net: Network, divider: Divider) -> ShardedNetwork:
    """The network divided by `divider`."""
    if (why := unsupported(net)) is not None:
        raise ValueError(f"This network cannot be divided among devices: {why}.")
    parts = {name: split(p, divider) for name, p in net.projections.items()}
    return joined(eqx.tree_at(lambda net: net.projections, net, {}), parts, divider)


def joined(whole: Network, parts: dict[str, Projection], divider: Divider) -> ShardedNetwork:
    """The network of populations and stacked projections."""
    ours = type(whole.order).step in (NestOrder.step, BrianOrder.step)  # another may use the ring behind its delivery
    every = min(shortest(parts, divider), _LONGEST) if ours else 0
    return ShardedNetwork(whole, parts, divider.mesh, divider.shards, every)


class ShardedNetwork(AbstractModel):
    """A network divided among devices, made by `networks.sharded(net)`.

    `whole`: its populations, undivided (their parameters are on every device), and modules. `parts`: projections, of
    which every array has a leading axis of devices. `mesh`, `shards`: the devices, and which neurons are on which.
    `exchange_every`: steps between two exchanges; 0: in the middle of each step.

    `net["E"]`, `snn.set(net, "E.neuron.tau", 10.0)`: as of a network, for what is not divided.
    """

    whole: Network
    parts: dict[str, Projection]
    mesh: Mesh = eqx.field(static=True)
    shards: Shards = eqx.field(static=True)
    exchange_every: int = eqx.field(static=True)

    def __check_init__(self):
        for name, p in self.parts.items():
            if any(x.shape[:1] != (self.shards.number,) for x in jax.tree.leaves(eqx.filter(p, eqx.is_array))):
                raise ValueError(
                    f"Got numbers for projection {name!r} that are not divided among {self.shards.number} devices; set "
                    "them in the network, and divide it again."
                )

    def __getitem__(self, name: str) -> Any:
        return self.whole[name]

    @property
    def named(self) -> dict[str, Any]:
        """Populations and modules."""
        return self.whole.named

    @property
    def dt(self) -> float:
        return self.whole.dt

    @property
    def _lengths(self) -> dict[str, int]:
        """Neurons of populations, and of those that send through each projection."""
        return self.sizes | {name: self.sizes[p.pre] for name, p in self.parts.items()}

    def __repr__(self) -> str:
        n = sum(self.sizes.values())
        return f"ShardedNetwork({n} neurons on {self.shards.number} devices)\n{self.whole!r}"

    @property
    def sizes(self) -> dict[str, int]:
        return self.whole.sizes

    def port(self, path: str) -> tuple[str, int]:
        return self.whole.port(path)

    def signed(self, path: str) -> bool:
        return self.whole.signed(path)

    def unit(self, path: str) -> str:
        return unit_of(self.whole.populations, self.parts, path)

    def module(self, name: str) -> Any:
        return self.whole.module(name)

    def constant(self, path: str) -> str | None:
        name, _, part = path.partition(".")
        p = self.parts.get(name)
        if p is None or p.plastic is not None or (p.release is not None and part.partition(".")[0] == "release"):
            return None
        return f"Got path {path!r}, but projection {name!r} does not learn, so no run changes it."

    def no_derivative(self) -> str | None:
        return "the network is divided among devices, and spikes travel between them as bits: differentiate net itself"

    # --- the state: every array has a leading axis of devices -----------------------------------------------------

    def init(self, *, key: Array) -> NetworkState:
        start, sizes = self.whole.init(key=key), self.sizes
        divided = lambda s, n: jax.tree.map(lambda x: self._spread(self.shards.split(x, n)), s)
        populations = {name: divided(s, sizes[name]) for name, s in start.populations.items()}
        dtype = canonical_float()
        projections: dict[str, dict[str, Any]] = {}
        for name, p in self.parts.items():
            parts = {}
            if p.release is not None:
                parts["release"] = divided(self._release(p).init((sizes[p.pre],), dtype), sizes[p.pre])
            if p.plastic is not None:
                v = self.whole.populations[p.post].voltage(start.populations[p.post])
                parts["plastic"] = self._each(self._unlearnt, p, None if v is None else divided(v, sizes[p.post]))
            if parts:
                projections[name] = parts
        ring = self._spread(jnp.zeros((self.shards.number, self.layout.ring.size), dtype))
        return NetworkState(populations, projections, ring, start.status | self.parameter_status())

    def _unlearnt(self, p: Projection, v: Array | None) -> PlasticState:
        """The state of plastic synapses before the first step, on one device."""
        assert p.plastic is not None
        plastic, dtype = p.plastic.of(p.delay, self.dt), canonical_float()
        pre, post = (Spikes.found(jnp.zeros(n, dtype)) for n in (plastic.index.n_pre, plastic.index.n_post))
        sent = None if p.release is None else pre.amplitude
        before = Cells(pre.amplitude, None, sent, pre.words)
        return plastic.start(p.weight, before, Cells(post.amplitude, v, words=post.words))

    def _each(self, function: Callable[..., Any], *given: Any) -> Any:
        return on_each(self.mesh, self.shards, function, *given)

    def _release(self, p: Projection) -> AbstractRelease:
        """The release of a projection, for whole populations."""
        n = self.sizes[p.pre]
        return jax.tree.map(lambda x: self.shards.whole(x, n) if x.ndim > 1 else x[0], p.release)

    def _spread(self, x: Array) -> Array:
        return lax.with_sharding_constraint(x, NamedSharding(self.mesh, P(AXIS)))

    def resumed(self, state: NetworkState) -> NetworkState:
        projections = dict(state.projections)
        for name, p in self.parts.items():
            if p.plastic is not None:
                projections[name] = projections[name] | {"plastic": self._resumed(p, projections[name]["plastic"])}
        return state._replace(projections=projections, status=state.status | self.parameter_status())

    def _resumed(self, p: Projection, learnt: PlasticState) -> PlasticState:
        plastic = lambda p: p.plastic.of(p.delay, self.dt)
        were_set = self._each(lambda p, s: plastic(p).were_set(s, p.weight), p, learnt)
        on_any = self._spread(jnp.broadcast_to(jnp.any(were_set), were_set.shape))
        return self._each(lambda p, s, were_set: plastic(p).resumed(s, p.weight, were_set), p, learnt, on_any)

    def view(self, state: NetworkState) -> View:
        def projection(name: str, parts: dict[str, Any]) -> View:
            of = lambda p: changing({name: p}, self.dt)[name]
            seen = lambda p, parts: whole_view(of(p), parts, self.shards, self._lengths[name])
            return on_each(self.mesh, self.shards, seen, self.parts[name], parts, whole=True)

        return view_of_all(state, self.sizes, self.shards, projection)

    def status(self, state: NetworkState) -> UInt32[Array, ""]:
        sizes, whole = self.sizes, self.shards.whole
        populations = {
            name: jax.tree.map(lambda x, name=name: whole(x, sizes[name]), s) for name, s in state.populations.items()
        }
        return self.whole.status(state._replace(populations=populations))

    def parameter_status(self) -> UInt32[Array, ""]:
        status = self.whole.parameter_status()

        def of_part(parts: dict[str, Projection]) -> UInt32[Array, ""]:
            ranges = built_status(self.whole.populations, parts, self.dt, self.whole.order)
            for p in parts.values():  # delays may have been set below what is exchanged in time
                if p.delay is not None:
                    behind = p.delay if p.plastic is None else p.plastic.meeting(p.delay).dendritic
                    late = behind < self.exchange_every
                    ranges |= bit(Status.DELAY_RANGE, late & jnp.reshape(is_real(p), -1) if late.ndim else late)
            return ranges

        if not self.parts:
            return status
        each = lax.with_sharding_constraint(jax.vmap(of_part)(self.parts), NamedSharding(self.mesh, P()))
        return status | lax.reduce(each, jnp.uint32(0), lax.bitwise_or, (0,))

    # --- a run ----------------------------------------------------------------------------------------------------

    @property
    def layout(self) -> Layout:
        """That of one device."""
        first = {name: part_of(p, self.shards, 0) for name, p in self.whole.populations.items()}
        return Layout.of(first, self.parts, shards=self.shards)

    def prepare(self, plan: AbstractPlan = Forward()) -> ShardedStepper:
        if not isinstance(plan, Forward):
            raise ValueError(f"Got the plan {plan!r} for a network on several devices: {self.no_derivative()}.")
        kind, own = LocalStepper if self.exchange_every else NetworkStepper, (self.mesh, self.shards)
        local = local_stepper(kind, self.whole, self.parts, *own, fused=plan.fused)
        return ShardedStepper(local, self.mesh, self.shards, tuple(self._lengths.items()), self.exchange_every)
