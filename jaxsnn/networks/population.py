"""A population: `n` neurons of one kind with their synapse ports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt32

from .. import _random
from .._arguments import count, mapping, shown
from .._linear import Current
from .._status import Status, bit
from .._text import described
from .._tree import children, get
from .._types import Field, OptionalParam, Requirement, canonical_float, check, is_concrete, on_host, param
from .._units import unitless
from .._xla import materialised
from ..distributions import AbstractDistribution, draw, drawn, stand_in
from ..models import known
from ..neurons.base import AbstractNeuron
from ..neurons.integrators import explicit
from ..neurons.ode import AbstractODE
from ..neurons.readout import Parrot
from ..synapses.base import AbstractSynapse
from ..synapses.delta import Delta
from ..synapses.refractory import UnlessRefractory
from .joint import fastest_rate, integrated


class PopulationState(NamedTuple):
    """The neurons' state and that of every port."""

    neuron: Any
    ports: dict[str, Any]


Ports = Field[Mapping[str, AbstractSynapse], dict[str, AbstractSynapse]]


def _static_functions(given: Any) -> Any:
    """Initial values, of which functions are part of the structure: then a network is an argument of `jax.jit`."""
    if not isinstance(given, Mapping):
        return given
    plain = lambda x: callable(x) and not isinstance(x, (eqx.Module, jax.tree_util.Partial))
    return {name: jax.tree_util.Partial(x) if plain(x) else x for name, x in given.items()}


class Population(eqx.Module):
    """`n` neurons of one kind. NEST: `Create`; Brian2: `NeuronGroup`; PyNN: `Population`.

    **Arguments:**

    - `neuron`: parameters of shape `()`, or `(n,)` where neurons differ. `n`: how many, static.
    - `ports`: synapse ports by name; `"E"` in a connection or drive means the only port, `"E.exc"` one of several.
    - `init`: initial values of state variables by name (`"v"`, `"exc.g"`): numbers, arrays of shape `(n,)`,
      distributions, or functions of a key. What is not named starts at rest.
    - `positions`: where neurons are, `(n, 2)` or `(n, 3)`, for connections that depend on distance (`Spatial`,
      `ByDistance`).

    A parameter may be a distribution, `LIF(tau=Normal(20.0, 2.0, lo=5.0))`: `network(...)` draws one number for each
    neuron, by its key, the population's name and the parameter's, so that other populations change nothing.
    """

    neuron: AbstractNeuron
    n: int = eqx.field(static=True, converter=lambda n: count(n, "Population.n", "a positive whole number of neurons"))
    ports: Ports = eqx.field(default_factory=lambda: {"in": Delta()})
    init: dict[str, Any] = eqx.field(default_factory=dict, converter=lambda given: _static_functions(given))
    positions: OptionalParam = param(None, unit="distance", optional=True, kw_only=True)

    def __repr__(self) -> str:
        return described(self)

    def __check_init__(self):
        if not isinstance(self.neuron, AbstractNeuron):
            raise ValueError(f"Population.neuron is {self.neuron!r}, expected a neuron such as LIF(...).")
        mapping(self.ports, "Population.ports", '{"in": Delta()}')
        mapping(self.init, "Population.init", '{"v": 0.0}')
        for name, port in self.ports.items():
            if not isinstance(port, AbstractSynapse) or not isinstance(name, str) or not name or "." in name:
                raise ValueError(f"Population.ports has {name!r}: {port!r}, expected a name without dots and a port.")
        at = jax.eval_shape(lambda: stand_in(self, (self.n,)).rest())
        for name, port in self.ports.items():
            if port.variable != "v" and port.variable not in children(at.neuron):
                raise ValueError(
                    f"Population.ports[{name!r}] adds to {port.variable!r}, which {type(self.neuron).__name__} does "
                    f"not have; expected one of {known(children(at.neuron))}."
                )
        for path, value in self.init.items():
            if not hasattr(found := get(self.named(at), path), "shape"):
                below = known(repr(f"{path}.{name}") for name in children(found))
                raise ValueError(f"Population.init has {path!r}, which is no variable; expected one below it: {below}.")
            self._check_range(path, value)
        where = self.positions
        if where is not None and where.shape not in ((self.n, 2), (self.n, 3)):
            raise ValueError(
                f"Population.positions has shape {where.shape}; expected ({self.n}, 2) or ({self.n}, 3), a place for "
                "each neuron."
            )
        check(
            where is None or (lambda: jnp.isfinite(where)),
            "Population.positions has NaN or infinities; expected finite coordinates.",
        )
        for keys, leaf in jax.tree_util.tree_leaves_with_path({"neuron": self.neuron, **self.ports}):
            if eqx.is_array(leaf) and leaf.shape not in ((), (self.n,)):
                name = jax.tree_util.keystr(keys, simple=True, separator=".")
                raise ValueError(
                    f"Population of {type(self.neuron).__name__}: {name} has shape {leaf.shape}; expected () or "
                    f"({self.n},), one number a neuron."
                )

    def prepared(self, dt: float) -> Population:
        """A copy with what parameters alone decide of a step of `dt` ms."""
        neuron = self.neuron.prepared(dt)
        return self if neuron is self.neuron else eqx.tree_at(lambda p: p.neuron, self, neuron)

    def drawn(self, key: Array) -> Population:
        """A copy in which every parameter that was given as a distribution is a number for each neuron."""
        return drawn(self, key, (self.n,))

    def _owner(self, path: str) -> tuple[AbstractNeuron | AbstractSynapse, str]:
        """What a state variable belongs to, and its name there."""
        head, _, rest = path.partition(".")
        return (self.ports[head], rest) if rest and head in self.ports else (self.neuron, path)

    def _check_range(self, path: str, value: Any) -> None:
        """An initial value that is known has to be within the range of its variable."""
        owner, variable = self._owner(path)
        low, high = owner.ranges.get(variable, (-math.inf, math.inf))
        if isinstance(value, AbstractDistribution):
            value = value.bounds()
        elif callable(value):
            return
        if value is None or not is_concrete(value):
            return
        given = np.asarray(unitless(value, f"Population.init[{path!r}]"))
        if given.dtype.kind not in "iufb":
            raise ValueError(
                f"Population.init[{path!r}] is {shown(value)}, expected a number, an array of them, a distribution or "
                "a function of a key."
            )
        if not np.all((given >= low) & (given <= high)):
            wrong = given[~((given >= low) & (given <= high))].flat[0]
            bounded = math.isfinite(low) or math.isfinite(high)
            wanted = (
                f"{low:g} to {high:g}, the range of {variable!r} of {type(owner).__name__}" if bounded else "a number"
            )
            raise ValueError(f"Population.init[{path!r}] is {wrong}; expected {wanted}.")

    def outside(self, state: PopulationState) -> Bool[Array, ""]:
        """Whether any state variable is out of its range."""
        bad = jnp.zeros((), bool)
        for owner, own in ((self.neuron, state.neuron), *((p, state.ports[name]) for name, p in self.ports.items())):
            for variable, (low, high) in owner.ranges.items():
                x = getattr(own, variable)
                bad |= ~jnp.all((x >= low) & (x <= high))
        return bad

    def requirements(self, dt: float) -> tuple[Requirement, ...]:
        """What has to hold for a step of `dt` ms."""
        neuron = self.neuron
        own = on_host(neuron).requirements_at(dt)
        if not (isinstance(neuron, AbstractODE) and explicit(neuron.integrator)):
            return own
        kind, stable = type(neuron.integrator).__name__, neuron.integrator.stable
        fastest = fastest_rate(neuron, self.ports, self.n)
        stiff = Requirement(
            lambda: dt * fastest <= stable,
            lambda: (
                f"{type(neuron).__name__} decays at {fastest:g} / ms (the fastest of its variables and ports), where "
                f"{kind}() is stable up to dt = {stable / fastest:.3g} ms; got dt = {dt:g} ms: take ExponentialEuler() "
                "or a shorter dt."
            ),
        )
        return (*own, stiff)

    def status(self, state: PopulationState) -> UInt32[Array, ""]:
        """Status bits of a run that ended in `state`."""
        status = self.neuron.status(state.neuron)
        for name, port in self.ports.items():
            if not port.signed:  # see `receive`
                for leaf in jax.tree.leaves(state.ports[name]):
                    status |= bit(Status.NEGATIVE_WEIGHT, jnp.isnan(leaf))
        return status

    def rest(self) -> PopulationState:
        """The silent state."""
        dtype = canonical_float()
        return PopulationState(
            self.neuron.init((self.n,), dtype),
            {name: port.init((self.n,), dtype) for name, port in self.ports.items()},
        )

    def start(self, key: Array) -> PopulationState:
        """The initial state: rest, but for the variables that `init` names, drawn with a key for each name."""
        state = self.rest()
        for path, value in self.init.items():
            key_of = _random.named_key(key, path)
            new = jnp.broadcast_to(draw(value, key_of, (self.n,), name=f"Population.init[{path!r}]"), (self.n,))
            head, _, rest = path.partition(".")
            if rest:
                port = state.ports[head]
                ports = {**state.ports, head: port._replace(**{rest: new.astype(getattr(port, rest).dtype)})}
                state = state._replace(ports=ports)
            else:
                neuron = state.neuron
                state = state._replace(neuron=neuron._replace(**{head: new.astype(getattr(neuron, head).dtype)}))
        return state

    def voltage(self, state: PopulationState) -> Array | None:
        """The membranes, as plasticity reads them; None where there are none."""
        return self.neuron.voltage(state.neuron)

    @staticmethod
    def named(state: PopulationState) -> dict[str, Any]:
        """State variables by name: the neuron's own, then a name for every port."""
        return {**state.ports, **children(state.neuron)}

    # --- the parts of a step, which the network's order calls -----------------------------------------------------

    def to_threshold(
        self,
        s: PopulationState,
        current: Array | None,
        arrivals: dict[str, Float[Array, " n"]] | None,
        dt: float,
        t: Array,
        *,
        ids: UInt32[Array, " n"] | None,
        stream: Array | None,
    ) -> tuple[PopulationState, Float[Array, " n"]]:
        """The first half of a step, and who fires: all that comes before the threshold. `arrivals`: None if later.

        `ids`: the numbers of the neurons, of which random numbers are a function, with the `stream`.
        """

        def half(population: Population, s: PopulationState, *rest: Any) -> tuple[PopulationState, Array]:
            current, arrivals, t, ids, stream = rest
            return population.first_half(s, current, arrivals, dt, t, ids=ids, stream=stream)

        def neurons(*args: Any) -> tuple[Any, Array]:
            s, spikes = half(*args)
            return s.neuron, spikes

        given = (self, s, current, arrivals, t, ids, stream)
        neuron, spikes = materialised(neurons, t, *given)
        # Ports have one user each and need no branch, nor do variables that ports add to: what arrives is added in the
        # same pass. (CUBA by equations, 4 000 neurons: 10.5 us a step, 11.6 with them in the branch.)
        plain = half(*given)[0]
        added = {port.variable for port in self.ports.values()} - {"v"}
        if added:
            neuron = neuron._replace(**{name: getattr(plain.neuron, name) for name in added})
        return plain._replace(neuron=neuron), spikes

    def first_half(
        self,
        s: PopulationState,
        current: Array | None,
        arrivals: dict[str, Float[Array, " n"]] | None,
        dt: float,
        t: Array,
        *,
        ids: UInt32[Array, " n"] | None = None,
        stream: Array | None = None,
    ) -> tuple[PopulationState, Float[Array, " n"]]:
        """A step up to the threshold, and the spikes, in plain operations, which `to_threshold` arranges for XLA."""
        s = self.advance(s, current, dt, t, ids=ids, stream=stream)
        s = s if arrivals is None else self.receive(s, arrivals, dt)
        return s, self.neuron.spike(s.neuron)

    def advance(
        self,
        s: PopulationState,
        current: Array | None,
        dt: float,
        t: Array,
        *,
        ids: UInt32[Array, " n"] | None = None,
        stream: Array | None = None,
    ) -> PopulationState:
        """Ports give the current of their state at `t_k` and decay; membranes move to `t_{k+1}`."""
        neuron, held = self.neuron, self.neuron.held(s.neuron)
        tau = neuron.membrane_tau
        v = getattr(s.neuron, "v", None)
        total = Current(jnp.zeros(self.n, canonical_float()) if current is None else current)
        if isinstance(neuron, AbstractODE) and neuron.integrator.joint and not neuron.noisy:
            return PopulationState(*integrated(neuron, s.neuron, self.ports, s.ports, total.a, dt))
        ports = {}
        for name, port in self.ports.items():
            old = s.ports[name]
            new, part = port.advance(old, v, dt, tau)
            if isinstance(port, UnlessRefractory) and held is not None:
                new = jax.tree.map(lambda a, b: jnp.where(held, a, b), old, new)  # used at once
            ports[name] = new
            total = total if part is None else total + part
        noise = None if stream is None or ids is None else neuron.numbers(stream, t, ids)
        return PopulationState(neuron.advance(s.neuron, total, dt, noise=noise), ports)

    def receive(
        self, s: PopulationState, arrivals: dict[str, Float[Array, " n"]], dt: float, *, fired: Array | None = None
    ) -> PopulationState:
        """Arrivals enter the ports; those that are jumps enter the membrane, or another variable."""
        held, ports = self.neuron.held(s.neuron), {}
        jumps: dict[str, Array] = {}
        for name, port in self.ports.items():
            arrived = arrivals[name]
            if not port.signed:  # sticky, and free: `status` finds it at the end of the run
                arrived = jnp.where(arrived < 0.0, jnp.nan, arrived)
            if isinstance(port, UnlessRefractory) and held is not None:
                arrived = jnp.where(held if fired is None else held | fired, 0.0, arrived)
            ports[name], part = port.receive(s.ports[name], arrived)
            if part is not None:
                jumps[port.variable] = jumps[port.variable] + part if port.variable in jumps else part
        neuron = s.neuron
        for variable, jump in jumps.items():
            neuron = self.neuron.add_to(neuron, variable, jump, dt, fired=fired)
        return PopulationState(neuron, ports)

    def reset(self, s: PopulationState, spikes: Float[Array, " n"], dt: float) -> PopulationState:
        """What firing does, and the bookkeeping that closes the step."""
        return s._replace(neuron=self.neuron.reset(s.neuron, spikes, dt))


def SpikeSource(n: int) -> Population:  # reads as the noun it makes
    """`n` neurons that fire exactly when a drive says so: an input layer. Same as a population of `Parrot`.

    What a drive feeds in step `k` is sent in step `k`; in `BrianOrder`, where arrivals come late in a step, in `k + 1`.
    """
    return Population(Parrot(), n)
