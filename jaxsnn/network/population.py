"""A population: `n` neurons of one kind with their synapse ports."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _random
from .._linear import Current
from .._once import written_once
from .._tree import children, get
from .._types import canonical_float
from ..distributions import draw
from ..dynamics import known
from ..neurons.base import AbstractNeuron
from ..neurons.readout import Relay
from ..synapses.base import AbstractSynapse
from ..synapses.delta import Delta
from ..synapses.refractory import UnlessRefractory


class PopulationState(NamedTuple):
    """The neurons' state and that of every port."""

    neuron: Any
    ports: dict[str, Any]


class Population(eqx.Module):
    """`n` neurons of one kind.

    **Arguments:**

    - `neuron`: parameters of shape `()`, or `(n,)` where neurons differ. `n`: how many, static.
    - `ports`: synapse ports by name; `"E"` in a link or drive means the only port, `"E.exc"` one of several.
    - `init`: initial values of state variables by name (`"v"`, `"exc.g"`): numbers, arrays of shape `(n,)`,
      distributions, or functions of a key. What is not named starts at rest.
    """

    neuron: AbstractNeuron
    n: int = eqx.field(static=True)
    ports: dict[str, AbstractSynapse] = eqx.field(default_factory=lambda: {"in": Delta()})
    init: dict[str, Any] = eqx.field(default_factory=dict)

    def __check_init__(self):
        if not isinstance(self.n, int) or self.n < 1:
            raise ValueError(f"Population.n is {self.n!r}, expected a positive whole number of neurons.")
        if not isinstance(self.neuron, AbstractNeuron):
            raise ValueError(f"Population.neuron is {self.neuron!r}, expected a neuron such as LIF(...).")
        for name, port in self.ports.items():
            if not isinstance(port, AbstractSynapse) or "." in name:
                raise ValueError(f"Population.ports has {name!r}: {port!r}, expected a name without dots and a port.")
        at = jax.eval_shape(lambda: self.rest())
        for path in self.init:
            if not hasattr(found := get(self.named(at), path), "shape"):
                below = known(repr(f"{path}.{name}") for name in children(found))
                raise ValueError(f"Population.init has {path!r}, which is no variable; expected one below it: {below}.")
        for leaf in jax.tree.leaves((self.neuron, self.ports)):
            if eqx.is_array(leaf) and leaf.shape not in ((), (self.n,)):
                raise ValueError(
                    f"A parameter of {type(self.neuron).__name__} or of its ports has shape {leaf.shape}; "
                    f"expected () or ({self.n},), one number a neuron."
                )

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
        stream: Array | None,
    ) -> tuple[PopulationState, Float[Array, " n"]]:
        """The first half of a step, and who fires: all that comes before the threshold. `arrivals`: None if later."""

        def half(population: Population, s: PopulationState, *rest: Any) -> tuple[PopulationState, Array]:
            current, arrivals, t, stream = rest
            s = population.advance(s, current, dt, t, stream=stream)
            s = s if arrivals is None else population.hear(s, arrivals, dt)
            return s, population.neuron.spike(s.neuron)

        def neurons(*args: Any) -> tuple[Any, Array]:
            s, spikes = half(*args)
            return s.neuron, spikes

        given = (self, s, current, arrivals, t, stream)
        neuron, spikes = written_once(neurons, t, *given)
        return half(*given)[0]._replace(neuron=neuron), spikes  # ports have one user each: they need no branch

    def advance(
        self, s: PopulationState, current: Array | None, dt: float, t: Array, *, stream: Array | None
    ) -> PopulationState:
        """Ports give the current of their state at `t_k` and decay; membranes move to `t_{k+1}`."""
        neuron, held = self.neuron, self.neuron.held(s.neuron)
        tau = neuron.membrane_tau
        v = getattr(s.neuron, "v", None)
        total = Current(jnp.zeros(self.n, canonical_float()) if current is None else current)
        ports = {}
        for name, port in self.ports.items():
            old = s.ports[name]
            new, part = port.advance(old, v, dt, tau)
            if isinstance(port, UnlessRefractory) and held is not None:
                new = jax.tree.map(lambda a, b: jnp.where(held, a, b), old, new)  # used at once
            ports[name] = new
            total = total if part is None else total + part
        noise = None if stream is None else _random.normal(stream, t, jnp.arange(self.n, dtype=jnp.uint32))
        return PopulationState(neuron.advance(s.neuron, total, dt, noise=noise), ports)

    def hear(
        self, s: PopulationState, arrivals: dict[str, Float[Array, " n"]], dt: float, *, fired: Array | None = None
    ) -> PopulationState:
        """Arrivals enter the ports; those that are jumps enter the membrane."""
        held, jump, ports = self.neuron.held(s.neuron), None, {}
        for name, port in self.ports.items():
            arrived = arrivals[name]
            if isinstance(port, UnlessRefractory) and held is not None:
                arrived = jnp.where(held if fired is None else held | fired, 0.0, arrived)
            ports[name], part = port.receive(s.ports[name], arrived)
            if part is not None:
                jump = part if jump is None else jump + part
        neuron = s.neuron if jump is None else self.neuron.kick(s.neuron, jump, dt, fired=fired)
        return PopulationState(neuron, ports)

    def reset(self, s: PopulationState, spikes: Float[Array, " n"], dt: float) -> PopulationState:
        """What firing does, and the bookkeeping that closes the step."""
        return s._replace(neuron=self.neuron.reset(s.neuron, spikes, dt))


def Source(n: int) -> Population:  # reads as the noun it makes
    """`n` neurons that fire exactly when a drive says so: an input layer. Same as a population of `Relay`.

    What a drive feeds in step `k` is sent in step `k`; in `BrianOrder`, where arrivals come late in a step, in `k + 1`.
    """
    return Population(Relay(), n)
